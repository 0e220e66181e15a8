"""What surveys beside PyTorch found outside of single operations: its values and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import distributions, nn
from tinygrad_lite.func import grad, vmap
from tinygrad_lite.nn import functional as F


def test_a_students_t_has_the_shape_of_all_its_parameters() -> None:
    dist = distributions.StudentT(2.7, 1.2, torch.ones(2, 1))
    assert dist.batch_shape == (2, 1)
    assert dist.sample((0,)).shape == (0, 2, 1)
    assert distributions.StudentT(2.7).batch_shape == ()


def test_what_a_transformed_distribution_excludes_has_a_cdf() -> None:
    dist = distributions.LogNormal(torch.tensor([0.6, 0.2]), torch.tensor([1.0, 2.0]))
    assert dist.cdf(torch.tensor([0.0])).tolist() == [0, 0]
    with pytest.raises(ValueError, match="within the support"):
        dist.cdf(torch.tensor([-1.0]))


def test_a_parameter_alone_is_itself() -> None:
    rate = torch.tensor([1.5], requires_grad=True)
    assert distributions.Exponential(rate).rate is rate
    assert torch.broadcast_tensors(rate, torch.ones(1))[0] is rate


def test_a_power_falls_or_rises() -> None:
    assert distributions.PowerTransform(torch.tensor([2.0, -1.0])).sign.tolist() == [1, -1]


@pytest.mark.parametrize("how", ["weight_hooks", "parametrizations"])
def test_a_vector_has_a_length_for_each_position(how: str) -> None:
    layer = nn.Linear(3, 4)
    before = layer.bias.detach().clone()
    function: Any = getattr(nn.utils, how).weight_norm
    function(layer, "bias")
    shapes = sorted(tuple(p.shape) for k, p in layer.named_parameters() if "bias" in k)
    assert shapes == [(4,), (4,)]
    layer(torch.ones(1, 3))  # which computes the weight again
    np.testing.assert_allclose(layer.bias.detach().numpy(), before.numpy(), rtol=1e-6)
    with pytest.raises(IndexError, match="out of range"):
        function(nn.Linear(3, 4), "weight", 5)


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1), (2, 1, 2)])
def test_the_inverse_error_function_near_and_beyond_one(shape: tuple[int, ...]) -> None:
    x = torch.tensor([-1.5, 0.999999, -1.0, 0.5]).reshape(shape)
    expected = [float("nan"), 3.4570746, -float("inf"), 0.47693628]
    np.testing.assert_allclose(x.erfinv().numpy(), np.reshape(expected, shape), rtol=3e-7)


def test_in_16_bits_counts_promote_nothing_and_a_nan_disturbs_no_neighbour() -> None:
    pytest.importorskip("ml_dtypes")
    x = torch.tensor([[float("nan"), 0.0, -2.5]]).bfloat16()
    edges = torch.tensor([-1.5, -1.25, 2.0]).bfloat16()
    assert torch.bucketize(x, edges, right=True).tolist() == [[3, 2, 0]]
    assert torch.cov(x, fweights=torch.tensor([1, 2, 3])).dtype == torch.bfloat16


def test_gains_of_linear_layers_are_whole() -> None:
    assert repr(nn.init.calculate_gain("linear")) == "1"


def test_vmap_asks_for_dims_that_are_there() -> None:
    with pytest.raises(ValueError, match="Got in_dim=1 for some input"):
        vmap(torch.add, (0, 1))(torch.ones(2, 2), torch.ones(2))
    x = torch.arange(3.0)
    with pytest.raises(ValueError, match="can not return a BatchedTensor when out_dim is None"):
        vmap(lambda t: t * 2, out_dims=None)(x)
    assert vmap(lambda t: torch.ones(2), out_dims=None)(x).tolist() == [1, 1]


def test_an_argument_is_differentiated_for_once() -> None:
    with pytest.raises(RuntimeError, match="argnums elements must be unique"):
        grad(lambda a, b: (a * b).sum(), (0, -2))(torch.ones(2), torch.ones(2))


def test_a_strict_jacobian_is_not_vectorized() -> None:
    with pytest.raises(RuntimeError, match="not supported together"):
        torch.autograd.functional.jacobian(
            lambda x: x * 2, torch.ones(2), strict=True, vectorize=True
        )


def test_a_vector_does_not_stand_left_of_a_matrix() -> None:
    with pytest.raises(RuntimeError, match="Incompatible shapes of A and B"):
        torch.linalg.solve(torch.eye(3), torch.ones(3), left=False)


def test_cholesky_reads_the_triangle_that_it_gives() -> None:
    a = torch.tensor([[4.0, 2.0], [99.0, 5.0]], requires_grad=True)
    upper = torch.linalg.cholesky(a, upper=True)
    assert upper.tolist() == [[2, 1], [0, 2]]
    upper.sum().backward()  # the gradient is that of a symmetric matrix
    assert a.grad is not None
    assert torch.equal(a.grad, a.grad.T)


def test_the_nearest_pixels_gradient_for_the_grid_is_zero() -> None:
    x = torch.ones(1, 1, 2, 2)
    grid = torch.tensor([[[[0.3, -2.0], [float("nan"), 1.0]]]], requires_grad=True)
    y = F.grid_sample(x, grid, mode="nearest", align_corners=False)
    y.nansum().backward()
    assert grid.grad is not None
    assert grid.grad.tolist() == [[[[0, 0], [0, 0]]]]


def test_places_that_are_no_numbers() -> None:
    x = torch.arange(1.0, 10).reshape(1, 1, 3, 3)
    grid = torch.tensor([[[[float("nan"), 0.0], [0.0, float("nan")], [float("inf"), 0.0]]]])
    expected: dict[tuple[str, str], list[float]] = {
        ("nearest", "zeros"): [0, 0, 0],
        ("nearest", "border"): [4, 2, 6],
        ("nearest", "reflection"): [4, 2, 4],
        ("bilinear", "border"): [4, 2, 6],
        ("bilinear", "reflection"): [4, 2, 4],
    }
    for mode in ("nearest", "bilinear", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            y = F.grid_sample(x, grid, mode, padding, align_corners=False)
            wanted = expected.get((mode, padding), [float("nan")] * 3)
            np.testing.assert_array_equal(y.numpy().ravel(), wanted)


def test_sizes_of_grids() -> None:
    theta = torch.ones(2, 2, 3)
    with pytest.raises(NotImplementedError, match="only supports 4D and 5D sizes"):
        F.affine_grid(theta, (2, 1, 3), False)
    with pytest.raises(RuntimeError, match="2 matrices for a batch of 3"):
        F.affine_grid(theta, (3, 1, 2, 2), False)
    with pytest.raises(ValueError, match="Expected a batch of affine matrices"):
        F.affine_grid(theta, (2, 1, 2, 2, 2), False)


def test_addcmul_and_addcdiv_scale_first() -> None:
    big, four, zero = torch.tensor([1e38]), torch.tensor([4.0]), torch.zeros(1)
    assert torch.addcmul(zero, big, four, value=0.5).item() == pytest.approx(2e38)
    assert torch.addcdiv(zero, big, 1 / four, value=0.5).item() == pytest.approx(2e38)


def test_addr_keeps_what_beta_leaves_out() -> None:
    x = torch.full((2,), float("nan"), requires_grad=True)
    y = torch.addr(x, torch.ones(1), torch.ones(2), beta=0)
    assert y.tolist() == [[1, 1]]
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 0]


def test_members_that_are_numbers_are_not_listed() -> None:
    net = torch.nn.Sequential(torch.nn.ReLU())
    assert "0" not in dir(net)
    assert {"forward", "training"} <= {*dir(net)}
