"""Mixed precision: inside `autocast` products run in 16 bits, and what needs range in 32.

`apply` asks `Casting.operands` for each rule, so no layer or function knows of it. The rules'
declarations say which are cast (`autocast` in `ops.rule`), on every device alike those that
PyTorch casts on CUDA:
https://docs.pytorch.org/docs/stable/amp.html#autocast-op-reference
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ContextDecorator
from functools import wraps
from typing import Any, TypeVar

from ..absent import lacks
from ..backend import Device, DType, is_available, numpy
from ..backend.dtypes import FLOATING, as_dtype, is_half
from ..graph import Leaf, Node, Rule, mode
from ..ops.elementwise import cast
from .apply import apply
from .base import TensorBase, new
from .element import BY_NAME, dtype, dtype_of
from .source_line import user_level

__all__ = ["autocast", "get_autocast_dtype", "is_autocast_enabled"]

F = TypeVar("F", bound=Callable[..., Any])

_FLOAT32 = numpy.dtype("float32")
_DEFAULTS = {"cpu": "bfloat16"}  # PyTorch's; float16 elsewhere


class SharedCast(Node):
    """The node of a parameter's cast, which several graphs share: a walk does not release it."""

    __slots__ = ()

    def release(self) -> None:
        """Keep all: it is the way to the parameter, holds no array, and other graphs need it."""


class Casting:
    """What is cast inside an `autocast` region.

    Args:
        dtypes: the 16-bit dtype of each device type that is cast.
        cache: casts of parameters, shared by nested regions; None to cast at each use.
    """

    __slots__ = ("cache", "dtypes")

    def __init__(self, dtypes: dict[str, DType], cache: dict[Any, Any] | None) -> None:
        self.dtypes = dtypes
        self.cache = cache

    def operands(self, rule: Rule, device: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """A rule's arguments on a device, cast as its declaration says."""
        low = self.dtypes.get(device)
        if low is None:
            return args
        if rule.autocast == "half":
            return tuple(self._lowered(a, low) if _is_eligible(a) else a for a in args)
        if rule.autocast == "float32":
            return tuple(_widened(a) for a in args)
        return args

    def seen(self, tensor: Any, device: str) -> DType:
        """The dtype that a tensor will have as the operand of a product."""
        low = self.dtypes.get(device)
        own: DType = tensor.array.dtype
        return own if low is None or not _is_eligible(tensor) else low

    def _lowered(self, tensor: Any, low: DType) -> Any:
        """A tensor in the 16-bit dtype; casts of float32 parameters are kept in the cache."""
        own = tensor.array.dtype
        if own == low:
            return tensor
        node = tensor._node
        if self.cache is None or not isinstance(node, Leaf) or own != _FLOAT32:
            return apply(cast, tensor, dtype=low)
        # The tensor is kept beside its cast, so that no other gets its id meanwhile.
        key, state = (id(tensor), low, mode.grad), (tensor._storage, tensor._storage.version)
        found = self.cache.get(key)
        if found is None or found[1] != state:
            found = self.cache[key] = (tensor, state, _shared(tensor, node, low))
        return found[2]


def _shared(tensor: Any, leaf: Leaf, low: DType) -> Any:
    """The cast of a parameter, recorded in a node that several walks may pass."""
    if not mode.grad:
        return apply(cast, tensor, dtype=low)
    array, own = tensor.array.astype(low), tensor.array.dtype
    out = new(array)
    vjps = (lambda g: g.astype(own),)
    guards = ((tensor._storage, tensor._storage.version),)
    out._node = SharedCast(
        cast, {"dtype": low}, (leaf,), (None,), guards, vjps, array, out._storage
    )
    return out


def _is_eligible(value: Any) -> bool:
    """Whether PyTorch would cast it: floating point, but not float64."""
    if not isinstance(value, TensorBase):
        return False
    dtype = value.array.dtype
    return dtype.kind in FLOATING and dtype.itemsize <= 4


def _widened(value: Any) -> Any:
    """A tensor of 16 bits in float32; anything else as it is."""
    half = isinstance(value, TensorBase) and is_half(value.array.dtype)
    return apply(cast, value, dtype=_FLOAT32) if half else value


def in_float32(function: F) -> F:
    """Decorate a function so that inside of `autocast` its tensors come as float32."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        casting = mode.cast
        if casting is not None:
            places = {a.device.type for a in (*args, *kwargs.values()) if isinstance(a, TensorBase)}
            if not places.isdisjoint(casting.dtypes):
                args = tuple(map(_widened, args))
                kwargs = {name: _widened(value) for name, value in kwargs.items()}
        return function(*args, **kwargs)

    return call  # type: ignore[return-value]


def lowered(*tensors: Any) -> tuple[Any, ...]:
    """Tensors as they come to a product, inside of `autocast` in its dtype."""
    casting = mode.cast
    if casting is None:
        return tensors
    low = casting.dtypes.get(tensors[0].device.type)
    if low is None:
        return tensors
    return tuple(casting._lowered(t, low) if _is_eligible(t) else t for t in tensors)


def as_it_is(function: F) -> F:
    """Decorate a function inside of which `autocast` casts nothing: PyTorch has no product there.

    What it is composed of here may be products; operands of several dtypes are promoted.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        casting = mode.cast
        if casting is None:
            return function(*args, **kwargs)
        tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, TensorBase)]
        if len({t.array.dtype for t in tensors}) > 1 and all(map(_is_eligible, tensors)):
            args = tuple(map(_widened, args))
            kwargs = {name: _widened(value) for name, value in kwargs.items()}
        mode.cast = None
        try:
            return function(*args, **kwargs)
        finally:
            mode.cast = casting

    return call  # type: ignore[return-value]


