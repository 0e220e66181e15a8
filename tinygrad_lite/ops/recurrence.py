"""Recurrent layers: one rule runs a layer through time, and its gradient back through time.

All take packed sequences (`backend.packing`): the rows of the first step, of the second, …;
`sizes` says how many sequences have each step, B = Σ sizes, N = sizes[0]. The output is the hidden
states in the same packing and, below them, each sequence's last one: (B + N, H); of an LSTM the
last cells are below those: (B + 2N, H). `reverse` starts at the last step. V is W_ih, and W is
W_hh; their gradients are one product over all steps.

(Elman 1990; Hochreiter & Schmidhuber 1997; Cho et al. 2014; Werbos 1990 for the gradient.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backend.packing import Sizes, spans
from ..graph import Joint
from .rule import rule

Out = tuple[Any, Any]
Step = Callable[..., tuple[Any, ...]]


def _sigmoid(xp: Any, x: Any) -> Any:
    """σ(x) = (1 + tanh(x/2)) / 2: no overflow, and one call where gates need both."""
    return xp.tanh(x * 0.5) * 0.5 + 0.5


def _unrolled(
    xp: Any, gates: Any, states: tuple[Any, ...], sizes: Sizes, reverse: bool, step: Step
) -> Any:
    """A layer from elementary operations, for second derivatives.

    `step` takes the rows of the gates and of the states of those sequences that have this step,
    and returns their new states, the hidden one first.
    """
    outputs: list[Any] = []
    for start, end in spans(sizes, reverse):
        n = end - start
        new = step(gates[start:end], *(s[:n] for s in states))
        outputs.append(new[0])
        if n < states[0].shape[0]:
            new = tuple(
                xp.concatenate([a, s[n:]], axis=0) for a, s in zip(new, states, strict=True)
            )
        states = new
    return xp.concatenate([*(outputs[::-1] if reverse else outputs), *states], axis=0)


def _of_input(xp: Any, x: Any, weight: Any, bias: Any) -> Any:
    gates = xp.matmul(x, xp.swapaxes(weight, 0, 1))
    return gates if bias is None else gates + bias


# The VJPs of inputs of which `back` has computed all.


def _need_one_dtype(name: str, *arrays: Any) -> None:
    """Refuse an input, states and weights of several dtypes: nothing is promoted here."""
    found = {array.dtype for array in arrays if array is not None}
    if len(found) > 1:
        raise RuntimeError(
            f"{name}: input, states and weights must have the same dtype, but got "
            f"{', '.join(sorted(map(str, found)))}"
        )


def _part(k: int) -> Callable[[Any, tuple[Any, ...]], Any]:
    return lambda g, found: found[k]


_PARTS = [_part(k) for k in range(6)]


# The simplest: h' = φ(V x + W h)


def rnn_composition(
    xp: Any,
    x: Any,
    hidden: Any,
    weight_in: Any,
    weight: Any,
    bias: Any = None,
    *,
    sizes: Sizes,
    reverse: bool,
    relu: bool,
) -> Any:
    """`rnn` from elementary operations."""
    turned = xp.swapaxes(weight, 0, 1)

    def step(x: Any, h: Any) -> tuple[Any, ...]:
        z = x + xp.matmul(h, turned)
        return (xp.maximum(z, 0.0) if relu else xp.tanh(z),)

    return _unrolled(xp, _of_input(xp, x, weight_in, bias), (hidden,), sizes, reverse, step)


@rule(autocast="half", composition=rnn_composition)
def rnn(
    xp: Any,
    x: Any,
    hidden: Any,
    weight_in: Any,
    weight: Any,
    bias: Any = None,
    *,
    sizes: Sizes,
    reverse: bool,
    relu: bool,
) -> Out:
    """h_t = φ(z_t), z_t = V x_t + W h_{t−1} + b, φ tanh or ReLU.

    x (B, F) packed, h_0 (N, H), V (H, F), W (H, H), b (H). dz_t = φ′(z_t) (g_t + Wᵀ dz_{t+1});
    dL/dx_t = Vᵀ dz_t, dL/dV = Σ dz_t x_tᵀ, dL/dW = Σ dz_t h_{t−1}ᵀ, dL/db = Σ dz_t.
    """
    _need_one_dtype("rnn", x, hidden, weight_in, weight, bias)
    gates = xp.affine(x, weight_in, bias)
    y, kept = xp.rnn(gates, hidden, weight, sizes, reverse, relu)

    def back(g: Any, wanted: tuple[bool, ...]) -> tuple[Any, Any]:
        found: tuple[Any, Any] = xp.rnn_gradient(g, kept, weight, sizes, reverse, relu)
        return found

    def of_input(g: Any, found: tuple[Any, Any]) -> Any:
        return xp.matmul(found[0], weight_in)

    def of_weight_in(g: Any, found: tuple[Any, Any]) -> Any:
        return xp.matmul(xp.swapaxes(found[0], 0, 1), x)

    def of_weight(g: Any, found: tuple[Any, Any]) -> Any:
        return xp.matmul(xp.swapaxes(found[0], 0, 1), kept[-1])

    def of_bias(g: Any, found: tuple[Any, Any]) -> Any:
        return xp.sum(found[0], axis=0)

    return y, Joint(back, of_input, _PARTS[1], of_weight_in, of_weight, of_bias)


# Long short-term memory


def lstm_composition(
    xp: Any,
    x: Any,
    hidden: Any,
    cell: Any,
    weight_in: Any,
    weight: Any,
    bias: Any = None,
    *,
    sizes: Sizes,
    reverse: bool,
) -> Any:
    """`lstm` from elementary operations."""
    turned, size = xp.swapaxes(weight, 0, 1), hidden.shape[1]
    gates = _of_input(xp, x, weight_in, bias)

    def step(x: Any, h: Any, c: Any) -> tuple[Any, ...]:
        z = x + xp.matmul(h, turned)
        i, f, g, o = (z[:, k * size : (k + 1) * size] for k in range(4))
        c = _sigmoid(xp, f) * c + _sigmoid(xp, i) * xp.tanh(g)
        return _sigmoid(xp, o) * xp.tanh(c), c

    return _unrolled(xp, gates, (hidden, cell), sizes, reverse, step)


@rule(autocast="half", composition=lstm_composition)
def lstm(
    xp: Any,
    x: Any,
    hidden: Any,
    cell: Any,
    weight_in: Any,
    weight: Any,
    bias: Any = None,
    *,
    sizes: Sizes,
    reverse: bool,
) -> Out:
    """c_t = f c_{t−1} + i g, h_t = o tanh(c_t), [i f g o] = [σ σ tanh σ](V x_t + W h_{t−1} + b).

    x (B, F) packed, h_0 and c_0 (N, H), V (4H, F), W (4H, H), b (4H), gates in that order.
    Backwards, with dh = g_t + Wᵀ dz_{t+1} and dc = dh o (1 − tanh² c_t) + f_{t+1} dc_{t+1}:
    dz = [dc g i(1−i), dc c_{t−1} f(1−f), dc i (1−g²), dh tanh(c_t) o(1−o)];
    dL/dx_t = Vᵀ dz_t, dL/dV = Σ dz_t x_tᵀ, dL/dW = Σ dz_t h_{t−1}ᵀ, dL/db = Σ dz_t.
    """
    _need_one_dtype("lstm", x, hidden, cell, weight_in, weight, bias)
    y, kept = xp.lstm(x, hidden, cell, weight_in, weight, bias, sizes, reverse)

    def back(g: Any, wanted: tuple[bool, ...]) -> tuple[Any, ...]:
        found: tuple[Any, ...] = xp.lstm_gradient(
            g, kept, x, weight_in, weight, sizes, reverse, wanted[0]
        )
        return found

    return y, Joint(back, *_PARTS)


# The gated recurrent unit


def gru_composition(
    xp: Any,
    x: Any,
    hidden: Any,
    weight_in: Any,
    weight: Any,
    bias_in: Any = None,
    bias: Any = None,
    *,
    sizes: Sizes,
    reverse: bool,
) -> Any:
    """`gru` from elementary operations."""
    turned, size = xp.swapaxes(weight, 0, 1), hidden.shape[1]
    gates = _of_input(xp, x, weight_in, bias_in)

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
    x: Any,
    hidden: Any,
    weight_in: Any,
    weight: Any,
    bias_in: Any = None,
    bias: Any = None,
    *,
    sizes: Sizes,
    reverse: bool,
) -> Out:
    """h_t = (1 − z) n + z h_{t−1}; with v = V x_t + a, u = W h_{t−1} + b:

    [r z] = σ(v + u), n = tanh(v + r u).
    x (B, F) packed, h_0 (N, H), V (3H, F), W (3H, H), a and b (3H), gates in the order r, z, n.
    Backwards, with dh = g_t + z_{t+1} dh_{t+1} + Wᵀ du_{t+1}:
    dn = dh (1 − z)(1 − n²), dz = dh (h_{t−1} − n) z(1−z), dr = dn u_n r(1−r),
    dv = [dr dz dn], du = [dr dz r·dn];
    dL/dx_t = Vᵀ dv_t, dL/dV = Σ dv_t x_tᵀ, dL/dW = Σ du_t h_{t−1}ᵀ, dL/da = Σ dv_t, dL/db = Σ du_t.
    """
    _need_one_dtype("gru", x, hidden, weight_in, weight, bias_in, bias)
    y, kept = xp.gru(x, hidden, weight_in, weight, bias_in, bias, sizes, reverse)

    def back(g: Any, wanted: tuple[bool, ...]) -> tuple[Any, ...]:
        found: tuple[Any, ...] = xp.gru_gradient(
            g, kept, x, weight_in, weight, sizes, reverse, wanted[0]
        )
        return found

    return y, Joint(back, *_PARTS)
