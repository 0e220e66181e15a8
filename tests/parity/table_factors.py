"""Rows of factorisations of matrices, and of what is solved or multiplied with their factors."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Call, Given
from .draw import Draw, dims, tensors, values
from .draw_layers import pick, seed, some
from .experiment import Experiment, Steps, gradients, make
from .row import Row

BATCHES: tuple[tuple[int, ...], ...] = ((), (), (2,), (2, 1), (0,))


def _kind(draw: Draw) -> str:
    """Seldom integers, which nothing here takes."""
    return draw(st.sampled_from(["float64"] * 4 + ["float32", "int64"]))  # type: ignore[no-any-return]


def _given(draw: Draw, array: Any, dtype: str, grad: bool | None = None) -> Given:
    dtype = dtype if np.size(array) else "float64"  # of no elements PyTorch does not look
    floating = np.dtype(dtype).kind == "f"
    grad = floating and (draw(st.booleans()) if grad is None else grad)
    return Given(np.asarray(array).astype(dtype), pick(draw, "plain", "plain", "turned"), grad)


def _matrix(draw: Draw, shape: tuple[int, ...]) -> Any:
    """Singular values far from 0 and from each other, pivots that are certain."""
    rng = np.random.default_rng(seed(draw))
    array = rng.uniform(-0.3, 0.3, shape)
    return array + np.eye(*shape[-2:])[:, rng.permutation(shape[-1])] * (
        2 + 1.5 * np.arange(shape[-1])
    )


def _square(draw: Draw, low: int = 0) -> tuple[int, ...]:
    n = draw(st.integers(low, 4))
    shape = (*pick(draw, *BATCHES), n, n)
    return shape if draw(st.integers(0, 14)) else (n + 1,) if low else (2, 3)


def _definite(draw: Draw, shape: tuple[int, ...]) -> Any:
    if len(shape) < 2 or shape[-1] != shape[-2]:
        return np.ones(shape)
    a = np.random.default_rng(seed(draw)).uniform(-1, 1, shape)
    return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])


@st.composite
def lu(draw: Draw, name: str) -> Call:
    """P, L and U of any shape of matrix."""
    n, m = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    shape = pick(draw, *BATCHES) + ((n, m) if draw(st.integers(0, 14)) else (n,))
    array = _matrix(draw, shape) if len(shape) > 1 else np.ones(shape)
    given = _given(draw, array, _kind(draw))
    words: dict[str, Any] = {}
    if name in ("linalg.lu", "linalg.lu_factor", "linalg.lu_factor_ex"):
        words = {"pivot": True} if draw(st.booleans()) else {}
    if name == "linalg.lu_factor_ex":
        words |= some(draw, check_errors=(True, False))
    if name in ("lu", ".lu"):
        words = some(draw, pivot=(True,), get_infos=(True, False))
    if array.size and len(shape) > 1 and name.endswith("_ex") and not draw(st.integers(0, 5)):
        given = Given(np.zeros_like(given.values))
    return Call(name, (given,), words)


@st.composite
def lu_solve(draw: Draw, name: str) -> Call:
    """Systems of drawn factors, pivots as PyTorch counts them: from 1, never above the row."""
    n, k = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    batch = pick(draw, (), (2,), (0,))
    well = _matrix(draw, (*batch, n, n)) + 3 * np.eye(n)
    factors = _given(draw, well, pick(draw, "float64", "float32"))
    rng = np.random.default_rng(seed(draw))
    pivots = np.maximum(rng.integers(1, n + 1, (*batch, n)), np.arange(1, n + 1))
    places = Given(pivots.astype(pick(draw, "int32", "int32", "int32", "int64")))
    shape = pick(draw, (*batch, n, k), (*batch, n, k), (n, k), (*batch, n + 1, k))
    right = draw(tensors(shape, (factors.values.dtype.name,), special=False))
    if name == "linalg.lu_solve":
        words = some(draw, left=(True, False), adjoint=(True, False))
        if words.get("left") is False:
            right = Given(np.swapaxes(right.values, -1, -2).copy(), "plain", right.requires_grad)
        return Call(name, (factors, places, right), words)
    return Call(name, (right, factors, places))


@st.composite
def lu_unpack(draw: Draw) -> Call:
    """P, L and U of the compact form."""
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    batch = pick(draw, (), (2,), (0,))
    data = _given(draw, _matrix(draw, (*batch, n, m)), pick(draw, "float64", "float32"))
    rng, k = np.random.default_rng(seed(draw)), min(n, m)
    pivots = np.maximum(rng.integers(1, n + 1, (*batch, k)), np.arange(1, k + 1))
    places = Given(pivots.astype(pick(draw, "int32", "int32", "int32", "int64")))
    words = some(draw, unpack_data=(True, False), unpack_pivots=(True, False))
    return Call("lu_unpack", (data, places), words)


@st.composite
def definite(draw: Draw, name: str) -> Call:
    """Cholesky's factors, of what has them and what has not."""
    shape = _square(draw)
    array = _definite(draw, shape)
    words = some(draw, upper=(True, False))
    if name == "linalg.cholesky_ex":
        words |= some(draw, check_errors=(True, False))
    if draw(st.integers(0, 7)) == 0:
        array = -array
    return Call(name, (_given(draw, array, _kind(draw)),), words)


