"""How a tensor prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..backend import numpy, to_host

if TYPE_CHECKING:
    from . import Tensor

_USUAL = {"float32", "int64", "bool"}


def represent(tensor: Tensor) -> str:
    """Such as `tensor([1.0000, 2.5000], requires_grad=True)`."""
    host = to_host(tensor.array)
    body = numpy.array2string(
        host,
        separator=", ",
        prefix="tensor(",
        precision=4,
        suppress_small=True,
        threshold=1000,
        edgeitems=3,
        floatmode="maxprec_equal" if host.size else "maxprec",
    )
    notes = []
    if tensor.numel() == 0 and tensor.ndim > 1:
        notes.append(f"size={tensor.shape}")
    if tensor.dtype.name not in _USUAL:
        notes.append(f"dtype={tensor.dtype.name}")
    if tensor.device.type != "cpu":
        notes.append(f"device='{tensor.device}'")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return f"tensor({', '.join([body, *notes])})"
