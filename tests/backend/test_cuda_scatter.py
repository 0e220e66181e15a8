"""CUDA's gradients of indexing, run on the host, against their plain form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import cuda_host
from tests.cuda_host.device import emulated
from tests.strategies import advanced_index, mask_index
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cuda import scatter
from tinygrad_lite.backend.plain import scatter as plain

pytestmark = pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")

CPU = namespace_for("cpu")
NUMBERS = np.array([2, 0, 2, -1])
DTYPES = st.sampled_from(["float16", "float32", "float64", "int64"])


@pytest.fixture
def xp() -> Iterator[Any]:
    with emulated() as space:
        yield space


def near(dtype: str) -> dict[str, float]:
    tolerance = {"float16": 1e-2, "float32": 1e-5}.get(dtype, 1e-12)
    return {"rtol": tolerance, "atol": tolerance}


def moved(xp: Any, index: Any) -> tuple[Any, ...]:
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(xp.asarray(p) if isinstance(p, np.ndarray) else p for p in parts)


@given(st.data(), DTYPES)
def test_scatter(xp: Any, data: Any, dtype: str) -> None:
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple))
    kind = data.draw(st.sampled_from([advanced_index, advanced_index, mask_index]))
    index = kind(data.draw, shape)
    axis = data.draw(st.sampled_from([None, None, "start", "end"]))
    if axis is not None:  # a new axis beside it
        parts = index if isinstance(index, tuple) else (index,)
        index = (None, *parts) if axis == "start" else (*parts, None)
    values = np.zeros(shape)[index]
    g = (np.random.default_rng(0).standard_normal(values.shape) * 9).astype(dtype)
    parts = index if isinstance(index, tuple) else (index,)
    expected = plain.scatter(CPU, g, parts, shape)
    y = scatter.scatter(xp, xp.asarray(g), moved(xp, parts), shape)
    np.testing.assert_allclose(y.get(), expected, **near(dtype))
    assert y.dtype == dtype
    assert y.shape == shape


@pytest.mark.parametrize("width", [1, 3, 40])
@pytest.mark.parametrize("count", [0, 1, 50, 300])
def test_rows_of_an_embedding(xp: Any, count: int, width: int) -> None:
    rng = np.random.default_rng(0)
    index = rng.integers(-7, 7, (count, 2))
    g = rng.standard_normal((count, 2, width)).astype("float32")
    cuda_host.launched()
    y = scatter.scatter(xp, xp.asarray(g), (xp.asarray(index),), (7, width))
    assert cuda_host.launched() == (["scatter_rows"] if count else [])
    np.testing.assert_allclose(
        y.get(), plain.scatter(CPU, g, (index,), (7, width)), rtol=1e-4, atol=1e-5
    )


def test_sums_are_in_the_order_of_the_index(xp: Any) -> None:
    rng = np.random.default_rng(0)
    index, g = (
        rng.integers(0, 3, 300),
        (rng.standard_normal(300) * 10.0 ** rng.integers(-4, 5, 300)),
    )
    g = g.astype("float32")
    expected = np.zeros(3, "float32")
    for place, value in zip(index, g, strict=True):
        expected[place] += value
    y = scatter.scatter(xp, xp.asarray(g), (xp.asarray(index),), (3,))
    np.testing.assert_array_equal(y.get(), expected)


@pytest.mark.parametrize(
    "index",
    [
        (NUMBERS, NUMBERS, ...), (..., NUMBERS), (slice(1, None), ..., NUMBERS), (NUMBERS, ...),
        (None, NUMBERS), (slice(None), NUMBERS, None), (1, NUMBERS), (NUMBERS, slice(None), 2),
        (NUMBERS, slice(None), NUMBERS), (NUMBERS[:2, None], None, NUMBERS),
        (np.array([True, False, True]), NUMBERS[:2]),
    ],
)  # fmt: skip
def test_forms_of_an_index(xp: Any, index: tuple[Any, ...]) -> None:
    shape = (3, 4, 3)
    values = np.zeros(shape)[index]
    g = np.random.default_rng(0).standard_normal(values.shape)
    y = scatter.scatter(xp, xp.asarray(g), moved(xp, index), shape)
    np.testing.assert_allclose(y.get(), plain.scatter(CPU, g, index, shape), atol=1e-14)


def test_narrow_integers_name_rows_beyond_their_own_range(xp: Any) -> None:
    index, g = np.array([200, 3, 200], "uint8"), np.ones((3, 2), "float32")
    y = scatter.scatter(xp, xp.asarray(g), (xp.asarray(index),), (300, 2))
    np.testing.assert_array_equal(y.get(), plain.scatter(CPU, g, (index,), (300, 2)))


@given(st.data(), DTYPES, st.booleans())
def test_scatter_along(xp: Any, data: Any, dtype: str, sort: bool) -> None:
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple))
    axis = data.draw(st.integers(0, len(shape) - 1))
    sizes = [data.draw(st.integers(0, n)) for n in shape]
    sizes[axis] = data.draw(st.integers(0, 6))
    rng = np.random.default_rng(0)
    index = rng.integers(-shape[axis], shape[axis], sizes)
    g = (rng.standard_normal(sizes) * 9).astype(dtype)
    expected = plain.scatter_along(CPU, g, index, axis=axis, shape=shape)
    with pytest.MonkeyPatch.context() as patch:
        if sort:
            patch.setattr(scatter, "LONGEST", 1)
        cuda_host.launched()
        y = scatter.scatter_along(xp, xp.asarray(g), xp.asarray(index), axis=axis, shape=shape)
    if g.size and dtype != "int64":
        by_sorting = sort and sizes[axis] > 1
        assert cuda_host.launched() == ["scatter_rows" if by_sorting else "scatter_along"]
    np.testing.assert_allclose(y.get(), expected, **near(dtype))
    assert y.dtype == dtype
    assert y.shape == shape
