"""Row, and how the tests make tensors of its arguments and read its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

import tinygrad_lite as tg
from tests.strategies import Arguments, Array
from tinygrad_lite.backend import namespace_for, to_host


@dataclass(frozen=True)
class Row:
    """One operation.

    Args:
        name: what is called, and the variant in brackets.
        draw: a strategy of (arrays, keywords). Float64 arrays become the tensors that require
            a gradient; integer and boolean arrays become tensors that don't.
        reference: what NumPy makes of the same arguments in float64: an array or several.
        call: the operation on tensors; by default the attribute of `Tensor`, or the function
            of the package, of the row's name.
        rule: the rule that must stand in the graph; by default the name, if it is a rule's.
        differentiable: whether gradients flow through.
        syncs: whether the operation has to wait for the device, by its nature.
        repeats: whether it has a value for arrays all of whose elements are the same; as matrices
            those are singular.
    """

    name: str
    draw: SearchStrategy[Arguments]
    reference: Callable[..., Any]
    call: Callable[..., Any] | None = None
    rule: str | None = None
    differentiable: bool = True
    syncs: bool = False
    repeats: bool = True

    @property
    def target(self) -> str:
        """The name without the variant."""
        return self.name.partition("[")[0]

    def __call__(self, *tensors: Any, **keywords: Any) -> tuple[tg.Tensor, ...]:
        """The outputs of the operation."""
        call = self.call
        if call is None:
            call = getattr(tg.Tensor, self.target, None) or getattr(tg, self.target)
        return outputs(call(*tensors, **keywords))

    def expected(self, arrays: tuple[Array, ...], keywords: dict[str, Any]) -> list[Array]:
        """The reference's outputs."""
        found = self.reference(*arrays, **keywords)
        return [np.asarray(f) for f in (found if isinstance(found, tuple | list) else [found])]

    def __repr__(self) -> str:
        return self.name


def outputs(value: Any) -> tuple[tg.Tensor, ...]:
    """A tensor, or several, as a tuple."""
    return (value,) if isinstance(value, tg.Tensor) else tuple(value)


def leaves(
    arrays: tuple[Array, ...], device: str, dtype: Any = np.float64, grad: bool = True
) -> list[tg.Tensor]:
    """Fresh tensors of the arrays: floating-point ones in `dtype`, gathering gradients."""
    xp = namespace_for(device)
    made = []
    for array in arrays:
        if array.dtype.kind == "f":
            made.append(tg.as_tensor(xp.array(array.astype(dtype))).requires_grad_(grad))
        else:
            made.append(tg.as_tensor(xp.array(array)))
    return made


def to_numpy(tensor: tg.Tensor | None) -> Array:
    """A tensor's elements on the host, as a copy."""
    assert tensor is not None
    return np.array(to_host(tensor.array))
