"""Edges where a plausible shortcut is wrong: each was once planted as a fault and lived."""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn

NAN = float("nan")


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "bool"])
def test_sums_and_products_of_narrow_integers_are_int64(dtype: str, device: str) -> None:
    x = tg.ones(300, dtype=dtype, device=device)
    for out in (x.sum(), x.sum(0), x.cumsum(0), x.prod(), x.cumprod(0)):
        assert out.dtype == "int64"
    assert x.sum().item() == 300
    assert x.cumsum(0)[-1].item() == 300


# Elements, and their places in descending order; equal ones stay as they are. Negation would put
# the smallest integer first, and has no meaning for what is unsigned or a bool.
DESCENDING: list[tuple[str, list[Any], list[int]]] = [
    ("uint8", [0, 200, 3], [1, 2, 0]),
    ("int8", [0, -128, 127], [2, 0, 1]),
    ("int64", [-(2**63), 0, 2**63 - 1], [2, 1, 0]),
    ("bool", [False, True, False, True], [1, 3, 0, 2]),
    ("float32", [1.0, NAN, 2.0], [1, 2, 0]),
    ("float32", [-0.0, float("-inf"), float("inf")], [2, 0, 1]),
]


@pytest.mark.parametrize(("dtype", "elements", "places"), DESCENDING)
def test_descending(dtype: str, elements: list[Any], places: list[int], device: str) -> None:
    x = tg.tensor(elements, dtype=np.dtype(dtype), device=device)
    assert x.argsort(descending=True, stable=True).tolist() == places
    values, indices = x.sort(descending=True, stable=True)
    assert indices.tolist() == places
    np.testing.assert_array_equal(values.cpu().numpy(), np.array(elements, dtype)[places])
    assert x.topk(1).indices.tolist() == places[:1]


def test_insert_counts_from_the_end() -> None:
    first, last, between = nn.Linear(1, 1), nn.Linear(2, 2), nn.Linear(3, 3)
    for container in (nn.ModuleList([first, last]), nn.Sequential(first, last)):
        container.insert(-1, between)
        assert list(container) == [first, between, last]
        container.insert(-3, between)
        assert list(container) == [between, first, between, last]


@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_a_product_of_many_factors_keeps_its_digits(name: str) -> None:
    rng = np.random.default_rng(0)
    factors = (1 + 1e-3 * rng.standard_normal((100_000, 2))).astype("float32")
    x = tg.from_numpy(factors)
    found = x.prod(0) if name == "prod" else x.cumprod(0)[-1]
    np.testing.assert_allclose(found.numpy(), factors.astype("float64").prod(0), rtol=1e-6)
    assert found.dtype == "float32"


def test_deviations_that_overflow_inside() -> None:
    x = tg.tensor([1e38, -1e38, 3.0, 5.0], requires_grad=True)
    y = x.std()
    y.backward()
    np.testing.assert_allclose(y.item(), 8.1649654e37, rtol=1e-6)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad[:2].numpy(), [0.40824825, -0.40824825], rtol=1e-6)
    assert tg.tensor([1e38, -1e38]).var().item() == math.inf
    half = tg.tensor([6e4, -6e4, 3.0, 5.0], dtype="float16", requires_grad=True)
    deviation = half.std()
    deviation.backward()
    assert deviation.item() == 48992.0
    assert half.grad is not None
    np.testing.assert_allclose(half.grad[:2].numpy(), [0.4082, -0.4082], rtol=1e-3)


def test_norms_of_one_element_and_beside_zeros() -> None:
    for p in (1.5, 2, 3):
        assert tg.tensor([1e38]).norm(p).item() == np.float32(1e38)
        assert tg.tensor([1e-30]).norm(p).item() == np.float32(1e-30)
    x = tg.tensor([[0.0, 1.0], [0.0, 3.0]], requires_grad=True)
    x.norm(0.5, dim=0).sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), [[0, 2.7320508], [0, 1.5773503]], rtol=1e-6)


def test_silu_of_what_is_far_away() -> None:
    x = tg.tensor([-1e38, -1e4, -100.0, 1e38], requires_grad=True)
    y = tg.nn.functional.silu(x)
    y.sum().backward()
    assert y.tolist() == [0, 0, 0, float(np.float32(1e38))]
    assert x.grad is not None
    assert x.grad.tolist() == [0, 0, 0, 1]
    assert math.isnan(tg.nn.functional.silu(tg.tensor(-math.inf)).item())


def test_logits_far_on_the_right_side() -> None:
    """1 − σ(17) is below float32's digits of 1, but not below those of 0."""
    x = tg.tensor([-17.0, 17.0, -40.0], requires_grad=True)
    functional = tg.nn.functional
    functional.binary_cross_entropy_with_logits(
        x, tg.tensor([0.0, 1, 0]), reduction="sum"
    ).backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), [4.1399378e-8, -4.1399378e-8, 4.2483543e-18], 1e-5)


def test_a_product_holds_only_what_its_gradients_need() -> None:
    """For a factor without a gradient the other's values are not needed, and go."""
    a = tg.ones(50, requires_grad=True)
    weights = tg.full((50,), 2.0)
    hidden = a + 1
    memory = weakref.ref(hidden.array)
    product = hidden * weights
    del hidden
    assert memory() is None
    product.sum().backward()
    assert a.grad.tolist() == [2.0] * 50


def test_what_is_no_floating_point_number_requires_no_gradient() -> None:
    x = tg.ones(3, requires_grad=True)
    results = [x > 0, x.long(), x.bool(), x.isnan(), x.to(tg.int32), x.count_nonzero(), x.eq(x)]
    results += [x.argmax(), x.sort()[1], x.topk(2)[1], x.max(0)[1], tg.nonzero(x)]
    assert [result.requires_grad for result in results] == [False] * len(results)
    assert all(result.is_leaf for result in results)


def test_a_repeated_axis_behind_added_ones_is_summed(device: str) -> None:
    """The axis is counted from the right: of (3, 1) beside (5, 3, 4) the last, not the middle."""
    x = tg.ones(3, 1, device=device, requires_grad=True)
    y = tg.arange(60.0, device=device).reshape(5, 3, 4)
    (x * y).sum().backward()
    assert x.grad.shape == (3, 1)
    assert x.grad.flatten().tolist() == [510.0, 590.0, 670.0]
