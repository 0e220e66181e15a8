"""Reports about what stands around a training loop; the values are PyTorch's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import distributions, nn, optim
from tinygrad_lite.nn import functional as F
from tinygrad_lite.utils import data


def test_a_schedule_of_ones_own_sees_who_asks_for_rates() -> None:
    asked: list[bool] = []

    class Own(optim.lr_scheduler.LRScheduler):
        def get_lr(self) -> list[float]:
            asked.append(self._get_lr_called_within_step)
            if self.last_epoch == 2:
                raise ValueError("the end")
            return [group["lr"] / 2 for group in self.optimizer.param_groups]

    optimizer = optim.SGD([nn.Parameter(tg.ones(1))], lr=1.0)
    schedule = Own(optimizer)
    optimizer.step()
    schedule.step()
    schedule.get_lr()
    with pytest.raises(ValueError, match="the end"):
        schedule.step()
    assert asked == [True, True, False, True]
    assert not schedule._get_lr_called_within_step
    assert "_get_lr_called_within_step" not in schedule.state_dict()


def test_complex_numbers_make_batches() -> None:
    found = data.default_collate([np.complex64(1j), np.complex64(2)])
    assert found.dtype == tg.complex64
    assert found.tolist() == [1j, 2]
    found = data.default_collate([np.array([1j, 1]), np.array([0, 2j])])
    assert found.dtype == tg.complex128
    assert found.shape == (2, 2)
    assert data.default_convert(np.complex64(1j)).dtype == tg.complex64


@pytest.mark.parametrize("width", [1, 2])
def test_an_image_of_one_column_shrinks_as_any_other(width: int, device: str) -> None:
    # PyTorch 2.13 repeats the first row where there is one column.
    column = tg.eye(4, device=device).reshape(1, 4, 4, 1).repeat(1, 1, 1, width)
    found: Any = F.interpolate(column, scale_factor=(0.6, 1.0), mode="bilinear", antialias=True)
    wanted = [[4 / 7, 3 / 7, 0, 0], [0, 2 / 9, 5 / 9, 2 / 9]]
    np.testing.assert_allclose(found[0, :, :, 0].T.cpu().numpy(), wanted, rtol=1e-6, atol=1e-7)


P, Q = (np.sin(np.arange(30 * 5) * k).reshape(30, 5).astype("float32") for k in (1.7, 2.3))
A = (np.eye(4) * 3 + np.sin(np.arange(16.0) * 1.7).reshape(4, 4)).astype("float32")


@pytest.mark.parametrize(
    "call",
    [
        lambda p, q, a: tg.cdist(p, q),
        lambda p, q, a: tg.dot(p[0], q[0]),
        lambda p, q, a: tg.vdot(p[0], q[0]),
        lambda p, q, a: tg.inner(p[0], q[0]),
        lambda p, q, a: F.bilinear(p, q, p.new_ones(2, 5, 5)),
        lambda p, q, a: tg.matrix_exp(a * 0.1),
        lambda p, q, a: tg.linalg.lstsq(a, a[:, :2] * 3 + 1).solution,
        lambda p, q, a: tg.lu_solve(a[:, :2], *tg.linalg.lu_factor(a)),
        lambda p, q, a: tg.linalg.householder_product(a[:, :3], a[0, :3]),
        lambda p, q, a: tg.dot(p[0], q[0].bfloat16().float()) - tg.dot(p[0], q[0].bfloat16()),
    ],
)
def test_what_autocast_does_not_cast_keeps_its_digits(call: Any, device: str) -> None:
    # PyTorch has no product there; here there are some inside, which are not to be in 16 bits.
    given = [tg.tensor(x, device=device) for x in (P, Q, A)]
    try:
        wanted = call(*given)
    except RuntimeError:  # of two dtypes, which autocast promotes
        wanted = tg.zeros((), device=device)
    with tg.autocast(device, dtype=tg.bfloat16):
        found = call(*given)
        still = given[2] @ given[2]
    assert found.dtype == tg.float32
    assert still.dtype == tg.bfloat16
    np.testing.assert_allclose(found.cpu().numpy(), wanted.cpu().numpy(), rtol=1e-6, atol=1e-6)


def test_distances_of_16_bits_are_float32_in_autocast(device: str) -> None:
    p, q = (tg.tensor(x, device=device).bfloat16() for x in (P, Q))
    with tg.autocast(device, dtype=tg.bfloat16):
        found = tg.cdist(p, q)
    assert found.dtype == tg.float32
    wanted = tg.cdist(p.float(), q.float())
    np.testing.assert_allclose(found.cpu().numpy(), wanted.cpu().numpy(), rtol=1e-6)


def test_prelu_is_calculated_in_autocasts_dtype(device: str) -> None:
    x = tg.tensor([-1.0, 3.01], device=device)
    with tg.autocast(device, dtype=tg.bfloat16):
        found = nn.PReLU().to(device)(x)
    assert found.dtype == tg.bfloat16
    assert found.float().tolist() == [-0.25, 3.015625]


def test_where_a_kumaraswamy_ends() -> None:
    dist = distributions.Kumaraswamy(tg.tensor(2.0), tg.tensor(3.0))
    ends = tg.tensor([0.0, 0.999, 1.0])
    np.testing.assert_allclose(dist.cdf(ends), [0.0, 1.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(dist.icdf(tg.tensor([0.0, 1.0])), [0.0, 1.0])
    np.testing.assert_allclose(dist.log_prob(tg.tensor(0.999)).item(), -10.639496, rtol=1e-4)


def test_a_gammas_density_at_a_number() -> None:
    assert distributions.Gamma(1.5, 2.0).log_prob(1).item() == pytest.approx(-0.839497)
    assert distributions.Chi2(3.0).log_prob(0.5).item() == pytest.approx(-1.515512)


B, C, E, G, N, R, U = (
    distributions.Beta(1.1, 1.3),
    distributions.ContinuousBernoulli(tg.tensor(0.3)),
    distributions.Exponential(2.0),
    distributions.Gamma(1.5, 2.0),
    distributions.Normal(0.0, 1.0),
    distributions.Pareto(0.5, 2.5),
    distributions.Uniform(0.1, 0.8),
)
LOW = distributions.LowRankMultivariateNormal(
    tg.tensor([0.1, 0.2]), tg.tensor([[1.0], [0.5]]), tg.tensor([0.6, 0.7])
)
FULL = distributions.MultivariateNormal(tg.tensor([0.3, -0.1]), tg.tensor([[2.0, 0.3], [0.3, 1.0]]))


@pytest.mark.parametrize(
    ("p", "q", "wanted"),
    [
        (B, C, 0.015045524),
        (C, E, 0.196684),
        (C, N, 1.0810831),
        (R, E, 1.1829574),
        (R, N, 1.7533762),
        (R, G, 0.8621751),
        (U, C, 0.34404624),
        (R, distributions.Chi2(3.0), 1.6916168),
        (distributions.Uniform(0.6, 0.8), R, 1.1656748),
        (LOW, LOW, 0.0),
        (LOW, FULL, 0.10875535),
        (FULL, LOW, 0.15107465),
        # PyTorch says that [0, 1] does not cover itself.
        (C, distributions.Uniform(0.0, 1.0), 0.029386282),
        *((p, q, math.inf) for p in (B, C, E, G, N, U) for q in (R,)),
        *((p, q, math.inf) for p in (R,) for q in (B, C, U)),
        *((p, C, math.inf) for p in (E, G, N)),
        (distributions.Poisson(2.0), distributions.Binomial(3, tg.tensor(0.2)), math.inf),
    ],
)
def test_divergences(p: Any, q: Any, wanted: float) -> None:
    found = distributions.kl_divergence(p, q).item()
    assert found == pytest.approx(wanted, rel=2e-4, abs=1e-6)


def test_divergences_of_batches_of_vectors() -> None:
    many = distributions.LowRankMultivariateNormal(
        tg.zeros(3, 2), tg.ones(2, 1), tg.full((3, 2), 0.5)
    )
    same = distributions.MultivariateNormal(tg.zeros(2), many.covariance_matrix[0])
    found = distributions.kl_divergence(many, FULL)
    np.testing.assert_allclose(found, [distributions.kl_divergence(same, FULL).item()] * 3, 1e-5)
    other = distributions.MultivariateNormal(tg.zeros(3), tg.eye(3))
    with pytest.raises(ValueError, match="different event shapes"):
        distributions.kl_divergence(LOW, other)


def test_celu_of_a_negative_alpha(device: str) -> None:
    x = tg.tensor([-1.0, 0.0, 2.0], device=device, requires_grad=True)
    y = F.celu(x, -1.0)
    y.sum().backward()
    np.testing.assert_allclose(y.detach().cpu().numpy(), [1 - math.e, 0.0, 2.0], rtol=1e-6)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.cpu().numpy(), [math.e, 1.0, 1.0], rtol=1e-6)


def test_a_parameter_of_one_number_prints_as_a_parameter() -> None:
    scale = nn.Parameter(tg.tensor(1.5))
    assert f"{scale}" == "Parameter containing:\ntensor(1.5000, requires_grad=True)"
    assert f"{scale.data}" == "1.5"
    assert f"{scale:.2f}" == "1.50"


def test_twenty_parts_of_a_twentieth_are_a_whole() -> None:
    # PyTorch finds that they sum to more than 1.
    assert [len(part) for part in data.random_split(range(40), [0.05] * 20)] == [2] * 20
    with pytest.warns(UserWarning, match="split at index 1 is 0"):
        parts = data.random_split(range(3), [0.9, 0.1])
    assert [len(part) for part in parts] == [3, 0]


def test_parameters_that_were_read_already_are_not_clipped() -> None:
    layer = nn.Linear(2, 1)
    layer(tg.ones(1, 2)).sum().backward()
    weights = (p for p in layer.parameters())
    assert nn.utils.clip_grad_norm_(weights, 1.0).item() == pytest.approx(math.sqrt(3))
    with pytest.warns(UserWarning, match="empty generator"):
        nn.utils.clip_grad_norm_(weights, 1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda w: w + 1,
        lambda w: 2 * w,
        lambda w: w**2,
        lambda w: w.pow(2).sum(),
        lambda w: w.view(-1),
        lambda w: w @ w,
        lambda w: w[0],
        lambda w: nn.utils.parameters_to_vector([w]),
    ],
)
def test_nothing_is_calculated_of_a_weight_without_a_shape(call: Any) -> None:
    with pytest.raises(ValueError, match="uninitialized parameter"):
        call(nn.LazyLinear(2).weight)


def test_the_state_of_adagrad_is_shared() -> None:
    layer = nn.Linear(2, 1)
    optimizer = optim.Adagrad(layer.parameters(), initial_accumulator_value=0.5)
    optimizer.share_memory()
    layer(tg.ones(1, 2)).sum().backward()
    optimizer.step()
    state = optimizer.state[layer.weight]
    assert state["sum"].tolist() == [[1.5, 1.5]]
    assert [state[name].is_shared() for name in ("step", "sum")] == [True, True]
