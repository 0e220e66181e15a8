"""Kinds of faults of numbers that users of such libraries reported, and that were found here too.

Of each kind an example; the values are PyTorch's, or the right ones where PyTorch's own are not.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import Tensor
from tinygrad_lite.nn import functional as F

INF, NAN = math.inf, math.nan


def same(found: Any, wanted: Any, rtol: float = 1e-6) -> None:
    """Values agree, NaN with NaN."""
    np.testing.assert_allclose(found.detach().cpu().numpy(), wanted, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize("exponent", ["int64", "float32"])
def test_a_power_of_two_may_be_larger_than_the_product(exponent: str, device: str) -> None:
    a = tg.tensor([2.0**-140, 1e30, 0.0, 3.0, 1.0], device=device, requires_grad=True)
    b = tg.tensor([140, -200, 10000, 2, -149], dtype=exponent, device=device)
    y = tg.ldexp(a, b)
    wanted = [1.0, 1e30 * 2.0**-200, 0.0, 12.0, 2.0**-149]
    np.testing.assert_allclose(y.detach().cpu().numpy(), wanted, rtol=1e-6)
    y.backward(tg.tensor([2.0**-140, 1.0, 0.0, 1.0, 1.0], device=device))
    assert a.grad is not None
    np.testing.assert_allclose(a.grad.cpu().numpy(), [1.0, 0.0, 0.0, 4.0, 2.0**-149], rtol=1e-6)


def test_the_slope_of_a_large_power_of_two() -> None:
    b = tg.tensor([140.0, -200.0], requires_grad=True)
    tg.ldexp(tg.tensor([2.0**-140, 1e30]), b).sum().backward()
    assert b.grad is not None
    wanted = [math.log(2), 1e30 * 2.0**-200 * math.log(2)]
    np.testing.assert_allclose(b.grad.numpy(), wanted, rtol=1e-6)
    wide = tg.ldexp(tg.tensor([2.0**-1070, 1.0], dtype=tg.float64), tg.tensor([2000, -1074]))
    assert wide.tolist() == [2.0**930, 2.0**-1074]


def test_a_power_of_minus_one_half_is_a_root() -> None:
    x = [-0.0, 0.0, -INF, INF, 4.0]
    same(tg.tensor(x) ** -0.5, [-INF, INF, NAN, 0.0, 0.5])
    t = tg.tensor(x, requires_grad=True)
    (t**0.5).sum().backward()
    assert t.grad is not None
    same(t.grad, [-INF, INF, NAN, 0.0, 0.25])


@pytest.mark.parametrize("shape", [(4,), (1,), ()])
def test_one_exponent_for_all_is_one_for_each(shape: tuple[int, ...]) -> None:
    y = tg.tensor([-0.0, -INF, 4.0, -8.0]) ** tg.full(shape, 0.5)
    same(y, [0.0, INF, 2.0, NAN])
    assert not y[0].signbit().item()
    rows = tg.tensor([[-INF], [-INF]]).expand(2, 3)
    same(rows ** tg.tensor([[0.5], [2.0]]), [[INF] * 3] * 2)


@pytest.mark.parametrize("dtype", ["int64", "int32"])
def test_an_index_without_dimensions_gathers(dtype: str, device: str) -> None:
    x = tg.tensor([1.0, 2.0, 3.0], device=device, requires_grad=True)
    y = x.gather(0, tg.tensor(2, dtype=dtype, device=device))
    assert (y.shape, y.item()) == ((), 3.0)
    y.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 0.0, 1.0]
    assert y.detach().gather(0, tg.tensor([0, 0], dtype=dtype, device=device)).tolist() == [3, 3]


SINGULAR = [[1.0, 2.0], [2.0, 4.0]]


@pytest.mark.parametrize("p", [1, -1, INF, -INF, "fro"])
def test_a_singular_matrix_has_an_infinite_condition(p: Any) -> None:
    assert tg.linalg.cond(tg.tensor(SINGULAR), p).item() == INF
    assert tg.linalg.cond(tg.zeros(2, 2), p).item() == INF
    batch = tg.linalg.cond(tg.tensor([SINGULAR, [[2.0, 0.0], [0.0, 2.0]]]), p)
    assert batch.tolist() == [INF, pytest.approx(2 if p == "fro" else 1)]


def test_other_conditions() -> None:
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=tg.float64)
    assert tg.linalg.cond(x, "nuc").item() == pytest.approx(17)
    assert tg.linalg.cond(x, 1).item() == pytest.approx(21)
    assert tg.linalg.cond(tg.tensor(SINGULAR), "nuc").item() > 1e7
    assert math.isnan(tg.linalg.cond(tg.zeros(2, 2), "nuc").item())
    with pytest.raises(RuntimeError, match="square"):
        tg.linalg.cond(tg.ones(2, 3), "nuc")


@pytest.mark.parametrize("rows", [[[NAN, 1.0], [1.0, 2.0]], [[NAN, 0.0], [0.0, 1.0]]])
def test_what_holds_a_nan_has_no_inverse(rows: list[list[float]]) -> None:
    x = tg.tensor(rows)
    for y in (tg.linalg.inv(x), tg.linalg.solve(x, tg.ones(2)), tg.linalg.matrix_power(x, -1)):
        assert y.isnan().all().item()
    good = [[2.0, 0.0], [0.0, 1.0]]
    same(tg.linalg.inv(tg.tensor([rows, good])), [[[NAN] * 2] * 2, [[0.5, 0], [0, 1]]])
    same(tg.linalg.det(tg.tensor([rows, good])), [NAN, 2])


LARGE = [[-1e38, 3e38], [3e38, 1.0]]


@pytest.mark.parametrize(
    "call",
    [
        lambda: tg.linalg.inv(1e-39 * tg.eye(2)),
        lambda: tg.linalg.solve(1e-30 * tg.eye(2), tg.full((2,), 1e30)),
        lambda: tg.linalg.svdvals(tg.tensor(LARGE)),
        lambda: tg.linalg.eigvalsh(tg.tensor(LARGE)),
        lambda: tg.linalg.eig(tg.tensor(LARGE)),
        lambda: tg.fft.fft(tg.tensor([INF, 1.0, 2.0])),
        lambda: tg.fft.rfft(tg.tensor([3e38, 3e38])),
        lambda: tg.fft.irfft(tg.tensor([INF, 1.0])),
        lambda: tg.sinc(tg.tensor([INF, 3e38])),
        lambda: tg.tensor([INF, -INF], dtype=tg.float64).cumsum(0),
    ],
)
def test_no_warnings_of_numpys_own_lines(call: Callable[[], Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"tinygrad_lite\.")
        call()


def test_sinc_at_its_ends() -> None:
    x = [0.0, -0.0, 1e-45, 0.5, 1.0, INF, NAN]
    same(tg.sinc(tg.tensor(x)), [1, 1, 1, 2 / math.pi, 0, NAN, NAN])


def test_weights_that_sum_to_zero() -> None:
    x = tg.tensor([[1.0, 2.0, 4.0], [0.0, 1.0, 5.0]])
    for words in ({"fweights": tg.tensor([0, 0, 0])}, {"aweights": tg.zeros(3)}):
        with pytest.raises(RuntimeError, match="sum to zero"):
            tg.cov(x, **words)
    with pytest.raises(RuntimeError, match="sum to zero"):
        tg.cov(tg.zeros(2, 0), fweights=tg.zeros(0, dtype=tg.int64))


def test_a_number_has_no_slices() -> None:
    with pytest.raises(IndexError, match="none"):
        tg.unique(tg.tensor(3.0), dim=0)


DRAWS: list[Callable[[Tensor], Any]] = [
    lambda x: x.normal_(0, NAN),
    lambda x: tg.normal(0.0, NAN, (2,)),
    lambda x: tg.normal(x, NAN),
    lambda x: tg.normal(x, tg.tensor([1.0, NAN])),
    lambda x: x.log_normal_(0, NAN),
    lambda x: x.cauchy_(0, NAN),
    lambda x: x.exponential_(NAN),
    lambda x: x.uniform_(0, INF),
    lambda x: x.uniform_(-INF, 0),
    lambda x: x.uniform_(INF, INF),
    lambda x: x.uniform_(NAN, 1),
    lambda x: x.uniform_(0, NAN),
    lambda x: x.uniform_(-3e38, 3e38),
    lambda x: x.double().uniform_(-1e308, 1e308),
    lambda x: x.half().uniform_(-6e4, 6e4),
    lambda x: tg.poisson(tg.tensor([1.0, NAN])),
    lambda x: tg.randint(0, 70000, (2,), dtype=tg.float16),
    lambda x: tg.randint(-70000, 0, (2,), dtype=tg.float16),
    lambda x: F.rrelu(x, 0.1, INF),
    lambda x: F.rrelu(x, -INF, 0.1, training=True),
    lambda x: F.rrelu(x, 0.1, NAN),
    lambda x: tg.renorm(x[None], 2, 0, NAN),
    lambda x: tg.renorm(x[None], NAN, 0, 1.0),
    lambda x: tg.arange(0, 1, NAN),
]


@pytest.mark.parametrize("call", DRAWS)
def test_parameters_that_are_no_numbers_are_refused(call: Callable[[Tensor], Any]) -> None:
    x = tg.ones(2)
    with pytest.raises(RuntimeError):
        call(x)
    assert x.tolist() == [1, 1]


def test_the_largest_range_of_draws() -> None:
    x = tg.zeros(1000).uniform_(0, 3e38)
    assert x.isfinite().all().item()
    assert x.max().item() > 2e38
    assert tg.zeros(3, dtype=tg.int32).normal_.__name__ == "normal_"
    with pytest.raises(NotImplementedError):
        tg.zeros(3, dtype=tg.int32).uniform_(0, 5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_counts_beyond_int64(dtype: str) -> None:
    rates = tg.full((4000,), 1e20, dtype=dtype)
    x = tg.poisson(rates, generator=tg.Generator().manual_seed(1)).double()
    assert x.mean().item() == pytest.approx(1e20, rel=1e-9 if dtype == "float64" else 1e-6)
    if dtype == "float64":
        assert x.std().item() == pytest.approx(1e10, rel=0.05)
    mixed = tg.poisson(tg.tensor([0.0, 1e30, 3.0], dtype=dtype))
    assert mixed[0].item() == 0
    assert mixed[1].item() == pytest.approx(1e30)
    assert mixed[2].item() < 100


def test_binomials_of_unknown_counts() -> None:
    x = tg.binomial(tg.tensor([NAN, 3.0, -1.0]), tg.tensor([0.5, 1.0, NAN]))
    same(x, [NAN, 3, 0])


def test_integers_evenly_spaced_beyond_the_digits_of_floats() -> None:
    spaced = lambda *given, **words: tg.linspace(*given, dtype=tg.int64).tolist()  # noqa: E731
    assert spaced(0, 2**63 - 1, 4) == [0, 3074457345618258602, 6148914691236517204, 2**63 - 1]
    assert spaced(-(2**63), 2**63 - 1, 3) == [-(2**63), 0, 2**63 - 1]
    assert spaced(2**53 + 1, 2**53 + 3, 3) == [2**53 + 1, 2**53 + 2, 2**53 + 3]
    assert spaced(0, -(2**53) - 1, 2) == [0, -(2**53) - 1]
    assert spaced(2**63 - 1, 0, 1) == [2**63 - 1]
    assert tg.linspace(-1, 5, 3, dtype=tg.uint8).tolist() == [255, 130, 5]
    with pytest.raises(RuntimeError, match="without overflow"):
        tg.linspace(0, 300, 3, dtype=tg.uint8)


def test_a_resized_view_goes_on_in_its_memory() -> None:
    x = tg.arange(6.0).reshape(2, 3)
    turned, rows, part = x.t(), x[:, 1:], x.view(-1)[2:4]
    assert rows.resize_(2, 2).stride() == (3, 1)  # the same size: as it was
    assert turned.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert rows.resize_(4).tolist() == [1, 2, 3, 4]
    assert part.resize_(3).tolist() == [2, 3, 4]
    turned[0, 1] = 9
    part[2] = 7
    assert x.tolist() == [[0, 9, 2], [3, 7, 5]]
    assert tg.arange(24).reshape(2, 3, 4).permute(2, 0, 1).resize_(5).tolist() == [0, 1, 2, 3, 4]
    assert x.view(-1)[::2].resize_(2).tolist() == [0, 9]
    grown = tg.arange(6.0)[2:4].resize_(7)
    assert grown[:4].tolist() == [2, 3, 4, 5]
    y = tg.arange(6.0)
    assert y.resize_(2).resize_(6).tolist() == [0, 1, 2, 3, 4, 5]


def test_memory_of_the_librarys_own_order_is_resized_as_it_is_shown() -> None:
    weight = tg.nn.Linear(3, 2).weight.detach()
    shown = weight.reshape(-1).tolist()
    assert weight.resize_(6).tolist() == shown


def test_counts_of_nothing(device: str) -> None:
    none = tg.zeros(0, dtype=tg.int64, device=device)
    found = tg.bincount(none, weights=tg.zeros(0, device=device), minlength=3)
    assert (found.dtype, found.tolist()) == (tg.int64, [0, 0, 0])
    assert tg.bincount(none).tolist() == []


def test_no_items_at_the_ends_of_what_is_printed() -> None:
    tg.set_printoptions(edgeitems=0, threshold=5)
    try:
        texts = [repr(x) for x in (tg.arange(12), tg.zeros(10, 3), tg.tensor(3.0), tg.zeros(0))]
    finally:
        tg.set_printoptions(profile="default")
    assert texts[:2] == ["tensor([...], size=(12,))", "tensor([...], size=(10, 3))"]
    assert texts[2:] == ["tensor(3., size=())", "tensor([])"]


def test_integers_without_memory_are_printed_with_their_dtype() -> None:
    x = tg.zeros(2, device="meta", dtype=tg.int64)
    assert repr(x) == "tensor(..., device='meta', size=(2,), dtype=torch.int64)"
    assert repr(x.float()) == "tensor(..., device='meta', size=(2,))"


def test_an_output_of_another_shape_is_told_of() -> None:
    x = tg.arange(4.0)
    whole = tg.zeros(6)
    with pytest.warns(UserWarning, match="was resized since it had shape"):
        tg.add(x, 1, out=whole[:2])  # goes on in the memory, as in PyTorch
    assert whole.tolist() == [1, 2, 3, 4, 0, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tg.add(x, 1, out=tg.empty(0))
        tg.add(x, 1, out=tg.empty(4))
        tg.linspace(0, 1, 3, out=tg.empty(2))


class Length:
    """A number with a unit, whose operators take anything."""

    def __init__(self, of: Any) -> None:
        self.of = of


OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
for _name in OPERATORS:
    setattr(Length, f"__r{_name}__", lambda self, x, name=_name: (name, x, self.of))
for _name in ("lt", "le", "gt", "ge"):
    setattr(Length, f"__{_name}__", lambda self, x, name=_name: (name, x, self.of))


@pytest.mark.parametrize("dtype", [tg.float32, tg.int64])
def test_operators_of_other_classes_are_asked(dtype: Any) -> None:
    x, unit = tg.ones(2, dtype=dtype), Length("m")
    for name in OPERATORS:
        f = getattr(operator, {"and": "and_", "or": "or_"}.get(name, name))
        assert f(x, unit)[::2] == (name, "m")
        change = getattr(operator, f"i{name}")
        assert change(x.clone(), unit)[::2] == (name, "m")
    pairs = [("lt", "gt"), ("le", "ge"), ("gt", "lt"), ("ge", "le")]
    for own, theirs in pairs:
        assert getattr(operator, own)(x, unit)[::2] == (theirs, "m")
    with pytest.raises(TypeError, match=r"unsupported operand|not supported between"):
        x + object()
    with pytest.raises(TypeError, match=r"unsupported operand|not supported between"):
        operator.lt(x, object())
    for f in (tg.add, tg.div, tg.lt, tg.matmul):  # functions, and not operators
        with pytest.raises(TypeError):
            f(x, unit)


def test_powers_and_products_of_arrays() -> None:
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    a = np.array([[1.0, 2.0], [0.0, -0.5]], np.float32)
    assert (x**a).tolist() == [[1, 4], [1, 0.5]]
    assert (a[:1] ** tg.tensor([2.0, 3.0])).tolist() == [[1, 8]]
    assert (tg.arange(3) ** np.arange(3)).tolist() == [1, 1, 4]
    assert (x @ a).tolist() == [[1, 1], [3, 4]]
    assert (a @ x).tolist() == [[7, 10], [-1.5, -2]]
    (x @ a).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[3, -0.5], [3, -0.5]]
    wide = tg.ones(2, 2) @ np.ones((2, 2))
    assert (wide.dtype, wide.tolist()) == (tg.float64, [[2, 2], [2, 2]])


def test_what_is_no_sample_or_does_not_fit() -> None:
    with pytest.raises(RuntimeError):  # and not NumPy's ValueError
        tg.heaviside(tg.ones(2, 3), tg.ones(3, 2))
    assert tg.heaviside(tg.zeros(2, 1), tg.ones(3)).shape == (2, 3)
    with pytest.raises(RuntimeError, match="booleans"):
        tg.trapezoid(tg.ones(3) > 0)
