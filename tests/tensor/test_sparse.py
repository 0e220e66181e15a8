"""Sparse tensors: what PyTorch 2.13 gives, and what the dense tensors of the same numbers give."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lite as torch
from tinygrad_lite import nn

PLACES = torch.tensor([[0, 1, 1], [2, 0, 2]])
NUMBERS = torch.tensor([3.0, 4.0, 5.0])
SIZE = (2, 3)


def _matrix(values: Any = NUMBERS) -> Any:
    return torch.sparse_coo_tensor(PLACES, values, SIZE)


DENSE = torch.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("made", "values"),
    [
        (lambda: _matrix() @ DENSE, [[12, 15], [20, 29]]),
        (lambda: torch.mm(_matrix(), DENSE), [[12, 15], [20, 29]]),
        (lambda: torch.spmm(_matrix(), DENSE), [[12, 15], [20, 29]]),
        (lambda: torch.sparse.mm(_matrix(), DENSE), [[12, 15], [20, 29]]),
        (lambda: torch.matmul(_matrix(), DENSE), [[12, 15], [20, 29]]),
        (lambda: DENSE @ _matrix(), [[4, 0, 5], [12, 0, 21], [20, 0, 37]]),
        (lambda: torch.ones(2) @ _matrix(), [4, 0, 8]),
        (lambda: torch.mv(_matrix(), torch.ones(3)), [3, 9]),
        (lambda: (_matrix() @ _matrix().t()).to_dense(), [[9, 15], [15, 41]]),
        (lambda: torch.addmm(torch.ones(2, 2), _matrix(), DENSE), [[13, 16], [21, 30]]),
        (
            lambda: torch.sparse.addmm(torch.ones(2, 2), _matrix(), DENSE, beta=2),
            [[14, 17], [22, 31]],
        ),
        (
            lambda: (
                _matrix() @ torch.ones(3, 1)
                + nn.functional.linear(torch.ones(2, 1), -torch.ones(1, 1))
            ),
            [[2], [8]],
        ),
        (lambda: torch.ones(SIZE) + _matrix(), [[1, 1, 4], [5, 1, 6]]),
        (lambda: torch.ones(SIZE) - _matrix(), [[1, 1, -2], [-3, 1, -4]]),
        (lambda: torch.ones(SIZE).add_(_matrix(), alpha=2), [[1, 1, 7], [9, 1, 11]]),
        (lambda: torch.eye(2) + torch.eye(2).long().to_sparse(), [[2, 0], [0, 2]]),
        (lambda: (_matrix() + _matrix()).to_dense(), [[0, 0, 6], [8, 0, 10]]),
        (lambda: (_matrix() * 2 / 4).to_dense(), [[0, 0, 1.5], [2, 0, 2.5]]),
        (lambda: (2 * -_matrix()).to_dense(), [[0, 0, -6], [-8, 0, -10]]),
        (lambda: (_matrix() * torch.full(SIZE, 2.0)).to_dense(), [[0, 0, 6], [8, 0, 10]]),
        (lambda: (torch.tensor([1.0, 2, 3]) * _matrix()).to_dense(), [[0, 0, 9], [4, 0, 15]]),
        (lambda: [row.to_dense() for row in _matrix()][1], [4, 0, 5]),
        (lambda: torch.ones(SIZE) + torch.zeros_like(_matrix()), [[1, 1, 1], [1, 1, 1]]),
        (lambda: torch.sum(_matrix()), 12),
        (lambda: torch.sparse.sum(_matrix(), 0).to_dense(), [4, 0, 8]),
        (lambda: _matrix().sum(-1).to_dense(), [3, 9]),
        (lambda: _matrix().sum(1, keepdim=True).to_dense(), [[3], [9]]),
        (lambda: _matrix()[1].to_dense(), [4, 0, 5]),
        (lambda: _matrix()[0, 2], 3),
        (lambda: _matrix().T.to_dense(), [[0, 4], [0, 0], [3, 5]]),
        (lambda: _matrix().sqrt().values() ** 2, [3, 4, 5]),
        (lambda: torch.tensor(3.0).to_sparse().to_dense(), 3),
        (lambda: torch.tensor([[1.0, 0.0], [0.0, 0.0]]).to_sparse(1).values(), [[1, 0]]),
        (
            lambda: torch.sparse_coo_tensor([[0, 1]], [[1.0, 2], [3, 4]]).to_dense(),
            [[1, 2], [3, 4]],
        ),
        (lambda: torch.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 2.0]).to_dense(), [[0, 3]]),
        (lambda: torch.sparse.FloatTensor(PLACES, NUMBERS, torch.Size(SIZE))._values(), [3, 4, 5]),
        (lambda: torch.sparse.FloatTensor(2, 3).to_dense(), [[0, 0, 0], [0, 0, 0]]),
    ],
)
def test_values(made: Any, values: Any) -> None:
    found = made()
    assert type(found) is torch.Tensor
    torch.testing.assert_close(found, torch.tensor(values, dtype=torch.float32))


def test_softmax_is_among_what_is_named() -> None:
    rows = torch.sparse.softmax(_matrix(), dim=1)
    torch.testing.assert_close(rows.values(), torch.tensor([1.0, 0.2689414, 0.7310586]))
    columns = torch.sparse.log_softmax(_matrix(), 0)
    torch.testing.assert_close(
        columns.to_dense(), torch.tensor([[0, 0, -2.1269280], [0, 0, -0.1269280]])
    )
    assert _matrix(torch.tensor([1e4, 0, -1e4])).is_floating_point()
    far = torch.sparse.softmax(_matrix(torch.tensor([1e4, 1e4, -1e4])), 1).values()
    assert far.tolist() == [1, 1, 0]


def test_facts() -> None:
    x = _matrix()
    assert (x.is_sparse, x.layout, x.dtype, x.device.type) == (
        True, torch.sparse_coo, torch.float32, "cpu",
    )  # fmt: skip
    assert (x.ndim, x.dim(), x.numel(), len(x), x.shape, x.size(-1)) == (2, 2, 6, 2, SIZE, 3)
    assert (x.sparse_dim(), x.dense_dim(), x._nnz(), x.is_coalesced()) == (2, 0, 3, False)
    assert isinstance(x, torch.Tensor)
    assert torch.is_tensor(x)
    assert len({x, x}) == 1
    assert x.type() == "torch.sparse.FloatTensor"
    assert x.double().dtype is torch.float64
    assert x.to(torch.int32)._values().tolist() == [3, 4, 5]
    assert x.coalesce().is_coalesced()
    assert x.to_sparse() is x
    assert x.t().t().coalesce().indices().tolist() == PLACES.tolist()
    assert (
        torch.sparse_coo_tensor(PLACES.int(), NUMBERS, SIZE, dtype=torch.int64).dtype == torch.int64
    )


def test_what_is_named_twice_is_added() -> None:
    twice = torch.sparse_coo_tensor([[1, 0, 1], [0, 1, 0]], [1, 2, 4], (2, 2))
    with pytest.raises(RuntimeError, match="uncoalesced tensor"):
        twice.indices()
    once = twice.coalesce()
    assert once.indices().tolist() == [[0, 1], [1, 0]]
    assert once.values().tolist() == [2, 5]
    flags = torch.sparse_coo_tensor([[0, 0], [1, 1]], [True, True], (2, 2)).coalesce()
    assert flags.values().tolist() == [True]
    assert flags.to_dense().dtype == torch.bool


def test_printed() -> None:
    text = """tensor(indices=tensor([[0, 1, 1],
                       [2, 0, 2]]),
       values=tensor([3., 4., 5.]),
       size=(2, 3), nnz=3, layout=torch.sparse_coo)"""
    assert repr(_matrix()) == text
    double = text.replace("nnz=3,", "nnz=3, dtype=torch.float64,")
    assert repr(_matrix().double()) == double
    assert repr(torch.sparse_coo_tensor(size=(2, 3))) == (
        """tensor(indices=tensor([], size=(2, 0)),
       values=tensor([], size=(0,)),
       size=(2, 3), nnz=0, layout=torch.sparse_coo)"""
    )


def test_gradients_reach_the_numbers_and_what_is_dense() -> None:
    numbers, dense = NUMBERS.clone().requires_grad_(), DENSE.clone().requires_grad_()
    assert _matrix(numbers).requires_grad
    (_matrix(numbers) @ dense).sum().backward()
    assert numbers.grad.tolist() == [9, 1, 9]
    assert dense.grad.tolist() == [[4, 4], [0, 0], [8, 8]]


def test_of_a_dense_tensor_a_product_reaches_all_and_sparse_mm_what_is_named() -> None:
    """As in PyTorch: `sparse.mm` is the product that knows a mask."""
    for product, slope in (
        (torch.sparse.mm, [[1, 0], [1, 1]]),
        (torch.mm, [[1, 1], [1, 1]]),
        (lambda a, b: a.to_dense() @ b, [[1, 0], [1, 1]]),
        (lambda a, b: a.double() @ b.double(), [[1, 1], [1, 1]]),
    ):
        x = torch.tensor([[1.0, 0.0], [2.0, 3.0]], requires_grad=True)
        product(x.to_sparse(), torch.ones(2, 1)).sum().backward()
        assert x.grad.tolist() == slope


@pytest.mark.parametrize(
    ("call", "slope"),
    [
        (lambda s, b: (s * 2) @ b, [[2, 4], [2, 4]]),
        (lambda s, b: (2 * s) @ b, [[2, 4], [2, 4]]),
        (lambda s, b: (s / 2) @ b, [[0.5, 1], [0.5, 1]]),
        (lambda s, b: (-s) @ b, [[-1, -2], [-1, -2]]),
        (lambda s, b: (s + s) @ b, [[2, 4], [2, 4]]),
        (lambda s, b: (s - 3 * s) @ b, [[-2, -4], [-2, -4]]),
        (lambda s, b: (s + _pair()) @ b, [[1, 2], [1, 2]]),
        (lambda s, b: (s * torch.tensor([[1.0, 2], [3, 4]])) @ b, [[1, 4], [3, 8]]),
        (lambda s, b: torch.addmm(b, s, b, alpha=3), [[3, 6], [3, 6]]),
        (lambda s, b: torch.sparse.addmm(b, s, b, alpha=3), [[3, 0], [3, 6]]),
        (lambda s, b: torch.sparse.mm(s * 2, b), [[2, 0], [2, 4]]),
        (lambda s, b: (s * 2).to_dense() @ b, [[2, 0], [2, 4]]),
        (lambda s, b: s.sum(), [[1, 1], [1, 1]]),
        (lambda s, b: (s * 2).sum(), [[2, 2], [2, 2]]),
        (lambda s, b: torch.sparse.sum(s), [[1, 0], [1, 1]]),
        (lambda s, b: s.square() @ b, [[2, 0], [4, 12]]),
    ],
)
def test_what_is_linear_in_it_reaches_all_too(call: Any, slope: Any) -> None:
    x = torch.tensor([[1.0, 0.0], [2.0, 3.0]], requires_grad=True)
    call(x.to_sparse(), torch.tensor([[1.0], [2.0]])).sum().backward()
    assert x.grad.tolist() == slope


def test_keeps_what_the_dense_tensor_was() -> None:
    """A step of an optimizer between, or a change in place, is not seen; nor a gradient made."""
    x = torch.tensor([[1.0, 0.0], [2.0, 3.0]], requires_grad=True)
    s = x.to_sparse()
    with torch.no_grad():
        plain = x.to_sparse()
        x.mul_(10)
    y = s @ torch.tensor([[1.0], [2.0]])
    assert y.tolist() == [[1], [8]]
    assert (torch.zeros(2, 2) + s).tolist() == [[1, 0], [2, 3]]
    assert (s.t() @ torch.ones(2, 1)).tolist() == [[3], [3]]
    assert s.sum() == 6
    y.sum().backward()
    assert x.grad.tolist() == [[1, 2], [1, 2]]
    assert not (plain @ torch.ones(2, 1)).requires_grad
    assert not plain.sum().requires_grad


def _pair() -> Any:
    return torch.sparse_coo_tensor([[0, 1], [1, 1]], [1.0, 1.0], (2, 2))


def test_integers_summed_along_a_dimension() -> None:
    """`torch.sparse.sum` keeps their dtype, and wraps; the method's are int64."""
    x = torch.sparse_coo_tensor([[0, 0], [0, 1]], [200, 200], (1, 2), dtype=torch.uint8)
    for found, value, dtype in (
        (torch.sparse.sum(x, 1), 144, torch.uint8),
        (x.sum(1), 400, torch.int64),
        (torch.sum(x), 400, torch.int64),
        (x.sum(1, dtype=torch.float32), 400, torch.float32),
    ):
        assert found.dtype == dtype
        assert (found.to_dense() if found.is_sparse else found).item() == value


