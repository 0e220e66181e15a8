"""What recurrent layers ask of an input and of first states: PyTorch's methods, which programs
that derive their own layers call and override.
"""

from __future__ import annotations

from typing import Any

from ..graph import mode
from ..tensor import Tensor
from .module import Module

__all__ = ["Checks"]

Sizes = tuple[int, int, int]


class Checks(Module):
    """The checks of an `RNNBase`; `forward` makes them by `check_forward_args`."""

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    batch_first: bool
    bidirectional: bool
    proj_size: int

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Refuse an input of another dtype, rank or number of features than this layer takes.

        Args:
            input: (T, N, F) or (N, T, F), or the data (B, F) of packed sequences.
            batch_sizes: of packed sequences, else None.

        Raises:
            ValueError: another dtype than the weights', outside of autocast.
            RuntimeError: another rank, or other features.
        """
        own, mine = input.dtype, self.weight_ih_l0.dtype
        if own != mine and mode.cast is None:
            name = self.mode.partition("_")[0]
            raise ValueError(f"{name}: input dtype ({own}) does not match weight dtype ({mine})")
        dims = 3 if batch_sizes is None else 2
        if input.ndim != dims:
            raise RuntimeError(f"input must have {dims} dimensions, got {input.ndim}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. Expected "
                f"{self.input_size}, got {input.shape[-1]}"
            )

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> Sizes:
        """The shape (layers · directions, N, H) of the first cells for an input."""
        if batch_sizes is not None:
            n = int(batch_sizes[0])
        else:
            n = input.shape[0 if self.batch_first else 1]
        return self.num_layers * (2 if self.bidirectional else 1), n, self.hidden_size

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> Sizes:
        """That of the first hidden states, whose features are P with `proj_size`."""
        rows, n, features = self.get_expected_cell_size(input, batch_sizes)
        return rows, n, self.proj_size or features

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: Sizes, msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Refuse first states of another shape.

        Raises:
            RuntimeError: with the message, into which both shapes are written.
        """
        if hx.shape != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.shape)))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """`check_input`, and `check_hidden_size` of the first states: one, or an LSTM's (h, c)."""
        self.check_input(input, batch_sizes)
        wanted = self.get_expected_hidden_size(input, batch_sizes)
        if self.mode != "LSTM":
            self.check_hidden_size(hidden, wanted)
            return
        self.check_hidden_size(hidden[0], wanted, "Expected hidden[0] size {}, got {}")
        cells = self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(hidden[1], cells, "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """States (or an LSTM's (h, c)), whose sequences are put in another order; None for none."""
        if permutation is None:
            return hx
        if isinstance(hx, tuple):
            return tuple(state.index_select(1, permutation) for state in hx)
        return hx.index_select(1, permutation)
