"""How a tensor prints: PyTorch's rules, so that printed results can be compared with its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..backend import numpy, to_host
from .modes import default_dtype

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["set_printoptions"]


class _Options:
    """What `set_printoptions` sets; no dataclass, whose import takes a millisecond."""

    precision: int = 4
    threshold: float = 1000  # items printed in full
    edgeitems: int = 3  # at each end of a dimension of a larger tensor
    linewidth: int = 80
    sci_mode: bool | None = None


_options = PRINT_OPTS = _Options()
_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Say how tensors are printed from now on; what is None stays as it is.

    Args:
        precision: digits after the decimal point, 4 at first.
        threshold: a tensor of more elements is printed in part, 1000 at first.
        edgeitems: how many are then printed at each end of a dimension, 3 at first.
        linewidth: characters of a line, 80 at first.
        profile: "default", "short" or "full": settings of these, which the others override.
        sci_mode: whether to use powers of ten; None: where numbers differ much in magnitude.
            Unlike the others it is reset to None by a call that leaves it out.

    Raises:
        KeyError: no such profile.
    """
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    profiled = {} if profile is None else _PROFILES[profile]
    for name, value in given.items():
        chosen = profiled.get(name) if value is None else value
        if chosen is not None:
            setattr(_options, name, chosen)
    _options.sci_mode = sci_mode


def represent(tensor: Tensor) -> str:
    """The text of a tensor, such as `tensor([1.0000, 2.5000], requires_grad=True)`."""
    text = f"{type(tensor).__name__}(" if tensor._foreign else "tensor("
    indent = len(text)
    text += "..." if tensor.device.type == "meta" else _tensor_str(tensor, indent)
    return noted(text, _notes(tensor), indent)


def noted(text: str, notes: list[str], indent: int, apart: bool = False) -> str:
    """A tensor's text with notes behind it, in lines that fit; `apart` begins a line with them."""
    last = len(text) - text.rfind("\n") + 1
    for note in notes:
        if apart or last + len(note) + 2 > _options.linewidth:
            text += f",\n{' ' * indent}{note}"
            last = indent + len(note)
            apart = False
        else:
            text += f", {note}"
            last += len(note) + 2
    return text + ")"


def _tensor_str(self: Tensor, indent: int) -> str:
    """The elements of a tensor, in brackets: PyTorch's name and arguments."""
    host = to_host(self.array)
    return _body(host.astype("float32") if host.dtype.kind == "V" else host, indent)


def _notes(tensor: Tensor) -> list[str]:
    """What is printed after the elements: what a reader could not tell from them."""
    empty, meta = tensor.numel() == 0, tensor.device.type == "meta"
    notes = []
    if tensor.device.type != "cpu":
        notes.append(f"device='{tensor.device}'")
    if meta or (tensor.ndim != 1 if empty else not _options.edgeitems):
        notes.append(f"size={tuple(tensor.shape)}")
    own = default_dtype().name
    of_parts = "complex128" if own == "float64" else "complex64"
    usual = [own, *([] if empty or meta else [of_parts, "int64", "bool"])]
    if tensor.dtype.name not in usual:
        notes.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn=<{type(tensor.grad_fn).__name__}>")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return notes


def _body(array: Any, indent: int) -> str:
    """The elements in brackets; lines after the first are indented by so many spaces."""
    if array.size == 0:
        return "[]"
    short = array.size > _options.threshold
    if short and not _options.edgeitems and array.ndim:
        return "[...]"
    shown = _summary(array) if short else array
    if array.dtype.kind == "c":
        return _block(array, indent, short, *_style_of_parts(shown.real, shown.imag))
    form, end, width = _style(shown)
    return _block(array, indent, short, lambda v: _item(v, form, end).rjust(width), width)


def _style_of_parts(real: Any, imag: Any) -> tuple[Callable[[Any], str], int]:
    """What prints complex numbers, padded, of arrays of both parts, and how wide that is."""
    form, end, width = _style(real)
    its_form, its_end, its_width = _style(imag)

    def item(value: Any) -> str:
        other = _item(value.imag, its_form, its_end) + "j"
        return _item(value.real, form, end).rjust(width) + ("" if other[0] == "-" else "+") + other

    return item, width + its_width + 1


def _summary(array: Any) -> Any:
    """The items that are printed of a large array."""
    edge = _options.edgeitems
    for axis, n in enumerate(array.shape):
        if n > 2 * edge:
            array = array.take([*range(edge), *range(n - edge, n)], axis)
    return array


def _style(array: Any) -> tuple[str, str, int]:
    """How the elements are printed, all alike.

    Returns:
        The format, as `format` takes it ("" for str); what follows a finite number (the point of
        floats that are whole); and the width of the longest.
    """
    form, end, precision = "", "", _options.precision
    values = array.ravel()
    if array.dtype.kind == "f":
        values = values[numpy.isfinite(values) & (values != 0)].astype("float64")
        sizes = abs(values)
        low, high = sizes.min(initial=math.inf), sizes.max(initial=0)
        powers = _options.sci_mode if values.size else False
        if powers is None:
            powers = bool(high > 1000 * low or high > 1e8 or low < 1e-4)
        if powers:
            form = f".{precision}e"
        elif (values == numpy.ceil(values)).all():
            form, end = ".0f", "."
        else:
            form = f".{precision}f"
    return form, end, max((len(_item(v, form, end)) for v in values.tolist()), default=1)


def _item(value: Any, form: str, end: str) -> str:
    """One element, not yet padded to the width."""
    return f"{value:{form}}" + (end if math.isfinite(value) else "") if form else str(value)


def _block(array: Any, indent: int, short: bool, item: Callable[[Any], str], width: int) -> str:
    """An array in brackets: a vector in lines, else its slices, parted by as many blank lines as
    dimensions lie within them; if short, without the middle of long dimensions.

    `item` prints an element in so much width.
    """
    if array.ndim == 0:
        return item(array.item())
    edge = _options.edgeitems
    cut = short and len(array) > 2 * edge
    parts = [array[:edge], array[-edge:]] if cut else [array]
    if array.ndim == 1:
        runs = [[item(v) for v in part.tolist()] for part in parts]
        items = [*runs[0], " ...", *runs[1]] if cut else runs[0]
        fit = max(1, (_options.linewidth - indent) // (width + 2))
        lines = [", ".join(items[i : i + fit]) for i in range(0, len(items), fit)]
        return f"[{(',' + chr(10) + ' ' * (indent + 1)).join(lines)}]"
    runs = [[_block(a, indent + 1, short, item, width) for a in part] for part in parts]
    blocks = [*runs[0], "...", *runs[1]] if cut else runs[0]
    return f"[{(',' + chr(10) * (array.ndim - 1) + ' ' * (indent + 1)).join(blocks)}]"
