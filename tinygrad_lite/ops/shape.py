"""Rules that move elements and compute nothing. Most outputs are views of the input."""

from __future__ import annotations

import itertools
import math
from typing import Any

from ..engine import sum_to
from .rule import rule

Out = tuple[Any, Any]
Shape = tuple[int, ...]


@rule(half="anywhere", complex="linear")
def reshape(xp: Any, x: Any, *, shape: Shape) -> Out:
    """y = the elements of x in row-major order, in another shape: dL/dx = g in x's shape."""
    own = x.shape
    return xp.reshape(x, shape), (lambda g: xp.reshape(g, own),)


@rule(half="anywhere", shown="permute", complex="linear")
def transpose(xp: Any, x: Any, *, axes: Shape) -> Out:
    """y's axis i is x's axis axes[i]: dL/dx = g with the axes put back."""
    back = tuple(sorted(range(len(axes)), key=axes.__getitem__))
    return xp.transpose(x, axes), (lambda g: xp.transpose(g, back),)


@rule(half="anywhere", complex="linear")
def expand(xp: Any, x: Any, *, shape: Shape) -> Out:
    """y = x broadcast to a shape: dL/dx = g summed over the repeats (done by the walk)."""
    y = xp.broadcast_to(x, shape)
    if xp.name == "cpu":
        y.flags.writeable = x.flags.writeable  # NumPy makes broadcast views read-only
    return y, (lambda g: g,)


@rule(half="anywhere", complex="linear")
def as_strided(xp: Any, x: Any, *, size: Shape, stride: Shape, offset: int) -> Out:
    """y = x's memory read with other strides: dL/dx = g put there, where places meet added up.

    Memory is in row-major order here: see `tensor.strided`.
    """
    shape, n = x.shape, math.prod(x.shape)

    def vjp(g: Any) -> Any:
        places = xp.strided_places(g, size, stride, offset)
        return xp.reshape(xp.scatter(g, (places,), (n,)), shape)

    return xp.as_strided(x, size, stride, offset), (vjp,)


@rule(half="anywhere", complex="linear")
def windows(xp: Any, x: Any, *, axis: int, size: int, step: int) -> Out:
    """y[…, i, …, k] = x[…, i step + k, …], a view: dL/dx = g put there, added where they meet.

    i is y's place along the axis, k its place in a last dimension, which is a window.
    """
    shape, y = x.shape, xp.windows(x, axis, size, step)
    count = y.shape[axis]

    def vjp(g: Any) -> Any:
        places = xp.strided_places(g, (count, size), (step, 1), 0)
        g = xp.transpose(g, (*range(axis + 1), g.ndim - 1, *range(axis + 1, g.ndim - 1)))
        return xp.scatter(g, (*[slice(None)] * axis, places), shape)

    return y, (vjp,)


@rule(half="anywhere", complex="linear")
def flip(xp: Any, x: Any, *, axis: Shape) -> Out:
    """y = a copy of x with some axes reversed: dL/dx = g reversed again."""
    return xp.copy(xp.flip(x, axis)), (lambda g: xp.flip(g, axis),)


@rule(half="anywhere", complex="linear")
def contiguous(xp: Any, x: Any) -> Out:
    """y = a copy of x in row-major order: dL/dx = g."""
    return xp.array(x, order="C"), (lambda g: g,)


@rule(half="anywhere", shown="cat", complex="linear")
def concatenate(xp: Any, *arrays: Any, axis: int, alike: bool = False) -> Out:
    """y = the inputs joined along an axis: each input's gradient is its slice of g.

    `alike` says that they have one dtype and one shape, as the samples of a batch: then not each
    of what may be hundreds is asked.
    """
    before = (slice(None),) * axis
    sizes = (
        (arrays[0].shape[axis],) * len(arrays) if alike else tuple(a.shape[axis] for a in arrays)
    )

    def slices(g: Any, wanted: tuple[bool, ...]) -> list[Any]:
        ends = itertools.accumulate(sizes)
        ranges = zip(ends, sizes, wanted, strict=True)
        return [g[(*before, slice(end - n, end))] if asked else None for end, n, asked in ranges]

    if axis == 0 and alike and not _is_expanded(arrays[0]):
        return xp.join(arrays), slices
    return xp.concatenate(_dense(xp, arrays), axis=axis), slices


