"""What compositions are called in the graph.

PyTorch has one operation where some functions here take several, and a `grad_fn` prints that
operation's name. So the last node of such a function's result is given the name; it costs the other
functions nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..grad_names import COPY
from ..graph import Lasting, Node
from .base import TensorBase

__all__ = ["NAMES", "called", "lasting", "name_result", "shown"]

T = TypeVar("T")
Named = str | Callable[[Any, tuple[Any, ...], dict[str, Any]], str]


def _pair(name: str) -> Named:
    """Of values beside their places; the largest of everything is a rule with its own name."""
    return lambda made, args, words: name if isinstance(made, tuple) else ""


def _squeezed(dim: Any = None) -> str:
    """`squeeze_`'s, which has a form for all, one and several dimensions."""
    several = isinstance(dim, tuple | list)
    return f"SqueezeBackward{3 if dim is None else 4 + several}"


def _split(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    size = args[1] if len(args) > 1 else next(iter(words.values()))
    return "Split" if isinstance(size, int) else "SplitWithSizes"


def _prod(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    return f"ProdBackward{int(len(args) > 1 or 'dim' in words)}"


def _lerp(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    weight = words.get("weight", args[-1])
    return f"LerpBackward{int(isinstance(weight, TensorBase))}"


def _of(name: str, place: int, word: str, number: int = 0) -> Named:
    """An operation with a form for numbers and one for tensors in the place of an argument.

    Args:
        name: the operation's.
        place, word: the argument's place, and its name.
        number: which form is that for numbers; the other one, of 0 and 1, is that for tensors.
    """

    def call(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
        value = args[place] if place < len(args) else words.get(word)
        return f"{name}Backward{number if not isinstance(value, TensorBase) else 1 - number}"

    return call


def _area(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    """Under points that are given, or that are a step apart."""
    return "DivBackward1" if len(args) > 1 or "x" in words else "MulBackward1"


def _repeats(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    """As often as a tensor says."""
    times = args[1] if len(args) > 1 else words.get("repeats")
    return "IndexSelect" if isinstance(times, TensorBase) else ""


def _contracted(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    """A product ends with a view; of a single operand see `grad_names`."""
    operands = args[1] if isinstance(args[1], tuple | list) else args
    several = sum(isinstance(x, TensorBase) for x in operands) > 1
    return "View" if several or (isinstance(args[0], TensorBase) and len(args) > 3) else ""


def _round(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    """To integers, or to decimals."""
    return f"RoundBackward{int(len(args) > 1 or 'decimals' in words)}"


def _areas(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    """Under the points up to each."""
    return "DivBackward1" if len(args) > 1 or "x" in words else "Cumsum"


def _bilinear(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    """Without a bias; else that is added."""
    bias = args[3] if len(args) > 3 else words.get("bias")
    return "View" if bias is None else ""


def _sampled(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    return f"GridSampler{made.ndim - 2}D"


_UNLIKE: dict[str, Named] = {
    "acosh_": "AcoshBackward1",
    "arccosh_": "AcoshBackward1",
    "arcsinh_": "AsinhBackward1",
    "arctanh_": "AtanhBackward1",
    "as_strided_": "AsStridedBackward1",
    "asinh_": "AsinhBackward1",
    "atanh_": "AtanhBackward1",
    "chain_matmul": "View",
    "chunk": "Split",
    "clamp_max": _of("ClampMax", 1, "max"),
    "clamp_min": _of("ClampMin", 1, "min"),
    "combinations": "Stack",
    "copy_": COPY,
    "cross": "LinalgCross",
    "cumulative_trapezoid": _areas,
    "diagflat": "DiagEmbed",
    "einsum": _contracted,
    "eigvalsh": "LinalgEigh",
    "fill": _of("Fill", 1, "value"),
    "householder_product": "LinalgHouseholderProduct",
    "index_fill": _of("IndexFill", 3, "value"),
    "inv_ex": "LinalgInvEx",
    "kron": "UnsafeView",
    "lerp": _lerp,
    "linalg.cholesky": "LinalgCholeskyEx",
    "linalg.lu": "LinalgLu",
    "logdet": "Where",
    "lu": "LinalgLuFactorEx",
    "lu_factor": "LinalgLuFactorEx",
    "lu_factor_ex": "LinalgLuFactorEx",
    "lu_solve": "LinalgLuSolve",
    "masked_fill": _of("MaskedFill", 2, "value"),
    "matrix_exp": "LinalgMatrixExp",
    "max": _pair("Max"),
    "min": _pair("Min"),
    "moveaxis": "Permute",
    "movedim": "Permute",
    "multi_dot": "View",
    "multigammaln": "Mvlgamma",
    "ndtr": "MulBackward1",
    "ndtri": "SpecialNdtri",
    "log_ndtr": "SpecialLogNdtr",
    "norm": "LinalgVectorNorm",
    "norm_except_dim": "Norm",
    "orgqr": "LinalgHouseholderProduct",
    "nanquantile": "SqueezeBackward4",
    "prod": _prod,
    "quantile": "SqueezeBackward4",
    "repeat_interleave": _repeats,
    "round": _round,
    "rsub": _of("Rsub", 1, "other", 1),
    "scatter": _of("Scatter", 3, "src", 1),
    "slogdet": "LinalgSlogdet",
    "solve": "LinalgSolveEx",
    "solve_ex": "LinalgSolveEx",
    "solve_triangular": "LinalgSolveTriangular",
    "split": _split,
    "sgn_": "Sgn",
    "squeeze_": lambda made, args, words: _squeezed(*args[1:], **words),
    "swapaxes_": "TransposeBackward1",
    "swapdims_": "TransposeBackward1",
    "t_": "TBackward1",
    "transpose_": "TransposeBackward1",
    "svdvals": "LinalgSvd",
    "tensordot": "View",
    "tensorinv": "ReshapeAlias",
    "tile": "Repeat",
    "trapezoid": _area,
    "trapz": _area,
    "unflatten": "View",
    "unsqueeze_": "UnsqueezeBackward1",
    "fill_": lambda made, args, words: (
        f"FillBackward{2 + isinstance((*args, *words.values())[1], TensorBase)}"
    ),
    "zero_": "Zero",
    **{
        alias: _of(name, 1, "other")
        for name, aliases in {
            "Eq": "eq_",
            "Ge": "ge_ greater_equal_",
            "Gt": "gt_ greater_",
            "Le": "le_ less_equal_",
            "Lt": "lt_ less_",
            "Ne": "ne_ not_equal_",
        }.items()
        for alias in aliases.split()
    },
    # of `nn.functional`
    "affine_grid": "AffineGridGenerator",
    "affine_grid_generator": "AffineGridGenerator",
    "bilinear": _bilinear,
    "convolution": "Convolution",
    "instance_norm": "View",
    "max_pool3d": "MaxPool3DWithIndices",
    "max_pool3d_with_indices": "MaxPool3DWithIndices",
    "prelu": "PreluKernel",
    "rrelu": "RreluWithNoise",
    "selu": "Elu",
    "grid_sample": _sampled,
    "grid_sampler": _sampled,
    "grid_sampler_2d": _sampled,
    "grid_sampler_3d": _sampled,
}
"""The operations of PyTorch's that functions of other names are, or what says which."""

_ALIKE: dict[str, Named] = {
    name: name.title().replace("_", "")
    for name in """addbmm addcdiv addcmul addmm addmv addr aminmax angle as_strided_scatter
    baddbmm block_diag bmm cdist celu cholesky cholesky_inverse cholesky_solve conv_tbc
    cummax cummin deg2rad diagonal_scatter dist gather hardshrink index_add index_copy
    index_put index_reduce index_select kthvalue logaddexp2 logcumsumexp lu_unpack
    masked_scatter masked_select median mish mode mvlgamma nanmedian nansum narrow_copy
    pdist permute put rad2deg reciprocal renorm repeat roll rsqrt scatter_add scatter_reduce
    select_scatter sgn slice_scatter softshrink sort std_mean t take threshold topk trace
    triangular_solve tril triu unbind var_mean vdot""".split()
}
NAMES = _ALIKE | _UNLIKE
"""What the results of functions and methods are called; `linalg.lu` is not called as `lu`."""


def called(made: T, name: str) -> T:
    """Give the node of a tensor, if it has one, the name of an operation of PyTorch's."""
    node = made._node  # type: ignore[attr-defined]
    if node is not None and isinstance(node, Node):
        node.called = name
    return made


def lasting(made: T) -> T:
    """Let a second pass go through a tensor's node, if it has one, without `retain_graph`.

    For operations of which PyTorch saves nothing: what ours captured is told by sizes alone.
    """
    node = made._node  # type: ignore[attr-defined]
    if type(node) is Node:
        node.__class__ = Lasting
    return made


def name_result(kind: Named, before: Any, made: T, args: tuple[Any, ...], words: Any) -> T:
    """Give what a function of `NAMES` made the name that it has in PyTorch; returns it.

    Args:
        kind: the name, or what says it.
        before: the node of the first argument; a result that has it is that argument.
        made: the result, a tensor or several.
        args, words: what the function was given.
    """
    if isinstance(made, TensorBase) and made._node is None:
        return made
    name = kind(made, args, words) if callable(kind) else kind
    for part in (made if isinstance(made, tuple | list) else (made,)) if name else ():
        node = getattr(part, "_node", None)
        if isinstance(node, Node) and node is not before:
            node.called = name
    return made


def shown(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose results have nodes of the name that `NAMES` has for it."""
    kind = NAMES[name]

    def call(*args: Any, **kwargs: Any) -> Any:
        first = args[0] if args else None
        before = first._node if isinstance(first, TensorBase) else None
        return name_result(kind, before, function(*args, **kwargs), args, kwargs)

    call.__module__, call.__name__ = function.__module__, function.__name__
    call.__qualname__, call.__doc__ = function.__qualname__, function.__doc__
    call.__annotations__, call.__wrapped__ = function.__annotations__, function  # type: ignore[attr-defined]
    return call
