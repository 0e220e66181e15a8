"""Rows added where they came from, against the plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_lite.backend import kernel, namespace_for


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("rows", "high"),
    [(700, 300), (700, 3), (64, 1), (700, 40)],
    ids=["few repeats", "many", "one row", "both"],
)
def test_as_the_plain_form(rows: int, high: int, dtype: str) -> None:
    forms: dict[str, Any] = kernel.forms("scatter")
    rng, xp = np.random.default_rng(0), namespace_for("cpu")
    places = rng.integers(-high, high, (rows // 2, 2))
    places[: rows // 4] = 0 if high == 40 else places[: rows // 4]
    g = rng.standard_normal((rows // 2, 2, 5, 16)).astype(dtype)
    found, wanted = (forms[f](xp, g, (places,), (high, 5, 16)) for f in ("cpu", "plain"))
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-3 if dtype == "float32" else 1e-11)


def test_no_rows_and_other_indices() -> None:
    forms: dict[str, Any] = kernel.forms("scatter")
    xp, g = namespace_for("cpu"), np.ones((0, 16))
    empty = np.zeros(0, "int64")
    np.testing.assert_array_equal(forms["cpu"](xp, g, (empty,), (3, 16)), np.zeros((3, 16)))
    mask = np.arange(600) % 2 == 0
    ones = np.ones((300, 16))
    np.testing.assert_array_equal(
        forms["cpu"](xp, ones, (mask,), (600, 16)), forms["plain"](xp, ones, (mask,), (600, 16))
    )


@pytest.mark.parametrize("ufunc", ["multiply", "maximum", "minimum"])
@pytest.mark.parametrize("size", [0, 1, 2, 7, 300])
def test_reduced_as_the_plain_form(size: int, ufunc: str) -> None:
    """Few and many at a place, counted from the end too; rows; NaN; a src that broadcasts."""
    forms: dict[str, Any] = kernel.forms("scatter_reduce")
    rng, xp = np.random.default_rng(size), namespace_for("cpu")
    x = rng.standard_normal((5, 3))
    src = rng.uniform(0.9, 1.1, (size, 3))
    src[size // 2 :, 0] = np.nan
    rows, columns = rng.integers(-5, 4, (size, 1)), np.arange(3)
    calls = [
        ((rows, columns), src),
        ((rows[:, 0],), src),
        ((rows, columns), src[:1] if size else src),
    ]
    for index, values in calls:
        found, wanted = (forms[f](xp, x, values, index, ufunc) for f in ("plain", "cpu"))
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["int64", "int32"])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3)])
def test_rows_are_taken_as_an_index_takes_them(order: Any, dtype: str, shape: Any) -> None:
    forms: dict[str, Any] = kernel.forms("take_rows")
    rng, xp = np.random.default_rng(0), namespace_for("cpu")
    table = np.asarray(rng.standard_normal((5, 3)), order=order)
    index = rng.integers(0, 5, shape).astype(dtype)
    found, wanted = (forms[f](xp, table, index) for f in ("cpu", "plain"))
    np.testing.assert_array_equal(found, wanted, strict=True)
    np.testing.assert_array_equal(
        found, np.array([table[i] for i in index.flat]).reshape(*shape, 3)
    )


def test_places_that_16_bits_cannot_tell_apart() -> None:
    scatter: Any = kernel.forms("scatter")["cpu"]
    places = np.tile([1, 1 + (1 << 16)], 300)
    found = scatter(namespace_for("cpu"), np.ones((600, 16)), (places,), (1 << 17, 16))
    assert found[1, 0] == found[1 + (1 << 16), 0] == 300
    assert found.sum() == 600 * 16
