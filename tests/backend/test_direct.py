"""The direct convolution where memory is not what it was: fresh, of several threads, never met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import direct, winograd
from tinygrad_lite.backend.num_threads import get_num_threads, set_num_threads
from tinygrad_lite.backend.plain import conv as plain
from tinygrad_lite.backend.window import Window

CPU = namespace_for("cpu")
Rng = np.random.Generator


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """New memory holds NaN: what is not written shows."""
    empty = np.empty

    def filled(*args: Any, **words: Any) -> Any:
        made = empty(*args, **words)
        if made.dtype.kind == "f":
            made.fill(np.nan)
        return made

    monkeypatch.setattr(np, "empty", filled)


@pytest.fixture
def three_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every range of channels is cut in three, however small it is."""
    before = get_num_threads()
    set_num_threads(3)
    monkeypatch.setattr(direct, "_least", lambda *_: 1)
    yield
    set_num_threads(before)


# Kernels of which some elements, or all, meet no pixel; and a usual one.
WINDOWS = {
    "all meet": (Window((3, 3), padding=(1, 1)), (5, 4)),
    "none is whole": (Window((2, 2), padding=(1, 1)), (3, 3)),
    "some never meet": (Window((3, 1), padding=(2, 0), dilation=(2, 1)), (1, 4)),
    "none ever meets": (Window((2, 1), padding=(1, 0), dilation=(2, 1)), (1, 4)),
}


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.usefixtures("poisoned", "three_threads")
def test_equals_the_plain_form(name: str, bias: bool) -> None:
    window, size = WINDOWS[name]
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 6, *size)), rng.standard_normal((7, 6, *window.kernel))
    b = rng.standard_normal(7) if bias else None
    g = rng.standard_normal((2, 7, *window.positions(size)))
    found = direct.recorded(CPU, x, w, b, window)
    np.testing.assert_allclose(found.y, plain.conv2d(CPU, x, w, b, window, 1), atol=1e-12)
    s = found.prepare(g)
    of_input = plain.conv2d_input_gradient(CPU, g, w, x.shape, window, 1)
    of_weight = plain.conv2d_weight_gradient(CPU, g, x, w.shape, window, 1)
    np.testing.assert_allclose(found.of_input(g, s), of_input, atol=1e-12)
    np.testing.assert_allclose(found.of_weight(g, s), of_weight, atol=1e-12)
    np.testing.assert_allclose(found.of_bias(g, s), g.sum(axis=(0, 2, 3)), atol=1e-12)


@pytest.mark.parametrize("large", [1.0, 1e30])
def test_winograds_gradients_also_where_it_is_not_trusted(large: float) -> None:
    """The direct form's, and the bias's as well."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 4, 8, 8)).astype(np.float32)
    w = rng.standard_normal((5, 4, 3, 3)).astype(np.float32)
    g = rng.standard_normal((2, 5, 8, 8)).astype(np.float32)
    g[0, 0, 0, 0] = large
    found = winograd.recorded(CPU, x, w, np.zeros(5, np.float32), (1, 1), 4)
    s = found.prepare(g)
    assert (s[0] is None) is (large > 1)
    np.testing.assert_allclose(found.of_bias(g, s), g.sum(axis=(0, 2, 3)), rtol=1e-4, atol=1e-4)
    window = Window((3, 3), padding=(1, 1))
    of_weight = plain.conv2d_weight_gradient(CPU, g, x, w.shape, window, 1)
    np.testing.assert_allclose(found.of_weight(g, s), of_weight, rtol=1e-3, atol=1e-3)
