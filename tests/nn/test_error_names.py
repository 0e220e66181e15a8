"""An error speaks of the function that was called, not of the one that it is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite.nn import functional as F

x, ints = tg.ones(1, 3, 8), tg.ones(1, 3, 8, dtype=tg.int64)
volume = tg.ones(1, 2, 3, 4, 5)

CALLS: list[tuple[str, Callable[[], Any]]] = [
    ("conv1d", lambda: F.conv1d(x, tg.ones(2, 4, 3))),
    ("conv1d", lambda: tg.conv1d(x, tg.ones(2, 4, 3))),
    ("conv1d", lambda: tg.nn.Conv1d(4, 2, 3)(x)),
    ("conv3d", lambda: F.conv3d(volume, tg.ones(2, 3, 1, 1, 1))),
    ("conv_transpose1d", lambda: F.conv_transpose1d(x, tg.ones(4, 2, 3))),
    ("conv_transpose3d", lambda: F.conv_transpose3d(volume, tg.ones(3, 2, 1, 1, 1))),
    ("max_pool1d", lambda: F.max_pool1d(x, 9)),
    ("max_pool3d", lambda: F.max_pool3d(volume, (1, 9, 9))),
    ("avg_pool1d", lambda: F.avg_pool1d(x, 9)),
    ("avg_pool3d", lambda: F.avg_pool3d(volume, (1, 9, 9))),
    ("lp_pool1d", lambda: F.lp_pool1d(x, 2, 9)),
    ("adaptive_avg_pool1d", lambda: F.adaptive_avg_pool1d(ints, 2)),
    ("adaptive_max_pool3d", lambda: F.adaptive_max_pool3d(volume > 0, 2)),
    ("relu6", lambda: F.relu6(x > 0)),
    ("pairwise_distance", lambda: F.pairwise_distance(x > 0, x > 0)),
    ("triplet_margin_loss", lambda: F.triplet_margin_loss(x > 0, x > 0, x > 0)),
    ("softmin", lambda: F.softmin(ints, 0)),
    ("clamp_max", lambda: tg.ones(3).clamp_max(tg.ones(2))),
    ("addcmul", lambda: tg.addcmul(tg.ones(2), tg.ones(3), tg.ones(2))),
    ("dist", lambda: tg.dist(tg.ones(2), tg.ones(3))),
    ("linalg.norm", lambda: tg.linalg.norm(ints)),
]


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[f"{n}-{c[0]}" for n, c in enumerate(CALLS)])
def test_the_name_that_was_called(name: str, call: Callable[[], Any]) -> None:
    with pytest.raises(Exception, match=rf"^{name}: ") as raised:
        call()
    assert isinstance(raised.value, RuntimeError | TypeError | ValueError | IndexError)


def test_a_gradient_that_fails_names_its_operation() -> None:
    y = tg.ones(2, requires_grad=True).exp()
    y.sum().backward()
    with pytest.raises(RuntimeError, match="second time") as raised:
        y.sum().backward()
    assert "exp" in str(raised.value)
