"""What PyTorch has at its top as well as in `nn.functional`, with other arguments there.

Statistics come behind weights, tables before numbers, and a reduction is 0 for none of it (the
default, other than there), 1 for the mean and 2 for the sum. What `cudnn_enabled` and the like ask
for has no effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ops import recurrence as ops
from ..tensor import Tensor
from ..tensor.base import in_our_order
from ..tensor.own_order import own_order
from . import functional as F
from .functional.dropout import probability
from .functional.group_norm import normed_groups
from .recurrent_cell import step
from .utils.parametrizations import norm_but

__all__ = [
    "adaptive_max_pool1d",
    "affine_grid_generator",
    "alpha_dropout",
    "alpha_dropout_",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "constant_pad_nd",
    "conv_tbc",
    "convolution",
    "cosine_embedding_loss",
    "ctc_loss",
    "dropout",
    "dropout_",
    "embedding",
    "embedding_renorm_",
    "feature_alpha_dropout",
    "feature_alpha_dropout_",
    "grid_sampler",
    "grid_sampler_2d",
    "grid_sampler_3d",
    "group_norm",
    "gru_cell",
    "hinge_embedding_loss",
    "instance_norm",
    "kl_div",
    "layer_norm",
    "lstm_cell",
    "margin_ranking_loss",
    "max_pool1d_with_indices",
    "norm_except_dim",
    "poisson_nll_loss",
    "rnn_relu_cell",
    "rnn_tanh_cell",
    "rrelu",
    "triplet_margin_loss",
]

_REDUCTIONS = ("none", "mean", "sum")
_CONVOLUTIONS = (F.conv1d, F.conv2d, F.conv3d)
_TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


# --- normalisation ---


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`functional.batch_norm`."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`functional.instance_norm`."""
    return F.instance_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`functional.group_norm`, also of one element."""
    return normed_groups(input, num_groups, weight, bias, eps)


def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """`functional.layer_norm`."""
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The 2-norm of each slice of v along a dimension, in a shape that broadcasts against v.

    Raises:
        NotImplementedError: another norm.
    """
    if pow != 2:
        raise NotImplementedError(f"norm_except_dim: only the 2-norm is here, not pow={pow}")
    return norm_but(v, dim)


# --- what drops elements ---


def _probability(p: float) -> float:
    """A probability.

    Raises:
        RuntimeError: it is not in [0, 1].
    """
    try:
        return probability(p)
    except ValueError as error:
        raise RuntimeError(str(error)) from None


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`functional.dropout`; a p out of range is a RuntimeError here, and below."""
    return F.dropout(input, _probability(p), train)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`functional.dropout` in place."""
    return F.dropout(input, _probability(p), train, inplace=True)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`functional.alpha_dropout`."""
    return F.alpha_dropout(input, _probability(p), train)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`functional.alpha_dropout` in place."""
    return F.alpha_dropout(input, _probability(p), train, inplace=True)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`functional.feature_alpha_dropout`."""
    return F.feature_alpha_dropout(input, _probability(p), train)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`functional.feature_alpha_dropout` in place."""
    return F.feature_alpha_dropout(input, _probability(p), train, inplace=True)


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Any = None,
) -> Tensor:
    """`functional.rrelu`; `generator` is the source of draws, default: the default generator."""
    return F.rrelu_(in_our_order(input.clone()), lower, upper, training, generator)


# --- tables, and windows ---


