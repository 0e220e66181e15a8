"""Recurrent layers: what `test_beside` does not compare. Values and gradients are its cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.autograd import gradcheck, gradgradcheck
from tinygrad_lite.nn.utils import rnn
from tinygrad_lite.ops import recurrence as ops
from tinygrad_lite.tensor import apply

LAYERS = [nn.RNN, nn.GRU, nn.LSTM]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_rule_is_its_composition(layer: Any, reverse: bool, device: str) -> None:
    net = layer(2, 3, bidirectional=reverse, dtype=tg.float64, device=device)
    x = tg.randn(4, 3, 2, dtype=tg.float64, device=device)
    packed = rnn.pack_padded_sequence(x, [4, 2, 1])
    output = net(packed)[0].data
    node = output.grad_fn
    while node.rule.composition is None or node.operation == "linear":
        node = node.parents[-1]
    from tinygrad_lite.tensor.rerun import Rerun
    from tinygrad_lite.tensor.space import space

    again = Rerun(lambda *a, **k: [])
    inputs = [again.tensor_input(node, i) for i in range(len(node.parents))]
    array = again._compute(node)
    composed = node.rule.composition(space, *inputs, **node.kwargs)
    np.testing.assert_allclose(composed.cpu().detach().numpy(), tg.Tensor(array).cpu().numpy())


@pytest.mark.parametrize("layer", LAYERS)
def test_second_derivatives_of_the_input(layer: Any, device: str) -> None:
    net = layer(1, 2, dtype=tg.float64, device=device)
    x = tg.randn(2, 1, 1, dtype=tg.float64, device=device, requires_grad=True)
    assert gradgradcheck(lambda x: net(x)[0], [x])


def test_dropout_acts_between_layers_in_training_only() -> None:
    net = nn.GRU(3, 4, 2, dropout=1.0)
    x = tg.randn(5, 2, 3)
    dropped = net(x)[0]
    with tg.no_grad():
        net.weight_ih_l1.zero_()
    np.testing.assert_allclose(dropped.detach().numpy(), net(x)[0].detach().numpy(), atol=1e-6)
    assert not np.allclose(net.eval()(x * 2)[0].tolist(), nn.GRU(3, 4, 2).eval()(x)[0].tolist())


def test_dropout_of_one_layer_warns() -> None:
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last"):
        nn.LSTM(2, 3, dropout=0.1)


@pytest.mark.parametrize("layer", LAYERS)
def test_float16_and_a_long_sequence(layer: Any, device: str) -> None:
    net = layer(2, 3, device=device).half()
    output, _ = net(tg.randn(30, 2, 2, device=device).half())
    assert output.dtype == tg.float16
    output.sum().backward()
    assert all(p.grad is not None and p.grad.dtype == tg.float16 for p in net.parameters())


def test_autocast_gives_16_bits(device: str) -> None:
    net = nn.LSTM(2, 3, device=device)
    with tg.autocast("cuda" if device == "cuda" else "cpu", tg.float16):
        assert net(tg.randn(4, 1, 2, device=device))[0].dtype == (
            tg.float32 if device == "strict" else tg.float16
        )


def test_weights_as_pytorch_lists_them() -> None:
    net = nn.LSTM(2, 3, 2, bidirectional=True)
    net.flatten_parameters()
    assert len(net.all_weights) == 4
    assert net.all_weights[1][0] is net.weight_ih_l0_reverse
    assert net._flat_weights_names == [name for name, _ in net.named_parameters()]
    assert net._flat_weights[4] is net.weight_ih_l0_reverse
    bound = 1 / np.sqrt(3)
    assert all(p.abs().max() <= bound for p in net.parameters())


def test_a_projection_is_smaller_than_the_hidden_state_and_of_an_lstm() -> None:
    assert repr(nn.LSTM(2, 3, proj_size=2)) == "LSTM(2, 3, proj_size=2)"
    for size in (3, -1):
        with pytest.raises(ValueError, match="proj_size"):
            nn.LSTM(2, 3, proj_size=size)
    with pytest.raises(ValueError, match="only supported for LSTM"):
        nn.RNN(2, 3, proj_size=2)


def test_packed_sequences_move_and_convert(device: str) -> None:
    packed = rnn.pack_sequence([tg.ones(1, 2), tg.ones(3, 2)], enforce_sorted=False)
    assert packed.to(device).data.device.type == device
    assert packed.double().data.dtype == tg.float64
    assert packed.double().sorted_indices.tolist() == [1, 0]
    data, sizes, _, _ = packed
    assert data.shape == (4, 2)
    assert sizes.tolist() == [2, 1, 1]
    if device != "cpu":
        with pytest.raises(ValueError, match="batch_sizes should always be on CPU"):
            rnn.PackedSequence(data, sizes.to(device))


SIZES = (3, 3, 2, 1)  # of the steps of sequences of 4, 3 and 2 steps


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", ["relu", "tanh", "lstm", "gru"])
def test_gradients_of_every_input(kind: str, reverse: bool, device: str) -> None:
    """Of sequences of several lengths, both ways through time."""
    total, n, size = sum(SIZES), SIZES[0], 2
    gates = {"lstm": 4, "gru": 3}.get(kind, 1)
    words: dict[str, Any] = {"sizes": SIZES, "reverse": reverse}
    if gates == 1:
        words["relu"] = kind == "relu"
    rule = {"lstm": ops.lstm, "gru": ops.gru}.get(kind, ops.rnn)
    weight, bias = (gates * size, size), (gates * size,)
    states = [(n, size)] * (2 if kind == "lstm" else 1)
    biases = [bias] * (2 if kind == "gru" else 1)
    shapes = [(total, 3), *states, (gates * size, 3), weight, *biases]
    inputs = [
        tg.randn(*shape, dtype=tg.float64, device=device).requires_grad_() for shape in shapes
    ]
    assert gradcheck(lambda *given: apply(rule, *given, **words), inputs)
    if not reverse:
        assert gradgradcheck(lambda *given: apply(rule, *given, **words).tanh(), inputs)


def test_a_clipped_unit_passes_no_gradient() -> None:
    gates = tg.tensor([[-1.0, 1.0]], requires_grad=True)
    zeros = tg.zeros(1, 2), tg.eye(2), tg.zeros(2, 2)
    apply(ops.rnn, gates, *zeros, sizes=(1,), reverse=False, relu=True)[:1].sum().backward()
    assert gates.grad is not None
    assert gates.grad.tolist() == [[0.0, 1.0]]


def test_an_input_of_another_dtype_is_taken_inside_autocast_alone() -> None:
    layer, x = nn.LSTM(2, 3), tg.ones(4, 1, 2, dtype=tg.bfloat16)
    with pytest.raises(ValueError, match="does not match weight dtype"):
        layer(x)
    with tg.autocast("cpu", dtype=tg.bfloat16):
        assert layer(x)[0].shape == (4, 1, 3)