def _is_expanded(x: Any) -> bool:
    """Whether an axis has steps of 0; of a tensor, in second derivatives, it does not matter."""
    return 0 in getattr(x, "strides", ())


def _dense(xp: Any, arrays: Any) -> list[Any]:
    """The arrays, copied where they are expanded: in that order the result would not be viewed."""
    return [xp.copy(a) if _is_expanded(a) else a for a in arrays]


@rule(half="anywhere", complex="linear")
def stack(xp: Any, *arrays: Any, axis: int) -> Out:
    """y = the inputs joined along a new axis: each input's gradient is its place of g."""
    before = (slice(None),) * axis

    def places(g: Any, wanted: tuple[bool, ...]) -> list[Any]:
        return [g[(*before, i, ...)] if asked else None for i, asked in enumerate(wanted)]

    return xp.stack(_dense(xp, arrays) if _is_expanded(arrays[0]) else arrays, axis=axis), places


@rule(half="anywhere", part="spec", complex="linear")
def getitem(xp: Any, x: Any, *indices: Any, spec: Any) -> Out:
    """y = x[i] as in NumPy: dL/dx = 0, but g added at [i] (repeats add up).

    `spec` is the index i with a `Hole` in place of each array, which `indices` has.
    """
    shape, index = x.shape, fill(spec, indices)
    vjp = lambda g: xp.scatter(g, fill(spec, indices), shape)  # noqa: E731
    return x[index], (vjp, *[None] * len(indices))


@rule(half="anywhere", complex="linear")
def scatter(xp: Any, g: Any, *indices: Any, spec: Any, shape: Shape) -> Out:
    """y = 0 but y[i] += g, the transpose of `getitem`: its VJP is h ↦ h[i]."""
    index = fill(spec, indices)
    vjp = lambda h: h[index]  # noqa: E731
    return xp.scatter(g, index, shape), (vjp, *[None] * len(indices))


@rule(half="anywhere", complex="linear")
def setitem(xp: Any, x: Any, value: Any, *indices: Any, spec: Any) -> Out:
    """y = x but y[i] = value: dL/dx = g but 0 at [i], dL/dvalue = g[i]."""
    index = fill(spec, indices)
    y = xp.copy(x)
    y[index] = value

    def outside(g: Any) -> Any:
        mask = xp.scatter(xp.ones_like(g[index]), index, g.shape)
        return xp.where(mask == 0, g, 0.0)

    shape = value.shape

    def inside(g: Any) -> Any:
        part = g[index]  # with sizes of 1 in front, if the value had more of them than its place
        return xp.reshape(part, (1,) * (len(shape) - part.ndim) + part.shape)

    return y, (outside, inside, *[None] * len(indices))


def scatter_prod_composition(xp: Any, x: Any, src: Any, *indices: Any, spec: Any) -> Any:
    """`scatter_prod` in rounds, in each of which at most one factor goes to a place."""
    index = fill(spec, indices)
    turn, rounds = xp.turns(index, x.shape)
    for n in range(max(rounds, 1)):  # once at least, so that src is in the graph
        now = turn == n
        taken = xp.scatter(xp.astype(now, x.dtype), index, x.shape)
        x = x * (xp.scatter(xp.where(now, src, 0.0), index, x.shape) + (1 - taken))
    return x


@rule(composition=scatter_prod_composition, shown="scatter_reduce")
def scatter_prod(xp: Any, x: Any, src: Any, *indices: Any, spec: Any) -> Out:
    """y = x but y[i] = x[i] Π src: dL/dx = g y/x and dL/dsrc = (g y)[i] / src, without dividing.

    y / factor, where a factor may be 0, is the product of the others: it is computed from the
    product of all that are not 0, and from how many are.
    """
    index = fill(spec, indices)
    y = xp.scatter_reduce(x, src, index, "multiply")
    if x.dtype.kind not in "f":
        return y, (None, None, *[None] * len(indices))
    ones = xp.where(x == 0, 1, x).astype(x.dtype), xp.where(src == 0, 1, src).astype(x.dtype)
    rest = xp.scatter_reduce(*ones, index, "multiply")  # the product of all that are not 0
    zeros = (x == 0) + xp.scatter((src == 0).astype(x.dtype), index, x.shape)

    def others(factor: Any, one: Any, zeros: Any, rest: Any) -> Any:
        return xp.where(zeros == (factor == 0), rest / one, 0.0).astype(x.dtype)

    of_x, of_src = others(x, ones[0], zeros, rest), others(src, ones[1], zeros[index], rest[index])
    return y, (lambda g: g * of_x, lambda g: g[index] * of_src, *[None] * len(indices))


