"""The optimizers' updates on CUDA: one launch for all parameters that have the same options.

`updates` collects the calls of one step of an optimizer. Where each parameter, its gradient and
its state lie goes along with the launch, by value, so nothing is copied to the device and a
recorded launch stays as it is.

Parameters, gradients and state stay arrays of their own, and are not moved into flat buffers: a
block finds its parameter in the table, so one launch goes over 48 of them (the ConvNet has 34) as
it would over one buffer, and reads and writes the same bytes. Flat buffers would save the table
but would tie every `.grad` to a fixed place, where the walk could no longer leave the array that a
kernel has just made, and so cost the copy that they are to save.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..flat import rows
from ..kernel import form_of, kernel
from ..plain import optim as plain
from .arrays import has_no_gaps
from .source import launch, supports

MOST = 48  # parameters of one launch, as in optim.cu
ELEMENTS = 1024  # of one block, as there

PLACES = 5  # of one parameter: itself, its gradient and its state
ENTRY = np.dtype([("places", "u8", PLACES), ("size", "i8"), ("first_block", "i8")])
TABLE = np.dtype([("count", "i8"), ("entry", ENTRY, MOST)])

Arrays = tuple[Any, ...]

_OPTIONS = {
    "sgd_step": "lr momentum dampening weight_decay first nesterov maximize",
    "adam_step": "kept size eps beta1 beta2 weight_decay decoupled maximize",
    "rmsprop_step": "lr alpha eps weight_decay momentum maximize",
    "adagrad_step": "lr eps weight_decay maximize",
}
"""The kernels' options in their order."""

_FLAGS = frozenset({"first", "nesterov", "maximize", "decoupled"})
"""Those that are integers there; the others are floating point."""


class Updates:
    """Updates of one kind after another, done in few launches by `finish`.

    It offers the optimizers' kernels, such as `adam_step`, as a namespace does.
    """

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        self._waiting: dict[Any, tuple[Any, list[Arrays]]] = {}
        self._params: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        if name not in _OPTIONS:  # done at once, after what is waiting
            self.finish()
            return getattr(self.xp, name)
        return functools.partial(self._add, name)

    def _add(
        self, name: str, param: Any, grad: Any, *state: Any, scalars: Any = None, **options: Any
    ) -> None:
        arrays: Arrays | None = (param, grad, *state)
        if not supports(*arrays):  # type: ignore[misc]
            arrays = None
        elif not _alike(param, grad, *state):
            arrays = _flat(self.xp, param, grad, state)
        if arrays is None:
            self.finish()
            getattr(plain, name)(self.xp, param, grad, *state, scalars=scalars, **options)
            return
        if not param.size:
            return
        place = param.data.ptr
        if place in self._params:  # given twice: one update after the other
            self.finish()
        self._params.add(place)
        key = name, param.dtype, tuple(options.items()), id(scalars)
        self._waiting.setdefault(key, (scalars, []))[1].append(arrays)

    def finish(self) -> None:
        """Do all updates that are waiting."""
        waiting, self._waiting = self._waiting, {}
        self._params.clear()
        for (name, dtype, options, _), (scalars, calls) in waiting.items():
            numbers = _numbers(name, dict(options))
            for start in range(0, len(calls), MOST):
                table, blocks = _table(calls[start : start + MOST])
                kind = name.removesuffix("_step")
                launch(self.xp, "optim", kind, dtype, (table, scalars, *numbers), grid=blocks)


def _alike(param: Any, *others: Any) -> bool:
    """Whether all lie in memory as the parameter does, in whatever order, and without gaps."""
    shape, strides = param.shape, param.strides
    for a in others:
        if a is not None and (a.strides != strides or a.shape != shape):
            return False
    return has_no_gaps(shape, strides, param.itemsize)


def _flat(xp: Any, param: Any, grad: Any, state: Arrays) -> Arrays | None:
    """The arrays as rows of memory, element beside element; None if they can't be."""
    flat = rows(param, grad, *state)
    if flat is None:  # the gradient may be the only one in another order
        ordered = xp.empty_like(param)
        ordered[...] = grad
        flat = rows(param, ordered, *state)
    return None if flat is None else tuple(flat)


def _numbers(name: str, options: dict[str, Any]) -> list[Any]:
    """A kernel's options, with Adam's bias corrections in its step size and ε."""
    if name == "adam_step":
        lr, step = options.pop("lr"), options.pop("step")
        betas = options["beta1"], options["beta2"]
        options["kept"] = 1 - lr * options["weight_decay"]
        options["size"], options["eps"] = plain.adam_sizes(step, lr, *betas, options["eps"])
    words = _OPTIONS[name].split()
    return [int(bool(options[w])) if w in _FLAGS else float(options[w]) for w in words]


def _table(calls: list[Arrays]) -> tuple[Any, int]:
    """Where the arrays of some updates lie, as `Table` in optim.cu, and its number of blocks."""
    words, blocks = [len(calls)], 0  # the table is made of integers of eight bytes
    for arrays in calls:
        places = [0 if a is None else a.data.ptr for a in arrays]
        size = arrays[0].size
        words += (*places, *[0] * (PLACES - len(places)), size, blocks)
        blocks += -(-size // ELEMENTS)
    table = np.zeros(TABLE.itemsize // 8, "i8")
    table[: len(words)] = words
    return table.view(TABLE).reshape(()), blocks


@kernel("cuda")
@contextmanager
def updates(xp: Any) -> Iterator[Updates]:
    """See `plain.optim.updates`: those of one `with` block are done at its end, together."""
    together = Updates(xp)
    try:
        yield together
    finally:
        together.finish()


class _Again:
    """Updates of arrays that come again with other gradients: only these are new in the tables."""

    def __init__(self, xp: Any, name: str, calls: list[Arrays]) -> None:
        self._xp, self._name, self._dtype = xp, name, calls[0][0].dtype
        self._tables = [
            (*_table(calls[start : start + MOST]), start, len(calls[start : start + MOST]))
            for start in range(0, len(calls), MOST)
        ]

    def __call__(self, grads: list[Any], options: dict[str, Any]) -> None:
        kind, numbers = self._name.removesuffix("_step"), _numbers(self._name, options)
        places = [g.data.ptr for g in grads]
        for table, blocks, start, count in self._tables:
            table["entry"]["places"][:count, 1] = places[start : start + count]
            arrays = (table, None, *numbers)
            launch(self._xp, "optim", kind, self._dtype, arrays, grid=blocks)


@kernel("cuda")
def updates_again(xp: Any, name: str, calls: list[Arrays]) -> _Again | None:
    """See `plain.optim.updates_again`: for arrays that lie alike, each parameter once."""
    for arrays in calls:
        if not supports(*arrays) or not _alike(*arrays) or not arrays[0].size:
            return None
    same = len({arrays[0].dtype for arrays in calls}) == 1
    return _Again(xp, name, calls) if same and _differ(calls) else None


def _differ(calls: list[Arrays]) -> bool:
    """Whether no parameter comes twice."""
    return len({arrays[0].data.ptr for arrays in calls}) == len(calls)


def _alone(name: str) -> Any:
    """The kernel that does one update by itself."""

    @kernel("cuda")
    @form_of(getattr(plain, name))
    def step(xp: Any, *arrays: Any, **options: Any) -> None:
        with updates(xp) as together:
            getattr(together, name)(*arrays, **options)

    return step


sgd_step = _alone("sgd_step")
adam_step = _alone("adam_step")
rmsprop_step = _alone("rmsprop_step")
adagrad_step = _alone("adagrad_step")
