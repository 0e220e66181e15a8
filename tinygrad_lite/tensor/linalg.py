"""Matrix products, diagonals and triangles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace, numpy
from ..backend.dtypes import DIFFERENTIABLE, is_half
from ..graph import mode
from ..ops import linalg as ops
from ..ops.elementwise import mul
from .apply import apply
from .autocast import as_it_is, one_dtype
from .base import TensorBase, new
from .dims import axis, whole
from .operation import public, refuse
from .promote import coefficient, pair
from .shown import lasting

if TYPE_CHECKING:
    from .tensor import Tensor


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product, batched over leading dimensions; vectors as in PyTorch.

    Args:
        other: (K), (K, M) or (…, K, M) for input (K), (N, K) or (…, N, K).

    Raises:
        RuntimeError: sizes or dtypes that do not fit, or a 0-d operand.
        TypeError: other is not a tensor.

    Example:
        >>> a, b = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0])
        >>> a @ b
        tensor([21., 43.])
        >>> (torch.zeros(5, 2, 3) @ torch.zeros(3, 4)).shape
        torch.Size([5, 2, 4])
    """
    if not isinstance(other, TensorBase):
        raise TypeError(f"matmul: expected a Tensor, but got {type(other).__name__}")
    rows, columns = other.array.shape, input.array.shape
    if not rows or not columns:
        raise RuntimeError(
            "matmul: both arguments need to be at least 1D, but they are "
            f"{input.ndim}D and {other.ndim}D"
        )
    _check("matmul", input, other, columns[-1], rows[-2] if len(rows) > 1 else rows[0])
    a: Any = input.unsqueeze(0) if len(columns) == 1 else input
    b: Any = other.unsqueeze(1) if len(rows) == 1 else other
    y = apply(ops.matmul, a, b)
    if len(rows) == 1:
        y = y.squeeze(-1)
    return y.squeeze(-1 if len(rows) == 1 else -2) if len(columns) == 1 else y


def _operator_matmul(input: Tensor, other: Any) -> Tensor:
    """The matrix product input @ other, of a NumPy array too, as the other operators take one."""
    if isinstance(other, numpy.ndarray):
        return matmul(*pair("matmul", input, other))
    return matmul(input, other)


_operator_matmul.__name__ = "matmul"  # as classes that take it over are told


def _reflected_matmul(input: Tensor, other: Any) -> Tensor:
    """The matrix product other @ input of two tensors, or of a NumPy array and a tensor."""
    if isinstance(other, numpy.ndarray):
        return matmul(*pair("matmul", other, input))
    fits = isinstance(other, TensorBase)
    return matmul(other, input) if fits else NotImplemented


def _check(name: str, a: TensorBase, b: TensorBase, columns: int, rows: int) -> None:
    """Refuse two dtypes, booleans, and another number of columns than of rows."""
    if a.array.dtype != b.array.dtype and not one_dtype(a, b):
        raise RuntimeError(
            f"{name}: expected both to have the same dtype, but got {a.dtype} and {b.dtype}"
        )
    if columns != rows:
        raise RuntimeError(
            f"{name}: shapes {tuple(a.shape)} and {tuple(b.shape)} cannot be multiplied "
            f"({columns} columns "
            f"against {rows} rows)"
        )
    if a.array.dtype.kind == "b":
        refuse(name, a)


def _product(input: Tensor, name: str, other: Tensor, own: int, theirs: int) -> Tensor:
    """The product of two tensors, which must have `own` and `theirs` dimensions."""
    for x in (input, other):
        if not isinstance(x, TensorBase):
            raise TypeError(f"{name}: expected a Tensor, but got {type(x).__name__}")
    if input.ndim != own or other.ndim != theirs:
        raise RuntimeError(
            f"{name}: expected {own}D and {theirs}D tensors, but got shapes "
            f"{tuple(input.shape)} and "
            f"{tuple(other.shape)}"
        )
    _check(name, input, other, input.shape[-1], other.shape[-2] if theirs > 1 else other.shape[0])
    if theirs == 3 and input.shape[0] != other.shape[0]:
        raise RuntimeError(
            f"{name}: expected batches of one size, but got shapes {tuple(input.shape)} and "
            f"{tuple(other.shape)}"
        )
    return matmul(input, other)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product (n, m) of two matrices (n, k) and (k, m)."""
    return _product(input, "mm", mat2, 2, 2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products (B, n, m) of two batches of matrices (B, n, k) and (B, k, m).

    Example:
        >>> torch.bmm(torch.ones(10, 2, 3), torch.ones(10, 3, 4)).shape
        torch.Size([10, 2, 4])
    """
    return _product(input, "bmm", mat2, 3, 3)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product (n) of a matrix (n, k) and a vector (k)."""
    return _product(input, "mv", vec, 2, 1)


@as_it_is
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The inner product Σ aᵢ bᵢ of two vectors.

    Example:
        >>> torch.dot(torch.tensor([1, 2]), torch.tensor([3, 4]))
        tensor(11)
    """
    return _product(input, "dot", tensor, 1, 1)