def embedding(
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """`functional.embedding`; a `padding_idx` of −1 is none."""
    row = None if padding_idx == -1 else padding_idx
    return F.embedding(indices, weight, row, None, 2.0, scale_grad_by_freq, sparse)


def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Shorten the named rows of a table, in place, where their norm is greater than `max_norm`."""
    F.embedding(indices, input.detach(), None, max_norm, norm_type)
    return input


@own_order
def constant_pad_nd(input: Tensor, pad: Any, value: float = 0) -> Tensor:
    """`functional.pad` with a number."""
    return F.pad(input, pad, "constant", value)


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> Any:
    """`functional.adaptive_max_pool1d` with `return_indices`."""
    return F.adaptive_max_pool1d(input, output_size, True)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """`functional.max_pool1d` with `return_indices`."""
    return F.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Tensor:
    """`functional.conv1d` to `conv_transpose3d`, by the weight's dimensions."""
    dims = weight.ndim - 3
    if transposed:
        given = stride, padding, output_padding, groups, dilation
        return _TRANSPOSED[dims](input, weight, bias, *given)
    return _CONVOLUTIONS[dims](input, weight, bias, stride, padding, dilation, groups)


@own_order
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """A convolution of signals (L, N, C) with a weight (k, C, M) and a bias (M): (L′, N, M)."""
    signals, kernels = input.permute(1, 2, 0), weight.permute(2, 1, 0)
    return F.conv1d(signals, kernels, bias, padding=pad).permute(2, 0, 1)


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`functional.grid_sample`; its modes as numbers, in the order in which they are listed."""
    mode = ("bilinear", "nearest", "bicubic")[interpolation_mode]
    border = ("zeros", "border", "reflection")[padding_mode]
    return F.grid_sample(input, grid, mode, border, align_corners)


grid_sampler_2d = grid_sampler_3d = grid_sampler


def affine_grid_generator(theta: Tensor, size: Any, align_corners: bool) -> Tensor:
    """`functional.affine_grid`."""
    return F.affine_grid(theta, size, align_corners)


# --- losses, their reductions as numbers ---


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = 0,
) -> Tensor:
    """`functional.binary_cross_entropy_with_logits`."""
    return F.binary_cross_entropy_with_logits(
        input, target, weight, pos_weight=pos_weight, reduction=_REDUCTIONS[reduction]
    )


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """`functional.cosine_embedding_loss`."""
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=_REDUCTIONS[reduction])


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """`functional.ctc_loss`."""
    given = log_probs, targets, input_lengths, target_lengths, blank
    return F.ctc_loss(*given, _REDUCTIONS[reduction], zero_infinity)


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0
) -> Tensor:
    """`functional.hinge_embedding_loss`."""
    return F.hinge_embedding_loss(input, target, margin, reduction=_REDUCTIONS[reduction])


def kl_div(
    input: Tensor, target: Tensor, reduction: int = 0, *, log_target: bool = False
) -> Tensor:
    """`functional.kl_div`."""
    return F.kl_div(input, target, reduction=_REDUCTIONS[reduction], log_target=log_target)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """`functional.margin_ranking_loss`."""
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=_REDUCTIONS[reduction])


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    """`functional.poisson_nll_loss`."""
    return F.poisson_nll_loss(
        input, target, log_input, full, eps=eps, reduction=_REDUCTIONS[reduction]
    )


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 0,
) -> Tensor:
    """`functional.triplet_margin_loss`."""
    given = anchor, positive, negative, margin, p, eps, swap
    return F.triplet_margin_loss(*given, reduction=_REDUCTIONS[reduction])


# --- steps of recurrent layers ---


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of `nn.LSTM`: (h′, c′), (N, H) each, from x (N, F) and hx = (h, c)."""
    h, c = step(ops.lstm, input, list(hx), w_ih, w_hh, b_ih, b_hh)
    return h, c


def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of `nn.GRU`: h′ (N, H), from x (N, F) and h."""
    return step(ops.gru, input, [hx], w_ih, w_hh, b_ih, b_hh)[0]


def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of `nn.RNN`: h′ (N, H), from x (N, F) and h."""
    return step(ops.rnn, input, [hx], w_ih, w_hh, b_ih, b_hh, relu=False)[0]


def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of `nn.RNN(nonlinearity="relu")`: h′ (N, H), from x (N, F) and h."""
    return step(ops.rnn, input, [hx], w_ih, w_hh, b_ih, b_hh, relu=True)[0]


# --- gradients that programs ask for in their own backward passes ---


def _softmax_backward_data(
    grad_output: Tensor, output: Tensor, dim: int, input_dtype: Any = None
) -> Tensor:
    """dL/dx of y = softmax(x): y (g − Σ g y), the sum along `dim`; narrower if the input was."""
    share = grad_output * output
    return _narrowed(share - output * share.sum(dim, keepdim=True), input_dtype)


def _log_softmax_backward_data(
    grad_output: Tensor, output: Tensor, dim: int, input_dtype: Any = None
) -> Tensor:
    """dL/dx of y = log softmax(x): g − eʸ Σ g, the sum along `dim`; narrower if the input was."""
    found = grad_output - output.exp() * grad_output.sum(dim, keepdim=True)
    return _narrowed(found, input_dtype)


def _narrowed(grad: Tensor, dtype: Any) -> Tensor:
    return grad if dtype is None or dtype.itemsize >= grad.element_size() else grad.to(dtype=dtype)
