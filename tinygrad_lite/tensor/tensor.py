"""`Tensor`: its state comes from `TensorBase`, its methods by name from files by subject.

A method is the package's function of the same name: `x.sum()` is `sum(x)`. `both` adds the form
that changes the tensor in place. Those of each element by itself are in `pointwise.py`.
"""

from __future__ import annotations

from typing import Any

from ..absent import without
from ..backend import numpy
from ..ops import elementwise as rules
from . import (
    arrange,
    assemble,
    assign,
    base,
    calculus,
    closeness,
    convert,
    decompose,
    differentiate,
    elementwise,
    export,
    extremes,
    fill,
    histograms,
    hooks,
    householder,
    info,
    inplace,
    linalg,
    logical,
    memory,
    methods,
    new_from,
    numbers,
    order,
    place,
    rank,
    reduce,
    restride,
    sample,
    search,
    shape,
    solve,
    spectrum,
    statistics,
    strided,
)
from . import index as indexing
from . import lu as factors
from . import real as parts
from . import scatter as scattering
from .arguments import explain_methods
from .base import TensorBase
from .derived import Derived
from .inplace import both
from .operation import leave_to_others, operators, reflected
from .pointwise import Pointwise
from .printing import represent
from .shown import called

# What `==` compares with; anything else is just not equal.
_OPERANDS = (TensorBase, int, float, complex, numpy.number, numpy.bool_, numpy.ndarray)


