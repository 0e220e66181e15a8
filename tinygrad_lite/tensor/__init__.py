"""Tensor: an array, its place in the graph, and PyTorch's methods on it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from ..backend import Array, Device, is_array, namespace, namespace_for
from ..backend.dtypes import FLOATING, as_dtype
from ..graph import Leaf, Node
from ..ops.elementwise import to_device
from . import base
from .autocast import autocast, get_autocast_dtype, is_autocast_enabled
from .base import TensorBase, apply
from .differentiate import run_backward
from .dtypes import plain_dtype, type_name
from .modes import (
    enable_grad,
    get_default_dtype,
    is_grad_enabled,
    no_grad,
    set_default_dtype,
    set_grad_enabled,
)
from .order import Sorting
from .printing import represent
from .promote import result_type, to_dtype
from .reduce import ValuesIndices

__all__ = [
    "Tensor",
    "ValuesIndices",
    "apply",
    "autocast",
    "enable_grad",
    "get_autocast_dtype",
    "get_default_dtype",
    "is_autocast_enabled",
    "is_grad_enabled",
    "no_grad",
    "result_type",
    "set_default_dtype",
    "set_grad_enabled",
]


class Tensor(Sorting):
    """An n-dimensional array that remembers how it was computed, as `torch.Tensor`.

    Make one with `tinygrad_lite.tensor(...)`, `zeros(...)` and the like; this constructor
    takes an array of NumPy or CuPy as it is, without copying.

    Args:
        array: the elements, in memory order of your choice.
        requires_grad: gather the gradient in `.grad`.

    Raises:
        TypeError: not an array, or one of objects or strings.
    """

    __slots__ = ()

    def __init__(self, array: Array, requires_grad: bool = False) -> None:
        if not is_array(array):
            raise TypeError(
                f"Tensor: expected an array, but got {type(array).__name__}; use tensor(...) for "
                "Python numbers and lists"
            )
        if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
            raise TypeError(
                f"Tensor: can't hold elements of dtype {array.dtype}; the supported types are "
                "floating point, integers and bool"
            )
        super().__init__(array, requires_grad)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:
        """Add d(Σ gradient · self)/dleaf to `.grad` of every leaf (or of `inputs`).

        Args:
            gradient: the cotangent, of this tensor's shape; may be left out for one element.
            retain_graph: keep the graph for another pass; default: `create_graph`.
            create_graph: record this pass, so that the gradients can be differentiated.
            inputs: the leaves to reach; default: all.

        Raises:
            RuntimeError: no graph, a graph that was freed, a value changed in place since,
                more than one element without a gradient, or a gradient that does not fit.
        """
        run_backward(
            [self],
            [gradient],
            inputs=inputs,
            retain_graph=retain_graph,
            create_graph=create_graph,
        )

    def retain_grad(self) -> None:
        """Fill `.grad` in backward passes although this is no leaf."""
        if self._node is None:
            raise RuntimeError("retain_grad: can't retain_grad on a Tensor that has no gradient")
        if isinstance(self._node, Leaf):
            return
        me = weakref.ref(self)

        def keep(grad: Tensor) -> None:
            tensor = me()
            if tensor is not None:
                copy = grad if grad.requires_grad else grad.clone()
                tensor._grad = copy if tensor._grad is None else tensor._grad + copy

        self.register_hook(keep)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Callable[[], None]:
        """Call `hook(grad)` when this tensor's gradient is known; what it returns replaces it.

        Returns:
            A function that removes the hook.
        """
        node: Node | Leaf | None = self._node
        if node is None:
            raise RuntimeError(
                "register_hook: can't register a hook on a Tensor without a gradient"
            )
        xp = namespace(self.array)

        def call(grad: Any) -> Any:
            raw = not isinstance(grad, TensorBase)
            out = hook(Tensor(xp.asarray(grad)) if raw else grad)
            return out.array if raw and out is not None else out

        node.hooks = [*(node.hooks or ()), call]

        def remove() -> None:
            node.hooks = [h for h in node.hooks or () if h is not call]

        return remove

    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: Any = False,
        copy: Any = False,
    ) -> Tensor:
        """This tensor in a dtype and on a device, given in any order (or another tensor's).

        Itself if nothing changes, unless `copy`. Gradients flow back through both.
        `non_blocking` has no effect.
        """
        for arg in args:
            if arg is True or arg is False:  # non_blocking, in its place
                continue
            if isinstance(arg, TensorBase):
                dtype, device = arg.dtype, arg.device
            elif isinstance(arg, Device) or (isinstance(arg, str) and not _names_dtype(arg)):
                device = arg
            else:
                dtype = arg
        out: Tensor = self if dtype is None else to_dtype(self, as_dtype(dtype))
        out = out if device is None else out._moved(device)
        return out.clone() if copy and out is self else out

    def _moved(self, device: str | Device) -> Tensor:
        target = namespace_for(device)
        if namespace(self.array) is target:
            return self
        return apply(to_device, self, device=target.name)

    def cpu(self) -> Tensor:
        """This tensor on the CPU."""
        return self._moved("cpu")

    def cuda(self, device: int | str | Device | None = None) -> Tensor:
        """This tensor on a GPU."""
        return self._moved(f"cuda:{device}" if isinstance(device, int) else device or "cuda")

    def type(self, dtype: Any = None) -> Any:
        """This tensor in a dtype, also one like `"torch.LongTensor"`; without it, its type's name.

        The name is PyTorch's, such as `"torch.FloatTensor"`.
        """
        return type_name(self) if dtype is None else self.to(dtype=plain_dtype(dtype))

    def type_as(self, other: Tensor) -> Tensor:
        """This tensor in another's dtype."""
        return self.to(dtype=other.dtype)

    def float(self) -> Tensor:
        """This tensor as float32."""
        return self.to(dtype="float32")

    def double(self) -> Tensor:
        """This tensor as float64."""
        return self.to(dtype="float64")

    def half(self) -> Tensor:
        """This tensor as float16."""
        return self.to(dtype="float16")

    def bfloat16(self) -> Tensor:
        """This tensor as bfloat16."""
        return self.to(dtype="bfloat16")

    def long(self) -> Tensor:
        """This tensor as int64."""
        return self.to(dtype="int64")

    def int(self) -> Tensor:
        """This tensor as int32."""
        return self.to(dtype="int32")

    def bool(self) -> Tensor:
        """This tensor as booleans."""
        return self.to(dtype="bool")

    def is_floating_point(self) -> Any:
        """Whether the dtype is floating point."""
        return self.dtype.kind in FLOATING

    def __repr__(self) -> str:
        return represent(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)


def _names_dtype(name: str) -> Any:
    return name.startswith(("float", "int", "uint", "bool", "bfloat"))


base._tensor_class = Tensor
