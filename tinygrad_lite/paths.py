"""Paths that programs import PyTorch's names by, where this library has no file of that name.

`torch.cuda.memory` has what `cuda` has, `torch.utils.data._utils.collate` what `data.collate` has.
Such a module is made when it is first asked for, by an `import` or as an attribute.

PyTorch's modules also have the names that they import for themselves, and editors complete those:
many programs begin with `from torch.functional import F` or `from torch import math`. Such a name
is looked up when it is asked for; it is in no listing and in no `import *`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Mapping
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import MappingProxyType, ModuleType
from typing import Any

from .alias import keep

__all__ = ["PATHS", "Elsewhere", "find", "install"]

_TARGETS: Mapping[str, str] = MappingProxyType(
    {
        "accelerator": "accelerator.memory",
        "amp": "amp.autocast_mode",
        "backends.cudnn": "backends.cudnn.rnn",
        "cpu.amp": "cpu.amp.autocast_mode cpu.amp.grad_scaler",
        "autograd": "autograd.anomaly_mode autograd.grad_mode autograd.variable",
        "cuda": "cuda.memory cuda.random cuda.streams",
        "cuda.amp": "cuda.amp.autocast_mode cuda.amp.common cuda.amp.grad_scaler",
        "data.collate": "utils.data._utils.collate utils.data._utils.pin_memory",
        "data.fetch": "utils.data._utils.fetch",
        "data.worker": "utils.data._utils.worker",
        "distributed": "distributed.constants distributed.distributed_c10d",
        "distributions": "distributions.chi2 distributions.fishersnedecor distributions.log_normal "
        "distributions.studentT distributions.exp_family distributions.lkj_cholesky",
        "nn.attention_bias": "nn.attention.bias",
        "nn.module": "nn.modules._functions",
        "linalg": "_linalg_utils _lobpcg",
        "multiprocessing": "multiprocessing.spawn",
        "nn.utils": "nn.utils.init",
        "onnx": "onnx.utils onnx.errors",
        "optim": "optim._adafactor optim._multi_tensor optim._muon optim.sparse_adam",
        "optim.adam": "optim.adamw",
        "nn.utils.stateless": "optim._stateless",
        "profiler": "profiler.profiler",
        "utils.tensorboard": "utils.tensorboard.writer",
        "signal.windows": "signal.windows.windows",
        "tensor": "_tensor",
        "tensor.lowrank": "_lowrank",
        "tensor.printing": "_tensor_str",
        "tensor.storages": "storage",
        "utils.benchmark": "utils.benchmark.utils utils.benchmark.utils.common "
        "utils.benchmark.utils.compare utils.benchmark.utils.timer",
        "utils.data": "utils.data._utils",
        "vectorize": "_vmap_internals",
        "version": "torch_version",
    }
)
PATHS: Mapping[str, str] = MappingProxyType(
    {path: target for target, paths in _TARGETS.items() for path in paths.split()}
)
"""For each such path, the module that has its names; all without the package's name."""
FILES = frozenset(
    "__config__ __future__ _utils autograd.forward_ad autograd.graph autograd.profiler "
    "nn.common_types nn.grad return_types serialization utils._foreach_utils utils.model_zoo "
    "utils.deterministic".split()
)
"""Modules that there are, and that are loaded when they are first asked for."""

