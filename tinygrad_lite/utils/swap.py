"""Two tensors change places: `torch.utils.swap_tensors`."""

from __future__ import annotations

import weakref

from ..graph import Leaf
from ..tensor import Tensor
from ..tensor.base import TensorBase

__all__ = ["swap_tensors"]

_KEPT = ("__weakref__",)


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Give each of two tensors all that the other is: class, elements, gradient, attributes.

    Whoever holds one of them then has the other. Views keep the memory that they were made of.

    Raises:
        RuntimeError: their classes are laid out differently (`__slots__` that differ).

    Example:
        >>> a, b = torch.ones(2), torch.zeros(3)
        >>> torch.utils.swap_tensors(a, b)
        >>> a, b
        (tensor([0., 0., 0.]), tensor([1., 1.]))
    """
    try:
        t1.__class__, t2.__class__ = t2.__class__, t1.__class__
    except TypeError as error:
        raise RuntimeError(f"Cannot swap t1 and t2: {error}") from None
    for name in TensorBase.__slots__:
        if name not in _KEPT:
            one, other = getattr(t1, name), getattr(t2, name)
            setattr(t1, name, other)
            setattr(t2, name, one)
    for tensor in (t1, t2):
        if isinstance(tensor._node, Leaf):  # which hands its gradient to its tensor
            tensor._node.tensor = weakref.ref(tensor)
