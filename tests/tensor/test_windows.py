"""Windows of signals; the numbers are PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg

KNOWN = {
    "hann_window": ([0, 0.5, 1, 0.5], [0, 0.75, 0.75, 0]),
    "hamming_window": ([0.08, 0.54, 1, 0.54], [0.08, 0.77, 0.77, 0.08]),
    "blackman_window": ([0, 0.34, 1, 0.34], [0, 0.63, 0.63, 0]),
    "bartlett_window": ([0, 0.5, 1, 0.5], [0, 0.6666667, 0.6666667, 0]),
    "kaiser_window": (
        [5.2774e-05, 0.215673, 1, 0.215673],
        [5.2774e-05, 0.518845, 0.518845, 5.2774e-05],
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_values(name: str) -> None:
    make: Any = getattr(tg, name)
    for periodic, expected in zip((True, False), KNOWN[name], strict=True):
        found = make(4, periodic=periodic)
        assert found.dtype == tg.float32
        np.testing.assert_allclose(found.numpy(), expected, atol=2e-5)
    assert make(0).shape == (0,)
    assert make(1).tolist() == [1]
    assert make(3, dtype=tg.float64, layout=tg.strided, requires_grad=True).requires_grad
    with pytest.raises(RuntimeError, match=f"{name}: expected a window length"):
        make(-1)
    with pytest.raises(RuntimeError, match=f"{name}: expected a floating-point dtype"):
        make(3, dtype=tg.int64)


def test_parameters() -> None:
    np.testing.assert_allclose(tg.hamming_window(4, True, 0.5, 0.5), tg.hann_window(4), atol=1e-7)
    assert tg.kaiser_window(5, False, beta=0.0).tolist() == [1] * 5


def test_windows_of_memory_in_another_order() -> None:
    images = tg.arange(48.0).reshape(2, 2, 3, 4)
    y = images.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2).relu()  # as a layer's output
    assert y.array.base is None
    assert not y.array.flags.forc
    windows = y.unfold(3, 2, 1)
    for i in range(3):
        assert windows[..., i, :].equal(images[..., i : i + 2])
    windows[:, :, :, 1].zero_()
    assert y[..., 1:3].count_nonzero() == 0
    assert y[..., 0].equal(images[..., 0])
