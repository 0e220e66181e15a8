"""Divergences between distributions of two kinds are PyTorch's."""

from __future__ import annotations

import math
from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite import distributions as d

# With parameters of float64; those of the second kind where both are one kind.
P: dict[str, tuple[float, ...]] = {
    "Normal": (0.3, 1.2), "Exponential": (0.7,), "Gamma": (1.3, 0.6), "Gumbel": (0.2, 0.9),
    "Beta": (1.4, 0.8), "Laplace": (-0.4, 1.1), "Uniform": (0.1, 0.8), "Bernoulli": (0.3,),
    "Poisson": (1.7,), "HalfNormal": (1.6,), "Cauchy": (0.5, 0.7),
}  # fmt: skip
Q = P | {"Gumbel": (-0.3, 1.4), "HalfNormal": (0.9,), "Cauchy": (-1.0, 1.5)}
# What PyTorch 2.13 says.
RECORDED: dict[tuple[str, str], float] = {
    ("Normal", "Exponential"): math.inf,
    ("Normal", "Gamma"): math.inf,
    ("Normal", "Gumbel"): 0.581120437170906,
    ("Normal", "Beta"): math.inf,
    ("Normal", "Laplace"): 0.2016482935913696,
    ("Normal", "Uniform"): math.inf,
    ("Exponential", "Normal"): 0.8954496585315506,
    ("Exponential", "Gamma"): 0.12252863088089239,
    ("Exponential", "Gumbel"): 0.3857278241767079,
    ("Exponential", "Beta"): math.inf,
    ("Exponential", "Uniform"): math.inf,
    ("Gamma", "Normal"): 1.8115865769816921,
    ("Gamma", "Exponential"): 0.11993352968722881,
    ("Gamma", "Gumbel"): 0.6461918300760964,
    ("Gamma", "Beta"): math.inf,
    ("Gamma", "Uniform"): math.inf,
    ("Gumbel", "Normal"): 0.15314518129278154,
    ("Gumbel", "Exponential"): math.inf,
    ("Gumbel", "Gamma"): math.inf,
    ("Gumbel", "Gumbel"): 0.22187163680053468,
    ("Gumbel", "Beta"): math.inf,
    ("Gumbel", "Uniform"): math.inf,
    ("Beta", "Normal"): 1.2897439401146917,
    ("Beta", "Exponential"): 0.9262194001154027,
    ("Beta", "Gamma"): 1.2435099883261123,
    ("Beta", "Uniform"): math.inf,
    ("Laplace", "Normal"): 0.3232193963010239,
    ("Laplace", "Exponential"): math.inf,
    ("Laplace", "Gamma"): math.inf,
    ("Laplace", "Beta"): math.inf,
    ("Laplace", "Uniform"): math.inf,
    ("Uniform", "Normal"): 1.4799257746781003,
    ("Uniform", "Exponential"): 1.0283498878774648,
    ("Uniform", "Gamma"): 1.4603975875060726,
    ("Uniform", "Gumbel"): 1.3057947128277472,
    ("Uniform", "Beta"): 0.5274816076323319,
    ("Bernoulli", "Poisson"): 0.9299472226264552,
    ("Poisson", "Bernoulli"): math.inf,
    ("HalfNormal", "HalfNormal"): 0.5048827686766851,
    ("Cauchy", "Cauchy"): 0.5236008152547138,
}


def divergence(module: Any, p: str, q: str) -> float:
    """KL(p ‖ q) as either library has it."""
    made = [
        getattr(module.distributions, name)(
            *[module.tensor(x, dtype=module.float64) for x in (Q if own else P)[name]]
        )
        for name, own in ((p, False), (q, p == q))
    ]
    return float(module.distributions.kl_divergence(*made))


@pytest.mark.parametrize(("p", "q"), RECORDED)
def test_as_recorded(p: str, q: str) -> None:
    assert divergence(tg, p, q) == pytest.approx(RECORDED[p, q], rel=1e-9)


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.5), (0.2, 1.5)])
def test_a_uniform_beside_what_excludes_part_of_it(low: float, high: float) -> None:
    p = d.Uniform(low, high)
    assert math.isinf(d.kl_divergence(p, d.Beta(2.0, 3.0)).item())
    for q in (d.Exponential(1.0), d.Gamma(2.0, 1.0)):
        assert math.isinf(d.kl_divergence(p, q).item()) == (low < 0)
    assert math.isinf(d.kl_divergence(d.Beta(2.0, 3.0), p).item())
