"""Rows of decompositions, whose factors are compared up to their signs, and of grids to sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import Draw
from .draw_layers import given as drawn
from .draw_layers import pick, seed
from .experiment import Experiment, Steps, afterwards, gradients, make
from .row import Row

BATCHES: tuple[tuple[int, ...], ...] = ((), (), (2,), (2, 1), (0,))


def _matrices(draw: Draw, square: bool = False, grad: bool | None = None) -> Given:
    """Matrices whose singular values are apart, seldom no matrices or no floats."""
    n, m = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    m = n if square and draw(st.integers(0, 9)) else m
    shape = pick(draw, *BATCHES) + ((n, m) if draw(st.integers(0, 19)) else (n,))
    rng = np.random.default_rng(seed(draw))
    array = rng.uniform(-0.3, 0.3, shape)
    if len(shape) > 1:
        array = array + np.eye(*shape[-2:]) * (1 + 1.5 * np.arange(shape[-1]))
    dtype = pick(draw, "float64", "float64", "float64", "float32", "int64")
    dtype = dtype if array.size else "float64"  # of no elements PyTorch does not look
    layout = pick(draw, "plain", "plain", "turned")
    floating = dtype != "int64"
    return Given(array.astype(dtype), layout, floating and draw(st.booleans()))


def _parts(name: str, m: Any, a: Any, words: dict[str, Any], b: Any) -> tuple[Any, list[Any]]:
    """What is told of a decomposition, and functions of it that no sign changes."""
    of = getattr(m.linalg, name)
    if name == "svd":
        u, s, v = of(a, **words)
        k = s.shape[-1]
        return [u.abs(), s, v.abs()], [
            s,
            u[..., :k] ** 2,
            (u[..., :k] * s[..., None, :]) @ v[..., :k, :],
        ]
    if name == "eigh":
        w, v = of(a, **words)
        return [w, v.abs()], [w, v**2]
    if name in ("lstsq", "solve"):
        found = of(a, b, **words)
        return found, [found[0] if name == "lstsq" else found]
    found = of(a, **words)
    return found, [t for t in (found if isinstance(found, tuple) else (found,)) if t.numel()]


WORDS: dict[str, list[dict[str, Any]]] = {
    "svd": [{}, {"full_matrices": False}, {"full_matrices": True}],
    "svdvals": [{}],
    "qr": [{}, {"mode": "complete"}, {"mode": "r"}, {"mode": "wrong"}],
    "eigh": [{}, {"UPLO": "U"}, {"UPLO": "L"}, {"UPLO": "X"}],
    "eigvalsh": [{}, {"UPLO": "U"}],
    "slogdet": [{}],
    "det": [{}],
    "inv": [{}],
    "cholesky": [{}, {"upper": True}],
    "pinv": [{}, {"rcond": 0.1}, {"hermitian": True}, {"atol": 0.5}],
    "matrix_rank": [{}, {"tol": 1.2}, {"hermitian": True}, {"rtol": 0.9}],
    "lstsq": [{}, {"driver": "gelsd"}, {"driver": "gelsy"}, {"driver": "gels"}]
    + [{"rcond": 0.5, "driver": driver} for driver in ("gels", "gelsd", "gelss")],
    "solve": [{}, {"left": False}],
}
SQUARE = ("eigh", "eigvalsh", "slogdet", "det", "inv", "cholesky", "solve")


@st.composite
def decomposing(draw: Draw, name: str) -> Experiment:
    """Values up to signs, gradients of what has no sign, errors."""
    a = _matrices(draw, name in SQUARE)
    words = pick(draw, *WORDS[name])
    if name == "lstsq" and not a.values.size:  # whose residuals PyTorch leaves undefined
        a = Given(np.eye(3, 2), "plain", a.requires_grad)
    rows = a.values.shape[-2:-1] or (1,)
    right = pick(draw, (2,), (1,), ())
    shape = (*a.values.shape[:-2], *rows, *right) if draw(st.integers(0, 7)) else (3, 2)
    b = Given(np.random.default_rng(seed(draw)).uniform(-1, 1, shape).astype(a.values.dtype))
    number, definite = (
        seed(draw),
        name in ("cholesky", "eigh", "eigvalsh") or words.get("hermitian"),
    )

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        made: list[Any] = []
        leaf, other = make(library, a, made), make(library, b, [])
        matrix = leaf
        if definite and leaf.ndim > 1 and leaf.shape[-1] == leaf.shape[-2]:
            matrix = leaf @ leaf.transpose(-1, -2) if leaf.dtype == m.float64 else leaf
        found, functions = _parts(name, m, matrix, words, other)
        yield "value", found
        yield from gradients(library, functions, [leaf] if leaf.requires_grad else [], number)

    text = f"linalg.{name}({a!r}, {words}{', ' + repr(b) if name in ('lstsq', 'solve') else ''})"
    return Experiment(f"linalg.{name}", text, run)


@st.composite
def sampling(draw: Draw) -> Experiment:
    """grid_sample of images and volumes, at places within, at the edge and beyond."""
    volume = draw(st.integers(0, 3)) == 0
    sizes = tuple(draw(st.integers(1, 4)) for _ in range(3 if volume else 2))
    out = tuple(draw(st.integers(1, 3)) for _ in sizes)
    n, c = draw(st.integers(1, 2)), draw(st.integers(0, 2))
    dtype = pick(draw, "float32", "float64", "float64")
    x = drawn(draw, (n, c, *sizes), dtype, special=False)
    rng = np.random.default_rng(seed(draw))
    places = rng.uniform(-1.6, 1.6, (n, *out, len(sizes)))
    if not draw(st.integers(0, 3)):
        places = rng.choice(
            [-1.0, 1.0, 0.0, 0.5, -3.0, 3.0], places.shape
        )  # at NaN PyTorch crashes
    last = len(sizes) if draw(st.integers(0, 14)) else 1
    # At whole places the second derivatives of either side may be taken.
    grid = Given(places[..., :last].astype(dtype), "plain", draw(st.booleans()))
    words: dict[str, Any] = {
        "mode": pick(draw, "bilinear", "nearest", "bicubic", "wrong")
        if draw(st.integers(0, 2))
        else "bilinear",
        "padding_mode": pick(draw, "zeros", "border", "reflection"),
        "align_corners": pick(draw, True, False),
    }
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        made: list[Any] = []
        given, at = make(library, x, made), make(library, grid, made)
        result = m.nn.functional.grid_sample(given, at, **words)
        yield "value", result
        yield from afterwards(result, made)
        wanted = [t for t in made if t.requires_grad]
        if result.requires_grad and wanted:
            weights = np.asarray(np.random.default_rng(number).standard_normal(tuple(result.shape)))
            found = m.autograd.grad(result, wanted, m.from_numpy(weights.astype(dtype)))
            for k, gradient in enumerate(found):
                yield f"gradient {k}", gradient

    text = f"F.grid_sample({x!r}, {grid!r}, {words})"
    return Experiment("nn.functional.grid_sample", text, run)


@st.composite
def gridding(draw: Draw) -> Experiment:
    """affine_grid."""
    volume = draw(st.integers(0, 3)) == 0
    d = 3 if volume else 2
    size = tuple(draw(st.integers(1, 4)) for _ in range(d + 2 - (not draw(st.integers(0, 14)))))
    n = size[0] if draw(st.integers(0, 9)) else size[0] + 1
    theta = drawn(draw, (n, d, d + 1), pick(draw, "float32", "float64", "int64"), special=False)
    corners = pick(draw, True, False, None)
    number = seed(draw)

    def run(library: str) -> Steps:
        made: list[Any] = []
        given = make(library, theta, made)
        result = LIBRARIES[library].nn.functional.affine_grid(given, size, corners)
        yield "value", result
        yield from gradients(library, result, [t for t in made if t.requires_grad], number)

    text = f"F.affine_grid({theta!r}, {size}, {corners})"
    return Experiment("nn.functional.affine_grid", text, run)


def rows() -> list[Row]:
    """All rows of this file."""
    label: Callable[[str], str] = lambda name: f"linalg.{name} in parts"  # noqa: E731
    return [
        *(Row(f"linalg.{name}", decomposing(name), label(name)) for name in WORDS),
        Row("nn.functional.grid_sample", sampling()),
        Row("nn.functional.affine_grid", gridding()),
    ]
