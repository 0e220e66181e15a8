"""Softmax with cross entropy on CUDA, one launch each way, and the check of classes.

Reading the answer of a check waits for the GPU, which a captured step must not do. There a
class out of range leaves a mark on the device, and the next copy to the host raises for it;
the kernels never look such a class up (its loss is NaN).
"""

from __future__ import annotations

import math
from typing import Any

from .. import capture
from ..kernel import kernel
from ..plain import loss as plain
from .source import BLOCK, launch, supports

__all__ = [
    "all_below",
    "asnumpy",
    "softmax_cross_entropy",
    "softmax_cross_entropy_gradient",
    "softmax_cross_entropy_probabilities",
    "softmax_cross_entropy_probabilities_gradient",
]


def _block(columns: int) -> int:
    """Threads for a row: a multiple of a warp."""
    return min(BLOCK, max(32, -(-columns // 32) * 32))


def _classes(xp: Any, target: Any) -> Any:
    return xp.ascontiguousarray(target if target.dtype == "int64" else target.astype("int64"))


@kernel("cuda")
def softmax_cross_entropy(xp: Any, x: Any, target: Any) -> tuple[Any, Any]:
    """See `plain.loss.softmax_cross_entropy`."""
    rows, columns = x.shape
    if not supports(x) or not columns:
        all_below(xp, target, columns)  # which a captured step has left to us
        return plain.softmax_cross_entropy(xp, x, target)
    a = xp.ascontiguousarray(x)
    losses, p = xp.empty((rows,), dtype=x.dtype), xp.empty_like(a)
    mark = _Mark.array if capture.capturing() else None
    arrays = (a, _classes(xp, target), losses, p, mark, columns)
    launch(xp, "loss", "cross_entropy", x.dtype, arrays, grid=rows, block=_block(columns))
    return losses, p


@kernel("cuda")
def softmax_cross_entropy_gradient(xp: Any, g: Any, p: Any, target: Any, share: float = 1.0) -> Any:
    """See `plain.loss.softmax_cross_entropy_gradient`."""
    if not supports(g, p):
        return plain.softmax_cross_entropy_gradient(xp, g, p, target, share)
    p = xp.ascontiguousarray(p)
    dx = xp.empty_like(p)
    arrays = (
        xp.ascontiguousarray(g), p, _classes(xp, target), dx, p.size, p.shape[1], int(g.ndim > 0),
        float(share),
    )  # fmt: skip
    launch(xp, "loss", "cross_entropy_gradient", p.dtype, arrays, count=p.size)
    return dx


@kernel("cuda")
def softmax_cross_entropy_probabilities(xp: Any, x: Any, target: Any) -> tuple[Any, Any]:
    """See `plain.loss.softmax_cross_entropy_probabilities`."""
    n, columns, *rest = x.shape
    if not supports(x, target) or not columns:
        return plain.softmax_cross_entropy_probabilities(xp, x, target)
    a, q, inner = xp.ascontiguousarray(x), xp.ascontiguousarray(target), math.prod(rest)
    losses, p = xp.empty((n, *rest), dtype=x.dtype), xp.empty_like(a)
    launch(
        xp, "loss", "cross_entropy_probabilities", x.dtype, (a, q, losses, p, columns, inner),
        grid=n * inner, block=_block(columns),
    )  # fmt: skip
    return losses, p


@kernel("cuda")
def softmax_cross_entropy_probabilities_gradient(xp: Any, g: Any, p: Any, target: Any) -> Any:
    """See `plain.loss.softmax_cross_entropy_probabilities_gradient`."""
    n, columns, *rest = p.shape
    if not supports(g, p, target) or not columns:
        return plain.softmax_cross_entropy_probabilities_gradient(xp, g, p, target)
    p, inner = xp.ascontiguousarray(p), math.prod(rest)
    dx = xp.empty_like(p)
    arrays = (
        xp.ascontiguousarray(g), p, xp.ascontiguousarray(target), dx, columns, inner,
        int(g.ndim > 0),
    )  # fmt: skip
    launch(
        xp, "loss", "cross_entropy_probabilities_gradient", p.dtype, arrays,
        grid=n * inner, block=_block(columns),
    )  # fmt: skip
    return dx


class _Mark:
    """Where captured checks leave their mark: one integer on the device, 0 until one fails."""

    array: Any = None
    in_use = False  # a captured step writes to it


@kernel("cuda")
def all_below(xp: Any, x: Any, n: int, looked_up: bool = False) -> bool:
    """See `plain.loss.all_below`. In a captured step it is True, and a failed check leaves a mark.

    The mark is written by a kernel of this check; or, with `looked_up`, by the loss's own, which
    looks the classes up anyway.
    """
    if not capture.capturing():
        if _Mark.array is None:  # here, because what a capture allocates is its own
            _Mark.array = xp.zeros((1,), dtype="int32")
        return plain.all_below(xp, x, n)
    if _Mark.array is not None:
        _Mark.in_use = True
        if not looked_up:
            arrays = (_classes(xp, x), _Mark.array, x.size, n)
            launch(xp, "loss", "check_classes", "float32", arrays, count=x.size)
    return True


@kernel("cuda")
def asnumpy(xp: Any, a: Any, *args: Any, **words: Any) -> Any:
    """The library's copy to the host, which also tells of marks that captured steps have left.

    Raises:
        IndexError: a step that was captured has met a class out of range.
    """
    host = xp.library.asnumpy(a, *args, **words)
    if _Mark.in_use and xp.library.asnumpy(_Mark.array)[0]:
        _Mark.array.fill(0)
        raise IndexError(
            "cross_entropy: a captured step had a target out of bounds (or one to be ignored, "
            "which captured steps do not support); its loss was NaN"
        )
    return host
