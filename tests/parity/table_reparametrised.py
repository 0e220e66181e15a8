"""Rows of `rsample`'s gradients: ours beside what PyTorch's functions say of the same sample.

Of a sample x of one dimension dx/dθ = −(dF/dθ) / p at x, F its distribution function and p its
density. Of the gamma distribution PyTorch has the derivative as a function of the sample. Of a
Dirichlet distribution's several are right, and the two libraries have different ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES
from .draw import Draw
from .draw_distributions import KINDS, WAYS
from .draw_layers import pick, seed
from .experiment import Experiment, Steps
from .row import Row

BY_FUNCTION = """Normal LogNormal Laplace Gumbel Cauchy HalfNormal HalfCauchy Uniform Exponential
Pareto Weibull Kumaraswamy ContinuousBernoulli GeneralizedPareto""".split()
OTHERS = ("Gamma", "MultivariateNormal", "RelaxedBernoulli")


def _exactly(torch: Any, name: str, p: dict[str, Any], x: Any) -> Any:
    """What has the gradients of Σ x by the parameters: x itself, by way of its noise, or more."""
    d = torch.distributions
    if name == "Gamma":
        scaled = (x * p["rate"]).detach()
        slope = torch._standard_gamma_grad(p["concentration"].detach().expand(x.shape), scaled)
        return (slope * p["concentration"] / p["rate"].detach() + scaled / p["rate"]).sum()
    if name == "MultivariateNormal":
        low = p["scale_tril"].tril()
        noise = torch.linalg.solve_triangular(low, (x - p["loc"]).unsqueeze(-1), upper=False)
        return (p["loc"].expand(x.shape).unsqueeze(-1) + low @ noise.detach()).sum()
    if name == "RelaxedBernoulli":
        noise = (x.logit() * p["temperature"] - p["logits"]).detach()
        return ((p["logits"] + noise) / p["temperature"]).sigmoid().sum()
    made = getattr(d, name)(**p, validate_args=False)
    return -(made.cdf(x) / made.log_prob(x).exp().detach()).sum()


@st.composite
def reparametrised(draw: Draw, name: str) -> Experiment:
    """One sample of ours, in float64, and its gradients by every parameter."""
    way: dict[str, Any] = WAYS[name][0][0]
    way = {"temperature": "positive", "logits": "real"} if name == "RelaxedBernoulli" else way
    way = {"loc": "vector", "scale_tril": "lower"} if name == "MultivariateNormal" else way
    shape, lead, number = pick(draw, (), (3,), (2, 3)), pick(draw, (), (2,)), seed(draw)
    rng = np.random.default_rng(number)
    arrays = {k: np.asarray(KINDS[kind](rng, shape), "float64") for k, kind in way.items()}

    def run(library: str) -> Steps:
        ours, torch = LIBRARIES["ours"], LIBRARIES["torch"]
        ours.manual_seed(number)
        mine = {k: ours.from_numpy(a.copy()).requires_grad_() for k, a in arrays.items()}
        x = getattr(ours.distributions, name)(**mine).rsample(lead)
        if library == "ours":
            parameters, total = mine, x.sum()
        else:
            dtype = torch.float32 if name == "GeneralizedPareto" else torch.float64  # as it must be
            parameters = {
                k: torch.from_numpy(a.copy()).to(dtype).requires_grad_() for k, a in arrays.items()
            }
            sample = torch.from_numpy(x.detach().numpy().copy()).to(dtype)
            total = _exactly(torch, name, parameters, sample)
        grad = LIBRARIES[library].autograd.grad
        for k, found in zip(parameters, grad(total, [*parameters.values()]), strict=True):
            yield f"gradient of {k}", found.tril() if k == "scale_tril" else found.float()

    text = f"{name}({arrays}).rsample({lead}), seed {number}"
    return Experiment(f"distributions.{name}", text, run)


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        Row(f"distributions.{name}", reparametrised(name), f"distributions.{name}.rsample")
        for name in (*BY_FUNCTION, *OTHERS)
    ]
