"""Bad input: each mistake raises PyTorch's exception type, and the message gives the values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_lite as tg
from tests import strict
from tinygrad_lite.ops import RULES
from tinygrad_lite.tensor import apply


class Mistake(NamedTuple):
    """What is done, what it raises, and what the message says (a regular expression)."""

    name: str
    act: Callable[[], Any]
    error: type[Exception]
    message: str


def _twice(y: tg.Tensor) -> None:
    y.backward()
    y.backward()


def _grad_of_another_shape() -> None:
    tg.ones(2).grad = tg.ones(3)


def _data(value: Any) -> None:
    tg.ones(2).data = value


def _elsewhere(*shape: int) -> tg.Tensor:
    strict.install()
    return tg.ones(*shape, device="strict")


def _put(index: Any, value: Any) -> None:
    tg.zeros(2, 3)[index] = value


x = tg.ones(2, 3)
g = tg.ones(2, 3, requires_grad=True)
objects = np.array([object(), None])

SHAPES = [
    Mistake("add", lambda: x + tg.ones(4), RuntimeError,
            r"add: shapes \(2, 3\) and \(4,\) cannot be broadcast together"),
    Mistake("where", lambda: tg.where(tg.ones(4, dtype="bool"), x, x), RuntimeError,
            r"where: shapes .*\(4,\).* cannot be broadcast"),
    Mistake("matmul", lambda: x @ x, RuntimeError,
            r"matmul: shapes \(2, 3\) and \(2, 3\) cannot be multiplied \(3 columns against 2"),
    Mistake("matmul of batches", lambda: tg.ones(2, 1, 3) @ tg.ones(3, 3, 1), RuntimeError,
            "matmul: shapes"),
    Mistake("matmul with a number", lambda: x @ tg.tensor(1.0), RuntimeError, "at least 1D"),
    Mistake("mm of a vector", lambda: x.mm(tg.ones(3)), RuntimeError, r"mm: expected 2D and 2D"),
    Mistake("dot of matrices", lambda: x.dot(x), RuntimeError, "dot: expected 1D and 1D"),
    Mistake("reshape", lambda: x.reshape(4), RuntimeError,
            r"reshape: shape \(4,\) is invalid for input of shape \(2, 3\) \(6 elements\)"),
    Mistake("reshape with two -1", lambda: x.reshape(-1, -1), RuntimeError, "reshape: shape"),
    Mistake("expand", lambda: x.expand(4, 3), RuntimeError,
            r"expand: shape \(2, 3\) does not broadcast to \(4, 3\)"),
    Mistake("cat", lambda: tg.cat([x, tg.ones(2, 4)]), RuntimeError, r"cat: .* \(2, 4\) at pos"),
    Mistake("cat of nothing", lambda: tg.cat([]), ValueError, "non-empty"),
    Mistake("cat of numbers", lambda: tg.cat([tg.tensor(1.0)]), RuntimeError, "zero-dimensional"),
    Mistake("stack", lambda: tg.stack([x, tg.ones(3)]), RuntimeError, r"stack: .*\(3,\) at"),
    Mistake("permute", lambda: x.permute(0), RuntimeError, "permute: 1 dims given"),
    Mistake("repeat", lambda: x.repeat(2), RuntimeError, "repeat: 1 repeats"),
    Mistake("narrow", lambda: x.narrow(1, 2, 2), RuntimeError, "narrow: start 2 and length 2"),
    Mistake("split", lambda: x.split([1, 3], 1), RuntimeError, r"sizes \[1, 3\] must sum to 3"),
    Mistake("chunk", lambda: x.chunk(0), RuntimeError, "chunk: chunks must be positive"),
    Mistake("t", lambda: tg.ones(1, 2, 3).t(), RuntimeError, "t: expects .* 3D"),
    Mistake("tril", lambda: tg.ones(3).tril(), RuntimeError, "tril: input must have at least 2"),
    Mistake("in-place growth", lambda: tg.ones(3).add_(x), RuntimeError,
            r"add_: output with shape \(3,\) doesn't match the broadcast shape \(2, 3\)"),
    Mistake("setitem", lambda: _put(0, tg.ones(2)), RuntimeError, r"setitem: .*\(2,\)"),
    Mistake("linear", lambda: apply(RULES["linear"], x, tg.ones(4, 5)), RuntimeError,
            r"linear: input has 3 features but weight expects 5"),
    Mistake("grad of another shape", _grad_of_another_shape, RuntimeError, r"shape \(3,\)"),
    Mistake("gather", lambda: x.gather(0, tg.zeros(1, dtype="int64")), RuntimeError, "gather"),
]  # fmt: skip

DIMS = [
    Mistake("sum", lambda: x.sum(2), IndexError, r"sum: dimension out .*\[-2, 1\].* got 2"),
    Mistake("sum twice", lambda: x.sum((0, -2)), RuntimeError, "sum: dim appears multiple times"),
    Mistake("softmax", lambda: x.softmax(-3), IndexError, "softmax: dimension out of range"),
    Mistake("softmax of a list", lambda: x.softmax([0]), TypeError, "softmax: dim must be an int"),
    Mistake("unsqueeze", lambda: x.unsqueeze(4), IndexError, "unsqueeze: dimension out of range"),
    Mistake("transpose", lambda: x.transpose(0, 2), IndexError, "transpose: dimension out of"),
    Mistake("cat", lambda: tg.cat([x], 2), IndexError, "cat: dimension out of range"),
    Mistake("amax of nothing", lambda: tg.zeros(0).amax(), RuntimeError, "amax: .*needs a dim"),
    Mistake("max of nothing", lambda: tg.zeros(2, 0).max(1), IndexError, "max: .*non-zero size"),
    Mistake("argmax of nothing", lambda: tg.zeros(0).argmax(), IndexError, "argmax: .*non-zero"),
    Mistake("squeeze", lambda: x.squeeze(5), IndexError, "squeeze: dimension out of range"),
    Mistake("flip", lambda: x.flip(0, 0), RuntimeError, "flip: dim appears multiple times"),
]  # fmt: skip

INDICES = [
    Mistake("an index out of range", lambda: x[2], IndexError, "getitem: index 2 is out of bounds"),
    Mistake("select", lambda: x.select(1, 3), IndexError, "select: index 3 is out of range"),
    Mistake("too many indices", lambda: x[0, 0, 0], IndexError, "getitem: too many indices"),
    Mistake("a float tensor", lambda: x[tg.ones(1)], IndexError, "bool tensors, not torch.float32"),
    Mistake("a list of floats", lambda: x[[0.5]], IndexError, "bool tensors, not torch.float64"),
    Mistake("a float", lambda: x[0.5], IndexError, "getitem: "),
    Mistake("a string", lambda: x["a"], TypeError, "getitem: "),
    Mistake("a label out of range", lambda: x[tg.tensor([0, 2])], IndexError, "index 2 is out"),
    Mistake("a mask of another shape", lambda: x[tg.ones(3, dtype="bool")], IndexError,
            "the shape of the mask does not fit: dimension 0 has size 2, but the mask 3"),
    Mistake("gather out of range", lambda: x.gather(1, tg.tensor([[3]])), RuntimeError,
            "gather: index 3 is out of bounds"),
    Mistake("setitem out of range", lambda: _put(2, 1.0), IndexError, "index 2 is out of bounds"),
    Mistake("masked_fill", lambda: x.masked_fill(x, 0), RuntimeError, "boolean masks.*float32"),
    Mistake("where", lambda: tg.where(x, x, x), RuntimeError, "boolean tensor, .*torch.float32"),
]  # fmt: skip

DTYPES = [
    Mistake("tensor of objects", lambda: tg.tensor(objects), TypeError, "dtype object"),
    Mistake("from_numpy of objects", lambda: tg.from_numpy(objects), TypeError, "dtype object"),
    Mistake("Tensor of objects", lambda: tg.Tensor(objects), TypeError, "dtype object"),
    Mistake("as_tensor of objects", lambda: tg.as_tensor(objects), TypeError, "dtype object"),
    Mistake("from_numpy of strings", lambda: tg.from_numpy(np.array(["a"])), TypeError, "<U1"),
    Mistake("complex", lambda: tg.tensor([1j], dtype=tg.float32), TypeError, "not complex: 1j"),
    Mistake("tensor of a string", lambda: tg.tensor("a"), TypeError, "numbers, but got 'a'"),
    Mistake("tensor of None", lambda: tg.tensor([None]), RuntimeError, "dtype of NoneType"),
    Mistake("a ragged list", lambda: tg.tensor([[1], [1, 2]]), ValueError,
            "expected a sequence of length 1 at dim 1, but got 2"),
    Mistake("a list beside a number", lambda: tg.tensor([[1], 2]), TypeError, "beside a list"),
    Mistake("Tensor of a number", lambda: tg.Tensor(1.5), TypeError, "sizes must be ints"),
    Mistake("Tensor of a negative size", lambda: tg.Tensor(-1), RuntimeError, "negative"),
    Mistake("a legacy type of another dtype", lambda: tg.FloatTensor(tg.ones(1).long()), TypeError,
            "expected a tensor of torch.float32, but got torch.int64"),
    Mistake("from_numpy of a list", lambda: tg.from_numpy([1.0]), TypeError, "numpy.ndarray"),
    Mistake("adding an object array", lambda: x + objects, TypeError, "ndarray"),
    Mistake("adding a string", lambda: x + "a", TypeError, "str"),
    Mistake("adding None", lambda: x + None, TypeError, "NoneType"),
    Mistake("matmul with a list", lambda: x @ [[1.0]] * 3, TypeError, "expected a Tensor"),
    Mistake("matmul of two dtypes", lambda: x @ tg.ones(3, 2, dtype="float64"), RuntimeError,
            "same dtype, but got torch.float32 and torch.float64"),
    Mistake("integers that require grad", lambda: tg.tensor([1], requires_grad=True), RuntimeError,
            "only Tensors of floating point and complex dtype"),
    Mistake("mean of integers", lambda: tg.tensor([1]).mean(), RuntimeError, "int64"),
    Mistake("dividing integers in place", lambda: tg.tensor([1]).div_(2), RuntimeError,
            "div_: result type torch.float32 can't be cast to torch.int64"),
    Mistake("negative powers of integers", lambda: tg.tensor([2]) ** -1, RuntimeError, "negative"),
    Mistake("clamp to nothing", lambda: x.clamp(), RuntimeError, "at least one of min and max"),
    Mistake("norm of a name", lambda: x.norm("nuk"), RuntimeError, "norm: unknown order 'nuk'"),
    Mistake("copy_ of a list", lambda: tg.ones(1).copy_([1]), TypeError,
            "copy_: value must be a number, but got list"),
    Mistake("data of a list", lambda: _data([1]), TypeError, "data: expected a Tensor"),
    Mistake("a power of a name", lambda: tg.pow(2, "a"), TypeError,  # type: ignore[call-overload]
            "pow: exponent must be a Tensor or a number, but got str"),
    Mistake("a function of a room", lambda: tg.linalg.vector_norm(x, keepdim=3), TypeError,
            "^linalg.vector_norm: keepdim must be a bool"),
    Mistake("an integer default", lambda: tg.set_default_dtype("int64"), TypeError, "floating"),
]  # fmt: skip

GRAPHS = [
    Mistake("a non-scalar", lambda: (g * 2).backward(), RuntimeError,
            r"only for scalar outputs, but the output's shape is \(2, 3\)"),
    Mistake("a freed graph", lambda: _twice((g * g).sum()), RuntimeError, "mul: .*second time"),
    Mistake("no grad", lambda: x.sum().backward(), RuntimeError, "does not require grad"),
    Mistake("autograd.grad without grad", lambda: tg.autograd.grad(g.sum(), x), RuntimeError,
            "does not require grad"),
    Mistake("autograd.grad of what was not used", lambda: tg.autograd.grad(
        g.sum(), tg.ones(1, requires_grad=True)), RuntimeError, "input 0 was not used"),
    Mistake("a gradient of another shape", lambda: (g * 2).backward(tg.ones(3)), RuntimeError,
            r"gradient of shape \(3,\) .* output of shape \(2, 3\)"),
    Mistake("a gradient that is an array", lambda: g.sum().backward(np.float32(1)), TypeError,
            "gradient must be a Tensor"),
    Mistake("too few gradients", lambda: tg.autograd.grad([g.sum()] * 2, g, [None]), RuntimeError,
            "2 tensors and 1 gradients"),
    Mistake("numpy() of what requires grad", lambda: g.numpy(), RuntimeError, "detach"),
    Mistake("requires_grad of what is no leaf", lambda: (g * 2).requires_grad_(False), RuntimeError,
            "leaf variables"),
    Mistake("a hook without grad", lambda: x.register_hook(print), RuntimeError, "register a hook"),
    Mistake("retain_grad without grad", lambda: x.retain_grad(), RuntimeError, "retain_grad"),
    Mistake("item of many", lambda: x.item(), RuntimeError, "6 elements"),
    Mistake("bool of many", lambda: bool(x), RuntimeError, "more than one value is ambiguous"),
    Mistake("bool of none", lambda: bool(tg.ones(0)), RuntimeError, "no values is ambiguous"),
    Mistake("len of a number", lambda: len(tg.tensor(1)), TypeError, "0-d tensor"),
    Mistake("iterating a number", lambda: list(tg.tensor(1)), TypeError, "0-d tensor"),
    Mistake("a float index", lambda: [1, 2][tg.tensor(1.0)], TypeError, "only integer tensors"),
]  # fmt: skip

DEVICES = [
    Mistake("add", lambda: x + _elsewhere(3), RuntimeError,
            "add: expected all tensors on one device, but found cpu and strict"),
    Mistake("matmul", lambda: x @ _elsewhere(3, 2), RuntimeError, "matmul: .* cpu and strict"),
    Mistake("cat", lambda: tg.cat([x, _elsewhere(2, 3)]), RuntimeError, "cpu and strict"),
    Mistake("in place", lambda: tg.ones(3).add_(_elsewhere(3)), RuntimeError, "cpu and strict"),
    Mistake("setitem", lambda: _put(0, _elsewhere(3)), RuntimeError, "found cpu and strict"),
    Mistake("backward", lambda: (g * 2).backward(_elsewhere(2, 3)), RuntimeError, "on strict"),
    Mistake("numpy()", lambda: _elsewhere(3).numpy(), TypeError, "strict tensor; copy it to the"),
    Mistake("no such device", lambda: tg.ones(1, device="tpu"), RuntimeError, "'tpu'"),
    Mistake("no such index", lambda: tg.device("cuda:x"), RuntimeError, "invalid device string"),
]  # fmt: skip

FAMILIES = {"shape": SHAPES, "dim": DIMS, "index": INDICES, "dtype": DTYPES, "graph": GRAPHS,
            "device": DEVICES}  # fmt: skip
MISTAKES = [
    pytest.param(m, id=f"{family}: {m.name}") for family, ms in FAMILIES.items() for m in ms
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_explained(mistake: Mistake) -> None:
    with pytest.raises(mistake.error, match=mistake.message) as caught:
        mistake.act()
    assert type(caught.value) is mistake.error


def test_mistakes_change_nothing() -> None:
    assert x.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert g.tolist() == [[1, 1, 1], [1, 1, 1]]


@pytest.mark.skipif(tg.cuda.is_available(), reason="needs a machine without a CUDA GPU")
@pytest.mark.parametrize("act", [lambda: x.cuda(), lambda: tg.ones(1, device="cuda")])
def test_cuda_without_a_gpu_says_what_is_missing(act: Any) -> None:
    with pytest.raises(RuntimeError, match=r"CUDA is not available: .*pip install"):
        act()
