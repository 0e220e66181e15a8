"""Rows of reductions, scans, sorting and products."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import ALL, FLOATS, Draw, dims, finite, several_dims, shapes, tensors, values
from .row import Row

REDUCTIONS = [
    "sum",
    "mean",
    "prod",
    "amax",
    "amin",
    "all",
    "any",
    "var",
    "std",
    "logsumexp",
    "nansum",
    "var_mean",
    "std_mean",
    "count_nonzero",
]
SELECTIONS = [
    "max",
    "min",
    "argmax",
    "argmin",
    "median",
    "nanmedian",
    "mode",
    "aminmax",
    "kthvalue",
]
SCANS = """cumsum cumprod cummax cummin softmax log_softmax logcumsumexp""".split()
SORTS = """sort argsort topk unique msort""".split()


@st.composite
def reduction(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    if name in ("var_mean", "std_mean") or (
        name in ("prod", "logsumexp", "cumprod") and given.requires_grad
    ):
        given = finite(given)  # docs/conventions.md says how they differ
    ndim = given.values.ndim
    kwargs: dict[str, Any] = {}
    args: list[Any] = [given]
    dim = draw(several_dims(ndim))
    form = draw(st.sampled_from(["none", "positional", "dim", "axis"]))
    if name in ("var", "std") and dim in ([], ()) and given.requires_grad:
        dim = None  # PyTorch's formula for the gradient takes () for no dims, where n is 1
    if name in ("amax", "amin", "logsumexp") and form == "none":
        form = "dim"
        dim = draw(dims(ndim))
    if form == "positional":
        args.append(dim)
    elif form != "none":
        kwargs[form] = dim
    if form != "none" and draw(st.booleans()):
        kwargs[draw(st.sampled_from(["keepdim", "keepdim", "keepdims"]))] = True
    if name in ("var", "std", "var_mean", "std_mean") and draw(st.booleans()):
        extra = draw(st.sampled_from([{"correction": 0}, {"unbiased": False}, {"correction": 2}]))
        kwargs |= extra
    if name in ("sum", "mean", "prod") and draw(st.integers(0, 3)) == 0:
        kwargs["dtype"] = np.dtype(draw(st.sampled_from(["float64", "float32", "int64"])))
    return Call(draw(st.sampled_from(["", "."])) + name, tuple(args), kwargs)


@st.composite
def selection(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    args: list[Any] = [given]
    kwargs: dict[str, Any] = {}
    form = draw(st.sampled_from("""none positional dim axis other""".split()))
    if form == "other" and name in ("max", "min"):
        args.append(draw(tensors(given.values.shape)))
    elif form == "positional":
        args.append(draw(dims(given.values.ndim)))
    elif form in ("dim", "axis"):
        kwargs[form] = draw(dims(given.values.ndim))
    if form in ("positional", "dim") and draw(st.booleans()):
        kwargs["keepdim"] = True
    return Call(draw(st.sampled_from(["", "."])) + name, tuple(args), kwargs)


@st.composite
def scan(draw: Draw, name: str) -> Call:
    given = draw(tensors(dtypes=FLOATS if "softmax" in name else ALL))
    word = draw(st.sampled_from(["dim", "dim", "axis", ""]))
    dim = draw(dims(given.values.ndim))
    args, kwargs = ((given, dim), {}) if not word else ((given,), {word: dim})
    if name in ("cumsum", "cumprod") and draw(st.integers(0, 3)) == 0:
        kwargs["dtype"] = np.dtype(draw(st.sampled_from(["float64", "int64"])))
    return Call(draw(st.sampled_from(["", "."])) + name, args, kwargs)


def _distinct(given: Given, seed: int) -> Given:
    """The same tensor without ties (which element is sorted first is not promised)."""
    n = given.values.size
    order = np.random.default_rng(seed).permutation(n).reshape(given.values.shape)
    kind = given.values.dtype
    return Given(np.asarray(order - n // 2).astype(kind), given.layout, given.requires_grad)


@st.composite
def sorting(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(0, 3), ("float32", "float64", "int64", "int16", "float16")))
    if name != "unique":
        given = _distinct(given, draw(st.integers(0, 99)))
    kwargs: dict[str, Any] = {}
    args: list[Any] = [given]
    if name == "topk":
        args.append(draw(st.integers(0, 4)))
        if draw(st.booleans()):
            kwargs["largest"] = False
    if name == "unique":
        kwargs = {k: True for k in ("return_inverse", "return_counts") if draw(st.booleans())}
        return Call(draw(st.sampled_from(["", "."])) + name, tuple(args), kwargs)
    if draw(st.booleans()):
        kwargs["dim"] = draw(dims(given.values.ndim))
    if name in ("sort", "argsort") and draw(st.booleans()):
        kwargs["descending"] = draw(st.booleans())
    return Call(draw(st.sampled_from(["", "."])) + name, tuple(args), kwargs)


@st.composite
def norm(draw: Draw, name: str) -> Call:
    given = draw(tensors(dtypes=FLOATS))
    kwargs: dict[str, Any] = {}
    if draw(st.booleans()):
        kwargs["p"] = draw(st.sampled_from([1, 2, 3, 0.5, 0, float("inf"), -float("inf"), "fro"]))
    if draw(st.booleans()):
        kwargs |= {"dim": draw(several_dims(given.values.ndim)), "keepdim": draw(st.booleans())}
    return Call(draw(st.sampled_from(["", "."])) + "norm", (given,), kwargs)


@st.composite
def product(draw: Draw, name: str) -> Call:
    """Operands that fit, and now and then two that do not."""
    dtype = draw(st.sampled_from([("float32",), ("float64",), ("int64",), ALL]))
    n, m, k, b = (draw(st.integers(0, 4)) for _ in range(4))
    batch = draw(st.sampled_from([(), (b,), (2, b), (1,)]))
    usual: dict[str, list[tuple[int, ...]]] = {
        "mm": [(n, k), (k, m)],
        "bmm": [(b, n, k), (b, k, m)],
        "mv": [(n, k), (k,)],
        "dot": [(k,), (k,)],
        "inner": [(n, k), (m, k)],
        "outer": [(n,), (m,)],
        "addmm": [(n, m), (n, k), (k, m)],
        "addmv": [(n,), (n, k), (k,)],
        "baddbmm": [(b, n, m), (b, n, k), (b, k, m)],
        "kron": [(n, m), (k, b)],
    }
    general = [(*batch, n, k), (k, m)], [(k,), (*batch, k, m)], [(*batch, n, k), (k,)], [(k,), (k,)]
    sizes = usual.get(name) or draw(st.sampled_from(general))
    if draw(st.integers(0, 7)) == 0:
        sizes = [draw(shapes(0, 3)) for _ in sizes]
    kwargs: dict[str, Any] = {}
    if name in ("addmm", "addmv", "baddbmm") and draw(st.booleans()):
        kwargs = {
            "beta": draw(st.sampled_from([0, 1, 0.5])),
            "alpha": draw(st.sampled_from([1, 2.0])),
        }
    args = tuple(draw(tensors(s, dtype, special=False)) for s in sizes)
    return Call(draw(st.sampled_from(["", "."])) + name, args, kwargs)


@st.composite
def matrix(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(0, 3)))
    kwargs = {}
    if name != "trace" and draw(st.booleans()):
        kwargs["diagonal"] = draw(st.integers(-3, 3))
    return Call(draw(st.sampled_from(["", "."])) + name, (given,), kwargs)


@st.composite
def bincount(draw: Draw, name: str) -> Call:
    array = values(draw(st.integers(0, 99)), draw(shapes(1, 1)), "uint8").astype(
        draw(st.sampled_from(["int64", "int32", "uint8"]))
    )
    kwargs = {"minlength": draw(st.integers(0, 9))} if draw(st.booleans()) else {}
    return Call(draw(st.sampled_from(["", "."])) + "bincount", (Given(array),), kwargs)


def rows() -> list[Row]:
    """All rows of this file."""
    out = [Row(name, reduction(name)) for name in REDUCTIONS]
    out += [Row(name, selection(name)) for name in SELECTIONS if name != "kthvalue"]
    out += [Row(name, scan(name)) for name in SCANS]
    out += [Row(name, sorting(name)) for name in SORTS]
    out += [Row("norm", norm("norm")), Row("bincount", bincount(""))]
    products = [
        "matmul",
        "mm",
        "bmm",
        "mv",
        "dot",
        "inner",
        "outer",
        "addmm",
        "addmv",
        "baddbmm",
        "kron",
    ]
    out += [Row(name, product(name)) for name in products]
    return out + [Row(name, matrix(name)) for name in ("tril", "triu", "diag", "trace", "diagonal")]
