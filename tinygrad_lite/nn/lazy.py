"""Layers that learn the size of their input from the first call."""

from __future__ import annotations

from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.create import empty
from .conv import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from .group_norm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from .linear import Linear
from .norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from .parameter import Uninitialized, UninitializedBuffer, UninitializedParameter
from .volume import Conv3d, ConvTranspose3d

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
]


class LazyModuleMixin:
    """What makes a module lazy: its parameters get their shapes at its first call.

    A subclass makes `UninitializedParameter`s, and gives them shapes in `initialize_parameters`.
    That runs before the first call's `forward`, with the same arguments; then the module turns
    into one of `cls_to_become`, if that is not None.

    Example:
        >>> from tinygrad_lite.nn.lazy import LazyModuleMixin
        >>> class Scale(LazyModuleMixin, nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.weight = nn.UninitializedParameter()
        ...
        ...     def initialize_parameters(self, x):
        ...         self.weight.materialize(x.shape[-1:])
        ...         nn.init.ones_(self.weight)
    """

    cls_to_become: ClassVar[Any] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        module: Any = self
        self._handle = module.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters their shapes and values.

        Raises:
            NotImplementedError: a subclass did not define it.
        """
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer still has no shape."""
        module: Any = self
        held = [*module._of_kind("parameter"), *module._of_kind("buffer")]
        return any(isinstance(tensor, Uninitialized) for tensor in held)

    def _infer_parameters(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The hook that runs before the first call's `forward`, and removes itself.

        Raises:
            RuntimeError: `initialize_parameters` left a parameter without a shape.
        """
        module.initialize_parameters(*args, **kwargs)
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {type(self).__name__} has not been fully initialized")
        module._handle.remove()
        del module._handle
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become


class _Lazy(LazyModuleMixin):
    """A layer of this package that learns the size of its input from its first call.

    It begins as a layer of size 0, its parameters without shapes. At the first call an ordinary
    layer of the right size is made, and its parameters are taken over.

    Args:
        args, kwargs: those of the layer that it becomes, but the first, which is the size.
    """

    _size: ClassVar[str]  # the attribute that holds the size, and the layer's first argument
    _rank = 1  # how many dimensions one sample has

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(0, *args, **kwargs)
        self._settings = args, kwargs
        module: Any = self
        for name, kind in list(module._kinds.items()):
            held = module.__dict__[name]
            if held is not None and held.ndim:
                lazy = UninitializedParameter if kind == "parameter" else UninitializedBuffer
                setattr(module, name, lazy(device=held.device, dtype=held.dtype))

    def _measure(self, input: Tensor) -> int:
        """The size that the layer learns from its input: the channels, the first of a sample.

        Raises:
            RuntimeError: an input of another rank.
        """
        if input.ndim not in (self._rank, self._rank + 1):
            raise RuntimeError(
                f"Expected {self._rank}D (unbatched) or {self._rank + 1}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {input.shape}"
            )
        return int(input.shape[-self._rank])

    def reset_parameters(self) -> None:
        """Draw the parameters again; nothing while they have no shapes."""
        if not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *_: Any) -> None:
        """Take over the parameters and buffers of an ordinary layer for this input."""
        module: Any = self
        setattr(self, self._size, self._measure(input))
        lazy = {
            name: held
            for name in module._kinds
            if isinstance(held := module.__dict__[name], Uninitialized)
        }
        if lazy:  # else a state dict has given them shapes and values
            args, kwargs = self._settings
            like: Any = next(iter(lazy.values()))
            made = self.cls_to_become(getattr(self, self._size), *args, **kwargs)
            made.to(device=like.device, dtype=like.dtype)
            for name, held in lazy.items():
                held.adopt(getattr(made, name))
        del self._settings


class LazyLinear(_Lazy, Linear):
    """`Linear`, whose in_features the first input tells; the other arguments as there."""

    cls_to_become = Linear
    _size = "in_features"

    def _take(self, name: str, tensor: Tensor, value: Tensor, assign: bool) -> None:
        """Copy a loaded value; the weight in `Linear`'s memory order.

        So what was saved and the copy that is loaded add up in the same order, to the same bits.
        """
        fresh = isinstance(tensor, Uninitialized) and not isinstance(value, Uninitialized)
        if name == "weight" and fresh and not assign:
            columns = empty(value.shape[::-1], dtype=tensor.dtype, device=tensor.device)
            tensor.adopt(columns.t())  # type: ignore[attr-defined]
        super()._take(name, tensor, value, assign)

    def _measure(self, input: Tensor) -> int:
        return int(input.shape[-1])


class _LazyConv(_Lazy):
    """What lazy convolutions share."""

    _size = "in_channels"


class LazyConv1d(_LazyConv, Conv1d):
    """`Conv1d`, whose in_channels the first input tells; the other arguments as there."""

    cls_to_become = Conv1d
    _rank = 2


class LazyConv2d(_LazyConv, Conv2d):
    """`Conv2d`, whose in_channels the first input tells; the other arguments as there."""

    cls_to_become = Conv2d
    _rank = 3


class LazyConvTranspose1d(_LazyConv, ConvTranspose1d):
    """`ConvTranspose1d`, whose in_channels the first input tells; the other arguments as there."""

    cls_to_become = ConvTranspose1d
    _rank = 2


class LazyConvTranspose2d(_LazyConv, ConvTranspose2d):
    """`ConvTranspose2d`, whose in_channels the first input tells; the other arguments as there."""

    cls_to_become = ConvTranspose2d
    _rank = 3


class _LazyBatchNorm(_Lazy):
    """What lazy batch norms share: the channels are dimension 1, whatever the rank is."""

    _size = "num_features"

    def _measure(self, input: Tensor) -> int:
        return int(input.shape[1])


class LazyBatchNorm1d(_LazyBatchNorm, BatchNorm1d):
    """`BatchNorm1d`, whose num_features the first input tells; the other arguments as there."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyBatchNorm, BatchNorm2d):
    """`BatchNorm2d`, whose num_features the first input tells; the other arguments as there."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyBatchNorm, BatchNorm3d):
    """`BatchNorm3d`, whose num_features the first input tells; the other arguments as there."""

    cls_to_become = BatchNorm3d


class LazyConv3d(_LazyConv, Conv3d):
    """`Conv3d`, whose in_channels the first input tells; the other arguments as there."""

    cls_to_become = Conv3d
    _rank = 4


class LazyConvTranspose3d(_LazyConv, ConvTranspose3d):
    """`ConvTranspose3d`, whose in_channels the first input tells; the other arguments as there."""

    cls_to_become = ConvTranspose3d
    _rank = 4


class _LazyInstanceNorm(_Lazy):
    """What lazy instance norms share: as in PyTorch they have γ, β and running statistics.

    The ordinary ones have neither by default.
    """

    _size = "num_features"

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(eps, momentum, affine, track_running_stats, device, dtype, bias=bias)


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d):
    """`InstanceNorm1d`, whose num_features the first input tells; the other arguments as there."""

    cls_to_become = InstanceNorm1d
    _rank = 2


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d):
    """`InstanceNorm2d`, whose num_features the first input tells; the other arguments as there."""

    cls_to_become = InstanceNorm2d
    _rank = 3


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d):
    """`InstanceNorm3d`, whose num_features the first input tells; the other arguments as there."""

    cls_to_become = InstanceNorm3d
    _rank = 4