@rule(shown="scatter_reduce")
def scatter_extreme(
    xp: Any, x: Any, src: Any, before: Any, *indices: Any, spec: Any, largest: bool
) -> Out:
    """y = x but y[i] = max(x[i], src for that place), or min if not `largest`.

    g is shared evenly among x's element and those of src that equal the extreme. A NaN equals
    nothing: it leaves g / 0 times 0, so that the slopes of all that went to its place are NaN.
    `before` is x as it was before what is left out of the extreme became an infinity: if that
    equals the extreme it is counted among those that share, as in PyTorch, though it gets nothing.
    """
    index = fill(spec, indices)
    y = xp.scatter_reduce(x, src, index, "maximum" if largest else "minimum")

    def share(g: Any) -> Any:
        ties = xp.astype(before == y, g.dtype)
        return g / (ties + xp.scatter(xp.astype(src == y[index], g.dtype), index, x.shape))

    return y, (
        lambda g: xp.astype(x == y, g.dtype) * share(g),
        lambda g: xp.astype(src == y[index], g.dtype) * share(g)[index],
        *[None] * (1 + len(indices)),
    )


@rule(half="anywhere", complex="linear")
def gather(xp: Any, x: Any, index: Any, *, axis: int) -> Out:
    """y = x[…, index, …] along an axis, index of y's shape; repeats add up in dL/dx."""
    shape = x.shape
    return xp.take_along_axis(x, index, axis=axis), (
        lambda g: xp.scatter_along(g, index, axis=axis, shape=shape),
        None,
    )


@rule(half="anywhere", shown="gather", complex="linear")
def scatter_along(xp: Any, g: Any, index: Any, *, axis: int, shape: Shape) -> Out:
    """y = 0 but y[…, index, …] += g along an axis, the transpose of `gather`."""
    return xp.scatter_along(g, index, axis=axis, shape=shape), (
        lambda h: xp.take_along_axis(h, index, axis=axis),
        None,
    )


@rule(half="free")
def unique(xp: Any, x: Any, *, found: Any) -> Out:
    """y = the different elements of x, found beforehand; asking for the gradient raises."""

    def none(_: Any) -> Any:
        raise NotImplementedError("unique: the derivative is not implemented")

    return found, (none,)


@rule(half="anywhere", complex="own")
def spread(xp: Any, x: Any, base: Any, *, steps: Any) -> Out:
    """y, of base's shape, is x where a view of `base` lies, else 0: dL/dx = that view of g.

    The view is what `steps`, rules of one input with their constants (rule, kwargs), make of base.
    Their VJPs, taken in the opposite order, put x into its place, as the walk would.
    """

    def view(whole: Any) -> tuple[Any, list[Any]]:
        back = []
        for step, kwargs in steps:
            shape = whole.shape
            whole, vjps = step(xp, whole, **kwargs)
            back.append((vjps[0], shape))
        return whole, back

    y = x
    for vjp, shape in reversed(view(base)[1]):
        y = vjp(y)
        y = y if y.shape == shape else sum_to(y, shape, xp)
    return y, (lambda g: view(g)[0], None)


class Hole:
    """Stands in the spec of an index for an array: the one at a position of `indices`."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


def split(index: Any) -> tuple[Any, tuple[Any, ...]]:
    """An index as a spec, with a `Hole` for each array (or Tensor) in it, and those arrays."""
    parts = index if isinstance(index, tuple) else (index,)
    spec: list[Any] = []
    arrays: list[Any] = []
    for part in parts:
        if hasattr(part, "dtype"):
            spec.append(Hole(len(arrays)))
            arrays.append(part)
        else:
            spec.append(part)
    return tuple(spec), tuple(arrays)


def fill(spec: Any, indices: tuple[Any, ...]) -> Any:
    """The index that a spec is when its holes are filled with arrays."""
    if not indices:
        return spec
    return tuple([indices[p.position] if isinstance(p, Hole) else p for p in spec])
