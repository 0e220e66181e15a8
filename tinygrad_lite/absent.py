"""Modules that programs import from PyTorch, often without using them, and that are not here.

Such a module can be imported, and so can any name in it. What a name stands for can be asked for
by `isinstance`, and subclassed; making or calling it says what is missing, and what there is
instead. `docs/pytorch.md` lists them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any

__all__ = ["MODULES", "Absent", "install", "stand_in"]

_ONE = "one process trains on one CPU or GPU"
_NO_TRACE = "there is no compiler: models run as Python"
MODULES: Mapping[str, str] = MappingProxyType(
    {
        "ao": "there are no quantised tensors",
        "distributed": _ONE,
        "distributed.optim": _ONE,
        "distributed.fsdp": _ONE,
        "export": _NO_TRACE + "; onnx.export writes them for others",
        "fx": _NO_TRACE,
        "hub": "nothing is downloaded but data sets; torch.load reads PyTorch's checkpoint files",
        "profiler": "see tinygrad_lite.debug.profile",
        "quantization": "there are no quantised tensors",
        "sparse": "there are no sparse tensors",
        "utils.checkpoint": "call the function itself: all that backward needs is kept",
        "utils.cpp_extension": "kernels are Python here, see backend/",
        "utils.tensorboard": "the package tensorboardX has the same SummaryWriter",
        "_dynamo": _NO_TRACE,
    }
)
"""What PyTorch has under these names, and what to know instead."""

_ANSWERS: Mapping[str, Any] = MappingProxyType(
    {"is_available": False, "is_initialized": False, "is_torchelastic_launched": False}
)


class _StandIn(type):
    """A class that none of the objects here is of, and that says so when one is to be made."""

    why: str

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(cls.why)


def stand_in(name: str, why: str) -> Any:
    """A class in place of something that is missing.

    Args:
        name: its dotted name, such as "nn.parallel.DistributedDataParallel".
        why: what there is instead.
    """
    message = f"torch.{name} is not in tinygrad_lite: {why}"
    made = _StandIn(name.rpartition(".")[2], (), {"why": message, "__doc__": message})
    made.__module__ = __name__
    return made


class Absent(ModuleType):
    """A module of stand-ins.

    Args:
        package: the package that it would be in.
        name: its dotted name there.
        why: what there is instead.
    """

    def __init__(self, package: str, name: str, why: str) -> None:
        super().__init__(f"{package}.{name}", f"PyTorch's torch.{name}, which is missing: {why}.")
        self.__path__: list[str] = []  # so that looking for a module in it ends here
        self._name, self._why = name, why

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if name in _ANSWERS:
            return lambda: _ANSWERS[name]
        made = stand_in(f"{self._name}.{name}", self._why)
        setattr(self, name, made)
        return made

    def __dir__(self) -> list[str]:
        return []


def install(package: str) -> None:
    """Let the modules of `MODULES` be imported from a package."""
    for name, why in MODULES.items():
        module = Absent(package, name, why)
        sys.modules[module.__name__] = module
        parent, _, last = module.__name__.rpartition(".")
        if isinstance(sys.modules.get(parent), Absent):
            setattr(sys.modules[parent], last, module)


# Names of PyTorch's that people look for at the top, and what to use instead.
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "vmap": "write the batch dimension out",
        "complex64": "there are no complex tensors",
        "complex128": "there are no complex tensors",
        "cfloat": "there are no complex tensors",
        "cdouble": "there are no complex tensors",
        "complex": "there are no complex tensors",
        "view_as_complex": "there are no complex tensors",
        "view_as_real": "there are no complex tensors",
        "polar": "there are no complex tensors",
        "quantize_per_tensor": "there are no quantised tensors",
        "sparse_coo_tensor": "there are no sparse tensors",
        "sparse_csr_tensor": "there are no sparse tensors",
        "uint16": "use int32",
        "uint32": "use int64",
        "uint64": "use int64",
    }
)


def message(module: str, name: str, names: list[str]) -> str:
    """What to say of a name that a module does not have: that it is missing, and what is near.

    Args:
        module: its name.
        name: what was asked for.
        names: what it has.
    """
    import difflib

    said = f"module {module!r} has no attribute {name!r}"
    if name.startswith("_"):
        return said
    near = difflib.get_close_matches(name, names, 3, 0.75)
    hint = _INSTEAD.get(name) or (f"nearest: {', '.join(near)}" if near else "")
    return f"{said}: it is missing here, if PyTorch has it{f'; {hint}' if hint else ''}"