class Tensor(Derived, Pointwise):
    """An n-dimensional array that remembers how it was computed, as `torch.Tensor`.

    Make one with `tensor(...)`, `zeros(...)`, `from_numpy(...)` and the like. This constructor is
    the one from before PyTorch had dtypes: what it makes has the default dtype.

    Args:
        data: sizes (`Tensor(2, 3)`, or a `Size`), for elements that are not set; or a nested list;
            or an array, whose memory is shared if it has that dtype; or a tensor, whose memory
            and dtype the new one shares.
        device: default: the default device, which is the CPU unless changed.

    Raises:
        TypeError: none of these, or elements that are not numbers.
    """

    __module__, __slots__ = "tinygrad_lite", ()  # where users import it from, and what types print

    # Its place in the graph.
    is_leaf, output_nr = property(place.is_leaf), property(place.output_nr)
    grad_fn = property(place.grad_fn)
    requires_grad = property(place.requires_grad, place.set_requires_grad)
    requires_grad_ = place.requires_grad_

    # Many elements into one.
    all = logical.all
    amax = extremes.amax
    amin = extremes.amin
    aminmax = extremes.aminmax
    any = logical.any
    argmax = extremes.argmax
    argmin = extremes.argmin
    count_nonzero = logical.count_nonzero
    cummax = rank.cummax
    cummin = rank.cummin
    cumprod, cumprod_ = both(reduce.cumprod)
    cumsum, cumsum_ = both(reduce.cumsum)
    dist = statistics.dist
    kthvalue = rank.kthvalue
    log_softmax = reduce.log_softmax
    logcumsumexp = rank.logcumsumexp
    logsumexp = reduce.logsumexp
    max = extremes.max
    mean = reduce.mean
    median = rank.median
    min = extremes.min
    mode = rank.mode
    nanmean = rank.nanmean
    nanmedian = rank.nanmedian
    nanquantile = rank.nanquantile
    nansum = reduce.nansum
    norm = reduce.norm
    prod = reduce.prod
    quantile = rank.quantile
    renorm, renorm_ = both(statistics.renorm)
    softmax = reduce.softmax
    std = reduce.std
    sum = reduce.sum
    sum_to_size = methods.sum_to_size
    var = reduce.var

    # Differences, covariances and counts.
    corrcoef = statistics.corrcoef
    cov = statistics.cov
    cross = statistics.cross
    diff = calculus.diff
    stft, istft = spectrum.stft, spectrum.istft
    histc = search.histc
    histogram = histograms.histogram

    # Products of matrices and vectors, and what solves them.
    addbmm, addbmm_ = both(assemble.addbmm)
    addmm, addmm_ = both(linalg.addmm)
    addmv, addmv_ = both(linalg.addmv)
    addr, addr_ = both(assemble.addr)
    baddbmm, baddbmm_ = both(linalg.baddbmm)
    bmm = linalg.bmm
    cholesky = decompose.old_cholesky
    cholesky_inverse = solve.cholesky_inverse
    cholesky_solve = solve.cholesky_solve
    det = solve.det
    diagonal = linalg.diagonal
    dot = linalg.dot
    vdot = linalg.vdot
    inner = linalg.inner
    inverse = solve.inv
    kron = linalg.kron
    logdet = solve.logdet
    lu, lu_solve = factors.old_lu, factors.old_lu_solve
    geqrf, orgqr, ormqr = householder.geqrf, householder.orgqr, householder.ormqr
    triangular_solve = factors.triangular_solve
    matmul = linalg.matmul
    matrix_exp = solve.matrix_exp
    matrix_power = solve.matrix_power
    mm = linalg.mm
    mv = linalg.mv
    outer = ger = linalg.outer
    pinverse = solve.pinverse
    qr = decompose.old_qr
    slogdet = solve.old_slogdet
    svd = decompose.old_svd
    tril, tril_ = both(linalg.tril)
    triu, triu_ = both(linalg.triu)

    # Shapes, views and indexing: elements move, nothing is computed.
    adjoint = parts.adjoint
    as_strided, as_strided_ = strided.as_strided, strided.as_strided_
    as_strided_scatter = strided.as_strided_scatter
    broadcast_to = expand = methods.expand
    chunk = unsafe_chunk = shape.chunk
    contiguous = methods.contiguous
    diag_embed = arrange.diag_embed
    diagflat = assemble.diagflat
    diagonal_scatter = assemble.diagonal_scatter
    dim = ndimension = methods.dim
    dsplit = assemble.dsplit
    expand_as = methods.expand_as
    flatten = shape.flatten
    flip = shape.flip
    fliplr, flipud = arrange.fliplr, arrange.flipud
    hsplit = assemble.hsplit
    is_contiguous, is_set_to = methods.is_contiguous, memory.is_set_to
    moveaxis = movedim = shape.movedim
    narrow, narrow_copy = shape.narrow, shape.narrow_copy
    nelement = TensorBase.numel
    permute = shape.permute
    ravel = shape.ravel
    repeat = arrange.repeat
    repeat_interleave = arrange.repeat_interleave
    reshape = shape.reshape
    reshape_as = methods.reshape_as
    roll, rot90 = arrange.roll, arrange.rot90
    select = shape.select
    select_scatter = assemble.select_scatter
    size = methods.size
    slice_scatter = assemble.slice_scatter
    split = unsafe_split = shape.parts
    split_with_sizes = unsafe_split_with_sizes = methods.split_with_sizes
    squeeze = shape.squeeze
    squeeze_ = restride.squeeze_
    swapaxes = shape.swapaxes
    swapaxes_, swapdims_ = restride.swapaxes_, restride.swapdims_
    swapdims = shape.swapdims
    t = shape.t
    t_ = restride.t_
    tensor_split = shape.tensor_split
    tile = arrange.tile
    transpose = shape.transpose
    transpose_ = restride.transpose_
    unbind = shape.unbind
    unflatten = shape.unflatten
    unfold = arrange.unfold
    unsqueeze = shape.unsqueeze
    unsqueeze_ = restride.unsqueeze_
    view = methods.view
    view_as = methods.view_as
    vsplit = assemble.vsplit

    # Elements at indices, read and written.
    argwhere = assemble.argwhere
    gather = indexing.gather
    index_select = indexing.index_select
    masked_select = indexing.masked_select
    take = indexing.take
    take_along_dim = indexing.take_along_dim
    index_add, index_add_ = both(scattering.index_add)
    index_copy, index_copy_ = both(scattering.index_copy)
    index_fill, index_fill_ = both(scattering.index_fill)
    index_put, index_put_ = both(scattering.index_put)
    index_reduce, index_reduce_ = both(scattering.index_reduce)
    masked_scatter, masked_scatter_ = both(scattering.masked_scatter)
    put, put_ = both(scattering.put)
    scatter, scatter_ = both(scattering.scatter)
    scatter_add, scatter_add_ = both(scattering.scatter_add)
    scatter_reduce, scatter_reduce_ = both(scattering.scatter_reduce)

    # New tensors of this dtype and device.
    new = memory.new
    new_empty, new_empty_strided = new_from.new_empty, strided.new_empty_strided
    new_full = new_from.new_full
    new_ones = new_from.new_ones
    new_tensor = new_from.new_tensor
    new_zeros = new_from.new_zeros

    @property
    def T(self) -> Tensor:
        """All dimensions reversed."""
        return called(shape.with_axes(self, tuple(range(self.ndim))[::-1]), "Permute")

    @property
    def mT(self) -> Tensor:
        """The last two dimensions exchanged; of no dimension, the tensor itself."""
        return parts.turned("mT", self)

    @property
    def H(self) -> Tensor:
        """A matrix transposed and conjugated; of no dimension, the conjugate."""
        return parts.conj(parts.turned("H", self, 2))

    @property
    def mH(self) -> Tensor:
        """The last two dimensions exchanged, and conjugated; of no dimension, the conjugate."""
        return parts.conj(parts.turned("mH", self))

    # Order, counts and places.
    argsort = order.argsort
    bincount = order.bincount
    diag = order.diag
    msort = rank.msort
    nonzero, nonzero_static = order.nonzero, order.nonzero_static
    sort = order.sort
    topk = order.topk
    trace = order.trace
    unique = order.unique
    unique_consecutive = search.unique_consecutive

    # Drawn by probabilities.
    bernoulli = sample.bernoulli
    multinomial = sample.multinomial

    # In place, without another form.
    bernoulli_ = inplace.bernoulli_
    cauchy_ = fill.cauchy_
    copy_ = inplace.copy_
    exponential_ = fill.exponential_
    fill_ = inplace.fill_
    fill_diagonal_ = fill.fill_diagonal_
    geometric_ = fill.geometric_
    log_normal_ = fill.log_normal_
    apply_, map_, map2_ = fill.apply_, fill.map_, fill.map2_
    normal_ = inplace.normal_
    random_ = fill.random_
    uniform_ = inplace.uniform_
    zero_ = inplace.zero_

    # Comparisons of whole tensors, and complex numbers.
    allclose = closeness.allclose
    equal = closeness.equal
    isclose = closeness.isclose
    is_same_size = numbers.is_same_size
    angle = parts.angle
    is_conj = is_neg = parts.is_conj
    conj = parts.conj
    conj_physical, conj_physical_ = both(parts.conj_physical)
    resolve_conj = resolve_neg = parts.resolve_conj

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
    __rdiv__ = elementwise._reflected_div
    __mod__, __rmod__ = elementwise.remainder, reflected(elementwise.remainder)
    __floordiv__, __rfloordiv__ = elementwise.floor_divide, reflected(elementwise.floor_divide)
    __pow__, __rpow__ = elementwise.pow, elementwise._reflected_pow
    __matmul__, __rmatmul__ = linalg._operator_matmul, linalg._reflected_matmul
    __and__, __rand__ = elementwise.bitwise_and, reflected(elementwise.bitwise_and)
    __or__, __ror__ = elementwise.bitwise_or, reflected(elementwise.bitwise_or)
    __xor__, __rxor__ = elementwise.bitwise_xor, reflected(elementwise.bitwise_xor)
    __lshift__, __rlshift__ = (
        elementwise.bitwise_left_shift,
        reflected(elementwise.bitwise_left_shift),
    )
    __rshift__, __rrshift__ = (
        elementwise.bitwise_right_shift,
        reflected(elementwise.bitwise_right_shift),
    )

    def __invert__(self) -> Tensor:
        """`~x`, for integers and booleans."""
        if self.array.dtype.kind not in "biu":
            raise TypeError(f"~: only for integer and boolean tensors, not for {self.dtype}")
        return elementwise.bitwise_not(self)

    __neg__, __abs__ = elementwise.neg, elementwise.abs
    __lt__, __le__ = elementwise.lt, elementwise.le
    __gt__, __ge__ = elementwise.gt, elementwise.ge
    __iadd__, __isub__, __imul__, __itruediv__ = (
        Pointwise.add_, Pointwise.sub_, Pointwise.mul_, Pointwise.div_
    )  # fmt: skip
    __ifloordiv__, __imod__, __ipow__ = (
        Pointwise.floor_divide_, Pointwise.remainder_, Pointwise.pow_
    )  # fmt: skip
    __iand__, __ior__, __ixor__ = (
        Pointwise.bitwise_and_, Pointwise.bitwise_or_, Pointwise.bitwise_xor_
    )  # fmt: skip
    __ilshift__, __irshift__ = Pointwise.bitwise_left_shift_, Pointwise.bitwise_right_shift_
    __getitem__, __setitem__ = indexing.getitem, assign.setitem
    __delitem__, __iter__ = methods.refuse_deletion, methods.iterate
    __reversed__ = methods.reverse
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

    __pos__ = elementwise.positive

    def __repr__(self) -> str:
        return represent(self)

    # For other libraries.
    __dlpack__ = export.to_dlpack
    __dlpack_device__ = export.dlpack_device
    __cuda_array_interface__ = property(export.cuda_array_interface)

    def __format__(self, spec: str) -> str:
        plain = self.ndim == 0 and (spec or type(self) is Tensor)  # a parameter prints as such
        return format(self.item(), spec) if plain else object.__format__(self, spec)

    # Memory.
    const_data_ptr = data_ptr = memory.data_ptr
    element_size = memory.element_size
    get_device = memory.get_device
    itemsize = property(memory.element_size)
    nbytes = property(memory.nbytes)
    layout = property(memory.strided)
    pin_memory, record_stream = memory.same, memory.record_stream
    is_distributed = is_pinned = memory.no
    share_memory_ = memory.share_memory_
    is_shared = memory.is_shared
    resize_ = memory.resize_
    resize_as_ = memory.resize_as_
    set_ = memory.set_
    detach_, storage = memory.detach_, memory.storage
    storage_offset = memory.storage_offset
    stride, to_dense, to_sparse = memory.stride, memory.to_dense, memory.to_sparse
    to_sparse_coo = to_sparse
    untyped_storage = memory.untyped_storage

    # Dtype and device. Last, because `float`, `int` and `bool` hide Python's from here on.
    is_cuda = property(convert.is_cuda)
    is_cpu = property(memory.is_cpu)
    is_meta = property(memory.is_meta)
    is_mkldnn = is_mps = is_mtia = is_nested = is_quantized = property(memory.no)
    is_ipu = is_maia = is_sparse = is_sparse_csr = is_vulkan = is_xla = is_xpu = is_mps
    is_complex = info.is_complex
    is_inference = info.is_inference
    is_nonzero = info.is_nonzero
    is_signed = info.is_signed
    is_floating_point = info.is_floating_point
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
    short = convert.as_int16
    char = convert.as_int8
    byte = convert.as_uint8
    bool = convert.as_bool
    cfloat, cdouble = convert.as_complex64, convert.as_complex128
    real = property(methods.real_part, methods.set_real)
    imag = property(methods.imaginary_part, methods.set_imag)


explain_methods(Tensor)
leave_to_others(Tensor)
without(Tensor)
base.tensor_class = Tensor
