"""Modules that programs import from PyTorch, often without using them, and that are not here.

Such a module can be imported, and so can any name in it. What a name stands for can be asked for
by `isinstance`, and subclassed; making or calling it says what is missing, and what there is
instead. `docs/pytorch.md` lists them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import ContextDecorator
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from . import paths
from .reasons import IMPORTED, INSTEAD, METHODS, MODULES, NAMED

T = TypeVar("T", bound=type)

__all__ = [
    "IMPORTED",
    "INSTEAD",
    "METHODS",
    "MODULES",
    "NAMED",
    "Absent",
    "MissingAttribute",
    "MissingName",
    "explain",
    "explain_below",
    "install",
    "lacks",
    "lookup",
    "stand_in",
    "without",
]

_PACKAGES = frozenset([name.rpartition(".")[0] for name in (*MODULES, *paths.PATHS)])
"""Modules that have such a module below them, or a path of `paths.py`."""

_DECORATORS = (
    *("allow_in_graph", "assume_constant_result", "disable", "disallow_in_graph"),
    *("dont_skip_tracing", "forbid_in_graph", "nonstrict_trace", "parse_args", "wrap"),
    "_require_initialized",
)
"""Names in them that tell a compiler how to treat a function: it stays as it is."""


def _same(function: Any = None, *args: Any, **kwargs: Any) -> Any:
    return function if callable(function) else _same


_ANSWERS: Mapping[str, Any] = MappingProxyType(
    {
        **dict.fromkeys(("is_available", "is_initialized", "is_torchelastic_launched"), False),
        **dict.fromkeys(
            ("is_compiling", "is_exporting", "_is_in_bad_fork", "_are_functorch_transforms_active"),
            False,
        ),
        **dict.fromkeys(("empty_cache", "manual_seed_all", "reset", "set_logs"), None),
        **dict.fromkeys(
            ("graph_break", "mark_dynamic", "mark_static", "mark_static_address"), None
        ),
        **dict.fromkeys(("_log_api_usage_once", "maybe_mark_dynamic"), None),
        "is_compile_supported": True,  # compile gives the function back
        "_get_tracing_state": None,
        **dict.fromkeys(("get_proxy_mode", "is_fake"), None),
        "device_count": 0,
    }
)
"""What functions in them return that programs call whether or not the module is of use."""

_PRESENT: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("_C.DisableTorchFunction", "_C.DisableTorchFunctionSubclass"),
        "overrides.DisableTorchFunctionSubclass",
    )
    | {
        "_C._disabled_torch_function_impl": "tensor.subclass.disabled",
        "_C._nn._parse_to": "tensor.convert.parse_to",
        "_grouped_mm": "nn.functional.grouped_mm",
        "_sample_dirichlet": "distributions.dirichlet.sample_dirichlet",
        "ops.load_library": "library.load_library",
        "classes.load_library": "library.load_library",
    }
)
"""Names in them, and in modules of other purpose, that are here under others, with the module's."""

_NOTES = ("DispatchKeySet", "Partial", "Replicate", "Shard")
"""Classes in them that programs make when they are imported: how a tensor would be split, or of
what kind operations would be."""


class _Note:
    """What such a class was given; it answers nothing."""

    def __init__(self, *args: Any) -> None:
        self._args = args

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._args == self._args

    def __or__(self, other: Any) -> Any:
        return type(self)(*self._args, *other._args)

    def __hash__(self) -> int:
        return hash((type(self), self._args))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._args))})"


