"""`torch.nn.attention.bias`: causal masks that are named, not written out by the program."""

from __future__ import annotations

from enum import IntEnum

from ..absent import explain as _explain
from ..tensor import Tensor
from ..tensor.base import TensorBase
from ..tensor.create import ones

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """Which corner of the matrix of scores the diagonal of a causal mask ends in."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """The mask (L, S), True where query i of L may look at key j of S.

    With UPPER_LEFT that is j ≤ i, as `is_causal=True`; with LOWER_RIGHT j ≤ i + S − L, so that
    the last query looks at all keys.

    Args:
        variant: one of the two.
        seq_len_q, seq_len_kv: L and S.

    Raises:
        AssertionError: another variant.
    """

    __slots__ = ("seq_len_kv", "seq_len_q", "variant")

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> None:
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"CausalBias: variant must be a CausalVariant, but is {variant!r}")
        self.variant, self.seq_len_q, self.seq_len_kv = variant, seq_len_q, seq_len_kv
        last = seq_len_kv - seq_len_q if variant is CausalVariant.LOWER_RIGHT else 0
        TensorBase.__init__(self, ones(seq_len_q, seq_len_kv, dtype="bool").tril(last).array)


def causal_upper_left(*size: int) -> CausalBias:
    """The mask of `is_causal=True` for sizes L, S.

    Example:
        >>> from tinygrad_lite.nn.attention.bias import causal_lower_right, causal_upper_left
        >>> causal_upper_left(2, 3)
        tensor([[ True, False, False],
                [ True,  True, False]])
        >>> causal_lower_right(2, 3)
        tensor([[ True,  True, False],
                [ True,  True,  True]])

    Raises:
        AssertionError: not two sizes.
    """
    return _made(CausalVariant.UPPER_LEFT, size)


def causal_lower_right(*size: int) -> CausalBias:
    """The mask for sizes L, S whose last query looks at all keys; errors as `causal_upper_left`."""
    return _made(CausalVariant.LOWER_RIGHT, size)


def _made(variant: CausalVariant, size: tuple[int, ...]) -> CausalBias:
    if len(size) != 2:
        raise AssertionError(f"causal masks have two sizes, but got {size}")
    return CausalBias(variant, *size)


_explain(__name__)
