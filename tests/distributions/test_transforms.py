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
    if registry is d.biject_to and shape == (3, 3):  # what lies above the diagonal is not read
        with pytest.raises(NotImplementedError, match="Cannot transform"):
            registry(constraint)
        return
    transform = registry(constraint)
    y = transform(x)
    assert bool(constraint.check(y).all())
    if registry is d.biject_to:
        back = transform.inv(y)
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


def test_caches_equality_and_signs() -> None:
    """As PyTorch has them: its values, but for the classes' names."""
    exp = d.ExpTransform()
    assert exp == d.ExpTransform()
    assert exp != d.TanhTransform()
    assert exp.inv.inv is exp
    assert exp.inv == d.ExpTransform().inv
    assert d.AffineTransform(1.0, tg.tensor(2.0)) == d.AffineTransform(1.0, 2.0)
    assert d.AffineTransform(1.0, 2.0) != d.AffineTransform(1.0, 3.0)
    assert d.PowerTransform(2.0) == d.PowerTransform(tg.tensor(2.0))
    both = d.ComposeTransform([exp, d.AffineTransform(0.0, -2.0)])
    assert (both.sign, both.bijective, d.AbsTransform().bijective) == (-1, True, False)
    assert repr(both) == "ComposeTransform(\n    ExpTransform(),\n    AffineTransform()\n)"
    with pytest.raises(NotImplementedError):
        _ = d.AbsTransform().sign
    x = tg.tensor([100.0])  # of which tanh is 1
    for kept in (
        d.TanhTransform().with_cache(),
        d.ComposeTransform([d.TanhTransform(), exp]).with_cache(),
        d.IndependentTransform(d.TanhTransform(), 1).with_cache(),
    ):
        y = kept(x)
        assert kept.inv(y) is x
        assert kept(x) is y
        assert kept.with_cache(1) is kept
    assert d.SigmoidTransform().inv(tg.tensor(0.0)).item() == pytest.approx(-87.33655)
    assert d.StickBreakingTransform().inv(tg.tensor([1.0, 0.0])).item() == pytest.approx(87.33655)


def test_shapes_that_transforms_refuse() -> None:
    for refused in (
        lambda: d.SoftmaxTransform().forward_shape(()),
        lambda: d.StickBreakingTransform().inverse_shape(()),
        lambda: d.CorrCholeskyTransform().forward_shape(()),
        lambda: d.CorrCholeskyTransform().inverse_shape((2, 3)),
        lambda: d.IndependentTransform(d.ExpTransform(), 2)(tg.ones(3)),
    ):
        with pytest.raises(ValueError, match=r"Too few|not square"):
            refused()
    shaped = d.ComposeTransform([d.LowerCholeskyTransform(), d.AbsTransform()])
    assert (shaped.domain.event_dim, shaped.codomain.event_dim) == (2, 2)
    large = tg.tensor([[1e4, 1e3], [1e3 + 1e-3, 1e4]])
    assert bool(d.constraints.symmetric.check(large))  # to five digits
    assert bool(d.constraints.positive_definite.check(large))
    assert not bool(d.constraints.square.check(tg.zeros(0, 3)))
    assert d.constraints.square.check(tg.zeros(2, 0, 0)).tolist() == [True, True]


def test_all_of_them_are_listed() -> None:
    """Programs that add their own take this list for what there was before."""
    module = d.transforms
    kinds = {k for k, v in vars(module).items() if isinstance(v, type) and not k.startswith("_")}
    assert {*module.__all__} == kinds | {"identity_transform"}