def test_no_place_or_one_is_in_order() -> None:
    """So that `values` need no `coalesce`."""
    assert torch.sparse_coo_tensor([[1], [0]], [3.0], (2, 2)).values().tolist() == [3]
    assert torch.sparse_coo_tensor((2, 2)).is_coalesced()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_as_dense(data: st.DataObject) -> None:
    n, m, k, count = (data.draw(st.integers(1, 4)) for _ in range(4))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    places = torch.stack([torch.randint(0, n, (count,)), torch.randint(0, m, (count,))])
    values = torch.randn(count, dtype=torch.float64, requires_grad=True)
    dense = torch.randn(m, k, dtype=torch.float64, requires_grad=True)
    sparse = torch.sparse_coo_tensor(places, values, (n, m))
    full = torch.zeros(n, m, dtype=torch.float64).index_put(tuple(places), values, accumulate=True)
    torch.testing.assert_close(sparse.to_dense(), full)
    torch.testing.assert_close(sparse.coalesce().to_dense(), full)
    torch.testing.assert_close(sparse @ dense, full @ dense)
    torch.testing.assert_close((sparse @ sparse.t()).to_dense(), full @ full.t())
    torch.testing.assert_close(torch.sparse.sum(sparse, 0).to_dense(), full.sum(0))

    def product(v: Any, d: Any) -> Any:
        made = torch.sparse_coo_tensor(places, v, (n, m))
        return torch.sparse.softmax(made, 1) @ d

    assert torch.autograd.gradcheck(product, (values, dense))
    assert torch.autograd.gradgradcheck(product, (values, dense))


