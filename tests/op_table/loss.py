"""Rows of the losses of each element by itself; x is a prediction and t its target."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests import strategies as some
from tests.op_table._row import Row
from tests.strategies import Draw, nonzero, positive, real, values
from tinygrad_lite.nn import functional as F
from tinygrad_lite.ops import RULES
from tinygrad_lite.tensor import apply


def _probability(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Between 0.1 and 0.9, so that a small step stays inside [0, 1]."""
    return np.asarray(rng.uniform(0.1, 0.9, shape))


@st.composite
def _pairs(draw: Draw, *domains: some.Domain) -> some.Arguments:
    """Arrays of one shape."""
    shape = draw(some.shapes())
    rng = draw(some.sources())
    return tuple(domain(rng, shape) for domain in domains), {}


@st.composite
def _differing(draw: Draw, name: str) -> some.Arguments:
    """x and t of one shape whose differences are no bend of the loss, and the bend."""
    shape, bend = draw(some.shapes()), draw(st.sampled_from([0.5, 1.0, 2.0]))
    rng = draw(some.sources())
    t = real(rng, shape)
    far = bend + some.positive(rng, shape)
    near = rng.uniform(0.1, 0.9, shape) * bend
    e = np.where(rng.random(shape) < 0.5, far, near) * rng.choice([-1.0, 1.0], shape)
    return (t + e, t), {name: bend}


def _huber(x: Any, t: Any, delta: float) -> Any:
    e = np.abs(x - t)
    return np.where(e < delta, e * e / 2, delta * (e - delta / 2))


def _cross_entropy(x: Any, t: Any) -> Any:
    return -(t * np.log(x) + (1 - t) * np.log1p(-x))


def _with_logits(x: Any, t: Any, w: Any = 1.0, p: Any = 1.0) -> Any:
    log_p, log_q = -np.log1p(np.exp(-x)), -np.log1p(np.exp(x))
    return -w * (p * t * log_p + (1 - t) * log_q)


def _call(function: Any, **more: Any) -> Any:
    return lambda *tensors, **words: function(*tensors, reduction="none", **words, **more)


_bce, _logits = F.binary_cross_entropy, F.binary_cross_entropy_with_logits
ROWS = [
    Row("mse_loss", _pairs(real, real), lambda x, t: (x - t) ** 2, _call(F.mse_loss),
        rule="squared_error"),
    Row("rule:squared_error", values(real, real), lambda x, t: (x - t) ** 2,
        lambda x, t: apply(RULES["squared_error"], x, t)),
    Row("rule:poisson_error", values(real, real), lambda x, t: np.exp(x) - t * x,
        lambda x, t: apply(RULES["poisson_error"], x, t)),
    Row("l1_loss", _differing("bend"), lambda x, t, bend: np.abs(x - t),
        lambda x, t, bend: F.l1_loss(x, t, reduction="none"), rule="abs"),
    Row("huber_loss", _differing("delta"), _huber, _call(F.huber_loss), rule="huber"),
    Row("rule:huber", _differing("delta"), _huber,
        lambda x, t, delta: apply(RULES["huber"], x, t, delta=delta), "huber"),
    Row("smooth_l1_loss", _differing("beta"), lambda x, t, beta: _huber(x, t, beta) / beta,
        _call(F.smooth_l1_loss), rule="huber"),
    Row("binary_cross_entropy", _pairs(_probability, _probability), _cross_entropy, _call(_bce),
        syncs=True),
    Row("binary_cross_entropy[rule]", _pairs(_probability, real), _cross_entropy,
        lambda x, t: apply(RULES["binary_cross_entropy"], x, t)),
    Row("binary_cross_entropy_with_logits", _pairs(real, real), _with_logits, _call(_logits),
        rule="logits_error"),
    Row("binary_cross_entropy_with_logits[weights]", _pairs(real, real, positive, positive),
        _with_logits, lambda x, t, w, p: _logits(x, t, w, reduction="none", pos_weight=p)),
    Row("rule:x_log_x", values(positive), lambda x: x * np.log(x),
        lambda x: apply(RULES["x_log_x"], x)),
    Row("kl_div", _pairs(real, positive), lambda x, t: t * (np.log(t) - x), _call(F.kl_div),
        rule="x_log_x"),
    Row("kl_div[log_target]", _pairs(real, nonzero), lambda x, t: np.exp(t) * (t - x),
        _call(F.kl_div, log_target=True), rule="exp"),
    Row("kl_div[batchmean]", some.shaped(real, lambda draw, shape: {}, min_dims=1, min_side=1),
        lambda x: -np.sum(0.5 * x + 0.5 * np.log(2)) / len(x),
        lambda x: F.kl_div(x, tg.full_like(x.detach(), 0.5), reduction="batchmean"),
        rule="sum"),
]  # fmt: skip
