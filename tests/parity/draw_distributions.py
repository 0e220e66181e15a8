"""What the rows of distributions draw: parameters and values of each kind, ways to give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Given
from .draw import Draw, Shape
from .draw_layers import pick, seed
from .experiment import Steps

SHAPES: tuple[Shape, ...] = ((), (1,), (3,), (2, 3), (2, 1))

# Elements of each kind of parameter or value.
KINDS: dict[str, Callable[[np.random.Generator, Shape], Any]] = {
    "real": lambda r, s: r.uniform(-3, 3, s),
    "positive": lambda r, s: r.uniform(0.2, 4, s),
    "large": lambda r, s: r.uniform(3, 9, s),
    "unit": lambda r, s: r.uniform(0.02, 0.98, s),
    "edges": lambda r, s: r.choice([0.0, 1.0, 0.5], s),
    "count": lambda r, s: r.integers(0, 6, s).astype(float),
    "bit": lambda r, s: r.integers(0, 2, s).astype(float),
    "class": lambda r, s: r.integers(0, 3, s).astype(float),
    "simplex": lambda r, s: r.dirichlet([1.0, 2.0, 3.0], s),
    "weights": lambda r, s: r.uniform(0.1, 4, (*s, 3)),
    "scores": lambda r, s: r.uniform(-3, 3, (*s, 3)),
    "vector": lambda r, s: r.uniform(-3, 3, (*s, 3)),
    "one-hot": lambda r, s: np.eye(3)[r.integers(0, 3, s)],
    "spread": lambda r, s: _definite(r, s),
    "lower": lambda r, s: np.linalg.cholesky(_definite(r, s)),
    "wrong": lambda r, s: r.choice([-1.5, 0.0, 7.25, np.inf, np.nan], s),
}


def _definite(rng: np.random.Generator, shape: Shape) -> Any:
    a = rng.uniform(-1, 1, (*shape, 3, 3))
    return a @ np.swapaxes(a, -1, -2) + np.eye(3)


def _correlated(rng: np.random.Generator, shape: Shape) -> Any:
    """Lower triangular, with rows of length 1."""
    low = np.linalg.cholesky(_definite(rng, shape))
    return low / np.linalg.norm(low, axis=-1, keepdims=True)


def _counted(rng: np.random.Generator, shape: Shape) -> Any:
    """Of 4 draws how many fell into each of three classes; some vectors are one short."""
    counts = rng.multinomial(4, [0.2, 0.3, 0.5], shape).astype(float)
    return counts - (rng.random((*shape, 1)) < 0.1) * (counts == counts.max(-1, keepdims=True))


KINDS |= {
    "large count": lambda r, s: r.integers(6, 9, s).astype(float),
    "shape": lambda r, s: r.choice([-0.8, -0.3, 0.0, 0.2, 0.7, 1.5], s),
    "degrees": lambda r, s: r.uniform(2.2, 9, s),
    "heat": lambda r, s: r.uniform(0.3, 3),
    "columns": lambda r, s: r.uniform(-1, 1, (*s, 3, 2)),
    "four simplex": lambda r, s: r.dirichlet([1.0, 2.0, 3.0, 1.0], s),
    "correlated": _correlated,
    "counts": _counted,
}

# Of each distribution the ways to give its parameters, and the kind of its values.
WAYS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "Normal": ([{"loc": "real", "scale": "positive"}], "real"),
    "LogNormal": ([{"loc": "real", "scale": "positive"}], "positive"),
    "Laplace": ([{"loc": "real", "scale": "positive"}], "real"),
    "Gumbel": ([{"loc": "real", "scale": "positive"}], "real"),
    "Cauchy": ([{"loc": "real", "scale": "positive"}], "real"),
    "HalfNormal": ([{"scale": "positive"}], "positive"),
    "HalfCauchy": ([{"scale": "positive"}], "positive"),
    "Uniform": ([{"low": "real", "high": "large"}], "positive"),
    "Exponential": ([{"rate": "positive"}], "positive"),
    "Gamma": ([{"concentration": "positive", "rate": "positive"}], "positive"),
    "Chi2": ([{"df": "positive"}], "positive"),
    "Beta": ([{"concentration1": "positive", "concentration0": "positive"}], "unit"),
    "Dirichlet": ([{"concentration": "weights"}], "simplex"),
    "StudentT": ([{"df": "large"}, {"df": "positive", "loc": "real", "scale": "positive"}], "real"),
    "Bernoulli": ([{"probs": "unit"}, {"logits": "real"}, {"probs": "edges"}], "bit"),
    "Geometric": ([{"probs": "unit"}, {"logits": "real"}], "count"),
    "Poisson": ([{"rate": "positive"}], "count"),
    "Categorical": ([{"probs": "weights"}, {"logits": "scores"}], "class"),
    "OneHotCategorical": ([{"probs": "weights"}, {"logits": "scores"}], "one-hot"),
    "MultivariateNormal": (
        [
            {"loc": "vector", "covariance_matrix": "spread"},
            {"loc": "vector", "scale_tril": "lower"},
            {"loc": "vector", "precision_matrix": "spread"},
        ],
        "vector",
    ),
    "Pareto": ([{"scale": "positive", "alpha": "positive"}], "large"),
    "Weibull": ([{"scale": "positive", "concentration": "positive"}], "positive"),
    "Kumaraswamy": ([{"concentration1": "positive", "concentration0": "positive"}], "unit"),
    "FisherSnedecor": ([{"df1": "positive", "df2": "positive"}], "positive"),
    "InverseGamma": ([{"concentration": "positive", "rate": "positive"}], "positive"),
    "VonMises": ([{"loc": "real", "concentration": "positive"}], "real"),
    "NegativeBinomial": (
        [{"total_count": "count", "probs": "unit"}, {"total_count": "count", "logits": "real"}],
        "count",
    ),
    "Binomial": (
        [
            {"total_count": "large count", "probs": "unit"},
            {"total_count": "large count", "logits": "real"},
        ],
        "count",
    ),
    "ContinuousBernoulli": ([{"probs": "unit"}, {"logits": "real"}], "unit"),
    "GeneralizedPareto": (
        [{"loc": "real", "scale": "positive", "concentration": "shape"}],
        "large",
    ),
    "OneHotCategoricalStraightThrough": ([{"probs": "weights"}, {"logits": "scores"}], "one-hot"),
    "RelaxedBernoulli": (
        [
            {"temperature": "heat", "probs": "unit"},
            {"temperature": "heat", "logits": "real"},
        ],
        "unit",
    ),
    "RelaxedOneHotCategorical": (
        [{"temperature": "heat", "probs": "weights"}, {"temperature": "heat", "logits": "scores"}],
        "simplex",
    ),
    "Multinomial": (
        [
            {"total_count": 4, "probs": "weights"},
            {"total_count": 4, "logits": "scores"},
            {"total_count": 0, "probs": "weights"},
            {"total_count": 2.5, "probs": "weights"},
        ],
        "counts",
    ),
    "LogisticNormal": ([{"loc": "vector", "scale": "weights"}], "four simplex"),
    "LowRankMultivariateNormal": (
        [{"loc": "vector", "cov_factor": "columns", "cov_diag": "weights"}],
        "vector",
    ),
    "Wishart": (
        [
            {"df": "degrees", "covariance_matrix": "spread"},
            {"df": "degrees", "precision_matrix": "spread"},
            {"df": "degrees", "scale_tril": "lower"},
        ],
        "spread",
    ),
    "LKJCholesky": (
        [{"dim": 3, "concentration": "positive"}, {"dim": 3}, {"dim": 2}, {"dim": 1}],
        "correlated",
    ),
}

EVENTS = """weights scores vector spread lower simplex one-hot columns correlated counts""".split()
EVENTS.append("four simplex")
TENSORS = ("heat", "degrees")  # where PyTorch takes a number and fails on it later
WHOLE = ("count", "large count")  # which require no gradient


def given_as(
    draw: Draw, kind: str, dtype: str, *, grad: bool, value: bool = False, wrong: bool = False
) -> Any:
    """A tensor of a kind, or a number where a distribution takes one.

    `wrong`: with elements that the kind has not; in an event, one of them.
    """
    spoiled, number = wrong and kind in EVENTS, kind not in (*EVENTS, *TENSORS)
    kind = "wrong" if wrong and not spoiled else kind
    rng = np.random.default_rng(seed(draw))
    shape = pick(draw, *SHAPES)
    if not value and number and not draw(st.integers(0, 4)):
        return float(KINDS[kind](rng, ()))
    array = np.asarray(KINDS[kind](rng, shape)).astype(dtype)
    if spoiled and array.size:
        array.flat[rng.integers(array.size)] += rng.choice([-4.0, 0.5, np.nan, np.inf])
    return Given(array, "plain", grad)


def in_dtype(param: Any, dtype: str) -> Any:
    """A parameter in another dtype; numbers stay."""
    if not isinstance(param, Given):
        return param
    return Given(param.values.astype(dtype), param.layout, param.requires_grad)


def parameters(
    draw: Draw, ways: list[dict[str, Any]], dtype: str, wrong: bool | None = None
) -> dict[str, Any]:
    """One of the ways; what is no kind stands for itself."""
    way = pick(draw, *ways)
    wrong = draw(st.integers(0, 9)) == 0 if wrong is None else wrong
    out = {}
    for name, kind in way.items():
        bad = wrong and draw(st.booleans())
        grad = kind not in WHOLE and draw(st.booleans())
        known = isinstance(kind, str)
        out[name] = given_as(draw, kind, dtype, grad=grad, wrong=bad) if known else kind
    return out


def tried(label: str, ask: Callable[[], Any]) -> Steps:
    """What was found, or which error was raised."""
    try:
        found = ask()
    except Exception as error:
        yield f"names of the error in {label}", _name(error)
        return
    yield f"value of {label}", found


def _name(error: Exception) -> str:
    kinds = NotImplementedError, IndexError, TypeError, ValueError, AttributeError, AssertionError
    return next((k.__name__ for k in kinds if isinstance(error, k)), "RuntimeError")