@st.composite
def of_cholesky(draw: Draw, name: str) -> Call:
    """What is solved, or inverted, with a factor of Cholesky's."""
    n, k = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    batch = pick(draw, (), (2,), (0,))
    words = some(draw, upper=(True, False))
    factor = np.linalg.cholesky(_definite(draw, (*batch, n, n)))
    if words.get("upper"):
        factor = np.swapaxes(factor, -1, -2).copy()
    given = _given(draw, factor, pick(draw, "float64", "float64", "float32"))
    if name.endswith("inverse"):
        return Call(name, (given,), words)
    shape = pick(draw, (*batch, n, k), (*batch, n, k), (n, k), (3, n, k), (n + 1, k), (n,))
    right = draw(tensors(shape, (given.values.dtype.name,), special=False))
    return Call(name, (right, given), words)


@st.composite
def inverted(draw: Draw, name: str) -> Call:
    """Inverses and systems with a sign of success."""
    shape = _square(draw, 1)
    array = _matrix(draw, shape) if len(shape) > 1 else np.ones(shape)
    if draw(st.integers(0, 7)) == 0:
        array = array * 0
    given = _given(draw, array, _kind(draw))
    words = some(draw, check_errors=(True, False))
    if name == "linalg.inv_ex":
        return Call(name, (given,), words)
    right = (*shape[:-1], *pick(draw, (2,), (1,), ()))
    other = draw(tensors(right, (given.values.dtype.name,), special=False))
    words |= some(draw, left=(True, True, False))
    return Call(name, (given, other), words)


@st.composite
def tensor_inverse(draw: Draw, name: str) -> Call:
    """Inverses and solutions of tensors that are read as matrices."""
    first, second = pick(draw, ((4, 6), (8, 3)), ((2, 3), (6,)), ((3,), (3,)), ((2, 2), (2, 3)))
    n = int(np.prod(first))
    fits = n == int(np.prod(second))
    shape = (*first, *second)
    array = _matrix(draw, (n, n)).reshape(shape) if fits else np.ones(shape)
    given = _given(draw, array, "float64")
    if name == "linalg.tensorinv":
        return Call(name, (given,), some(draw, ind=(len(first), len(first), 1, 0, -1)))
    right = draw(tensors(pick(draw, first, first, second), ("float64",), special=False))
    return Call(name, (given, right), some(draw, dims=(None, (0,), (1, 0))))


