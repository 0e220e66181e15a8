"""Attention and transformers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case

Q, K = (2, 3, 4, 5), (2, 3, 6, 5)
LOOK = np.arange(24).reshape(4, 6) % 5 != 1
LOOK[2] = False  # a query that may look nowhere
ADD = np.where(np.arange(24).reshape(4, 6) % 5 == 1, -np.inf, np.arange(24).reshape(4, 6) / 10)
PAD = np.asarray([[False, False, True, False, True, True], [False] * 6])
CAUSAL = np.arange(4)[:, None] < np.arange(4)


def sdpa(mask: Any = None, second: Any = None, **words: Any) -> Any:
    """The function with settings."""

    def make(lib: Any) -> Any:
        def call(q: Any, k: Any, v: Any) -> Any:
            given = None if mask is None else lib.from_numpy(np.asarray(mask)).to(q.device)
            f = lib.nn.functional.scaled_dot_product_attention
            return f(q, k, v, given, **words)

        return call

    return make


def with_masks(number: int = 1, **masks: Any) -> Any:
    """Calls a module with its first inputs (and the last of them for the rest), and masks."""

    def call(layer: Any, *xs: Any) -> Any:
        lib = __import__(type(layer).__module__.partition(".")[0])
        arrays = (bool, int)
        words = {
            name: m if isinstance(m, arrays) else lib.from_numpy(m).to(xs[0].device)
            for name, m in masks.items()
        }
        return layer(*xs, *[xs[-1]] * (number - len(xs)), **words)

    return call


def mha(*args: Any, **words: Any) -> Any:
    """A module's constructor."""
    return lambda lib: lib.nn.MultiheadAttention(*args, **words)


def layer(kind: str, *args: Any, **words: Any) -> Any:
    """A transformer layer's constructor."""
    return lambda lib: getattr(lib.nn, f"Transformer{kind}Layer")(*args, **words)


CASES = [
    Case("sdpa", sdpa(), (Q, K, K)),
    Case("sdpa causal", sdpa(is_causal=True), (Q, K, K)),
    Case("sdpa look", sdpa(LOOK), (Q, K, K)),
    Case("sdpa add", sdpa(ADD, scale=0.3), (Q, K, K)),
    Case("sdpa small", sdpa(CAUSAL[:2, :3]), ((2, 2), (3, 2), (3, 1)), second=True),
    Case("sdpa groups", sdpa(enable_gqa=True), ((1, 4, 3, 2), (1, 2, 5, 2), (1, 2, 5, 2))),
    Case("sdpa broadcast", sdpa(), ((3, 4, 2), (1, 5, 2), (1, 5, 2))),
    Case("MultiheadAttention", mha(6, 2), ((4, 2, 6),), call=with_masks(3)),
    Case("MultiheadAttention three", mha(6, 3, batch_first=True, bias=False),
         ((2, 4, 6), (2, 6, 6), (2, 6, 6)), call=with_masks(3, key_padding_mask=PAD)),
    Case("MultiheadAttention sizes", mha(6, 3, kdim=5, vdim=4), ((4, 2, 6), (6, 2, 5), (6, 2, 4)),
         call=with_masks(3, attn_mask=ADD, average_attn_weights=False)),
    Case("MultiheadAttention more keys", mha(6, 3, 0.0, True, True, True),
         ((4, 2, 6), (6, 2, 6)),
         call=with_masks(3, attn_mask=ADD, key_padding_mask=np.where(PAD, -np.inf, 0.0),
                         need_weights=False)),
    Case("MultiheadAttention one", mha(6, 2), ((4, 6), (6, 6)), call=with_masks(3)),
    Case("MultiheadAttention heads", mha(6, 2), ((4, 2, 6),),
         call=with_masks(3, attn_mask=np.stack([CAUSAL, CAUSAL, CAUSAL, CAUSAL]))),
    Case("EncoderLayer", layer("Encoder", 6, 2, 8, 0.0), ((4, 2, 6),)),
    Case("EncoderLayer first", layer("Encoder", 6, 2, 8, 0.0, "gelu", 1e-3, True, True, False),
         ((2, 4, 6),), call=with_masks(1, src_mask=CAUSAL, is_causal=True)),
    Case("EncoderLayer padding", layer("Encoder", 6, 2, 8, 0.3), ((6, 2, 6),), train=False,
         call=with_masks(1, src_key_padding_mask=PAD)),
    Case("DecoderLayer", layer("Decoder", 6, 2, 8, 0.0), ((4, 2, 6), (5, 2, 6)),
         call=with_masks(2, tgt_mask=CAUSAL)),
    Case("DecoderLayer first", layer("Decoder", 6, 2, 8, 0.0, norm_first=True),
         ((4, 2, 6), (6, 2, 6)), call=with_masks(2, memory_key_padding_mask=PAD, memory_mask=ADD)),
    Case("TransformerEncoder", lambda lib: lib.nn.TransformerEncoder(
        lib.nn.TransformerEncoderLayer(4, 2, 5, 0.0), 2, lib.nn.LayerNorm(4)), ((3, 2, 4),)),
    Case("TransformerDecoder", lambda lib: lib.nn.TransformerDecoder(
        lib.nn.TransformerDecoderLayer(4, 2, 5, 0.0), 2), ((3, 2, 4), (3, 2, 4))),
    Case("Transformer", lambda lib: lib.nn.Transformer(
        4, 2, 1, 2, 5, 0.0, batch_first=True), ((2, 3, 4), (2, 4, 4)),
        call=with_masks(2, tgt_mask=CAUSAL)),
    Case("square mask", lambda lib: lambda x: x + (
        lib.nn.Transformer.generate_square_subsequent_mask(3).to(x.device)), ((3, 3),),
        gradients=None),
]  # fmt: skip

ERRORS: list[tuple[str, Any]] = [
    ("mask and causal", lambda lib: sdpa(LOOK, is_causal=True)(lib)(
        lib.zeros(4, 2), lib.zeros(6, 2), lib.zeros(6, 2))),
    ("integer mask", lambda lib: sdpa(LOOK.astype(int))(lib)(
        lib.zeros(4, 2), lib.zeros(6, 2), lib.zeros(6, 2))),
    ("sizes", lambda lib: sdpa()(lib)(lib.zeros(4, 2), lib.zeros(6, 3), lib.zeros(6, 3))),
    ("heads", lambda lib: lib.nn.MultiheadAttention(5, 2)),
    ("no heads", lambda lib: lib.nn.MultiheadAttention(4, 0)),
    ("no features", lambda lib: lib.nn.MultiheadAttention(0, 2)),
    ("rank", lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(4)] * 3)),
    ("features", lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 2, 6)] * 3)),
    ("mask shape", lambda lib: lib.nn.MultiheadAttention(4, 2)(
        *[lib.zeros(3, 2, 4)] * 3, attn_mask=lib.zeros(2, 2))),
    ("activation", lambda lib: lib.nn.TransformerEncoderLayer(4, 2, activation="tanh")),
    ("transformer", lambda lib: lib.nn.Transformer(4, 2, 1, 1)(
        lib.zeros(3, 2, 4), lib.zeros(3, 3, 4))),
]  # fmt: skip
