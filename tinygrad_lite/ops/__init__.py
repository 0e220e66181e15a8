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
from .rule import RULES, rule

__all__ = [
    "RULES",
    "activation",
    "conv",
    "elementwise",
    "linalg",
    "loss",
    "norm",
    "pool",
    "reduce",
    "rule",
    "shape",
]
