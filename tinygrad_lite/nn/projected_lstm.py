"""The LSTM whose hidden state is projected, one step after another.

The other recurrent layers (`recurrent`) are one rule over all steps.

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

    [i f g o] = [σ σ tanh σ](W_ih x_t + b + W_hh h_{t−1}). Rows are packed: those of the first step,
    of the second, …, B in all.

    Args:
        gates: W_ih x + b, (B, 4H).
        states: the first h, (N, P), and c, (N, H).
        weight: W_hh, (4H, P).
        projection: W_hr, (P, H).
        sizes: how many sequences have a step, for each step; descending, the first is N.
        reverse: go from the last step to the first.

    Returns:
        The outputs, (B, P), and each sequence's last h and c.
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
        h, c = _updated(h, outputs[t]), _updated(c, cell)
    return [cat([outputs[t] for t in steps]), h, c]


def _updated(old: Tensor, new: Tensor) -> Tensor:
    """The states, new for the first sequences; those that are over, or not begun, keep theirs."""
    n, count = new.shape[0], old.shape[0]
    return new if n == count else cat([new, old.narrow(0, n, count - n)])
