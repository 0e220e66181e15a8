"""In-place methods. Each runs its ordinary form, then writes the result into the tensor.

An operation that is recorded gives the tensor a new place in the graph; the version counter
of its memory goes up, so that a gradient which needs the old elements raises instead of
using the new ones.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..backend import capture, namespace, random
from ..backend.dtypes import FLOATING
from ..graph import Leaf, Node, mode
from ..ops import shape as shape_ops
from .base import TensorBase, apply, new
from .linalg import Linalg
from .promote import scalar_tensor, to_dtype
from .shape import prepare_index

if TYPE_CHECKING:
    from . import Tensor


class InPlace(Linalg):
    """Methods that end in an underscore, augmented assignment, and item assignment."""

    __slots__ = ()

    def _change(self, name: str, operation: Callable[[Tensor], Tensor], *others: Any) -> Tensor:
        """Replace the elements by those of `operation(self)`."""
        recorded = mode.grad and any(
            isinstance(t, TensorBase) and t.requires_grad for t in (self, *others)
        )
        if recorded:
            self._check_may_record(name)
        source: Any = self
        if recorded:  # the graph may need the old elements
            source = new(namespace(self.array).copy(self.array))
            source._node = self._node
        result = operation(source)
        if result.shape != self.shape:
            raise RuntimeError(
                f"{name}: output with shape {self.shape} doesn't match the broadcast shape "
                f"{result.shape}"
            )
        if result.dtype != self.dtype:
            if result.dtype.kind in FLOATING and self.dtype.kind not in FLOATING:
                raise RuntimeError(
                    f"{name}: result type {result.dtype} can't be cast to {self.dtype}"
                )
            result = to_dtype(result, self.dtype)
        self._write(name, ..., result)
        if recorded:
            self._storage.recorded = self._storage.version
            self._node = node = result._node
            if isinstance(node, Node):
                node.value, node.storage = weakref.ref(self.array), self._storage
                node.version = self._storage.version
        return self  # type: ignore[return-value]

    def _write(self, name: str, index: Any, value: TensorBase) -> None:
        """Change elements, and say so in the version counter."""
        repeats = (s == 0 and n > 1 for s, n in zip(self.array.strides, self.shape, strict=True))
        if any(repeats) and 0 not in self.shape:
            raise RuntimeError(
                f"{name}: unsupported operation: more than one element of the written-to tensor "
                "refers to a single memory location; clone() the tensor first"
            )
        if type(value.array) is not type(self.array):
            raise RuntimeError(
                f"{name}: expected all tensors on one device, but found {self.device} and "
                f"{value.device}"
            )
        try:
            self.array[index] = value.array
        except ValueError as error:
            raise RuntimeError(
                f"{name}: can't write a value of shape {value.shape} into a tensor of shape "
                f"{self.shape}: {error}"
            ) from None
        self._storage.version += 1

    def _check_may_record(self, name: str) -> None:
        if isinstance(self._node, Leaf):
            raise RuntimeError(
                f"{name}: a leaf Variable that requires grad is being used in an in-place "
                "operation; do it under no_grad(), or on .data"
            )
        if self._seen >= 0:
            raise RuntimeError(
                f"{name}: in-place operations that need a gradient are not supported on a view "
                f"(shape {self.shape}); use the out-of-place form, or change the base"
            )

    def add_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """Add other · alpha."""
        return self._change("add_", lambda x: x.add(other, alpha=alpha), other)

    def sub_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """Subtract other · alpha."""
        return self._change("sub_", lambda x: x.sub(other, alpha=alpha), other)

    def mul_(self, other: Any) -> Tensor:
        """Multiply by other."""
        return self._change("mul_", lambda x: x.mul(other), other)

    def div_(self, other: Any) -> Tensor:
        """Divide by other."""
        return self._change("div_", lambda x: x.div(other), other)

    def pow_(self, exponent: Any) -> Tensor:
        """Raise to a power."""
        return self._change("pow_", lambda x: x.pow(exponent), exponent)

    def neg_(self) -> Tensor:
        """Change the sign."""
        return self._change("neg_", lambda x: x.neg())

    def exp_(self) -> Tensor:
        """Replace by the exponential."""
        return self._change("exp_", lambda x: x.exp())

    def sqrt_(self) -> Tensor:
        """Replace by the square root."""
        return self._change("sqrt_", lambda x: x.sqrt())

    def relu_(self) -> Tensor:
        """Replace by max(0, self)."""
        return self._change("relu_", lambda x: x.relu())

    def clamp_(self, min: Any = None, max: Any = None) -> Tensor:
        """Limit to [min, max]."""
        return self._change("clamp_", lambda x: x.clamp(min, max), min, max)

    clip_ = clamp_

    def masked_fill_(self, mask: Tensor, value: float) -> Tensor:
        """Put a number wherever the mask is True."""
        return self._change("masked_fill_", lambda x: x.masked_fill(mask, value))

    def copy_(self, source: Tensor) -> Tensor:
        """Take the elements of another tensor, cast and moved to this one's device."""
        if not isinstance(source, TensorBase):
            raise TypeError(f"copy_: expected a Tensor, but got {type(source).__name__}")
        moved = source.to(self.device.type)
        expand = lambda _: to_dtype(moved, self.dtype).expand(self.shape)  # noqa: E731
        return self._change("copy_", expand, source)

    def fill_(self, value: float) -> Tensor:
        """Set every element to a number."""
        if mode.grad and self.requires_grad:  # it stays in the graph, with a gradient of 0
            return self._change("fill_", lambda x: x.masked_fill(x.eq(x) | x.ne(x), value))
        return self._change("fill_", lambda x: scalar_tensor(value, x).expand(x.shape))

    def zero_(self) -> Tensor:
        """Set every element to 0."""
        return self.fill_(0)

    def normal_(
        self, mean: float = 0, std: float = 1, *, generator: random.Generator | None = None
    ) -> Tensor:
        """Fill with draws from N(mean, std²)."""
        if std < 0:
            raise RuntimeError(f"normal_: expects std >= 0, but found std {std}")
        return self._draw(
            lambda: random.normal(self.shape, self.dtype, generator) * std + mean, "normal_"
        )

    def uniform_(
        self, low: float = 0, high: float = 1, *, generator: random.Generator | None = None
    ) -> Tensor:
        """Fill with draws uniform on [low, high)."""
        return self._draw(
            lambda: random.uniform(self.shape, self.dtype, generator) * (high - low) + low,
            "uniform_",
        )

    def bernoulli_(self, p: float = 0.5, *, generator: random.Generator | None = None) -> Tensor:
        """Fill with 1 (with probability p) and 0."""
        return self._draw(
            lambda: random.uniform(self.shape, "float32", generator) < p, "bernoulli_"
        )

    def _draw(self, draw: Callable[[], Any], name: str) -> Tensor:
        xp = namespace(self.array)
        drawn = new(xp.astype(capture.feed(xp, draw), self.dtype))
        return self._change(name, lambda _: drawn)

    def __iadd__(self, other: Any) -> Tensor:
        return self.add_(other)

    def __isub__(self, other: Any) -> Tensor:
        return self.sub_(other)

    def __imul__(self, other: Any) -> Tensor:
        return self.mul_(other)

    def __itruediv__(self, other: Any) -> Tensor:
        return self.div_(other)

    def __setitem__(self, index: Any, value: Any) -> None:
        spec, indices = shape_ops.split(prepare_index(self, index))
        if not isinstance(value, TensorBase):
            value = scalar_tensor(value, self)
        value = to_dtype(value, self.dtype)
        if not (mode.grad and (self.requires_grad or value.requires_grad)):
            index = shape_ops.fill(spec, tuple(i.array for i in indices))
            self._write("setitem", index, value)
            return
        self._change(
            "setitem", lambda x: apply(shape_ops.setitem, x, value, *indices, spec=spec), value
        )
