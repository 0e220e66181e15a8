"""The optimizers' updates on NumPy: in place, and block by block.

The arrays are taken as one row of numbers, in the order in which they lie in memory, and a
block of it at a time goes through all passes of an update while it is in the cache. Sums with
factors are one pass of BLAS (`axpby`), which rounds once where `plain_optim` rounds twice.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from . import plain_optim as plain
from ._kernel import kernel
from .blas import axpby
from .flat import rows
from .memory import keep_freed_memory
from .threads import parallel

Array = np.ndarray[Any, Any]

BLOCK = 1 << 18  # elements; fewer pay more for calls than the cache gives back


class _Scratch(threading.local):
    """Two rows for results on the way, for each thread and dtype."""

    def __init__(self) -> None:
        self.rows: dict[Any, Array] = {}


_scratch = _Scratch()


def _scratch_rows(dtype: Any) -> Array:
    found = _scratch.rows.get(dtype)
    if found is None:
        found = _scratch.rows[dtype] = np.empty((2, BLOCK), dtype)
    return found


def _by_blocks(plain_form: Callable[..., None]) -> Callable[[Callable[..., None]], Any]:
    """Make a kernel of an update of one block: p, g, state (or None) and two scratch rows.

    Arrays that can't be cut into blocks take the plain form.
    """

    def make(update: Callable[..., None]) -> Any:
        @kernel
        @functools.wraps(plain_form)
        def step(xp: Any, param: Array, grad: Array, *state: Array | None, **options: Any) -> None:
            flat = rows(param, grad, *state)
            if flat is None:  # the gradient may be the only one in another order
                ordered = np.empty_like(param)
                ordered[...] = grad
                flat = rows(param, ordered, *state)
            if flat is None:
                plain_form(xp, param, grad, *state, **options)
                return
            _in_blocks(update, flat, param.size, param.dtype, options)

        return step

    return make


def _in_blocks(
    update: Callable[..., None], flat: list[Array | None], size: int, dtype: Any, options: Any
) -> None:
    """Call an update for one block after another, on several threads if there are enough."""
    if size <= BLOCK:
        keep_freed_memory()  # which `parallel` would do
        scratch = _scratch_rows(dtype)
        update(*flat, scratch[0, :size], scratch[1, :size], **options)
        return

    def part(first: int, last: int) -> None:
        scratch = _scratch_rows(dtype)
        for start in range(first * BLOCK, min(last * BLOCK, size), BLOCK):
            length = min(BLOCK, size - start)
            block = [a if a is None else a[start : start + length] for a in flat]
            update(*block, scratch[0, :length], scratch[1, :length], **options)

    parallel(part, -(-size // BLOCK), least=2)


def _direction(p: Array, g: Array, weight_decay: float, maximize: bool, out: Array) -> Array:
    """d = ±g + λ p, in `out`, or g itself if that is what it is."""
    if weight_decay != 0:
        np.multiply(p, weight_decay, out)
        return np.subtract(out, g, out) if maximize else np.add(out, g, out)
    return np.negative(g, out) if maximize else g


def _average_square(v: Array, beta: float, d: Array, t: Array) -> None:
    """v ← β v + (1 − β) d²."""
    axpby(1 - beta, np.multiply(d, d, t), beta, v)


def _over_root(d: Array, v: Array, eps: float, t: Array) -> Array:
    """d / (√v + ε), in t."""
    np.sqrt(v, t)
    np.add(t, eps, t)
    return np.divide(d, t, t)


@_by_blocks(plain.sgd_step)
def sgd_step(
    p: Array,
    g: Array,
    b: Array | None,
    s: Array,
    t: Array,
    *,
    first: bool,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    """Momentum's block."""
    d = _direction(p, g, weight_decay, maximize, s)
    if b is not None:
        if first:
            b[...] = d
        else:
            axpby(1 - dampening, d, momentum, b)
        d = np.add(np.multiply(b, momentum, t), d, t) if nesterov else b
    axpby(-lr, d, 1, p)


@_by_blocks(plain.adam_step)
def adam_step(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    largest: Array | None,
    s: Array,
    t: Array,
    *,
    step: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> None:
    """Adam's block."""
    if decoupled and weight_decay != 0:
        np.multiply(p, 1 - lr * weight_decay, p)
        weight_decay = 0
    d = _direction(p, g, weight_decay, maximize, s)
    axpby(1 - beta1, d, beta1, m)
    _average_square(v, beta2, d, t)
    if largest is not None:
        v = np.maximum(largest, v, out=largest)
    size, eps = plain.adam_sizes(step, lr, beta1, beta2, eps)
    axpby(-size, _over_root(m, v, eps, t), 1, p)


@_by_blocks(plain.rmsprop_step)
def rmsprop_step(
    p: Array,
    g: Array,
    v: Array,
    m: Array | None,
    b: Array | None,
    s: Array,
    t: Array,
    *,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    maximize: bool,
) -> None:
    """RMSprop's block."""
    d = _direction(p, g, weight_decay, maximize, s)
    _average_square(v, alpha, d, t)
    if m is not None:
        axpby(1 - alpha, d, alpha, m)
        np.multiply(m, m, t)
        v = np.subtract(v, t, t)
    d = _over_root(d, v, eps, t)
    if b is not None:
        axpby(1, d, momentum, b)
        d = b
    axpby(-lr, d, 1, p)


@_by_blocks(plain.adagrad_step)
def adagrad_step(
    p: Array,
    g: Array,
    total: Array,
    s: Array,
    t: Array,
    *,
    lr: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """Adagrad's block."""
    d = _direction(p, g, weight_decay, maximize, s)
    np.add(total, np.multiply(d, d, t), total)
    axpby(-lr, _over_root(d, total, eps, t), 1, p)
