"""Rows of what looks at samples: places in an order, counts, differences, statistics, parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import FLOATS, Draw, broadcastable, dims, shapes, tensors, values
from .row import Row
from .table_reduce import _distinct

WIDE = ("float32", "float64")


def _dot(draw: Draw) -> str:
    return draw(st.sampled_from(["", "."]))


@st.composite
def kth(draw: Draw) -> Call:
    given = _distinct(draw(tensors(shapes(0, 3), ("float32", "int64"))), draw(st.integers(0, 99)))
    args: tuple[Any, ...] = (given, draw(st.integers(0, 4)))
    words = {"dim": draw(dims(given.values.ndim))} if draw(st.booleans()) else {}
    return Call(_dot(draw) + "kthvalue", args, words)


@st.composite
def quantile(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(0, 3), WIDE, special=False))
    q: Any = draw(st.sampled_from([0, 0.3, 0.5, 1.0, 1.5, "tensor"]))
    if q == "tensor":
        q = Given(np.array([0.1, 0.25, 1.0], given.values.dtype))
    words: dict[str, Any] = {}
    if draw(st.booleans()):
        words = {"dim": draw(dims(given.values.ndim)), "keepdim": draw(st.booleans())}
    if draw(st.booleans()):
        kinds = ["linear", "lower", "higher", "midpoint", "nearest"]
        words["interpolation"] = draw(st.sampled_from(kinds))
    return Call(_dot(draw) + name, (given, q), words)


@st.composite
def searchsorted(draw: Draw) -> Call:
    dtype = draw(st.sampled_from(["float32", "int64"]))
    batch = draw(st.sampled_from([(), (2,), (2, 3)]))
    line = np.sort(values(draw(st.integers(0, 99)), (*batch, draw(st.integers(0, 6))), dtype))
    if draw(st.booleans()):
        wanted: Any = draw(tensors((*batch, draw(st.integers(0, 4))), (dtype,), grad=False))
    else:
        wanted = draw(st.sampled_from([0, 1.5, 2]))
    some = [{}, {"right": True}, {"side": "right"}, {"side": "left"}, {"out_int32": True}]
    words = draw(st.sampled_from([*some, {"side": "left", "right": True}]))
    return Call("searchsorted", (Given(line), wanted), words)


@st.composite
def bucketize(draw: Draw) -> Call:
    bounds = np.sort(values(draw(st.integers(0, 99)), (draw(st.integers(0, 5)),), "float32"))
    given = draw(tensors(dtypes=WIDE, grad=False))
    return Call("bucketize", (given, Given(bounds)), {"right": draw(st.booleans())})


@st.composite
def histc(draw: Draw) -> Call:
    given = draw(tensors(dtypes=WIDE, special=False, grad=False))
    words = draw(st.sampled_from([{}, {"min": -1, "max": 2}, {"min": 1, "max": 0}, {"min": 3}]))
    return Call(_dot(draw) + "histc", (given,), {"bins": draw(st.sampled_from([1, 4, 0])), **words})


@st.composite
def isin(draw: Draw) -> Call:
    a, b = (draw(tensors(dtypes=("int64", "float32"), special=False, grad=False)) for _ in "ab")
    other = b if draw(st.booleans()) else draw(st.sampled_from([1, 2.0]))
    return Call("isin", (a, other), {"invert": draw(st.booleans())})


@st.composite
def consecutive(draw: Draw) -> Call:
    shape = draw(shapes(1, 2))
    array = np.asarray(np.random.default_rng(draw(st.integers(0, 99))).integers(0, 2, shape))
    words: dict[str, Any] = {
        k: True for k in ("return_inverse", "return_counts") if draw(st.booleans())
    }
    if draw(st.booleans()):
        words["dim"] = draw(dims(array.ndim))
    return Call(_dot(draw) + draw(st.sampled_from(["unique", "unique_consecutive"])),
                (Given(array),), words)  # fmt: skip


@st.composite
def diff(draw: Draw) -> Call:
    given = draw(tensors(shapes(0, 3), ("float32", "int64", "bool"), special=False))
    words: dict[str, Any] = {"n": draw(st.sampled_from([0, 1, 2, 5]))}
    if draw(st.booleans()):
        words["dim"] = draw(dims(given.values.ndim))
    if draw(st.integers(0, 3)) == 0:
        words[draw(st.sampled_from(["prepend", "append"]))] = given
    return Call(_dot(draw) + "diff", (given,), words)


@st.composite
def trapezoid(draw: Draw, name: str) -> Call:
    shape = draw(shapes(1, 3))
    given = draw(tensors(shape, ("float64",), special=False))
    if draw(st.booleans()):
        return Call(name, (given,), {"dx": 0.5, "dim": draw(st.integers(-len(shape), -1))})
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    x = draw(tensors(draw(st.sampled_from([shape, (shape[dim],)])), ("float64",), special=False))
    return Call(name, (given, x), {"dim": dim})


@st.composite
def slopes(draw: Draw) -> Call:
    shape = draw(st.sampled_from([(5,), (3, 4), (2, 3)]))
    given = draw(tensors(shape, ("float64",), special=False))
    words: dict[str, Any] = {"edge_order": draw(st.sampled_from([1, 2]))}
    if draw(st.booleans()):
        words["dim"] = draw(st.sampled_from([0, -1]))
    if draw(st.booleans()):
        words["spacing"] = draw(st.sampled_from([2.0, 0.5]))
    return Call("gradient", (given,), words)


@st.composite
def covariance(draw: Draw, name: str) -> Call:
    sizes = [(2, 5), (3, 4)] if name == "corrcoef" else [(4,), (2, 5), (3, 4), (1, 3)]
    given = draw(tensors(draw(st.sampled_from(sizes)), ("float64",), special=False))
    words: dict[str, Any] = {}
    if name == "cov":
        words["correction"] = draw(st.sampled_from([0, 1, 2]))
        n = given.values.shape[-1]
        rng = np.random.default_rng(1)
        if draw(st.booleans()):
            words["fweights"] = Given(rng.integers(1, 4, n))
        if draw(st.booleans()):
            words["aweights"] = Given(rng.uniform(0.5, 2, n))
    return Call(_dot(draw) + name, (given,), words)


@st.composite
def cross(draw: Draw, name: str) -> Call:
    shape = draw(st.sampled_from([(3,), (2, 3), (3, 3), (2, 2)]))
    a = draw(tensors(shape, ("float64",), special=False))
    b = draw(tensors(shape, ("float64",), special=False, low=1, high=3))
    # Without a dim PyTorch's cross warns, which is an error here.
    given = name == "cross" or draw(st.booleans())
    words = {"dim": draw(dims(len(shape)))} if given else {}
    return Call(name, (a, b), words)


@st.composite
def renorm(draw: Draw) -> Call:
    given = draw(tensors(shapes(1, 3), ("float64",), special=False))
    p, bound = draw(st.sampled_from([1, 2, 3.0, 0])), draw(st.sampled_from([0.0, 1.0, 5.0]))
    return Call(_dot(draw) + "renorm", (given, p, draw(dims(given.values.ndim)), bound))


@st.composite
def two(draw: Draw, name: str, dtypes: tuple[str, ...]) -> Call:
    grad = False if name in ("nextafter", "heaviside") else None  # which have none
    first = draw(tensors(shapes(0, 3), dtypes, special=False, grad=grad))
    if name in ("ldexp", "logaddexp2"):  # of two dtypes PyTorch calculates in the narrower
        dtypes = (first.values.dtype.name,)
    size = broadcastable(first.values.shape)
    second = draw(tensors(size, dtypes, special=False, grad=grad))
    return Call(_dot(draw) + name, (first, second))


@st.composite
def parts(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(0, 4), ("float32",), special=False))
    return Call(_dot(draw) + name, (given, draw(st.sampled_from([1, 2, 3, [1], [1, 2], 0]))))


@st.composite
def blocks(draw: Draw) -> Call:
    count = draw(st.integers(1, 3))
    # A 1-D tensor of nothing is a row there, but not in PyTorch's backward pass.
    block = tensors(shapes(0, 2).filter(lambda shape: shape != (0,)), ("float32",))
    return Call("block_diag", tuple(draw(block) for _ in range(count)))


@st.composite
def chosen(draw: Draw) -> Call:
    given = draw(tensors(shapes(1, 1), ("float32", "int64"), special=False))
    words = {"r": draw(st.integers(0, 3)), "with_replacement": draw(st.booleans())}
    return Call("combinations", (given,), words)


@st.composite
def vander(draw: Draw) -> Call:
    given = draw(tensors(shapes(1, 1), ("float64", "int64"), special=False, grad=False))
    words = {"N": draw(st.integers(0, 4)), "increasing": draw(st.booleans())}
    return Call("vander", (given,), words if draw(st.booleans()) else {})


@st.composite
def scattered(draw: Draw, name: str) -> Call:
    shape = draw(st.sampled_from([(2, 3), (3, 3), (4, 2)]))
    given = draw(tensors(shape, ("float32",), special=False))
    if name == "select_scatter":
        dim = draw(st.sampled_from([0, 1, -1]))
        src = shape[:dim] + shape[dim:][1:] if dim >= 0 else shape[:-1]
        return Call(_dot(draw) + name, (given, draw(tensors(src, ("float32",))), dim, 1))
    if name == "slice_scatter":
        src = (2, shape[1])
        return Call(_dot(draw) + name, (given, draw(tensors(src, ("float32",))), 0, 0, 2))
    offset = draw(st.integers(-1, 1))
    n = np.diagonal(np.zeros(shape), offset).size
    return Call(_dot(draw) + name, (given, draw(tensors((n,), ("float32",))), offset))


@st.composite
def placed(draw: Draw, name: str) -> Call:
    given = draw(tensors((3, 4), ("float32",), special=False))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    if name == "put":
        index, src = Given(rng.permutation(12)[:4]), draw(tensors((4,), ("float32",)))
        return Call(_dot(draw) + name, (given, index, src), {"accumulate": draw(st.booleans())})
    src = draw(tensors((2, 4), ("float32",), special=False))
    how = draw(st.sampled_from(["prod", "mean", "amax", "amin"]))
    words = {"include_self": draw(st.booleans())}
    return Call(_dot(draw) + name, (given, 0, Given(rng.integers(0, 3, 2)), src, how), words)


SPECIAL = """erfc erfcx erfinv gammaln digamma i0 i0e i1 i1e sinc entr ndtr ndtri log_ndtr expit
expm1 exp2 log1p psi airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_i0
modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 scaled_modified_bessel_k0
scaled_modified_bessel_k1 spherical_bessel_j0""".split()


@st.composite
def special(draw: Draw, name: str) -> Call:
    given = draw(tensors(dtypes=(*WIDE, "int64"), special=False, low=-2, high=3))
    if given.values.dtype.kind == "i" and name == "ndtr":  # far out PyTorch's float32 is rough
        given = Given(given.values.clip(-2, 2), given.layout)
    return Call("special." + name, (given,))


@st.composite
def in_place(draw: Draw, name: str) -> Call:
    """A reshape in place of what an operation made."""
    given = draw(tensors(draw(st.sampled_from([(2, 3), (1, 3), (2, 1, 3)])), ("float32",),
                         special=False))  # fmt: skip
    dim = draw(st.integers(-2, 1))
    args = {"t_": (), "squeeze_": (dim,), "unsqueeze_": (dim,), "transpose_": (0, dim)}[name]

    def change(module: Any, x: Any) -> Any:
        y = x * 2
        out = getattr(y, name)(*args)
        assert out is y
        return y.mul_(3)

    return Call(f"{name} and mul_", (given,), function=change)


def rows() -> list[Row]:
    """All rows of this file."""
    out = [Row("kthvalue", kth()), Row("quantile", quantile("quantile"))]
    out += [Row("nanquantile", quantile("nanquantile")), Row("searchsorted", searchsorted())]
    out += [Row("bucketize", bucketize()), Row("histc", histc()), Row("isin", isin())]
    out += [Row("unique_consecutive", consecutive()), Row("diff", diff())]
    out += [Row(n, trapezoid(n)) for n in ("trapezoid", "trapz", "cumulative_trapezoid")]
    out += [Row("gradient", slopes()), Row("renorm", renorm())]
    out += [Row(n, covariance(n)) for n in ("cov", "corrcoef")]
    out += [Row(n, cross(n)) for n in ("cross", "linalg.cross")]
    floats, wholes = (*FLOATS, "int64"), ("int64", "int32", "uint8", "float32", "bool")
    out += [Row(n, two(n, floats)) for n in ("ldexp", "logaddexp2", "dist")]
    out += [Row(n, two(n, wholes)) for n in ("gcd", "lcm")]
    out += [Row(n, two(n, ("float32", "float64", "int64"))) for n in ("nextafter", "heaviside")]
    out += [Row(n, parts(n)) for n in ("hsplit", "vsplit", "dsplit")]
    out += [Row("block_diag", blocks()), Row("combinations", chosen()), Row("vander", vander())]
    names = ("select_scatter", "slice_scatter", "diagonal_scatter")
    out += [Row(n, scattered(n)) for n in names]
    out += [Row(n, placed(n)) for n in ("put", "index_reduce")]
    out += [Row(f"special.{n}", special(n)) for n in SPECIAL]
    changes = ("t_", "squeeze_", "unsqueeze_", "transpose_")
    return out + [Row(f"{n} and mul_", in_place(n)) for n in changes]
