"""Parameter: a tensor that a module trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from ..absent import explain as _explain
from ..tensor import Tensor
from ..tensor.base import TensorBase, storage_of
from ..tensor.create import empty
from ..tensor.derived import Listed

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


class _Parameters(Listed):
    """The class of `Parameter`: tensors of programs' classes may be parameters too."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return super().__instancecheck__(instance) or (
            cls is Parameter and isinstance(instance, TensorBase) and instance._is_param
        )


class _Made:
    """How a parameter is made; apart from `Parameter`, whose `__init__` says its arguments."""

    __slots__ = ()

    def __new__(cls, data: Any = None, requires_grad: bool = True, *_: Any, **more: Any) -> Any:
        """A tensor of the data's class, if a program derived that; a class's own call as ever."""
        if _ or more or not (isinstance(data, TensorBase) and data._foreign):
            return object.__new__(cls)
        made: Any = data.detach().requires_grad_(requires_grad)
        made._is_param = True
        return made


class Parameter(_Made, Tensor, metaclass=_Parameters):
    """A leaf tensor that a `Module` registers when it is assigned to an attribute.

    Operations on it give plain tensors. Of data of a class that a program derived from `Tensor` it
    is of that class too, and still `isinstance(p, Parameter)`. `.to()` and `.cpu()` of its module
    change its elements and leave the object the same, so that an optimizer made before stays valid.

    Args:
        data: the initial elements, any shape. The memory is shared, not copied; gradients do not
            flow on to what made `data`. Default: no elements.
        requires_grad: gather the gradient in `.grad`.

    Raises:
        TypeError: data is not a Tensor.
        RuntimeError: requires_grad for a dtype that is not floating point.
    """

    __slots__ = ()

    def __init__(
        self, data: Tensor | None = None, requires_grad: bool = True, **words: Any
    ) -> None:
        if words and type(self).__new__ is not _Made.__new__:
            return  # a class of a program, whose `__new__` has keywords of its own, made it
        if words:
            raise TypeError(f"Parameter: unexpected keyword arguments {sorted(words)}")
        if data is None:
            data = Tensor()
        if not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter: expected a Tensor, but got {type(data).__name__}; use tensor(...) or "
                "from_numpy(...)"
            )
        TensorBase.__init__(self, data.array)
        # One memory, one version counter: a change through `data` is seen by our graphs.
        self._storage = storage_of(data)
        self.requires_grad_(requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        # As PyTorch's: in memory of its own, without gradient, hooks and attributes of the user.
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        found: Parameter = memo[id(self)]
        return found

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class _Buffers(Listed):
    """The class of `Buffer`: tensors of programs' classes may be buffers too."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return super().__instancecheck__(instance) or (
            cls is Buffer and isinstance(instance, TensorBase) and instance._is_buffer
        )


class _MadeBuffer:
    """How a buffer is made; apart from `Buffer`, whose `__init__` says its arguments."""

    __slots__ = ()

    def __new__(cls, data: Any = None, *_: Any, persistent: bool = True, **more: Any) -> Any:
        """A tensor of the data's class, if a program derived that; a class's own call as ever."""
        if cls is not Buffer or _ or more or not (isinstance(data, TensorBase) and data._foreign):
            return object.__new__(cls)
        made: Any = data.detach().requires_grad_(data.requires_grad)
        made._is_buffer, made.persistent = True, persistent
        return made


class Buffer(_MadeBuffer, Tensor, metaclass=_Buffers):
    """A tensor that a `Module` registers as a buffer when it is assigned to an attribute.

    Of data of a class that a program derived from `Tensor` it is of that class too, and still
    `isinstance(b, Buffer)`.

    Args:
        data: the initial elements, whose memory is shared. Default: none.
        persistent: whether it is in the module's state dict.

    Example:
        >>> module = nn.Module()
        >>> module.mean = nn.Buffer(torch.zeros(3))
        >>> list(module.state_dict())
        ['mean']
    """

    __slots__ = ("persistent",)

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        data = Tensor() if data is None else data
        TensorBase.__init__(self, data.array)
        self._storage = storage_of(data)
        self.persistent = persistent
        self.requires_grad_(data.requires_grad)


class Uninitialized:
    """What parameters and buffers share whose shape is not known yet: it can't be asked for."""

    __slots__ = ()

    cls_to_become: Any

    @property
    def shape(self) -> NoReturn:
        """There is none yet.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    def _lacks(self, *_: Any, **__: Any) -> NoReturn:
        """There are no elements yet to be counted, or to calculate with.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            "Attempted to use an uninitialized parameter. This error happens when you are using a "
            "`LazyModule` or explicitly manipulating `torch.nn.parameter.UninitializedParameter` "
            "objects. When using LazyModules call `forward` with a dummy batch to initialize the "
            "parameters before calling torch functions"
        )

    def share_memory_(self) -> NoReturn:
        """There is no memory yet to be shared.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to "
            "initialize the parameters before calling `module.share_memory()`."
        )

    numel: Any = _lacks
    nelement: Any = _lacks
    sum: Any = _lacks
    mean: Any = _lacks
    std: Any = _lacks
    norm: Any = _lacks
    pow: Any = _lacks
    abs: Any = _lacks
    square: Any = _lacks
    view: Any = _lacks
    reshape: Any = _lacks
    flatten: Any = _lacks
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __pow__ = __neg__ = _lacks
    __truediv__ = __rtruediv__ = __matmul__ = __rmatmul__ = __getitem__ = _lacks

    def materialize(self, shape: Sequence[int], device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary parameter or buffer of a shape; its elements are not set.

        Args:
            shape: the shape.
            device, dtype: default: those given when this was made.
        """
        own: Any = self
        made = empty(tuple(shape), dtype=dtype or own.dtype, device=device or own.device)
        own.__class__ = self.cls_to_become
        own.data = made

    def adopt(self, tensor: Tensor) -> None:
        """Become an ordinary parameter or buffer with another's elements and memory order."""
        own: Any = self
        own.__class__ = self.cls_to_become
        own.data = tensor.detach()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        own: Any = self
        if id(self) not in memo:
            memo[id(self)] = type(own)(own.requires_grad, own.device, own.dtype)
        return memo[id(self)]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer has no shape yet, as those of lazy modules begin."""
    return isinstance(param, Uninitialized)


UninitializedTensorMixin = Uninitialized  # PyTorch's name


class UninitializedParameter(Uninitialized, Parameter):
    """A parameter whose shape is known when `materialize` is called, as lazy modules do.

    Args:
        requires_grad: gather the gradient in `.grad`.
        device, dtype: of the elements that it will have.
    """

    __slots__ = ()

    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(empty((0,), dtype=dtype, device=device), requires_grad)


class UninitializedBuffer(Uninitialized, Tensor):
    """A buffer whose shape is known when `materialize` is called.

    Args:
        requires_grad, device, dtype: as `UninitializedParameter`.
        persistent: without effect: `register_buffer` says whether state dicts have it.
    """

    __slots__ = ()

    cls_to_become = Tensor

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        TensorBase.__init__(self, empty((0,), dtype=dtype, device=device).array)
        self.requires_grad_(requires_grad)


_explain(__name__)
