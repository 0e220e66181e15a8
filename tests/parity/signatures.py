"""What PyTorch's functions are called with, beside what ours are.

`signatures` finds the ways in which PyTorch's version of a public name may be called: Python's own
signature, or the stubs of what is written in C++. `differences` says what ours does not take: an
argument by position, by keyword, or its default.
"""

from __future__ import annotations

import ast
import enum
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch

import tinygrad_lite

EMPTY = inspect.Parameter.empty
UNKNOWN = object()  # a default that cannot be compared
BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
BY_PLACE = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
OPEN = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

# What has no meaning here: memory given for results, layouts, compilers, named dimensions.
NOT_HERE = frozenset(
    "out out_dtype layout pin_memory memory_format names orig_func pickle_module "
    "pickle_protocol _use_new_zipfile_serialization _disable_byteorder_record mmap".split()
)


def public() -> Iterator[tuple[str, Any, Any]]:
    """(dotted name, ours, PyTorch's) of every public function, class and method both have."""
    places = [
        "",
        "autograd",
        "nn",
        "nn.functional",
        "nn.init",
        "nn.utils",
        "nn.utils.rnn",
        "nn.utils.parametrize",
        "nn.utils.parametrizations",
        "optim",
        "optim.lr_scheduler",
        "utils.data",
        "amp",
        "cuda",
    ]
    for place in places:
        ours, theirs = _find(tinygrad_lite, place), _find(torch, place)
        for name in dir(ours):
            if name.startswith("_") or not hasattr(theirs, name):
                continue
            a, b = getattr(ours, name), getattr(theirs, name)
            if place and getattr(tinygrad_lite, name, None) is a:
                continue
            if not callable(a) or not _own(a) or not callable(b):
                continue
            dotted = f"{place}.{name}" if place else name
            if not isinstance(a, type):
                yield dotted, a, b
                continue
            if name not in ("Tensor", "device") and not issubclass(a, BaseException):
                yield dotted, a, b
            yield from _methods(dotted, a, b)


def _methods(dotted: str, ours: type, theirs: Any) -> Iterator[tuple[str, Any, Any]]:
    for name in dir(ours):
        a, b = getattr(ours, name, None), getattr(theirs, name, None)
        if name.startswith("_") or not callable(a) or not callable(b) or isinstance(a, type):
            continue
        defined = next((k for k in ours.__mro__ if name in k.__dict__), ours)
        if defined.__module__.startswith("tinygrad_lite") and (
            defined is ours or dotted == "Tensor"
        ):
            yield f"{dotted}.{name}", a, b


def _own(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).startswith("tinygrad_lite")


def _find(module: Any, place: str) -> Any:
    for part in place.split(".") if place else ():
        module = getattr(module, part)
    return module


def signatures(dotted: str, function: Callable[..., Any]) -> list[inspect.Signature]:
    """The ways in which PyTorch's version may be called; none if nobody says."""
    if dotted.startswith("Tensor."):
        found = _stub("_C/__init__.pyi", "TensorBase").get(dotted.split(".")[1])
        if found:
            return found
    name = dotted.rpartition(".")[2]
    try:
        return [inspect.signature(function)]
    except (ValueError, TypeError):
        pass
    for file in ("_C/_VariableFunctions.pyi", "nn/functional.pyi", "_C/_nn.pyi", "_C/__init__.pyi"):
        found = _stub(file, "").get(name)
        if found:
            return found
    return []


@cache
def _stub(file: str, cls: str) -> dict[str, list[inspect.Signature]]:
    tree = ast.parse((Path(torch.__file__).parent / file).read_text(encoding="utf-8"))
    body: list[ast.stmt] = tree.body
    if cls:
        body = next(n.body for n in body if isinstance(n, ast.ClassDef) and n.name == cls)
    found: dict[str, list[inspect.Signature]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(_signature(node.args))
    return found


def _signature(args: ast.arguments) -> inspect.Signature:
    out = []
    places = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(places) - len(args.defaults)) + list(args.defaults)
    for arg, default in zip(places, defaults, strict=True):
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        if arg in args.posonlyargs:
            kind = inspect.Parameter.POSITIONAL_ONLY
        out.append(inspect.Parameter(arg.arg, kind, default=_literal(default)))
    if args.vararg:
        out.append(inspect.Parameter(args.vararg.arg, inspect.Parameter.VAR_POSITIONAL))
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        out.append(
            inspect.Parameter(arg.arg, inspect.Parameter.KEYWORD_ONLY, default=_literal(default))
        )
    return inspect.Signature(out)


def _literal(node: ast.expr | None) -> Any:
    if node is None:
        return EMPTY
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return UNKNOWN
    return UNKNOWN if value is ... else value


def differences(dotted: str, ours: Any, theirs: Any) -> Iterator[str]:
    """What a way of calling PyTorch's version says that ours does not take.

    Of several ways (`sum(x)`, `sum(x, dim)`), ours may follow any: in the name of a position and in
    a default; every keyword of each must be taken.
    """
    mine = inspect.signature(ours)
    ways = [w for w in signatures(dotted, theirs) if not _deprecated(w)]
    own = mine.parameters
    open_places = any(p.kind == OPEN[0] for p in own.values())
    open_names = any(p.kind == OPEN[1] for p in own.values())
    places = [p.name for p in own.values() if p.kind in BY_PLACE]
    kept = [[p for p in w.parameters.values() if not _absent(p, own)] for w in ways]
    by_place = [[p.name for p in way if p.kind in BY_PLACE] for way in kept]
    for n in range(max(map(len, by_place), default=0)):
        names = {way[n] for way in by_place if len(way) > n}
        if n >= len(places):
            if not open_places:
                yield f"takes no {' or '.join(sorted(names))} by position {n}"
        elif places[n] not in names and not (n == 0 and names & {"self", "input", "cls"}):
            yield f"position {n} is {places[n]}, not {' or '.join(sorted(names))}"
    defaults: dict[str, list[Any]] = {}
    for way in kept:
        for p in way:
            if p.kind in BY_NAME and p.name not in ("self", "cls"):
                defaults.setdefault(p.name, []).append(p.default)
    for name, found in defaults.items():
        same = own.get(name)
        if same is None or same.kind not in BY_NAME:
            if not open_names:
                yield f"takes no {name}="
        elif not any(d is UNKNOWN or _equal(same.default, d) for d in found):
            yield f"{name}={_text(same.default)}, not {_text(found[0])}"


def _absent(p: inspect.Parameter, own: Any) -> bool:
    return p.name in NOT_HERE and p.name not in own


def _deprecated(way: inspect.Signature) -> bool:
    """`add(x, alpha, y)`: a factor between tensors, as in the first versions of PyTorch."""
    places = [p.name for p in way.parameters.values() if p.kind in BY_PLACE]
    return bool({"alpha", "beta", "value"} & set(places[:-1]))


def _equal(a: Any, b: Any) -> bool:
    if a is not EMPTY and (b is EMPTY or b is None or b == ()):
        return True  # None says "as usual"
    numbers = isinstance(a, int | float) and isinstance(b, int | float)
    return _text(a) == _text(b) or (numbers and a == b)


def _text(value: Any) -> str:
    if value is EMPTY:
        return "(needed)"
    if isinstance(value, enum.Enum):
        return str(value.value)
    if callable(value):
        return str(getattr(value, "__name__", value))
    return repr(value).removeprefix("torch.")
