"""Sums of products over some dimensions, computed as matrix products: `einsum`, `tensordot`.

`einsum` gives each dimension of each operand a label, and sums over those that the output lacks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..ops.elementwise import mul
from .apply import apply
from .base import TensorBase
from .dims import axis
from .linalg import matmul, mm
from .operation import public
from .own_order import own_order
from .promote import pair

if TYPE_CHECKING:
    from .tensor import Tensor

Label = Any  # a letter; a number, in the form with lists; ("...", k) for an ellipsis's dimensions


@own_order
def einsum(*args: Any) -> Tensor:
    """The sum of products that an equation of labels says.

    Each letter labels a dimension; labels that the output lacks are summed over: "bij,bjk->bik" is
    a batch of matrix products. Without "->" the output has the labels that occur once, in
    alphabetical order. A label that an operand has twice takes its diagonal, "..." stands for
    dimensions that broadcast. Two operands become one matrix product, more are taken from left to
    right.

    Args:
        args: the equation and the operands (or a list of them); or operands and lists of numbers
            from 0 to 51 (and `...`) in turn, each the labels of the operand before it, and at the
            end maybe a list of the output's.

    Raises:
        RuntimeError: the equation does not fit the operands.
        ValueError: a number in a list is not from 0 to 51.

    Example:
        >>> torch.einsum("ij,j->i", torch.eye(2), torch.tensor([3.0, 4.0]))
        tensor([3., 4.])
    """
    labels, output, operands = _by_equation(args) if isinstance(args[0], str) else _by_lists(args)
    if not operands or len(labels) != len(operands):
        _refuse(f"{len(labels)} sets of subscripts are given for {len(operands)} operands")
    labels, ellipsis = _filled(labels, operands)
    if output is None:
        flat = [name for names in labels for name in names]
        once = {name for name in flat if flat.count(name) == 1 and name not in ellipsis}
        output = [*ellipsis, *sorted(once)]
    else:
        output = _spelled_out(output, ellipsis)
    _check(labels, output, operands)
    parts = [_diagonal(x, names) for x, names in zip(operands, labels, strict=True)]
    parts = [_broadcast(x, names, parts) for x, names in parts]
    x, names = parts.pop(0)
    while parts:
        other, others = parts.pop(0)
        kept = {*output}.union(*(left for _, left in parts))
        x, names = _multiplied(x, names, other, others, kept)
    x, names = _summed(x, names, set(output))
    return x.permute([names.index(name) for name in output])


def _refuse(text: str) -> NoReturn:
    raise RuntimeError(f"einsum: {text}")


Parsed = tuple[list[list[Label]], "list[Label] | None", list["Tensor"]]


def _by_equation(args: tuple[Any, ...]) -> Parsed:
    """The operands' labels, the output's (None if not given), and the operands, of an equation."""
    equation, *operands = args
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = list(operands[0])
    left, arrow, right = equation.replace(" ", "").partition("->")
    output = _letters(right) if arrow else None
    return [_letters(part) for part in left.split(",")], output, operands


def _letters(text: str) -> list[Label]:
    """The labels in a part of an equation, an ellipsis as `...`."""
    before, dots, after = text.partition("...")
    for letter in before + after:
        if not ("a" <= letter <= "z" or "A" <= letter <= "Z"):
            _refuse(f"subscripts are letters and at most one '...', but {text!r} has {letter!r}")
    return [*before, *([...] if dots else []), *after]


def _by_lists(args: tuple[Any, ...]) -> Parsed:
    """What `_by_equation` gives, of operands and lists in turn."""
    output = list(args[-1]) if len(args) % 2 else None
    for lists in args[1 : len(args) // 2 * 2 : 2]:
        if any(n is not ... and not 0 <= n < 52 for n in lists):
            raise ValueError(f"einsum: subscript lists hold 0 to 51, but {list(lists)} is given")
    return [list(a) for a in args[1::2]], output, [*args[: len(args) // 2 * 2 : 2]]


def _spelled_out(names: list[Label], ellipsis: list[Label]) -> list[Label]:
    """Labels with those that their `...` stands for in its place."""
    if ... not in names:
        return names
    at = names.index(...)
    return [*names[:at], *ellipsis, *names[at + 1 :]]


def _filled(
    labels: list[list[Label]], operands: list[Tensor]
) -> tuple[list[list[Label]], list[Label]]:
    """One label for each dimension of each operand, and the labels that `...` stands for at most.

    As in broadcasting, the dimensions of two ellipses are aligned at their ends.
    """
    found, longest = [], 0
    for names, x in zip(labels, operands, strict=True):
        count = x.ndim - len(names) + (... in names)
        if count < 0 or (count and ... not in names):
            _refuse(
                f"{len(names)} subscripts are given for an operand of shape {tuple(x.shape)}"
                f"{'' if count < 0 else ', and no ellipsis'}"
            )
        longest = max(longest, count)
        found.append((names, count))
    dots = [("...", k) for k in reversed(range(longest))]
    return [_spelled_out(names, dots[longest - n :]) for names, n in found], dots


def _check(labels: list[list[Label]], output: list[Label], operands: list[Tensor]) -> None:
    """Refuse labels of sizes that do not broadcast, and outputs of labels that are not there."""
    known: dict[Label, int] = {}
    for names, x in zip(labels, operands, strict=True):
        for name, size in zip(names, x.shape, strict=True):
            before = known.setdefault(name, size)
            if before != size and 1 not in (before, size):
                _refuse(f"subscript {name!r} has size {size}, which does not broadcast to {before}")
            known[name] = size if before == 1 else before
    for name in output:
        if output.count(name) > 1 or name not in known:
            what = "twice" if name in known else "in the output alone"
            _refuse(f"subscript {name!r} stands {what} ({output})")


Part = tuple["Tensor", list[Label]]  # an operand and its dimensions' labels


def _diagonal(x: Tensor, names: list[Label]) -> Part:
    """An operand with one dimension for each label: of a label that it has twice the diagonal."""
    for name in dict.fromkeys(names):
        while names.count(name) > 1:
            first = names.index(name)
            second = names.index(name, first + 1)
            if x.shape[first] != x.shape[second]:
                _refuse(f"subscript {name!r} is repeated for sizes {tuple(x.shape)}")
            x = x.diagonal(0, first, second)
            names = [n for k, n in enumerate(names) if k not in (first, second)] + [name]
    return x, names


def _broadcast(x: Tensor, names: list[Label], parts: list[Part]) -> Part:
    """An operand without dimensions of size 1 whose label has a larger size in another."""
    for name in [n for n, size in zip(names, x.shape, strict=True) if size == 1]:
        if any(n == name and s != 1 for y, ns in parts for n, s in zip(ns, y.shape, strict=True)):
            x = x.squeeze(names.index(name))
            names = [n for n in names if n != name]
    return x, names


def _summed(x: Tensor, names: list[Label], kept: set[Label]) -> Part:
    """An operand, summed over the labels that are not kept; integers become int64, as in `sum`."""
    gone = [k for k, name in enumerate(names) if name not in kept]
    if not gone:
        return x, names
    return x.sum(gone), [name for name in names if name in kept]


def _multiplied(
    a: Tensor, a_names: list[Label], b: Tensor, b_names: list[Label], kept: set[Label]
) -> Part:
    """Two operands as one: their product, summed over the labels that are not kept.

    What only one of them has is summed before. Labels that both have and that are kept number a
    batch of matrix products, others that both have are summed over by it, in the operands' dtype.
    """
    dtypes = a.dtype, b.dtype
    a, a_names = _summed(a, a_names, kept.union(b_names))
    b, b_names = _summed(b, b_names, kept.union(a_names))
    both = [n for n in a_names if n in b_names]
    batch, inner = [n for n in both if n in kept], [n for n in both if n not in kept]
    rows = [n for n in a_names if n not in both]
    columns = [n for n in b_names if n not in both]
    names = batch + rows + columns
    if not inner:
        return apply(
            mul, *pair("einsum", _laid(a, a_names, names), _laid(b, b_names, names))
        ), names
    left = _grouped(a.to(dtypes[0]), a_names, batch, rows, inner)
    right = _grouped(b.to(dtypes[1]), b_names, batch, inner, columns)
    sizes = dict(zip(a_names + b_names, a.shape + b.shape, strict=True))
    return matmul(left, right).reshape([sizes[n] for n in names]), names


def _laid(x: Tensor, own: list[Label], names: list[Label]) -> Tensor:
    """An operand with its dimensions in the order of some labels; size 1 for those it lacks."""
    sizes = dict(zip(own, x.shape, strict=True))
    order = [own.index(n) for n in names if n in sizes]
    return x.permute(order).reshape([sizes.get(n, 1) for n in names])


def _grouped(
    x: Tensor, own: list[Label], batch: list[Label], first: list[Label], second: list[Label]
) -> Tensor:
    """An operand as a batch of matrices: two groups of dimensions as one each, behind the batch."""
    sizes = dict(zip(own, x.shape, strict=True))
    ordered = x.permute([own.index(n) for n in (*batch, *first, *second)])
    groups = [math.prod(sizes[n] for n in group) for group in (first, second)]
    return ordered.reshape([*(sizes[n] for n in batch), *groups])


def spmm(input: Tensor, mat2: Tensor) -> Tensor:
    """`mm`: the matrices that PyTorch may be given here as sparse ones are dense."""
    return mm(input, mat2)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """The sum of products over dimensions of both, as one matrix product.

    Args:
        a, b: any shapes.
        dims: how many dimensions are summed over, a's last and b's first; or a pair of lists of
            a's and of b's dimensions.

    Raises:
        RuntimeError: the dimensions are not as many, or their sizes differ.
    """
    if isinstance(dims, TensorBase):
        dims = dims.tolist() if dims.ndim else int(dims)
    if isinstance(dims, Sequence):
        of_a, of_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    else:
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise RuntimeError(
                f"tensordot: dims={dims} is not from 0 to the number of dimensions of shapes "
                f"{tuple(a.shape)} and {tuple(b.shape)}"
            )
        of_a, of_b = [*range(a.ndim - dims, a.ndim)], [*range(dims)]
    if len(of_a) != len(of_b):
        raise RuntimeError(
            f"tensordot: both must have as many dims, but they are {of_a} and {of_b}"
        )
    of_a, of_b = [axis("tensordot", a, d) for d in of_a], [axis("tensordot", b, d) for d in of_b]
    for i, (x, y) in enumerate(zip(of_a, of_b, strict=True)):
        n, m = a.shape[x], b.shape[y]
        if n != m and 1 not in (n, m):
            raise RuntimeError(
                f"tensordot: contracted dimensions need to match, but pair {i} has {n} and {m}"
            )
        if n != m:
            a, b = (a.sum(x, True).to(a.dtype), b) if m == 1 else (a, b.sum(y, True).to(b.dtype))
    rest_a = [d for d in range(a.ndim) if d not in of_a]
    rest_b = [d for d in range(b.ndim) if d not in of_b]
    inner = math.prod(a.shape[d] for d in of_a)
    shape = [*(a.shape[d] for d in rest_a), *(b.shape[d] for d in rest_b)]
    rows, columns = (math.prod(x.shape[d] for d in rest) for x, rest in ((a, rest_a), (b, rest_b)))
    left = a.permute(rest_a + of_a).reshape(rows, inner)
    return mm(left, b.permute(of_b + rest_b).reshape(inner, columns)).reshape(shape)


if not TYPE_CHECKING:
    __all__ = public(globals())
