"""Rows of `torch.linalg`, of `einsum` and its kin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import Draw, tensors
from .row import Row

FLOATS = ("float64", "float64", "float32")


def _conditioned(draw: Draw, *shape: int, definite: bool = False) -> Given:
    """Matrices whose singular values are far from 0 and from each other; now and then no floats."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    n = shape[-1]
    array = rng.uniform(-0.3, 0.3, shape) + np.eye(shape[-2], n) * (1 + 1.5 * np.arange(n))
    if definite:
        array = array @ np.swapaxes(array, -1, -2)
    dtype = draw(st.sampled_from(FLOATS * 5 + (("int64",) if array.size else ())))
    layout = draw(st.sampled_from(["plain", "turned", "spread"]))
    return Given(array.astype(dtype), layout, dtype != "int64" and draw(st.booleans()))


@st.composite
def matrix(draw: Draw, name: str, square: bool, words: Any = None, definite: bool = False) -> Call:
    n = draw(st.integers(1, 4))
    m = n if square and (definite or draw(st.integers(0, 9))) else draw(st.integers(1, 4))
    batch = draw(st.sampled_from([(), (), (2,), (2, 3), *([] if "cond" in name else [(0,)])]))
    given = _conditioned(draw, *batch, m, n, definite=definite)
    if "cond" in name:  # of which PyTorch's gradient fails, or is noise where it is 0
        given = replace(given, requires_grad=False)
    return Call(name, (given,), draw(words) if words is not None else {})


def _systems(name: str, **words: Any) -> st.SearchStrategy[Call]:
    @st.composite
    def call(draw: Draw) -> Call:
        n, k = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        batch = draw(st.sampled_from([(), (2,), (2, 3)]))
        a = _conditioned(draw, *batch, n, n)
        shape = draw(st.sampled_from([(*batch, n, k), (n, k), (*batch, n), (n + 1, k)]))
        dtype = a.values.dtype.name if draw(st.integers(0, 5)) else "float32"
        b = draw(tensors(shape, (dtype,), special=False))
        return Call(name, (a, b), words)

    return call()


@st.composite
def triangular(draw: Draw) -> Call:
    n, k = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    left = draw(st.booleans())
    a = _conditioned(draw, n, n)
    b = draw(tensors((n, k) if left else (k, n), (a.values.dtype.name,), special=False))
    words = {"upper": draw(st.booleans()), "left": left, "unitriangular": draw(st.booleans())}
    return Call("linalg.solve_triangular", (a, b), words)


ORDERS = st.sampled_from(["fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf"), 3])


@st.composite
def norms(draw: Draw, name: str) -> Call:
    shape = draw(st.sampled_from([(3,), (2, 3), (3, 2), (2, 3, 4), (0, 3), ()]))
    given = draw(tensors(shape, ("float32", "float64", "int64"), special=False))
    words: dict[str, Any] = {}
    if draw(st.booleans()):
        vector = st.sampled_from([0, 0.5, 1, 2, 3, float("inf"), -float("inf")])
        words["ord"] = draw(vector if name == "vector_norm" else ORDERS)
    if draw(st.booleans()):
        words["dim"] = draw(st.sampled_from([0, -1, (0, 1), (-1, -2), (0, 0), None]))
        words["keepdim"] = draw(st.booleans())
    if name == "matrix_norm":
        words = {k: v for k, v in words.items() if v is not None}
    return Call("linalg." + name, (given,), words)


EQUATIONS = [
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]),
    ("bqhd,bkhd->bhqk", [(2, 3, 2, 4), (2, 5, 2, 4)]),
    ("ii->i", [(3, 3)]),
    ("ii", [(3, 3)]),
    ("i,j", [(2,), (3,)]),
    ("ij->", [(2, 3)]),
    ("...ij,jk->...ik", [(2, 2, 2, 3), (3, 2)]),
    ("...i,...i", [(2, 3), (3,)]),
    ("ba", [(2, 3)]),
    ("bn,anm,bm->ba", [(2, 3), (4, 3, 2), (2, 2)]),
    ("ij,ij->ij", [(2, 3), (1, 3)]),
    ("ijk,jil->kl", [(2, 3, 4), (3, 2, 2)]),
    ("ij,jk", [(2, 3)]),
    ("ij,jk->il", [(2, 3), (3, 2)]),
    ("ij,jk->ik", [(2, 3), (2, 2)]),
    ("ij->iij", [(2, 3)]),
    ("a,a,a->a", [(3,), (3,), (3,)]),
    ("ab,cd,ef->fdb", [(2, 1), (2, 3), (2, 2)]),
]


