"""How a tensor prints: PyTorch's rules, so that printed results can be compared with its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..backend import numpy, to_host
from .modes import get_default_dtype

if TYPE_CHECKING:
    from .tensor import Tensor

_LINE, _EDGE, _WHOLE = 80, 3, 1000  # characters, items at each end, items printed in full


def represent(tensor: Tensor) -> str:
    """Such as `tensor([1.0000, 2.5000], requires_grad=True)`."""
    text, indent = "tensor(", len("tensor(")
    host = to_host(tensor.array)
    text += _body(host.astype("float32") if host.dtype.kind == "V" else host, indent)
    last = len(text) - text.rfind("\n") + 1
    for note in _notes(tensor):
        if last + len(note) + 2 > _LINE:
            text += f",\n{' ' * indent}{note}"
            last = indent + len(note)
        else:
            text += f", {note}"
            last += len(note) + 2
    return text + ")"


def _notes(tensor: Tensor) -> list[str]:
    empty = tensor.numel() == 0
    notes = []
    if tensor.device.type != "cpu":
        notes.append(f"device='{tensor.device}'")
    if empty and tensor.ndim != 1:
        notes.append(f"size={tuple(tensor.shape)}")
    usual = [get_default_dtype().name, *([] if empty else ["int64", "bool"])]
    if tensor.dtype.name not in usual:
        notes.append(f"dtype={tensor.dtype.name}")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return notes


def _body(array: Any, indent: int) -> str:
    if array.size == 0:
        return "[]"
    short = array.size > _WHOLE
    shown = _summary(array) if short else array
    return _block(array, indent, short, *_style(shown))


def _summary(array: Any) -> Any:
    """The items that are printed of a large array."""
    for axis, n in enumerate(array.shape):
        if n > 2 * _EDGE:
            array = array.take([*range(_EDGE), *range(n - _EDGE, n)], axis)
    return array


def _style(array: Any) -> tuple[str, str, int]:
    """The format of every item, what follows a finite one, and the width."""
    form, end = "", ""
    values = array.ravel()
    if array.dtype.kind == "f":
        values = values[numpy.isfinite(values) & (values != 0)].astype("float64")
        sizes = abs(values)
        low, high = sizes.min(initial=math.inf), sizes.max(initial=0)
        if high > 1000 * low or high > 1e8 or low < 1e-4:
            form = ".4e"
        elif (values == numpy.ceil(values)).all():
            form, end = ".0f", "."
        else:
            form = ".4f"
    return form, end, max((len(_item(v, form, end)) for v in values.tolist()), default=1)


def _item(value: Any, form: str, end: str) -> str:
    return f"{value:{form}}" + (end if math.isfinite(value) else "") if form else str(value)


def _block(array: Any, indent: int, short: bool, form: str, end: str, width: int) -> str:
    if array.ndim == 0:
        return _item(array.item(), form, end).rjust(width)
    cut = short and len(array) > 2 * _EDGE
    parts = [array[:_EDGE], array[-_EDGE:]] if cut else [array]
    if array.ndim == 1:
        runs = [[_item(v, form, end).rjust(width) for v in part.tolist()] for part in parts]
        items = [*runs[0], " ...", *runs[1]] if cut else runs[0]
        fit = max(1, (_LINE - indent) // (width + 2))
        lines = [", ".join(items[i : i + fit]) for i in range(0, len(items), fit)]
        return f"[{(',' + chr(10) + ' ' * (indent + 1)).join(lines)}]"
    runs = [[_block(a, indent + 1, short, form, end, width) for a in part] for part in parts]
    blocks = [*runs[0], "...", *runs[1]] if cut else runs[0]
    return f"[{(',' + chr(10) * (array.ndim - 1) + ' ' * (indent + 1)).join(blocks)}]"
