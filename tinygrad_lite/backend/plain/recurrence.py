"""Recurrent layers through time, and their gradients back through time, in their plain form.

All take packed sequences (`backend.packing`): N = sizes[0] of them, with B = Σ sizes rows. Their
arguments are

    x         (B, F): the inputs; an RNN has `gates` (B, H), W_ih x + b, in their place
    hidden    (N, H): h₀; an LSTM has `cell`, c₀, as well
    weight_in (G·H, F): W_ih
    weight    (G·H, H): W = W_hh
    reverse   whether the last step is the first one to be computed
    wanted    whether a gradient of x is

with G = 1, 4 (i f g o) and 3 (r z n) for an RNN, LSTM and GRU, as PyTorch orders them. A layer
returns all h_t above the last h (and c) of each sequence, (B + N, H) or for an LSTM (B + 2N, H),
and what its gradient needs.

Hochreiter, Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997.
Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder", 2014 (GRU).
"""

from __future__ import annotations

from typing import Any

from ..kernel import kernel
from ..packing import Sizes, spans

Kept = tuple[Any, ...]


def _sigmoid(xp: Any, x: Any) -> Any:
    """σ(x) = (1 + tanh(x/2)) / 2, which does not overflow."""
    return xp.tanh(x * 0.5) * 0.5 + 0.5


@kernel("plain")
def rnn(
    xp: Any, gates: Any, hidden: Any, weight: Any, sizes: Sizes, reverse: bool, relu: bool
) -> tuple[Any, Kept]:
    """h_t = φ(x_t + W h_{t−1}) with φ = tanh, or ReLU. The gradient needs h_t and h_{t−1}."""
    states, before, h = xp.empty_like(gates), xp.empty_like(gates), xp.copy(hidden)
    for start, end in spans(sizes, reverse):
        n = end - start
        before[start:end] = h[:n]
        z = gates[start:end] + xp.matmul(h[:n], weight.T)
        states[start:end] = h[:n] = xp.maximum(z, 0.0) if relu else xp.tanh(z)
    return xp.concatenate([states, h], axis=0), (states, before)


@kernel("plain")
def rnn_gradient(
    xp: Any, g: Any, kept: Kept, weight: Any, sizes: Sizes, reverse: bool, relu: bool
) -> tuple[Any, Any]:
    """dL/dz_t = φ′(z_t) (g_t + Wᵀ dL/dz_{t+1}) for all rows (B, H), z φ's argument; dL/dh₀."""
    states = kept[0]
    dz, dh = xp.empty_like(states), xp.copy(g[len(states) :])
    slope = xp.astype(states > 0, g.dtype) if relu else 1 - states * states
    for start, end in reversed(spans(sizes, reverse)):
        n = end - start
        dz[start:end] = (dh[:n] + g[start:end]) * slope[start:end]
        dh[:n] = xp.matmul(dz[start:end], weight)
    return dz, dh


@kernel("plain")
def lstm(
    xp: Any,
    x: Any,
    hidden: Any,
    cell: Any,
    weight_in: Any,
    weight: Any,
    bias: Any,
    sizes: Sizes,
    reverse: bool,
) -> tuple[Any, Kept]:
    """c_t = f c_{t−1} + i g, h_t = o tanh c_t, [i f g o] = [σ σ tanh σ](W_ih x_t + W h_{t−1} + b).

    b (4H) is the sum of both biases, or None. The gradient needs the gates i f g o (B, 4H),
    tanh c_t, c_{t−1} and h_{t−1}.
    """
    total, size = x.shape[0], hidden.shape[1]
    gates = xp.affine(x, weight_in, bias)
    active = xp.empty_like(gates)
    states, bent, cells, before = (xp.empty((total, size), dtype=gates.dtype) for _ in range(4))
    h, c = xp.copy(hidden), xp.copy(cell)
    scale = _lstm_scale(xp, size, gates.dtype)
    for start, end in spans(sizes, reverse):
        n = end - start
        before[start:end], cells[start:end] = h[:n], c[:n]
        z = xp.matmul(h[:n], weight.T)
        z += gates[start:end]
        z *= scale
        a = xp.tanh(z)
        a *= scale
        a += 1 - scale
        i, f, g, o = (a[:, k * size : (k + 1) * size] for k in range(4))
        active[start:end] = a
        c[:n] = f * c[:n] + i * g
        bent[start:end] = xp.tanh(c[:n])
        states[start:end] = h[:n] = o * bent[start:end]
    return xp.concatenate([states, h, c], axis=0), (active, bent, cells, before)


def _lstm_scale(xp: Any, size: int, dtype: Any) -> Any:
    """A row s (1, 4H) so that one tanh gives all four gates: s tanh(s z) + 1 − s.

    Where s is ½ that is σ(z) = (1 + tanh(z/2)) / 2, and where it is 1, tanh z.
    """
    half = xp.ones((4, 1), dtype=dtype) * 0.5
    half[2] = 1
    return xp.reshape(xp.broadcast_to(half, (4, size)), (1, 4 * size))


