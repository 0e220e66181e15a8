"""What meets views, memory, numbers and other objects: what PyTorch 2.13 gives, written out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.autograd import forward_ad
from tinygrad_lite.nn import functional as F

INF, NAN = float("inf"), float("nan")
HALF, BRAIN, SINGLE, DOUBLE = torch.float16, torch.bfloat16, torch.float32, torch.float64


def _grid() -> torch.Tensor:
    return torch.arange(12.0).view(3, 4)


# Memory


@pytest.mark.parametrize(
    ("view", "shape", "elements"),
    [
        (lambda x: x[:, 1:], (2, 2), [1, 2, 3, 4]),
        (lambda x: x.t(), (6,), [0, 1, 2, 3, 4, 5]),
        (lambda x: x[1], (2, 3), [4, 5, 6, 7, 8, 9]),
        (lambda x: x[::2], (3,), [0, 1, 2]),
        (lambda x: x[1, 1], (4,), [5, 6, 7, 8]),
        (lambda x: x[:0], (2,), [0, 1]),
    ],
)
def test_resize_keeps_to_memory(view: Any, shape: tuple[int, ...], elements: list[float]) -> None:
    whole = _grid()
    part = view(whole)
    part.resize_(shape)
    assert part.shape == shape
    assert part.flatten().tolist() == elements
    part.fill_(-1)
    assert (whole == -1).sum() == len(elements)


def test_resize_beyond_memory_takes_another() -> None:
    whole = _grid()
    part = whole[1].resize_(2, 5)
    assert part.flatten()[:8].tolist() == [4, 5, 6, 7, 8, 9, 10, 11]
    part.fill_(-1)
    assert whole[2].tolist() == [8, 9, 10, 11]


@pytest.mark.filterwarnings("ignore:.*An output with one or more elements was resized")
@pytest.mark.parametrize(
    ("call", "shape", "whole"),
    [
        (lambda out: torch.arange(0, 4, out=out), (2, 2), [[0, 0, 1], [0, 2, 3]]),
        (lambda out: torch.linspace(0, 3, 4, out=out), (2, 2), [[0, 0, 1], [0, 2, 3]]),
        (lambda out: torch.range(0, 3, out=out), (2, 2), [[0, 0, 1], [0, 2, 3]]),
        (lambda out: torch.logspace(0, 3, 4, out=out), (2, 2), [[0, 1, 10], [0, 100, 1000]]),
        (lambda out: torch.ones(4, out=out), (4,), [[0, 1, 1], [1, 1, 0]]),
        (lambda out: torch.full((4,), 7, out=out), (4,), [[0, 7, 7], [7, 7, 0]]),
        (lambda out: torch.cat([torch.ones(2)] * 2, out=out), (4,), [[0, 1, 1], [1, 1, 0]]),
        (lambda out: torch.sum(torch.ones(4, 4), 0, out=out), (4,), [[0, 4, 4], [4, 4, 0]]),
    ],
)
def test_out_that_is_a_view(call: Any, shape: tuple[int, ...], whole: Any) -> None:
    x = torch.zeros(2, 3)
    out = x.narrow(1, 1, 2)
    assert call(out) is out
    assert out.shape == shape
    assert x.tolist() == whole


def test_set_takes_storages() -> None:
    x = _grid()
    a = torch.tensor([])
    assert a.set_(x.storage()).tolist() == list(range(12))
    assert a.set_(x.untyped_storage(), 2, (2, 2), (4, 1)).tolist() == [[2, 3], [6, 7]]
    assert a.set_(x, 1, (2, 3), (1, 3)).tolist() == [[1, 4, 7], [2, 5, 8]]
    a[0, 0] = 70
    assert x[0, 1] == 70
    assert a.set_(x.storage(), 3, size=torch.Size([]), stride=[]).shape == ()
    with pytest.raises(RuntimeError, match="Expected a Storage of type"):
        torch.tensor([], dtype=torch.int64).set_(x.storage())
    with pytest.raises(RuntimeError, match="out of bounds"):
        a.set_(x.storage(), 10, (2, 2))


def test_facts_of_empty_tensors() -> None:
    assert torch.empty(0, 1, 3, 0).stride() == (3, 3, 1, 1)
    assert torch.empty(2, 0, 1).stride() == (1, 1, 1)
    x = torch.tensor([])
    assert x.is_set_to(x)
    assert not x.is_set_to(torch.tensor([]))


def test_asarray_of_buffers() -> None:
    memory = np.arange(3.0)
    copied = torch.asarray(memoryview(memory), dtype=DOUBLE, copy=True)
    copied[0] = 9
    assert memory[0] == 0
    shared = torch.asarray(memoryview(memory), dtype=DOUBLE)
    shared[0] = 9
    assert memory[0] == 9
    assert torch.asarray(np.ones(2, dtype="float32").tobytes()).tolist() == [1, 1]


# Numbers


def test_sixteen_bits_compare_with_numbers_as_they_hold_them() -> None:
    for dtype in (HALF, BRAIN):
        x = torch.tensor([0.3, 0.7, 0.1, -0.3], dtype=dtype)
        for n, number in enumerate((0.3, 0.7, 0.1, -0.3)):
            assert (x == number).tolist() == [n == k for k in range(4)]
            compared = x >= number, x <= number, x > number, x < number
            assert [bool(c[n]) for c in compared] == [True, True, False, False]
        assert F.hardshrink(x, 0.3).tolist()[0] == 0
    x = torch.tensor([5.293, -3.84], dtype=HALF)
    assert torch.fmod(x, 0.7).tolist() == [0.3916015625, -0.3388671875]
    assert torch.remainder(x, 0.7).tolist() == [0.3916015625, 0.361328125]


def test_sixteen_bits_are_thresholded_by_the_number_itself() -> None:
    x = torch.tensor([0.3, 0.7], dtype=HALF)  # 0.30005 and 0.7002
    assert F.threshold(x, 0.3, 5.0).tolist() == [0.300048828125, 0.7001953125]
    assert F.softshrink(x, 0.3).tolist() == [4.881620407104492e-05, 0.400146484375]


@pytest.mark.parametrize("dtype", [HALF, BRAIN])
def test_nearest_gradients_are_rounded_once(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((1, 2, 5, 3))).to(dtype).requires_grad_()
    y = F.interpolate(x, scale_factor=2)
    g = torch.from_numpy(rng.standard_normal(y.shape)).to(dtype)
    y.backward(g)
    sums = g.float().reshape(1, 2, 5, 2, 3, 2).sum((3, 5))
    assert x.grad is not None
    assert x.grad.tolist() == sums.to(dtype).tolist()


def test_gradient_beside_infinities() -> None:
    y = torch.tensor([2, -2, INF, 1, 5])
    assert torch.gradient(y)[0].tolist() == [-4, INF, 1.5, -INF, 4]
    assert torch.gradient(y[[0, 1, 3, 4]], spacing=0.0)[0].tolist() == [-INF, -INF, INF, INF]
    x = torch.tensor([1.0, 5, 2], dtype=HALF)
    at = torch.tensor([0, 1, 3], dtype=torch.int64)
    assert torch.gradient(x, spacing=(at,))[0].dtype == SINGLE
    assert torch.gradient(x.float(), spacing=(at.double(),))[0].dtype == DOUBLE
    assert torch.gradient(at, spacing=torch.tensor(2.0, dtype=DOUBLE))[0].dtype == SINGLE
    with pytest.raises(RuntimeError, match="one dimension"):
        torch.gradient(x, spacing=[torch.tensor(3.0)])


NUMBERS: list[tuple[str, Callable[[], Any], Any]] = [
    ("where", lambda: torch.where(torch.tensor([True, False]), 1 + 1j, False), [1 + 1j, 0]),
    ("where of a float", lambda: torch.where(torch.tensor([True, False]), 2.0, 1j), [2, 1j]),
    ("beyond 64 bits", lambda: torch.tensor([2**64, 1.5]), [2.0**64, 1.5]),
    ("beyond 64 bits, bool", lambda: torch.tensor([-(2**70), 0], dtype=torch.bool), [True, False]),
    ("beyond float32", lambda: torch.tensor([2**200], dtype=SINGLE), [INF]),
    ("complex as bool", lambda: torch.tensor([0j, 1j], dtype=torch.bool), [False, True]),
    ("bernoulli", lambda: torch.bernoulli(torch.tensor([0.0, 1.0]), out=_bytes()[:0]), [0, 1]),
    ("empty", lambda: torch.empty(2, out=_bytes()).shape, (2,)),
    ("exponential_", lambda: torch.empty(2).exponential_(INF), [0, 0]),
    ("index", lambda: torch.arange(4)[torch.tensor(2, dtype=torch.int16)], 2),
    ("old addcmul", lambda: torch.addcmul(_ones(), 1 + 1j, _ones(), _ones()), [2 + 1j, 2 + 1j]),
    ("scatter", lambda: torch.ones(3).scatter(0, _none(), _none().float()), [1, 1, 1]),
    ("scatter_add", lambda: torch.ones(3).scatter_add(0, _none(), _none().float()), [1, 1, 1]),
]


def _bytes() -> torch.Tensor:
    return torch.zeros(1, dtype=torch.uint8)


def _ones() -> torch.Tensor:
    return torch.ones(2, dtype=torch.complex64)


def _none() -> torch.Tensor:
    return torch.zeros(0, 4, dtype=torch.int64)


@pytest.mark.filterwarnings("ignore:This overload")
@pytest.mark.parametrize("case", NUMBERS, ids=lambda case: case[0])
def test_values(case: Any) -> None:
    found = case[1]()
    assert (found.tolist() if isinstance(found, torch.Tensor) else found) == case[2]


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: torch.unravel_index(torch.tensor([1]), (2, -3)), ValueError, "negative"),
    (lambda: torch.unravel_index(torch.tensor([1]), (2, 3.0)), TypeError, "ints"),
    (lambda: torch.broadcast_shapes((1, -1)), ValueError, "negative"),
    (lambda: torch.broadcast_shapes(1.0, 2), RuntimeError, "expected ints"),  # type: ignore[arg-type]
    (lambda: torch.roll(torch.ones(2, 2), (1,), (1, 2)), RuntimeError, "as many"),
    (lambda: torch.empty(1).uniform_(-3.4e38, 3.4e38), RuntimeError, "to - from"),
    (lambda: torch.ones(2).__delitem__(0), TypeError, "deleting"),
    (lambda: torch.ones(2, 3).map_(torch.ones(4), max), RuntimeError, "broadcast"),
]


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case: Any) -> None:
    with pytest.raises(case[1], match=case[2]):
        case[0]()


# Other objects


class _Other:
    """Knows how to calculate with a tensor."""

    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = __rmatmul__ = __rmod__ = (
        lambda self, tensor: "reflected"
    )
    __gt__ = __le__ = lambda self, tensor: "compared"


def test_operators_give_way() -> None:
    x, other = torch.ones(2), _Other()
    for found in (x + other, x - other, x * other, x / other, x**other, x @ other, x % other):
        assert found == "reflected"
    assert (x < other) == (x >= other) == "compared"
    x += other
    assert x == "reflected"  # type: ignore[comparison-overlap]
    for wrong in (None, object(), "a"):
        with pytest.raises(TypeError):
            torch.ones(2) + wrong  # type: ignore[operator]
    with pytest.raises(TypeError, match="add: other must be"):
        torch.add(torch.ones(2), None)  # type: ignore[arg-type]


# The graph


def test_hooks_of_leaves() -> None:
    x = torch.ones(2, requires_grad=True)
    log: list[Any] = []
    node = x.view_as(x).grad_fn.next_functions[0][0]
    node.register_prehook(lambda grads: (grads[0] * 2,))
    x.register_hook(lambda grad: grad + 1)
    handle = node.register_hook(lambda inputs, grads: log.append((inputs, grads[0].tolist())))
    x.register_post_accumulate_grad_hook(lambda t: log.append("after"))
    (3 * x).sum().backward()
    assert log == ["after", ((), [8, 8])]  # (3 + 1) * 2: a node's hooks come behind its tensor's
    assert torch.autograd.grad((3 * x).sum(), x)[0].tolist() == [4, 4]
    handle.remove()
    (3 * x).sum().backward()
    assert log == ["after", ((), [8, 8]), "after"]
    assert x.output_nr == 0
    del x.grad
    assert x.grad is None


def test_tangents_of_strided_views_and_complex_numbers() -> None:
    x = torch.arange(4.0).requires_grad_()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, torch.tensor([1.0, 2, 3, 4]))
        tangent = forward_ad.unpack_dual(dual.as_strided((2,), (2,), 0)).tangent
        assert tangent is not None
        assert tangent.tolist() == [1, 3]
        z = forward_ad.make_dual(torch.tensor([1 + 2j]), torch.tensor([1j]))
        tangent = forward_ad.unpack_dual(z * z).tangent
        assert tangent is not None
        assert tangent.tolist() == [2j * (1 + 2j)]


def test_inference_mode_by_keyword() -> None:
    with torch.inference_mode(mode=False):
        assert not torch.is_inference_mode_enabled()

    @torch.inference_mode(mode=True)
    def inside() -> bool:
        return torch.is_inference_mode_enabled()

    assert inside()


# Importing

PROGRAM = """
import {0}tinygrad_lite as torch{1}
import {2}.autograd.gradcheck, {2}.nn.utils.weight_norm, {2}.multiprocessing.spawn
from {2}.nn.utils.spectral_norm import SpectralNorm
from {2}.nn.parallel.data_parallel import DataParallel
for function in (torch.autograd.gradcheck, torch.nn.utils.weight_norm, torch.nn.utils.spectral_norm,
                 torch.nn.parallel.data_parallel, torch.multiprocessing.spawn):
    assert type(function).__name__ == "function", function
torch.nn.utils.weight_norm = 3
assert torch.nn.utils.weight_norm == 3
"""


@pytest.mark.parametrize("name", ["torch", "tinygrad_lite"])
def test_importing_a_file_leaves_its_function(name: str) -> None:
    """Such as `torch.autograd.gradcheck`, which is a file's name and its function's."""
    alias = "; torch.as_torch()" if name == "torch" else ""
    program = PROGRAM.format("", alias, name)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=100)
