"""Rows of the in-place methods, each on a copy that is part of the graph."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests import strategies as some
from tests.op_table import activation, elementwise, linalg, reduce, special
from tests.op_table._row import Row
from tests.op_table.shape import _on
from tests.strategies import Draw, between, distinct, nonzero, positive, real, truth
from tinygrad_lite import Tensor


@st.composite
def _fitting(draw: Draw, own: some.Domain, other: some.Domain) -> some.Arguments:
    """Two arrays, the second of which broadcasts to the first."""
    shape = draw(some.shapes())
    kept = draw(st.integers(0, len(shape)))
    sizes = tuple(n if draw(st.booleans()) else 1 for n in shape[len(shape) - kept :])
    rng = draw(some.sources())
    return (own(rng, shape), other(rng, sizes)), {}


def _copied(name: str) -> Any:
    return lambda x, *others, **words: getattr(x.clone(), name)(*others, **words)


def _augmented(name: str) -> Any:
    return lambda x, other: getattr(operator, name)(x.clone(), other)


def _set(strategy: Any) -> Any:
    @st.composite
    def draws(draw: Draw) -> some.Arguments:
        """A tensor, an index, and a value that broadcasts to the place; no place twice."""
        shape = draw(some.shapes(min_dims=1, min_side=1))
        index = strategy(draw, shape)
        rng = draw(some.sources())
        place = np.zeros(shape)[index].shape
        size = draw(st.sampled_from([place, place[1:], ()]))
        return (real(rng, shape), real(rng, size)), {"index": index}

    return draws()


def _each_once(draw: Draw, shape: tuple[int, ...]) -> Any:
    order = draw(st.permutations(range(shape[0])))
    return np.array(order[: draw(st.integers(0, shape[0]))], dtype=np.int64)


def _assign(x: Any, value: Any, index: Any) -> Any:
    y = x.clone()
    y[_on(x, index)] = value
    return y


def _assigned(x: Any, value: Any, index: Any) -> Any:
    y = x.copy()
    y[index] = value
    return y


def _as_float(function: Any) -> Any:
    """True and False as the 1 and 0 of the tensor that they are written into."""
    return lambda a, b: function(a, b).astype(float)


def _in_place(row: Row) -> Row:
    """The row of a method's in-place form."""
    name = f"{row.target}_"
    return Row(name, row.draw, row.reference, _copied(name), row.rule or row.target)


