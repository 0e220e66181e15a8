"""`torch.utils.hooks`: the handle that registering a hook returns."""

from ..nn.module.hooks import RemovableHandle

__all__ = ["RemovableHandle"]
