"""Transformers (Vaswani et al., "Attention Is All You Need", NIPS 2017)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from ..tensor.create import full
from . import functional as F
from . import init
from .attention import MultiheadAttention
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .norm import LayerNorm

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

Activation = str | Callable[[Tensor], Tensor]


class _Layer(Module):
    """What encoder and decoder layers share: attentions, two linear layers, norms, dropouts.

    `_attentions` names the attentions in their order; norm and dropout i go with attention i, the
    last ones with the linear layers. Arguments as `TransformerEncoderLayer`.
    """

    _attentions: tuple[str, ...]

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        for name in self._attentions:
            attention = MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, **place
            )
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **place)
        self.norm_first = norm_first
        numbers = range(1, len(self._attentions) + 2)
        for i in numbers:
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, **place))
        for i in numbers:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = _function(activation) if isinstance(activation, str) else activation

    def _around(self, x: Tensor, number: int, block: Callable[[Tensor], Tensor]) -> Tensor:
        """A residual block: norm(x + block(x)), or x + block(norm(x)) with `norm_first`.

        `number` says which of the norms.
        """
        norm = getattr(self, f"norm{number}")
        return x + block(norm(x)) if self.norm_first else norm(x + block(x))

    def _attended(self, number: int, x: Tensor, memory: Tensor, *masks: Any) -> Tensor:
        """The attention of a number from x to memory, then dropout.

        `masks` are key_padding_mask, attn_mask and is_causal of `MultiheadAttention.forward`.
        """
        attention = getattr(self, self._attentions[number - 1])
        padding, mask, causal = masks
        output = attention(
            x,
            memory,
            memory,
            key_padding_mask=padding,
            need_weights=False,
            attn_mask=mask,
            is_causal=causal,
        )[0]
        dropped: Tensor = getattr(self, f"dropout{number}")(output)
        return dropped

    def _sa_block(
        self, x: Tensor, attn_mask: Any, key_padding_mask: Any, is_causal: bool = False
    ) -> Tensor:
        """The attention of x to itself, then dropout.

        This and the other blocks have PyTorch's names: `forward` calls them, programs do, and
        classes override them.
        """
        return self._attended(1, x, x, key_padding_mask, attn_mask, is_causal)

    def _ff_block(self, x: Tensor) -> Tensor:
        """The two linear layers, each place by itself, then dropout."""
        inner = self.dropout(self.activation(self.linear1(x)))
        dropped: Tensor = getattr(self, f"dropout{len(self._attentions) + 1}")(self.linear2(inner))
        return dropped


def _clones(module: Module, N: int) -> ModuleList:
    """A list of N copies of a module, parameters included."""
    return ModuleList([copy.deepcopy(module) for _ in range(N)])


def _function(name: str) -> Callable[[Tensor], Tensor]:
    """The activation of a name.

    Raises:
        RuntimeError: neither "relu" nor "gelu".
    """
    if name not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {name}")
    return F.relu if name == "relu" else F.gelu


class TransformerEncoderLayer(_Layer):
    """x ← norm1(x + attention(x)), x ← norm2(x + W₂ φ(W₁ x + b₁) + b₂), with dropouts.

    Args:
        d_model: the features of inputs and outputs, E.
        nhead: the heads of attention.
        dim_feedforward: the features between the two linear layers.
        dropout: the probability with which, in training, an element is set to 0: of the attention's
            weights, behind φ, and of what is added to x.
        activation: φ: "relu", "gelu" or a function of a tensor.
        layer_norm_eps: ε of the norms.
        batch_first: sequences are (N, L, E) in place of (L, N, E).
        norm_first: x ← x + attention(norm1(x)) and so on: the norms stand before what is added.
        bias: add biases in all layers and norms.
        device, dtype: of the parameters.

    Raises:
        RuntimeError: another name of an activation.

    Example:
        >>> layer = nn.TransformerEncoderLayer(d_model=8, nhead=2, batch_first=True)
        >>> layer(torch.zeros(4, 5, 8)).shape
        torch.Size([4, 5, 8])
    """

    _attentions = ("self_attn",)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The sequences after the layer, of src's shape.

        Args:
            src: (L, N, E), (N, L, E) with batch_first, or (L, E).
            src_mask, src_key_padding_mask, is_causal: see `MultiheadAttention.forward`.
        """
        masks = src_mask, src_key_padding_mask, is_causal
        x = self._around(src, 1, lambda x: self._sa_block(x, *masks))
        return self._around(x, 2, self._ff_block)


