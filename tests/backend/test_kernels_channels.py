"""Activations turned to lie by channels, on the CPU, in every memory order."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_lite.backend import layout
from tinygrad_lite.backend.cpu import channels


@pytest.mark.parametrize("block", [1, 1 << 18])
@pytest.mark.parametrize("shape", [(9, 8, 16, 8), (10, 16, 64), (8, 8, 16, 8), (9, 8, 5, 5)])
def test_turned_to_channels(
    shape: tuple[int, ...], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the images lie whole pages apart, as those of the first two shapes, or not."""
    monkeypatch.setattr(channels, "SMALL", 1)
    monkeypatch.setattr(channels, "TURNED", block)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    wide = np.repeat(x, 2, axis=-1)
    turned = np.ascontiguousarray(layout.to_chwn(np, x))
    for same in (x, wide[..., ::2], layout.from_chwn(np, turned), np.asfortranarray(x)):
        found = channels.to_chwn(same)
        np.testing.assert_array_equal(found, turned)
        assert found.flags.c_contiguous
    assert np.shares_memory(channels.to_chwn(layout.from_chwn(np, turned)), turned)
    inside = np.full((shape[1], *(n + 1 for n in shape[2:]), shape[0]), np.nan, np.float32)
    within = (slice(None), *(slice(1, None) for _ in shape[2:]))
    channels.turn(x, inside[within])
    np.testing.assert_array_equal(inside[within], turned)
    assert np.isnan(inside[:, 0]).all()
