"""Rows of what Python and NumPy ask of a tensor: numbers, lengths, arrays, operators of one."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import ALL, Draw, numbers, shapes, tensors
from .draw_layers import pick
from .row import Row, drawn

ONE = ((), (), (1,), (1, 1), (2,), (0,))


def number(draw: Draw, name: str) -> Call:
    """As a number of Python's."""
    given = draw(tensors(pick(draw, *ONE)))
    function = {
        "__bool__": bool,
        "__float__": float,
        "__int__": int,
        "__index__": operator.index,
    }[name]
    return Call(name, (given,), function=lambda _, x: function(x))


def indexing(draw: Draw, name: str) -> Call:
    """As a place in a list, and as a slice's end."""
    given = draw(tensors(pick(draw, (), (1,)), ("int64", "int32", "uint8", "bool", "float32"),
                         special=False))  # fmt: skip
    given = Given(np.abs(given.values) if given.values.dtype != bool else given.values)
    return Call(name, (given,), function=lambda _, x: ([*range(9)][x], [*range(9)][:x]))


def looped(draw: Draw, name: str) -> Call:
    """Its length, its rows one by one, what it contains, itself as a key."""
    given = draw(tensors(shapes(0, 3)))
    function: Any = {
        "__len__": lambda _, x: len(x),
        "__iter__": lambda _, x: [*x],
        "__reversed__": lambda _, x: reversed(x),
        "__hash__": lambda _, x: (len({x, x}), x in {x: 1}, hash(x) == hash(x)),
    }[name]
    return Call(name, (given,), function=function)


def sparse(draw: Draw, name: str) -> Call:
    """What is not zero, made sparse and multiplied, as a dense tensor again."""
    given = draw(tensors((2, 3), ("float64", "float32"), special=False))
    other = draw(tensors((3, 2), (str(given.values.dtype),), special=False))
    whole = pick(draw, False, True)

    def function(torch: Any, x: Any, y: Any) -> Any:
        s = x.to_sparse() if whole else x.to_sparse_coo()
        again = torch.sparse_coo_tensor(s.indices(), s.values(), (2, 3))
        return again.to_dense(), torch.sparse.mm(again, y), again.t().to_dense()

    return Call(name, (given, other), function=function)


def contained(draw: Draw, name: str) -> Call:
    """`in`, of numbers and tensors."""
    given = draw(tensors(shapes(0, 3)))
    what = pick(draw, draw(numbers), draw(numbers), draw(tensors(())), "text", None, [1])
    return Call(name, (given, what), function=lambda _, x, y: y in x)


def unary(draw: Draw, name: str) -> Call:
    """~x, +x, −x, abs(x)."""
    function = getattr(operator, name)
    return Call(f"operator.{name}", (draw(tensors()),), function=lambda _, x: function(x))


def product(draw: Draw, name: str) -> Call:
    """a @ b, with what is no tensor on either side now and then."""
    n, m, k = (draw(st.integers(0, 3)) for _ in "nmk")
    first = pick(draw, (n, m), (m,), (2, n, m), (1, n, m), ())
    second = pick(draw, (m, k), (m,), (2, m, k), (m + 1, k))
    dtype = (pick(draw, "float64", "float32", "int64", "bool"),)
    a, b = (draw(tensors(shape, dtype, special=False)) for shape in (first, second))
    other: Any = b if draw(st.integers(0, 6)) else pick(draw, 2, [1.0], None)
    args = (a, other) if draw(st.integers(0, 6)) else (other, a)
    return Call("operator.matmul", args, function=lambda _, x, y: x @ y)


def arrayed(draw: Draw, name: str) -> Call:
    """As an array of NumPy's."""
    given = draw(tensors(grad=False if draw(st.integers(0, 5)) else None))
    kind = pick(draw, None, None, np.float32, np.int64)
    function: Any = {
        "numpy": lambda _, x: x.numpy(force=True) if kind else x.numpy(),
        "__array__": lambda _, x: np.asarray(x, kind),
        "__dlpack__": lambda _, x: np.from_dlpack(x),
        "__dlpack_device__": lambda _, x: tuple(int(n) for n in x.__dlpack_device__()),
    }[name]

    def told(module: Any, x: Any) -> Any:
        found = function(module, x)
        if isinstance(found, tuple):
            return found
        return str(found.dtype), found.shape, found.tolist() if found.dtype.kind != "f" else str(
            found)  # fmt: skip

    if name.startswith("__dlpack") and given.values.dtype == bool:
        given = draw(tensors(dtypes=("float32", "int64"), grad=False))
    return Call(f".{name}", (given,), function=told)


def wrapped(draw: Draw, name: str) -> Call:
    """A function of NumPy's, which gives a tensor where PyTorch's does."""
    given = draw(tensors(shapes(0, 2), ("float64", "float32", "int64"), special=False, grad=False))
    function = pick(draw, np.cos, np.negative, np.square)
    return Call(".__array_wrap__", (given,), function=lambda _, x: x.__array_wrap__(
        np.asarray(function(np.asarray(x)))))  # fmt: skip


def half(draw: Draw, name: str) -> Call:
    """To bfloat16, told in float32."""
    given = draw(tensors(dtypes=ALL))

    def run(module: Any, x: Any) -> Any:
        y = x.bfloat16()
        return y.float(), str(y.dtype).removeprefix("torch.")

    return Call(".bfloat16", (given,), function=run)


def shared(draw: Draw, name: str) -> Call:
    """Into memory that processes share; a leaf that requires a gradient too."""
    given = draw(tensors(shapes(0, 3)))

    def run(module: Any, x: Any) -> Any:
        before = x.is_shared()
        if not x.numel():
            return x.share_memory_() is x
        return x.share_memory_() is x, before, x.is_shared(), x.detach().clone()

    return Call(".share_memory_", (given,), function=run)


MAKERS: list[tuple[Any, str]] = [
    (number, "__bool__ __float__ __int__"),
    (indexing, "__index__"),
    (looped, "__len__ __iter__ __hash__ __reversed__"),
    (contained, "__contains__"),
    (unary, "invert pos neg abs"),
    (product, "matmul"),
    (arrayed, "numpy __array__ __dlpack__ __dlpack_device__"),
    (wrapped, "__array_wrap__"),
    (half, "bfloat16"),
    (shared, "share_memory_"),
]


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        Row(("operator." if maker in (unary, product) else ".") + name, drawn(maker, name))
        for maker, names in MAKERS
        for name in names.split()
    ] + [Row(".to_sparse", drawn(sparse, ".to_sparse"), names=".to_sparse_coo sparse_coo_tensor")]
