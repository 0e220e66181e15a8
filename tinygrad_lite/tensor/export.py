"""A tensor's memory for other libraries: DLPack, and the interface of CUDA arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tensor import Tensor


def to_dlpack(input: Tensor, **options: Any) -> Any:
    """A capsule with the tensor's memory, for another library's `from_dlpack`.

    Raises:
        BufferError: the tensor requires a gradient, or its dtype is unknown to DLPack.
    """
    if input.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    return input.array.__dlpack__(**options)


def dlpack_device(input: Tensor) -> tuple[int, int]:
    """The type and number of the device, as DLPack counts them."""
    kind, number = input.array.__dlpack_device__()
    return int(kind), int(number)


def cuda_array_interface(input: Tensor) -> dict[str, Any]:
    """What Numba and others need to know to share the memory.

    Raises:
        AttributeError: the tensor is not on a GPU.
        RuntimeError: it requires a gradient.
    """
    if input.device.type != "cuda":
        raise AttributeError(
            "Can't get __cuda_array_interface__ on non-CUDA tensor type: "
            f"{input.device}; use tensor.cuda() first"
        )
    if input.requires_grad:
        raise RuntimeError(
            "Can't get __cuda_array_interface__ on Variable that requires grad; use "
            "tensor.detach() first"
        )
    interface: dict[str, Any] = input.array.__cuda_array_interface__
    return interface
