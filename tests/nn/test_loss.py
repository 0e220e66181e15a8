"""Cross entropy and negative log likelihood: values, both derivatives, normalisation, errors."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.several import several
from tinygrad_lite import nn
from tinygrad_lite.autograd import gradcheck, gradgradcheck
from tinygrad_lite.backend import to_host
from tinygrad_lite.nn import functional as F
from tinygrad_lite.ops import loss as ops
from tinygrad_lite.tensor import apply
from tinygrad_lite.tensor.space import space

Host = np.ndarray[Any, Any]
REDUCTIONS = ("none", "mean", "sum")
C = 5
SHAPES = {"C": ((C,), ()), "NC": ((6, C), (6,)), "NCd": ((4, C, 3), (4, 3)),
          "NCdd": ((2, C, 3, 2), (2, 3, 2))}  # fmt: skip


def host(tensor: tg.Tensor) -> Host:
    return to_host(tensor.detach().array)


def reference(
    x: Host, target: Host, weight: Host | None, ignore: int, reduction: str, smoothing: float
) -> Host:
    """The definition, one sample after another."""
    w = np.ones(C) if weight is None else weight
    rows = x.reshape(1, C, 1) if x.ndim == 1 else x.reshape(len(x), C, -1)
    dense = target.shape == x.shape
    t = target.reshape(rows.shape) if dense else target.reshape(rows.shape[0], rows.shape[2])
    losses, counted = np.zeros((rows.shape[0], rows.shape[2])), 0.0
    for n, d in np.ndindex(*losses.shape):
        log_p = rows[n, :, d] - np.log(np.exp(rows[n, :, d]).sum())
        if not dense and t[n, d] == ignore:
            continue
        q = t[n, :, d] if dense else np.eye(C)[t[n, d]]
        q = (1 - smoothing) * q + smoothing / C
        counted += 1 if dense else w[t[n, d]]
        losses[n, d] = -(w * q * log_p).sum()
    shape = (x.shape[:1] + x.shape[2:]) if x.ndim > 1 else ()
    return {"none": losses.reshape(shape), "sum": losses.sum(),
            "mean": losses.sum() / counted}[reduction]  # fmt: skip


def problem(shape: str, dense: bool, ignore: int, device: str) -> tuple[tg.Tensor, tg.Tensor]:
    rng = np.random.default_rng(1)
    full, classes = SHAPES[shape]
    x = tg.tensor(rng.standard_normal(full) * 2, device=device, requires_grad=True)
    target = rng.random(full) if dense else rng.integers(0, C, classes)
    if not dense and target.ndim:
        target.flat[0] = ignore
    return x, tg.tensor(target, device=device)


CONFIGURATIONS = [
    (dense, weighted, ignore, smoothing)
    for dense, weighted, ignore, smoothing in itertools.product(
        (False, True), (False, True), (-100, 2), (0.0, 0.1)
    )
    if not (dense and ignore >= 0)
]


@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy(shape: str, device: str) -> None:
    with several() as case:
        for reduction, configuration in itertools.product(REDUCTIONS, CONFIGURATIONS):
            with case(f"{reduction}, dense, weighted, ignore, smoothing = {configuration}"):
                check_cross_entropy(shape, reduction, *configuration, device)


def check_cross_entropy(
    shape: str,
    reduction: str,
    dense: bool,
    weighted: bool,
    ignore: int,
    smoothing: float,
    device: str,
) -> None:
    x, target = problem(shape, dense, ignore, device)
    weights = np.linspace(0.5, 2, C) if weighted else None
    loss = nn.CrossEntropyLoss(
        None if weights is None else tg.tensor(weights, device=device),
        ignore_index=ignore,
        reduction=reduction,
        label_smoothing=smoothing,
    )
    expected = reference(host(x), host(target), weights, ignore, reduction, smoothing)
    y = loss(x, target)
    assert y.shape == expected.shape
    np.testing.assert_allclose(host(y), expected, rtol=1e-12, atol=1e-12)
    assert gradcheck(lambda x: loss(x, target), [x])
    if device == "cpu":
        assert gradgradcheck(lambda x: loss(x, target), [x])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_nll_loss(shape: str, weighted: bool, reduction: str, device: str) -> None:
    x, target = problem(shape, False, -100, device)
    weight = tg.tensor(np.linspace(0.5, 2, C), device=device) if weighted else None
    loss = nn.NLLLoss(weight, reduction=reduction)
    y = loss(x.log_softmax(0 if x.ndim == 1 else 1), target)
    weights = None if weight is None else host(weight)
    expected = reference(host(x), host(target), weights, -100, reduction, 0)
    np.testing.assert_allclose(host(y), expected, rtol=1e-12, atol=1e-12)
    assert gradcheck(lambda x: loss(x, target), [x])
    assert gradgradcheck(lambda x: loss(x.log_softmax(-1), target), [x])


LOGITS = [[1.0, 2, 0.5], [-1, 0, 3], [2, 2, -2], [0, 1, 0]]
LABELS = [1, 2, -100, 0]
PROBABILITIES = [[0.2, 0.3, 0.5], [1.0, 0, 0], [0, 0.5, 0.5], [0.1, 0.8, 0.1]]
# values from PyTorch 2.13: weighted, smoothing, then class targets and probabilities, mean and sum
PYTORCH = [
    (False, 0.0, 0.69389913, 2.0816974, 2.23349018, 8.93396072),
    (False, 0.1, 0.78834358, 2.36503074, 2.18390685, 8.73562739),
    (True, 0.0, 0.3919597, 1.37185895, 2.54136755, 10.16547018),
    (True, 0.1, 0.49358221, 1.72753775, 2.49759631, 9.99038525),
]


@pytest.mark.parametrize(("weighted", "smoothing", "m1", "s1", "m2", "s2"), PYTORCH)
def test_numbers_of_pytorch(
    weighted: bool, smoothing: float, m1: float, s1: float, m2: float, s2: float
) -> None:
    x = tg.tensor(LOGITS, dtype=tg.float64)
    w = tg.tensor([0.5, 1, 2], dtype=tg.float64) if weighted else None
    for target, mean, total in ((tg.tensor(LABELS), m1, s1), (tg.tensor(PROBABILITIES), m2, s2)):
        for reduction, expected in (("mean", mean), ("sum", total)):
            y = F.cross_entropy(x, target, w, reduction=reduction, label_smoothing=smoothing)
            assert y.item() == pytest.approx(expected, abs=1e-6)


def test_gradient_of_pytorch() -> None:
    x = tg.tensor(LOGITS, dtype=tg.float64, requires_grad=True)
    w = tg.tensor([0.5, 1, 2], dtype=tg.float64)
    F.cross_entropy(x, tg.tensor(LABELS), w, label_smoothing=0.1).backward()
    # values from PyTorch 2.13
    expected = [
        [0.06240313, -0.08409317, 0.02169004],
        [0.00462857, 0.01600215, -0.02063072],
        [0.0, 0.0, 0.0],
        [-0.09901899, 0.08375226, 0.01526673],
    ]
    np.testing.assert_allclose(host(x.grad), expected, atol=1e-8)


def test_plain_labels_and_probabilities_take_one_fused_node() -> None:
    x, y = tg.randn(4, C, requires_grad=True), tg.tensor([0, 1, 2, 4])
    for reduction in REDUCTIONS:
        loss = F.cross_entropy(x, y, reduction=reduction)
        assert loss.grad_fn.rule is ops.cross_entropy
        assert loss.grad_fn.parents[0] is x._node
        loss = F.cross_entropy(x, F.one_hot(y, C).float(), reduction=reduction)
        assert loss.grad_fn.rule is ops.cross_entropy_probabilities
        assert loss.grad_fn.parents[0] is x._node


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", ["NC", "NCd"])
def test_probability_targets_have_gradients(shape: str, reduction: str, device: str) -> None:
    x, target = problem(shape, True, -100, device)
    target.requires_grad_()
    f = lambda x, t: F.cross_entropy(x, t, reduction=reduction, label_smoothing=0.1)  # noqa: E731
    assert gradcheck(f, [x, target])
    assert gradgradcheck(f, [x, target])


@pytest.mark.parametrize("rule", [ops.cross_entropy, ops.cross_entropy_probabilities])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_fused_rules_are_their_compositions(rule: Any, reduction: str, device: str) -> None:
    x, target = problem("NC", rule is not ops.cross_entropy, 0, device)
    fused = apply(rule, x, target, reduction=reduction)
    composed = rule.composition(space, x, target, reduction=reduction)
    np.testing.assert_allclose(host(fused), host(composed), rtol=1e-13)
    g = tg.randn(fused.shape, dtype=tg.float64, device=device)
    (a,) = tg.autograd.grad(fused, x, g)
    (b,) = tg.autograd.grad(composed, x, g)
    np.testing.assert_allclose(host(a), host(b), atol=1e-14)


def test_extreme_logits_stay_finite(device: str) -> None:
    x = tg.tensor([[1e4, -1e4, 0], [-1e4, 1e4, 0]], device=device, requires_grad=True)
    labels, probabilities = tg.tensor([1, 1], device=device), [[0.0, 1, 0], [0, 1, 0]]
    for target in (labels, tg.tensor(probabilities, device=device)):
        x.grad = None
        loss = F.cross_entropy(x, target, reduction="none")
        np.testing.assert_array_equal(host(loss), [2e4, 0])
        loss.sum().backward()
        np.testing.assert_array_equal(host(x.grad), [[1, -1, 0], [0, 0, 0]])


def test_dtypes() -> None:
    x, y = tg.randn(4, C, requires_grad=True), tg.tensor([0, 1, 2, 4])
    assert F.cross_entropy(x, y).dtype == "float32"
    expected = F.cross_entropy(x, y).item()
    for dtype in (tg.int64, tg.uint8):
        assert F.cross_entropy(x, y.to(dtype)).item() == expected
        assert F.cross_entropy(x, y.to(dtype), tg.ones(C)).item() == pytest.approx(expected)
    dense = F.one_hot(y, C).double()
    loss = F.cross_entropy(x, dense)  # promoted, as in PyTorch
    assert loss.dtype == "float64"
    loss.backward()
    assert x.grad.dtype == "float32"
    assert F.cross_entropy(x.detach().half(), y).dtype == "float16"


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_nothing_to_average_is_nan() -> None:
    x = tg.randn(3, C)
    ignored = tg.full((3,), -100)
    for smoothing in (0.0, 0.1):
        assert math.isnan(F.cross_entropy(x, ignored, label_smoothing=smoothing).item())
        total = F.cross_entropy(x, ignored, label_smoothing=smoothing, reduction="sum")
        assert total.item() == 0
    empty = tg.zeros(0, dtype=tg.int64)
    assert math.isnan(F.cross_entropy(x[:0], empty).item())
    assert math.isnan(F.cross_entropy(x[:0], x[:0]).item())
    assert F.cross_entropy(x[:0], empty, reduction="none").shape == (0,)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_an_ignored_sample_may_be_anything(device: str) -> None:
    x = tg.tensor([[math.inf, 0.0], [0.0, 1.0]], device=device)
    y = tg.tensor([7, 1], device=device)
    log_p = tg.tensor([[math.nan, -math.inf], [-2.0, -1.0]], device=device)
    assert F.nll_loss(log_p, y, ignore_index=7).item() == 1
    assert F.cross_entropy(x, y, ignore_index=7).item() == pytest.approx(0.31326166)


def test_modules_keep_their_settings() -> None:
    weight = tg.ones(C)
    loss = nn.CrossEntropyLoss(weight, label_smoothing=0.1)
    assert list(loss.state_dict()) == ["weight"]
    assert loss.to(tg.float64).weight.dtype == "float64"
    assert list(nn.CrossEntropyLoss().parameters()) == []
    assert repr(loss) == "CrossEntropyLoss()"
    assert list(nn.NLLLoss().state_dict()) == []


# Errors

X = tg.zeros(4, 10)
Y = tg.zeros(4, dtype=tg.int64)


@pytest.mark.parametrize("bad", [10, -1, 1000])
@pytest.mark.parametrize("weight", [None, tg.ones(10)])
def test_labels_out_of_range(bad: int, weight: tg.Tensor | None, device: str) -> None:
    x, y = X.to(device), tg.tensor([0, 1, bad, 2], device=device)
    weight = None if weight is None else weight.to(device)
    for function in (F.cross_entropy, F.nll_loss):
        message = rf"{function.__name__}: Target {bad} is out of bounds\. \(C = 10"
        with pytest.raises(IndexError, match=message):
            function(x, y, weight)
        assert math.isfinite(function(x, y, weight, ignore_index=bad).item())


ERRORS: dict[str, tuple[Any, type[Exception], str]] = {
    "batch": (lambda f: f(X, Y[:3]), ValueError,
              r"Expected input batch_size \(4\) to match target batch_size \(3\)\."),
    "float": (lambda f: f(X, Y.float()), RuntimeError, "target dtype .* but got torch.float32"),
    "bool": (lambda f: f(X, Y.bool()), RuntimeError, "target dtype .* but got torch.bool"),
    "logits": (lambda f: f(X.long(), Y), RuntimeError, "floating point input, but got torch.int64"),
    "sizes": (lambda f: f(tg.zeros(2, 5, 3), tg.zeros(2, 4, dtype=tg.int64)), RuntimeError,
              r"Expected target size \[2, 3\], got \[2, 4\]"),
    "one": (lambda f: f(X[0], Y[:2]), RuntimeError, r"Expected target size \[\], got \[2\]"),
    "0-d": (lambda f: f(X[0, 0], Y[0]), ValueError, r"1 or more dimensions \(got 0\)"),
    "weight": (lambda f: f(X, Y, tg.ones(3)), RuntimeError,
               r"for all 10 classes or no classes .* shape: \(3,\)"),
    "weight dtype": (lambda f: f(X, Y, tg.ones(10).double()), RuntimeError,
                     "and torch.float64"),
    "reduction": (lambda f: f(X, Y, reduction="x"), ValueError, "x is not a valid value"),
    "list": (lambda f: f(X, [1, 2, 3, 4]), TypeError, "target must be a Tensor, not list"),
    "array": (lambda f: f(X.numpy(), Y), TypeError, "input must be a Tensor, not ndarray"),
    "weights": (lambda f: f(X, Y, [1.0]), TypeError, "weight must be a Tensor or None"),
}  # fmt: skip


@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize("case", ERRORS)
def test_errors(case: str, function: Any) -> None:
    call, kind, message = ERRORS[case]
    with pytest.raises(kind, match=message) as caught:
        call(function)
    if case != "reduction":
        assert str(caught.value).startswith(f"{function.__name__}: ")


def test_errors_of_cross_entropy_alone() -> None:
    with pytest.raises(RuntimeError, match=r"between 0.0 and 1.0. Got: 1.5"):
        F.cross_entropy(X, Y, label_smoothing=1.5)
    with pytest.raises(RuntimeError, match=r"floating point type for target .* got torch.int64"):
        F.cross_entropy(X, X.long())
    with pytest.raises(RuntimeError, match="ignore_index is not supported"):
        F.cross_entropy(X, X, ignore_index=2)
    with pytest.raises(ValueError, match="x is not a valid value"):
        nn.CrossEntropyLoss(reduction="x")
