"""The rules of differentiation: one function an operation (see `ops.rule`)."""

from . import (
    activation,
    conv,
    elementwise,
    linalg,
    loss,
    norm,
    pool,
    reduce,
    shape,
)
from .rule import COMPOSITIONS, RULES, fused, rule

__all__ = [
    "COMPOSITIONS",
    "RULES",
    "activation",
    "conv",
    "elementwise",
    "fused",
    "linalg",
    "loss",
    "norm",
    "pool",
    "reduce",
    "rule",
    "shape",
]
