"""Recurrent layers over whole sequences; `recurrent_cell` has their single steps."""

from __future__ import annotations

import math
import warnings
from typing import Any

from ..ops import recurrence as ops
from ..tensor import Tensor, apply
from ..tensor.concatenate import cat, stack
from ..tensor.create import empty, zeros
from ..tensor.shown import called
from ..tensor.source_line import user_level
from . import functional as F
from . import init
from .parameter import Parameter
from .projected_lstm import projected_lstm
from .recurrent_cell import biases_for
from .recurrent_checks import Checks
from .utils.rnn import PackedSequence

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]

# By mode: how many gates there are, and the rule that runs a layer.
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
_RULES = {"LSTM": ops.lstm, "GRU": ops.gru, "RNN_TANH": ops.rnn, "RNN_RELU": ops.rnn}


class RNNBase(Checks):
    """What recurrent layers share: settings, parameters, layers and directions, packing.

    Args:
        mode: "LSTM", "GRU", "RNN_TANH" or "RNN_RELU".
        input_size: the features of the input, F.
        hidden_size: the features of the hidden state, H.
        num_layers: how many layers there are; each has the hidden states of the one below as input.
        bias: add biases.
        batch_first: sequences are (N, T, F) in place of (T, N, F); states stay (…, N, H).
        dropout: the probability with which, in training, a feature that a layer hands to the next
            is set to 0.
        bidirectional: run each layer from both ends, and hand on both hidden states, 2H features.
        proj_size: P: the hidden states of an LSTM are projected to P features; 0 for none.
        device, dtype: of the parameters.

    Attributes:
        weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0: of layer 0: (G·H, F), (G·H, H) and
            (G·H) for G gates. The other layers have `_l1` and so on, of the features below;
            the other direction `_l0_reverse`. All start uniform on ±1/√H.
        weight_hr_l0: with proj_size, (P, H); weight_hh_l0 is (G·H, P) then.

    Raises:
        ValueError: sizes that are not positive, dropout that is no probability, or a proj_size
            that is not below hidden_size, or not of an LSTM.
        TypeError: sizes that are no ints, or flags that are no bools.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_settings(mode, input_size, hidden_size, num_layers, dropout, proj_size)
        for name, flag in (("bias", bias), ("batch_first", batch_first)):
            if not isinstance(flag, bool):
                raise TypeError(f"{name} should be of type bool, got: {type(flag).__name__}")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        rows = _GATES[mode] * hidden_size
        for layer in range(num_layers):
            features = input_size if layer == 0 else self._features * self._directions
            for suffix in self._suffixes(layer):
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (rows, features),
                    "weight_hh": (rows, self._features),
                }
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = proj_size, hidden_size
                for name, shape in shapes.items():
                    tensor = empty(shape, dtype=dtype, device=device)
                    self.register_parameter(name + suffix, Parameter(tensor))
        self.reset_parameters()

    @property
    def _features(self) -> int:
        """The features of a hidden state: P with `proj_size`, else H."""
        return self.proj_size or self.hidden_size

    @property
    def _directions(self) -> int:
        """How many directions each layer runs in."""
        return 2 if self.bidirectional else 1

    def _suffixes(self, layer: int) -> list[str]:
        """What the names of a layer's parameters end in, for each direction."""
        return [f"_l{layer}", f"_l{layer}_reverse"][: self._directions]

    def reset_parameters(self) -> None:
        """Draw all parameters again, uniform on ±1/√H."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    @property
    def _all_weights(self) -> list[list[str]]:
        """The parameters' names, one list for each layer and direction: PyTorch's attribute."""
        names = ["weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if self.bias else ())]
        names += ["weight_hr"] if self.proj_size else []
        suffixes = [s for layer in range(self.num_layers) for s in self._suffixes(layer)]
        return [[name + suffix for name in names] for suffix in suffixes]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, one list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights_names(self) -> list[str]:
        """All of `_all_weights`: programs that draw the weights by their names ask for it."""
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Parameter]:
        """All of `all_weights`."""
        return [weight for weights in self.all_weights for weight in weights]

    def flatten_parameters(self) -> None:
        """Nothing: PyTorch's call for cuDNN, accepted so that programs run."""

    def _run(self, input: Any, given: tuple[Tensor, ...] | None) -> tuple[Any, tuple[Tensor, ...]]:
        """The outputs, and the last states: hidden, and cells of an LSTM.

        All ways lead to `_layers`, which takes sequences packed.

        Args:
            input: a batch, one sequence, or packed sequences; see `RNN.forward`.
            given: the first states, (layers · directions, N, H) each (or without N); None for 0.

        Raises:
            ValueError: an input of another rank, or of another dtype than the weights outside
                of autocast.
        """
        if isinstance(input, PackedSequence):
            return self._run_packed(input, given)
        if input.ndim not in (2, 3):
            raise ValueError(
                f"{self.mode.partition('_')[0]}: Expected input to be 2D or 3D, got {input.ndim}D "
                "instead"
            )
        if input.ndim == 2:
            return self._run_one(input, given)
        return self._run_batch(input, given)

    def _run_packed(
        self, input: PackedSequence, given: tuple[Tensor, ...] | None
    ) -> tuple[PackedSequence, tuple[Tensor, ...]]:
        """`_run` of sequences that are packed; states are in the order before packing."""
        order, back = input.sorted_indices, input.unsorted_indices
        states = self._first_states(given, input.data, input.batch_sizes, order)
        sizes = tuple(input.batch_sizes.tolist())
        output, last = self._layers(input.data, sizes, states)
        last = self.permute_hidden(last, back)
        return PackedSequence(output, input.batch_sizes, order, back), last

    def _run_one(
        self, input: Tensor, given: tuple[Tensor, ...] | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """`_run` of one sequence (T, F): as a batch of one."""
        if given is not None and any(state.ndim != 2 for state in given):
            raise RuntimeError(
                f"For unbatched 2-D input, hx should also be 2-D but got {given[0].ndim}-D tensor"
            )
        first = None if given is None else tuple(state.unsqueeze(1) for state in given)
        at = 0 if self.batch_first else 1
        output, last = self._run_batch(input.unsqueeze(at), first)
        return output.squeeze(at), tuple(state.squeeze(1) for state in last)

    def _run_batch(
        self, input: Tensor, given: tuple[Tensor, ...] | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """`_run` of sequences of one length: packed, they are just the steps one below another."""
        if given is not None and any(state.ndim != 3 for state in given):
            d = given[0].ndim
            raise RuntimeError(f"For batched 3-D input, hx should also be 3-D but got {d}-D tensor")
        states = self._first_states(given, input, None, None)
        x = input.transpose(0, 1) if self.batch_first else input
        steps, n = x.shape[:2]
        if not steps:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        output, last = self._layers(x.reshape(steps * n, x.shape[2]), (n,) * steps, states)
        output = called(output.unflatten(0, (steps, n)), "Cat" if self.bidirectional else "Stack")
        return (output.transpose(0, 1) if self.batch_first else output), last

    def _first_states(
        self,
        given: tuple[Tensor, ...] | None,
        x: Tensor,
        batch_sizes: Tensor | None,
        order: Tensor | None,
    ) -> tuple[Tensor, ...]:
        """The states before the first step, (layers · directions, N, H): zeros if none are given.

        Args:
            given: what the user gave.
            x: the input, which is checked with them.
            batch_sizes: of packed sequences.
            order: the order of packing, in which the states are put.
        """
        if given is None:
            shapes = [self.get_expected_hidden_size(x, batch_sizes)]
            if self.mode == "LSTM":
                shapes.append(self.get_expected_cell_size(x, batch_sizes))
            dtype, device = self.weight_hh_l0.dtype, x.device
            states = tuple(zeros(shape, dtype=dtype, device=device) for shape in shapes)
        else:
            states = self.permute_hidden(given, order)
        self.check_forward_args(x, states if self.mode == "LSTM" else states[0], batch_sizes)
        return states

    def _layers(
        self, x: Tensor, sizes: tuple[int, ...], states: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """All layers and directions over packed rows x (B, F), B = Σ sizes.

        Returns:
            The last layer's outputs (B, directions · H), and the last states, stacked as `states`.
        """
        last: list[tuple[Tensor, ...]] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            outputs = []
            for suffix in self._suffixes(layer):
                first = [s[len(last)] for s in states]
                output, *final = self._one_way(x, sizes, first, suffix)
                outputs.append(output)
                last.append(tuple(final))
            x = outputs[0] if len(outputs) == 1 else cat(outputs, 1)
        return called(x, "Cat"), tuple(stack(list(state)) for state in zip(*last, strict=True))

    def _one_way(
        self, x: Tensor, sizes: tuple[int, ...], states: list[Tensor], suffix: str
    ) -> list[Tensor]:
        """One layer in one direction: its outputs (B, H) and last states (N, H)."""
        weight_in, weight = (getattr(self, f"weight_{name}{suffix}") for name in ("ih", "hh"))
        rule = _RULES[self.mode]
        biases = biases_for(
            rule,
            *(
                getattr(self, f"bias_{name}{suffix}") if self.bias else None
                for name in ("ih", "hh")
            ),
        )
        words: dict[str, Any] = {"sizes": sizes, "reverse": suffix.endswith("reverse")}
        if self.proj_size:
            gates = F.linear(x, weight_in, *biases)
            return projected_lstm(
                gates, states, weight, getattr(self, f"weight_hr{suffix}"), **words
            )
        if self.mode.startswith("RNN"):
            words["relu"] = self.mode == "RNN_RELU"
        out = apply(rule, x, *states, weight_in, weight, *biases, **words)
        return list(out.split([sum(sizes), *(len(state) for state in states)]))

    def extra_repr(self) -> str:
        """The sizes, and the settings that are not the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        text += f", proj_size={self.proj_size}" if self.proj_size else ""
        for name, usual in (
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0),
            ("bidirectional", False),
        ):
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        return text


def _check_settings(
    mode: str, input_size: int, hidden_size: int, num_layers: int, dropout: float, proj_size: int
) -> None:
    """Refuse what `RNNBase` says that it refuses, and warn of dropout that drops nothing."""
    if mode not in _GATES:
        raise ValueError(f"Unrecognized RNN mode: {mode}")
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(size, int):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an "
            "element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero "
            f"dropout expects num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={num_layers}",
            stacklevel=user_level(),
        )
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")
    if proj_size and mode != "LSTM":
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNN(RNNBase):
    """h_t = φ(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh), φ tanh or ReLU, for each layer (Elman 1990).

    Args:
        args, kwargs: those of `RNNBase` but `mode`; and `nonlinearity`, "tanh" or "relu", by name
            or behind `num_layers`.

    Raises:
        ValueError: another nonlinearity; and as `RNNBase`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) > 3:
            nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """The last layer's hidden states at all steps, and all layers' hidden states at the last.

        Args:
            input: (T, N, F), (T, F) for one sequence, (N, T, F) with `batch_first`, or packed.
            hx: the first hidden states, (layers · directions, N, H); default: 0.

        Returns:
            (T, N, directions · H), laid out (or packed) as the input is, and the last hidden states
            (layers · directions, N, H), without N for one sequence.

        Raises:
            RuntimeError: sizes that do not fit.
            ValueError: another rank, or another dtype than the weights'.
        """
        output, (hidden,) = self._run(input, None if hx is None else (hx,))
        return output, hidden


class GRU(RNNBase):
    """h_t = (1 − z) n + z h_{t−1} with gates r and z, for each layer (Cho et al. 2014).

    r = σ(W_ir x_t + b_ir + W_hr h_{t−1} + b_hr), z = σ(W_iz x_t + b_iz + W_hz h_{t−1} + b_hz),
    n = tanh(W_in x_t + b_in + r (W_hn h_{t−1} + b_hn)). The rows of weights and biases are those
    of r, z, n.

    Args:
        args, kwargs: those of `RNNBase` but `mode` and `proj_size`; errors as there.

    Example:
        >>> output, hidden = nn.GRU(5, 8)(torch.zeros(7, 2, 5))
        >>> output.shape, hidden.shape
        (torch.Size([7, 2, 8]), torch.Size([1, 2, 8]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Arguments, results and errors as `RNN.forward`."""
        output, (hidden,) = self._run(input, None if hx is None else (hx,))
        return output, hidden


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter & Schmidhuber 1997), for each layer.

    c_t = f c_{t−1} + i g, h_t = o tanh(c_t) with
    [i f g o] = [σ σ tanh σ](W_ih x_t + b_ih + W_hh h_{t−1} + b_hh). The rows of weights and biases
    are those of i, f, g, o. With proj_size h_t is W_hr (o tanh(c_t)) (Sak et al. 2014).

    Args:
        args, kwargs: those of `RNNBase` but `mode`; errors as there.

    Example:
        >>> lstm = nn.LSTM(input_size=5, hidden_size=8, batch_first=True)
        >>> output, (hidden, cell) = lstm(torch.zeros(2, 7, 5))
        >>> output.shape, hidden.shape, cell.shape
        (torch.Size([2, 7, 8]), torch.Size([1, 2, 8]), torch.Size([1, 2, 8]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def forward(
        self, input: Any, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Any, tuple[Tensor, Tensor]]:
        """As `RNN.forward`, but the first and the last states are pairs (h, c), c of H features."""
        output, (hidden, cell) = self._run(input, None if hx is None else tuple(hx))
        return output, (hidden, cell)
