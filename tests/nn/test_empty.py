"""Batches of none, and of one element: every layer and loss takes what PyTorch's takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn

# A layer, with input and output shapes as in PyTorch 2.13.
Shape = tuple[int, ...]
LAYERS: dict[str, tuple[Callable[[], nn.Module], dict[Shape, Shape]]] = {
    "Linear": (lambda: nn.Linear(3, 2), {(0, 3): (0, 2), (3,): (2,), (0, 4, 3): (0, 4, 2)}),
    "Linear from nothing": (lambda: nn.Linear(0, 2), {(0, 0): (0, 2), (3, 0): (3, 2)}),
    "Linear to nothing": (lambda: nn.Linear(2, 0), {(0, 2): (0, 0), (3, 2): (3, 0)}),
    "ReLU": (nn.ReLU, {(0,): (0,), (): (), (1,): (1,)}),
    "Softmax": (lambda: nn.Softmax(0), {(0,): (0,), (): (), (1,): (1,)}),
    "LogSoftmax": (lambda: nn.LogSoftmax(1), {(0, 2): (0, 2), (2, 0): (2, 0), (1, 1): (1, 1)}),
    "Conv1d": (lambda: nn.Conv1d(2, 3, 2), {(0, 2, 4): (0, 3, 3), (2, 2): (3, 1)}),
    "Conv2d": (lambda: nn.Conv2d(2, 3, 2), {(0, 2, 4, 4): (0, 3, 3, 3), (2, 2, 2): (3, 1, 1)}),
    "Conv2d in groups": (lambda: nn.Conv2d(2, 2, 2, groups=2), {(0, 2, 4, 4): (0, 2, 3, 3)}),
    "Conv2d same": (lambda: nn.Conv2d(2, 2, 2, padding="same"), {(0, 2, 4, 4): (0, 2, 4, 4)}),
    "ConvTranspose2d": (
        lambda: nn.ConvTranspose2d(2, 3, 2),
        {(0, 2, 4, 4): (0, 3, 5, 5), (2, 1, 1): (3, 2, 2)},
    ),
    "Unfold": (lambda: nn.Unfold(2), {(0, 2, 4, 4): (0, 8, 9), (2, 2, 2): (8, 1)}),
    "Fold": (lambda: nn.Fold(3, 2), {(0, 4, 4): (0, 1, 3, 3), (4, 4): (1, 3, 3)}),
    "MaxPool1d": (lambda: nn.MaxPool1d(2), {(0, 2, 4): (0, 2, 2), (1, 1, 2): (1, 1, 1)}),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), {(0, 2, 4, 4): (0, 2, 2, 2), (2, 2, 2): (2, 1, 1)}),
    "AvgPool1d": (lambda: nn.AvgPool1d(2), {(0, 2, 4): (0, 2, 2), (1, 2): (1, 1)}),
    "AvgPool2d": (lambda: nn.AvgPool2d(2), {(0, 2, 4, 4): (0, 2, 2, 2), (2, 2, 2): (2, 1, 1)}),
    "AdaptiveAvgPool2d": (
        lambda: nn.AdaptiveAvgPool2d(2),
        {(0, 2, 4, 4): (0, 2, 2, 2), (0, 4, 4): (0, 2, 2), (1, 1, 1, 1): (1, 1, 2, 2)},
    ),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(2), {(0, 2): (0, 2), (1, 2, 3): (1, 2, 3)}),
    "BatchNorm1d, eval": (
        lambda: nn.BatchNorm1d(2).eval(),
        {(0, 2): (0, 2), (1, 2): (1, 2)},
    ),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2), {(0, 2, 3, 3): (0, 2, 3, 3)}),
    "BatchNorm1d with ReLU": (
        lambda: nn.Sequential(nn.BatchNorm1d(2), nn.ReLU()),
        {(0, 2): (0, 2), (2, 2): (2, 2)},
    ),
    "LayerNorm": (lambda: nn.LayerNorm(3), {(0, 3): (0, 3), (3,): (3,), (2, 0, 3): (2, 0, 3)}),
    "Dropout": (nn.Dropout, {(0,): (0,), (0, 3): (0, 3)}),
    "Dropout2d": (nn.Dropout2d, {(0, 2, 3, 3): (0, 2, 3, 3)}),
    "Flatten": (nn.Flatten, {(0, 3, 2): (0, 6), (1, 1): (1, 1)}),
    "Unflatten": (lambda: nn.Unflatten(1, (1, -1)), {(0, 3): (0, 1, 3), (1, 1): (1, 1, 1)}),
    "Sequential": (nn.Sequential, {(0, 3): (0, 3), (): ()}),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, device: str) -> None:
    make, shapes = LAYERS[name]
    for shape, wanted in shapes.items():
        layer = make().to(device)
        x = tg.ones(shape, device=device, requires_grad=True)
        y = layer(x)
        assert y.shape == wanted
        y.sum().backward()
        assert x.grad is not None
        assert x.grad.shape == shape
        for parameter in layer.parameters():
            assert parameter.grad.shape == parameter.shape
            if 0 in shape:
                assert parameter.grad.abs().sum().item() == (
                    math.prod(wanted) if "from nothing" in name and parameter.ndim == 1 else 0
                )


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize(
    "kind",
    [nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCELoss, nn.BCEWithLogitsLoss],
)
def test_losses_of_nothing(kind: Any, reduction: str, device: str) -> None:
    x = tg.ones(0, 3, device=device, requires_grad=True)
    loss = kind(reduction=reduction)(x, tg.ones(0, 3, device=device))
    _check(loss, x, (0, 3), reduction)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize(
    "words", [{}, {"label_smoothing": 0.1}, {"ignore_index": 0}, {"weight": True}]
)
@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2), (0, 0)])
def test_cross_entropy_of_nothing(
    shape: Shape, words: dict[str, Any], reduction: str, device: str
) -> None:
    if "weight" in words:
        words = {"weight": tg.ones(shape[1], device=device)}
    x = tg.ones(shape, device=device, requires_grad=True)
    t = tg.zeros((0, *shape[2:]), dtype=tg.int64, device=device)
    loss = nn.CrossEntropyLoss(reduction=reduction, **words)(x, t)
    _check(loss, x, (0, *shape[2:]), reduction, nan=shape == (0, 0) and "label_smoothing" in words)


def _check(loss: Any, x: Any, each: Shape, reduction: str, nan: bool = False) -> None:
    """No losses, their sum 0, their mean NaN; a gradient of the input's shape."""
    assert loss.shape == (each if reduction == "none" else ())
    if reduction == "mean":
        assert math.isnan(loss.item())
    elif not nan:
        assert loss.sum().item() == 0
    loss.sum().backward()
    assert x.grad.shape == x.shape
