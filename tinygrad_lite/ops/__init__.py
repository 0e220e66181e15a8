"""The rules of differentiation: one function an operation (see `ops.rule`)."""

from . import (
    activation,
    attention,
    complex,
    conv,
    decompose,
    elementwise,
    embedding,
    fourier,
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
    "complex",
    "conv",
    "decompose",
    "elementwise",
    "embedding",
    "fourier",
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
