"""The slips of the report, evaluated as they are printed; the last table of the derivations.

Each function draws a point and shows that the engine differs from what is printed there and
agrees with the correction.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.ops.derivations_plain import batch_norm, normalise, sigma, softmax
from tests.ops.derivations_tools import Array, Rng, differ, draw, engine_jacobian, vjp


def slip_11_sign(rng: Rng) -> None:
    z = rng.normal(size=4)
    p = softmax(z)
    ours = np.diag(p) - np.outer(p, p)
    printed = ours.copy()
    printed[-1, -1] = -p[-1] * (1 - p[-1])
    differ(printed, ours, engine_jacobian(lambda z: z.softmax(0), z))
    np.testing.assert_allclose(printed[-1].sum(), -2 * p[-1] * (1 - p[-1]))


def slip_11_copies(rng: Rng) -> None:
    z = rng.normal(size=4)
    p = softmax(z)
    ours = np.diag(p) - np.outer(p, p)
    engine = engine_jacobian(lambda z: z.softmax(0), z)
    for row, column in [(1, -1), (-1, 1)]:
        printed = ours.copy()
        printed[row, column] = ours[0, column]  # the entry was copied from the first row
        differ(printed, ours, engine)
        assert not np.allclose(printed, printed.T)


def slip_23_last_row(rng: Rng) -> None:
    x, weight = rng.normal(size=3), rng.normal(size=(4, 3))
    printed = weight.copy()
    printed[-1, 1:] = weight[0, 1:]
    differ(printed, weight, engine_jacobian(lambda x, w: w @ x, x, weight))


def slip_30_squeeze(rng: Rng) -> None:
    x, weight = rng.normal(size=3), rng.normal(size=(4, 3))
    engine = engine_jacobian(lambda x, w: w @ x, x, weight, wrt=1)
    assert np.squeeze(engine).shape == (4, 4, 3)
    with pytest.raises(ValueError, match="size not equal to one"):
        np.squeeze(engine, axis=1)
    np.testing.assert_array_equal(engine.sum(0), np.tile(x, (4, 1)))
    np.testing.assert_array_equal(engine[range(4), range(4)], np.tile(x, (4, 1)))


def slip_44_order(rng: Rng) -> None:
    z, weight, g = rng.normal(size=(3, 1)), rng.normal(size=(4, 3)), rng.normal(size=(4, 1))
    jacobian = np.diagflat(z > 0).astype(float)
    with pytest.raises(ValueError, match="mismatch"):
        (weight.T @ g) @ jacobian
    engine = vjp(lambda z, w: w @ z.relu(), z, weight, wrt=0, g=g)
    np.testing.assert_allclose(engine, jacobian @ (weight.T @ g))


def slip_46_index(rng: Rng) -> None:
    x, weight, b, g = (rng.normal(size=n) for n in (3, (4, 3), 4, 4))
    layer: Callable[..., tg.Tensor] = lambda x, w, b: w @ x + b  # noqa: E731
    by_weight = vjp(layer, x, weight, b, wrt=1, g=g)
    by_bias = vjp(layer, x, weight, b, wrt=2, g=g)
    for i in range(4):  # whichever i is meant: it cannot be every j
        differ(np.tile(g[i] * x, (4, 1)), np.outer(g, x), by_weight, right=i)
        differ(np.tile(g[i], 4), g, by_bias, right=i)


def slip_1_1_c_sign(rng: Rng) -> None:
    p, t = softmax(rng.normal(size=(5, 3))), np.eye(3)[rng.integers(3, size=5)]
    own = -t / p  # dL^k/dx^k
    printed = np.array([-1 / 5 * sum((k == s) * own[k] for s in range(5)) for k in range(5)])
    loss: Callable[..., tg.Tensor] = lambda p: -(tg.as_tensor(t) * p.log()).sum(1).mean()  # noqa: E731
    engine = engine_jacobian(loss, p)
    differ(printed, own / 5, engine)
    np.testing.assert_allclose(-printed, engine)


def _batch_norm(rng: Rng) -> tuple[Array, ...]:
    """x, γ, g, the engine's dL/dx, and γ ∂x̂ˢ/∂xʳ of each feature (s, r, feature)."""
    x, gamma, beta, g = draw(rng, (5, 3), 3, 3, (5, 3))
    x *= 1 + np.arange(3)
    n = normalise(x)
    slope = gamma / (5 * sigma(x)) * (5 * np.eye(5)[:, :, None] - 1 - n[:, None] * n[None])
    return x, gamma, g, vjp(batch_norm, x, gamma, beta, wrt=0, g=g), slope


def slip_60_index(rng: Rng) -> None:
    _, _, g, engine, slope = _batch_norm(rng)
    ours = np.einsum("si,sri->ri", g, slope)
    summed = np.einsum("si,sri->r", g, slope)  # over s and i, as printed, with x_i below
    differ(np.tile(summed[:, None], (1, 3)), ours, engine)


def slip_81_index(rng: Rng) -> None:
    x, gamma, g, engine, slope = _batch_norm(rng)
    ours, s, d = np.einsum("si,sri->ri", g, slope), sigma(x), x - x.mean(0)
    total, moment = g.sum(0), (g * d).sum(0)
    for i in range(3):  # whichever i is meant: the column j = i is right, and no other
        eq_81 = gamma / 5 / s[i] * (5 * g - total - d / s**2 * moment)
        eq_79 = gamma * g / s[i] - gamma / 5 / s * total - gamma / 5 / s**3 * d * moment
        eq_80 = gamma * g / s - gamma / 5 / s * total - gamma[i] / 5 / s**3 * d * moment
        for printed in eq_79, eq_80, eq_81:  # (and 78 as 80)
            differ(printed.T, ours.T, engine.T, right=i)


SLIPS = {name: value for name, value in globals().items() if name.startswith("slip_")}
