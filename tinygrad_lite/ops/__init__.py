"""The rules of differentiation: one function an operation (see `ops.rule`)."""

from . import (
    activation,
    attention,
    conv,
    elementwise,
    embedding,
    linalg,
    loss,
    norm,
    pool,
    recurrence,
    reduce,
    shape,
)
from .rule import RULES, rule

__all__ = [
    "RULES",
    "activation",
    "attention",
    "conv",
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
]
