"""What meets distributions, schedules, hooks and checks: what PyTorch 2.13 gives, written out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.distributions import (
    Beta,
    Binomial,
    Chi2,
    ContinuousBernoulli,
    Dirichlet,
    Exponential,
    Gamma,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    Pareto,
    Poisson,
    Uniform,
    Wishart,
    kl_divergence,
)
from tinygrad_lite.optim import SGD, lr_scheduler, swa_utils

INF = math.inf


def test_small_concentrations_are_drawn_as_they_are() -> None:
    """In float32 both draws of the gamma distribution would be its smallest number."""
    torch.manual_seed(0)
    small = Beta(torch.tensor(0.01), torch.tensor(0.01)).sample([20000])
    assert small.dtype == torch.float32
    assert abs(float((small < 0.5).float().mean()) - 0.5) < 0.02
    assert float(((small > 1e-3) & (small < 1 - 1e-3)).float().mean()) < 0.1
    rows = Dirichlet(torch.full((3,), 0.01)).sample([6000])
    assert float((rows.mean(0) - 1 / 3).abs().max()) < 0.03


def _pair(first: float, second: float) -> torch.Tensor:
    return torch.tensor([first, second], dtype=torch.float64)


BETA = Beta(_pair(0.5, 2), _pair(2, 3))
PARETO = Pareto(_pair(0.5, 2), _pair(1, 3))
STEEP = Pareto(_pair(0.5, 2), _pair(2.5, 4))
HALF = ContinuousBernoulli(_pair(0.2, 0.8))
RISING = Normal(_pair(0.5, 2), _pair(1, 3))
INSIDE = Uniform(_pair(0, 0.2), _pair(1, 0.7))
BEYOND = Uniform(_pair(3, 6), _pair(4, 7))

DIVERGENCES: list[tuple[Any, Any, list[float]]] = [
    (BETA, HALF, [0.4282215, 0.4523669]),
    (BETA, PARETO, [INF, INF]),
    (HALF, Exponential(_pair(0.5, 2)), [0.9635687, 0.6072389]),
    (HALF, RISING, [1.0395723, 2.2052142]),
    (PARETO, Exponential(_pair(0.5, 2)), [INF, 4.3789846]),
    (STEEP, Gamma(_pair(0.5, 2), _pair(1, 3)), [1.4685626, 4.3027754]),
    (STEEP, RISING, [1.4617098, 1.5347721]),
    (PARETO, INSIDE, [INF, INF]),
    (BEYOND, PARETO, [3.1918283, 4.3052031]),
    (INSIDE, Beta(_pair(0.5, 2), _pair(2, 3)), [0.7876821, 0.3331023]),
    (INSIDE, Gamma(_pair(0.5, 2), _pair(1, 3)), [0.5723649, 0.7014924]),
    (Poisson(_pair(1, 2)), Binomial(3, _pair(0.2, 0.8)), [INF, INF]),
]


@pytest.mark.parametrize("case", DIVERGENCES)
def test_divergences(case: Any) -> None:
    found = kl_divergence(case[0], case[1]).tolist()
    assert found == pytest.approx(case[2], rel=1e-6)


def test_divergences_of_low_rank() -> None:
    w, d = torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 3.0])
    low = LowRankMultivariateNormal(torch.tensor([1.0, 0.0]), w, d)
    full = MultivariateNormal(torch.tensor([1.0, 0.0]), w @ w.mT + d.diag_embed())
    other = MultivariateNormal(torch.zeros(2), torch.eye(2))
    for p, q in ((low, low), (low, full), (full, low)):
        assert float(kl_divergence(p, q)) == pytest.approx(0, abs=1e-6)
    expected = float(kl_divergence(full, other))
    assert float(kl_divergence(low, other)) == pytest.approx(expected, rel=1e-5)
    expected = float(kl_divergence(other, full))
    assert float(kl_divergence(other, low)) == pytest.approx(expected, rel=1e-5)
    wide = MultivariateNormal(torch.zeros(3), torch.eye(3))
    with pytest.raises(ValueError, match="different event shapes"):
        kl_divergence(low, wide)


def test_numbers_as_values_and_degrees() -> None:
    assert Gamma(1.0, 1.0).log_prob(1).item() == -1  # type: ignore[arg-type]
    assert Chi2(1).log_prob(1).item() == pytest.approx(-1.4189385)  # type: ignore[arg-type]
    drawn = Wishart(torch.tensor(3), covariance_matrix=torch.tensor([[1.0]])).sample()
    assert drawn.shape == (1, 1)


def _cyclic(optimizer: Any, lr: Any, most: Any, low: Any, high: Any) -> Any:
    return lr_scheduler.CyclicLR(optimizer, lr, most, base_momentum=low, max_momentum=high)


def _once(optimizer: Any, lr: Any, most: Any, low: Any, high: Any) -> Any:
    words = {"total_steps": 5, "base_momentum": low, "max_momentum": high}
    return lr_scheduler.OneCycleLR(optimizer, most, **words)


def _averaged(optimizer: Any, lr: Any, most: Any, low: Any, high: Any) -> Any:
    return swa_utils.SWALR(optimizer, most)


@pytest.mark.parametrize(
    ("make", "rate"), [(_cyclic, 0.10005), (_once, 0.1900969297), (_averaged, 0.1024471745)]
)
def test_schedules_keep_their_numbers(make: Callable[..., Any], rate: float) -> None:
    given = [torch.tensor(v) for v in (0.1, 0.2, 0.8, 0.9)]
    optimizer = SGD([nn.Parameter(torch.ones(1))], lr=torch.tensor(0.1), momentum=0.9)
    schedule = make(optimizer, *given)
    for number in given:
        number.mul_(0.5)
    optimizer.step()
    schedule.step()
    assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(rate, rel=1e-5)


class Both(NamedTuple):
    """What a layer gives."""

    a: torch.Tensor
    b: torch.Tensor


class Two(nn.Module):
    """A layer of two results."""

    def forward(self, x: torch.Tensor) -> Both:
        """Twice and three times x."""
        return Both(2 * x, 3 * x)


def test_named_tuples_behind_hooks() -> None:
    layer, seen = Two(), []
    layer.register_full_backward_hook(lambda module, inputs, outputs: seen.append(len(outputs)))
    out = layer(torch.ones(2, requires_grad=True))
    assert type(out) is Both
    out.b.sum().backward()
    assert seen == [2]


def test_weight_norm_reads_its_former_states() -> None:
    old = nn.utils.weight_norm(nn.Linear(4, 5))
    new = nn.utils.parametrizations.weight_norm(nn.Linear(4, 5))
    new.load_state_dict(old.state_dict())
    assert torch.equal(old.weight, new.weight)
    again = nn.utils.parametrizations.weight_norm(nn.Linear(4, 5))
    again.load_state_dict(new.state_dict())
    assert torch.equal(old.weight, again.weight)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_unpooling_of_no_samples(dims: int) -> None:
    layer = (nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d)[dims - 1](2)
    shape = (0, 10, *(5,) * dims)
    made = layer(torch.empty(shape), torch.empty(shape, dtype=torch.int64))
    assert made.shape == (0, 10, *(10,) * dims)


def test_gradcheck_moves_the_tensor_itself() -> None:
    layer, x = nn.Linear(3, 2).double(), torch.ones(4, 3, dtype=torch.float64)
    before = layer.weight.detach().clone()
    assert torch.autograd.gradcheck(lambda weight: layer(x).sin(), (layer.weight,))
    assert torch.equal(layer.weight, before)
    assert layer.weight._version == 0
