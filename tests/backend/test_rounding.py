"""What PyTorch rounds once is off by less than two roundings here: bounds that its results keep.

`python -m tests.parity.rounding` surveys all reductions, beside PyTorch; these are kinds that it
found more than twice as far off as PyTorch's, whose largest error was one rounding, 6·10⁻⁸.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import deviations
from tinygrad_lite.backend.plain import deviations as plain
from tinygrad_lite.backend.plain import sums as plain_sums

Array = np.ndarray[Any, Any]
ROUNDING = 2.0**-24
XP = namespace_for("cpu")

# Small ones, few and many terms along either axis, several blocks, terms left over.
SHAPES: list[tuple[tuple[int, ...], Any]] = [
    ((50,), (0,)),
    ((3, 50), (0,)),
    ((3, 50), (1,)),
    ((8, 5000), (0,)),
    ((5000, 8), (1,)),
    ((203, 101), (0,)),
    ((203, 101), (1,)),
    ((37, 811), (1,)),
    ((811, 37), (0,)),
    ((12, 33, 7, 9), (0, 2, 3)),
    ((12, 33, 7, 9), (1,)),
    ((700, 400), (0,)),
    ((700, 400), (1,)),
    ((9, 5000), (0,)),
    ((5000, 9), (1,)),
    ((2, 140_000), (0,)),
    ((29, 10_000), (0,)),
    ((7, 3, 20_000), (0, 1)),
    ((3000, 100), (1,)),
    ((7, *[1] * 51, 9000), (0,)),
    ((2, 3, 7000), (0, 1)),
    ((40, 20, 33), (0, 2)),
    ((300_001,), (0,)),
    ((6, 40, 41, 40), (0, 2, 3)),
    ((4096, 3), (0,)),
    ((60_000, 2), (0,)),
    ((100, 50, 3), (1,)),
    ((100, 50, 3), (0, 1)),
]


def _off(found: Any, exact: Array) -> float:
    size = np.abs(exact)
    return float(np.max(np.abs(found - exact) / np.maximum(size, size.mean())))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("mean", [0.0, 8.0])
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_variances(shape: tuple[int, ...], axis: Any, mean: float, order: Any) -> None:
    x = np.random.default_rng(0).random(shape, dtype=np.float32) + np.float32(mean)
    x = np.asarray(x, order=order)
    exact = x.astype(float).var(axis, ddof=1)
    assert _off(torch.tensor(x).var(axis).numpy(), exact) < 2 * ROUNDING
    assert _off(torch.tensor(x).std(axis).numpy(), np.sqrt(exact)) < 2 * ROUNDING
    found = torch.var_mean(torch.tensor(x), axis)
    assert _off(found[0].numpy(), exact) < 2 * ROUNDING
    assert _off(found[1].numpy(), x.mean(axis, float)) < 2 * ROUNDING
    for keepdims in (False, True):
        free = x.size / exact.size - 1
        wanted = plain.variance(XP, x, axis, free, keepdims)
        found = deviations.variance(XP, x, axis, free, keepdims)
        assert found.shape == wanted.shape
        assert _off(found, wanted) < ROUNDING


@pytest.mark.parametrize("factor", [1e-25, 1e-10, 1e10, 1e25])
def test_deviations_do_not_vanish_or_overflow_as_squares(factor: float) -> None:
    x = (np.random.default_rng(0).random((300, 300)) * factor).astype(np.float32)
    assert _off(torch.tensor(x).std(0).numpy(), x.astype(float).std(0, ddof=1)) < 2 * ROUNDING


@pytest.mark.parametrize("factor", [1e-15, 1.0, 1e25])
@pytest.mark.parametrize("name", ["std", "std_mean"])
def test_nor_do_their_gradients_where_these_are_recorded(name: str, factor: float) -> None:
    x = torch.tensor([factor, 2 * factor, 4 * factor], requires_grad=True)
    y = getattr(torch, name)(x, 0)
    (first,) = torch.autograd.grad(y if name == "std" else y[0], x, create_graph=True)
    wanted = [-0.43643578, -0.10910895, 0.54554473]
    np.testing.assert_allclose(first.tolist(), wanted, rtol=1e-6)
    (second,) = torch.autograd.grad(first[0], x)
    wanted = [0.093521952, -0.14028293, 0.046760976]
    if factor < 1e15:  # beyond 1 / y² vanishes, in PyTorch too
        np.testing.assert_allclose(np.array(second.tolist()) * factor, wanted, rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 3e38])
def test_constants_do_not_deviate(value: float) -> None:
    assert torch.full((300, 300), value).std(0).tolist() == [0.0] * 300
    for rows in (2, 3, 30):
        assert not torch.full((rows, 20_000), value).var(0).numpy().any()


@pytest.mark.parametrize("shape", [(5000, 6), (100_000, 4), (3, 20_000), (30, 20_000), (20, 2000)])
@pytest.mark.parametrize("mean", [1e3, 1e5, 1e6])
def test_a_mean_far_beyond_the_deviations(shape: tuple[int, ...], mean: float) -> None:
    """There a sum of squares has lost its digits, some of them in a few columns alone."""
    x = np.random.default_rng(0).normal(mean, 1, shape).astype(np.float32)
    x[:, 1::2] -= np.float32(mean)
    found, means = torch.var_mean(torch.tensor(x), 0)
    exact = x.astype(float).var(0, ddof=1)
    assert (np.abs(found.numpy() - exact) <= 2 * ROUNDING * exact).all()
    assert _off(means.numpy(), x.mean(0, float)) < 2 * ROUNDING


@pytest.mark.parametrize(("size", "bound"), [(20, 2.5), (100, 1), (500, 1)])
def test_sums_of_few_numbers(size: int, bound: float) -> None:
    """NumPy's are off by 3.6, 3.5 and 2.2 roundings here."""
    for seed in range(400):
        x = np.random.default_rng(seed).random(size, dtype=np.float32)
        exact = x.sum(dtype=float)
        for a in (x, x.reshape(4, -1), np.asfortranarray(x.reshape(-1, 5))):
            assert _off(XP.sum(a), exact) < bound * ROUNDING
            assert XP.sum(a, keepdims=True).shape == (1,) * a.ndim


