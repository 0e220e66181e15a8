"""Rows of casts, moves between devices, and the ways out of the graph."""

from __future__ import annotations

import numpy as np

import tinygrad_lite as tg
from tests import strict
from tests.op_table._row import Row
from tests.strategies import real, values, whole
from tinygrad_lite.ops import RULES
from tinygrad_lite.tensor import apply


def _there_and_back(x: tg.Tensor) -> tg.Tensor:
    """Through another device, the CPU or (from there) the strict one."""
    strict.install()
    own = x.device.type
    moved = apply(RULES["to_device"], x, device="strict" if own == "cpu" else "cpu")
    return apply(RULES["to_device"], moved, device=own)


# In one dtype these are the identity; tests/ops/test_table.py takes them from one to another.
SAME = [
    Row("to", values(real), np.copy, call=lambda x: x.to(x.device, x.dtype)),
    Row("type", values(real), np.copy, call=lambda x: x.type(x.dtype)),
    Row("type_as", values(real), np.copy, call=lambda x: x.type_as(x)),
    Row(
        "rule:cast",
        values(real),
        np.copy,
        call=lambda x: apply(RULES["cast"], x, dtype=x.dtype),
        rule="cast",
    ),
    Row(
        "rule:to_device",
        values(real),
        np.copy,
        call=_there_and_back,
        rule="to_device",
        syncs=True,
    ),
]

OUT = [
    Row("detach", values(real), np.copy, differentiable=False),
    Row("data", values(real), np.copy, call=lambda x: x.data, differentiable=False),
    Row("long", values(whole), lambda x: x.astype(np.int64), differentiable=False),
    Row("int", values(whole), lambda x: x.astype(np.int32), differentiable=False),
    Row("bool", values(whole), lambda x: x.astype(bool), differentiable=False),
]

ROWS = [*SAME, *OUT]
