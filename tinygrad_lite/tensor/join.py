"""Functions of several tensors, and comparisons of whole tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from ..ops import shape as shape_ops
from .apply import apply
from .base import TensorBase
from .create import tensor
from .dims import axis
from .operation import public
from .promote import pair, result_type, scalar_tensor, to_dtype

if TYPE_CHECKING:
    from .tensor import Tensor


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors joined along a dimension; all other sizes must agree.

    Raises:
        RuntimeError: no tensors, or sizes that differ.

    Example:
        >>> torch.cat([torch.ones(2, 3), torch.zeros(1, 3)]).shape
        torch.Size([3, 3])
    """
    tensors = _all_tensors("cat", tensors)
    at = axis("cat", tensors[0], dim)
    rest = [(*t.shape[:at], *t.shape[at + 1 :]) for t in tensors]
    for i, (t, sizes) in enumerate(zip(tensors, rest, strict=True)):
        if t.ndim == 0:
            raise RuntimeError(f"cat: zero-dimensional tensor (at position {i}) cannot be joined")
        if sizes != rest[0] or t.ndim != tensors[0].ndim:
            raise RuntimeError(
                f"cat: sizes of tensors must match except in dimension {dim}: expected "
                f"{tensors[0].shape}, but got {tuple(t.shape)} at position {i}"
            )
    return apply(shape_ops.concatenate, *_one_dtype(tensors), axis=at)


concat = cat


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors joined as rows: along dimension 0, those with fewer than two made 2-D."""
    parts = _all_tensors("vstack", tensors)
    return cat([t if t.ndim > 1 else t.reshape(1, -1) for t in parts], 0)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors joined side by side: along dimension 1, or 0 for 1-D tensors."""
    parts = [t if t.ndim else t.reshape(1) for t in _all_tensors("hstack", tensors)]
    return cat(parts, int(parts[0].ndim > 1))


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    Raises:
        RuntimeError: no tensors, or shapes that differ.
    """
    tensors = _all_tensors("stack", tensors)
    for i, t in enumerate(tensors):
        if t.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack: expects each tensor to be of equal size, but got {tensors[0].shape} at "
                f"entry 0 and {tuple(t.shape)} at entry {i}"
            )
    at = axis("stack", tensors[0], dim, extra=1)
    return cat([t.unsqueeze(at) for t in tensors], at)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Input where the condition holds, else other; both may be numbers.

    With the condition alone, the places where it holds, as `nonzero(as_tuple=True)`.
    """
    if input is None and other is None and is_tensor(condition):
        return condition.nonzero(as_tuple=True)
    if not is_tensor(condition):
        raise TypeError(f"where: condition must be a Tensor, but got {type(condition).__name__}")
    if condition.dtype.kind != "b":
        if condition.dtype != "uint8":
            raise RuntimeError(
                f"where: expected condition to be a boolean tensor, but got {condition.dtype}"
            )
        condition = condition != 0
    if is_tensor(input):
        return input.where(condition, other)
    if is_tensor(other):
        number, other = pair("where", input, other)
        return scalar_tensor(number, other).where(condition, other)
    kinds = [float, int, bool]  # of two numbers the wider kind counts, not its NumPy dtype
    kind = min((type(tensor(x).item()) for x in (input, other)), key=kinds.index)
    return tensor(kind(input), device=condition.device).where(condition, other)


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


def is_tensor(value: object) -> TypeGuard[Tensor]:
    """Whether a value is a Tensor."""
    return isinstance(value, TensorBase)


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether |input − other| ≤ atol + rtol |other| everywhere."""
    return isclose(input, other, rtol, atol, equal_nan).all().item()  # type: ignore[no-any-return]


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Where |input − other| ≤ atol + rtol |other|, or both are the same infinity."""
    a, b = input.detach(), other.detach()
    close = (a == b) | (((a - b).abs() <= (b.abs() * rtol + atol)) & a.isfinite() & b.isfinite())
    return close | (a.isnan() & b.isnan()) if equal_nan else close


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements."""
    return input.shape == other.shape and bool((input == other).all().item())


def _all_tensors(name: str, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    tensors = tuple(tensors)
    if not tensors:
        raise RuntimeError(f"{name}: expected a non-empty list of Tensors")
    for i, t in enumerate(tensors):
        if not isinstance(t, TensorBase):
            raise TypeError(
                f"{name}: expected a Tensor at position {i}, but got {type(t).__name__}"
            )
    return tensors


def _one_dtype(tensors: Sequence[Tensor]) -> list[Tensor]:
    widest = tensors[0]
    for t in tensors[1:]:
        if t.dtype != widest.dtype and result_type(widest, t) != widest.dtype:
            widest = t
    return [to_dtype(t, widest.dtype) for t in tensors]


if not TYPE_CHECKING:
    __all__ = public(globals())
