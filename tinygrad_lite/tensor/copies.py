"""`view_copy` and its kin: what a view shows, as a tensor of its own; gradients flow back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ..grad_names import NO_GRADIENT
from . import methods, shape
from .arguments import explained
from .arrange import unfold
from .base import in_our_order
from .dims import axis
from .linalg import diagonal
from .shown import called
from .strided import as_strided

if TYPE_CHECKING:
    from .tensor import Tensor


def _copies(view: Callable[..., Any], name: str) -> FunctionType:
    """The function of copies of what a function of views returns: a tensor, or a tuple of them."""
    title = name.removesuffix("_copy").title().replace("_", "") + "Backward0_copy"
    title = {"narrow_copy": "NarrowCopy", "detach_copy": NO_GRADIENT}.get(name, title)
    listed = name in ("as_strided_copy", "expand_copy", "permute_copy", "view_copy")

    @functools.wraps(view)
    def copied(*args: Any, **kwargs: Any) -> Any:
        if listed and len(args) > 1 and isinstance(args[1], int):
            raise TypeError(f"{name}: expected a tuple of ints as second argument, not {args[1]}")
        found = view(*args, **kwargs)
        shown = title
        if name == "squeeze_copy" and (len(args) > 1 or "dim" in kwargs):
            several = isinstance(args[1] if len(args) > 1 else kwargs["dim"], tuple | list)
            shown = f"SqueezeBackward{1 + several}_copy"
        if isinstance(found, tuple):
            return tuple(called(in_our_order(part.clone()), shown) for part in found)
        return called(in_our_order(found.clone()), shown)

    copied.__name__ = copied.__qualname__ = name
    copied.__module__ = __name__.partition(".")[0]
    copied.__doc__ = f"A copy of what `{name.removesuffix('_copy')}` shows, with a gradient."
    return copied  # type: ignore[return-value]


def _alias(input: Tensor) -> Tensor:
    """The tensor itself."""
    return input


def _slice(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """The elements start, start + step, … before end of a dimension.

    Raises:
        IndexError: no such dimension.
        RuntimeError: a step that is not positive.
    """
    if not input.ndim:
        raise IndexError("slice_copy: a tensor without dimensions has no slices")
    dim = axis("slice_copy", input, dim)
    if step < 1:
        raise RuntimeError(f"slice_copy: step must be positive, but is {step}")
    return input.movedim(dim, 0)[start:end:step].movedim(0, dim)


def _expand(input: Tensor, size: Any, *, implicit: bool = False) -> Tensor:
    """`expand`; `implicit` has no effect."""
    return methods.expand(input, size=size)


def _permute(input: Tensor, dims: Any) -> Tensor:
    return shape.permute(input, dims=dims)


_VIEWS: dict[str, Callable[..., Any]] = {
    "alias": _alias,
    "as_strided": as_strided,
    "detach": _alias,
    "diagonal": diagonal,
    "expand": _expand,
    "narrow": shape.narrow,
    "permute": _permute,
    "select": shape.select,
    "slice": _slice,
    "split": shape.parts,
    "split_with_sizes": methods.split_with_sizes,
    "squeeze": shape.squeeze,
    "t": shape.t,
    "transpose": shape.transpose,
    "unbind": shape.unbind,
    "unfold": unfold,
    "unsqueeze": shape.unsqueeze,
    "view": methods.view,
}
__all__ = [f"{name}_copy" for name in _VIEWS]
for _name, _view in _VIEWS.items():
    globals()[f"{_name}_copy"] = explained(f"{_name}_copy", _copies(_view, f"{_name}_copy"))
