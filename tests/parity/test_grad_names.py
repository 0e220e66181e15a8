"""A `grad_fn` is called as PyTorch's, whatever operation of the table made it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from .call import Call, _build, _flatten, _is_tensor, _target
from .table import ROWS

EXCUSED = {
    "(Sum|Mean)Backward1 (Sum|Mean)Backward0": "a vector's dimension is all of it",
    "Mkldnn.* .*|CatBackward0 StackBackward0": "an LSTM is a layer of a CPU library's",
    "DivBackward2 DivBackward0": "rounding_mode=None, which changes nothing",
    "CloneBackward0 MulBackward0": "rms_norm copies at the end",
    "TransposeBackward1 TransposeBackward0": "a GRU with batch_first",
    "SumBackward1 PermuteBackward0": "einsum that only sums",
    "ViewBackward0 NormBackward0": "norm_except_dim, of the last dimension or the first",
    "ViewBackward0 CdistBackward0": "many rows, which PyTorch takes as a product",
    "SubBackward0 RsubBackward1": "sub(1, x), which is 1 - x",
    "PowBackward1 PowBackward2": "a base without dimensions, which is a number here",
    "MaskedFillBackward1 MaskedFillBackward0": "a tensor of one number, which is that number here",
    "MulBackward0 AsStridedBackward0": "after t_(): the tensor is a view of what it was",
    "MulBackward0 (Where|MaskedFill)Backward0": "logical_not_ and the like of what has a gradient",
    "ConjPhysicalBackward1 .*": "a real number is its conjugate already",
}
"""PyTorch's name and ours where they may differ, and why."""


def names(library: str, call: Call) -> list[str | None]:
    """What the nodes of a call's results are called, None of what has none."""
    made: list[Any] = []
    args, kwargs = _build(library, call.args, made), _build(library, call.kwargs, made)
    results = [t for t in _flatten(_target(library, call)(*args, **kwargs)) if _is_tensor(t)]
    return [t.grad_fn and type(t.grad_fn).__name__ for t in results]


def difference(call: Call) -> tuple[int, list[str]]:
    """How many nodes were compared, and which are called otherwise without an excuse."""
    try:
        theirs = names("torch", call)
        ours = names("ours", call) if any(theirs) else []
    except Exception:  # which other tests compare
        return 0, []
    pairs = [p for p in zip(theirs, ours, strict=False) if None not in p]
    said = [f"{a} {b}" for a, b in pairs if a != b]
    return len(pairs), [s for s in said if not any(re.fullmatch(e, s) for e in EXCUSED)]


@pytest.mark.filterwarnings("ignore")  # PyTorch's own, which would count as errors
def test_nodes_are_called_as_pytorchs() -> None:
    """Rows by the dozen, and all in one test, which is faster; always the same draws."""
    rows = [row for row in ROWS if row.here()]
    compared, differ = 0, []

    def look(some: list[Any]) -> None:
        @seed(1)
        @settings(
            max_examples=2,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(data=st.data())
        def compare(data: st.DataObject) -> None:
            nonlocal compared
            for row in some:
                count, wrong = difference(data.draw(row.calls))
                compared += count
                differ.extend(f"{row.id}: {said}" for said in wrong)

        compare()

    for start in range(0, len(rows), 12):
        look(rows[start : start + 12])
    assert compared > 100
    assert not differ
