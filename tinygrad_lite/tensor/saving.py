"""Hooks of what graphs keep for backward passes: `torch.autograd.graph.saved_tensors_hooks`.

What a rule keeps are the arrays that its VJPs captured. While there are hooks, each of these goes
through `pack`, and functions equal to the VJPs that capture what `unpack` gives are made when a
backward pass asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..backend import Array, is_array
from ..graph import Joint, Packed, VJPs, mode
from .base import TensorBase, new
from .element import DTYPES
from .modes import no_grad

if TYPE_CHECKING:
    from .tensor import Tensor


class Hooks(NamedTuple):
    """What `mode.saving` holds."""

    pack: Callable[[Tensor], Any]
    unpack: Callable[[Any], Tensor]


class Box:
    """One tensor in the user's hands.

    Args:
        tensor: what `pack` is given, without recording.

    Raises:
        RuntimeError: `pack` changed it in place.
    """

    def __init__(self, tensor: Tensor) -> None:
        hooks = mode.saving
        version = tensor._storage.version
        self._content = _alone(hooks.pack, tensor)
        self._unpack = hooks.unpack
        if tensor._storage.version != version:
            raise RuntimeError("A saved tensor pack hook is modifying its input in place.")

    def open(self) -> Array:
        """The array of what `unpack` makes of it.

        Raises:
            TypeError: that is no tensor.
        """
        found = _alone(self._unpack, self._content)
        if not isinstance(found, TensorBase):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of "
                f"type {type(found).__name__}"
            )
        return found.array


def _alone(function: Callable[[Any], Any], value: Any) -> Any:
    """Call a user's hook, which neither records nor saves anything itself."""
    before, mode.saving = mode.saving, None
    try:
        with no_grad():
            return function(value)
    finally:
        mode.saving = before


def packed(vjps: VJPs, tensors: Iterable[Any], alone: bool = False) -> VJPs | Packed:
    """VJPs whose arrays went through `pack`, each once; the same if they keep none.

    Args:
        vjps: of a rule.
        tensors: the rule's inputs and its output; `pack` is given these where their arrays are
            kept, and tensors outside of the graph for others.
        alone: only theirs go through `pack`.
    """
    known: dict[int, Any] = {}
    places: dict[int, int] = {}
    for position, tensor in enumerate(tensors):
        if isinstance(tensor, TensorBase):
            known[id(tensor.array)], places[position] = tensor, id(tensor.array)
    boxes: dict[int, Any] = {}

    def box(value: Any) -> Any:
        if not is_array(value) or value.dtype not in DTYPES or (alone and id(value) not in known):
            return value
        if id(value) not in boxes:
            boxes[id(value)] = Box(known[id(value)] if id(value) in known else new(value))
        return boxes[id(value)]

    kept = _with(vjps, box)
    if not boxes:
        return vjps

    def restore() -> VJPs:
        opened: dict[Box, Array] = {}

        def unbox(value: Any) -> Any:
            if not isinstance(value, Box):
                return value
            if value not in opened:
                opened[value] = value.open()
            return opened[value]

        return _with(kept, unbox)  # type: ignore[no-any-return]

    return Packed(restore, {place: boxes[i] for place, i in places.items() if i in boxes})


def _with(value: Any, exchange: Callable[[Any], Any]) -> Any:
    """VJPs equal to others, but for the values that their functions captured."""
    if isinstance(value, FunctionType):
        if not value.__closure__:
            return value
        cells = tuple(CellType(_with(c.cell_contents, exchange)) for c in value.__closure__)
        name, defaults = value.__name__, value.__defaults__
        return FunctionType(value.__code__, value.__globals__, name, defaults, cells)
    if isinstance(value, Joint):
        parts = (_with(part, exchange) for part in value.parts)
        return Joint(_with(value.prepare, exchange), *parts, sharers=value.sharers)
    if type(value) in (tuple, list):
        return type(value)(_with(part, exchange) for part in value)
    return exchange(value)