def test_graph_convolution() -> None:
    """A layer as Kipf and Welling's, its adjacency a buffer that moves with the module."""

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3, 1))
            self.register_buffer("adjacency", torch.eye(2).to_sparse(), persistent=False)

        def forward(self, x: Any) -> Any:
            return torch.spmm(self.adjacency, x @ self.weight)

    layer = Layer().double()
    assert layer.adjacency.dtype is torch.float64
    assert layer.adjacency.is_sparse
    layer(torch.ones(2, 3, dtype=torch.float64)).sum().backward()
    assert layer.weight.grad.tolist() == [[2], [2], [2]]
    assert not layer.state_dict().keys() - {"weight"}
    assert copy.deepcopy(layer).adjacency.values().tolist() == [1, 1]
    assert layer.adjacency.to(torch.float64) is layer.adjacency
    layer.register_buffer("other", _matrix())
    layer.load_state_dict({**layer.state_dict(), "other": _matrix(torch.ones(3))})
    assert layer.other.coalesce().values().tolist() == [1, 1, 1]
    with pytest.raises(RuntimeError, match="copy_"):
        layer.other.copy_(torch.ones(SIZE))


def test_kept_by_a_function() -> None:
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, values: Any, b: Any) -> Any:
            a = _matrix(values)
            ctx.a = a
            ctx.save_for_backward(b)
            return a @ b

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (b,) = ctx.saved_tensors
            return (g @ b.t())[tuple(ctx.a._indices())], ctx.a.t() @ g

    numbers, dense = NUMBERS.clone().requires_grad_(), DENSE.clone().requires_grad_()
    Product.apply(numbers, dense).sum().backward()
    assert numbers.grad.tolist() == [9, 1, 9]
    assert dense.grad.tolist() == [[4, 4], [0, 0], [8, 8]]


