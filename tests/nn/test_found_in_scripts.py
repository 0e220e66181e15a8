"""What public programs found that call, or override, the parts of PyTorch's layers by name.

The values are PyTorch's.
"""

from __future__ import annotations

from typing import Any

import pytest
from tinygrad_lite.nn.modules.batchnorm import _BatchNorm

import tinygrad_lite as torch
from tinygrad_lite import Tensor, nn

CONVOLUTIONS = [nn.Conv1d, nn.Conv2d, nn.Conv3d]


def ramp(*shape: int) -> Tensor:
    """0, 1/8, 2/8, … of a shape."""
    return (torch.arange(torch.Size(shape).numel()) / 8).reshape(shape)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_a_convolution_with_another_weight(kind: Any) -> None:
    layer = kind(2, 3, 3, padding=1)
    x = torch.randn(2, 2, *(5,) * layer._dims)
    weight = layer.weight.detach().requires_grad_()
    twice = layer._conv_forward(x, weight * 2, layer.bias)
    torch.testing.assert_close(twice, 2 * layer(x) - layer.bias.view(-1, *(1,) * layer._dims))
    twice.sum().backward()
    assert weight.grad is not None
    assert layer.weight.grad is None


def test_the_value_of_a_convolution_with_another_weight() -> None:
    layer = nn.Conv2d(1, 1, 2, padding=1, padding_mode="reflect", bias=False)
    y = layer._conv_forward(ramp(1, 1, 2, 3), ramp(1, 1, 2, 2), torch.ones(1))
    assert y[0, 0].tolist() == [
        [1.078125, 1.109375, 1.203125, 1.171875],
        [1.265625, 1.296875, 1.390625, 1.359375],
        [1.078125, 1.109375, 1.203125, 1.171875],
    ]


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_a_convolutions_own_forward_is_taken(kind: Any) -> None:
    class Zero(kind):  # type: ignore[misc]
        def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
            return super()._conv_forward(input, weight * 0, bias)

    layer = Zero(1, 2, 1)
    x = torch.randn(4, 1, *(3,) * layer._dims)
    assert torch.equal(layer(x), layer(x * 9))
    norm = getattr(nn, f"BatchNorm{layer._dims}d")(2)
    assert nn.Sequential(layer, norm, nn.ReLU())(x).abs().max().item() < 1e-3  # also joined


def test_the_settings_of_convolutions() -> None:
    assert nn.Conv2d(1, 1, (3, 5), padding=(1, 2))._reversed_padding_repeated_twice == [2, 2, 1, 1]
    same = nn.Conv1d(1, 1, 4, padding="same", dilation=3)
    assert same._reversed_padding_repeated_twice == [4, 5]
    assert nn.Conv2d(1, 1, 3, padding="valid")._reversed_padding_repeated_twice == [0] * 4
    assert nn.Conv2d(1, 1, 3).output_padding == (0, 0)
    assert nn.ConvTranspose2d(1, 1, 3, 2, output_padding=1).output_padding == (1, 1)
    assert not nn.Conv1d(1, 1, 3).transposed
    assert nn.ConvTranspose1d(1, 1, 3).transposed
    assert "output_padding" not in repr(nn.Conv2d(1, 1, 3))


def test_the_rank_that_a_normalisation_takes() -> None:
    nn.BatchNorm2d(2)._check_input_dim(torch.zeros(1, 2, 3, 3))
    nn.InstanceNorm1d(2)._check_input_dim(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="expected 4D input"):
        nn.BatchNorm2d(2)._check_input_dim(torch.zeros(1, 2, 3))
    with pytest.raises(ValueError, match="expected 3D or 4D input"):
        nn.InstanceNorm2d(2)._check_input_dim(torch.zeros(1, 2))


def test_a_normalisation_of_any_rank() -> None:
    class Any_(_BatchNorm):
        def _check_input_dim(self, input: Tensor) -> None:
            return

    layer = Any_(2)
    for shape in ((4, 2), (4, 2, 3), (4, 2, 3, 3)):
        torch.testing.assert_close(
            layer(ramp(*shape)).mean(), torch.tensor(0.0), atol=1e-6, rtol=0.0
        )
    with pytest.raises(RuntimeError):
        layer(ramp(4, 3))


@pytest.mark.parametrize("first", [False, True])
def test_the_blocks_of_a_transformers_layers(first: bool) -> None:
    class Encoder(nn.TransformerEncoderLayer):
        def _sa_block(self, x: Tensor, *masks: Any, **more: Any) -> Tensor:
            return 0 * super()._sa_block(x, *masks, **more)

        def _ff_block(self, x: Tensor) -> Tensor:
            return 0 * super()._ff_block(x) + 1

    class Decoder(nn.TransformerDecoderLayer):
        def _sa_block(self, x: Tensor, *masks: Any, **more: Any) -> Tensor:
            return 0 * x

        def _mha_block(self, x: Tensor, mem: Tensor, *masks: Any, **more: Any) -> Tensor:
            return 0 * x + mem.mean()

        def _ff_block(self, x: Tensor) -> Tensor:
            return 0 * x + 1

    x = ramp(3, 2, 4)
    encoded = Encoder(4, 2, 8, norm_first=first).eval()(x)
    decoded = Decoder(4, 2, 8, norm_first=first).eval()(x, torch.ones(5, 2, 4))
    if first:
        torch.testing.assert_close(encoded, x + 1)
        torch.testing.assert_close(decoded, x + 2)
    else:
        for y in (encoded, decoded):
            torch.testing.assert_close(y, nn.functional.layer_norm(x, (4,)), atol=1e-3, rtol=0.0)


def test_a_layer_in_its_blocks() -> None:
    layer = nn.TransformerDecoderLayer(4, 2, 8, dropout=0.0)
    x, memory = torch.randn(3, 2, 4), torch.randn(5, 2, 4)
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    y = layer.norm1(x + layer._sa_block(x, mask, None, is_causal=True))
    y = layer.norm2(y + layer._mha_block(y, memory, None, None, False))
    y = layer.norm3(y + layer._ff_block(y))
    torch.testing.assert_close(y, layer(x, memory, tgt_mask=mask, tgt_is_causal=True))
