"""Every operation does what PyTorch's does, on drawn calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import examples

from . import deliberate
from .compare import difference
from .table import ROWS

# Rows in which a difference is known that is neither mended nor meant; to be emptied.
OPEN = Path(__file__).with_name("still_open.txt").read_text(encoding="utf-8").split("\n")
MARK = pytest.mark.xfail(strict=False, reason="still differs: tests/parity/still_open.txt")


def _row(row: Any) -> Any:
    return pytest.param(row, id=row.id, marks=[MARK] if row.id in OPEN else [])


@pytest.mark.parametrize("row", [_row(r) for r in ROWS if r.here()])
@examples(0.4)  # the command draws hundreds
@given(data=st.data())
def test_as_pytorch(row: Any, data: st.DataObject) -> None:
    call = data.draw(row.calls)
    found = difference(call)
    assert found is None or deliberate.excused(row.name, found.kind), f"{call}: {found}"
