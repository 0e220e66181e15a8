"""Tables of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case

INDEX = np.asarray([[0, 2, 1], [2, 2, 4]])
FLAT = np.asarray([0, 2, 1, 2, 4, 4, 3])
OFFSETS = np.asarray([0, 3, 3, 5])
ENDS = np.asarray([0, 3, 3, 7])


def bag(**words: Any) -> Any:
    """A function of numbers, table and offsets."""
    return lambda lib: lambda i, o, w: lib.nn.functional.embedding_bag(i, w, o, **words)


def full_bag(**words: Any) -> Any:
    """A function of numbers and table."""
    return lambda lib: (
        lambda i, *w: lib.nn.functional.embedding_bag(
            i, w[0], per_sample_weights=w[1] if len(w) > 1 else None, **words
        )
    )


def limited(lib: Any) -> Any:
    """Look-ups that shorten the rows: what is looked up, and the table afterwards."""

    def call(i: Any, w: Any) -> Any:
        table = lib.nn.Embedding.from_pretrained(w.detach() * 2, False, None, 1.0, 1.5)
        return table(i), table.weight.detach()

    return call


CASES = [
    Case("Embedding", lambda lib: lib.nn.Embedding(5, 3), (INDEX,)),
    Case("Embedding padding", lambda lib: lib.nn.Embedding(5, 3, 2), (INDEX,)),
    Case("Embedding padding from the end", lambda lib: lib.nn.Embedding(5, 3, padding_idx=-1),
         (INDEX,)),
    Case("Embedding int32", lambda lib: lib.nn.Embedding(5, 3), (FLAT.astype("int32"),)),
    Case("Embedding of nothing", lambda lib: lib.nn.Embedding(5, 3), (FLAT[:0],)),
    Case("Embedding of one", lambda lib: lib.nn.Embedding(5, 3), (FLAT[1],)),
    Case("Embedding settings", lambda lib: lib.nn.Embedding(5, 3, None, 100.0, 1.0, True),
         (INDEX,)),
    Case("Embedding limited", limited, (FLAT, (5, 3)), gradients=None),
    Case("embedding", lambda lib: lambda i, w: lib.nn.functional.embedding(i, w, 1),
         (INDEX, (5, 3))),
    Case("EmbeddingBag", lambda lib: lib.nn.EmbeddingBag(5, 3), (FLAT, OFFSETS)),
    Case("EmbeddingBag sum", lambda lib: lib.nn.EmbeddingBag(5, 3, mode="sum", padding_idx=2),
         (INDEX,)),
    Case("embedding_bag mean", bag(padding_idx=2), (FLAT, OFFSETS, (5, 3))),
    Case("embedding_bag max", bag(mode="max"), (FLAT, OFFSETS, (5, 3))),
    Case("embedding_bag last", bag(mode="sum", include_last_offset=True), (FLAT, ENDS, (5, 3))),
    Case("embedding_bag weights", full_bag(mode="sum"), (INDEX, (5, 3), (2, 3)), second=True),
    Case("embedding_bag max padding", full_bag(mode="max", padding_idx=2), (INDEX, (5, 3))),
]  # fmt: skip

ERRORS: list[tuple[str, Any]] = [
    ("beyond the end", lambda lib: lib.nn.Embedding(5, 3)(lib.tensor([5]))),
    ("negative", lambda lib: lib.nn.Embedding(5, 3)(lib.tensor([-1]))),
    ("floats", lambda lib: lib.nn.Embedding(5, 3)(lib.tensor([1.0]))),
    ("padding outside", lambda lib: lib.nn.Embedding(5, 3, 5)),
    ("pretrained vector", lambda lib: lib.nn.Embedding.from_pretrained(lib.zeros(3))),
    ("another shape", lambda lib: lib.nn.Embedding(5, 3, _weight=lib.zeros(3, 5))),
    ("bag of three", lambda lib: lib.nn.EmbeddingBag(5, 3)(lib.tensor([[[1]]]))),
    ("bag without offsets", lambda lib: lib.nn.EmbeddingBag(5, 3)(lib.tensor([1]))),
    ("bag mode", lambda lib: lib.nn.functional.embedding_bag(
        lib.tensor([[1]]), lib.zeros(2, 2), mode="min")),
]  # fmt: skip