class TransformerDecoderLayer(_Layer):
    """As the encoder's layer, with a second attention between its two parts.

    x ← norm1(x + attention(x)), norm2(x + attention(x, memory)), norm3(x + W₂ φ(W₁ x + b₁) + b₂);
    the second attention looks at `memory`, the encoder's output. Arguments and errors as
    `TransformerEncoderLayer`.
    """

    _attentions = ("self_attn", "multihead_attn")

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The sequences after the layer, of tgt's shape.

        Args:
            tgt: (L, N, E), (N, L, E) with batch_first, or (L, E).
            memory: the encoder's output, (S, N, E) likewise.
            tgt_mask, tgt_key_padding_mask, tgt_is_causal: of the attention to tgt; see
                `MultiheadAttention.forward`.
            memory_mask, memory_key_padding_mask, memory_is_causal: of the attention to memory.
        """
        own = tgt_mask, tgt_key_padding_mask, tgt_is_causal
        theirs = memory_mask, memory_key_padding_mask, memory_is_causal
        x = self._around(tgt, 1, lambda x: self._sa_block(x, *own))
        x = self._around(x, 2, lambda x: self._mha_block(x, memory, *theirs))
        return self._around(x, 3, self._ff_block)

    def _mha_block(
        self, x: Tensor, mem: Tensor, attn_mask: Any, key_padding_mask: Any, is_causal: bool = False
    ) -> Tensor:
        """The attention of x to the encoder's output, then dropout."""
        return self._attended(2, x, mem, key_padding_mask, attn_mask, is_causal)


class _Stack(Module):
    """Copies of a layer, parameters included, one after another, and maybe a norm behind them."""

    norm: Module | None

    def __init__(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        super().__init__()
        self.layers = _clones(layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def _through(self, x: Tensor, *others: Any) -> Tensor:
        """The output of all layers for x; each layer is given `others` as well."""
        for layer in self.layers:
            x = layer(x, *others)
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """Several encoder layers, one after another.

    Args:
        encoder_layer: what all layers are copies of, parameters included.
        num_layers: how many layers there are.
        norm: a module behind the last.
        enable_nested_tensor, mask_check: without effect.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__(encoder_layer, num_layers, norm)

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """The sequences after all layers; arguments as `TransformerEncoderLayer.forward`."""
        return self._through(src, mask, src_key_padding_mask, bool(is_causal))


class TransformerDecoder(_Stack):
    """Several decoder layers, one after another.

    Args:
        decoder_layer, num_layers, norm: as `TransformerEncoder`.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The sequences after all layers; arguments as `TransformerDecoderLayer.forward`."""
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
        return self._through(tgt, memory, *masks, bool(tgt_is_causal), memory_is_causal)


class Transformer(Module):
    """An encoder, and a decoder that looks at the encoder's output; each has a norm behind it.

    Args:
        d_model, nhead: the features and the heads.
        num_encoder_layers, num_decoder_layers: how many layers each has.
        dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias: as
            `TransformerEncoderLayer`.
        custom_encoder, custom_decoder: modules in place of the usual ones.
        device, dtype: of the parameters; matrices start with Xavier's uniform draws.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        layer = dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias
        place: dict[str, Any] = {"device": device, "dtype": dtype}

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, **place)

        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(d_model, nhead, *layer, **place), num_encoder_layers, norm()
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(d_model, nhead, *layer, **place), num_decoder_layers, norm()
        )
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self) -> None:
        """Xavier's uniform draws for all matrices."""
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The decoder's output for tgt, of its shape, looking at the encoder's output for src.

        Args:
            src, tgt: (S, N, E) and (L, N, E); (N, S, E) and (N, L, E) with batch_first.
            src_mask, src_key_padding_mask, src_is_causal: of the encoder's attention; see
                `MultiheadAttention.forward`.
            tgt_mask, tgt_key_padding_mask, tgt_is_causal: of the decoder's attention to tgt.
            memory_mask, memory_key_padding_mask, memory_is_causal: of its attention to the
                encoder's output.

        Raises:
            RuntimeError: batches or features that do not fit.
        """
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        output: Tensor = self.decoder(
            tgt,
            memory,
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            tgt_is_causal,
            memory_is_causal,
        )
        return output

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The causal mask as numbers to add: −∞ above the diagonal, else 0: (sz, sz)."""
        return full((sz, sz), -math.inf, dtype=dtype, device=device).triu(1)
