"""Numbers, dims and dtypes: one case of each kind with its neighbours, as PyTorch 2.13 has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg

i = tg.tensor([5, -5])
u8 = tg.tensor([1, 44], dtype=tg.uint8)
i8 = tg.tensor([1, -1], dtype=tg.int8)
f = tg.tensor([1.5, -2.5])
h = tg.tensor([1.5, -2.5], dtype=tg.float16)
d = tg.tensor([1.5, -2.5], dtype=tg.float64)
b = tg.tensor([True, False])
m = tg.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
nan, inf = math.nan, math.inf

VALUES: list[tuple[str, str, Any]] = [
    # Integers wrap to the dtype of the tensor.
    ("u8 + 300", "uint8", [45, 88]),
    ("u8 == 300", "bool", [False, True]),
    ("i8 + 200", "int8", [-55, -57]),
    ("u8 - 2", "uint8", [255, 42]),
    # Operators with a number on the left, or a NumPy number.
    ("5 // tg.tensor([2, 3])", "int64", [2, 1]),
    ("5 % tg.tensor([2, 3])", "int64", [1, 2]),
    ("True & b", "bool", [True, False]),
    ("False | b", "bool", [True, False]),
    ("True ^ b", "bool", [False, True]),
    ("u8 << 2", "uint8", [4, 176]),
    ("2 << u8", "uint8", [4, 0]),
    ("u8 >> 1", "uint8", [0, 22]),
    ("64 >> u8", "uint8", [32, 0]),
    ("tg.add(2, i)", "int64", [7, -3]),
    ("tg.div(2, f)", "float32", [4 / 3, -0.8]),
    ("f * np.float64(2)", "float32", [3, -5]),
    ("np.float64(2) * f", "float32", [3, -5]),
    # NumPy's arrays and functions.
    ("f * np.ones(2)", "float64", [1.5, -2.5]),
    ("np.ones(2) - f", "float64", [-0.5, 3.5]),
    ("np.ones(2) < f", "bool", [True, False]),
    ("np.exp(tg.zeros(2))", "float32", [1, 1]),
    # Real numbers of integers, and 0-d tensors.
    ("i / tg.tensor(2.0, dtype=tg.float64)", "float64", [2.5, -2.5]),
    ("i / 2", "float32", [2.5, -2.5]),
    ("tg.tensor([254], dtype=tg.uint8) / -127", "float32", [-2]),
    ("tg.zeros(0, dtype=tg.int64) // 0", "int64", []),
    ("m.norm('fro')", "float32", 55**0.5),
    ("tg.tensor(2) / h", "float16", [4 / 3, -0.8]),
    ("b / b", "float32", [1, nan]),
    ("tg.log2(tg.tensor([8, 2**20]))", "float32", [3, 20]),
    ("tg.log10(tg.tensor([1000.0, 1e10], dtype=tg.float64))", "float64", [3, 10]),
    ("i.float_power(2)", "float64", [25, 25]),
    # Rounding keeps integers.
    ("i.round()", "int64", [5, -5]),
    ("i.floor()", "int64", [5, -5]),
    ("f.round()", "float32", [2, -2]),
    ("(f * 1.11).round(decimals=1)", "float32", [1.7, -2.8]),
    ("i.clamp(min=0)", "int64", [5, 0]),
    ("i.clamp(0.5)", "float32", [5, 0.5]),
    ("u8.clamp(max=np.int64(2))", "uint8", [1, 2]),
    ("tg.sign(tg.tensor([nan, -0.0, -3.0]))", "float32", [0, 0, -1]),
    ("tg.tensor([-7, 7]).div(2, rounding_mode='floor')", "int64", [-4, 3]),
    ("tg.tensor([-7, 7]).div(2, rounding_mode='trunc')", "int64", [-3, 3]),
    ("tg.tensor([-7.0, 7.0]).fmod(4)", "float32", [-3, 3]),
    # Powers of integers.
    ("tg.tensor([2, 1, -1, -1]) ** tg.tensor([-1, -5, -2, -3])", "int64", [0, 1, 1, -1]),
    ("2 ** b", "int64", [2, 1]),
    ("b ** 2", "int64", [1, 0]),
    # Names of NumPy, and booleans that are no dims.
    ("m.sum(axis=1, keepdims=True)", "float32", [[6], [9]]),
    ("m.max(axis=0).indices", "int64", [0, 1, 1]),
    ("m.softmax(axis=0).sum()", "float32", 3),
    ("m[0].var(False)", "float32", 2 / 3),
    ("m[0].std(True)", "float32", 1),
    ("b.sum(dtype=tg.float64)", "float64", 1),
    ("u8.cumsum(0, dtype=tg.float32)", "float32", [1, 45]),
    ("u8.all()", "uint8", 1),
    ("tg.var_mean(m[0])[1]", "float32", 2),
    ("tg.tensor([2.0, 0.0, 3.0]).cumprod(0)", "float32", [2, 0, 0]),
    # A product with beta = 0 does not look at the input.
    ("tg.addmm(tg.full((1, 1), nan), f[None], f[:, None], beta=0)", "float32", [[8.5]]),
    ("tg.addmm(tg.tensor([1]), i[None], i[:, None], beta=0.5, alpha=2.5)", "int64", [[100]]),
    # Creation.
    ("tg.arange(0, 1, 0.1, dtype=tg.float16)[9]", "float16", 0.9),
    ("tg.arange(2.5, dtype=tg.int64)", "int64", [0, 1]),
    ("tg.arange(5, 1, -2)", "int64", [5, 3]),
    ("tg.zeros(size=(1, 2))", "float32", [[0, 0]]),
    ("tg.zeros_like(f, device='cpu', dtype=tg.int64)", "int64", [0, 0]),
    ("tg.tensor([np.float64(0.5), 1])", "float64", [0.5, 1]),
    ("tg.tensor(np.float64(0.5))", "float64", 0.5),
    ("tg.tensor(np.uint8(3))", "uint8", 3),
    ("tg.tensor([np.uint8(3)])", "uint8", [3]),
    ("tg.tensor(1.7, dtype=tg.int64)", "int64", 1),
    ("f.new_full((2,), 7)", "float32", [7, 7]),
    ("f.new_tensor([1, 2])", "float32", [1, 2]),
    ("tg.Tensor([[1, 2]])", "float32", [[1, 2]]),
    ("tg.Tensor(np.arange(3))", "float32", [0, 1, 2]),
    ("tg.LongTensor([1.5])", "int64", [1]),
    ("tg.Tensor((1, 2))", "float32", [1, 2]),
    # Choices.
    ("tg.where(b, 1, 2.5)", "float32", [1, 2.5]),
    ("tg.where(b, 1, True)", "int64", [1, 1]),
    ("tg.where(b, np.float64(0.5), 0)", "float32", [0.5, 0]),
]


@pytest.mark.parametrize(("expression", "dtype", "value"), VALUES, ids=[v[0] for v in VALUES])
def test_value(expression: str, dtype: str, value: Any) -> None:
    found = eval(expression)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.numpy(), value, rtol=1e-3 if dtype == "float16" else 1e-6)


ERRORS: list[tuple[str, type[Exception], str]] = [
    ("i // 0", RuntimeError, "ZeroDivisionError"),
    ("i % tg.tensor([1, 0])", RuntimeError, "ZeroDivisionError"),
    ("u8 ** -129", RuntimeError, "not allowed"),
    ("b.argmax()", NotImplementedError, "argmax: not implemented for torch.bool"),
    ("b.clone().add_(1)", RuntimeError, "add_: .* torch.int64 can't be cast to torch.bool"),
    ("i + 2**70", OverflowError, "too big for int64"),
    ("tg.tensor(300, dtype=tg.uint8)", RuntimeError, "300 cannot be converted to type torch.uint8"),
    ("tg.tensor(nan, dtype=tg.int64)", RuntimeError, "nan cannot be converted to type torch.int64"),
    ("tg.full((2,), 300, dtype=tg.uint8)", RuntimeError, "full: value 300"),
    ("u8.clamp(-300)", RuntimeError, "clamp: value -300"),
    ("f.masked_fill(b, 1e40)", RuntimeError, "masked_fill"),
    ("b.abs()", NotImplementedError, "abs: not implemented for torch.bool"),
    ("b.clamp(False)", NotImplementedError, "clamp: not implemented for torch.bool"),
    ("b ** b", NotImplementedError, "pow: not implemented for torch.bool"),
    ("f & f", RuntimeError, "bitwise_and: not implemented for torch.float32"),
    ("f << 1", RuntimeError, "bitwise_left_shift: not implemented for torch.float32"),
    ("tg.eq(2, i)", TypeError, "eq: input must be a Tensor, but got int"),
    ("tg.maximum(i, 2)", TypeError, "maximum: other must be a Tensor, but got int"),
    ("tg.exp(2)", TypeError, "exp: input must be a Tensor, but got int"),
    ("i.add(i, alpha=0.5)", RuntimeError, "alpha must be an integer"),
    ("m.sum(True)", TypeError, "sum: dim must be an int, or several, but got bool"),
    ("m.sum(dim=0, axis=1)", TypeError, "sum: dim is given as axis as well"),
    ("m.prod((0, 1))", TypeError, "prod: dim must be an int, but got tuple"),
    ("tg.tensor(1.0).cumsum(7)", IndexError, "out of range"),
    ("i.var()", RuntimeError, "var: input must be floating point"),
    ("i.softmax(0)", RuntimeError, "softmax: input must be floating point"),
    ("b.reshape(1, 2) @ b", NotImplementedError, "matmul: not implemented for torch.bool"),
    ("f.dot(tg.ones(3))", RuntimeError, r"dot: shapes \(2,\) and \(3,\)"),
    ("tg.ones(3) @ tg.ones(4)", RuntimeError, r"matmul: shapes \(3,\) and \(4,\)"),
    ("m.mm(m)", RuntimeError, r"mm: shapes \(2, 3\) and \(2, 3\)"),
    ("tg.addmm(i, m, m.t())", RuntimeError, "addmm: input and the product must have the same"),
    ("m.tril(1.5)", TypeError, "tril: diagonal must be an int"),
    ("tg.eye(-1)", RuntimeError, "eye: sizes must not be negative"),
    ("tg.linspace(0, 3, -1)", RuntimeError, "linspace"),
    ("tg.arange(1, 0, 0)", RuntimeError, "step must be nonzero"),
    ("tg.arange(7, 5)", RuntimeError, "arange: from 7 to 5"),
    ("tg.zeros()", TypeError, "zeros: give one size"),
    ("tg.zeros(-1)", RuntimeError, "zeros: negative dimension"),
    ("tg.zeros(True)", TypeError, "sizes must be ints"),
    ("tg.bernoulli(tg.tensor([1.5]))", RuntimeError, "bernoulli: expects"),
    ("tg.normal(0, -1, (2,))", RuntimeError, "normal: expects std >= 0"),
    ("tg.randint(3, 3, (2,))", RuntimeError, "randint: expects low < high"),
    ("f.to(0)", RuntimeError, "CUDA"),
]


@pytest.mark.parametrize(("expression", "error", "says"), ERRORS, ids=[e[0] for e in ERRORS])
def test_error(expression: str, error: type[Exception], says: str) -> None:
    if "to(0)" in expression and tg.cuda.is_available():
        pytest.skip("there is a GPU 0")
    with pytest.raises(error, match=says):
        eval(expression)


@pytest.mark.parametrize("step", [tg.floor, tg.ceil, tg.round, tg.trunc, tg.sign])
def test_steps_have_a_gradient_of_zero(step: Callable[[tg.Tensor], tg.Tensor]) -> None:
    x = tg.tensor([0.3, -1.7], requires_grad=True)
    (step(x) * 3 + x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1]


def test_floor_division_has_none() -> None:
    x = tg.tensor([3.0], requires_grad=True)
    with pytest.raises(NotImplementedError, match="derivative is not implemented"):
        (x // 2).backward()


def test_comparisons_with_what_is_no_number() -> None:
    assert (i == [5, -5]) is False
    assert (i != "a") is True
    assert 5 in i
    assert 3 not in i
    assert inf not in m


def test_numpy_integers_are_integers() -> None:
    assert tg.randint(2, np.int64(10), (9,)).shape == (9,)
    assert tg.randint(high=3, size=(np.int64(2),)).shape == (2,)
    assert tg.zeros(np.int64(2), 3).shape == (2, 3)


def test_uniform_draws_stay_below_their_upper_bound() -> None:
    assert float(tg.rand(20_000, dtype=tg.float16).max()) < 1
    assert float(tg.empty(20_000, dtype=tg.float16).uniform_(2, 3).max()) < 3


def test_a_shape_is_a_size() -> None:
    shape = tg.zeros(2, 3, 4).shape
    assert repr(shape) == "torch.Size([2, 3, 4])"
    assert f"{shape[1:]}" == "torch.Size([3, 4])"
    assert shape[1:].numel() == 12
    assert shape[0] == 2
    assert (shape + (5,)).numel() == 120  # noqa: RUF005
    assert shape == (2, 3, 4)
    assert isinstance(tg.zeros(2).size(), tg.Size)
    assert tg.FloatTensor(shape).shape == shape
    assert tg.Tensor(2, 3).shape == (2, 3)
    assert tg.Tensor().shape == (0,)


def test_the_legacy_constructor_shares_what_has_its_dtype() -> None:
    array, wide, tensor = np.zeros(2, dtype=np.float32), np.zeros(2), tg.zeros(2)
    made = tg.Tensor(array), tg.Tensor(tensor), tg.Tensor(wide), tg.Tensor([0, 0])
    for own in (array, wide, tensor):
        own += 1
    assert [x.tolist() for x in made] == [[1, 1], [1, 1], [0, 0], [0, 0]]


def test_a_device_is_no_string() -> None:
    assert tg.device("cpu") != "cpu"
    assert tg.device("cpu") == tg.device("cpu")


def test_a_tensor_that_fills_is_cast_and_copies_of_numbers_are(device: str) -> None:
    small = tg.zeros(2, dtype=tg.int8, device=device)
    assert small.fill_(tg.tensor(300)).tolist() == [44, 44]
    assert tg.fill(small, tg.tensor(-200)).tolist() == [56, 56]
    assert small.copy_(300).tolist() == [44, 44]
    assert tg.zeros(1, device=device).copy_(1e40).tolist() == [float("inf")]
    assert tg.zeros(1, dtype=tg.float64, device=device).copy_(0.1).tolist() == [0.1]
    with pytest.raises(OverflowError):
        small.copy_(2**70)
    with pytest.raises(RuntimeError, match="without overflow"):
        small.fill_(300)