@pytest.mark.parametrize("shape", [(9, 4), (20, 10), (50, 3), (200, 3), (64, 16), (256, 4)])
def test_sums_over_rows_of_a_small_matrix(shape: tuple[int, int]) -> None:
    """As a product with ones in float32 they are off by 1.6 to 7 roundings."""
    for seed in range(40):
        x = np.random.default_rng(seed).random(shape, dtype=np.float32)
        for keepdims in (False, True):
            found = XP.sum(x, 0, None, keepdims)
            assert found.dtype == np.float32
            assert _off(found, x.sum(0, float, keepdims=keepdims)) < 1.01 * ROUNDING


def test_sums_of_few_short_rows() -> None:
    """Along an axis in the middle; row after row they are off by 5.7 roundings here."""
    x = np.random.default_rng(0).random((64, 32, 28, 28), dtype=np.float32)
    assert _off(XP.sum(x, axis=2), x.sum(2, dtype=float)) < 4.5 * ROUNDING


RUNNING: dict[str, tuple[Callable[..., Any], Callable[..., Array]]] = {
    "cumsum": (torch.cumsum, np.cumsum),
    "logcumsumexp": (torch.logcumsumexp, np.logaddexp.accumulate),
}


@pytest.mark.parametrize("name", RUNNING)
@pytest.mark.parametrize("shape", [(5,), (32, 40), (40, 32), (6, 16, 8), (100, 700)])
def test_running_sums(name: str, shape: tuple[int, ...]) -> None:
    ours, exactly = RUNNING[name]
    x = np.random.default_rng(0).random(shape, dtype=np.float32)
    for axis in range(len(shape)):
        exact = exactly(x.astype(float), axis=axis)
        found = ours(torch.tensor(x), axis).numpy()
        off = np.abs(found - exact) / np.abs(exact)
        assert off.max() < 1.01 * ROUNDING


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("axis", [0, 1])
def test_running_sums_and_products_in_their_plain_form(name: str, axis: int) -> None:
    """Other devices take it, too."""
    x = np.random.default_rng(0).uniform(0.99, 1.01, (300, 400)).astype(np.float32)
    exact = getattr(np, name)(x.astype(float), axis=axis)
    found = getattr(plain_sums, name)(XP, x, axis)
    assert found.dtype == np.float32
    assert (np.abs(found - exact) / exact).max() < 1.01 * ROUNDING


# f_j = Σ_i g_i P_ij (h_j − Σ_k h_k P_ik) with P_ij = e^(x_j − y_i), to 400 digits.
FAR_APART = {
    "up and down": (
        [0.0, 50.0, 20.0, 60.0, -30.0, 55.0],
        [1.58165201e-22, 3.48758806e-06, 3.39192082e-15, -1.06432029e-02, 4.67815724e-39,
         1.06397153e-02],
    ),
    "beyond e^600": (
        [0.0, 700.0, -300.0, 650.0, 701.0, 5.0],
        [0.0, -6.17230587e-01, 0.0, 2.28679858e-22, 6.17230587e-01, 0.0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAR_APART)
def test_second_gradients_of_running_logarithms_far_apart(name: str) -> None:
    """Each element keeps its digits, however small beside the others."""
    numbers, exact = FAR_APART[name]
    x = torch.tensor(numbers, requires_grad=True)
    g, h = (np.random.default_rng(k).standard_normal(6).astype(np.float32) for k in (1, 2))
    (first,) = torch.autograd.grad(x.logcumsumexp(0), x, torch.tensor(g), create_graph=True)
    (second,) = torch.autograd.grad(first, x, torch.tensor(h))
    np.testing.assert_allclose(second.numpy(), exact, rtol=1e-4)


@pytest.mark.parametrize(
    ("a", "b", "wanted"),
    [(1.0, 1.0, 0.25), (0.0, 50.0, 1.9287498479639178e-22), (60.0, 0.0, 8.7565107627e-27)],
)
def test_second_derivatives_of_logaddexp(a: float, b: float, wanted: float) -> None:
    """σ(a − b) σ(b − a), positive for the same operand twice, negative for both; also at a tie."""
    both = [torch.tensor(v, requires_grad=True) for v in (a, b)]
    firsts = torch.autograd.grad(torch.logaddexp(*both), both, create_graph=True)
    found = [[s.item() for s in torch.autograd.grad(f, both, retain_graph=True)] for f in firsts]
    np.testing.assert_allclose(found, [[wanted, -wanted], [-wanted, wanted]], rtol=1e-6)