def test_copied_and_pickled() -> None:
    for made in (copy.deepcopy(_matrix()), pickle.loads(pickle.dumps(_matrix()))):
        assert repr(made) == repr(_matrix())


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: x.exp(), NotImplementedError, "exp: not implemented for sparse"),
        (lambda x: torch.softmax(x, 1), NotImplementedError, "softmax: not implemented"),
        (lambda x: x > 0, NotImplementedError, "not implemented for sparse"),
        (lambda x: x.view(3, 2), NotImplementedError, "view"),
        (lambda x: x.mul_(2), NotImplementedError, "mul_"),
        (lambda x: nn.functional.relu6(x), NotImplementedError, "sparse"),
        (lambda x: nn.ReLU()(x[:1]), NotImplementedError, "an index must be an int"),
        (lambda x: nn.Parameter(x), NotImplementedError, "sparse"),
        (lambda x: nn.Linear(3, 2)(torch.ones(3)) * x, RuntimeError, "expand"),
        (lambda x: x.numpy(), TypeError, "to_dense"),
        (lambda x: x.tolist(), RuntimeError, "storage"),
        (lambda x: x.item(), RuntimeError, "6 elements"),
        (lambda x: bool(x), RuntimeError, "ambiguous"),
        (lambda x: x + torch.ones(SIZE), RuntimeError, "add\\(sparse, dense\\)"),
        (lambda x: x / torch.ones(SIZE), RuntimeError, "divided by a number"),
        (lambda x: x @ torch.ones(2, 2), RuntimeError, "cannot be multiplied"),
        (lambda x: x @ DENSE.double(), RuntimeError, "one dtype"),
        (lambda x: x.requires_grad_(), NotImplementedError, "their values require"),
        (lambda x: torch.eye(2).to_sparse(layout=torch.sparse_csr), NotImplementedError, "csr"),
        (lambda x: torch.sparse_coo_tensor([[5], [0]], [1.0], SIZE), RuntimeError, "beyond"),
        (lambda x: torch.sparse_coo_tensor([[-1], [0]], [1.0], SIZE), RuntimeError, "beyond"),
        (lambda x: torch.sparse_coo_tensor([[0], [0]], [1.0, 2.0], SIZE), RuntimeError, "nnz"),
        (lambda x: torch.sparse_coo_tensor([[0], [0]], [1.0], (2,)), RuntimeError, "does not fit"),
    ],
)
def test_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(_matrix())
