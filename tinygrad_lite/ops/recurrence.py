"""Recurrent layers: one rule runs a layer through time, and its gradient back through time.

All take packed sequences: the rows of step 0, of step 1, and so on. Step t has `sizes[t]` rows,
never more than the step before: sequences are sorted by length, the longest first, so the rows of a
step are those of the first sequences. What the input gives to the gates is one product for all
steps and stands outside. With B = Σ sizes and N = sizes[0] the output is the hidden states in the
same packing and, below them, the last one of each sequence: (B + N, H); for an LSTM the last cells
are below those: (B + 2N, H). `reverse` starts at the last step.

(Elman 1990; Hochreiter & Schmidhuber 1997; Cho et al. 2014; Werbos 1990 for the gradient.)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from ..graph import Joint
from .rule import rule

Out = tuple[Any, Any]
Sizes = tuple[int, ...]
Step = Callable[..., tuple[Any, ...]]


def _spans(sizes: Sizes, reverse: bool) -> list[tuple[int, int]]:
    """For each step, in the order in which they run, the rows that it has in the packing."""
    ends = list(itertools.accumulate(sizes))
    spans = [(end - n, end) for end, n in zip(ends, sizes, strict=True)]
    return spans[::-1] if reverse else spans


def _sigmoid(xp: Any, x: Any) -> Any:
    """σ(x) = (1 + tanh(x/2)) / 2: no overflow, and one call where gates need both."""
    return xp.tanh(x * 0.5) * 0.5 + 0.5


def _unrolled(
    xp: Any, gates: Any, states: tuple[Any, ...], sizes: Sizes, reverse: bool, step: Step
) -> Any:
    """A layer from elementary operations, for second derivatives.

    `step` takes the gates' rows and the states' of the sequences that still run, and returns
    these states anew, the hidden one first.
    """
    outputs: list[Any] = []
    for start, end in _spans(sizes, reverse):
        n = end - start
        new = step(gates[start:end], *(s[:n] for s in states))
        outputs.append(new[0])
        if n < states[0].shape[0]:
            new = tuple(
                xp.concatenate([a, s[n:]], axis=0) for a, s in zip(new, states, strict=True)
            )
        states = new
    return xp.concatenate([*(outputs[::-1] if reverse else outputs), *states], axis=0)


def _previous(xp: Any, states: Any, first: Any, sizes: Sizes, reverse: bool) -> Any:
    """The state that each row of the packing started from: `first` where its sequence begins."""
    before = xp.empty_like(states)
    running = xp.copy(first)
    for start, end in _spans(sizes, reverse):
        n = end - start
        before[start:end] = running[:n]
        running[:n] = states[start:end]
    return before


def _walk_back(sizes: Sizes, reverse: bool) -> Iterator[tuple[int, int, int]]:
    """The spans of `_spans` from the last to the first, with how many rows each has."""
    for start, end in reversed(_spans(sizes, reverse)):
        yield start, end, end - start


# The simplest: h' = φ(x + W h)


def rnn_composition(
    xp: Any, gates: Any, hidden: Any, weight: Any, *, sizes: Sizes, reverse: bool, relu: bool
) -> Any:
    """`rnn` from elementary operations."""
    turned = xp.swapaxes(weight, 0, 1)

    def step(x: Any, h: Any) -> tuple[Any, ...]:
        z = x + xp.matmul(h, turned)
        return (xp.maximum(z, 0.0) if relu else xp.tanh(z),)

    return _unrolled(xp, gates, (hidden,), sizes, reverse, step)


@rule(autocast="half", composition=rnn_composition)
def rnn(
    xp: Any, gates: Any, hidden: Any, weight: Any, *, sizes: Sizes, reverse: bool, relu: bool
) -> Out:
    """h_t = φ(z_t), z_t = x_t + W h_{t−1}, φ tanh or ReLU; x (B, H) packed, h_0 (N, H), W (H, H).

    dL/dz_t = φ′(z_t) (g_t + Wᵀ dL/dz_{t+1}); dL/dx = dL/dz, dL/dW = Σ dL/dz_t h_{t−1}ᵀ.
    """
    turned, total = xp.swapaxes(weight, 0, 1), gates.shape[0]
    states, h = xp.empty_like(gates), xp.copy(hidden)
    for start, end in _spans(sizes, reverse):
        n = end - start
        z = gates[start:end] + xp.matmul(h[:n], turned)
        states[start:end] = h[:n] = xp.maximum(z, 0.0) if relu else xp.tanh(z)

    def back(g: Any, wanted: tuple[bool, ...]) -> tuple[Any, Any]:
        dz, dh = xp.empty_like(states), xp.copy(g[total:])
        slope = xp.astype(states > 0, g.dtype) if relu else 1 - states * states
        for start, end, n in _walk_back(sizes, reverse):
            dz[start:end] = (dh[:n] + g[start:end]) * slope[start:end]
            dh[:n] = xp.matmul(dz[start:end], weight)
        return dz, dh

    def weight_part(g: Any, found: tuple[Any, Any]) -> Any:
        before = _previous(xp, states, hidden, sizes, reverse)
        return xp.matmul(xp.swapaxes(found[0], 0, 1), before)

    parts = (lambda g, found: found[0], lambda g, found: found[1], weight_part)
    return xp.concatenate([states, h], axis=0), Joint(back, *parts)


# Long short-term memory


def lstm_composition(
    xp: Any, gates: Any, hidden: Any, cell: Any, weight: Any, *, sizes: Sizes, reverse: bool
) -> Any:
    """`lstm` from elementary operations."""
    turned, size = xp.swapaxes(weight, 0, 1), hidden.shape[1]

    def step(x: Any, h: Any, c: Any) -> tuple[Any, ...]:
        z = x + xp.matmul(h, turned)
        i, f, g, o = (z[:, k * size : (k + 1) * size] for k in range(4))
        c = _sigmoid(xp, f) * c + _sigmoid(xp, i) * xp.tanh(g)
        return _sigmoid(xp, o) * xp.tanh(c), c

    return _unrolled(xp, gates, (hidden, cell), sizes, reverse, step)


@rule(autocast="half", composition=lstm_composition)
def lstm(
    xp: Any, gates: Any, hidden: Any, cell: Any, weight: Any, *, sizes: Sizes, reverse: bool
) -> Out:
    """c_t = f c_{t−1} + i g, h_t = o tanh(c_t), [i f g o] = [σ σ tanh σ](x_t + W h_{t−1}).

    x (B, 4H) packed, h_0 and c_0 (N, H), W (4H, H), gates in that order. Backwards, with
    dh = g_t + Wᵀ dz_{t+1} and dc = dh o (1 − tanh² c_t) + f_{t+1} dc_{t+1}:
    dz = [dc g i(1−i), dc c_{t−1} f(1−f), dc i (1−g²), dh tanh(c_t) o(1−o)];
    dL/dx = dz, dL/dW = Σ dz_t h_{t−1}ᵀ.
    """
    turned, (total, size) = xp.swapaxes(weight, 0, 1), (gates.shape[0], hidden.shape[1])
    active = xp.empty_like(gates)  # i f g o
    states, cells, bent = (xp.empty((total, size), dtype=gates.dtype) for _ in range(3))
    h, c = xp.copy(hidden), xp.copy(cell)
    # σ(z) = (1 + tanh(z/2)) / 2, so that all four gates take one call of tanh.
    half = xp.ones((4, 1), dtype=gates.dtype) * 0.5
    half[2] = 1
    scale = xp.reshape(xp.broadcast_to(half, (4, size)), (1, 4 * size))
    for start, end in _spans(sizes, reverse):
        n = end - start
        z = xp.matmul(h[:n], turned)
        z += gates[start:end]
        z *= scale
        a = xp.tanh(z)
        a *= scale
        a += 1 - scale
        i, f, g, o = (a[:, k * size : (k + 1) * size] for k in range(4))
        active[start:end] = a
        cells[start:end] = c[:n] = f * c[:n] + i * g
        bent[start:end] = xp.tanh(c[:n])
        states[start:end] = h[:n] = o * bent[start:end]

    def back(grad: Any, wanted: tuple[bool, ...]) -> tuple[Any, Any, Any]:
        i, f, g, o = (active[:, k * size : (k + 1) * size] for k in range(4))
        # What dh and dc are multiplied with, for all steps at once.
        before = _previous(xp, cells, cell, sizes, reverse)
        factors = xp.empty_like(active)
        factors[:, :size] = g * i * (1 - i)
        factors[:, size : 2 * size] = before * f * (1 - f)
        factors[:, 2 * size : 3 * size] = i * (1 - g * g)
        factors[:, 3 * size :] = bent * o * (1 - o)
        through = o * (1 - bent * bent)
        dz, n = xp.empty_like(active), hidden.shape[0]
        dh, dc = xp.copy(grad[total : total + n]), xp.copy(grad[total + n :])
        for start, end, n in _walk_back(sizes, reverse):
            dh[:n] += grad[start:end]
            dc[:n] += dh[:n] * through[start:end]
            inner = xp.reshape(factors[start:end, : 3 * size], (n, 3, size))
            dz[start:end, : 3 * size] = xp.reshape(inner * dc[:n, None, :], (n, 3 * size))
            dz[start:end, 3 * size :] = dh[:n] * factors[start:end, 3 * size :]
            dh[:n] = xp.matmul(dz[start:end], weight)
            dc[:n] *= f[start:end]
        return dz, dh, dc

    def weight_part(grad: Any, found: tuple[Any, ...]) -> Any:
        before = _previous(xp, states, hidden, sizes, reverse)
        return xp.matmul(xp.swapaxes(found[0], 0, 1), before)

    outer = (lambda grad, found: found[0], lambda grad, found: found[1])
    parts = (*outer, lambda grad, found: found[2], weight_part)
    return xp.concatenate([states, h, c], axis=0), Joint(back, *parts)


# The gated recurrent unit


def gru_composition(
    xp: Any,
    gates: Any,
    hidden: Any,
    weight: Any,
    bias: Any = None,
    *,
    sizes: Sizes,
    reverse: bool,
) -> Any:
    """`gru` from elementary operations."""
    turned, size = xp.swapaxes(weight, 0, 1), hidden.shape[1]

    def step(x: Any, h: Any) -> tuple[Any, ...]:
        own = xp.matmul(h, turned)
        own = own if bias is None else own + bias
        r = _sigmoid(xp, x[:, :size] + own[:, :size])
        z = _sigmoid(xp, x[:, size : 2 * size] + own[:, size : 2 * size])
        n = xp.tanh(x[:, 2 * size :] + r * own[:, 2 * size :])
        return (n + z * (h - n),)

    return _unrolled(xp, gates, (hidden,), sizes, reverse, step)


@rule(autocast="half", composition=gru_composition)
def gru(
    xp: Any,
    gates: Any,
    hidden: Any,
    weight: Any,
    bias: Any = None,
    *,
    sizes: Sizes,
    reverse: bool,
) -> Out:
    """h_t = (1 − z) n + z h_{t−1}; with u = W h_{t−1} + b: [r z] = σ(x + u), n = tanh(x + r u).

    x (B, 3H) packed, h_0 (N, H), W (3H, H), b (3H), gates in the order r, z, n. Backwards, with
    dh = g_t + z_{t+1} dh_{t+1} + Wᵀ du_{t+1}:
    dn = dh (1 − z)(1 − n²), dz = dh (h_{t−1} − n) z(1−z), dr = dn u_n r(1−r), du = [dr dz r·dn];
    dL/dx = [dr dz dn], dL/dW = Σ du_t h_{t−1}ᵀ, dL/db = Σ du_t.
    """
    turned, (total, size) = xp.swapaxes(weight, 0, 1), (gates.shape[0], hidden.shape[1])
    gate = xp.empty((total, 2 * size), dtype=gates.dtype)  # r z
    states, inner, new = (xp.empty((total, size), dtype=gates.dtype) for _ in range(3))
    h = xp.copy(hidden)
    for start, end in _spans(sizes, reverse):
        n, x = end - start, gates[start:end]
        u = xp.matmul(h[:n], turned)
        u = u if bias is None else u + bias
        gate[start:end] = a = _sigmoid(xp, x[:, : 2 * size] + u[:, : 2 * size])
        inner[start:end] = u[:, 2 * size :]
        new[start:end] = y = xp.tanh(x[:, 2 * size :] + a[:, :size] * u[:, 2 * size :])
        h[:n] = y + a[:, size:] * (h[:n] - y)
        states[start:end] = h[:n]

    def back(g: Any, wanted: tuple[bool, ...]) -> tuple[Any, Any, Any, Any]:
        r, z = gate[:, :size], gate[:, size:]
        before = _previous(xp, states, hidden, sizes, reverse)
        to_new = (1 - z) * (1 - new * new)
        to_gate, to_reset = (before - new) * z * (1 - z), inner * r * (1 - r)
        dx, du = xp.empty_like(gates), xp.empty_like(gates)
        dh = xp.copy(g[total:])
        for start, end, n in _walk_back(sizes, reverse):
            dh[:n] += g[start:end]
            dn = dh[:n] * to_new[start:end]
            dx[start:end, :size] = dn * to_reset[start:end]
            dx[start:end, size : 2 * size] = dh[:n] * to_gate[start:end]
            dx[start:end, 2 * size :] = dn
            du[start:end, : 2 * size] = dx[start:end, : 2 * size]
            du[start:end, 2 * size :] = dn * r[start:end]
            dh[:n] = dh[:n] * z[start:end] + xp.matmul(du[start:end], weight)
        return dx, dh, du, before

    parts = (
        lambda g, found: found[0],
        lambda g, found: found[1],
        lambda g, found: xp.matmul(xp.swapaxes(found[2], 0, 1), found[3]),
        lambda g, found: xp.sum(found[2], axis=0),
    )
    return xp.concatenate([states, h], axis=0), Joint(back, *parts)
