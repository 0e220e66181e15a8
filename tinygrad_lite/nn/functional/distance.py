"""Distances, similarities and products of two inputs; compositions."""

from __future__ import annotations

from ...tensor import Tensor
from ...tensor.arrange import broadcast_tensors
from ...tensor.autocast import as_it_is
from ...tensor.check import takes_tensors
from ...tensor.operation import ordered
from ...tensor.promote import pair
from ...tensor.statistics import pdist

__all__ = ["bilinear", "cosine_similarity", "pairwise_distance", "pdist"]


@takes_tensors
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x₁·x₂ / (max(‖x₁‖, ε) max(‖x₂‖, ε)) along a dimension.

    Args:
        x1, x2: floating point, of shapes that broadcast.
        dim: the dimension that the vectors lie along; the result has it no more.
        eps: ε.
    """
    for x in (x1, x2):
        ordered("cosine_similarity", x)
    x1, x2 = pair("cosine_similarity", *broadcast_tensors(x1, x2))  # before the lengths are taken
    lengths = [x.norm(2, dim, keepdim=True).clamp(min=eps) for x in (x1, x2)]
    return (x1 / lengths[0] * (x2 / lengths[1])).sum(dim)


@takes_tensors
def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """‖x₁ − x₂ + ε‖, the p-norm along the last dimension.

    Args:
        x1, x2: points (…, D), floating point, of shapes that broadcast.
        p: the order of the norm.
        eps: ε, added to each difference, so that equal points have a gradient.
        keepdim: leave the last dimension, with size 1.
    """
    return (x1 - x2 + eps).norm(p, -1, keepdim)


@as_it_is
@takes_tensors
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_o = x₁ᵀ W_o x₂ + b_o: (…, O) for x₁ (…, I), x₂ (…, J), W (O, I, J), b (O).

    Raises:
        RuntimeError: sizes that do not fit; inputs do not broadcast here.
    """
    features = (*input1.shape[-1:], *input2.shape[-1:])
    if (
        weight.ndim != 3
        or input1.shape[:-1] != input2.shape[:-1]
        or features != tuple(weight.shape[1:])
    ):
        raise RuntimeError(
            f"bilinear(): inputs of shapes {input1.shape} and {input2.shape} do not fit each other "
            f"and a weight of shape {weight.shape}"
        )
    o, i, j = weight.shape
    outer = (*input1.shape[:-1], o)
    left = (input1 @ weight.permute(1, 0, 2).reshape(i, o * j)).reshape(*outer, j)
    y = (left @ input2.unsqueeze(-1)).squeeze(-1)
    return y if bias is None else y + bias
