"""`Tensor`, whole: its state comes from `TensorBase`, its methods by name from files by subject.

A method is the package's function of the same name: `x.exp()` is `exp(x)`. `both` adds the form
that changes the tensor in place.
"""

from __future__ import annotations

from typing import Any

from ..backend import Array, Device, is_array, namespace, namespace_for
from ..backend.dtypes import FLOATING, as_dtype
from ..ops import elementwise as rules
from . import base, differentiate, elementwise, inplace, linalg, methods, order, reduce, shape
from .apply import apply
from .base import TensorBase
from .dtypes import plain_dtype, type_name
from .inplace import both
from .operation import operators
from .printing import represent
from .promote import to_dtype


class Tensor(TensorBase):
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

    # Each element by itself.
    abs, abs_ = both(elementwise.abs)
    ceil, ceil_ = both(elementwise.ceil)
    clamp, clamp_ = both(elementwise.clamp)
    clamp_max, clamp_max_ = both(elementwise.clamp_max)
    clamp_min, clamp_min_ = both(elementwise.clamp_min)
    clip, clip_ = clamp, clamp_
    clone = elementwise.clone
    cos, cos_ = both(elementwise.cos)
    erf, erf_ = both(elementwise.erf)
    exp, exp_ = both(elementwise.exp)
    expm1, expm1_ = both(elementwise.expm1)
    floor, floor_ = both(elementwise.floor)
    isfinite = elementwise.isfinite
    isinf = elementwise.isinf
    isnan = elementwise.isnan
    log, log_ = both(elementwise.log)
    log10, log10_ = both(elementwise.log10)
    log1p, log1p_ = both(elementwise.log1p)
    log2, log2_ = both(elementwise.log2)
    masked_fill, masked_fill_ = both(elementwise.masked_fill)
    neg, neg_ = both(elementwise.neg)
    reciprocal, reciprocal_ = both(elementwise.reciprocal)
    relu, relu_ = both(elementwise.relu)
    round, round_ = both(elementwise.round)
    rsqrt, rsqrt_ = both(elementwise.rsqrt)
    sigmoid, sigmoid_ = both(elementwise.sigmoid)
    sign, sign_ = both(elementwise.sign)
    sin, sin_ = both(elementwise.sin)
    sqrt, sqrt_ = both(elementwise.sqrt)
    square, square_ = both(elementwise.square)
    tanh, tanh_ = both(elementwise.tanh)

    # Two operands that broadcast.
    add, add_ = both(elementwise.add)
    sub, sub_ = both(elementwise.sub)
    mul, mul_ = both(elementwise.mul)
    div, div_ = both(elementwise.div)
    pow, pow_ = both(elementwise.pow)
    remainder, remainder_ = both(elementwise.remainder)
    floor_divide, floor_divide_ = both(elementwise.floor_divide)
    maximum = elementwise.maximum
    minimum = elementwise.minimum
    where = methods.where
    bitwise_and, bitwise_and_ = both(elementwise.bitwise_and)
    bitwise_not, bitwise_not_ = both(elementwise.bitwise_not)
    bitwise_or, bitwise_or_ = both(elementwise.bitwise_or)
    bitwise_xor, bitwise_xor_ = both(elementwise.bitwise_xor)
    eq = elementwise.eq
    ge = elementwise.ge
    gt = elementwise.gt
    le = elementwise.le
    lt = elementwise.lt
    ne = elementwise.ne
    logical_and = elementwise.logical_and
    logical_not = elementwise.logical_not
    logical_or = elementwise.logical_or

    # Many elements into one.
    all = reduce.all
    amax = reduce.amax
    amin = reduce.amin
    any = reduce.any
    argmax = reduce.argmax
    argmin = reduce.argmin
    cumsum = reduce.cumsum
    log_softmax = reduce.log_softmax
    logsumexp = reduce.logsumexp
    max = reduce.max
    mean = reduce.mean
    min = reduce.min
    norm = reduce.norm
    prod = reduce.prod
    softmax = reduce.softmax
    std = reduce.std
    sum = reduce.sum
    var = reduce.var

    # Products of matrices and vectors.
    addmm = linalg.addmm
    bmm = linalg.bmm
    dot = linalg.dot
    matmul = linalg.matmul
    mm = linalg.mm
    mv = linalg.mv
    outer = linalg.outer
    tril = linalg.tril
    triu = linalg.triu

    # Shapes, views and indexing: elements move, nothing is computed.
    broadcast_to = methods.expand
    chunk = shape.chunk
    contiguous = methods.contiguous
    dim = methods.dim
    expand = methods.expand
    expand_as = methods.expand_as
    flatten = shape.flatten
    flip = shape.flip
    gather = shape.gather
    index_select = shape.index_select
    is_contiguous = methods.is_contiguous
    masked_select = shape.masked_select
    movedim = shape.movedim
    narrow = shape.narrow
    nelement = TensorBase.numel
    new_ones = methods.new_ones
    new_zeros = methods.new_zeros
    permute = shape.permute
    ravel = shape.ravel
    repeat = methods.repeat
    reshape = shape.reshape
    reshape_as = methods.reshape_as
    select = shape.select
    size = methods.size
    split = shape.split
    squeeze = shape.squeeze
    swapaxes = shape.swapaxes
    t = shape.t
    transpose = shape.transpose
    unbind = shape.unbind
    unflatten = shape.unflatten
    unsqueeze = shape.unsqueeze
    view = methods.view
    view_as = methods.reshape_as

    @property
    def T(self) -> Tensor:
        """All dimensions reversed."""
        return self.permute(*reversed(range(self.ndim)))

    @property
    def mT(self) -> Tensor:
        """The last two dimensions exchanged."""
        if self.ndim < 2:
            raise RuntimeError(f"mT: needs at least 2 dimensions, but the shape is {self.shape}")
        return self.transpose(-2, -1)

    # Order, counts and places.
    argsort = order.argsort
    bincount = order.bincount
    diag = order.diag
    nonzero = order.nonzero
    sort = order.sort
    topk = order.topk
    trace = order.trace
    unique = order.unique

    # In place, without another form.
    bernoulli_ = inplace.bernoulli_
    copy_ = inplace.copy_
    fill_ = inplace.fill_
    normal_ = inplace.normal_
    scatter_ = inplace.scatter_
    uniform_ = inplace.uniform_
    zero_ = inplace.zero_

    # Gradients.
    backward = differentiate.backward
    register_hook = differentiate.register_hook
    retain_grad = differentiate.retain_grad

    # Operators.
    __add__, __radd__ = operators(rules.add)
    __sub__, __rsub__ = operators(rules.sub)
    __mul__, __rmul__ = operators(rules.mul)
    __truediv__, __rtruediv__ = elementwise.div, elementwise._reflected_div
    __mod__ = elementwise.remainder
    __floordiv__ = elementwise.floor_divide
    __pow__, __rpow__ = elementwise.pow, elementwise._reflected_pow
    __matmul__ = linalg.matmul
    __and__ = elementwise.bitwise_and
    __or__ = elementwise.bitwise_or
    __xor__ = elementwise.bitwise_xor
    __invert__ = elementwise.bitwise_not
    __neg__ = elementwise.neg
    __abs__ = elementwise.abs
    __lt__ = elementwise.lt
    __le__ = elementwise.le
    __gt__ = elementwise.gt
    __ge__ = elementwise.ge
    __iadd__, __isub__, __imul__, __itruediv__ = add_, sub_, mul_, div_
    __getitem__ = methods.getitem
    __setitem__ = inplace.setitem
    __iter__ = methods.iterate
    __hash__ = TensorBase.__hash__

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return NotImplemented if other is None or isinstance(other, str) else self.eq(other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return NotImplemented if other is None or isinstance(other, str) else self.ne(other)

    def __pos__(self) -> Tensor:
        return self

    def __repr__(self) -> str:
        return represent(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)

    # Dtype and device. Last, because `float`, `int` and `bool` hide Python's from here on.
    @property
    def is_cuda(self) -> bool:
        """Whether the elements are on a GPU."""
        return self.device.type == "cuda"

    def is_floating_point(self) -> bool:
        """Whether the dtype is floating point."""
        return self.dtype.kind in FLOATING

    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: bool = False,
        copy: bool = False,
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
        return apply(rules.to_device, self, device=target.name)

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


def _names_dtype(name: str) -> bool:
    return name.startswith(("float", "int", "uint", "bool", "bfloat"))


base.tensor_class = Tensor
