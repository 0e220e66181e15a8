"""The rules of differentiation: one function an operation (see `ops.rule`)."""

from . import (
    activation,
    attention,
    conv,
    decompose,
    elementwise,
    embedding,
    linalg,
    loss,
    norm,
    pool,
    recurrence,
    reduce,
    shape,
    special,
)
from .rule import RULES, rule

__all__ = [
    "RULES",
    "activation",
    "attention",
    "conv",
    "decompose",
    "elementwise",
    "embedding",
    "linalg",
    "loss",
    "norm",
    "pool",
    "recurrence",
    "reduce",
    "rule",
    "shape",
    "special",
]
