"""Compositions of other operations, and what changes a tensor's shape in place.

`tests/parity` compares them with PyTorch on drawn calls; here are values that need no PyTorch, both
devices, gradients of both orders, and the errors.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.op_table import leaves, to_numpy
from tinygrad_lite import nn
from tinygrad_lite.autograd import gradcheck, gradgradcheck


def normal(*shape: int) -> Any:
    """Normal numbers, the same ones for a shape."""
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def _cdist(a: Any, b: Any) -> Any:
    return np.sqrt(((a[..., :, None, :] - b[..., None, :, :]) ** 2).sum(-1))


def _renormed(x: Any) -> Any:
    size = np.sqrt((x**2).sum(1, keepdims=True))
    return np.where(size > 1, x / (size + 1e-7), x)


Case = tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]
CASES: dict[str, Case] = {
    "einsum": (lambda a, b: torch.einsum("bqhd,bkhd->bhqk", a, b),
               lambda a, b: np.einsum("bqhd,bkhd->bhqk", a, b),
               (normal(2, 3, 2, 4), normal(2, 5, 2, 4))),
    "einsum of three": (lambda a, b, c: torch.einsum("bn,anm,bm->ba", a, b, c),
                        lambda a, b, c: np.einsum("bn,anm,bm->ba", a, b, c),
                        (normal(2, 3), normal(4, 3, 2), normal(2, 2))),
    "einsum, diagonal": (lambda a: torch.einsum("...ii->...i", a),
                         lambda a: np.einsum("...ii->...i", a), (normal(2, 3, 3),)),
    "tensordot": (lambda a, b: torch.tensordot(a, b, ([0, 1], [1, 0])),
                  lambda a, b: np.tensordot(a, b, ([0, 1], [1, 0])),
                  (normal(2, 3, 4), normal(3, 2))),
    "cdist": (torch.cdist, _cdist, (normal(2, 3, 2), normal(4, 2))),
    "cdist by products": (torch.cdist, _cdist, (normal(27, 2), normal(2, 2))),
    "renorm": (lambda x: x.renorm(2, 0, 1.0), _renormed, (normal(3, 4),)),
    "cross": (lambda a, b: a.cross(b), np.cross, (normal(2, 3), normal(3, 2).T)),
    "cov": (lambda x: x.cov(), np.cov, (normal(3, 5),)),
    "corrcoef": (lambda x: x.corrcoef() * 2, lambda x: np.corrcoef(x) * 2, (normal(2, 5),)),
    "diff": (lambda x: x.diff(2, 0), lambda x: np.diff(x, 2, 0), (normal(4, 2),)),
    "trapezoid": (torch.trapezoid, np.trapezoid, (normal(2, 4), np.array([0.0, 1, 3, 4]))),
    "gradient": (lambda x: torch.gradient(x, spacing=2.0, edge_order=2)[0],
                 lambda x: np.gradient(x, 2.0, edge_order=2), (normal(6),)),
    "block_diag": (torch.block_diag, lambda a, b: np.block([
        [a, np.zeros((2, 2))], [np.zeros((1, 3)), b]]), (normal(2, 3), normal(1, 2))),
    "vander": (lambda x: torch.vander(x, 4), lambda x: np.vander(x, 4), (normal(3),)),
    "diagflat": (lambda x: x.diagflat(1), lambda x: np.diagflat(x, 1), (normal(2, 2),)),
    "addbmm": (lambda c, a, b: c.addbmm(a, b, beta=0.5, alpha=2),
               lambda c, a, b: 0.5 * c + 2 * (a @ b).sum(0),
               (normal(2, 2), normal(3, 2, 4), normal(3, 4, 2))),
    "addr": (lambda c, a, b: c.addr(a, b), lambda c, a, b: c + np.outer(a, b),
             (normal(2, 3), normal(2), normal(3))),
    "slice_scatter": (lambda x, y: x.slice_scatter(y, 0, 1, 3), lambda x, y: np.concatenate(
        [x[:1], y, x[3:]]), (normal(4, 2), normal(2, 2))),
    "put": (lambda x, y: x.put(torch.tensor([1, 5], device=x.device), y, accumulate=True),
            lambda x, y: x + np.array([[0, y[0], 0], [0, 0, y[1]]]), (normal(2, 3), normal(2))),
    "sum_to_size": (lambda x: x.sum_to_size(1, 3), lambda x: x.sum((0, 1))[None],
                    (normal(2, 4, 3),)),
    "logaddexp2": (torch.logaddexp2, np.logaddexp2, (normal(3), normal(3) + 1)),
    "matrix_norm": (lambda x: torch.linalg.matrix_norm(x, "nuc"),
                    lambda x: np.linalg.svd(x)[1].sum(-1), (normal(2, 3),)),
    "cond": (torch.linalg.cond, np.linalg.cond, (normal(3, 3),)),
    "lstsq": (lambda a, b: torch.linalg.lstsq(a, b).solution,
              lambda a, b: np.linalg.lstsq(a, b)[0], (normal(5, 2), normal(5, 3))),
    "solve_triangular": (lambda a, b: torch.linalg.solve_triangular(a + 3, b, upper=True),
                         lambda a, b: np.linalg.solve(np.triu(a + 3), b),
                         (normal(3, 3), normal(3, 2))),
    "multi_dot": (lambda *xs: torch.linalg.multi_dot(xs), lambda *xs: np.linalg.multi_dot(xs),
                  (normal(2, 3), normal(3, 4), normal(4))),
    "vecdot": (torch.linalg.vecdot, lambda a, b: (a * b).sum(-1), (normal(2, 3), normal(3))),
    "quantile of several": (lambda x: x.quantile(torch.tensor([0.1, 0.5], dtype=x.dtype,
                            device=x.device), 1), lambda x: np.quantile(x, [0.1, 0.5], 1),
                            (normal(2, 5),)),
    "log_ndtr": (torch.special.log_ndtr, np.vectorize(
        lambda x: math.log(math.erfc(-x / math.sqrt(2)) / 2)), (np.array([-8.0, -2, 0.3, 4]),)),
    "entr": (torch.special.entr, lambda x: -x * np.log(x), (abs(normal(4)),)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradients(name: str, device: str) -> None:
    ours, reference, arrays = CASES[name]
    tensors = leaves(arrays, device)
    np.testing.assert_allclose(to_numpy(ours(*tensors)), reference(*arrays), rtol=1e-9, atol=1e-10)
    gradcheck(ours, tensors)
    gradgradcheck(ours, tensors)


WHOLE: dict[str, tuple[Callable[..., Any], Any]] = {
    "gcd": (lambda d: torch.tensor([4, 6], device=d).gcd(torch.tensor([6, 9], device=d)), [2, 3]),
    "lcm": (lambda d: torch.tensor([4, 6], device=d).lcm(torch.tensor([6, 9], device=d)), [12, 18]),
    "heaviside": (lambda d: torch.tensor([-1.0, 0, 2], device=d).heaviside(
        torch.tensor([0.5], device=d)), [0, 0.5, 1]),
    "nextafter": (lambda d: torch.tensor([1.0], device=d).nextafter(
        torch.tensor([2.0], device=d)), [1 + 2**-23]),
    "searchsorted": (lambda d: torch.searchsorted(torch.tensor([[1, 3, 5], [0, 0, 2]], device=d),
        torch.tensor([[3, 9], [0, 1]], device=d)), [[1, 3], [0, 2]]),
    "searchsorted, right": (lambda d: torch.searchsorted(torch.tensor([1, 3, 5], device=d),
        torch.tensor([3, 0], device=d), right=True), [2, 0]),
    "bucketize": (lambda d: torch.bucketize(torch.tensor([0.5, 2, 9], device=d),
        torch.tensor([1.0, 2, 3], device=d)), [0, 1, 3]),
    "histc": (lambda d: torch.tensor([0.0, 1, 1, 4, 9], device=d).histc(4, 0, 4), [1, 2, 0, 1]),
    "isin": (lambda d: torch.isin(torch.tensor([1, 2, 3], device=d),
        torch.tensor([2, 9], device=d)), [False, True, False]),
    "isposinf": (lambda d: torch.tensor([math.inf, -math.inf], device=d).isposinf(), [True, False]),
    "isneginf": (lambda d: torch.tensor([math.inf, -math.inf], device=d).isneginf(), [False, True]),
    "angle": (lambda d: torch.tensor([2.0, -1], device=d).angle() / math.pi, [0, 1]),
    "unique_consecutive": (lambda d: torch.tensor([1, 1, 2, 1], device=d).unique_consecutive(),
        [1, 2, 1]),
    "unique rows": (lambda d: torch.tensor([[2, 1], [0, 3], [2, 1]], device=d).unique(dim=0),
        [[0, 3], [2, 1]]),
    "combinations": (lambda d: torch.combinations(torch.tensor([1, 2, 3], device=d)),
        [[1, 2], [1, 3], [2, 3]]),
    "mode": (lambda d: torch.tensor([[3, 1, 3, 1, 2]], device=d).mode().indices, [3]),
    "cummax": (lambda d: torch.tensor([1, 3, 2, 3], device=d).cummax(0).indices, [0, 1, 1, 3]),
    "matrix_rank": (lambda d: torch.linalg.matrix_rank(torch.ones(3, 3, device=d)), 1),
    "index_reduce": (lambda d: torch.ones(2, device=d).index_reduce(0, torch.tensor([0, 0],
        device=d), torch.tensor([2.0, 3], device=d), "amax"), [3, 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_what_has_no_gradient(name: str, device: str) -> None:
    call, wanted = WHOLE[name]
    np.testing.assert_allclose(to_numpy(call(device)), wanted, rtol=1e-6)


def test_what_is_real_of_fft(device: str) -> None:
    found = torch.fft.fftfreq(5, 0.5, device=device)
    np.testing.assert_allclose(to_numpy(found), np.fft.fftfreq(5, 0.5), rtol=1e-6)
    assert to_numpy(torch.fft.rfftfreq(4, dtype="float64")).tolist() == [0, 0.25, 0.5]
    x = torch.tensor(normal(3, 4), device=device, requires_grad=True)
    y = torch.fft.fftshift(x, dim=1)
    np.testing.assert_array_equal(to_numpy(y), np.fft.fftshift(normal(3, 4), 1))
    np.testing.assert_array_equal(to_numpy(torch.fft.ifftshift(torch.fft.fftshift(x))), to_numpy(x))
    (g,) = torch.autograd.grad(y[:, 2].sum(), x)
    assert to_numpy(g).tolist() == [[1, 0, 0, 0]] * 3


# Reshapes in place.

RESHAPES = [("t_", ()), ("squeeze_", (0,)), ("unsqueeze_", (1,)), ("transpose_", (0, 1)),
            ("swapaxes_", (0, 1)), ("swapdims_", (0, -1))]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), RESHAPES)
def test_a_reshape_in_place_is_the_tensor_itself(name: str, args: Any, device: str) -> None:
    x = torch.tensor(normal(1, 3), device=device, requires_grad=True)
    weight = torch.tensor(normal(3, 1), device=device)
    y = x * 2
    memory = y.detach()
    wanted = getattr(x.detach() * 2, name[:-1])(*args)
    assert getattr(y, name)(*args) is y
    np.testing.assert_array_equal(to_numpy(y), to_numpy(wanted))
    y.mul_(3)  # still the same memory, and the same graph
    np.testing.assert_allclose(to_numpy(memory).ravel(), to_numpy(wanted).ravel() * 3)
    (y.reshape(3, 1) * weight).sum().backward()
    np.testing.assert_allclose(to_numpy(x.grad), normal(3, 1).T * 6)


def test_reshapes_in_place_of_leaves_and_of_bases_raise_where_they_would_mislead() -> None:
    x = torch.ones(2, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="t_: a leaf Variable that requires grad"):
        x.t_()
    base = x * 1
    view = base[0]
    base.t_()
    base.mul_(2)
    with pytest.raises(RuntimeError, match="a view's base was changed in place"):
        view.sum().backward()


# Draws in place.


def test_draws_in_place_have_their_distributions() -> None:
    torch.manual_seed(0)
    x = torch.empty(20_000, dtype="float64")
    assert x.exponential_(2).mean().item() == pytest.approx(0.5, rel=0.05)
    assert x.geometric_(0.25).mean().item() == pytest.approx(4, rel=0.05)
    assert x.amin().item() == 1
    assert x.log_normal_(0, 0.5).log().std().item() == pytest.approx(0.5, rel=0.05)
    assert x.cauchy_(3, 0.1).median().item() == pytest.approx(3, rel=0.01)
    counts = x.random_(2, 5).unique(return_counts=True)[1]
    assert counts.tolist() == pytest.approx([20_000 / 3] * 3, rel=0.05)
    whole = torch.empty(100, dtype="uint8").random_()
    assert 200 < whole.amax().item() <= 255


def test_diagonals_and_functions_in_place() -> None:
    x = torch.zeros(4, 2)
    assert x.fill_diagonal_(1, wrap=True).tolist() == [[1, 0], [0, 1], [0, 0], [1, 0]]
    assert torch.ones(2).apply_(lambda v: v + 1).tolist() == [2, 2]
    assert torch.ones(2).map_(torch.tensor([1.0, 2]), lambda a, b: a - b).tolist() == [0, -1]


# Errors.

REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: torch.einsum("ij,jk", torch.ones(2, 3)), RuntimeError, "2 sets of subscripts .* 1"),
    (lambda: torch.einsum("ij->ik", torch.ones(2, 3)), RuntimeError, "'k' stands in the output"),
    (lambda: torch.einsum("ij,jk", torch.ones(2, 3), torch.ones(2, 2)), RuntimeError, "size 2"),
    (lambda: torch.linalg.inv(torch.zeros(2, 2)), torch.linalg.LinAlgError, "linalg.inv: Singular"),
    (lambda: torch.linalg.cholesky(-torch.ones(1, 1)), torch.linalg.LinAlgError, "positive"),
    (lambda: torch.linalg.inv(torch.ones(2, 3)), RuntimeError, r"must be square.*\(2, 3\)"),
    (lambda: torch.ones(3).kthvalue(4), RuntimeError, "k=4 is out of range"),
    (lambda: torch.ones(3).quantile(2.0), RuntimeError, "from 0 to 1, but is 2.0"),
    (lambda: torch.ones(2).cross(torch.ones(2)), RuntimeError, "no dimension of size 3"),
    (lambda: torch.linalg.qr(torch.ones(3, 2, requires_grad=True), "complete").Q.sum().backward(),
     RuntimeError, "mode='complete' and m > n"),
    (lambda: torch.linalg.svd(torch.ones(2, 3, requires_grad=True))[0].sum().backward(),
     RuntimeError, "full_matrices=False alone"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_errors_name_the_operation_and_the_values(number: int) -> None:
    call, kind, text = REFUSED[number]
    with pytest.raises(kind, match=text):
        call()


@pytest.mark.parametrize(
    ("owner", "name", "text"),
    [
        (torch, "einsumm", "module 'tinygrad_lite' .*missing here.*nearest: einsum"),
        (torch.ones(1), "resize", "Tensor has no attribute 'resize'.*nearest: .*resize_"),
        (torch.ones(1), "to_sparse_csr", "of sparse tensors"),
        (nn, "Conv2D", "nearest: .*Conv2d"),
        (nn.functional, "softmx", "nearest: softmax"),
        (nn.init, "xavier_unifrm_", "nearest: xavier_uniform_"),
        (torch.optim, "Adan", "nearest: Adam"),
        (torch.optim.lr_scheduler, "StepLRR", "nearest: StepLR"),
        (torch.linalg, "ldl_factor", "neither NumPy nor CuPy has these factors"),
        (torch.fft, "rftt", "nearest: .*rfft"),
        (torch.special, "erfi", "nearest: .*erf"),
        (torch.utils.data, "DataLoadr", "nearest: DataLoader"),
    ],
)
def test_a_missing_name_says_so_and_what_is_near(owner: Any, name: str, text: str) -> None:
    assert not hasattr(owner, name)
    with pytest.raises(AttributeError, match=text):
        getattr(owner, name)


def test_names_are_looked_for_only_when_the_message_is_read() -> None:
    class Counted(list[str]):
        read = 0

        def __call__(self) -> Counted:
            type(self).read += 1
            return self

    names = Counted(["near"])
    error = torch.absent.MissingName("module 'm'", "nera", names)
    assert names.read == 0
    assert "nearest: near" in str(error)
    assert names.read == 1


def test_einsum_is_products_not_loops() -> None:
    """Every pair of operands becomes one product: the graph has as many of them."""
    from tests.ops.test_values import rules_of

    a, b = (torch.ones(2, 3, 4, requires_grad=True) for _ in range(2))
    y = torch.einsum("bij,bkj->bik", a, b)
    assert "matmul" in rules_of((y,))
    assert "mul" not in rules_of((y,))


def test_chains_are_multiplied_in_the_cheapest_order() -> None:
    sizes = [30, 1, 40, 10, 25]
    parts = [normal(n, m) for n, m in itertools.pairwise(sizes)]
    y = torch.chain_matmul(*(torch.tensor(p) for p in parts))
    np.testing.assert_allclose(to_numpy(y), np.linalg.multi_dot(parts), rtol=1e-10)


def test_reading_attributes_of_tensors_takes_no_detour() -> None:
    """With `__getattr__` Python 3.11 reads each at five times the cost."""
    assert not any("__getattr__" in vars(base) for base in torch.Tensor.__mro__)


def test_a_program_may_use_names_that_are_missing() -> None:
    x = torch.ones(1)
    x.values = 3
    assert x.values == 3
    assert "values" in dir(x)
    assert "values" not in dir(torch.ones(1))
    assert not hasattr(torch.Tensor, "values")
