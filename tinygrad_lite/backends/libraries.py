"""The libraries of PyTorch's that are not here, as modules: `torch.backends.mkldnn` and its kin.

Programs ask whether they are there, and set their switches: those are kept, without effect.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType, ModuleType
from typing import Any

from ..absent import explain

__all__ = ["LIBRARIES", "make"]

_FLAG = {"enabled": False}
_MHA = {"fastpath": False}
LIBRARIES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "cpu": {},
        "cusparselt": {},
        "kleidiai": {},
        "mha": {},
        "miopen": {"immediate": False},
        "mkl": {"enabled": False, "VERBOSE_OFF": 0, "VERBOSE_ON": 1},
        "mkldnn": {
            **{"enabled": False, "deterministic": False, "allow_tf32": False},
            **{"VERBOSE_OFF": 0, "VERBOSE_ON": 1, "VERBOSE_ON_CREATION": 2},
        },
        "nnpack": _FLAG,
        "openmp": {},
        "opt_einsum": {"enabled": False, "strategy": None},
        "quantized": {"engine": "none", "supported_engines": ["none"]},
        "xnnpack": _FLAG,
    }
)
"""Each with its switches, and what they are."""


def is_available() -> bool:
    """False: PyTorch's own libraries for the CPU are not here."""
    return False


class verbose:
    """A `with` block in which a library would say what it does; without effect.

    Args:
        enable: how much it would say.
    """

    def __init__(self, enable: int) -> None:
        self.enable = enable

    def __enter__(self) -> verbose:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def get_cpu_capability() -> str:
    """Which instructions kernels of ours were compiled for: none, they are NumPy's."""
    return "DEFAULT"


def get_fastpath_enabled() -> bool:
    """What `set_fastpath_enabled` was told last: attention and encoders have one path here."""
    return _MHA["fastpath"]


def set_fastpath_enabled(value: bool) -> None:
    """Keep it; without effect."""
    _MHA["fastpath"] = bool(value)


def _nothing() -> None:
    """None, for it is not used."""


def _setting(module: ModuleType) -> tuple[Any, Any]:
    """`set_flags` and `flags` of a module's switches."""
    switches = [name for name in vars(module) if name.islower() and not name.startswith("_")]

    def set_flags(*values: Any, **named: Any) -> tuple[Any, ...]:
        """Set the switches, in their order, and return what they were."""
        before = tuple(getattr(module, name) for name in switches)
        vars(module).update({**dict(zip(switches, values, strict=False)), **named})
        return before

    @contextmanager
    def flags(*values: Any, **named: Any) -> Iterator[None]:
        """A `with` block with these switches."""
        before = set_flags(*values, **named)
        try:
            yield
        finally:
            set_flags(*before)

    return set_flags, flags


def make(package: str, name: str) -> ModuleType:
    """The module of a library, which can be imported from then on."""
    module: Any = ModuleType(f"{package}.{name}", f"PyTorch's torch.{name}, which is not here.")
    vars(module).update(LIBRARIES[name])
    if LIBRARIES[name] and name != "quantized":
        module.set_flags, module.flags = _setting(module)
    if name in ("mkl", "mkldnn"):
        module.verbose = verbose
    if name == "cpu":
        module.get_cpu_capability = get_cpu_capability
    elif name == "mha":
        module.get_fastpath_enabled = get_fastpath_enabled
        module.set_fastpath_enabled = set_fastpath_enabled
    else:
        module.is_available = is_available
    if name == "cusparselt":
        module.version = module.get_max_alg_id = _nothing
    if name == "mkldnn":
        module.is_acl_available = is_available
    sys.modules[module.__name__] = module
    explain(module.__name__)
    return module  # type: ignore[no-any-return]
