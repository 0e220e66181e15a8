"""`torch.lstm` and the like; what `nn.parallel` has for one device; passes over a loader."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import pytest
from tinygrad_lite.nn.parallel.scatter_gather import gather, scatter, scatter_kwargs

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn.utils.rnn import pack_padded_sequence
from tinygrad_lite.utils.data import DataLoader, Subset, TensorDataset

LAYERS: list[tuple[str, type[Any], dict[str, Any]]] = [
    ("lstm", nn.LSTM, {}),
    ("lstm", nn.LSTM, {"proj_size": 2, "bias": False}),
    ("gru", nn.GRU, {"bidirectional": True}),
    ("rnn_tanh", nn.RNN, {}),
    ("rnn_relu", nn.RNN, {"nonlinearity": "relu", "bidirectional": True, "bias": False}),
]


@pytest.mark.parametrize(("name", "kind", "words"), LAYERS)
def test_layers_with_weights_given(name: str, kind: type[Any], words: dict[str, Any]) -> None:
    layer = kind(3, 4, num_layers=2, **words)
    function, ways = getattr(tg, name), 2 if words.get("bidirectional") else 1
    state: Any = tg.randn(2 * ways, 2, words.get("proj_size", 4))
    if name == "lstm":
        state = (state, tg.randn(2 * ways, 2, 4))
    weights = list(layer._flat_weights)
    settings = (words.get("bias", True), 2, 0.0, False, ways == 2)
    before = tg.get_rng_state()
    x = tg.randn(2, 5, 3)
    for batch_first in (False, True):
        given = x if batch_first else x.transpose(0, 1)
        out, *last = function(given, state, weights, *settings, batch_first)
        layer.batch_first = batch_first
        expected, states = layer(given, state)
        assert out.equal(expected)
        wanted = states if name == "lstm" else (states,)
        assert all(a.equal(b) for a, b in zip(last, wanted, strict=True))
    packed = pack_padded_sequence(x, tg.tensor([5, 3]), batch_first=True)
    out, *last = function(packed.data, packed.batch_sizes, state, weights, *settings)
    expected, states = layer(packed, state)
    assert out.equal(expected.data)
    assert last[0].equal(states[0] if name == "lstm" else states)
    out.sum().backward()
    assert all(w.grad is not None for w in weights[:2])
    tg.set_rng_state(before)
    tg.randn(2, 5, 3)
    function(x, state, weights, *settings, True)
    assert tg.randn(1).item() != 0  # nothing was drawn for weights:
    with pytest.raises(RuntimeError, match="weights for each of 2 layers"):
        function(x, state, weights[:-1], *settings, True)


def test_dropout_between_the_layers() -> None:
    layer = nn.GRU(3, 4, num_layers=2, dropout=0.5)
    x, h = tg.randn(5, 2, 3), tg.zeros(2, 2, 4)
    weights = layer._flat_weights
    tg.manual_seed(1)
    out = tg.gru(x, h, weights, True, 2, 0.5, True, False)[0]
    tg.manual_seed(1)
    assert out.equal(layer(x, h)[0])
    assert not out.equal(tg.gru(x, h, weights, True, 2, 0.5, False, False)[0])


Pair = namedtuple("Pair", "a b")


def test_parts_for_devices_and_together_again() -> None:
    x = tg.arange(5)
    given = {"x": x, "pair": Pair(x, [x, 1]), "none": None, "empty": ()}
    first, second = scatter(given, ["cpu", "cpu"])
    assert first["x"].tolist() == [0, 1, 2]
    assert second["pair"].b[0].tolist() == [3, 4]
    assert isinstance(second["pair"], Pair)
    assert (first["pair"].b[1], first["none"], first["empty"]) == (1, None, ())
    args, words = scatter_kwargs((x,), None, ["cpu", "cpu"])
    assert [len(args), words] == [2, ({}, {})]
    outputs = [(part["x"] * 2, Pair(part["x"].sum(), None)) for part in (first, second)]
    doubled, pair = gather(outputs, "cpu")
    assert doubled.tolist() == [0, 2, 4, 6, 8]
    assert pair.a.tolist() == [3, 7]
    assert pair.b is None
    assert gather([{"k": x}, {"k": x}], "cpu")["k"].shape == (10,)
    model = nn.Linear(2, 2)
    replicas = nn.parallel.replicate(model, ["cpu", "cpu"])
    y = nn.parallel.parallel_apply(replicas, [tg.ones(1, 2), (tg.ones(2, 2),)])
    assert [out.shape for out in y] == [(1, 2), (2, 2)]
    gather(y, "cpu").sum().backward()
    assert model.bias.grad is not None
    assert model.bias.grad.tolist() == [3, 3]


class Several(TensorDataset):
    """A data set that is asked for several samples at once."""

    asked: list[list[int]]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        self.asked.append(indices)
        return [self[i] for i in indices]


def test_passes_and_subsets() -> None:
    whole = Several(tg.arange(10))
    whole.asked = []
    loader = DataLoader(whole, batch_size=4)
    batches = iter(loader)
    assert len(batches) == len(loader) == 3  # type: ignore[arg-type]
    assert iter(batches) is batches
    assert [len(x) for (x,) in batches] == [4, 4, 2]
    with pytest.raises(StopIteration):
        next(batches)
    assert len(list(loader._get_iterator())) == 3
    part = Subset(whole, [7, 1, 3])
    whole.asked.clear()
    assert [x.item() for (x,) in part.__getitems__([2, 0])] == [3, 7]
    assert whole.asked == [[3, 7]]
    assert Subset("abcdef", [0, 2, 4]).__getitems__([1, 2]) == ["c", "e"]
