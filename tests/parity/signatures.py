"""What PyTorch's functions are called with, beside what ours are.

`signatures` finds the ways in which PyTorch's version of a public name may be called: Python's own
signature, or the stubs of what is written in C++. `differences` says what ours does not take: an
argument by position, by keyword, or its default.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.utils.prune
import torch.nn.utils.stateless
import torch.utils._pytree
import torch.utils.checkpoint

import tinygrad_lite

from . import calling


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
        "nn.utils.prune",
        "nn.utils.parametrize",
        "nn.utils.parametrizations",
        "optim",
        "optim.lr_scheduler",
        "utils.data",
        "amp",
        "cuda",
        "distributions",
        "distributions.transforms",
        "distributions.constraints",
        "linalg",
        "special",
        "fft",
        "func",
        "optim.swa_utils",
        "autograd.functional",
        "autograd.graph",
        "utils.checkpoint",
        "utils._pytree",
        "nn.utils.stateless",
        "testing",
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


STUBS_ALONE = frozenset({"tensor", "as_tensor", "Tensor.new_tensor", "nn.functional.gelu"})
"""What takes its first argument alone by position, though PyTorch's stubs say otherwise."""


def signatures(dotted: str, function: Callable[..., Any]) -> list[inspect.Signature]:
    """The ways in which PyTorch's version may be called; none if nobody says."""
    found = _written(dotted, function)
    return [_first_alone(way) for way in found] if dotted in STUBS_ALONE else found


def _first_alone(way: inspect.Signature) -> inspect.Signature:
    """A way with keywords for all arguments but the first (behind `self`)."""
    own = [*way.parameters.values()]
    first = 2 if own[0].name == "self" else 1
    alone = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own[first:]]
    return inspect.Signature([*own[:first], *alone])


def _written(dotted: str, function: Callable[..., Any]) -> list[inspect.Signature]:
    """What Python, or a stub, says of that."""
    if dotted.startswith("Tensor."):
        found = _stub("_C/__init__.pyi", "TensorBase").get(dotted.split(".")[1])
        if found:
            return found
    name = dotted.rpartition(".")[2]
    try:
        return [inspect.signature(function)]
    except (ValueError, TypeError):
        pass
    documented = re.match(rf"(?:torch\.)?(?:\w+\.)?{name}\((.*?)\)( ->|$)", _first_line(function))
    if documented and dotted.startswith(("linalg.", "special.", "fft.")):
        return [calling.of_text(f"({documented[1].replace('bool ', '')})")]
    for file in ("_C/_VariableFunctions.pyi", "nn/functional.pyi", "_C/_nn.pyi", "_C/__init__.pyi"):
        found = _stub(file, "").get(name)
        if found:
            return found
    return []


def _first_line(function: Callable[..., Any]) -> str:
    """Of its docstring: of what has no signature it is one, in the words of the room."""
    return str(function.__doc__ or "").strip().partition("\n")[0]


@cache
def _stub(file: str, cls: str) -> dict[str, list[inspect.Signature]]:
    tree = ast.parse((Path(torch.__file__).parent / file).read_text(encoding="utf-8"))
    body: list[ast.stmt] = tree.body
    if cls:
        body = next(n.body for n in body if isinstance(n, ast.ClassDef) and n.name == cls)
    found: dict[str, list[inspect.Signature]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(calling.of_arguments(node.args))
    return found


def differences(dotted: str, ours: Any, theirs: Any) -> Iterator[str]:
    """What a way of calling PyTorch's version says that ours does not take."""
    return calling.differences(inspect.signature(ours), signatures(dotted, theirs))
