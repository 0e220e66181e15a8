"""Products of groups of rows, each with a matrix of its own, as a mixture of experts has them."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from ...tensor.check import takes_tensors
from ...tensor.concatenate import cat, stack
from ...tensor.create import zeros

__all__ = ["grouped_mm"]


@takes_tensors
def grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    *,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: Any = None,
) -> Tensor:
    """Cᵍ = Aᵍ Bᵍ for groups g = 1 … G; a matrix of two dimensions is cut where the groups end.

    Args:
        mat_a: A: (G, M, K), or (M, K), whose rows are cut if `mat_b` has three dimensions and
            whose columns if it has two.
        mat_b: B: (G, K, N), or (K, N), whose columns are cut if `mat_a` has three dimensions and
            whose rows if it has two.
        offs: int32 (G,): where each group ends, if a matrix has two dimensions.
        bias: None.
        out_dtype: None, or the dtype of the operands.

    Returns:
        (G, M, N), or (M, N) if one of them is cut: what lies behind the last group is 0.

    Raises:
        RuntimeError: other sizes, dtypes or offsets; a bias.

    Example:
        >>> tokens, experts = torch.ones(3, 2), torch.tensor([[[1.0], [1.0]], [[2.0], [2.0]]])
        >>> F.grouped_mm(tokens, experts, offs=torch.tensor([1, 3], dtype=torch.int32))
        tensor([[2.],
                [4.],
                [4.]])
    """
    flat = mat_a.ndim == 2, mat_b.ndim == 2
    dtypes = {mat_a.dtype, mat_b.dtype, out_dtype or mat_a.dtype}
    if not {mat_a.ndim, mat_b.ndim} <= {2, 3}:
        raise RuntimeError("grouped_mm: both matrices must have two or three dimensions")
    if len(dtypes) > 1:
        raise RuntimeError(f"grouped_mm: expected one dtype, but got {sorted(map(str, dtypes))}")
    if bias is not None:
        raise RuntimeError("grouped_mm: Bias not supported yet")
    if (offs is not None) is not any(flat):
        raise RuntimeError(
            "grouped_mm: Have to provide offsets if there is a 2d matrix, or no offset if both "
            "matrices are 3d"
        )
    if offs is None:
        return mat_a @ mat_b
    if str(offs.dtype) != "torch.int32":
        raise RuntimeError(f"grouped_mm: Offsets have to be int32, but are {offs.dtype}")
    ends = offs.tolist()
    groups = next((len(m) for m, cut in zip((mat_a, mat_b), flat, strict=True) if not cut), None)
    whole = mat_b.shape[-1] if flat == (False, True) else mat_a.shape[0 if flat[0] ^ flat[1] else 1]
    bounds = [0, *ends, whole]
    if groups not in (None, len(ends)) or bounds != sorted(bounds):
        raise RuntimeError(
            f"grouped_mm: offs must be {groups or 'any'} ends of groups in ascending order, of "
            f"{whole} at most, but are {ends}"
        )
    spans = [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]
    if all(flat):
        return stack([mat_a[:, span] @ mat_b[span] for span in spans])
    along = 0 if flat[0] else 1
    parts = [
        mat_a[span] @ mat_b[g] if flat[0] else mat_a[g] @ mat_b[:, span]
        for g, span in enumerate(spans)
    ]
    last = ends[-1] if ends else 0
    shape = (whole - last, mat_b.shape[-1]) if flat[0] else (mat_a.shape[1], whole - last)
    return cat([*parts, zeros(*shape, dtype=mat_a.dtype, device=mat_a.device)], along)