@st.composite
def reflections(draw: Draw, name: str) -> Call:
    """QR as reflections, and products with them."""
    n, m = sorted((draw(st.integers(1, 4)), draw(st.integers(1, 4))), reverse=True)
    batch = pick(draw, (), (2,), (0,))
    dtype = pick(draw, "float64", "float64", "float32")
    grad = False if name in ("geqrf", "ormqr") else None
    given = _given(draw, _matrix(draw, (*batch, n, m)), dtype, grad)
    if name == "geqrf":
        return Call(name, (given,))
    k = draw(st.integers(1, m + (draw(st.integers(0, 9)) == 0)))
    dtype = given.values.dtype.name
    tau = Given(values(seed(draw), (*batch, k), dtype, False, 0.5, 1.5), "plain",
                given.requires_grad)  # fmt: skip
    if name != "ormqr":
        return Call(name, (given, tau))
    words = some(draw, left=(True, False), transpose=(True, False))
    shape = (*batch, n, 2) if words.get("left", True) else (*batch, 2, n)
    other = draw(tensors(shape, (dtype,), special=False, grad=False))
    return Call(name, (given, tau, other), words)


@st.composite
def vecdot(draw: Draw) -> Call:
    """Products along a dim of what broadcasts."""
    shape = pick(draw, (3,), (2, 3), (2, 2, 3), (0, 3), (2, 0), (2, 1))
    dtype = (pick(draw, "float64", "float32", "int64", "bool"),)
    a = draw(tensors(shape, dtype, special=False))
    b = draw(tensors(pick(draw, shape, shape, shape[-1:], (4,)), dtype, special=False))
    words = {"dim": draw(dims(len(shape)))} if draw(st.booleans()) else {}
    return Call("linalg.vecdot", (a, b), words)


@st.composite
def vander(draw: Draw) -> Call:
    """Powers of each number."""
    shape = pick(draw, (3,), (2, 3), (1,), (0,), ())
    given = draw(tensors(shape, ("float64", "float32", "int64", "bool"), special=False))
    return Call("linalg.vander", (given,), some(draw, N=(None, 0, 1, 2, 4, -1)))


@st.composite
def triangular(draw: Draw) -> Call:
    """`triangular_solve` of b and A."""
    n, k = draw(st.integers(1, 4)), draw(st.integers(0, 2))
    batch = pick(draw, (), (2,), (0,))
    given = _given(draw, _matrix(draw, (*batch, n, n)), pick(draw, "float64", "float32"))
    given = Given(given.values + 3 * np.eye(n, dtype=given.values.dtype), "plain",
                  given.requires_grad)  # fmt: skip
    shape = pick(draw, (*batch, n, k), (n, k), (n + 1, k))
    right = draw(tensors(shape, (given.values.dtype.name,), special=False))
    words = some(draw, upper=(True, False), transpose=(True, False), unitriangular=(True, False))
    return Call("triangular_solve", (right, given), words)


@st.composite
def older(draw: Draw, name: str) -> Experiment:
    """`qr` and `svd` at the top, and the approximate ones of low rank: products of factors."""
    n, m = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    batch = pick(draw, (), (2,))
    grad = None if name in ("qr", "svd") else False
    given = _given(draw, _matrix(draw, (*batch, n, m)), pick(draw, "float64", "float32"), grad)
    words = {
        "qr": lambda: some(draw, some=(True, False)),
        "svd": lambda: some(draw, some=(True, False), compute_uv=(True, False)),
        "svd_lowrank": lambda: {"q": min(n, m)} | some(draw, niter=(2, 3)),
        "pca_lowrank": lambda: {"q": min(n, m)} | some(draw, center=(True, False), niter=(2,)),
    }[name]()
    method = name in ("qr", "svd") and draw(st.booleans())
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        m.manual_seed(0)
        x = make(library, given, [])
        found = getattr(x, name)(**words) if method else getattr(m, name)(x, **words)
        yield "names of the form", [tuple(t.shape) for t in found]
        if name == "qr":
            q, r = found
            parts = [r.abs(), q @ r]
        else:
            u, s, v = found
            k = s.shape[-1]
            parts = [s, (u[..., :k] * s[..., None, :]) @ v[..., :k].transpose(-1, -2)]
        if words.get("compute_uv") is False:
            parts = [found[1]]
        yield "value", parts
        wanted = [x] if x.requires_grad and words.get("some") is not False else []
        yield from gradients(library, parts, wanted, number)

    return Experiment(name, f"{name}({given!r}, {words})", run)


