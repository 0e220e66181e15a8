"""The optimizers' updates on NumPy: in place, and block by block.

The arrays are taken as one row of numbers, in the order in which they lie in memory, and a
block of it at a time goes through all passes of an update while it is in the cache. Sums with
factors are one pass of BLAS (`axpby`), which rounds once where `plain.optim` rounds twice.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ..flat import root, rows
from ..kernel import form_of, kernel
from ..plain import optim as plain
from .blas import SHORT, axpby
from .threads import parallel

Array = np.ndarray[Any, Any]

BLOCK = 1 << 18  # elements; fewer pay more for calls than the cache gives back


SHARED = 1 << 19  # elements that are worth another thread

Block = tuple[Callable[..., None], list[Array | None], dict[str, Any]]


class _Scratch(threading.local):
    """Two rows of `BLOCK` elements for intermediate results, for each thread and dtype."""

    def __init__(self) -> None:
        self.rows: dict[Any, Array] = {}


_scratch = _Scratch()


class _Updates:
    """Collects the updates of one step of an optimizer, and does all of them at its end.

    It offers the kernels below, as a namespace does; all parameters share one call of `parallel`.
    """

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        self.blocks: list[Block] = []
        self.memory: set[int] = set()  # of the parameters that are waiting

    def __enter__(self) -> _Updates:
        return self

    def __exit__(self, *_: object) -> None:
        self._finish()

    def _finish(self) -> None:
        blocks, self.blocks, self.memory = self.blocks, [], set()
        _run(blocks)

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name not in KERNELS:  # done at once, after what is waiting
            self._finish()
            found: Callable[..., None] = getattr(self.xp, name)
            return found
        cut = KERNELS[name].cut  # type: ignore[attr-defined]

        def step(param: Array, *arrays: Array | None, **options: Any) -> None:
            memory = id(root(param))
            if memory in self.memory:  # parameters that are views of one array
                self._finish()
            self.memory.add(memory)
            self.blocks += cut(self.xp, param, *arrays, **options)

        return step


@kernel("cpu")
def updates(xp: Any) -> _Updates:
    """See `plain.optim.updates`."""
    return _Updates(xp)


KERNELS: dict[str, Callable[..., None]] = {}


def _by_blocks(plain_form: Callable[..., None]) -> Callable[[Callable[..., None]], Any]:
    """Decorate the update of one block, and make it the kernel of whole arrays.

    The function gets one-dimensional arrays: parameter, gradient, states (or None), and two rows of
    scratch memory. Arrays that don't lie alike in memory can't be cut; the plain form takes them.
    """

    def make(update: Callable[..., None]) -> Any:
        def cut(xp: Any, param: Array, grad: Array, *state: Array | None, **options: Any) -> Any:
            flat = rows(param, grad, *state)
            if flat is None:  # the gradient may be the only one in another order
                ordered = np.empty_like(param)
                ordered[...] = grad
                flat = rows(param, ordered, *state)
            if flat is None:
                plain_form(xp, param, grad, *state, **options)
                return []
            if param.size <= BLOCK:
                return [(update, flat, options)] if param.size else []
            return [
                (update, [a if a is None else a[start : start + BLOCK] for a in flat], options)
                for start in range(0, param.size, BLOCK)
            ]

        @kernel("cpu")
        @form_of(plain_form)
        def step(xp: Any, *arrays: Any, **options: Any) -> None:
            _run(cut(xp, *arrays, **options))

        step.cut, step.update = cut, update  # type: ignore[attr-defined]
        KERNELS[plain_form.__name__] = step
        return step

    return make


def _run(blocks: list[Block]) -> None:
    """Update block after block, on several threads if there are enough elements."""
    ends = list(itertools.accumulate(block[1][0].size for block in blocks))  # type: ignore[union-attr]

    def part(first: int, last: int) -> None:
        for block, end in zip(blocks, ends, strict=True):
            if first < end <= last:
                _update(*block)

    if blocks:
        parallel(part, ends[-1], least=SHARED)


def _update(
    update: Callable[..., None], arrays: list[Array | None], options: dict[str, Any]
) -> None:
    param = arrays[0]
    assert param is not None
    scratch = _scratch.rows.get(param.dtype)
    if scratch is None:
        scratch = _scratch.rows[param.dtype] = np.empty((2, BLOCK), param.dtype)
    update(*arrays, scratch[0, : param.size], scratch[1, : param.size], **options)


Arrays = tuple[Any, ...]  # param, grad and state (or None) of an update


class _Packed:
    """Updates of many small parameters as one of a single long row.

    For a few numbers NumPy's calls take longer than the arithmetic. So parameters, gradients and
    states are each copied to one row, updated by one round of calls, and copied back. Each number
    goes through the same operations as by itself, so the results are the same.

    Args:
        update: that of a block: of param, grad, states and two scratch rows.
        calls: the arrays of each parameter, of which only the gradients are others at each step.
    """

    def __init__(self, update: Callable[..., None], calls: list[Arrays]) -> None:
        sizes = [call[0].size for call in calls]
        ends = list(itertools.accumulate(sizes))
        columns = list(zip(*calls, strict=True))
        rows = np.empty((len(columns) + 2, ends[-1]), calls[0][0].dtype)
        self._update, self._grads = update, rows[1]
        held = [None if c[0] is None else r for c, r in zip(columns, rows, strict=False)]
        self._rows = [*held, *rows[len(columns) :]]  # and two for results on the way
        kept = [(c, r) for c, r in zip(columns, held, strict=True) if r is not None]
        self._pack = kept[:1] + kept[2:]
        self._unpack = [
            (array, row[end - size : end].reshape(array.shape))
            for arrays, row in self._pack
            for array, size, end in zip(arrays, sizes, ends, strict=True)
        ]

    def __call__(self, grads: list[Array], options: dict[str, Any]) -> None:
        np.concatenate(grads, axis=None, out=self._grads)
        for arrays, row in self._pack:
            np.concatenate(arrays, axis=None, out=row)
        self._update(*self._rows, **options)
        for array, part in self._unpack:
            array[...] = part


class _Again:
    """The updates of the same parameters at each step: small ones packed, others cut into blocks.

    Called with the gradients and the options of a step.

    Args:
        xp: the namespace.
        name: of the kernel, such as "adam_step".
        calls: the arrays of each parameter.
    """

    def __init__(self, xp: Any, name: str, calls: list[Arrays]) -> None:
        self._xp, self._kernel = xp, KERNELS[name]
        self._packs: list[tuple[list[int], _Packed]] = []
        numbers: list[int] = []
        size = 0
        for number in sorted(range(len(calls)), key=lambda i: calls[i][0].size):
            size += calls[number][0].size
            if size > SHORT:
                self._add_pack(numbers, calls)
                numbers, size = [], calls[number][0].size
            numbers.append(number)
        self._add_pack(numbers, calls)
        packed = {number for numbers, _ in self._packs for number in numbers}
        self._rest = [  # without their gradients, which nobody else may need any longer
            (i, param, state) for i, (param, _, *state) in enumerate(calls) if i not in packed
        ]

    def _add_pack(self, numbers: list[int], calls: list[Arrays]) -> None:
        if len(numbers) > 1:
            pack = _Packed(self._kernel.update, [calls[i] for i in numbers])  # type: ignore[attr-defined]
            self._packs.append((numbers, pack))

    def __call__(self, grads: list[Array], options: dict[str, Any]) -> None:
        for numbers, pack in self._packs:
            pack([grads[i] for i in numbers], options)
        blocks: list[Block] = []
        for i, param, state in self._rest:
            blocks += self._kernel.cut(self._xp, param, grads[i], *state, **options)  # type: ignore[attr-defined]
        _run(blocks)


@kernel("cpu")
def updates_again(xp: Any, name: str, calls: list[Arrays]) -> _Again | None:
    """See `plain.optim.updates_again`: for arrays that lie apart and have the same pieces."""
    kinds = {tuple(None if a is None else a.dtype.char for a in call) for call in calls}
    changed = [a for call in calls for a in (call[0], *call[2:]) if a is not None]
    alike = len(kinds) == 1 and len({*kinds.pop()} - {None}) == 1
    if not alike or changed[0].dtype.char not in "fd" or _overlap(changed):
        return None
    return _Again(xp, name, calls)


def _overlap(arrays: list[Array]) -> bool:
    """Whether any two of the arrays may share memory, as views of one array do."""
    bounds = sorted(byte_bounds(a) for a in arrays if a.size)
    return any(end > start for (_, end), (start, _) in itertools.pairwise(bounds))


def _direction(p: Array, g: Array, weight_decay: float, maximize: bool, out: Array) -> Array:
    """d = ±g + λ p, written to `out`; g itself if d = g."""
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
    """`plain.optim.sgd_step` of a block; s and t are scratch."""
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
    """`plain.optim.adam_step` of a block; s and t are scratch."""
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
    """`plain.optim.rmsprop_step` of a block; s and t are scratch."""
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
