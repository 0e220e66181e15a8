"""Connectionist temporal classification: the likelihood of a label sequence over all alignments.

A. Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with
Recurrent Neural Networks", ICML 2006. Everything is in logarithms; what is impossible is `NEVER`,
which is finite, so that differences of it are too.
"""

from __future__ import annotations

from typing import Any

from .rule import rule

Out = tuple[Any, Any]

NEVER = -1e30


@rule(autocast="float32")
def ctc(
    xp: Any,
    log_probs: Any,
    states: Any,
    skips: Any,
    last: Any,
    times: Any,
    symbols: Any,
    *,
    zero_infinity: bool,
) -> Out:
    """y = −ln Σ over alignments Π p: dL/d ln p = g (p − share), share as below.

    The states of a target are its labels with blanks between and around them, L = 2S + 1. An
    alignment has one state at each time: that of the time before, the next one, or, where `skips`
    allows it, the one after that. `share` (T, N, C) is the probability, given the target, that
    the alignment has a symbol at a time. The gradient is PyTorch's: it takes ln p for the output
    of a log-softmax, and is the gradient of its input.

    Args:
        log_probs: ln p, (T, N, C).
        states: the symbols of the states, int64 (N, L).
        skips: 0 where a state may be reached from two before it, else `NEVER`: (N, L).
        last: 0 for the states that an alignment may end in, the last label and the blank behind
            it, else `NEVER`: (N, L).
        times: 1 at the times that a sequence has, else 0: (T, N).
        symbols: 1 where a state has a symbol, else 0: (N, L, C).
        zero_infinity: y is 0 and has no gradient where no alignment is possible, not infinite.

    Returns:
        (N).
    """
    count = log_probs.shape[0]
    index = xp.broadcast_to(xp.expand_dims(states, 0), (count, *states.shape))
    emitted = xp.take_along_axis(log_probs, index, 2)  # (T, N, L)
    one = xp.zeros_like(skips[:, :1]) + NEVER
    never = xp.concatenate([one, one], 1)
    on = times[..., None] > 0
    ahead = _alphas(xp, emitted, skips, on, never)
    total = _log_sum(xp, ahead[-1] + last, 1)  # (N)
    total = xp.where(on[0, :, 0], total, last[:, 0])  # in no time only a target of none is possible
    possible = total > NEVER / 2
    y = xp.where(possible, -total, 0.0 if zero_infinity else xp.inf)

    def gradient(g: Any) -> Any:
        behind = _betas(xp, emitted, skips, last, on, never)
        shares = [
            xp.exp(xp.where(possible[:, None], a + b - total[:, None], NEVER))
            for a, b in zip(ahead, behind, strict=True)
        ]
        stacked = xp.concatenate([share[None] for share in shares], 0)  # (T, N, L)
        counted = xp.matmul(xp.swapaxes(stacked, 0, 1), symbols)  # (N, T, C)
        slope = xp.exp(log_probs) - xp.swapaxes(counted, 0, 1)
        slope = xp.where(possible[None, :, None], slope, 0.0 if zero_infinity else xp.nan)
        return xp.where(on, slope * g[None, :, None], 0.0)

    return y, (gradient, None, None, None, None, None)


def _alphas(xp: Any, emitted: Any, skips: Any, on: Any, never: Any) -> list[Any]:
    """For each time the log likelihood of all that came up to it, if it ends in a state: (N, L)."""
    first = xp.concatenate([emitted[0][:, :2], _rest(xp, emitted[0][:, 2:])], 1)
    found = [first]
    for t in range(1, emitted.shape[0]):
        a = found[-1]
        one = xp.concatenate([never[:, :1], a[:, :-1]], 1)
        two = xp.concatenate([never, a[:, :-2]], 1)[:, : a.shape[1]] + skips
        following = _log_add(xp, a, one, two) + emitted[t]
        found.append(xp.where(on[t], following, a))
    return found


def _betas(xp: Any, emitted: Any, skips: Any, last: Any, on: Any, never: Any) -> list[Any]:
    """For each time the log likelihood of all that comes after it, if it is in a state: (N, L)."""
    found = [last]
    for t in range(emitted.shape[0] - 1, 0, -1):
        b = found[-1] + emitted[t]
        one = xp.concatenate([b[:, 1:], never[:, :1]], 1)
        jump = b + skips
        two = xp.concatenate([jump[:, 2:], never], 1)[:, : b.shape[1]]
        found.append(xp.where(on[t], _log_add(xp, b, one, two), found[-1]))
    return found[::-1]


def _rest(xp: Any, x: Any) -> Any:
    """The log likelihoods of states that no alignment begins with: `NEVER`, in x's shape."""
    return xp.zeros_like(x) + NEVER


def _log_add(xp: Any, *parts: Any) -> Any:
    """log Σ eˣ of a few arrays, none of which is −∞."""
    most = parts[0]
    for part in parts[1:]:
        most = xp.maximum(most, part)
    total = xp.exp(parts[0] - most)
    for part in parts[1:]:
        total = total + xp.exp(part - most)
    return most + xp.log(total)


def _log_sum(xp: Any, x: Any, axis: int) -> Any:
    """log Σ eˣ along an axis."""
    most = xp.amax(x, axis=axis, keepdims=True)
    return xp.squeeze(most + xp.log(xp.sum(xp.exp(x - most), axis=axis, keepdims=True)), axis)
