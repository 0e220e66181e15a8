"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from ...tensor import Tensor, no_grad
from ...tensor.concatenate import cat

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements in one vector, each tensor's in row-major order; gradients flow through."""
    return cat([parameter.reshape(-1) for parameter in parameters])


@no_grad()
def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make tensors of the elements of a vector, the inverse of `parameters_to_vector`.

    They share the vector's memory and have its dtype, as in PyTorch.

    Raises:
        TypeError: vec is not a Tensor.
        RuntimeError: vec has too few elements.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: expected a Tensor, but got {type(vec).__name__}")
    start = 0
    for parameter in parameters:
        n = parameter.numel()
        if start + n > vec.numel():
            raise RuntimeError(
                f"vector_to_parameters: the parameters need more than the {vec.numel()} elements "
                "that there are"
            )
        parameter.data = vec[start : start + n].view(parameter.shape).data
        start += n
