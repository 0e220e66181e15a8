"""PyTorch's own samples of its operations give here what they give there.

Of each operation some samples of each dtype, in all forms; `python -m tests.parity.samples` runs
all of them. Results agree to 2e-5 of the largest in float32, 1e-11 in float64 and two roundings in
16 bits, or are no further from float64's than twice PyTorch's (`compare.py`).
"""

from __future__ import annotations

import re

import pytest

pytest.importorskip("expecttest", reason="PyTorch's samples need it")

from . import deliberate, samples, translate

PARTS = 20
ROWS = [
    (name, kind, message)
    for (name, kind), messages in deliberate.rows(samples.HEADING).items()
    for message in messages
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(PARTS))
def test_samples_of_operations(part: int) -> None:
    count, wrong = 0, []
    for number, op in enumerate(samples.operations()[part::PARTS]):
        for case in samples.rotated(number, op):
            count += 1
            wrong += [f"{c!r}: {d.kind}: {d.text}"[:400] for c, d in samples.unexcused([case])]
    assert count > 300
    assert not wrong, "\n".join(wrong)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_rows_are_needed(row: tuple[str, str, str]) -> None:
    assert samples.needed(*row), "no sample differs so any more: take the row away"


@pytest.mark.filterwarnings("ignore")
def test_what_is_left_out_is_not_here() -> None:
    """A pattern of `ABSENT` matches something, and what is no private name has no function here."""
    from torch.testing._internal.common_methods_invocations import op_db

    unused = [p for p in samples.ABSENT.values() if not any(re.match(p, op.name) for op in op_db)]
    assert not unused
    missing = []
    for op in samples.operations():
        try:
            translate.function(op.op)
        except translate.Missing as error:
            missing.append(f"{op.full_name}: {error}")
    assert not missing, "name them in ABSENT: " + "; ".join(missing)
