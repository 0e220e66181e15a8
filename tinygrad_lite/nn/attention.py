"""Multi-head attention."""

from __future__ import annotations

from typing import Any

from ..absent import lacks
from ..tensor import Tensor
from ..tensor.create import empty
from . import functional as F
from . import init
from .attention_backend import SDPBackend as SDPBackend  # PyTorch's place for both
from .attention_backend import sdpa_kernel as sdpa_kernel
from .linear import Linear
from .module import Module
from .parameter import Parameter

__all__ = ["MultiheadAttention", "NonDynamicallyQuantizableLinear"]

__path__: list[str] = []  # a package to Python, as in PyTorch: `nn.attention.bias`, see `paths.py`


class NonDynamicallyQuantizableLinear(Linear):
    """`Linear` under the name that PyTorch's printed models have for attention's last layer."""


@lacks("merge_masks")
class MultiheadAttention(Module):
    """Attention in several projections at once (Vaswani et al. 2017).

    y = W_o [head_1; …] + b_o, head_i = softmax(q_i k_iᵀ / √d) v_i with q, k, v the projections of
    query, key and value, split into heads of d = E / heads features.

    Args:
        embed_dim: the features of queries and outputs, E.
        num_heads: how many heads; they must divide E.
        dropout: the probability with which, in training, a softmax weight is set to 0.
        bias: add biases to all projections.
        add_bias_kv: add a learnt key and value to the others.
        add_zero_attn: add a key and value of zeros to the others.
        kdim, vdim: the features of keys and values; default: E.
        batch_first: sequences are (N, L, E) in place of (L, N, E).
        device, dtype: of the parameters.

    Attributes:
        in_proj_weight: the projections of query, key and value one below the other, (3E, E); None
            if kdim or vdim differs from E: then q_proj_weight (E, E), k_proj_weight (E, kdim) and
            v_proj_weight (E, vdim), else None, hold them.
        in_proj_bias: (3E), or None.
        bias_k, bias_v: the learnt key and value, (1, 1, E), or None.
        out_proj: the last layer, Linear(E, E).

    Raises:
        ValueError: sizes that are not positive.
        AssertionError: num_heads does not divide embed_dim.

    Example:
        >>> attention = nn.MultiheadAttention(8, num_heads=2, batch_first=True)
        >>> x = torch.zeros(4, 5, 8)
        >>> output, weights = attention(x, x, x)
        >>> output.shape, weights.shape
        (torch.Size([4, 5, 8]), torch.Size([4, 5, 5]))
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        if embed_dim % num_heads:
            raise AssertionError(
                f"embed_dim must be divisible by num_heads, but they are {embed_dim} and "
                f"{num_heads}"
            )
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.dropout, self.batch_first = dropout, batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn

        def parameter(*shape: int) -> Parameter:
            return Parameter(empty(shape, dtype=dtype, device=device))

        together = self._qkv_same_embed_dim
        for name, size in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
            own = None if together else parameter(embed_dim, size)
            self.register_parameter(f"{name}_proj_weight", own)
        joint = parameter(3 * embed_dim, embed_dim) if together else None
        self.register_parameter("in_proj_weight", joint)
        self.register_parameter("in_proj_bias", parameter(3 * embed_dim) if bias else None)
        place = {"device": device, "dtype": dtype}
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, **place)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, parameter(1, 1, embed_dim) if add_bias_kv else None)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Xavier's uniform draws for the three projections; for all biases 0.

        bias_k and bias_v, which are no biases but a key and a value, get Xavier's normal draws.
        """
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            weight = getattr(self, name)
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The attention, and its weights.

        Args:
            query: (L, N, E), (N, L, E) with `batch_first`, or (L, E).
            key, value: (S, N, kdim) and (S, N, vdim), likewise.
            key_padding_mask: (N, S) or (S): True for keys to leave out, or numbers to add.
            need_weights: return the weights as well.
            attn_mask: (L, S) or (N · heads, L, S): True where a query must not look, or numbers
                to add.
            average_attn_weights: return the weights' mean over the heads, not each head's.
            is_causal: a hint that attn_mask, which must be given, is the causal one.

        Returns:
            The output in the query's shape, and the weights: (N, L, S), or each head's
            (N, heads, L, S), without N for an unbatched query; None if they are not needed.

        Raises:
            AssertionError: ranks or sizes that do not fit, or a mask that is neither bool nor
                floating point.
            RuntimeError: is_causal without attn_mask, or an attn_mask of another shape.
        """
        turn = self.batch_first and query.ndim == 3
        if turn:
            same = query is key and key is value
            query = query.transpose(0, 1)
            key, value = (query, query) if same else (key.transpose(0, 1), value.transpose(0, 1))
        together = self._qkv_same_embed_dim
        output, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not together,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return output.transpose(0, 1) if turn else output, weights

    def extra_repr(self) -> str:
        """Nothing, as in PyTorch."""
        return ""
