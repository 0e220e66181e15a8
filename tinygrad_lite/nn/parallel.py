"""`torch.nn.parallel`: `DataParallel` over the one device of a process; several processes."""

from __future__ import annotations

import sys
from typing import Any

from .distributed import DistributedDataParallel
from .module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]

__path__: list[str] = []  # PyTorch's files below this one have its names
for _name in ("data_parallel", "distributed"):
    sys.modules[f"{__name__}.{_name}"] = sys.modules[__name__]


class DataParallel(Module):
    """A module that PyTorch runs on several GPUs, a part of the batch on each; here it runs on one.

    Programs need it for its state dict, whose names begin with `module.` as PyTorch's do.

    Args:
        module: what is called.
        device_ids, output_device, dim: without effect.
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids = [] if device_ids is None else list(device_ids)[:1]
        self.output_device = output_device
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The module's output."""
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Any = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """The module's output for inputs (a tuple, or the only one), on the one device.

    Args:
        module: what is called.
        inputs: its arguments.
        device_ids, output_device, dim: without effect.
        module_kwargs: its arguments by name.
    """
    args = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*args, **(module_kwargs or {}))
