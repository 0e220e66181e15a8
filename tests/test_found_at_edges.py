"""Values at edges (infinities, NaN, tiny numbers, freed graphs) as PyTorch 2.13 prints them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.several import several
from tinygrad_lite import distributions
from tinygrad_lite.nn import functional as F

inf, nan = math.inf, math.nan
GOES_TO = torch.tensor([0, 0, 2, 3])


def slope(function: Callable[[Any], Any], values: Any, dtype: Any = None) -> Any:
    """The gradient of the sum of a function."""
    x = torch.tensor(values, dtype=dtype, requires_grad=True)
    return torch.autograd.grad(function(x).sum(), x)[0].numpy()


def second(function: Callable[[Any], Any], values: Any, dtype: Any = None) -> Any:
    """The gradient of the sum of that."""
    x = torch.tensor(values, dtype=dtype, requires_grad=True)
    (first,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    return torch.autograd.grad(first.sum(), x)[0].numpy()


def multi(x: Any) -> Any:
    return F.multi_margin_loss(x, torch.tensor([0]))


def _assigned(dtype: Any, values: list[float]) -> Any:
    x = torch.zeros(len(values), dtype=dtype)
    for k, value in enumerate(values):
        x[k] = value
    return x.float().numpy()


VALUES: dict[str, tuple[Any, Any]] = {
    "cumprod, infinity behind 0": (
        lambda: slope(lambda x: x.cumprod(0), [1.0, 0.0, inf, 2.0]), [1, inf, 0, 0]),
    "cumprod, infinity behind two": (
        lambda: slope(lambda x: x.cumprod(0), [0.0, 0.0, inf]), [1, 0, 0]),
    "cumprod, infinity before 0": (
        lambda: slope(lambda x: x.cumprod(0), [inf, 0.0, 2.0]), [nan, inf, 0]),
    "i1e twice, float32": (lambda: second(torch.special.i1e, [0.0, 1e-30, 1e-8]), [0, 0, 0]),
    "i1 twice, float64": (
        lambda: second(torch.special.i1, [0.0, 1e-30, 1e-4], torch.float64),
        [0, 0, 3.7499999e-5]),
    "erfcx's slope, float32": (
        lambda: slope(torch.special.erfcx, [1e5, 100.0, -1.0]),
        [-5.6418957e-11, -5.6410496e-5, -11.146339]),
    "erfcx's slope, float64": (
        lambda: slope(torch.special.erfcx, [1e5, 1e2, 5.0], torch.float64),
        [-5.641895834631278e-11, -5.641049762594719e-5, -0.021332789764826332]),
    "ndtri": (lambda: torch.special.ndtri(torch.tensor([-1e-30, 0.0, 1.0])).numpy(),
              [nan, -inf, inf]),
    "HalfNormal": (
        lambda: distributions.HalfNormal(1.0, validate_args=False)
        .log_prob(torch.tensor([nan, -1.0])).numpy(), [-inf, -inf]),
    "HalfCauchy": (
        lambda: distributions.HalfCauchy(1.0, validate_args=False)
        .log_prob(torch.tensor([nan, -1.0])).numpy(), [-inf, -inf]),
    "multi_margin_loss of NaN": (lambda: multi(torch.tensor([[nan, 1.0, 2.0]])).numpy(), 0),
    "multi_margin_loss beside NaN": (
        lambda: multi(torch.tensor([[1.0, nan, 2.0]])).numpy(), 2 / 3),
    "its slope": (lambda: slope(multi, [[1.0, nan, 2.0]]), [[-1 / 3, 0, 1 / 3]]),
    "cdist's ties": (
        lambda: slope(lambda x: torch.cdist(x, torch.tensor([[2.0, 3.0, 3.5]]), p=inf),
                      [[1.0, 2.0, 3.0]]), [[-1, -1, 0]]),
    "a p-norm that overflows": (lambda: slope(lambda x: x.norm(3), [1e20, 1e20]), [nan, nan]),
    "an order beyond float32": (lambda: torch.tensor([1.0, 2.0, -3.0]).norm(1e40).numpy(), 1),
    "of small numbers": (lambda: torch.tensor([0.1, -0.3]).norm(1e40).numpy(), 1),
    "and below": (lambda: torch.tensor([0.1, -0.3]).norm(-1e40).numpy(), 1),
    "its slope, of an order beyond float32": (
        lambda: slope(lambda x: x.norm(1e40), [1.0, 2.0, -3.0]), [1, inf, -inf]),
    "the same in float64": (
        lambda: torch.tensor([1.0, 3.0], dtype=torch.float64).norm(1e40).numpy(), inf),
    "normalize, overflowing": (
        lambda: F.normalize(torch.tensor([[1e20, 2e20]]), p=3).numpy(), [[0, 0]]),
    "normalize's slope": (lambda: slope(lambda x: F.normalize(x, p=3), [[1e20, 2e20]]),
                          [[nan, nan]]),
    "pairwise_distance, overflowing": (
        lambda: slope(lambda x: F.pairwise_distance(x, torch.zeros(1, 2), p=3), [[1e20, 2e20]]),
        [[nan, nan]]),
    "pinv of the lower triangle": (
        lambda: torch.linalg.pinv(
            torch.tensor([[1.0, 2.0], [3.0, 5.0]], dtype=torch.float64), hermitian=True).numpy(),
        [[-1.25, 0.75], [0.75, -0.25]]),
    "its slope, where symmetric": (
        lambda: slope(lambda x: torch.linalg.pinv(x, hermitian=True) * torch.eye(2),
                      [[1.0, 2.0], [2.0, 5.0]], torch.float64), [[-29, 12], [12, -5]]),
    "std_mean over no dims": (  # in PyTorch infinite, though it is over all
        lambda: slope(lambda x: sum(torch.std_mean(x, dim=())), [1.0, 2.0, 4.0]),
        [-0.10310242, 0.22422442, 0.87887812]),
    "addcmul beside int8": (  # in PyTorch 0 and -128: the slope wraps in int8
        lambda: slope(lambda x: torch.addcmul(x, torch.tensor([-128, 3], dtype=torch.int8), x,
                                              value=-128), [300.0, 0.5], torch.float16),
        [16384, -383]),
    "assigned to 16 bits": (
        lambda: _assigned(torch.float16, [-1e9, 65519.0, 2]), [-inf, 65504, 2]),
    "assigned to bfloat16": (
        lambda: _assigned(torch.bfloat16, [1e40, -(2.0**127)]), [inf, -(2.0**127)]),
    "ContinuousBernoulli's variance": (  # PyTorch's are -1.6 and 0.0151
        lambda: distributions.ContinuousBernoulli(torch.tensor([0.499, 0.502])).variance.numpy(),
        [0.083333266, 0.083333066]),
    "ContinuousBernoulli's mean": (
        lambda: distributions.ContinuousBernoulli(torch.tensor([0.499, 0.45])).mean.numpy(),
        [0.49966667, 0.48328865]),
    "scatter_reduce's slope at NaN": (
        lambda: slope(lambda x: x.scatter_reduce(0, GOES_TO, x[:4], "amax"),
                      [1.0, 2.0, 3.0, nan, nan]), [0, 2, 1, nan, nan]),
    "nanmean's slope, a row of NaNs": (
        lambda: slope(lambda x: x.nanmean(1), [[1.0, nan, 3.0], [nan, nan, nan]]),
        [[0.5, 0, 0.5], [nan, nan, nan]]),
    "huber_loss twice": (
        lambda: second(lambda x: F.huber_loss(x, torch.zeros(2)), [nan, 0.5]), [0, 0.5]),
}  # fmt: skip


def test_values() -> None:
    with several() as case:
        for name, (found, expected) in VALUES.items():
            with case(name):
                np.testing.assert_allclose(found(), expected, rtol=2e-6)


REFUSED: dict[str, Callable[[Any], Any]] = {
    "threshold": lambda x: F.threshold(x, 1e40, 0.0),
    "threshold's value": lambda x: F.threshold(x, 0.0, 1e40),
    "celu": lambda x: F.celu(x, 1e40),
    "hardshrink": lambda x: F.hardshrink(x, -1e40),
    "rrelu": lambda x: F.rrelu(x, 0.0, 1e40),
    "histc": lambda x: torch.histc(x, 5, 0, 1e40),
    "uniform_": lambda x: x.uniform_(0, 1e40),
    "fill_": lambda x: x.half().fill_(1e40),
    "setitem": lambda x: x.__setitem__(0, 1e40),
    "multi_margin_loss": lambda x: F.multi_margin_loss(x[None], torch.tensor([0]), margin=1e40),
    "hinge_embedding_loss": lambda x: F.hinge_embedding_loss(x, x, margin=1e40),
}


def test_numbers_that_the_dtype_cannot_hold() -> None:
    with several() as case:
        for name, call in REFUSED.items():
            with case(name), pytest.raises(RuntimeError, match=r"without overflow|out of bounds"):
                call(torch.tensor([1.0, -1.0]))


def test_a_freed_graph_is_no_missing_one() -> None:
    x, w = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        torch.autograd.grad(y, x, allow_unused=True)
    assert torch.autograd.grad(y, w, allow_unused=True) == (None,)
    (product, _), = y.grad_fn.next_functions  # fmt: skip
    assert [node.variable is x for node, _ in product.next_functions] == [True, True]


def test_zeros_of_what_nothing_depends_on() -> None:
    x, y = torch.tensor([inf, nan], requires_grad=True), torch.ones(2, requires_grad=True)
    for recorded in (False, True):
        zeros, _ = torch.autograd.grad(
            y.sum(), [x, y], materialize_grads=True, create_graph=recorded
        )
        assert zeros.tolist() == [0, 0]
        assert zeros.requires_grad is recorded


def test_edges_stand_for_tensors() -> None:
    edge_of = torch.autograd.graph.get_gradient_edge
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    z = (y * y).sum()

    def grad(*args: Any) -> Any:
        return [g.tolist() for g in torch.autograd.grad(*args, retain_graph=True)]

    assert grad(z, edge_of(y)) == [[4, 4]]
    assert grad(z, [edge_of(x), y]) == [[8, 8], [4, 4]]
    assert grad([edge_of(z)], [x], [torch.tensor(2.0)]) == [[16, 16]]
    assert grad([edge_of(z)], [x]) == [[8, 8]]
    torch.autograd.backward(z, inputs=edge_of(y), retain_graph=True)
    assert (x.grad, y.grad) == (None, None)
    torch.autograd.backward([edge_of(z)], [torch.tensor(1.0)])
    assert x.grad is not None
    assert x.grad.tolist() == [8, 8]


def test_what_was_rolled_is_viewed_as_a_row() -> None:
    x = torch.arange(6.0).reshape(3, 2).T
    x.requires_grad_()
    for shift in (0, 1):
        y = x.roll(shift, 0).view(6)
        assert y.tolist() == ([0, 2, 4, 1, 3, 5] if not shift else [1, 3, 5, 0, 2, 4])
        y.sum().backward()


def test_pools_take_the_last_nan() -> None:
    values = torch.arange(64.0)
    values[1::3], values[:2] = nan, -1.0
    drawn = {"output_size": 2}
    pools: list[tuple[str, tuple[int, ...], dict[str, Any], list[int]]] = [
        ("adaptive_max_pool1d", (1, 7), {}, [3, 4]),
        ("adaptive_max_pool2d", (1, 3, 4), {}, [4, 7, 4, 10]),
        ("adaptive_max_pool3d", (1, 2, 3, 4), {}, [4, 7, 4, 10, 16, 19, 16, 22]),
        ("fractional_max_pool2d", (1, 4, 4), drawn, [4, 7, 13, 10]),
        ("fractional_max_pool3d", (1, 4, 4, 4), drawn, [16, 22, 28, 31, 52, 55, 61, 58]),
    ]
    with several() as case:
        for name, shape, options, expected in pools:
            with case(name):
                x = values[: math.prod(shape)].reshape(shape).clone().requires_grad_()
                if options:
                    dims = len(shape) - 1
                    options = {**options, "_random_samples": torch.full((1, 1, dims), 0.3)}
                y, places = getattr(F, name)(x, 2, **options, return_indices=True)
                np.testing.assert_array_equal(
                    y.detach().numpy().reshape(-1), values[places.flatten()].numpy()
                )
                assert places.flatten().tolist() == expected
                y.sum().backward()
                assert x.grad is not None
                assert x.grad.flatten().nonzero().flatten().tolist() == sorted({*expected})


def test_a_later_pass_adds_to_the_recorded_gradient() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    assert first is not None
    (x**2).sum().backward()
    assert x.grad is first
    assert first.requires_grad
    assert first.tolist() == [5, 16]
    first.sum().backward()  # 6 x
    assert x.grad is first
    assert first.tolist() == [11, 28]


def test_generators_are_of_devices() -> None:
    for place in ({"device": "foo"}, {"seed": "foo"}):
        with pytest.raises(RuntimeError, match=r"expected one of .*, but got 'foo'"):
            torch.Generator(**place)
