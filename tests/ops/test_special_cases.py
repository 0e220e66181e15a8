"""What rules say of the places at which their usual formula would be wrong: written out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
import tinygrad_lite.nn.functional as F
from tinygrad_lite import Tensor

INF, NAN = math.inf, math.nan
Function = Callable[..., Tensor]
Row = tuple[Function, tuple[float, ...], float, tuple[float, ...]]

# A function of numbers, where, its value there, and its gradients there.
CASES: dict[str, Row] = {
    "fmax, b is NaN": (torch.fmax, (2.0, NAN), 2.0, (1.0, 0.0)),
    "fmax, a is NaN": (torch.fmax, (NAN, 2.0), 2.0, (0.0, 1.0)),
    "fmin, b is NaN": (torch.fmin, (2.0, NAN), 2.0, (1.0, 0.0)),
    "maximum at a tie": (torch.maximum, (2.0, 2.0), 2.0, (0.5, 0.5)),
    "atan2 at the origin": (torch.atan2, (0.0, 0.0), 0.0, (0.0, 0.0)),
    "xlogy of 0 and 0": (torch.xlogy, (0.0, 0.0), 0.0, (0.0, NAN)),
    "xlogy of 0 and NaN": (torch.xlogy, (0.0, NAN), NAN, (NAN, NAN)),
    "logaddexp of two -inf": (torch.logaddexp, (-INF, -INF), -INF, (0.5, 0.5)),
    "logaddexp of -inf and 1": (torch.logaddexp, (-INF, 1.0), 1.0, (0.0, 1.0)),
    "logit below 0": (torch.logit, (-0.5,), NAN, (NAN,)),
    "copysign of a negative": (torch.copysign, (-3.0, 2.0), 3.0, (-1.0, 0.0)),
    "a power of 0": (torch.pow, (0.0, 0.0), 1.0, (0.0, 0.0)),
    "cumprod behind a zero": (lambda x: torch.cumprod(torch.stack([x, x]), 0)[1], (0.0,), 0, (0,)),
    "relu at 0": (F.relu, (0.0,), 0.0, (0.0,)),
    "leaky_relu at 0": (lambda x: F.leaky_relu(x, 0.25), (0.0,), 0.0, (0.25,)),
    "hardtanh at its lower end": (F.hardtanh, (-1.0,), -1.0, (0.0,)),
    "hardtanh at its upper end": (F.hardtanh, (1.0,), 1.0, (0.0,)),
    "clamp at its upper end": (lambda x: x.clamp(max=1), (1.0,), 1.0, (1.0,)),
    "softplus beyond its threshold": (
        lambda x: F.softplus(x, beta=0.5, threshold=10), (15.0,),
        math.log1p(math.exp(7.5)) / 0.5, (1 / (1 + math.exp(-7.5)),),
    ),
    "the norm of 0": (torch.norm, (0.0,), 0.0, (0.0,)),
    "a fraction beside 0 in x ln x": (
        lambda x: F.kl_div(torch.tensor(0.0), x, reduction="sum"), (0.0,), 0.0, (1.0,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradients(name: str) -> None:
    function, numbers, value, gradients = CASES[name]
    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
    out = function(*inputs)
    np.testing.assert_allclose(out.item(), value, rtol=1e-12)
    found = [g.item() for g in torch.autograd.grad(out, inputs)]
    np.testing.assert_allclose(found, gradients, rtol=1e-12)


def test_lerp_is_exact_at_both_ends() -> None:
    a, b = torch.tensor([0.1, 1e8, -3.3]), torch.tensor([0.7, 1.0, 1e-8])
    assert torch.equal(torch.lerp(a, b, 0.0), a)
    assert torch.equal(torch.lerp(a, b, 1.0), b)
    assert torch.equal(torch.lerp(a, b, torch.ones(3)), b)


def test_rounding_to_places_before_and_behind_the_point() -> None:
    x = torch.tensor([1234.567, -1250.0])
    assert x.round(decimals=1).tolist() == pytest.approx([1234.6, -1250.0])
    assert x.round(decimals=-2).tolist() == [1200.0, -1200.0]  # halves to even


def test_integers_are_divided_towards_0_and_down() -> None:
    a, b = torch.tensor([7, -7, 7, -7, -8]), torch.tensor([2, 2, -2, -2, 2])
    assert torch.div(a, b, rounding_mode="trunc").tolist() == [3, -3, -3, 3, -4]
    assert torch.div(a, b, rounding_mode="floor").tolist() == [3, -4, -4, 3, -4]
    huge = torch.tensor([2**53 + 1])
    assert torch.div(huge, torch.tensor([1]), rounding_mode="trunc").item() == 2**53 + 1


def test_a_negative_power_of_an_integer() -> None:
    base, n = torch.tensor([1, -1, -1, 2, 3]), torch.tensor([-3, -2, -3, -1, 2])
    assert torch.pow(base, n).tolist() == [1, 1, -1, 0, 9]


def test_the_error_function_in_its_three_ranges() -> None:
    x = [0.0, 0.2, 0.46, 0.48, 1.0, 2.5, 4.5, 7.0, -0.3, -3.0]
    found = torch.erf(torch.tensor(x, dtype=torch.float64)).tolist()
    np.testing.assert_allclose(found, [math.erf(v) for v in x], rtol=1e-14)


def test_the_upper_incomplete_gamma_function_of_small_numbers() -> None:
    """a E₁(x), to first order in a; 1 less the lower one is no digit of it."""
    a = torch.tensor([1e-30, 1e-8, 1e-30, 0.25], dtype=torch.float64)
    x = torch.tensor([1e-30, 1e-8, 0.5, 0.5], dtype=torch.float64)
    exact = [6.850033712491984e-29, 1.784346350536e-07, 5.597735947761608e-31, 0.15351359580832247]
    found = torch.igammac(a, x)
    assert found.tolist() == pytest.approx(exact, rel=1e-8)
    assert (found + torch.igamma(a, x)).tolist() == pytest.approx([1.0] * 4, rel=1e-14)


def test_relus_gradient_where_the_input_is_nan() -> None:
    """NaN goes on, on arrays of every size."""
    for size in (3, 5000):
        x = torch.full((size,), NAN, requires_grad=True)
        x.relu().backward(torch.ones(size))
        assert x.grad is not None
        assert x.grad.tolist() == [1.0] * size


KEEP = {
    "relu": F.relu, "relu6": F.relu6, "elu": F.elu, "hardtanh": lambda x: F.hardtanh(x, 0, 1),
    "clamp(min)": lambda x: x.clamp(min=0), "clamp(max)": lambda x: x.clamp(max=0),
    "clamp between tensors": lambda x: x.clamp(torch.zeros(()), torch.zeros(())),
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 5, 100, 70_000])
@pytest.mark.parametrize("name", KEEP)
def test_a_bound_of_zero_leaves_a_zero_its_sign(name: str, size: int) -> None:
    """As PyTorch's do."""
    for zero in (0.0, -0.0):
        found = KEEP[name](torch.full((size,), zero))
        assert found.signbit().tolist() == [math.copysign(1, zero) < 0] * size


