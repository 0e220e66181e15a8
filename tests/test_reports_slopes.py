"""Slopes that users of such libraries found wrong, at kinks and far out, and that were here too.

Of each kind an example; the values are PyTorch's, or known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.test_reports import INF, NAN, same
from tinygrad_lite.nn import functional as F


def _twice(f: Any, x: tg.Tensor) -> tuple[Any, Any]:
    (once,) = tg.autograd.grad(f(x).sum(), x, create_graph=True)
    (twice,) = tg.autograd.grad(once.sum(), x)
    return once, twice


def test_second_derivatives_where_a_parabola_ends(device: str) -> None:
    x = tg.tensor([-2.0, -1.0, 0.5, 1.0, NAN, INF], device=device, requires_grad=True)
    errors = F.huber_loss(x, tg.zeros(6, device=device), reduction="none")
    same(errors[4:], [NAN, INF])
    same(tg.autograd.grad(errors.sum(), x)[0], [-1.0, -1.0, 0.5, 1.0, NAN, 1.0])
    once, twice = _twice(lambda x: F.huber_loss(x, x.detach() * 0, reduction="none"), x[:4])
    same(once, [-1.0, -1.0, 0.5, 1.0])
    same(twice, [0.0, 0.0, 1.0, 0.0])
    zero = tg.zeros(4, device=device)
    twice = _twice(lambda x: F.smooth_l1_loss(x, zero, reduction="none", beta=0.5), x[:4])[1]
    same(twice, [0.0] * 4)


def test_slopes_of_quotients_whose_square_overflows(device: str) -> None:
    a = tg.tensor([1e-30, 1e30, 6.0], device=device)
    b = tg.tensor([1e-25, 1e25, 2.0], device=device, requires_grad=True)
    (found,) = tg.autograd.grad((a / b).sum(), b)
    np.testing.assert_allclose(found.cpu().numpy(), [-1e20, -1e-20, -1.5], rtol=1e-6)


def test_quantiles_of_small_probabilities() -> None:
    given = [1e-300, 1e-100, 1e-20, 1e-10, 1e-3, 0.3, 0.0]
    wanted = [-37.0470964993613, -21.273453560965322, -9.262340089798409, -6.361340902404056]
    wanted += [-3.090232306167813, -0.5244005127080409, -INF]
    p = tg.tensor(given, dtype=tg.float64, requires_grad=True)
    x = tg.special.ndtri(p)
    same(x, wanted, rtol=1e-13)
    once, twice = _twice(tg.special.ndtri, p[1:6])
    density = np.exp(-np.square(wanted[1:6]) / 2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(once.detach(), 1 / density, rtol=1e-9)
    np.testing.assert_allclose(twice, wanted[1:6] / density**2, rtol=1e-6)
    same(tg.special.ndtri(tg.tensor([1e-30, -1.0])), [-11.464024, NAN])


@pytest.mark.parametrize("p", [3, 4])
def test_second_derivatives_of_norms_at_0(p: int, device: str) -> None:
    x = tg.tensor([[0.0, 0.0], [0.0, 2.0]], device=device, requires_grad=True)
    once, twice = _twice(lambda x: x.norm(p=p, dim=1), x)
    same(once, [[0.0, 0.0], [0.0, 1.0]])
    same(twice, [[0.0, 0.0], [0.0, 0.0]])


def test_what_shares_or_leaves_out_a_slope_that_is_infinite(device: str) -> None:
    """What PyTorch multiplies by 0 is NaN there, what it picks is 0."""
    x = tg.tensor([1.0, NAN, 2.0, INF], device=device, requires_grad=True)
    g = tg.tensor(INF, device=device)

    def slopes(f: Any) -> Any:
        y = f(x)
        return tg.autograd.grad(y, x, g.expand(y.shape))[0]

    same(slopes(tg.nansum), [INF, NAN, INF, INF])
    same(slopes(tg.nanmean), [INF, NAN, INF, INF])
    same(slopes(tg.nan_to_num), [INF, NAN, INF, NAN])
    same(slopes(tg.nanmedian), [0.0, 0.0, INF, 0.0])
    for f in (tg.max, tg.min, tg.median):
        same(slopes(f), [0.0, INF, 0.0, 0.0])
    same(slopes(lambda x: x[2:].amax()), [0.0, 0.0, NAN, INF])
    same(tg.autograd.grad(x[1:2].nanmean(), x)[0], [0.0, NAN, 0.0, 0.0])


@pytest.mark.parametrize("name", ["scatter_reduce", "index_reduce"])
def test_what_an_extreme_leaves_out_is_counted_where_it_equals_it(name: str, device: str) -> None:
    x = tg.tensor([3.0, 1.0, 2.0, 3.0], device=device, requires_grad=True)
    src = tg.tensor([3.0, 3.0, 1.0, 2.0, 5.0], device=device, requires_grad=True)
    index = tg.tensor([0, 0, 1, 2, 2], device=device)
    for how, last in (("amax", [0.0, 1.0]), ("amin", [0.5, 0.0])):
        y = getattr(x, name)(0, index, src, how, include_self=False)
        found = tg.autograd.grad(y.sum(), (x, src))
        same(found[0], [0.0, 0.0, 0.0, 1.0])
        same(found[1], [1 / 3, 1 / 3, 0.5, *last])
