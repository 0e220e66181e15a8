"""The LSTM whose hidden state is projected, step by step; `recurrent` has the fused ones.

H. Sak, A. Senior and F. Beaufays, "Long Short-Term Memory Recurrent Neural Network Architectures
for Large Scale Acoustic Modeling", INTERSPEECH 2014.
"""

from __future__ import annotations

from itertools import accumulate

from ..tensor import Tensor
from ..tensor.concatenate import cat
from . import functional as F


def projected_lstm(
    gates: Tensor,
    states: list[Tensor],
    weight: Tensor,
    projection: Tensor,
    sizes: tuple[int, ...],
    reverse: bool,
) -> list[Tensor]:
    """One layer in one direction: c_t = f c_{t−1} + i g, h_t = W_hr (o tanh(c_t)).

    Args:
        gates: W_ih x + b of packed rows, (B, 4·H).
        states: the first h (N, P) and c (N, H).
        weight: W_hh (4·H, P).
        projection: W_hr (P, H).
        sizes: how many sequences there are at each step, descending.
        reverse: from the last step to the first.

    Returns:
        The outputs (B, P), and the last h and c.
    """
    h, c = states
    starts = [0, *accumulate(sizes)]
    steps = range(len(sizes))
    outputs: dict[int, Tensor] = {}
    for t in reversed(steps) if reverse else steps:
        n = sizes[t]
        row = gates.narrow(0, starts[t], n) + F.linear(h.narrow(0, 0, n), weight)
        i, f, g, o = row.chunk(4, 1)
        cell = f.sigmoid() * c.narrow(0, 0, n) + i.sigmoid() * g.tanh()
        outputs[t] = F.linear(o.sigmoid() * cell.tanh(), projection)
        h, c = _first(outputs[t], h), _first(cell, c)
    return [cat([outputs[t] for t in steps]), h, c]


def _first(new: Tensor, old: Tensor) -> Tensor:
    """New states of the first sequences; those that are over, or not begun, keep theirs."""
    n, count = new.shape[0], old.shape[0]
    return new if n == count else cat([new, old.narrow(0, n, count - n)])
