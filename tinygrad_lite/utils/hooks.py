"""`torch.utils.hooks`: the handle that registering a hook returns."""

from ..absent import explain as _explain
from ..nn.module.hooks import RemovableHandle

__all__ = ["RemovableHandle"]


_explain(__name__)