@kernel("plain")
def lstm_gradient(
    xp: Any,
    grad: Any,
    kept: Kept,
    x: Any,
    weight_in: Any,
    weight: Any,
    sizes: Sizes,
    reverse: bool,
    wanted: bool,
) -> tuple[Any, ...]:
    """dL/dx (B, F), None if it isn't wanted; dL/dh₀, dL/dc₀ (N, H); dL/dW_ih, dL/dW, dL/db.

        dh = g_t + Wᵀ dz_{t+1},   dc = dh o (1 − tanh² c_t) + f_{t+1} dc_{t+1}
        dz = [dc g i(1−i), dc c_{t−1} f(1−f), dc i (1−g²), dh tanh(c_t) o(1−o)]
        dx_t = W_ihᵀ dz_t,   dW_ih = Σ dz_t x_tᵀ,   dW = Σ dz_t h_{t−1}ᵀ,   db = Σ dz_t

    where g_t is `grad`'s row of step t, g the gate, and z the gates' arguments.
    """
    active, bent, cells, before = kept
    (total, size), n = bent.shape, sizes[0]
    i, f, g, o = (active[:, k * size : (k + 1) * size] for k in range(4))
    # What dc and dh are multiplied with, for all steps at once.
    inner = (g * i * (1 - i), cells * f * (1 - f), i * (1 - g * g))
    outer, through = bent * o * (1 - o), o * (1 - bent * bent)
    dz = xp.empty_like(active)
    dh, dc = xp.copy(grad[total : total + n]), xp.copy(grad[total + n :])
    for start, end in reversed(spans(sizes, reverse)):
        n = end - start
        dh[:n] += grad[start:end]
        dc[:n] += dh[:n] * through[start:end]
        for k, factor in enumerate(inner):
            dz[start:end, k * size : (k + 1) * size] = factor[start:end] * dc[:n]
        dz[start:end, 3 * size :] = outer[start:end] * dh[:n]
        dh[:n] = xp.matmul(dz[start:end], weight)
        dc[:n] *= f[start:end]
    dx, turned = xp.matmul(dz, weight_in) if wanted else None, xp.swapaxes(dz, 0, 1)
    return dx, dh, dc, xp.matmul(turned, x), xp.matmul(turned, before), xp.sum(dz, axis=0)


@kernel("plain")
def gru(
    xp: Any,
    x: Any,
    hidden: Any,
    weight_in: Any,
    weight: Any,
    bias_in: Any,
    bias: Any,
    sizes: Sizes,
    reverse: bool,
) -> tuple[Any, Kept]:
    """h_t = (1 − z) n + z h_{t−1} with v = W_ih x_t + b_ih, u = W h_{t−1} + b_hh:

    [r z] = σ(v + u), n = tanh(v + r u). The biases (3H) may be None. The gradient needs r and z
    (B, 2H), u's part for n, n and h_{t−1}.
    """
    (total, _), size = x.shape, hidden.shape[1]
    gates = xp.affine(x, weight_in, bias_in)
    gate = xp.empty((total, 2 * size), dtype=gates.dtype)
    states, inner, new, before = (xp.empty((total, size), dtype=gates.dtype) for _ in range(4))
    h = xp.copy(hidden)
    for start, end in spans(sizes, reverse):
        n, v = end - start, gates[start:end]
        before[start:end] = h[:n]
        u = xp.matmul(h[:n], weight.T)
        u = u if bias is None else u + bias
        gate[start:end] = a = _sigmoid(xp, v[:, : 2 * size] + u[:, : 2 * size])
        inner[start:end] = u[:, 2 * size :]
        new[start:end] = y = xp.tanh(v[:, 2 * size :] + a[:, :size] * u[:, 2 * size :])
        states[start:end] = h[:n] = y + a[:, size:] * (h[:n] - y)
    return xp.concatenate([states, h], axis=0), (gate, inner, new, before)


@kernel("plain")
def gru_gradient(
    xp: Any,
    g: Any,
    kept: Kept,
    x: Any,
    weight_in: Any,
    weight: Any,
    sizes: Sizes,
    reverse: bool,
    wanted: bool,
) -> tuple[Any, ...]:
    """dL/dx (B, F), None if it isn't wanted; dL/dh₀ (N, H); dL/dW_ih, dL/dW, dL/db_ih, dL/db_hh.

        dh = g_t + z_{t+1} dh_{t+1} + Wᵀ du_{t+1}
        dn = dh (1 − z)(1 − n²),   dz = dh (h_{t−1} − n) z(1−z),   dr = dn u_n r(1−r)
        dv = [dr dz dn],   du = [dr dz r·dn]
        dx_t = W_ihᵀ dv_t,   dW_ih = Σ dv_t x_tᵀ,   dW = Σ du_t h_{t−1}ᵀ

    where dr, dz and dn are those of the gates' arguments, and u_n is u's part for n.
    """
    gate, inner, new, before = kept
    total, size = new.shape
    r, z = gate[:, :size], gate[:, size:]
    to_new = (1 - z) * (1 - new * new)
    to_gate, to_reset = (before - new) * z * (1 - z), inner * r * (1 - r)
    dv, du = (xp.empty((total, 3 * size), dtype=g.dtype) for _ in range(2))
    dh = xp.copy(g[total:])
    for start, end in reversed(spans(sizes, reverse)):
        n = end - start
        dh[:n] += g[start:end]
        dn = dh[:n] * to_new[start:end]
        dv[start:end, :size] = dn * to_reset[start:end]
        dv[start:end, size : 2 * size] = dh[:n] * to_gate[start:end]
        dv[start:end, 2 * size :] = dn
        du[start:end, : 2 * size] = dv[start:end, : 2 * size]
        du[start:end, 2 * size :] = dn * r[start:end]
        dh[:n] = dh[:n] * z[start:end] + xp.matmul(du[start:end], weight)
    dx = xp.matmul(dv, weight_in) if wanted else None
    of_x, of_h = xp.matmul(xp.swapaxes(dv, 0, 1), x), xp.matmul(xp.swapaxes(du, 0, 1), before)
    return dx, dh, of_x, of_h, xp.sum(dv, axis=0), xp.sum(du, axis=0)
