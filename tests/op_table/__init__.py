"""The operations that the property tests go through, one row each.

A row says how to draw the arguments, how to call the operation, and what NumPy makes of the
same arguments in float64. Rows are named after what they call: an attribute of `Tensor`
("add", "__getitem__"), a function of the package ("cat") or, with a prefix, a rule
("rule:linear"); a variant stands in brackets ("clamp[min]").

To add an operation, add a row to the file of its family.
"""

from __future__ import annotations

from tests.op_table import (
    activation,
    casts,
    decompose,
    elementwise,
    inplace,
    linalg,
    loss,
    reduce,
    shape,
    special,
)
from tests.op_table._examples import each_example
from tests.op_table._row import Row, leaves, outputs, to_numpy

__all__ = [
    "DIFFERENTIABLE",
    "PLAIN",
    "ROWS",
    "Row",
    "each_example",
    "leaves",
    "outputs",
    "to_numpy",
]

ROWS: dict[str, Row] = {}
for _family in (
    elementwise,
    activation,
    special,
    reduce,
    shape,
    linalg,
    decompose,
    loss,
    casts,
    inplace,
):
    for _row in _family.ROWS:
        assert _row.name not in ROWS, f"two rows are called {_row.name}"
        ROWS[_row.name] = _row

DIFFERENTIABLE = [row for row in ROWS.values() if row.differentiable]
PLAIN = [row for row in ROWS.values() if not row.differentiable]
