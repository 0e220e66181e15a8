"""Recurrent layers, their cells and what packs sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case

X, H = (4, 3, 2), (2, 3, 5)  # T, N, F and layers · directions, N, H


def packed(lengths: list[int], sort: bool, pads: bool = True) -> Any:
    """Calls a layer with packed sequences."""

    def call(layer: Any, x: Any, *states: Any) -> Any:
        rnn = __import__(type(layer).__module__.partition(".")[0]).nn.utils.rnn
        sequence = rnn.pack_padded_sequence(x, lengths, enforce_sorted=sort)
        state = states if len(states) > 1 else states[0] if states else None
        output, last = layer(sequence, state)
        parts = rnn.pad_packed_sequence(output, padding_value=0.5) if pads else output[:2]
        return parts, last

    return call


def with_pair(layer: Any, x: Any, h: Any, c: Any) -> Any:
    """Calls an LSTM with first states."""
    return layer(x, (h, c))


def functions(name: str, *args: Any, **words: Any) -> Any:
    """A function of `nn.utils.rnn` applied to its tensors."""
    return lambda lib: lambda *xs: getattr(lib.nn.utils.rnn, name)(*args, list(xs), **words)


CASES = [
    Case("RNN", lambda lib: lib.nn.RNN(2, 5), (X,)),
    Case("RNN relu two layers", lambda lib: lib.nn.RNN(2, 5, 2, "relu"), (X, H)),
    Case("RNN by name", lambda lib: lib.nn.RNN(2, 5, nonlinearity="relu", bias=False), (X,)),
    Case("GRU", lambda lib: lib.nn.GRU(2, 5), (X,)),
    Case("GRU both ways", lambda lib: lib.nn.GRU(2, 5, bidirectional=True, bias=False), (X, H)),
    Case("GRU deep", lambda lib: lib.nn.GRU(2, 5, num_layers=2, batch_first=True), (X,)),
    Case("LSTM", lambda lib: lib.nn.LSTM(2, 5), (X,)),
    Case("LSTM both ways", lambda lib: lib.nn.LSTM(2, 5, bidirectional=True), (X, H, H),
         call=with_pair),
    Case("LSTM all", lambda lib: lib.nn.LSTM(2, 5, 2, True, True, 0.5, True), (X,), train=False),
    Case("LSTM one sequence", lambda lib: lib.nn.LSTM(2, 5, 2, bias=False),
         ((4, 2), (2, 5), (2, 5)), call=with_pair),
    Case("GRU one sequence", lambda lib: lib.nn.GRU(2, 5, batch_first=True), ((4, 2),)),
    Case("LSTM packed", lambda lib: lib.nn.LSTM(2, 5, bidirectional=True), (X, H, H),
         call=packed([4, 2, 1], True)),
    Case("LSTM packed unsorted", lambda lib: lib.nn.LSTM(2, 5, 2), (X, H, H),
         call=packed([2, 4, 1], False)),
    Case("GRU packed unsorted", lambda lib: lib.nn.GRU(2, 5, bidirectional=True), (X, H),
         call=packed([2, 3, 3], False)),
    Case("RNN packed", lambda lib: lib.nn.RNN(2, 5, bidirectional=True), (X,),
         call=packed([4, 4, 1], True, False)),
    Case("RNN small", lambda lib: lib.nn.RNN(1, 2), ((3, 2, 1),), call=packed([3, 1], True),
         second=True),
    Case("RNN small relu", lambda lib: lib.nn.RNN(1, 2, 1, "relu"), ((3, 2, 1),), second=True),
    Case("GRU small", lambda lib: lib.nn.GRU(1, 2), ((3, 2, 1),), call=packed([3, 1], True),
         second=True),
    Case("LSTM small", lambda lib: lib.nn.LSTM(1, 2), ((3, 2, 1),), call=packed([3, 1], True),
         second=True),
    Case("RNNCell", lambda lib: lib.nn.RNNCell(2, 5), ((3, 2), (3, 5))),
    Case("RNNCell relu", lambda lib: lib.nn.RNNCell(2, 5, False, "relu"), ((3, 2),)),
    Case("GRUCell", lambda lib: lib.nn.GRUCell(2, 5), ((3, 2), (3, 5))),
    Case("GRUCell one", lambda lib: lib.nn.GRUCell(2, 5, bias=False), ((2,), (5,))),
    Case("LSTMCell", lambda lib: lib.nn.LSTMCell(2, 5), ((3, 2), (3, 5), (3, 5)), call=with_pair),
    Case("LSTMCell alone", lambda lib: lib.nn.LSTMCell(2, 5), ((3, 2),)),
    Case("LSTMCell one", lambda lib: lib.nn.LSTMCell(2, 5), ((2,), (5,), (5,)), call=with_pair),
    Case("pad_sequence", functions("pad_sequence"), ((2, 3), (4, 3), (1, 3))),
    Case("pad_sequence left", functions("pad_sequence", batch_first=True, padding_value=-1.5,
         padding_side="left"), ((2, 3), (4, 3))),
    Case("pack_sequence", functions("pack_sequence"), ((4, 3), (2, 3), (2, 3))),
    Case("pack_sequence unsorted", functions("pack_sequence", enforce_sorted=False),
         ((1,), (3,), (2,))),
    Case("pack and unpack",
         lambda lib: lambda *xs: lib.nn.utils.rnn.unpack_sequence(
             lib.nn.utils.rnn.pack_sequence(xs, enforce_sorted=False)), ((1, 2), (3, 2), (2, 2))),
    Case("pad_packed_sequence",
         lambda lib: lambda x: lib.nn.utils.rnn.pad_packed_sequence(
             lib.nn.utils.rnn.pack_padded_sequence(x, lib.tensor([1, 3]), True, False),
             True, 2.5, 5), ((2, 3, 2),)),
]  # fmt: skip

LENGTHS = np.asarray([2, 1])
ERRORS: list[tuple[str, Any]] = [
    ("RNN of no features", lambda lib: lib.nn.RNN(0, 3)),
    ("RNN of a text", lambda lib: lib.nn.RNN("2", 3)),
    ("RNN of another function", lambda lib: lib.nn.RNN(2, 3, nonlinearity="gelu")),
    ("dropout above 1", lambda lib: lib.nn.LSTM(2, 3, 2, dropout=1.5)),
    ("no layers", lambda lib: lib.nn.LSTM(2, 3, 0)),
    ("bias as a number", lambda lib: lib.nn.LSTM(2, 3, bias=1)),
    ("GRU with a projection", lambda lib: lib.nn.GRU(2, 3, proj_size=1)),
    ("four dimensions", lambda lib: lib.nn.LSTM(2, 3)(lib.zeros(1, 1, 1, 2))),
    ("other features", lambda lib: lib.nn.LSTM(2, 3)(lib.zeros(4, 1, 5))),
    ("no steps", lambda lib: lib.nn.LSTM(2, 3)(lib.zeros(0, 1, 2))),
    ("hidden of another size",
     lambda lib: lib.nn.GRU(2, 3)(lib.zeros(4, 1, 2), lib.zeros(1, 2, 3))),
    ("hidden without batch", lambda lib: lib.nn.GRU(2, 3)(lib.zeros(4, 1, 2), lib.zeros(1, 3))),
    ("hidden with batch", lambda lib: lib.nn.GRU(2, 3)(lib.zeros(4, 2), lib.zeros(1, 1, 3))),
    ("cell in three", lambda lib: lib.nn.LSTMCell(2, 3)(lib.zeros(1, 1, 2))),
    ("cell's state", lambda lib: lib.nn.GRUCell(2, 3)(lib.zeros(1, 2), lib.zeros(2, 3))),
    ("lengths unsorted", lambda lib: lib.nn.utils.rnn.pack_padded_sequence(
        lib.zeros(3, 2, 1), [1, 2])),
    ("lengths too many", lambda lib: lib.nn.utils.rnn.pack_padded_sequence(
        lib.zeros(3, 2, 1), [2, 2, 1])),
    ("length zero", lambda lib: lib.nn.utils.rnn.pack_padded_sequence(lib.zeros(3, 2, 1), [2, 0])),
    ("pad too short", lambda lib: lib.nn.utils.rnn.pad_packed_sequence(
        lib.nn.utils.rnn.pack_padded_sequence(lib.zeros(3, 2, 1), [3, 1]), total_length=2)),
    ("pad shapes", lambda lib: lib.nn.utils.rnn.pad_sequence([lib.zeros(2, 3), lib.zeros(2, 4)])),
    ("pad nothing", lambda lib: lib.nn.utils.rnn.pad_sequence([])),
    ("pad a number", lambda lib: lib.nn.utils.rnn.pad_sequence(3)),
]  # fmt: skip
