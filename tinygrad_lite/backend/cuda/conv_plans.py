"""Plans of convolutions on CUDA: launches, products and new arrays for operands of known shapes.

A plan is made once for shapes, a dtype and settings. Its `run` takes arrays that must have the
strides that the plan names (`image`, `output`, `weight`), and reads nothing of them but their
addresses. `run` is None where one block could not hold all columns; then `conv` does the work.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import precision
from ..layout import TO_CHWN
from ..window import Window
from . import columns, hopper
from .arrays import chwn_strides, dense_strides, room, strides_of
from .blas import settled
from .columns import Columns, launch_grid
from .source import BLOCK, prepare

Shape = tuple[int, ...]

CHANNELS_LAST = (0, 2, 3, 1)
SHARES = 64  # blocks that sum one row together, at most


def backwards(window: Window) -> Window:
    """How a window of stride 1 goes over g for dL/dx: its dilation is negative, and its padding."""
    (p, q), (d, e) = window.padding, window.dilation
    return window._replace(padding=(-p, -q), dilation=(-d, -e))


def adding_bias(xp: Any, shape: Shape, dtype: Any, start: int, end: int) -> Callable[..., None]:
    """A function (y, bias) that adds bias (M) to y (M, …, N), which is dense.

    Of each of the M rows it takes the elements start … end. y begins on 16 bytes.
    """
    m, length = shape[0], math.prod(shape[1:])
    lanes = 16 // dtype.itemsize
    lanes = 1 if shape[-1] % lanes else lanes
    name = "add_bias" if lanes == 1 else "add_bias_pack"
    numbers = (m, *(number // lanes for number in (length, start, end - start)))
    grid = launch_grid((end - start) // lanes, m)
    return prepare(xp, "conv", name, dtype, 2, numbers, size=m * length, grid=grid)


class _Way:
    """The plan of one of a convolution's three products: output, weight's and input's gradient.

    Args:
        xp: the namespace.
        shape: of the images (N, C, H, W).
        weight: the shape of W (M, C/groups, kh, kw).
        dtype: of all.
        window, groups: of the convolution.
        packs: whether the operands begin on 16 bytes.
        settings: nothing is done with them; a plan is looked up by all its arguments (see
            `source.plan`), and a changed setting asks for a new one.

    Attributes:
        image, output, weight: the strides that x, g and W must have.
        run: the function of arrays that computes the product, or None.
    """

    run: Any = None

    def __init__(
        self, xp: Any, shape: Shape, weight: Shape, dtype: Any, window: Window, groups: int,
        packs: bool, *settings: Any,
    ) -> None:  # fmt: skip
        n, c, *size = shape
        self._xp, self._dtype, self._groups, self._packs = xp, dtype, groups, packs
        self._size = down, across = window.positions(size)
        self._turned, self._out = (c, *size, n), (weight[0], down, across, n)
        self.image = chwn_strides((n, c, *size), dtype.itemsize)
        self.output = chwn_strides((n, weight[0], down, across), dtype.itemsize)
        self.weight = strides_of(weight, dtype.itemsize, CHANNELS_LAST)
        self._plan((n, c, weight[0]), weight, window)

    def _plan(self, counts: tuple[int, int, int], weight: Shape, window: Window) -> None:
        """Set `run`; `counts` are N, C and M."""
        raise NotImplementedError

    def _fits_hopper(
        self, what: str, positions: int, channels: tuple[int, int], *of: Shape
    ) -> bool:
        """Whether `hopper` can do it.

        Args:
            what, positions, channels: see `hopper.fits`.
            of: the operands' shapes.
        """
        largest = max(math.prod(shape) for shape in of)
        of_all = self._xp, what, self._dtype, self._turned[-1], positions, channels
        return self._packs and hopper.fits(*of_all, self._groups, largest)

    def _columns(self, image: Shape, window: Window, size: Any, together: int) -> Columns:
        order = (self._groups, together)
        return Columns(self._xp, image, self._dtype, window, size, order, self._packs)

    def _product(
        self, left: Shape, right: Shape, turned: tuple[bool, bool]
    ) -> Callable[[Any, Any, Any], None]:
        """What writes left · right to an array, all stacks of dense matrices (B, rows, columns).

        Args:
            left, right: the factors' shapes.
            turned: of each factor, whether it is transposed first.
        """
        itemsize = self._dtype.itemsize
        a, b = (
            (_transposed(shape), _transposed(dense_strides(shape, itemsize)))
            if turn
            else (shape, dense_strides(shape, itemsize))
            for shape, turn in zip((left, right), turned, strict=True)
        )
        out = (left[0], a[0][1], b[0][2])
        steps = dense_strides(out, itemsize)
        return settled(*a, *b, out, steps, self._dtype, precision.conv_tf32())


def _transposed(shape: Shape) -> Shape:
    return shape[0], shape[2], shape[1]


class Forward(_Way):
    """`conv2d`: run(x, W, b or None) is y."""

    def _plan(self, counts: tuple[int, int, int], weight: Shape, window: Window) -> None:
        xp, dtype, groups, (n, c, m) = self._xp, self._dtype, self._groups, counts
        places = math.prod(self._out[1:])
        if self._fits_hopper("output", places, (c, m), self._turned, weight):
            self.run = hopper.Convolve(xp, self._turned, m, dtype, window)
            return
        self._cols = self._columns(self._turned, window, self._size, c // groups)
        if not self._cols.fit or 0 in weight:
            return
        depth = math.prod(weight[1:])
        left = (groups, m // groups, depth)
        self._multiply = self._product(left, self._cols.shape, (False, False))
        self._y = room(xp, (n, m, *self._size), dtype, TO_CHWN[4])
        self._add = adding_bias(xp, self._out, dtype, 0, places)
        self.run = self._in_one

    def _in_one(self, x: Any, weight: Any, bias: Any) -> Any:
        y = self._y()
        self._multiply(weight, self._cols(x), y)
        if bias is not None:
            self._add(y, bias)
        return y


class WeightGradient(_Way):
    """`conv2d_weight_gradient`: run(g, x) is dL/dW, of W's shape and order."""

    def _plan(self, counts: tuple[int, int, int], weight: Shape, window: Window) -> None:
        xp, dtype, groups, (_, _, m) = self._xp, self._dtype, self._groups, counts
        places = math.prod(self._out[1:])
        self._dw = room(xp, weight, dtype, CHANNELS_LAST)
        if self._fits_hopper("weight", places, (weight[1], m), self._turned, self._out):
            self._whole = hopper.WeightGradient(xp, self._turned, m, dtype, window)
            self.run = self._without_columns
            return
        self._cols = self._columns(self._turned, window, self._size, weight[1])
        if not self._cols.fit or 0 in weight or not places:
            return
        left = (groups, m // groups, places)
        self._multiply = self._product(left, self._cols.shape, (False, True))
        self.run = self._in_one

    def _without_columns(self, g: Any, x: Any) -> Any:
        dw = self._dw()
        self._whole(g, x, dw)
        return dw

    def _in_one(self, g: Any, x: Any) -> Any:
        dw = self._dw()
        self._multiply(g, self._cols(x), dw)
        return dw


class Backward(_Way):
    """`conv2d_input_gradient` for stride 1: run(g, W) is dL/dx."""

    def _plan(self, counts: tuple[int, int, int], weight: Shape, window: Window) -> None:
        xp, dtype, groups, (n, c, m) = self._xp, self._dtype, self._groups, counts
        size = self._turned[1:3]
        back = backwards(window)
        if self._fits_hopper("input", math.prod(self._turned[1:]), (m, c), self._out, weight):
            self.run = hopper.ConvolveBack(xp, self._out, c, dtype, back)
            return
        self._cols = self._columns(self._out, back, size, 1)
        if not self._cols.fit or 0 in weight:
            return
        left = (groups, m // groups * math.prod(weight[2:]), c // groups)
        self._multiply = self._product(left, self._cols.shape, (True, False))
        self._dx = room(xp, (n, c, *size), dtype, TO_CHWN[4])
        self.run = self._in_one

    def _in_one(self, g: Any, weight: Any) -> Any:
        dx = self._dx()
        self._multiply(weight, self._cols(g), dx)
        return dx


class BiasGradient:
    """`conv2d_bias_gradient`: run(g) is dL/db for g (N, M, OH, OW)."""

    def __init__(self, xp: Any, shape: Shape, dtype: Any, *settings: Any) -> None:
        n, rows, *size = shape
        length = n * math.prod(size)
        shares = min(SHARES, -(-length // (4 * BLOCK)))
        grid = (shares, min(rows, columns.MOST_ROWS))
        self.output = chwn_strides(shape, dtype.itemsize)
        self._parts = room(xp, (rows, shares), "float64" if dtype.itemsize == 8 else "float32")
        self._total = room(xp, (rows,), dtype)
        self._sum = prepare(
            xp, "conv", "row_parts", dtype, 2, (rows, length), size=rows * length, grid=grid
        )
        self._add_up = prepare(xp, "conv", "row_totals", dtype, 2, (shares,), grid=rows)

    def run(self, g: Any) -> Any:
        """The sum (M) over N, OH and OW of a g that lies as (M, OH, OW, N)."""
        parts, total = self._parts(), self._total()
        self._sum(g, parts)
        self._add_up(parts, total)
        return total
