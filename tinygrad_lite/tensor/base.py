"""What a tensor holds: an array, its place in the graph, its gradient.

A *view* shares the memory of its *base*; `apply` says how both get along.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..absent import METHODS
from ..backend import (
    Array,
    Device,
    capture,
    namespace,
    numpy,
    random,
    root,
    to_host,
    whole,
    with_draws,
    within,
)
from ..backend.dtypes import DIFFERENTIABLE
from ..graph import Leaf, Node, Storage, mode
from .element import DTYPES
from .element import dtype as ElementType
from .layout import known, layout_of, settle, theirs
from .size import Size, of_ints

if TYPE_CHECKING:
    from .tensor import Tensor

T = TypeVar("T", bound="TensorBase")
reseat: Any = None  # set by `reseat.py`
tensor_class: Any = None  # set by `tensor.py`, whose Tensor is this base with all operations
Steps = tuple[Any, ...]  # to a view: (), or (the steps before, a rule, its constants)


class TensorBase:
    """A tensor without operations. The files of operations know this class, `Tensor` has them all.

    Attributes:
        array: the elements.
        _grad: the gradient gathered by backward passes, or None.
        _node: the place in the graph: a `Leaf`, the `Node` that made this, or None.
        _storage: what it shares with tensors of the same memory.
        _view: of a view its base and the steps to it, None in place of steps that were not
            recorded; of other tensors None.
        _seen: of a view the `_storage.moves` for which `_node` is right; of other tensors −1.
    """

    # With a __dict__, made when it is first needed: programs set attributes of their own.
    __slots__ = ("__dict__", "__weakref__", "_grad", "_node", "_seen", "_storage", "_view", "array")

    array: Array
    _grad: Tensor | None
    _node: Node | Leaf | None
    _storage: Storage
    _seen: int
    _foreign = False  # whether a program derived the class (`derived.py`)
    _is_param = False  # whether one of such a class is a parameter (`nn/parameter.py`)
    _is_buffer = False  # the same of buffers
    _view: tuple[Tensor, Steps | None] | None

    # So that in `array + tensor` NumPy leaves the operator to us. Its functions, such as
    # np.exp(x), call __array__, and __array_wrap__ makes a tensor of the result.
    __array_priority__ = 1000

    def __init__(self, array: Array, requires_grad: bool = False) -> None:
        self.array = array
        self._grad = None
        self._node = None
        self._storage = mode.storage(array)
        self._seen = -1
        self._view = None
        if requires_grad:
            self.requires_grad_()

    @staticmethod
    def _make_subclass(cls: type[T], data: TensorBase, require_grad: bool = False) -> T:
        """A leaf of a subclass that shares a tensor's memory, as a `__new__` of one's own makes.

        Operations on it give tensors of the class, if it is not `Parameter`'s (`subclass.py`).
        """
        made = object.__new__(cls)
        TensorBase.__init__(made, data.array)
        made._storage = storage_of(data)
        if require_grad:
            made.requires_grad_()
        return made

    @property
    def shape(self) -> Size:
        """The size along each dimension."""
        return of_ints(self.array.shape)

    @property
    def dtype(self) -> ElementType:
        """What the elements are, such as `torch.float32`; `.array.dtype` is NumPy's."""
        return DTYPES[self.array.dtype]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.array.shape)

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self.array.shape)

    @property
    def device(self) -> Device:
        """The device that holds the elements."""
        name = namespace(self.array).name
        return Device(name, int(self.array.device.id) if name == "cuda" else None)

    @property
    def _version(self) -> int:
        """How often the elements were changed in place, here or through another view of them."""
        return self._storage.version

    @property
    def _base(self) -> Tensor | None:
        """The tensor whose memory a view shows, itself no view; None for what is no view."""
        return None if self._view is None else self._view[0]

    def _is_view(self) -> bool:
        """Whether this shows the memory of another tensor, for gradients too."""
        return self._view is not None

    # A tensor's place in the graph (`place.py`).
    is_leaf: property
    requires_grad: property
    requires_grad_: Callable[..., Tensor]

    @property
    def grad(self) -> Tensor | None:
        """The gradient gathered by `backward()`, of this tensor's shape and dtype, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, TensorBase):
                raise TypeError(f"grad: expected a Tensor or None, but got {type(value).__name__}")
            if value is self:
                raise RuntimeError("grad: can't assign a tensor as its own gradient")
            mine, its = self.array, value.array
            fits = type(its) is type(mine) and its.shape == mine.shape and its.dtype == mine.dtype
            if not fits or value.device != self.device:
                raise RuntimeError(
                    f"grad: a gradient of shape {tuple(value.shape)} and dtype {value.dtype} on "
                    f"{value.device} does not fit a tensor of shape {tuple(self.shape)} and dtype "
                    f"{self.dtype} on {self.device}"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def data(self) -> Tensor:
        """The same elements outside of the graph; changes to them are not recorded."""
        out = new(self.array)
        if self._view is not None:
            settle(self)
        out._storage = type(self._storage.counts)(self.array)
        out._storage.ours = self._storage.ours
        return out

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, TensorBase):
            raise TypeError(f"data: expected a Tensor, but got {type(value).__name__}")
        if self.requires_grad and value.array.dtype.kind not in DIFFERENTIABLE:
            raise RuntimeError(
                "data: a tensor that requires gradients must have a floating-point or complex "
                f"dtype, but got {value.dtype}"
            )
        self.array = value.array
        self._storage, self._seen, self._view = storage_of(value), -1, None
        if isinstance(self._node, Leaf):
            self._node.array, self._node.storage = self.array, self._storage

    def detach(self) -> Tensor:
        """The same elements, sharing memory, that no gradient flows through.

        Example:
            >>> x = torch.ones(2, requires_grad=True)
            >>> x.detach().requires_grad
            False
        """
        out = new(self.array)
        out._storage = storage_of(self)
        return out

    def numpy(self, *, force: bool = False) -> numpy.ndarray[Any, Any]:
        """The elements as a NumPy array that shares memory with a CPU tensor.

        Each call gives an array object of its own: to set its shape leaves the tensor as it is.

        Args:
            force: also for a tensor that requires a gradient, or is on another device; a copy then.

        Raises:
            RuntimeError: the tensor requires a gradient (detach it first), and operations are
                recorded; under `no_grad()` there is nothing that the array could escape.
            TypeError: the tensor is on another device (use `.cpu()` first).

        Example:
            >>> torch.arange(3).numpy()
            array([0, 1, 2])
        """
        if force:
            return to_host(self.array).view()
        if mode.grad and self.requires_grad:
            raise RuntimeError(
                "numpy: can't convert a Tensor that requires grad; use tensor.detach().numpy()"
            )
        if not isinstance(self.array, numpy.ndarray):
            raise TypeError(
                f"numpy: can't convert a {self.device} tensor; copy it to the host first with "
                "Tensor.cpu()"
            )
        beside_its_views(self)
        shown = self.array.view()
        if known and id(root(self.array)) in known:  # nothing would follow what NumPy writes
            shown.flags.writeable = False
        return shown

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return numpy.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return new(numpy.asarray(array))

    def item(self) -> Any:
        """The only element as a Python number.

        Raises:
            RuntimeError: there is not exactly one element.

        Example:
            >>> torch.tensor([2.5]).item()
            2.5
        """
        if math.prod(self.shape) != 1:
            raise RuntimeError(
                f"item: a Tensor with {math.prod(self.shape)} elements cannot be converted to a "
                f"number (shape {tuple(self.shape)})"
            )
        if not isinstance(self.array, numpy.ndarray):
            capture.forbid("it waits for the device, to read a number")
        return self.array.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers.

        Example:
            >>> torch.eye(2).tolist()
            [[1.0, 0.0], [0.0, 1.0]]
        """
        host = to_host(self.array)
        return (host.astype("float32") if host.dtype.kind == "V" else host).tolist()

    def _number(self, kind: str) -> Any:
        """The only element, for float(), int() and complex(), which raise ValueError for others."""
        if math.prod(self.shape) != 1:
            raise ValueError(
                f"{kind}: only a Tensor with one element is a Python number, but the shape is "
                f"{tuple(self.shape)}"
            )
        return self.item()

    def _real(self, kind: str) -> Any:
        """`_number` where it is real: of a complex one whose imaginary part is 0 the real part.

        Raises:
            RuntimeError: it has an imaginary part.
        """
        value = self._number(kind)
        if isinstance(value, complex):
            if value.imag:
                raise RuntimeError(f"{kind}: value {value} cannot be converted to a real number")
            return value.real
        return value

    def __float__(self) -> float:
        return float(self._real("float"))

    def __int__(self) -> int:
        return int(self._real("int"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def __index__(self) -> int:
        if self.dtype.kind not in "iub" or self.array.size != 1:
            raise TypeError(
                "only integer tensors of one element can be used as an index, not shape "
                f"{tuple(self.shape)} of "
                f"{self.dtype}"
            )
        return int(self.item())

    def __bool__(self) -> bool:
        if math.prod(self.shape) != 1:
            raise RuntimeError(
                "Boolean value of Tensor with "
                f"{'no values' if 0 in self.shape else 'more than one value'} is ambiguous"
            )
        return bool(self.item())

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __hash__(self) -> int:
        return id(self)

    def __dir__(self) -> list[str]:
        names = [name for name in object.__dir__(self) if not name.startswith("_")]
        return [name for name in names if name not in METHODS or hasattr(self, name)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        # For copy and pickle: the memory and where in it, so that views go on sharing it. What
        # made the tensor and its gradient stay behind, as in PyTorch.
        beside_its_views(self)
        memory, place = whole(self.array)
        storage, laid = storage_of(self), None
        if place is None and storage.ours and storage.ours is not True:
            laid = theirs(self)  # of a part alone, not of what it is a part of
        parts = type(self), storage, memory, place, self.requires_grad
        parts += () if laid is None else (laid,)  # type: ignore[assignment]
        return _restore, parts, self.__dict__ or None

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if not self.is_leaf:
            raise RuntimeError(
                "deepcopy: only leaf tensors (those that the user made) can be copied, but "
                f"{self._node!r} made this one; use detach() or clone()"
            )
        import copy  # which called this

        make, parts, noted = self.__reduce_ex__(4)
        made = make(*(copy.deepcopy(part, memo) for part in parts))
        memo[id(self)] = made
        made._grad = copy.deepcopy(self._grad, memo)
        if noted:
            made.__dict__.update(copy.deepcopy(noted, memo))
        return made


def _restore(
    kind: Any, storage: Storage, memory: Array, place: Any, requires_grad: bool, laid: Any = None
) -> Any:
    """A tensor again of what `__reduce_ex__` took it apart into."""
    tensor = object.__new__(kind)
    array = within(memory, place)
    TensorBase.__init__(tensor, array)
    if laid is not None:
        tensor._storage.ours = (layout_of(array, laid),)
    else:
        storage.own(array)
        tensor._storage = storage
    if requires_grad:
        tensor.requires_grad_()
    return tensor


def new(array: Array) -> Tensor:
    """A tensor of an array of a known library; the array is not copied.

    Raises:
        TypeError: an array of objects or strings.
        ValueError: an array in another byte order than the machine's.
    """
    if array.dtype not in DTYPES:
        DTYPES.admit(array.dtype)
    tensor: Tensor = object.__new__(tensor_class)
    tensor.array = array
    tensor._grad = tensor._node = tensor._view = None
    tensor._storage = storage = object.__new__(mode.storage)  # and its `__init__`, less a call
    storage.version = storage.moves = 0
    storage.ours = not array.flags.c_contiguous
    storage.key = id(array if array.base is None else root(array))
    tensor._seen = -1
    return tensor


def storage_of(tensor: TensorBase) -> Storage:
    """A tensor's storage, for what takes over its memory and is no view of its base."""
    if tensor._view is not None:
        settle(tensor)
    return tensor._storage


def beside_its_views(tensor: TensorBase) -> None:
    """Let a tensor and its flat views share memory where they are copies (`twins.py`), if possible.

    For what writes into memory behind their backs, and for what stores a memory as one.
    """
    if known and id(root(tensor.array)) in known:
        reseat(tensor)


def in_our_order(tensor: T, theirs: tuple[int, ...] | str | None = None) -> T:
    """A tensor itself, once noted that the library chose in which order its elements lie.

    For results whose axes were turned on the way to them: as PyTorch's, they may be viewed.

    Args:
        tensor: a result.
        theirs: the strides of PyTorch's, in bytes, or "columns"; default: it lies row by row.
    """
    storage = tensor._storage
    if tensor._view is None:
        storage.ours = True if theirs is None else (layout_of(tensor.array, theirs),)
    else:  # of what nobody sees
        settle(tensor)
        all_of_it = tensor.numel() == tensor._view[0].numel()
        others: Any = () if all_of_it or storage.ours is False else storage.ours
        storage.ours = (layout_of(tensor.array, theirs), *others)
    return tensor


random.shown = new
random.placed = with_draws
