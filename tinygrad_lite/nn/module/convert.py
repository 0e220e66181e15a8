"""Changing all tensors of a model at once: device, dtype, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from ...backend import Array, Device, namespace, namespace_for
from ...backend.dtypes import DIFFERENTIABLE, as_dtype
from ...tensor import Tensor
from ...tensor.base import new
from ...tensor.element import dtype_of
from ..parameter import is_lazy
from .tree import Tree


class Convert(Tree):
    """Methods that act on every parameter and buffer, in place, and return the module."""

    def to(
        self,
        *args: Any,
        device: Any = None,
        dtype: Any = None,
        non_blocking: bool = False,
        memory_format: Any = None,
    ) -> Self:
        """Move everything to a device, and floating-point tensors to a dtype.

        Parameters stay the same objects and keep their memory order; `.grad` goes along.

        Args:
            args: a device (an integer is a GPU's), a dtype, both, or a tensor to take both from.
            device, dtype: the same by name.
            non_blocking, memory_format: without effect.

        Raises:
            TypeError: the dtype is neither floating point nor complex.
            RuntimeError: the device can't be used.

        Example:
            >>> nn.Linear(3, 2).to(dtype=torch.float64).weight.dtype
            torch.float64
        """
        for arg in args:
            if arg is True or arg is False:  # non_blocking, in its place
                continue
            if isinstance(arg, Tensor):
                device, dtype = arg.device, arg.dtype
            elif isinstance(arg, int):
                device = f"cuda:{arg}"
            elif isinstance(arg, str | Device):
                device = arg
            elif arg is not None:
                dtype = arg
        if dtype is not None and as_dtype(dtype).kind not in DIFFERENTIABLE:
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={dtype_of(as_dtype(dtype))}"
            )
        if device is not None:
            device = Device(device)

        def convert(t: Tensor) -> Tensor:
            takes = t.is_floating_point() or t.is_complex()
            return t.to(device=device, dtype=dtype if takes else None)

        return self._apply(convert)

    def _of_floats(self, dtype: Any) -> Self:
        """Turn what is floating point, and not complex, into a dtype."""
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def cpu(self) -> Self:
        """Move everything to the CPU."""
        return self.to(device="cpu")

    def cuda(self, device: int | str | Device | None = None) -> Self:
        """Move everything to a GPU."""
        return self.to(device=f"cuda:{device}" if isinstance(device, int) else device or "cuda")

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Give everything new memory on a device; the elements are lost, and have to be set anew.

        Args:
            device: the device.
            recurse: also what submodules hold.
        """
        xp = namespace_for(device)
        return self._apply(lambda t: new(xp.empty(t.array.shape, dtype=t.array.dtype)), recurse)

    def _apply(self, convert: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the elements of each parameter, its gradient and each buffer by `convert(it)`'s.

        Parameters stay the same objects, buffers need not.
        """
        for module in self.children() if recurse else ():
            module._apply(convert)  # which may be its own: for what it holds beside these
        for parameter in self._of_kind("parameter"):
            if parameter is not None:
                grad = parameter.grad
                _replace(parameter, convert)
                if grad is not None:
                    _replace(grad, convert)
        for name, buffer in self._buffers.items():
            if is_lazy(buffer):  # it has no shape afterwards either
                _replace(buffer, convert)
            elif buffer is not None:
                self.__dict__[name] = convert(buffer)
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Start or stop gathering gradients for every parameter.

        Example:
            >>> layer = nn.Linear(3, 2).requires_grad_(False)
            >>> layer(torch.ones(1, 3)).requires_grad
            False
        """
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of every parameter, or set them to 0.

        Args:
            set_to_none: forget them: `.grad` is None then.

        Example:
            >>> layer = nn.Linear(3, 2)
            >>> layer(torch.ones(1, 3)).sum().backward()
            >>> layer.zero_grad()
            >>> print(layer.weight.grad)
            None
        """
        for parameter in self.parameters():
            grad = parameter.grad
            if grad is not None:
                zeroed = grad.detach() if grad.requires_grad else grad
                parameter.grad = None if set_to_none else zeroed.zero_()

    def type(self, dst_type: Any) -> Self:
        """Turn parameters and buffers into a dtype, which may be a legacy name or constructor.

        Unlike `to` and `float` it also takes buffers of integers, such as a batch norm's count.

        Args:
            dst_type: such as `torch.float64`, `"torch.DoubleTensor"` or `torch.cuda.FloatTensor`.

        Example:
            >>> nn.Linear(3, 2).type(torch.DoubleTensor).weight.dtype
            torch.float64
        """
        return self._apply(lambda t: t.type(dst_type))

    def share_memory(self) -> Self:
        """Move everything into memory that other processes can map, see `multiprocessing`."""
        for tensor in (*self.parameters(), *self.buffers()):
            tensor.share_memory_()
        return self

    def half(self) -> Self:
        """Turn floating-point parameters and buffers into float16."""
        return self._of_floats("float16")

    def bfloat16(self) -> Self:
        """Turn floating-point parameters and buffers into bfloat16.

        Raises:
            RuntimeError: the package ml_dtypes is not installed.
        """
        return self._of_floats(as_dtype("bfloat16"))

    def double(self) -> Self:
        """Turn floating-point parameters and buffers into float64."""
        return self._of_floats("float64")

    def float(self) -> Self:
        """Turn floating-point parameters and buffers into float32."""
        return self._of_floats("float32")


def _replace(tensor: Tensor, convert: Callable[[Tensor], Tensor]) -> None:
    """Give a tensor the elements of `convert(tensor)`, in the memory order that it had."""
    array = convert(tensor.data).array
    if array is not tensor.array:
        tensor.data = new(in_order_of(array, tensor.array))


def in_order_of(array: Array, like: Array) -> Array:
    """An array with its axes in the memory order of another of the same shape.

    Copies between devices come out in row-major order; weights have orders of their own.
    """
    if like.ndim < 2:
        return array
    axes = sorted(range(like.ndim), key=lambda axis: -like.strides[axis])
    back = sorted(range(like.ndim), key=axes.__getitem__)
    xp = namespace(array)
    return xp.transpose(xp.ascontiguousarray(xp.transpose(array, axes)), back)
