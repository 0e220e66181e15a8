"""What PyTorch's own sample databases hold, as this library's: values, and functions by identity.

A function of PyTorch's is looked up by the name it has there. What the databases wrap around it
(lambdas, partials, functions of `torch.testing._internal`) is made again with our functions in the
places of PyTorch's.
"""

from __future__ import annotations

import functools
import types
from typing import Any

import torch

import tinygrad_lite

PLACES = (
    *("", "nn.functional", "linalg", "special", "fft", "signal.windows", "masked", "Tensor"),
    *("_C._nn", "_C._VariableFunctions", "nn", "nn.init", "nn.utils", "nn.attention"),
)
PLAIN = ("_operator", "operator", "builtins", "math", "numpy")  # whose functions take either


class Missing(Exception):
    """There is no such name here, or what it stands for: complex numbers, sparse tensors."""


def at(path: str, root: Any = tinygrad_lite) -> Any:
    """What a library has under a dotted path."""
    for part in path.split(".") if path else ():
        root = getattr(root, part, None)
        if root is None:
            raise Missing(path)
    return root


@functools.cache
def names() -> dict[int, str]:
    """The dotted name of each public callable of PyTorch, by identity."""
    found: dict[int, str] = {}
    for place in PLACES:
        root = at(place, torch)
        prefix = {"_C._nn": "nn.functional", "_C._VariableFunctions": ""}.get(place, place)
        for name in sorted(dir(root), key=lambda n: (n.startswith("_"), n)):
            value = getattr(root, name, None)
            if callable(value):
                found.setdefault(id(value), f"{prefix}.{name}".lstrip("."))
    return found


def function(theirs: Any) -> Any:
    """Our function, method or class for one of PyTorch's."""
    if theirs is torch:
        return tinygrad_lite
    if isinstance(theirs, type) and issubclass(theirs, BaseException):
        return theirs
    if getattr(theirs, "__module__", "") in PLAIN:
        return theirs
    if isinstance(theirs, functools.partial):
        return functools.partial(
            function(theirs.func), *value(theirs.args), **value(theirs.keywords)
        )
    if id(theirs) in names():
        return at(names()[id(theirs)])
    name = getattr(theirs, "__name__", "")
    if name and getattr(torch.Tensor, name, None) is theirs:
        return at(f"Tensor.{name}")
    if not isinstance(theirs, types.FunctionType):
        raise Missing(repr(theirs))
    if theirs.__module__.startswith("torch.") and ".testing." not in theirs.__module__:
        path = f"{theirs.__module__.removeprefix('torch.')}.{theirs.__qualname__}"
        return at(path.replace("masked._ops", "masked"))
    return _again(theirs)


def seeded(operation: Any, *args: Any, **kwargs: Any) -> Any:
    """As the databases' `wrapper_set_seed`: what is drawn may be compared to itself alone."""
    tinygrad_lite.manual_seed(42)
    return operation(*args, **kwargs)


@functools.cache
def _again(theirs: types.FunctionType) -> Any:
    """The same code, with our functions for PyTorch's in what it closes over and looks up."""
    if theirs.__name__ == "wrapper_set_seed":
        return seeded
    around = dict(theirs.__globals__)
    for word in _words(theirs.__code__):
        held = around.get(word)
        if held is torch or (isinstance(held, types.FunctionType) and held is not theirs):
            around[word] = function(held)
        elif isinstance(held, types.ModuleType) and held.__name__.startswith("torch."):
            around[word] = at(held.__name__.removeprefix("torch."))
    cells = theirs.__closure__ and tuple(
        types.CellType(value(c.cell_contents)) for c in theirs.__closure__
    )
    name, defaults = theirs.__name__, value(theirs.__defaults__)
    ours = types.FunctionType(theirs.__code__, around, name, defaults, cells)
    ours.__kwdefaults__ = value(theirs.__kwdefaults__)
    return ours


def _words(code: types.CodeType) -> set[str]:
    inner = [_words(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*inner)


def value(theirs: Any) -> Any:
    """An argument that is no tensor: dtypes, devices, sizes, functions, and what holds them."""
    if isinstance(theirs, torch.dtype | torch.memory_format | torch.layout):
        if theirs in (torch.complex32, torch.complex64, torch.complex128):
            raise Missing("complex numbers")
        return at(str(theirs).removeprefix("torch."))
    if isinstance(theirs, torch.device):
        return tinygrad_lite.device(str(theirs))
    if isinstance(theirs, torch.Generator):
        return tinygrad_lite.Generator()
    if isinstance(theirs, torch.Size):
        return tinygrad_lite.Size(theirs)
    if isinstance(theirs, list | tuple) and type(theirs) in (list, tuple):
        return type(theirs)(value(v) for v in theirs)
    if isinstance(theirs, dict):
        return {k: value(v) for k, v in theirs.items()}
    kinds = (types.FunctionType, types.BuiltinFunctionType, functools.partial)
    if isinstance(theirs, kinds) or type(theirs).__name__ == "method_descriptor":
        return function(theirs)
    if isinstance(theirs, torch.nn.TransformerEncoderLayer):
        return _layer(theirs)
    if isinstance(theirs, torch.nn.Module) and not list(theirs.parameters()):
        return at(f"nn.{type(theirs).__name__}")()
    return theirs


def _layer(theirs: Any) -> Any:
    """A layer as one of PyTorch's, with other weights."""
    return tinygrad_lite.nn.TransformerEncoderLayer(
        theirs.self_attn.embed_dim,
        theirs.self_attn.num_heads,
        theirs.linear1.out_features,
        theirs.dropout.p,
        function(theirs.activation),
        theirs.norm1.eps,
        theirs.self_attn.batch_first,
        theirs.norm_first,
        theirs.linear1.bias is not None,
    )