class _Block(ContextDecorator):
    """A `with` block, or decorator, without effect."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


_BLOCKS = ("_ExcludeDispatchKeyGuard", "disable_cache_limit", "patch")
"""Functions in them whose `with` block, or decorated function, has settings of a compiler."""

_SETTINGS = ("_jit_set_", "_jit_override_", "_set_graph_executor")
"""How functions begin that set something of a compiler: they do nothing."""


def _known(name: str) -> Any:
    """A function that programs call whether or not its module is of use, or None."""
    if name in _ANSWERS or name.startswith(_SETTINGS):
        return lambda *args, **kwargs: _ANSWERS.get(name)
    if name in _BLOCKS:
        return lambda *args, **kwargs: _Block()
    return _same if name in _DECORATORS else None


def _present(whole: str) -> Any:
    """What is here under another name; None if nothing is."""
    module, _, name = _PRESENT.get(whole, "").rpartition(".")
    return getattr(import_module(f"{__package__}.{module}"), name) if name else None


class _StandIn(type):
    """A class without instances: making one raises, and says what there is instead."""

    why: str

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(cls.why)

    def __getitem__(cls, item: Any) -> Any:
        """Itself, in annotations such as `RRef[int]`."""
        return cls

    def __getattr__(cls, name: str) -> Any:
        """What would be in it, if it is a module: missing for the same reason."""
        if name.startswith("__") or cls.__module__ != __name__:  # a user's subclass has its own
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        if known := _known(name):
            return known
        whole, _, reason = cls.why.removeprefix("torch.").partition(" is not in tinygrad_lite: ")
        found = _present(f"{whole}.{name}")
        return stand_in(f"{whole}.{name}", reason) if found is None else found


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
        if known := _known(name):
            return known
        whole = f"{self._name}.{name}"
        if (found := _present(whole)) is not None:
            return found
        made: Any = type(name, (_Note,), {}) if name in _NOTES else stand_in(whole, self._why)
        setattr(self, name, made)
        return made

    def __dir__(self) -> list[str]:
        return []


def install(package: str) -> None:
    """Let the modules of `MODULES` be imported from a package, and the paths of `paths.py`."""

    def make(name: str) -> Absent:
        above = name
        while above not in MODULES:  # below a missing module all is missing
            above = above.rpartition(".")[0]
        return Absent(package, name, MODULES[above])

    paths.install(package, MODULES, make)


class MissingName(AttributeError):
    """An attribute that is not here: what is near is looked for when the message is read.

    Args:
        owner: who lacks it, such as "module 'tinygrad_lite.nn'".
        name: what was asked for.
        names: gives what there is.
    """

    def __init__(self, owner: str, name: str, names: Callable[[], Iterable[str]]) -> None:
        super().__init__(owner, name)
        self._names = names

    def why(self) -> str:
        """That it is missing, and what is near; of a private name nothing."""
        name = self.args[1]
        if name.startswith("_"):
            return ""
        import difflib  # here, because few ever need it

        near = difflib.get_close_matches(name, list(self._names()), 3, 0.75)
        hint = INSTEAD.get(name) or (f"nearest: {', '.join(near)}" if near else "")
        return f": it is missing here, if PyTorch has it{f'; {hint}' if hint else ''}"

    def __str__(self) -> str:
        owner, name = self.args
        return f"{owner} has no attribute {name!r}{self.why()}"

    def __reduce__(self) -> Any:
        return AttributeError, (str(self),)


_NAMED_HERE: dict[str, Any] = {}


def lookup(module: str, name: str, names: Callable[[], Iterable[str]]) -> Any:
    """What a module answers for a name that it has not: the module of a path (`paths.py`), or a
    stand-in for one of `NAMED`, or of `IMPORTED` if it is imported.

    Args:
        module: who is asked.
        name: for what.
        names: gives what there is.

    Raises:
        MissingName: there is neither.
        ImportError: the same, of `from module import name`: Python's own would not say why.
    """
    if (found := paths.find(module, name)) is not None:
        return found
    whole = f"{module}.{name}".partition(".")[2]
    if (found := _present(whole)) is not None:
        return found
    if whole in NAMED:  # kept, but not in the module, whose names are those that it has
        return _NAMED_HERE.get(whole) or _NAMED_HERE.setdefault(
            whole, stand_in(whole, NAMED[whole])
        )
    missing = MissingName(f"module {module!r}", name, names)
    if name.startswith("_") or not _is_imported():
        raise missing
    if whole in IMPORTED:
        return stand_in(whole, IMPORTED[whole])
    raise ImportError(f"cannot import name {name!r} from {module!r}{missing.why()}")


def _is_imported() -> bool:
    """Whether the name of a `from … import name` outside of the package is asked for now."""
    frame: Any = sys._getframe()
    package = __name__.partition(".")[0]
    while frame and str(frame.f_globals.get("__name__")).partition(".")[0] == package:
        frame = frame.f_back
    if frame is None or frame.f_lasti < 0:
        return False
    from opcode import opmap  # here, because few ever need it

    return bool(frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"])


class MissingAttribute:
    """A method of PyTorch's tensors that is not here, and says so.

    Not by `__getattr__`: with one, Python 3.11 reads every attribute of a tensor at five times
    the cost. (hasattr() is False; what a program sets on its own tensor under this name is read.)
    """

    def __init__(self, owner: str, name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, instance: Any, kind: Any = None) -> Any:
        raise MissingName(self._owner, self._name, lambda: self._others(kind))

    def _others(self, kind: Any) -> Iterable[str]:
        known = {
            name: value for base in reversed(kind.__mro__) for name, value in vars(base).items()
        }
        return [name for name, value in known.items() if not isinstance(value, MissingAttribute)]


def without(owner: type) -> None:
    """Give a class a stand-in for each of `METHODS`, which raises and says that it is missing."""
    for name in METHODS:
        if not hasattr(owner, name):
            setattr(owner, name, MissingAttribute(owner.__name__, name))


def lacks(names: str) -> Callable[[T], T]:
    """A decorator of a class: which attributes PyTorch's has that it lacks, and says so of."""

    def without_these(owner: T) -> T:
        for name in names.split():
            setattr(owner, name, MissingAttribute(owner.__name__, name))
        return owner

    return without_these


def explain_below(package: str) -> None:
    """`explain` for a package and for each module of it that was imported, at the package's end."""
    for name in [*sys.modules]:
        if name == package or name.startswith(f"{package}."):
            explain(name)


def explain(module: str) -> None:
    """Give a module a `__getattr__` whose error says that a name is missing, and which are similar.

    Called at the end of the module, so that a type checker knows nothing of it.
    """
    here = sys.modules[module]
    if hasattr(type(here), "__getattr__"):  # it says so by itself
        return
    listing = vars(here).get("__dir__")
    if module.partition(".")[2] in _PACKAGES:  # its paths below are looked for
        vars(here).setdefault("__path__", [])

    def names() -> Iterable[str]:
        return listing() if listing else vars(here).get("__all__") or dir(here)

    def __getattr__(name: str) -> Any:
        return lookup(module, name, names)

    vars(here).setdefault("__getattr__", __getattr__)
