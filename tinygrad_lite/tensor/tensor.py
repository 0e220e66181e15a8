"""`Tensor`, whole: its state comes from `TensorBase`, its methods by name from files by subject.

A method is the package's function of the same name: `x.exp()` is `exp(x)`. `both` adds the form
that changes the tensor in place.
"""

from __future__ import annotations

from typing import Any

from ..backend import Device, numpy
from ..ops import elementwise as rules
from . import (
    arrange,
    base,
    convert,
    differentiate,
    elementwise,
    hooks,
    inplace,
    legacy,
    linalg,
    methods,
    new_from,
    order,
    place,
    reduce,
    shape,
)
from . import index as indexing
from . import scatter as scattering
from .base import TensorBase
from .inplace import both
from .operation import operators, reflected
from .printing import represent

# What `==` compares with; anything else is just not equal.
_OPERANDS = (TensorBase, int, float, numpy.number, numpy.bool_, numpy.ndarray)


class Tensor(TensorBase):
    """An n-dimensional array that remembers how it was computed, as `torch.Tensor`.

    Make one with `tensor(...)`, `zeros(...)`, `from_numpy(...)` and the like. This constructor is
    the one from before PyTorch had dtypes: it always gives the default dtype, and a copy.

    Args:
        data: sizes (`Tensor(2, 3)`, or a `Size`), which make memory that is not set; or a nested
            list, a tuple or an array; or a tensor, which is shared.
        device: where to; default: the CPU.

    Raises:
        TypeError: none of these, or elements that are not numbers.
    """

    __slots__ = ()

    def __init__(self, *data: Any, device: str | Device | None = None) -> None:
        super().__init__(legacy.array_of("Tensor", data, None, device))
        if len(data) == 1 and isinstance(data[0], TensorBase):
            self._storage = data[0]._storage  # one memory, one count of its changes

    # Its place in the graph.
    is_leaf = property(place.is_leaf)
    grad_fn = property(place.grad_fn)
    requires_grad = property(place.requires_grad, place.set_requires_grad)
    requires_grad_ = place.requires_grad_

    # Each element by itself.
    abs, abs_ = both(elementwise.abs)
    absolute, absolute_ = both(elementwise.absolute)
    acos, acos_ = both(elementwise.acos)
    acosh, acosh_ = both(elementwise.acosh)
    arccos, arccos_ = both(elementwise.arccos)
    arccosh, arccosh_ = both(elementwise.arccosh)
    arcsin, arcsin_ = both(elementwise.arcsin)
    arcsinh, arcsinh_ = both(elementwise.arcsinh)
    arctan, arctan_ = both(elementwise.arctan)
    arctanh, arctanh_ = both(elementwise.arctanh)
    asin, asin_ = both(elementwise.asin)
    asinh, asinh_ = both(elementwise.asinh)
    atan, atan_ = both(elementwise.atan)
    atanh, atanh_ = both(elementwise.atanh)
    ceil, ceil_ = both(elementwise.ceil)
    clamp, clamp_ = both(elementwise.clamp)
    clamp_max, clamp_max_ = both(elementwise.clamp_max)
    clamp_min, clamp_min_ = both(elementwise.clamp_min)
    clip, clip_ = clamp, clamp_
    clone = elementwise.clone
    cos, cos_ = both(elementwise.cos)
    cosh, cosh_ = both(elementwise.cosh)
    deg2rad, deg2rad_ = both(elementwise.deg2rad)
    erf, erf_ = both(elementwise.erf)
    exp, exp_ = both(elementwise.exp)
    exp2, exp2_ = both(elementwise.exp2)
    expm1, expm1_ = both(elementwise.expm1)
    fix, fix_ = both(elementwise.fix)
    floor, floor_ = both(elementwise.floor)
    frac, frac_ = both(elementwise.frac)
    isfinite = elementwise.isfinite
    isinf = elementwise.isinf
    isnan = elementwise.isnan
    log, log_ = both(elementwise.log)
    log10, log10_ = both(elementwise.log10)
    log1p, log1p_ = both(elementwise.log1p)
    log2, log2_ = both(elementwise.log2)
    logit, logit_ = both(elementwise.logit)
    masked_fill, masked_fill_ = both(elementwise.masked_fill)
    nan_to_num, nan_to_num_ = both(elementwise.nan_to_num)
    neg, neg_ = both(elementwise.neg)
    negative, negative_ = both(elementwise.negative)
    positive = elementwise.positive
    rad2deg, rad2deg_ = both(elementwise.rad2deg)
    reciprocal, reciprocal_ = both(elementwise.reciprocal)
    relu, relu_ = both(elementwise.relu)
    round, round_ = both(elementwise.round)
    rsqrt, rsqrt_ = both(elementwise.rsqrt)
    sgn, sgn_ = both(elementwise.sgn)
    sigmoid, sigmoid_ = both(elementwise.sigmoid)
    sign, sign_ = both(elementwise.sign)
    signbit = elementwise.signbit
    sin, sin_ = both(elementwise.sin)
    sinh, sinh_ = both(elementwise.sinh)
    sqrt, sqrt_ = both(elementwise.sqrt)
    square, square_ = both(elementwise.square)
    tan, tan_ = both(elementwise.tan)
    tanh, tanh_ = both(elementwise.tanh)
    trunc, trunc_ = both(elementwise.trunc)

    # Two operands that broadcast, or three.
    add, add_ = both(elementwise.add)
    addcdiv, addcdiv_ = both(elementwise.addcdiv)
    addcmul, addcmul_ = both(elementwise.addcmul)
    arctan2, arctan2_ = both(elementwise.arctan2)
    atan2, atan2_ = both(elementwise.atan2)
    bitwise_and, bitwise_and_ = both(elementwise.bitwise_and)
    bitwise_left_shift, bitwise_left_shift_ = both(elementwise.bitwise_left_shift)
    bitwise_not, bitwise_not_ = both(elementwise.bitwise_not)
    bitwise_or, bitwise_or_ = both(elementwise.bitwise_or)
    bitwise_right_shift, bitwise_right_shift_ = both(elementwise.bitwise_right_shift)
    bitwise_xor, bitwise_xor_ = both(elementwise.bitwise_xor)
    copysign, copysign_ = both(elementwise.copysign)
    div, div_ = both(elementwise.div)
    divide, divide_ = both(elementwise.divide)
    eq, eq_ = both(elementwise.eq)
    float_power, float_power_ = both(elementwise.float_power)
    floor_divide, floor_divide_ = both(elementwise.floor_divide)
    fmax = elementwise.fmax
    fmin = elementwise.fmin
    fmod, fmod_ = both(elementwise.fmod)
    ge, ge_ = both(elementwise.ge)
    greater, greater_ = both(elementwise.greater)
    greater_equal, greater_equal_ = both(elementwise.greater_equal)
    gt, gt_ = both(elementwise.gt)
    hypot, hypot_ = both(elementwise.hypot)
    le, le_ = both(elementwise.le)
    lerp, lerp_ = both(elementwise.lerp)
    less, less_ = both(elementwise.less)
    less_equal, less_equal_ = both(elementwise.less_equal)
    logaddexp = elementwise.logaddexp
    logical_and, logical_and_ = both(elementwise.logical_and)
    logical_not, logical_not_ = both(elementwise.logical_not)
    logical_or, logical_or_ = both(elementwise.logical_or)
    logical_xor, logical_xor_ = both(elementwise.logical_xor)
    lt, lt_ = both(elementwise.lt)
    maximum = elementwise.maximum
    minimum = elementwise.minimum
    mul, mul_ = both(elementwise.mul)
    multiply, multiply_ = both(elementwise.multiply)
    ne, ne_ = both(elementwise.ne)
    not_equal, not_equal_ = both(elementwise.not_equal)
    pow, pow_ = both(elementwise.pow)
    remainder, remainder_ = both(elementwise.remainder)
    sub, sub_ = both(elementwise.sub)
    subtract, subtract_ = both(elementwise.subtract)
    true_divide, true_divide_ = both(elementwise.true_divide)
    where = methods.where
    xlogy, xlogy_ = both(elementwise.xlogy)

    # Many elements into one.
    all = reduce.all
    amax = reduce.amax
    amin = reduce.amin
    aminmax = reduce.aminmax
    any = reduce.any
    argmax = reduce.argmax
    argmin = reduce.argmin
    count_nonzero = reduce.count_nonzero
    cumprod, cumprod_ = both(reduce.cumprod)
    cumsum, cumsum_ = both(reduce.cumsum)
    log_softmax = reduce.log_softmax
    logsumexp = reduce.logsumexp
    max = reduce.max
    mean = reduce.mean
    min = reduce.min
    nansum = reduce.nansum
    norm = reduce.norm
    prod = reduce.prod
    softmax = reduce.softmax
    std = reduce.std
    sum = reduce.sum
    var = reduce.var

    # Products of matrices and vectors.
    addmm, addmm_ = both(linalg.addmm)
    addmv, addmv_ = both(linalg.addmv)
    baddbmm, baddbmm_ = both(linalg.baddbmm)
    bmm = linalg.bmm
    diagonal = linalg.diagonal
    dot = vdot = linalg.dot
    inner = linalg.inner
    kron = linalg.kron
    matmul = linalg.matmul
    mm = linalg.mm
    mv = linalg.mv
    outer = ger = linalg.outer
    tril, tril_ = both(linalg.tril)
    triu, triu_ = both(linalg.triu)

    # Shapes, views and indexing: elements move, nothing is computed.
    broadcast_to = methods.expand
    chunk = shape.chunk
    contiguous = methods.contiguous
    diag_embed = arrange.diag_embed
    dim = methods.dim
    expand = methods.expand
    expand_as = methods.expand_as
    flatten = shape.flatten
    flip = shape.flip
    fliplr = arrange.fliplr
    flipud = arrange.flipud
    is_contiguous = methods.is_contiguous
    moveaxis = shape.movedim
    movedim = shape.movedim
    narrow = shape.narrow
    nelement = TensorBase.numel
    permute = shape.permute
    ravel = shape.ravel
    repeat = arrange.repeat
    repeat_interleave = arrange.repeat_interleave
    reshape = shape.reshape
    reshape_as = methods.reshape_as
    roll = arrange.roll
    rot90 = arrange.rot90
    select = shape.select
    size = methods.size
    split = shape.split
    squeeze = shape.squeeze
    swapaxes = shape.swapaxes
    swapdims = shape.swapdims
    t = shape.t
    tensor_split = shape.tensor_split
    tile = arrange.tile
    transpose = shape.transpose
    unbind = shape.unbind
    unflatten = shape.unflatten
    unfold = arrange.unfold
    unsqueeze = shape.unsqueeze
    view = methods.view
    view_as = methods.view_as

    # Elements at indices, read and written.
    gather = indexing.gather
    index_select = indexing.index_select
    masked_select = indexing.masked_select
    take = indexing.take
    take_along_dim = indexing.take_along_dim
    index_add, index_add_ = both(scattering.index_add)
    index_copy, index_copy_ = both(scattering.index_copy)
    index_fill, index_fill_ = both(scattering.index_fill)
    index_put, index_put_ = both(scattering.index_put)
    masked_scatter, masked_scatter_ = both(scattering.masked_scatter)
    scatter, scatter_ = both(scattering.scatter)
    scatter_add, scatter_add_ = both(scattering.scatter_add)
    scatter_reduce, scatter_reduce_ = both(scattering.scatter_reduce)

    # New tensors of this dtype and device.
    new_empty = new_from.new_empty
    new_full = new_from.new_full
    new_ones = new_from.new_ones
    new_tensor = new_from.new_tensor
    new_zeros = new_from.new_zeros

    @property
    def T(self) -> Tensor:
        """All dimensions reversed."""
        return self.permute(tuple(reversed(range(self.ndim))))

    @property
    def mT(self) -> Tensor:
        """The last two dimensions exchanged."""
        if self.ndim < 2:
            raise RuntimeError(
                f"mT: needs at least 2 dimensions, but the shape is {tuple(self.shape)}"
            )
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
    uniform_ = inplace.uniform_
    zero_ = inplace.zero_

    # Gradients.
    backward = differentiate.backward
    register_hook = hooks.register_hook
    register_post_accumulate_grad_hook = hooks.register_post_accumulate_grad_hook
    retain_grad = hooks.retain_grad
    retains_grad = property(hooks.retains_grad)

    # Operators.
    __add__, __radd__ = operators(rules.add)
    __sub__, __rsub__ = operators(rules.sub)
    __mul__, __rmul__ = operators(rules.mul)
    __truediv__, __rtruediv__ = elementwise.div, elementwise._reflected_div
    __mod__, __rmod__ = remainder, reflected(remainder)
    __floordiv__, __rfloordiv__ = floor_divide, reflected(floor_divide)
    __pow__, __rpow__ = elementwise.pow, elementwise._reflected_pow
    __matmul__ = linalg.matmul
    __and__, __rand__ = bitwise_and, reflected(bitwise_and)
    __or__, __ror__ = bitwise_or, reflected(bitwise_or)
    __xor__, __rxor__ = bitwise_xor, reflected(bitwise_xor)
    __lshift__, __rlshift__ = bitwise_left_shift, reflected(bitwise_left_shift)
    __rshift__, __rrshift__ = bitwise_right_shift, reflected(bitwise_right_shift)
    __invert__ = elementwise.bitwise_not
    __neg__ = elementwise.neg
    __abs__ = elementwise.abs
    __lt__ = elementwise.lt
    __le__ = elementwise.le
    __gt__ = elementwise.gt
    __ge__ = elementwise.ge
    __iadd__, __isub__, __imul__, __itruediv__ = add_, sub_, mul_, div_
    __ifloordiv__, __imod__, __ipow__ = floor_divide_, remainder_, pow_
    __iand__, __ior__, __ixor__ = bitwise_and_, bitwise_or_, bitwise_xor_
    __ilshift__, __irshift__ = bitwise_left_shift_, bitwise_right_shift_
    __getitem__ = indexing.getitem
    __setitem__ = inplace.setitem
    __iter__ = methods.iterate
    __hash__ = TensorBase.__hash__

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return self.eq(other) if isinstance(other, _OPERANDS) else NotImplemented

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return self.ne(other) if isinstance(other, _OPERANDS) else NotImplemented

    def __contains__(self, element: Any) -> Any:
        if not isinstance(element, _OPERANDS):
            raise RuntimeError(
                f"in: a Tensor holds numbers, and no element of type {type(element).__name__}"
            )
        return bool(self.eq(element).any())

    def __pos__(self) -> Tensor:
        return self

    def __repr__(self) -> str:
        return represent(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)

    # Dtype and device. Last, because `float`, `int` and `bool` hide Python's from here on.
    is_cuda = property(convert.is_cuda)
    is_floating_point = convert.is_floating_point
    to = convert.to
    cpu = convert.cpu
    cuda = convert.cuda
    type = convert.type
    type_as = convert.type_as
    float = convert.as_float32
    double = convert.as_float64
    half = convert.as_float16
    bfloat16 = convert.as_bfloat16
    long = convert.as_int64
    int = convert.as_int32
    bool = convert.as_bool


base.tensor_class = Tensor
