"""gradcheck finds wrong gradients and names them; a rule that breaks its contract is named too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.engine.test_walk import leaf, value
from tinygrad_lite.autograd import GradcheckError, gradcheck, gradgradcheck
from tinygrad_lite.ops.rule import declare
from tinygrad_lite.tensor import apply


def wrong(change: Any) -> Any:
    """The function x ↦ x² with a rule whose VJP gives what `change(g, x)` says."""

    def square(xp: Any, x: Any) -> Any:
        return x * x, (lambda g: change(g, x),)

    return lambda x: apply(declare(square), x)


def test_gradcheck_finds_a_wrong_element_and_names_it() -> None:
    def sign(g: Any, x: Any) -> Any:
        right = 2 * g * x
        if not hasattr(x, "base"):
            return right
        right[1] = -right[1]
        return right

    x = leaf(1.0, 3.0, 2.0)
    with pytest.raises(
        GradcheckError, match=r"output 0\[1\].*input 0\[1\]: analytic -6, numeric 6(\.0|$)"
    ):
        gradcheck(wrong(sign), x)
    assert gradcheck(wrong(sign), x, raise_exception=False) is False


@pytest.mark.parametrize("factor", [0.99, 1.01, 0.0, math.nan])
def test_gradcheck_finds_a_wrong_factor(factor: float) -> None:
    x = leaf(1.0, 3.0, 2.0)
    assert gradcheck(wrong(lambda g, x: 2 * g * x), x)
    with pytest.raises(GradcheckError):
        gradcheck(wrong(lambda g, x: 2 * g * x * factor), x)


def test_gradcheck_of_a_function_that_forgets_its_graph() -> None:
    with pytest.raises(GradcheckError):
        gradcheck(lambda x: x.detach() * 2, leaf(1.0, 2.0))


def test_gradgradcheck_finds_a_derivative_that_is_cut() -> None:
    x = leaf(1.0, 3.0)
    cut = wrong(lambda g, x: 2 * g * (x if hasattr(x, "base") else x.detach()))
    assert gradcheck(cut, x)
    with pytest.raises(GradcheckError):
        gradgradcheck(cut, x)


def test_gradgradcheck_of_an_input_that_does_not_count() -> None:
    assert gradgradcheck(lambda x, y: x * x, (leaf(1.0, 3.0), leaf(2.0)))


def test_gradcheck_wants_float64_inputs_that_require_a_gradient() -> None:
    with pytest.raises(ValueError, match="at least one input"):
        gradcheck(lambda x: x, tg.ones(2, dtype="float64"))
    with pytest.raises(ValueError, match="input 0 must be float64"):
        gradcheck(lambda x: x, tg.ones(2, requires_grad=True))


@pytest.mark.parametrize(
    "change",
    [
        lambda g, x: (2 * g * x)[:1],
        lambda g, x: np.concatenate([g, g]),
        lambda g, x: (2 * g * x).astype("float32"),
    ],
    ids=["too short", "too long", "another dtype"],
)
def test_a_rule_that_breaks_its_contract_is_named(change: Any) -> None:
    y = wrong(change)(leaf(1.0, 3.0))
    with pytest.raises(RuntimeError, match=r"^square: its rule gave a gradient of shape .* for"):
        y.sum().backward()


def test_a_broadcast_is_undone_by_the_walk() -> None:
    def scaled(xp: Any, a: Any, b: Any) -> Any:
        return a * b, (lambda g: g * b, lambda g: g * a)

    a, b = tg.ones(2, 1, 3, dtype="float64", requires_grad=True), leaf(1.0, 2.0, 3.0)
    gradcheck(lambda a, b: apply(declare(scaled), a, b), [a, b])
    apply(declare(scaled), a, b).sum().backward()
    assert value(b.grad) == [2, 2, 2]


class Tangents(tg.autograd.Function):
    """eˣ, with a factor too much in its tangent."""

    factor = 2.0

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.y = x.exp()
        return ctx.y

    @classmethod
    def jvp(cls, ctx: Any, t: Any) -> Any:
        return t * ctx.y * cls.factor


class RightTangents(Tangents):
    factor = 1.0


def test_gradcheck_checks_tangents() -> None:
    x, forward_alone = leaf(1.0, 3.0, 2.0), {"check_forward_ad": True, "check_backward_ad": False}
    assert gradcheck(RightTangents.apply, x, **forward_alone)
    with pytest.raises(GradcheckError, match="the tangent for a random direction of input 0"):
        gradcheck(Tangents.apply, x, **forward_alone)
    assert not gradcheck(Tangents.apply, x, raise_exception=False, **forward_alone)
    assert gradcheck(lambda a, b: (a * b, a.sin()), (x, leaf(2.0, 1.0, 1.5)), check_forward_ad=True)
    with pytest.raises(AssertionError, match="at least one of check_forward_ad or check_back"):
        gradcheck(tg.exp, x, check_backward_ad=False)
    assert gradgradcheck(tg.exp, x, check_fwd_over_rev=True)
    z = tg.tensor([1 + 2j, 0.5 - 1j], dtype=tg.complex128, requires_grad=True)
    assert gradcheck(lambda z: z * z, z, check_forward_ad=True)


def test_pytorchs_other_arguments_are_taken() -> None:
    x = leaf(1.0, 3.0, 2.0)
    both = {"nondet_tol": 1e-5, "check_undefined_grad": False, "check_grad_dtypes": True}
    both |= {"check_batched_grad": True, "fast_mode": True, "masked": False}
    assert gradcheck(tg.exp, x, check_batched_forward_grad=False, **both)
    assert gradgradcheck(tg.exp, x, leaf(1.0, -1.0, 2.0), gen_non_contig_grad_outputs=True, **both)
    with pytest.raises(GradcheckError):
        gradgradcheck(lambda x: x.detach() * x, x, [tg.ones(3, dtype=tg.float64)])
    # Where the cotangent is 0, what is cut does not show.
    assert gradgradcheck(lambda x: x.detach() * x, x, [tg.zeros(3, dtype=tg.float64)])
