"""The rules of differentiation: one function an operation (see `ops._rule`)."""

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
from ._rule import COMPOSITIONS, RULES, fused, rule

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
