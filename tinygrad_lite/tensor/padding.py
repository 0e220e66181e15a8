"""Padding, `nn.functional.pad`, which short-time spectra need too."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import TYPE_CHECKING

from ..backend import namespace, numpy
from ..ops.elementwise import hinge
from .apply import apply
from .base import in_our_order, new
from .check import takes_tensors
from .concatenate import cat
from .operation import refuse
from .own_order import own_order
from .shown import called

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["pad"]

_MODES = ("constant", "reflect", "replicate", "circular")
_TITLES = {"reflect": "ReflectionPad", "replicate": "ReplicationPad"}  # as nodes are called


@own_order
@takes_tensors
def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Add elements at the ends of the last dimensions, or take some away.

    Args:
        input: any shape and dtype, which the output keeps. In modes other than "constant" all
            dimensions but the first, or but the first two, are padded.
        pad: how many to add at each end, two for each dimension, the last dimension first:
            (left, right, top, bottom, …). Negative ones take elements away.
        mode: "constant" (a number), "reflect" (mirrored at the outermost element, which is not
            repeated), "replicate" (the outermost element) or "circular" (from the other end).
        value: the number; None for 0.

    Raises:
        NotImplementedError: another mode, or a rank that a mode does not take.
        TypeError: sizes that are not ints.
        RuntimeError: an odd number of sizes, more than the input has dimensions for, or too large
            ones; a value for another mode than "constant".

    Example:
        >>> F.pad(torch.tensor([[1, 2]]), (1, 2))
        tensor([[0, 1, 2, 0, 0]])
        >>> F.pad(torch.tensor([[1.0, 2.0, 3.0]]), (1, 1), mode="reflect")
        tensor([[2., 1., 2., 3., 2.]])
    """
    try:
        pad = [index(n) for n in pad]
    except TypeError:
        raise TypeError(f"pad: sizes must be ints, but are {pad!r}") from None
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise RuntimeError(
            f"pad: expected pairs of sizes for at most {input.ndim} dimensions, but got "
            f"{tuple(pad)}"
        )
    if mode not in _MODES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}; use one of {_MODES}")
    if mode != "constant":
        if value:
            raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
        if len(pad) not in (2, 4, 6) or input.ndim - len(pad) // 2 not in (1, 2):
            raise NotImplementedError(
                f"pad: mode {mode!r} pads all dimensions but the first, or but the first two, at "
                f"most 3; got {tuple(pad)} for a shape of {input.shape}"
            )
    if mode in ("reflect", "replicate") and input.dtype.kind == "b":
        refuse(f"pad: mode {mode!r}", input)
    if mode in ("reflect", "replicate") and 0 in input.shape[input.ndim - len(pad) // 2 - 1 :]:
        raise RuntimeError(
            f"pad: mode {mode!r} takes an empty batch, but no other empty dimension; the shape is "
            f"{tuple(input.shape)}"
        )
    if mode in ("reflect", "replicate"):
        input = apply(hinge, input)
    if mode != "constant" and min(pad) < 0:
        return _by_places(input, pad, mode)
    out, copied = input, False
    for i in range(len(pad) // 2):
        before, after = pad[2 * i : 2 * i + 2]
        dim = input.ndim - 1 - i
        cut, rest = max(-before, 0), out.shape[dim] + min(before, 0) + min(after, 0)
        if rest < 0 or rest + max(before, 0) + max(after, 0) < 0:
            raise RuntimeError(
                f"pad: {tuple(pad)} takes more away from dimension {dim} than its size "
                f"{input.shape[dim]}"
            )
        if min(before, after) < 0:
            out = out.narrow(dim, cut, rest)
        before, after = max(before, 0), max(after, 0)
        if before or after:
            out = cat(_parts(out, dim, before, after, mode, value or 0), dim)
            copied = True
    out = out if copied else in_our_order(out.clone())
    if mode == "circular":
        return out
    return called(
        out, "ConstantPadNd" if mode == "constant" else f"{_TITLES[mode]}{len(pad) // 2}D"
    )


def _by_places(x: Tensor, pad: Sequence[int], mode: str) -> Tensor:
    """Padding, some of it negative, that reads for each output element the place it comes from."""
    dims = range(len(pad) // 2)
    sizes = [x.shape[x.ndim - 1 - i] + pad[2 * i] + pad[2 * i + 1] for i in dims]
    if min(sizes) < 0 or (mode != "circular" and max(sizes) < 1):
        raise RuntimeError(f"pad: {tuple(pad)} leaves nothing of shape {tuple(x.shape)}")
    for i in dims:
        before, after = pad[2 * i : 2 * i + 2]
        dim = x.ndim - 1 - i
        n = x.shape[dim]
        at = numpy.arange(-before, n + after)
        left = n + min(before, 0) + min(after, 0)  # how many of the input's elements stay
        if at.size and left < 1 and mode == "circular":
            raise RuntimeError(f"pad: nothing is left of dimension {dim} of size {n}")
        _check_most(mode, dim, n, before, after)
        if mode == "replicate":
            at = numpy.clip(at, 0, n - 1)
        elif mode == "circular":  # around the elements that stay
            first = max(-before, 0)
            at = (at - first) % left + first
        else:
            at = n - 1 - abs(n - 1 - abs(at))
        x = x.index_select(dim, new(namespace(x.array).asarray(at)))
    return x


def _check_most(mode: str, dim: int, n: int, before: int, after: int) -> None:
    """Refuse more padding than a mode can take from a dimension of n."""
    most = n - 1 if mode == "reflect" else n
    if mode != "replicate" and max(before, after) > most:
        raise RuntimeError(
            f"Padding size should be at most {most} in mode {mode!r} for dimension {dim} of "
            f"size {n}, but is ({before}, {after})"
        )


def _parts(x: Tensor, dim: int, before: int, after: int, mode: str, value: float) -> list[Tensor]:
    """The tensor, with what is added before and behind it along a dimension."""
    n = x.shape[dim]
    if mode == "constant":
        ends = (_constant(x, dim, before, value), _constant(x, dim, after, value))
    elif n == 0:
        raise RuntimeError(f"pad: dimension {dim} of shape {x.shape} is empty, nothing to repeat")
    elif mode == "replicate":
        ends = (_repeated(x, dim, 0, before), _repeated(x, dim, n - 1, after))
    else:
        _check_most(mode, dim, n, before, after)
        if mode == "reflect":
            ends = (
                x.narrow(dim, 1, before).flip(dim),
                x.narrow(dim, n - 1 - after, after).flip(dim),
            )
        else:
            ends = (x.narrow(dim, n - before, before), x.narrow(dim, 0, after))
    first, last = ends
    return [*([first] if before else []), x, *([last] if after else [])]


def _constant(x: Tensor, dim: int, size: int, value: float) -> Tensor:
    """A number in the tensor's shape, but of another size along a dimension."""
    shape = (*x.shape[:dim], size, *x.shape[dim + 1 :])
    # A float, whatever it was, as PyTorch's: an integer below 0 would count from uint8's end.
    return x.new_full(shape, float(value))


def _repeated(x: Tensor, dim: int, place: int, size: int) -> Tensor:
    """One position of a dimension `size` times over, as a view."""
    return x.narrow(dim, place, 1).expand(*x.shape[:dim], size, *x.shape[dim + 1 :])