@st.composite
def einsum(draw: Draw) -> Call:
    equation, sizes = draw(st.sampled_from(EQUATIONS))
    dtype = draw(st.sampled_from([("float32",), ("float64",), ("int64",)]))
    return Call("einsum", (equation, *(draw(tensors(s, dtype, special=False)) for s in sizes)))


@st.composite
def sublists(draw: Draw) -> Call:
    a, b = (draw(tensors(s, ("float32",), special=False)) for s in ((2, 3), (3, 4)))
    tail = draw(st.sampled_from([(), ([0, 2],), ([2, 0],), ([2],), ([5],)]))
    return Call("einsum", (a, [0, 1], b, [1, 2], *tail))


@st.composite
def tensordot(draw: Draw) -> Call:
    a, b = draw(st.sampled_from([((2, 3, 4), (3, 4, 2)), ((2, 3), (3, 2)), ((3, 1, 2), (1, 2))]))
    dims = draw(st.sampled_from([0, 1, 2, ([0], [1]), ([1, 0], [0, 1]), ([-1], [-2]), 3]))
    return Call("tensordot", tuple(draw(tensors(s, ("float64",), special=False)) for s in (a, b)),
                {"dims": dims})  # fmt: skip


@st.composite
def distances(draw: Draw, name: str) -> Call:
    p = draw(st.sampled_from([0, 1, 2, 2.0, 3, 0.5, float("inf")]))
    first = draw(tensors(draw(st.sampled_from([(3, 2), (2, 3, 2), (1, 1, 2), (30, 2)])),
                         ("float64",), special=False))  # fmt: skip
    if name == "pdist":
        return Call("nn.functional.pdist", (first,), {"p": p})
    second = draw(tensors(draw(st.sampled_from([(4, 2), (2, 2), (4, 3)])), ("float64",),
                          special=False, low=-2))  # fmt: skip
    return Call(name, (first, second), {"p": p})


def rows() -> list[Row]:
    """All rows of this file."""
    squares = "inv det cholesky slogdet eigvalsh matrix_exp".split()
    out = [
        Row(f"linalg.{name}", matrix(f"linalg.{name}", True, definite=name in ("cholesky",
            "eigvalsh"))) for name in squares if name != "slogdet"
    ]  # fmt: skip
    out += [Row(name, matrix("." + name, True)) for name in ("inverse", "logdet", "matrix_exp")]
    shapes = "svdvals pinv matrix_rank cond".split()
    out += [Row(f"linalg.{name}", matrix(f"linalg.{name}", False)) for name in shapes]
    powers = st.sampled_from([{"n": n} for n in (1, 2, 5, -1, -2)])
    out.append(Row("linalg.matrix_power", matrix("linalg.matrix_power", True, powers)))
    conditions = st.sampled_from([{"p": p} for p in ("fro", 1, float("inf"), -2, 2)])
    out.append(Row("linalg.cond", matrix("linalg.cond", True, conditions), "cond of an order"))
    out += [Row("linalg.solve", _systems("linalg.solve")),
            Row("linalg.solve_triangular", triangular())]  # fmt: skip
    out += [Row(f"linalg.{n}", norms(n)) for n in ("norm", "vector_norm", "matrix_norm")]
    out += [Row("einsum", einsum()), Row("einsum", sublists(), "einsum of lists")]
    out += [
        Row("tensordot", tensordot()),
        Row("cdist", distances("cdist")),
        Row("nn.functional.pdist", distances("pdist")),
    ]
    return out
