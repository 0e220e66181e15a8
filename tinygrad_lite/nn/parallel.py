"""`torch.nn.parallel`: `DataParallel` over the one device of a process; several processes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..absent import explain as _explain
from ..tensor import Tensor
from ..tensor.concatenate import cat
from .distributed import DistributedDataParallel
from .module import Module

__all__ = [
    "DataParallel",
    "DistributedDataParallel",
    "data_parallel",
    "gather",
    "parallel_apply",
    "replicate",
    "scatter",
]

__path__: list[str] = []  # PyTorch's files below this one have its names
for _name in ("data_parallel", "distributed", "parallel_apply", "replicate", "scatter_gather"):
    sys.modules[f"{__name__}.{_name}"] = sys.modules[__name__]


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> list[Any]:
    """A part of each tensor for each device, in copies of what holds them.

    Args:
        inputs: a tensor, or tuples, lists and dicts of them; anything else goes to all.
        target_gpus: the devices, of which a process has one: it may be named several times.
        dim: the dimension that is cut.
    """

    def parts(value: Any) -> list[Any]:
        if isinstance(value, Tensor):
            cut = value.chunk(len(target_gpus), dim)
            return [p.to(device) for p, device in zip(cut, target_gpus, strict=False)]
        if isinstance(value, dict) and value:
            return [type(value)(zip(value, p, strict=True)) for p in turned(value.values())]
        if hasattr(value, "_fields"):
            return [type(value)(*p) for p in turned(value)]
        if isinstance(value, tuple | list) and value:
            return [type(value)(p) for p in turned(value)]
        return [value for _ in target_gpus]

    def turned(values: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        return zip(*map(parts, values), strict=False)  # a short tensor has a part for fewer

    return parts(inputs)


def scatter_kwargs(
    inputs: Any, kwargs: dict[str, Any] | None, target_gpus: Sequence[Any], dim: int = 0
) -> tuple[tuple[Any, ...], tuple[dict[str, Any], ...]]:
    """`scatter` of the arguments of a call: for each device the tuple and the dict."""
    args = scatter(inputs, target_gpus, dim) if inputs else []
    words = scatter(kwargs, target_gpus, dim) if kwargs else []
    count = max(len(args), len(words))
    args += [()] * (count - len(args))
    words += [{}] * (count - len(words))
    return tuple(args), tuple(words)


def gather(outputs: Sequence[Any], target_device: Any, dim: int = 0) -> Any:
    """The parts of `scatter` joined again, on one device; 0-d tensors become a vector."""
    first = outputs[0]
    if isinstance(first, Tensor):
        parts = [(x if x.ndim else x[None]).to(target_device) for x in outputs]
        return cat(parts, dim)
    if first is None:
        return None
    if isinstance(first, dict):
        return type(first)((k, gather([o[k] for o in outputs], target_device, dim)) for k in first)
    joined = (gather(parts, target_device, dim) for parts in zip(*outputs, strict=True))
    return type(first)(*joined) if hasattr(first, "_fields") else type(first)(joined)


def replicate(network: Module, devices: Sequence[Any], detach: bool = False) -> list[Module]:
    """A module for each device, with the same parameters: on one device the module itself."""
    return [network for _ in devices]


def parallel_apply(
    modules: Sequence[Any],
    inputs: Sequence[Any],
    kwargs_tup: Sequence[dict[str, Any]] | None = None,
    devices: Sequence[Any] | None = None,
) -> list[Any]:
    """What each module gives of its inputs (a tuple, or the only one), one after another.

    Raises:
        ValueError: another number of inputs than of modules.
    """
    words = [{}] * len(modules) if kwargs_tup is None else kwargs_tup
    given = [x if isinstance(x, tuple | list) else (x,) for x in inputs]
    return [m(*args, **kw) for m, args, kw in zip(modules, given, words, strict=True)]


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

    def replicate(self, module: Module, device_ids: Sequence[Any]) -> list[Module]:
        """See the function of that name; likewise the following."""
        return replicate(module, device_ids)

    def scatter(self, inputs: Any, kwargs: dict[str, Any] | None, device_ids: Any) -> Any:
        """`scatter_kwargs` along this one's dimension."""
        return scatter_kwargs(inputs, kwargs, device_ids, self.dim)

    def parallel_apply(self, replicas: Sequence[Any], inputs: Any, kwargs: Any) -> list[Any]:
        """What each replica gives of its inputs."""
        return parallel_apply(replicas, inputs, kwargs)

    def gather(self, outputs: Any, output_device: Any) -> Any:
        """The outputs joined along this one's dimension."""
        return gather(outputs, output_device, self.dim)


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


_explain(__name__)