_BORROWED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "F": (".nn.functional", "functional nn.modules.* distributions.utils"),
        "Size": (".Size", "nn.modules.* types"),
        "Tensor": (".Tensor", "functional nn.functional nn.modules.* optim.lr_scheduler"),
        "Sampler": (".utils.data.Sampler", "data.loader"),
        "PackedSequence": (".nn.utils.rnn.PackedSequence", "nn.modules.*"),
        "broadcast_all": (".distributions.utils.broadcast_all", "distributions.normal"),
        "constant_": (".nn.init.constant_", "nn.modules.*"),
        "constraints": (".distributions.constraints", "distributions.normal"),
        "default_generator": (".default_generator", "data.dataset"),
        "xavier_normal_": (".nn.init.xavier_normal_", "nn.modules.*"),
        "xavier_uniform_": (".nn.init.xavier_uniform_", "nn.modules.*"),
        "torch": (
            "",
            "autograd autograd.function autograd.functional cuda distributions.categorical "
            "distributions.normal functional nn.functional nn.init nn.modules.* nn.parameter "
            "nn.utils.rnn optim.optimizer serialization data.loader data.sampler",
        ),
        "functools": ("functools", "torch nn.modules.* data.loader"),
        "math": ("math", "torch nn.functional nn.modules.* distributions.normal"),
        "os": ("os", "torch cuda data.loader"),
        "sys": ("sys", "torch serialization"),
        "warnings": ("warnings", "torch cuda nn.functional nn.modules.* optim.lr_scheduler"),
    }
)
"""What PyTorch's modules have of others: the name, where it is (with a dot before it, in this
package), and which modules have it ("torch": the package; "nn.modules.*": each of those files)."""


class Elsewhere(ModuleType):
    """A module whose names are another's.

    Args:
        package: the package that both are in.
        name: its dotted name there.
        target: the other's.
    """

    def __init__(self, package: str, name: str, target: str) -> None:
        super().__init__(f"{package}.{name}", f"PyTorch's torch.{name}: see {package}.{target}.")
        self.__path__: list[str] = []  # so that looking for a file in it ends here
        self._target = f"{package}.{target}"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return find(self.__name__, name) or getattr(import_module(self._target), name)

    def __dir__(self) -> list[str]:
        return dir(import_module(self._target))


class _Finder:
    """An import finder, asked where there is no file: it makes the modules of `PATHS`, and others.

    Args:
        package: whose modules it finds.
        others: the dotted names of further ones, below which there is anything.
        make: makes one of those.
    """

    def __init__(
        self, package: str, others: Container[str], make: Callable[[str], ModuleType]
    ) -> None:
        self._package, self._others, self._make = package, others, make

    def knows(self, fullname: str) -> bool:
        """Whether there is such a module."""
        package, _, name = fullname.partition(".")
        if package != self._package or name in PATHS:
            return package == self._package
        while name and name not in self._others:
            name = name.rpartition(".")[0]
        return bool(name)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """The spec of such a module; else None."""
        return ModuleSpec(fullname, self) if self.knows(fullname) else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module."""
        name = spec.name.partition(".")[2]
        if name in PATHS:
            return Elsewhere(self._package, name, PATHS[name])
        return self._make(name)

    def exec_module(self, module: ModuleType) -> None:
        """It is made whole already."""
        keep(*module.__name__.rpartition(".")[::2])


def install(package: str, others: Container[str], make: Callable[[str], ModuleType]) -> None:
    """Let the modules of `PATHS` be imported from a package, and others that `make` makes."""
    sys.meta_path.append(_Finder(package, others, make))


def find(module: str, name: str) -> Any:
    """The module of such a path, or of `FILES`, imported; or what `module` has of another.

    Args:
        module: who is asked, with the package's name.
        name: for what.

    Returns:
        None if `module.name` is none of these.
    """
    whole = f"{module}.{name}"
    known = whole.partition(".")[2] in FILES or any(
        isinstance(finder, _Finder) and finder.knows(whole) for finder in sys.meta_path
    )
    return import_module(whole) if known else _borrowed(module, name)


def _borrowed(module: str, name: str) -> Any:
    """What PyTorch's module of that name imports for itself; None of any other."""
    package, _, inner = module.partition(".")
    source, owners = _BORROWED.get(name, ("", ""))
    owner = "nn.modules.*" if inner.startswith("nn.modules.") else inner or "torch"
    if owner not in owners.split():
        return None
    first, *rest = source.split(".")
    found: Any = import_module(first or package)
    for part in rest:
        found = getattr(found, part)
    return found
