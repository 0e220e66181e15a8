"""Parameter: a tensor that a module trains."""

from __future__ import annotations

from ..tensor import Tensor
from ..tensor.base import TensorBase

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A leaf tensor that a `Module` registers when it is assigned to an attribute.

    Operations on it give plain tensors; `.to()` and `.cpu()` of a module keep it the same
    object, so that an optimizer made before stays valid.

    Args:
        data: the initial elements, any shape. The memory is shared, not copied; the graph
            that made `data` is left behind. Default: no elements.
        requires_grad: gather the gradient in `.grad`.

    Raises:
        TypeError: data is not a Tensor.
        RuntimeError: requires_grad for a dtype that is not floating point.
    """

    __slots__ = ()

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            data = Tensor()
        if not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter: expected a Tensor, but got {type(data).__name__}; use tensor(...) or "
                "from_numpy(...)"
            )
        TensorBase.__init__(self, data.array)
        # One memory, one version counter: a change through `data` is seen by our graphs.
        self._storage = data._storage
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"
