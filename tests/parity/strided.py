"""Arguments of PyTorch's samples as data, from which either library's tensors are made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from . import call as calls
from .call import Given
from .translate import Missing


@dataclass(frozen=True, repr=False)
class Strided(Given):
    """A tensor as it lies in a sample: its memory in `values`, and how it is read.

    `dtype` may be bfloat16, whose memory is kept as float32.
    """

    dtype: str = ""
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    offset: int = 0

    @staticmethod
    def of(theirs: torch.Tensor) -> Strided:
        """What to make it of; Missing, if it is complex or sparse."""
        if theirs.is_complex() or theirs.layout != torch.strided or theirs.ndim > 60:
            raise Missing("complex numbers and sparse tensors")
        flat, offset = theirs.detach(), theirs.storage_offset()
        if theirs.numel():
            size = theirs.untyped_storage().nbytes() // theirs.element_size()
            flat = flat.as_strided((size,), (1,), 0)
        values = (flat.float() if theirs.dtype == torch.bfloat16 else flat).numpy(force=True)
        return Strided(
            values.copy(),
            requires_grad=theirs.requires_grad,
            dtype=str(theirs.dtype).removeprefix("torch."),
            shape=tuple(theirs.shape),
            strides=theirs.stride(),
            offset=offset,
        )

    def make(self, library: str) -> Any:
        """The tensor of a library, in memory of its own."""
        module = calls.LIBRARIES[library]
        tensor = module.from_numpy(np.array(self.values)).to(getattr(module, self.dtype))
        if 0 in self.shape:
            tensor = module.empty(self.shape, dtype=tensor.dtype)
        else:
            tensor = tensor.as_strided(self.shape, self.strides, self.offset)
        return tensor.requires_grad_() if self.requires_grad else tensor

    def wide(self) -> Strided:
        """The same numbers in float64, if they are fractions."""
        if "float" not in self.dtype:
            return self
        return replace(self, values=self.values.astype("float64"), dtype="float64")

    def __repr__(self) -> str:
        tensor = self.make("torch").detach()
        text = str(tensor.tolist()) if tensor.numel() < 17 else "..."
        apart = "" if tensor.is_contiguous() else f", strides {self.strides}"
        needs = ", requires_grad" if self.requires_grad else ""
        return f"T({self.dtype}{list(self.shape)}{apart}{needs}: {text})"


def given(theirs: Any) -> Any:
    """A sample's argument as data."""
    if isinstance(theirs, torch.Tensor):
        return Strided.of(theirs)
    if isinstance(theirs, complex):
        raise Missing("complex numbers")
    if isinstance(theirs, slice) and any(
        isinstance(v, torch.Tensor) for v in (theirs.start, theirs.stop, theirs.step)
    ):
        raise Missing("slices between tensors")
    if type(theirs) in (list, tuple):
        return type(theirs)(given(v) for v in theirs)
    if isinstance(theirs, dict):
        return {k: given(v) for k, v in theirs.items()}
    return theirs


def wide(argument: Any) -> Any:
    """An argument with all fractions in float64."""
    if isinstance(argument, Strided):
        return argument.wide()
    if isinstance(argument, torch.dtype) and argument.is_floating_point:
        return torch.float64
    if type(argument) in (list, tuple):
        return type(argument)(wide(v) for v in argument)
    return {k: wide(v) for k, v in argument.items()} if isinstance(argument, dict) else argument


def still(argument: Any) -> Any:
    """An argument that requires no gradient."""
    if isinstance(argument, Strided):
        return replace(argument, requires_grad=False)
    if type(argument) in (list, tuple):
        return type(argument)(still(v) for v in argument)
    return {k: still(v) for k, v in argument.items()} if isinstance(argument, dict) else argument