def test_booleans_have_one_bound_that_is_a_tensor() -> None:
    x, bound = torch.tensor([False, True]), torch.tensor([True])
    assert x.clamp_max(bound).tolist() == x.clamp(max=bound).tolist() == [False, True]
    assert x.clamp_min(bound).tolist() == [True, True]
    with pytest.raises(NotImplementedError, match="clamp: not implemented"):
        x.clamp(bound, bound)


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        ([2, 0, 3, 0, 5], [1, 22, 0, 0, 0]),  # g₁ x₀ + g₂ x₀ x₂ for the first 0
        ([2, 0, INF], [1, INF, 0]),
        ([0, 0], [1, 0]),
        ([0, 0, INF], [1, 0, 0]),
        ([INF], [1]),
        ([NAN], [1]),
        ([0], [1]),
    ],
)
def test_cumprod_beside_zeros(numbers: list[float], wanted: list[float]) -> None:
    x = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(x.cumprod(0), x, torch.arange(1.0, len(numbers) + 1).double())
    assert found.tolist() == wanted


SPECIAL: dict[str, tuple[Any, list[float], list[float]]] = {
    "lgamma": (
        torch.lgamma, [1, 2, 3, 0, -1, -1.5, INF],
        [0, 0, math.log(2), INF, INF, math.log(4 / 3 * math.sqrt(math.pi)), INF],
    ),
    "digamma": (
        torch.digamma, [1, 0, -0.0, -1, -2, -0.5],
        [-0.5772156649015329, -INF, INF, NAN, NAN, 0.03648997397857652],
    ),
    "polygamma(1, x)": (
        lambda x: torch.polygamma(1, x), [1, 0.5, -0.5], [math.pi**2 / 6, math.pi**2 / 2,
        math.pi**2 / 2 + 4],
    ),
    "polygamma(2, x)": (
        lambda x: torch.polygamma(2, x), [1, 1.5], [-2.404113806319189, -0.8287966442343201],
    ),
    "zeta(3, x)": (
        lambda x: torch.special.zeta(x * 0 + 3, x), [1, -1.5, -0.25, 0, -1],
        [1.2020569031595942, 0.11810202582086404, -61.34868339183118, INF, INF],
    ),
    "zeta(2, x)": (lambda x: torch.special.zeta(x * 0 + 2, x), [-1.5], [9.379246644989124]),
    "erfcx": (
        torch.special.erfcx, [-3, -1, 0.2, 5, 30],
        [16205.988853999586, 5.008980080762283, 0.8090195199015808, 0.11070463773306861,
         0.018795888861416754],
    ),
    "erfinv": (
        torch.special.erfinv, [0.1, 0.5, 0.72, 0.99, -0.999999, 1 - 2**-53, 1, -1, 1.5],
        [0.08885599049425769, 0.4769362762044699, 0.7639011317372364, 1.8213863677184494,
         -3.458910737275499, 5.8635847487551676, INF, -INF, NAN],
    ),
    "erfc": (torch.special.erfc, [INF, -INF, 5], [0, 2, 1.537459794428035e-12]),
    "i1": (torch.special.i1, [-1, 1], [-0.565159103992485, 0.565159103992485]),
}  # fmt: skip


@pytest.mark.parametrize("name", SPECIAL)
def test_special_functions_in_float64(name: str) -> None:
    function, numbers, wanted = SPECIAL[name]
    found = function(torch.tensor(numbers, dtype=torch.float64))
    np.testing.assert_allclose(found.numpy(), wanted, rtol=4e-15, atol=2e-15)
    np.testing.assert_array_equal(found.numpy() == 0, np.array(wanted) == 0)
