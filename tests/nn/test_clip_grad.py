"""Gradient clipping, written out."""

from __future__ import annotations

import math

import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.nn.utils import clip_grad_norm_, clip_grad_value_


def parameters(*gradients: list[float]) -> list[nn.Parameter]:
    """Parameters with these gradients, and one without."""
    made = [nn.Parameter(torch.zeros(len(g))) for g in gradients]
    for parameter, gradient in zip(made, gradients, strict=True):
        parameter.grad = torch.tensor(gradient)
    return [*made, nn.Parameter(torch.zeros(2))]


def gradients(found: list[nn.Parameter]) -> list[list[float]]:
    return [p.grad.tolist() for p in found if p.grad is not None]


@pytest.mark.parametrize(
    ("kind", "norm"), [(2.0, 5.0), (1.0, 7.0), (math.inf, 4.0)], ids=["2", "1", "inf"]
)
def test_a_joint_norm_that_is_too_large(kind: float, norm: float) -> None:
    found = parameters([3.0], [0.0, -4.0])
    assert clip_grad_norm_(found, 1.0, kind).item() == pytest.approx(norm)
    assert gradients(found) == [pytest.approx([3 / norm]), pytest.approx([0, -4 / norm])]


def test_gradients_that_are_small_enough_stay_as_they_are() -> None:
    found = parameters([0.3], [0.0, -0.4])
    before = gradients(found)
    assert clip_grad_norm_(found, 1.0).item() == pytest.approx(0.5)
    assert gradients(found) == before


def test_what_is_not_finite() -> None:
    found = parameters([math.inf])
    with pytest.raises(RuntimeError, match="so they cannot be clipped"):
        clip_grad_norm_(found, 1.0, error_if_nonfinite=True)
    assert gradients(found) == [[math.inf]]
    assert clip_grad_norm_([nn.Parameter(torch.zeros(1))], 1.0).item() == 0


def test_values_are_limited_on_both_sides() -> None:
    found = parameters([3.0, -0.5], [-7.0])
    clip_grad_value_(found, 1.0)
    assert gradients(found) == [[1.0, -0.5], [-1.0]]
