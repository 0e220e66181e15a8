"""The rules of differentiation: one function an operation (see `ops._rule`)."""

from . import conv, elementwise, linalg, loss, reduce, shape
from ._rule import COMPOSITIONS, RULES, fused, rule

__all__ = [
    "COMPOSITIONS",
    "RULES",
    "conv",
    "elementwise",
    "fused",
    "linalg",
    "loss",
    "reduce",
    "rule",
    "shape",
]
