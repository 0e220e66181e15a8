"""Every operation does what PyTorch's does, on drawn calls."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import examples

from . import deliberate
from .compare import difference
from .table import ROWS


@pytest.mark.filterwarnings("ignore")  # PyTorch's own, which would count as errors
@pytest.mark.parametrize("row", [pytest.param(r, id=r.id) for r in ROWS if r.here()])
@examples(0.16)  # the command draws hundreds
@given(data=st.data())
def test_as_pytorch(row: Any, data: st.DataObject) -> None:
    call = data.draw(row.calls)
    found = difference(call)
    assert found is None or deliberate.excused(row.name, *found), f"{call}: {found}"