@as_it_is
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The inner product Σ āᵢ bᵢ of two vectors, of which the first is conjugated."""
    return _product(input.conj(), "vdot", other, 1, 1)


def inner(input: Tensor, other: Tensor) -> Tensor:
    """The sum of products over the last dimension of both; with a 0-d tensor, the product."""
    if not input.ndim or not other.ndim:
        return apply(mul, *pair("inner", input, other))
    _check("inner", input, other, input.shape[-1], other.shape[-1])
    if input.ndim == other.ndim == 1:
        return dot(input, other)
    flat = input.reshape(-1, input.shape[-1]) if input.numel() else input
    if not input.numel() or not other.numel():
        shape = input.shape[:-1] + other.shape[:-1]
        return (input.sum() + other.sum()).to(input.dtype).expand(shape).clone()
    y = matmul(flat, other.reshape(-1, other.shape[-1]).t())
    return y.reshape(input.shape[:-1] + other.shape[:-1])


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The outer product (n, m) of two vectors (n) and (m): the elements aᵢ bⱼ.

    Example:
        >>> torch.outer(torch.tensor([1, 2]), torch.tensor([3, 4]))
        tensor([[3, 4],
                [6, 8]])
    """
    if input.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(
            f"outer: expected vectors, but got {tuple(input.shape)} and {tuple(vec2.shape)}"
        )
    a, b = pair("outer", input.unsqueeze(1), vec2)
    return apply(mul, a, b)


ger = outer


def _added(name: str, input: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """beta · input + alpha · product; beta = 0 leaves the input out, even where it is NaN."""
    if input.dtype != product.dtype and not one_dtype(input, product):
        raise RuntimeError(
            f"{name}: input and the product must have the same dtype, but got {input.dtype} and "
            f"{product.dtype}"
        )
    if product.dtype.kind not in DIFFERENTIABLE:
        beta, alpha = int(beta), int(alpha)
    for factor in (beta, alpha) if product.array.size else ():
        coefficient(name, factor, product)
    try:
        spread = input.expand(product.shape)
    except RuntimeError:
        raise RuntimeError(
            f"{name}: an input of shape {tuple(input.shape)} does not broadcast to the product's "
            f"shape {tuple(product.shape)}"
        ) from None
    scaled = product if alpha == 1 else product * alpha
    if beta == 0:
        return scaled + _zeros_of(spread)
    return (spread if beta == 1 else spread * beta) + scaled


def _multiplied(
    name: str,
    input: Tensor,
    left: Tensor,
    right: Tensor,
    dims: tuple[int, int],
    beta: float,
    alpha: float,
) -> Tensor:
    """beta · input + alpha · left right, of matrices with these numbers of dimensions.

    In 16 bits it is rounded once, as by PyTorch's kernels: a product that was rounded before may
    have lost what the sum leaves of it. Not so on a GPU, whose units multiply 16 bits. `autocast`
    gives the sum the product's dtype.
    """
    if _in_float32(input, left, right):
        product = _product(left.float(), name, right.float(), *dims)
        return _added(name, input.float(), product, beta, alpha).to(input.dtype)
    product = _product(left, name, right, *dims)
    out = _added(name, input, product, beta, alpha)
    return out if out.dtype == product.dtype else out.to(product.dtype)


def _in_float32(*tensors: Any) -> bool:
    """Whether all have the same 16 bits, where products of them are calculated in float32."""
    if mode.cast is not None or not all(isinstance(t, TensorBase) for t in tensors):
        return False
    dtype = tensors[0].array.dtype
    same = is_half(dtype) and all(t.array.dtype == dtype for t in tensors)
    return same and tensors[0].device.type != "cuda"


def _zeros_of(input: Tensor) -> Tensor:
    """Zeros in place of all elements, also of NaN, from which a gradient of zeros goes back."""
    return input.masked_fill(input.eq(input) | input.ne(input), 0)


def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta · input + alpha · mat1 mat2; input broadcasts.

    Example:
        >>> torch.addmm(torch.ones(2), torch.eye(2), torch.eye(2))
        tensor([[2., 1.],
                [1., 2.]])
    """
    return _multiplied("addmm", input, mat1, mat2, (2, 2), beta, alpha)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · mat vec; input broadcasts."""
    return _multiplied("addmv", input, mat, vec, (2, 1), beta, alpha)


def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta · input + alpha · batch1 batch2; input broadcasts."""
    return _multiplied("baddbmm", input, batch1, batch2, (3, 3), beta, alpha)


def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: in place of each element of the input, other times that element."""
    n = max(input.ndim, other.ndim)
    a, b = ((1,) * (n - x.ndim) + x.shape for x in (input, other))
    spread = input.reshape(tuple(k for s in a for k in (s, 1)))
    blocks = other.reshape(tuple(k for s in b for k in (1, s)))
    y = apply(mul, *pair("kron", spread, blocks))
    return y.reshape(tuple(i * j for i, j in zip(a, b, strict=True)))


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of the diagonals of two dimensions, as the last dimension.

    Args:
        input: at least 2 dimensions.
        offset: which diagonal: 0 the main one, above it if positive.
        dim1, dim2: the dimensions.

    Raises:
        RuntimeError: dim1 and dim2 are the same.
    """
    a, b = axis("diagonal", input, dim1), axis("diagonal", input, dim2)
    if a == b:
        raise RuntimeError(f"diagonal: dimensions cannot be identical: {dim1}, {dim2}")
    offset = whole("diagonal", "offset", offset)
    return apply(ops.diagonal, input, offset=offset, axes=(a, b))


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The last two dimensions with zeros above a diagonal: 0 the main one, above it if positive."""
    return _triangle(input, "tril", diagonal)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The last two dimensions with zeros below a diagonal: 0 the main one, above it if positive."""
    return _triangle(input, "triu", diagonal)


def _triangle(input: Tensor, name: str, diagonal: int) -> Tensor:
    """`tril` or `triu`, by name."""
    if input.ndim < 2:
        raise RuntimeError(
            f"{name}: input must have at least 2 dimensions, not {tuple(input.shape)}"
        )
    xp, offset = namespace(input.array), whole(name, "diagonal", diagonal)
    keep = getattr(xp, name)(xp.ones(input.shape[-2:], dtype=bool), offset)
    return lasting(input.masked_fill(new(~keep), 0))


if not TYPE_CHECKING:
    __all__ = public(globals())
