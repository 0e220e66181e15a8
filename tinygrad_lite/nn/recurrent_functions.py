"""`torch.lstm`, `gru`, `rnn_tanh` and `rnn_relu`: the layers of `nn.LSTM` with weights given.

Each is called in two ways: with a batch (T, N, F), or behind packed rows with their `batch_sizes`,
then without `batch_first`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from .module import Module
from .recurrent import RNNBase
from .utils.rnn import PackedSequence

__all__ = ["gru", "lstm", "rnn_relu", "rnn_tanh"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class _Given(RNNBase):
    """Layers whose weights are tensors in a list, as `RNNBase._flat_weights` lists them.

    Raises:
        RuntimeError: another number of weights than the layers have.
    """

    def __init__(self, mode: str, params: Sequence[Tensor], **settings: Any) -> None:
        Module.__init__(self)
        for name, value in settings.items():
            setattr(self, name, value)
        self.mode = mode
        self.input_size = params[0].shape[1]
        self.hidden_size = params[0].shape[0] // _GATES[mode]
        each, rest = divmod(len(params), self.num_layers * self._directions)
        usual = 4 if self.bias else 2
        if rest or each not in (usual, usual + (mode == "LSTM")):
            raise RuntimeError(
                f"{mode.lower()}: expected {usual} weights for each of {self.num_layers} layers "
                f"and {self._directions} directions, but got {len(params)}"
            )
        self.proj_size = params[1].shape[1] if each > usual else 0
        for name, tensor in zip(self._flat_weights_names, params, strict=True):
            self.__dict__[name] = tensor  # not registered: it is the caller's


def _run(
    mode: str, packed: bool, input: Tensor, states: Any, params: Sequence[Tensor], *rest: Any
) -> tuple[Tensor, ...]:
    """What the layers give: the output, and the last states.

    Args:
        mode: which layer.
        packed: whether `states` are the batch sizes and the others one place behind.
        input: a batch, or packed rows.
        states, params, rest: as they were given.
    """
    sizes = None
    if packed:
        sizes, states, params, rest = states, params, rest[0], rest[1:]
    names = ("bias", "num_layers", "dropout", "train", "bidirectional", "batch_first")
    settings = dict(zip(names, (*rest, False)[: len(names)], strict=True))
    training = settings.pop("train")
    layers = _Given(mode, params, **settings)
    layers.training = training
    states = (states,) if isinstance(states, Tensor) else tuple(states)
    given = input if sizes is None else PackedSequence(input, sizes)
    output, last = layers._run(given, states)
    return (output if sizes is None else output.data), *last


def lstm(
    input: Tensor,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: Any,
    batch_first: Any = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """The outputs and last states h, c of an LSTM whose weights are given.

    Args:
        input: (T, N, F), or (N, T, F) with `batch_first`; or packed rows, with `batch_sizes` in
            place of `hx` and each argument one place later.
        hx: the first states h and c, (layers · directions, N, H) each.
        params: the weights, as `nn.LSTM` lists them.
        has_biases, num_layers, dropout, train, bidirectional, batch_first: see `nn.LSTM`.
    """
    rest = has_biases, num_layers, dropout, train, bidirectional, batch_first
    out = _run("LSTM", isinstance(hx, Tensor), input, hx, params, *rest)
    return out  # type: ignore[return-value]


def _of_one_state(mode: str) -> Any:
    def call(
        input: Tensor,
        hx: Tensor,
        params: Any,
        has_biases: Any,
        num_layers: Any,
        dropout: Any,
        train: Any,
        bidirectional: Any,
        batch_first: Any = False,
    ) -> tuple[Tensor, Tensor]:
        rest = has_biases, num_layers, dropout, train, bidirectional, batch_first
        out = _run(mode, isinstance(params, Tensor), input, hx, params, *rest)
        return out  # type: ignore[return-value]

    call.__name__ = call.__qualname__ = mode.lower()
    call.__doc__ = f"The outputs and last state of {mode}; arguments as those of `lstm`, one state."
    return call


gru = _of_one_state("GRU")
rnn_tanh = _of_one_state("RNN_TANH")
rnn_relu = _of_one_state("RNN_RELU")
