"""Assignment to a part of a tensor, `x[index] = value`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import numpy
from ..backend.dtypes import is_half
from ..graph import mode
from ..ops import shape as shape_ops
from .apply import apply, follows
from .base import TensorBase
from .index import read_index
from .inplace import change, repeats, write
from .promote import filling, scalar_tensor, to_dtype

if TYPE_CHECKING:
    from .tensor import Tensor


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """Write elements at an index.

    Raises:
        TypeError: the value is neither a tensor nor a number.
        RuntimeError: its shape does not broadcast to the place.
        IndexError: the index is out of range, or none.

    Example:
        >>> x = torch.zeros(2, 3)
        >>> x[0, 1:] = 5
        >>> x[1] = torch.tensor([1.0, 2.0, 3.0])
        >>> x
        tensor([[0., 5., 5.],
                [1., 2., 3.]])
    """
    view, places = read_index(input, index)
    value = _assigned(input, value, places)
    if view and (places or repeats(input.array)):  # of the part, elements may be one each
        input, view = apply(shape_ops.getitem, input, spec=view), ()
    spec, indices = shape_ops.split(places or view)
    if not (mode.grad and (input.requires_grad or value.requires_grad)):
        write(input, "setitem", shape_ops.fill(spec, tuple(i.array for i in indices)), value)
        return
    change(
        input, "setitem", lambda x: apply(shape_ops.setitem, x, value, *indices, spec=spec), value
    )


def _assigned(input: Tensor, value: Any, places: Any = ()) -> Tensor:
    """A value that is assigned, as a tensor of the dtype of what it is assigned to.

    A number beyond 16 bits is infinite there, as after a cast: masks are filled with −1e9.

    Raises:
        TypeError: neither a tensor nor a number.
        RuntimeError: a number that another dtype can't hold, or complex elements for real ones at
            places (a mask's, or index tensors').
    """
    if not isinstance(value, TensorBase):
        if not isinstance(value, int | float | complex | numpy.number):
            raise TypeError(
                f"setitem: can't assign a {type(value).__name__} to a tensor of {input.dtype}; "
                "use tensor(...)"
            )
        number: Any = value
        if is_half(input.array.dtype) and not numpy.iscomplexobj(number):
            return scalar_tensor(float(number), input)
        return filling("setitem", value, input)
    if type(value.array) is not type(input.array) and follows(value):
        value = value.to(input.device.type)  # type: ignore[attr-defined]
    if places and value.array.dtype.kind == "c" != input.array.dtype.kind:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{input.dtype} for the destination and {value.dtype} for the source."
        )
    return to_dtype(value, input.array.dtype)