@st.composite
def slogdet(draw: Draw) -> Call:
    """The sign and logarithm of determinants."""
    shape = _square(draw)
    array = _matrix(draw, shape) if len(shape) > 1 else np.ones(shape)
    return Call("slogdet", (_given(draw, array, _kind(draw)),))


@st.composite
def norm_except_dim(draw: Draw) -> Call:
    """Norms of slices."""
    given = draw(tensors(pick(draw, (2, 3), (3, 2, 2), (4,)), ("float64",), special=False))
    return Call("norm_except_dim", (given, 2, pick(draw, 0, -1, given.values.ndim - 1)))


@st.composite
def singular(draw: Draw) -> Call:
    """What has no inverse or factor raises a kind of RuntimeError."""
    name = pick(draw, "inv", "cholesky", "solve", "lu_factor", "eigh")
    n = draw(st.integers(1, 3))
    given = Given(np.zeros((n, n)) if draw(st.booleans()) else np.eye(n))

    def run(module: Any, x: Any) -> Any:
        of = module.linalg
        try:
            getattr(of, name)(x, *[x] * (name == "solve"))
        except of.LinAlgError as error:
            return isinstance(error, RuntimeError), issubclass(of.LinAlgError, RuntimeError)
        return "nothing was raised"

    return Call("linalg.LinAlgError", (given,), function=run)


@st.composite
def spmm(draw: Draw) -> Call:
    """A product of two matrices, as `mm`."""
    n, m, k = (draw(st.integers(0, 3)) for _ in "nmk")
    dtype = (pick(draw, "float64", "float32", "int64"),)
    second = pick(draw, (m, k), (m, k), (m + 1, k), (m,))
    a, b = (draw(tensors(shape, dtype, special=False)) for shape in ((n, m), second))
    return Call("spmm", (a, b))


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        Row("linalg.LinAlgError", singular()),
        Row("spmm", spmm()),
        *(Row(name, lu(name)) for name in ("linalg.lu", "linalg.lu_factor", "linalg.lu_factor_ex")),
        Row("lu", lu("lu")),
        Row("linalg.lu_solve", lu_solve("linalg.lu_solve")),
        Row("lu_solve", lu_solve("lu_solve")),
        Row("lu_unpack", lu_unpack()),
        *(Row(name, definite(name)) for name in ("cholesky", "linalg.cholesky_ex")),
        *(Row(name, of_cholesky(name)) for name in ("cholesky_solve", "cholesky_inverse")),
        *(Row(name, inverted(name)) for name in ("linalg.inv_ex", "linalg.solve_ex")),
        *(Row(name, tensor_inverse(name)) for name in ("linalg.tensorinv", "linalg.tensorsolve")),
        *(Row(name, reflections(name)) for name in ("geqrf", "orgqr", "ormqr")),
        Row("linalg.householder_product", reflections("linalg.householder_product")),
        Row("linalg.vecdot", vecdot()),
        Row("linalg.vander", vander()),
        Row("triangular_solve", triangular()),
        Row("slogdet", slogdet()),
        Row("norm_except_dim", norm_except_dim()),
    ]


def experiments() -> list[Row]:
    """Of factors whose signs are free."""
    return [Row(name, older(name)) for name in ("qr", "svd", "svd_lowrank", "pca_lowrank")]
