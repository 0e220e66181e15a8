"""One step of a recurrent layer, for loops of one's own."""

from __future__ import annotations

import math
from typing import Any

from ..graph import Rule
from ..ops import recurrence as ops
from ..tensor import Tensor, apply
from ..tensor.create import empty, zeros
from ..tensor.shown import called
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


def biases_for(rule: Rule, bias_ih: Tensor | None, bias_hh: Tensor | None) -> tuple[Tensor, ...]:
    """The operands that a rule takes for two biases, or for none.

    Both are added to the same gates, so one sum of them will do; but a GRU's gate n multiplies
    W_hn h + b_hn with r, so it takes them apart.
    """
    if bias_ih is None or bias_hh is None:
        return ()
    return (bias_ih, bias_hh) if rule is ops.gru else (bias_ih + bias_hh,)


def step(
    rule: Rule,
    x: Tensor,
    states: list[Tensor],
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    **words: Any,
) -> list[Tensor]:
    """The states after one step: a layer's rule over sequences of one step.

    Args:
        rule: the layer's.
        x: (N, F).
        states: (N, H) each.
        weight_ih, weight_hh, bias_ih, bias_hh: as `RNNCellBase` has them.
        words: what else the rule takes.
    """
    if not x.shape:
        kind = {True: "_relu", False: "_tanh"}.get(words.get("relu", ""), "")
        raise IndexError(
            f"{rule.__name__}{kind}_cell: expected an input of 1 or 2 dimensions, but got none"
        )
    biases, n = biases_for(rule, bias_ih, bias_hh), x.shape[0]
    words |= {"sizes": (n,), "reverse": False}
    out = apply(rule, x, *states, weight_ih, weight_hh, *biases, **words)
    after = out.split([n] * (1 + len(states)))[1:]
    if rule is ops.rnn:
        return [called(after[0], "Relu" if words["relu"] else "Tanh")]
    names = ("Mul", "Add") if rule is ops.lstm else ("Add",)  # which make h, and c
    return [called(state, name) for state, name in zip(after, names, strict=True)]


class RNNCellBase(Module):
    """What cells share.

    Args:
        input_size: the features of the input, F.
        hidden_size: the features of the hidden state, H.
        bias: add biases.
        num_chunks: how many gates the cell has, G.
        device, dtype: of the parameters.

    Attributes:
        weight_ih, weight_hh, bias_ih, bias_hh: (G·H, F), (G·H, H), and (G·H) or None each; they
            start uniform on ±1/√H.
    """

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), dtype=dtype, device=device))
        self.weight_hh = Parameter(empty((rows, hidden_size), dtype=dtype, device=device))
        for name in ("bias_ih", "bias_hh"):
            tensor = Parameter(empty((rows,), dtype=dtype, device=device)) if bias else None
            self.register_parameter(name, tensor)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters again, uniform on ±1/√H."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0.0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _prepared(
        self, input: Tensor, given: tuple[Tensor, ...] | None, count: int
    ) -> tuple[Tensor, list[Tensor]]:
        """The input as (N, F), and `count` states as (N, H): zeros if none are given.

        Raises:
            ValueError: other ranks.
            RuntimeError: a state of another shape.
        """
        name = type(self).__name__
        if input.ndim not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.ndim}D instead")
        x = input if input.ndim == 2 else input.unsqueeze(0)
        if given is None:
            shape = (x.shape[0], self.hidden_size)
            return x, [zeros(shape, dtype=x.dtype, device=x.device)] * count
        for state in given:
            if state.ndim not in (1, 2):
                raise ValueError(
                    f"{name}: Expected hidden to be 1D or 2D, got {state.ndim}D instead"
                )
        states = [state if state.ndim == 2 else state.unsqueeze(0) for state in given]
        for state in states:
            if state.shape != (x.shape[0], self.hidden_size):
                raise RuntimeError(
                    f"{name}: expected hidden of shape {(x.shape[0], self.hidden_size)}, but got "
                    f"{state.shape}"
                )
        return x, states

    def _step(self, rule: Rule, x: Tensor, states: list[Tensor], **words: Any) -> list[Tensor]:
        """The states after one step."""
        weights = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        return step(rule, x, states, *weights, **words)

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        text = f"{self.input_size}, {self.hidden_size}"
        text += "" if self.bias is True else f", bias={self.bias}"
        other = getattr(self, "nonlinearity", "tanh")
        return text + ("" if other == "tanh" else f", nonlinearity={other}")


class RNNCell(RNNCellBase):
    """One step of `RNN`: h' = φ(W_ih x + b_ih + W_hh h + b_hh).

    Args:
        input_size, hidden_size, bias, device, dtype: see `RNNCellBase`.
        nonlinearity: φ, "tanh" or "relu".
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """h' (N, H), or (H).

        Args:
            input: (N, F), or (F) for one sample.
            hx: h, (N, H) or (H); default: 0.

        Raises:
            ValueError: other ranks.
            RuntimeError: sizes that do not fit, or an unknown nonlinearity.
        """
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        x, states = self._prepared(input, None if hx is None else (hx,), 1)
        (h,) = self._step(ops.rnn, x, states, relu=self.nonlinearity == "relu")
        return h if input.ndim == 2 else h.squeeze(0)


class _GatedCell(RNNCellBase):
    """A cell with gates, and no choice of the nonlinearity."""

    _gates: int

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, self._gates, device, dtype)


class GRUCell(_GatedCell):
    """One step of `GRU`, whose equations it has.

    Args:
        input_size, hidden_size, bias, device, dtype: see `RNNCellBase`.
    """

    _gates = 3

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """h' (N, H), or (H); arguments and errors as `RNNCell.forward`."""
        x, states = self._prepared(input, None if hx is None else (hx,), 1)
        (h,) = self._step(ops.gru, x, states)
        return h if input.ndim == 2 else h.squeeze(0)


class LSTMCell(_GatedCell):
    """One step of `LSTM`, whose equations it has.

    Args:
        input_size, hidden_size, bias, device, dtype: see `RNNCellBase`.
    """

    _gates = 4

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """(h', c'), (N, H) or (H) each; arguments and errors as `RNNCell.forward`, hx = (h, c)."""
        x, states = self._prepared(input, None if hx is None else tuple(hx), 2)
        h, c = self._step(ops.lstm, x, states)
        return (h, c) if input.ndim == 2 else (h.squeeze(0), c.squeeze(0))