def one_dtype(*tensors: Any) -> bool:
    """Whether tensors have one dtype, or will have it where `autocast` casts them."""
    first = tensors[0]
    if all(t.array.dtype == first.array.dtype for t in tensors):
        return True
    casting, device = mode.cast, first.device.type
    return casting is not None and len({casting.seen(t, device) for t in tensors}) == 1


def need_one_dtype(name: str, **tensors: Any) -> None:
    """Refuse tensors of several dtypes, where nothing is promoted; None is no tensor.

    Raises:
        RuntimeError: naming the first and the one that differs.
    """
    (word, first), *others = ((k, t) for k, t in tensors.items() if t is not None)
    for other, tensor in others:
        if tensor.array.dtype != first.array.dtype and not one_dtype(first, tensor):
            raise RuntimeError(
                f"{name}: {word} and {other} must have the same dtype, but got {first.dtype} and "
                f"{tensor.dtype}"
            )


@lacks("custom_backend_name")
class autocast(ContextDecorator):
    """A `with` block, or decorator, of mixed precision, as `torch.autocast`.

    Convolutions and matrix products run in `dtype` with float32 sums; sums, powers, exponentials,
    softmax, layer norm and losses in float32; everything else in the dtype of its operands. Casts
    are differentiable: gradients arrive in each parameter's own dtype. Run the backward pass
    outside. With float16 small gradients become 0: use `amp.GradScaler`.

    Args:
        device_type: "cpu" or "cuda": only operations there are cast.
        dtype: float16 or bfloat16; default: float16 on CUDA, bfloat16 on the CPU.
        enabled: False for a block in which nothing is cast, within an outer one.
        cache_enabled: cast each parameter once, not at each use.

    Raises:
        RuntimeError: an unknown device type, or bfloat16 without the package ml_dtypes.

    Example:
        >>> a = torch.ones(2, 2)
        >>> with torch.autocast("cpu", dtype=torch.float16):
        ...     y = a @ a
        >>> y.dtype
        torch.float16
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(
                f"Expected `device_type` of type `str`, got: `{type(device_type).__name__}`"
            )
        self.device = Device(device_type).type
        self._enabled = enabled
        if enabled and self.device == "cuda" and not is_available("cuda"):
            warnings.warn(
                "autocast: device_type is 'cuda', but CUDA is not available; disabling autocast",
                stacklevel=user_level(),
            )
            self._enabled = False
        self.fast_dtype = None
        if self._enabled:
            low = as_dtype(dtype or get_autocast_dtype(self.device))
            self.fast_dtype = dtype_of(low)
            if not is_half(low):
                warnings.warn(
                    f"autocast: supports float16 and bfloat16, not {self.fast_dtype}; disabling "
                    "autocast",
                    stacklevel=user_level(),
                )
                self._enabled = False
        self._cache_enabled = cache_enabled is None or cache_enabled
        self._before: list[Casting | None] = []

    def _recreate_cm(self) -> autocast:
        copy: autocast = object.__new__(type(self))
        copy.__dict__ = {**self.__dict__, "_before": []}
        return copy

    def __enter__(self) -> autocast:
        outer: Casting | None = mode.cast
        self._before.append(outer)
        dtypes = {} if outer is None else dict(outer.dtypes)
        dtypes.pop(self.device, None)
        if self._enabled and self.fast_dtype is not None:
            dtypes[self.device] = self.fast_dtype.dtype
        cache = None
        if self._cache_enabled:
            cache = {} if outer is None or outer.cache is None else outer.cache
        mode.cast = Casting(dtypes, cache)
        return self

    def __exit__(self, *_: object) -> None:
        mode.cast = self._before.pop()


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether operations on a device type are being cast in this thread."""
    return mode.cast is not None and device_type in mode.cast.dtypes


def get_autocast_dtype(device_type: str) -> dtype:
    """The dtype that `autocast` casts to: the current region's, or the default."""
    if mode.cast is not None and device_type in mode.cast.dtypes:
        return dtype_of(mode.cast.dtypes[device_type])
    return BY_NAME[_DEFAULTS.get(device_type, "float16")]
