"""The CTC loss against a sum over all alignments, written out; and its derivatives."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.autograd import gradcheck, gradgradcheck
from tinygrad_lite.nn import functional as F

TARGETS = [[1, 1], [2, 1], [1, 0], [0, 0]]  # the last two have one label, and none
LENGTHS, TIMES = [2, 2, 1, 0], [4, 4, 3, 4]


def scores() -> Any:
    return np.random.default_rng(0).standard_normal((4, len(TARGETS), 3))


def loss_of(x: tg.Tensor) -> tg.Tensor:
    targets = tg.tensor(TARGETS, device=x.device)
    return F.ctc_loss(F.log_softmax(x, -1), targets, TIMES, LENGTHS, reduction="none")


def collapsed(path: tuple[int, ...]) -> list[int]:
    """The labels of an alignment: without repetitions, then without blanks (0)."""
    return [symbol for symbol, _ in itertools.groupby(path) if symbol]


def test_the_sum_over_all_alignments(device: str) -> None:
    found = loss_of(tg.tensor(scores(), device=device)).tolist()
    p = np.exp(scores()) / np.exp(scores()).sum(-1, keepdims=True)
    for n, (target, length, times) in enumerate(zip(TARGETS, LENGTHS, TIMES, strict=True)):
        likelihood = sum(
            np.prod([p[t, n, symbol] for t, symbol in enumerate(path)])
            for path in itertools.product(range(3), repeat=times)
            if collapsed(path) == target[:length]
        )
        assert found[n] == pytest.approx(-np.log(likelihood))


def test_derivatives(device: str) -> None:
    x = tg.tensor(scores(), device=device, requires_grad=True)
    assert gradcheck(loss_of, (x,))
    assert gradgradcheck(loss_of, (x,))
