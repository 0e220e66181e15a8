"""Multi-head attention with its projections, as one function; the layer is `nn.MultiheadAttention`.

Inside, sequences are (N, L, E), and heads (N, heads, L, d) with d = E / heads.
"""

from __future__ import annotations

import math
from typing import Any

from ...backend.dtypes import FLOATING
from ...tensor import Tensor
from ...tensor.concatenate import cat
from ...tensor.create import zeros
from ...tensor.own_order import own_order
from ...tensor.padding import pad
from .attention import in_heads, packed_attention, scaled_dot_product_attention, softmax_of
from .dropout import dropout
from .linear import linear

__all__ = ["multi_head_attention_forward"]

Maybe = Tensor | None


@own_order
def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Maybe,
    in_proj_bias: Maybe,
    bias_k: Maybe,
    bias_v: Maybe,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Maybe,
    training: bool = True,
    key_padding_mask: Maybe = None,
    need_weights: bool = True,
    attn_mask: Maybe = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Maybe = None,
    k_proj_weight: Maybe = None,
    v_proj_weight: Maybe = None,
    static_k: Maybe = None,
    static_v: Maybe = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Maybe]:
    """y = W_o [head_1; …] + b_o, head_i = softmax(q_i k_iᵀ / √d) v_i, and the weights.

    Args:
        query: (L, N, E) or (L, E).
        key, value: (S, N, kdim) and (S, N, vdim), or without N.
        embed_dim_to_check: E.
        num_heads: how many heads.
        in_proj_weight: the projections of query, key and value, (3 E, E); or, with
            `use_separate_proj_weight`, q_proj_weight, k_proj_weight and v_proj_weight.
        in_proj_bias: (3 E).
        bias_k, bias_v: a key and a value to add to the others, (1, 1, E).
        add_zero_attn: add a key and value of zeros.
        dropout_p: the probability with which, in training, a weight is dropped.
        out_proj_weight, out_proj_bias: of the last layer, (E, E) and (E).
        training: whether weights are dropped.
        key_padding_mask: (N, S) or (S): True for keys to leave out, or numbers to add.
        need_weights: return the weights as well.
        attn_mask: (L, S) or (N · heads, L, S): True where a query must not look, or numbers to add.
        use_separate_proj_weight: see in_proj_weight.
        q_proj_weight, k_proj_weight, v_proj_weight: (E, E), (E, kdim) and (E, vdim).
        static_k, static_v: keys and values in place of projected ones, (N · heads, S, d).
        average_attn_weights: the weights' mean over the heads.
        is_causal: a hint that attn_mask, which must be given, is the causal one.

    Returns:
        (L, N, E) in the form of the query, and (N, L, S) (or (N, heads, L, S), or without N), or
        None.

    Raises:
        AssertionError: ranks or sizes that do not fit.
        RuntimeError: is_causal without attn_mask.
    """
    if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
        raise AssertionError(
            "query, key and value should be all batched (3-D) or all unbatched (2-D), but have "
            f"{query.ndim}, {key.ndim} and {value.ndim} dimensions"
        )
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    unbatched = query.ndim == 2
    same = query is key and key is value
    if unbatched:
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    query = query.unsqueeze(0) if unbatched else query.transpose(0, 1)
    if same:
        key = value = query
    else:
        key, value = (t.unsqueeze(0) if unbatched else t.transpose(0, 1) for t in (key, value))
    if query.shape[-1] != embed_dim_to_check or key.shape[:2] != value.shape[:2]:
        raise AssertionError(
            f"was expecting embedding dimension of {embed_dim_to_check} and key and value of one "
            f"length, but query, key and value have shapes {query.shape}, {key.shape} and "
            f"{value.shape}"
        )
    more = (bias_k is not None) + add_zero_attn
    mask = _mask(attn_mask, key_padding_mask, query, key, num_heads)
    mask = pad(mask, (0, more)) if mask is not None and more else mask
    rate = dropout_p if training else 0.0
    n, length, size = query.shape
    weights = None
    joint = None if use_separate_proj_weight else in_proj_weight
    static = static_k is not None or static_v is not None
    if same and joint is not None and not need_weights and not more and not static:
        packed = linear(query, joint, in_proj_bias)
        heads = packed_attention(packed, num_heads, mask, rate)
    else:
        separate = [q_proj_weight, k_proj_weight, v_proj_weight]
        found = _projected([query, key, value], joint, separate, in_proj_bias)
        for i, extra in ((1, bias_k), (2, bias_v)):
            if extra is not None:
                found[i] = cat([found[i], extra.expand(n, 1, size)], 1)
        q, k, v = (in_heads(t, num_heads) for t in found)
        k, v = (
            t if given is None else given.reshape(n, num_heads, *given.shape[1:])
            for t, given in ((k, static_k), (v, static_v))
        )
        if add_zero_attn:
            k, v = (pad(t, (0, 0, 0, 1)) for t in (k, v))
        if need_weights:
            scores = q @ k.transpose(-2, -1) * (1 / math.sqrt(size // num_heads))
            weights = dropout(softmax_of(scores, mask), rate)
            mixed = weights @ v
            weights = weights.mean(1) if average_attn_weights else weights
            weights = weights.squeeze(0) if unbatched else weights
        else:
            mixed = scaled_dot_product_attention(q, k, v, mask, rate)
        heads = mixed.transpose(1, 2).reshape(n, length, size)
    output = linear(heads, out_proj_weight, out_proj_bias)
    return output.squeeze(0) if unbatched else output.transpose(0, 1), weights


def _projected(
    inputs: list[Tensor], joint: Maybe, separate: list[Any], bias: Maybe
) -> list[Tensor]:
    """Queries, keys and values (N, L, E)."""
    if joint is not None and inputs[0] is inputs[1] is inputs[2]:
        return list(linear(inputs[0], joint, bias).chunk(3, -1))
    size = inputs[0].shape[-1]
    weights = separate if joint is None else list(joint.split(size))
    biases: Any = (None,) * 3 if bias is None else bias.split(size)
    return [linear(x, w, b) for x, w, b in zip(inputs, weights, biases, strict=True)]


def _mask(attn: Maybe, padding: Maybe, query: Tensor, key: Tensor, num_heads: int) -> Maybe:
    """Both masks as one to add, of a shape that broadcasts to (N, heads, L, S)."""
    n, length, keys = query.shape[0], query.shape[1], key.shape[1]
    mask = None
    if attn is not None:
        if attn.shape == (n * num_heads, length, keys):
            attn = attn.reshape(n, num_heads, length, keys)
        elif attn.shape != (length, keys):
            raise RuntimeError(
                f"The shape of the attn_mask is {attn.shape}, but should be {(length, keys)} "
                f"or {(n * num_heads, length, keys)}."
            )
        mask = _additive(attn, query)
    if padding is not None:
        if padding.shape != (n, keys):
            raise AssertionError(
                f"expecting key_padding_mask shape of {(n, keys)}, but got {padding.shape}"
            )
        rows = _additive(padding, query).reshape(n, 1, 1, keys)
        mask = rows if mask is None else mask + rows
    return mask


def _additive(mask: Tensor, like: Tensor) -> Tensor:
    """A mask as numbers to add, in a tensor's dtype: −∞ where it is True, else 0."""
    if mask.dtype.kind in FLOATING:
        return mask.to(dtype=like.dtype)
    if mask.dtype.kind != "b":
        raise AssertionError(
            f"only bool and floating types of masks are supported, not {mask.dtype}"
        )
    return zeros(mask.shape, dtype=like.dtype, device=like.device).masked_fill(mask, -math.inf)