_BINARY = [
    ("add", np.add, real, "add"),
    ("sub", np.subtract, real, "sub"),
    ("mul", np.multiply, real, "mul"),
    ("div", np.divide, nonzero, "div"),
]
_TWO_OPERANDS: dict[str, Any] = {
    "bitwise_and": (np.logical_and, truth, truth),
    "bitwise_or": (np.logical_or, truth, truth),
    "bitwise_xor": (np.logical_xor, truth, truth),
}
_MORE: dict[str, Any] = {
    # What is written over stays in the graph, with a gradient of 0.
    **{
        name: (_as_float(f), "overwrite", distinct, between)
        for name, f in elementwise._TESTS.items()
    },
    "logical_and": (_as_float(np.logical_and), "overwrite", nonzero, nonzero),
    "logical_or": (_as_float(np.logical_or), "overwrite", nonzero, nonzero),
    "logical_xor": (_as_float(np.logical_xor), "overwrite", nonzero, nonzero),
    "atan2": (np.arctan2, "atan2", nonzero, nonzero),
    "copysign": (np.copysign, "copysign", nonzero, nonzero),
    "float_power": (np.power, "pow", positive, real),
    "fmod": (np.fmod, "fmod", distinct, elementwise._steps),
    "hypot": (np.hypot, "hypot", nonzero, nonzero),
    "xlogy": (lambda a, b: a * np.log(b), "xlogy", positive, positive),
}
_FIRST = [
    *(
        Row(f"{name}_", _fitting(real, other), f, call=_copied(f"{name}_"), rule=rule)
        for name, f, other, rule in _BINARY
    ),
    *(
        Row(
            f"__i{name}__",
            _fitting(real, other),
            f,
            call=_augmented(f"i{name}"),
            rule=rule,
        )
        for name, f, other, rule in [*_BINARY[:3], ("truediv", np.divide, nonzero, "div")]
    ),
    Row("__imod__", _fitting(distinct, elementwise._steps), np.remainder,
        call=_augmented("imod"), rule="remainder"),
    Row("__ipow__", _fitting(positive, real), np.power, call=_augmented("ipow"), rule="pow"),
    *(
        Row(f"__i{name}__", _fitting(*_TWO_OPERANDS[full][1:]), _TWO_OPERANDS[full][0],
            call=_augmented(f"i{name}"), differentiable=False)
        for name, full in [("and", "bitwise_and"), ("or", "bitwise_or"), ("xor", "bitwise_xor")]
    ),
    Row("__ifloordiv__", _fitting(real, nonzero), np.floor_divide,
        lambda x, y: _augmented("ifloordiv")(x.detach(), y.detach()), differentiable=False),
    *(
        _in_place(row)
        for row in [*elementwise.UNARY, *activation.ROWS, *special.ONE_OPERAND]
        if hasattr(Tensor, row.name)
        and hasattr(Tensor, f"{row.name}_")
    ),
    *(
        Row(f"{row.name}_", row.draw, row.reference, _copied(f"{row.name}_"), differentiable=False)
        for row in elementwise.PLAIN
        if hasattr(Tensor, f"{row.name}_")
        and row.name not in {*_TWO_OPERANDS, *_MORE, "logical_not"}
    ),
    *(
        Row(f"{name}_", _fitting(*sides), f, call=_copied(f"{name}_"), differentiable=False)
        for name, (f, *sides) in _TWO_OPERANDS.items()
    ),
    Row("remainder_", _fitting(distinct, elementwise._steps), np.remainder,
        call=_copied("remainder_"), rule="remainder"),
    *(
        Row(f"{name}_", _fitting(*sides), f, call=_copied(f"{name}_"), rule=rule)
        for name, (f, rule, *sides) in _MORE.items()
    ),
    *(
        Row(f"{name}_", row.draw, row.reference, _copied(f"{name}_"), row.rule or name)
        for name in ("cumprod", "cumsum", "renorm", "tril", "triu")
        for row in [*reduce.ROWS, *linalg.ROWS]
        if row.name == name
    ),
    Row("addmm_", linalg._added((2, 3), (2, 4), (4, 3)), lambda c, a, b: c + a @ b,
        call=_copied("addmm_"), rule="matmul"),
    Row("addmv_", linalg._added((2,), (2, 4), (4,)), lambda c, a, b: c + a @ b,
        call=_copied("addmv_"), rule="matmul"),
    Row("baddbmm_", linalg._added((2, 2, 3), (2, 2, 4), (2, 4, 3)), lambda c, a, b: c + a @ b,
        call=_copied("baddbmm_"), rule="matmul"),
    *(
        Row(f"{name}_", linalg._added((2, 3), (2, 1), (3,)), f, _copied(f"{name}_"), rule)
        for name, f, rule in [
            ("addcmul", lambda a, b, c: a + b * c, "mul"),
            ("addcdiv", lambda a, b, c: a + b / c, "div"),
            ("lerp", lambda a, b, c: a + c * (b - a), "lerp"),
        ]
    ),
    Row("floor_divide_", _fitting(real, nonzero), np.floor_divide,
        lambda x, y: x.detach().clone().floor_divide_(y.detach()), differentiable=False),
    Row("logical_not_", some.values(nonzero), np.zeros_like, _copied("logical_not_"), "overwrite"),
    Row("pow_", _fitting(positive, real), np.power, call=_copied("pow_"), rule="pow"),
    Row("clamp_", some.values(distinct), lambda x: np.clip(x, -0.5, 0.5),
        call=lambda x: x.clone().clamp_(-0.5, 0.5), rule="clamp"),
    Row("clip_", some.values(distinct), lambda x: np.clip(x, None, 0.5),
        call=lambda x: x.clone().clip_(max=0.5), rule="clamp"),
    Row("masked_fill_", _fitting(real, truth), lambda x, mask: np.where(mask, 2.5, x),
        call=lambda x, mask: x.clone().masked_fill_(mask, 2.5), rule="where"),
    Row("copy_", _fitting(real, real), lambda x, y: np.broadcast_to(y, x.shape),
        call=_copied("copy_"), rule="expand"),
    Row("fill_", some.values(real), lambda x: np.full(x.shape, 2.5),
        call=lambda x: x.clone().fill_(2.5), rule="overwrite"),
    Row("zero_", some.values(real), np.zeros_like, call=_copied("zero_"), rule="overwrite"),
    Row("__setitem__", _set(some.basic_index), _assigned, call=_assign, rule="setitem"),
    Row("__setitem__[arrays]", _set(_each_once), _assigned, call=_assign),
    Row("__setitem__[mask]", _set(lambda draw, shape: some.mask_index(draw, shape[:1])),
        _assigned, call=_assign, syncs=True),
    Row("__setitem__[number]", some.shaped(
            real, lambda draw, shape: {"index": some.basic_index(draw, shape)}, min_dims=1),
        lambda x, index: _assigned(x, 2.5, index), call=lambda x, index: _assign(x, 2.5, index)),
]  # fmt: skip

_BY_NAME = {row.name: row for row in _FIRST}
ROWS = _FIRST + [
    replace(row, name=f"{alias}_", call=_copied(f"{alias}_"))
    for alias, name in elementwise.ALIASES.items()
    if hasattr(Tensor, f"{alias}_")
    for row in [_BY_NAME[f"{name}_"]]
]
