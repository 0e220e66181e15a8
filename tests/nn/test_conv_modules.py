"""Convolution layers: parameters, initialisation, printing, state and what they compute."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F

SHAPES: list[tuple[Any, dict[str, tuple[int, ...]]]] = [
    (lambda **k: nn.Conv2d(4, 6, 3, **k), {"weight": (6, 4, 3, 3), "bias": (6,)}),
    (lambda **k: nn.Conv2d(4, 6, (2, 5), groups=2, **k), {"weight": (6, 2, 2, 5), "bias": (6,)}),
    (lambda **k: nn.Conv2d(4, 6, 1, bias=False, **k), {"weight": (6, 4, 1, 1)}),
    (lambda **k: nn.Conv1d(4, 6, 3, groups=2, **k), {"weight": (6, 2, 3), "bias": (6,)}),
    (lambda **k: nn.ConvTranspose2d(4, 6, 3, **k), {"weight": (4, 6, 3, 3), "bias": (6,)}),
    (lambda **k: nn.ConvTranspose2d(4, 6, (3, 2), groups=2, bias=False, **k),
     {"weight": (4, 3, 3, 2)}),
    (lambda **k: nn.Unfold(2), {}),
    (lambda **k: nn.Fold(3, 2), {}),
]  # fmt: skip


@pytest.mark.parametrize(("make", "shapes"), SHAPES)
def test_parameters(make: Any, shapes: dict[str, tuple[int, ...]], device: str) -> None:
    layer = make(device=device, dtype="float64")
    state = layer.state_dict()
    assert {name: tuple(t.shape) for name, t in state.items()} == shapes
    for parameter in layer.parameters():
        assert isinstance(parameter, nn.Parameter)
        assert (parameter.requires_grad, parameter.dtype, parameter.device.type) == (
            True,
            np.float64,
            device,
        )
    if "bias" not in shapes and shapes:
        assert layer.bias is None


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_initialisation_is_uniform_within_one_over_root_fan_in(kind: Any) -> None:
    layer = kind(20, 30, (3, 5), groups=2)
    fan_in = math.prod(layer.weight.shape[1:])
    for parameter in (layer.weight, layer.bias):
        values, bound = parameter.detach().numpy(), 1 / math.sqrt(fan_in)
        assert np.abs(values).max() <= bound
        assert np.abs(values).max() > 0.8 * bound
    weight = layer.weight.detach().numpy()
    assert abs(weight.std() * math.sqrt(3 * fan_in) - 1) < 0.05
    assert abs(weight.mean()) < 0.1 * weight.std()


REPR = {
    "Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1))": lambda: nn.Conv2d(3, 4, 3),
    "Conv2d(3, 4, kernel_size=(3, 1), stride=(2, 1), padding=(1, 0), bias=False)": (
        lambda: nn.Conv2d(3, 4, (3, 1), (2, 1), (1, 0), bias=False)
    ),
    "Conv2d(4, 4, kernel_size=(3, 3), stride=(1, 1), padding=same, dilation=(2, 2), groups=4)": (
        lambda: nn.Conv2d(4, 4, 3, padding="same", dilation=2, groups=4)
    ),
    "Conv1d(3, 4, kernel_size=(3,), stride=(1,), padding=(1,))": lambda: nn.Conv1d(
        3, 4, 3, padding=1
    ),
    "ConvTranspose2d(3, 4, kernel_size=(3, 3), stride=(2, 2), output_padding=(1, 1))": (
        lambda: nn.ConvTranspose2d(3, 4, 3, stride=2, output_padding=1)
    ),
    "Unfold(kernel_size=2, dilation=1, padding=0, stride=1)": lambda: nn.Unfold(2),
    "Fold(output_size=(3, 3), kernel_size=2, dilation=1, padding=0, stride=1)": lambda: nn.Fold(
        (3, 3), 2
    ),
}


@pytest.mark.parametrize("text", REPR)
def test_prints_as_pytorch_does(text: str) -> None:
    assert repr(REPR[text]()) == text


def test_layers_call_their_functions(device: str) -> None:
    x = tg.randn(2, 4, 7, 6, device=device)
    layer = nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 2), groups=2, device=device)
    wanted = F.conv2d(x, layer.weight, layer.bias, (2, 1), (1, 0), (1, 2), 2)
    assert tg.equal(layer(x), wanted)
    assert layer(x).shape == (2, 6, 4, 4)

    one = nn.Conv1d(4, 6, 3, 2, 1, 1, 2, device=device)
    assert tg.equal(one(x[:, :, 0]), F.conv1d(x[:, :, 0], one.weight, one.bias, 2, 1, 1, 2))
    assert one(x[:, :, 0]).shape == (2, 6, 3)

    back = nn.ConvTranspose2d(4, 6, 3, (2, 3), 1, (1, 2), 2, device=device)
    wanted = F.conv_transpose2d(x, back.weight, back.bias, (2, 3), 1, (1, 2), 2)
    assert tg.equal(back(x), wanted)
    assert back(x).shape == (2, 6, 14, 18)

    columns = nn.Unfold((2, 3), 1, 1, 2)(x)
    assert tg.equal(columns, F.unfold(x, (2, 3), 1, 1, 2))
    fold = nn.Fold((7, 6), (2, 3), 1, 1, 2)
    assert tg.equal(fold(columns), F.fold(columns, (7, 6), (2, 3), 1, 1, 2))


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_named_padding(padding: str) -> None:
    layer = nn.Conv2d(2, 3, (4, 3), padding=padding)
    assert layer(tg.zeros(1, 2, 6, 5)).shape == (
        (1, 3, 6, 5) if padding == "same" else (1, 3, 3, 3)
    )


def test_state_survives_a_round_trip(device: str) -> None:
    source, target = (nn.Conv2d(2, 3, 3, device=device) for _ in range(2))
    x = tg.randn(1, 2, 5, 5, device=device)
    assert not tg.equal(source(x), target(x))
    target.load_state_dict(source.state_dict())
    assert tg.equal(source(x), target(x))
    with pytest.raises(RuntimeError, match=r"weight.*\(3, 2, 3, 3\)|size mismatch"):
        nn.Conv2d(2, 4, 3).load_state_dict(source.state_dict())


def test_one_step_of_descent_lowers_the_loss(device: str) -> None:
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, device=device),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 2, 2, 2, device=device),
    )
    x, t = tg.randn(3, 2, 4, 4, device=device), tg.randn(3, 2, 8, 8, device=device)
    losses = []
    for _ in range(2):
        net.zero_grad()
        loss = F.mse_loss(net(x), t)
        loss.backward()
        losses.append(loss.item())
        with tg.no_grad():
            for p in net.parameters():
                p -= 0.05 * p.grad
    assert losses[1] < losses[0]


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "Conv2d: in_channels 3.*groups 2"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), ValueError, "Conv2d: .*out_channels 3.*groups 2"),
        (lambda: nn.Conv2d(4, 4, 3, groups=0), ValueError, "Conv2d: .*groups 0"),
        (lambda: nn.Conv2d(4, 4, 0), RuntimeError, "Conv2d: kernel_size .* at least 1, but is 0"),
        (lambda: nn.Conv2d(4, 4, 3, stride=0), RuntimeError, "Conv2d: stride .*but is 0"),
        (lambda: nn.Conv2d(4, 4, 3.0), TypeError, "Conv2d: kernel_size must be an int.*3.0"),
        (lambda: nn.Conv2d(4, 4, 3, padding="full"), ValueError, "Conv2d: padding.*'full'"),
        (lambda: nn.Conv2d(4, 4, 3, 2, "same"), ValueError, "Conv2d: padding='same'.*stride"),
        (lambda: nn.Conv1d(4, 4, (3, 2)), RuntimeError, r"Conv1d: kernel_size .*\(3, 2\)"),
        (lambda: nn.ConvTranspose2d(4, 4, 3, padding=-1), RuntimeError, "padding .*but is -1"),
        (lambda: nn.Conv2d(4, 4, 3, padding_mode="mirror"), ValueError, "padding_mode='mirror'"),
    ],
)
def test_errors_of_construction(make: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        make()
