"""Transforms of vectors go to where they say and back, and to where constraints hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import distributions as d
from tinygrad_lite.autograd.functional import jacobian

X = tg.tensor(np.random.default_rng(0).normal(size=6))
TRANSFORMS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "stick": (d.StickBreakingTransform(), (6,)),
    "correlation": (d.CorrCholeskyTransform(), (6,)),
    "reshape": (d.ReshapeTransform((6,), (2, 3)), (6,)),
    "softplus": (d.IndependentTransform(d.SoftplusTransform(), 1), (6,)),
    "uniform": (
        d.IndependentTransform(d.CumulativeDistributionTransform(d.Normal(0.0, 1.0)), 1),
        (6,),
    ),
    "cat": (d.CatTransform([d.ExpTransform(), d.AffineTransform(1.0, 2.0)], 0, [2, 4]), (6,)),
    "stack": (d.StackTransform([d.ExpTransform(), d.TanhTransform()], -1), (3, 2)),
    "together": (d.ComposeTransform([d.ReshapeTransform((6,), (2, 3)), d.ExpTransform()]), (6,)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_there_and_back(name: str) -> None:
    transform, shape = TRANSFORMS[name]
    x = X.reshape(shape)
    y = transform(x)
    assert tuple(y.shape) == transform.forward_shape(tuple(x.shape))
    assert tuple(x.shape) == transform.inverse_shape(tuple(y.shape))
    assert bool(transform.codomain.check(y).all())
    np.testing.assert_allclose(transform.inv(y).numpy(), x.numpy(), atol=1e-9)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_logarithm_of_the_volume(name: str) -> None:
    """By the Jacobian of as many outputs as there are inputs: the free ones."""
    transform, shape = TRANSFORMS[name]

    def free(x: Any) -> Any:
        y = transform(x)
        if name == "stick":
            return y[..., :-1]
        if name == "correlation":
            return tg.stack([y[i, j] for i in range(4) for j in range(i)])
        return y.reshape(-1)

    x = X.reshape(shape)
    matrix = jacobian(free, x).reshape(-1, x.numel())
    expected = tg.linalg.slogdet(matrix).logabsdet
    found = transform.log_abs_det_jacobian(x, transform(x)).sum()
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-9)


@pytest.mark.parametrize(
    ("constraint", "shape"),
    [
        (d.constraints.real, (3,)),
        (d.constraints.positive, (3,)),
        (d.constraints.greater_than(2.0), (3,)),
        (d.constraints.less_than(-1.0), (3,)),
        (d.constraints.unit_interval, (3,)),
        (d.constraints.interval(-2.0, 5.0), (3,)),
        (d.constraints.half_open_interval(0.0, 3.0), (3,)),
        (d.constraints.simplex, (3,)),
        (d.constraints.cat([d.constraints.positive, d.constraints.real], -1, [2, 1]), (3,)),
        (d.constraints.stack([d.constraints.positive, d.constraints.unit_interval], 0), (2, 3)),
        (d.constraints.lower_cholesky, (3, 3)),
        (d.constraints.positive_definite, (3, 3)),
        (d.constraints.corr_cholesky, (3,)),
        (d.constraints.real_vector, (3,)),
        (d.constraints.independent(d.constraints.positive, 1), (3,)),
    ],
)
@pytest.mark.parametrize("registry", [d.biject_to, d.transform_to])
def test_constraints_are_reached(registry: Any, constraint: Any, shape: tuple[int, ...]) -> None:
    x = tg.tensor(np.random.default_rng(1).normal(size=shape))
    transform = registry(constraint)
    y = transform(x)
    assert bool(constraint.check(y).all())
    if registry is d.biject_to:
        back = transform.inv(y)
        if len(shape) == 2:
            x, back = x.tril(), back.tril()
        np.testing.assert_allclose(back.numpy(), x.numpy(), atol=1e-9)


def test_what_no_transform_is_known_for() -> None:
    with pytest.raises(NotImplementedError, match="Cannot transform"):
        d.biject_to(d.constraints.boolean)
    with pytest.raises(TypeError, match="Expected constraint to be either a Constraint"):
        d.biject_to.register(3, d.ExpTransform)
    with pytest.raises(ValueError, match="different numbers of elements"):
        d.ReshapeTransform((2,), (3,))
    with pytest.raises(ValueError, match="Shape mismatch"):
        d.ReshapeTransform((2,), (1, 2))(tg.zeros(3))
    with pytest.raises(ValueError, match="not a flattened lower-diagonal"):
        d.CorrCholeskyTransform()(tg.zeros(4))


def test_a_parameter_of_a_transform_broadcasts() -> None:
    scale = tg.tensor([1.0, 2.0, 4.0])
    dist = d.TransformedDistribution(d.Normal(0.0, 1.0), d.AffineTransform(0.0, scale))
    assert dist.batch_shape == dist.base_dist.batch_shape == (3,)
    assert dist.sample((2,)).shape == (2, 3)
    assert dist.expand((4, 3)).rsample().shape == (4, 3)
    assert dist.log_prob(tg.zeros(3)).shape == (3,)
