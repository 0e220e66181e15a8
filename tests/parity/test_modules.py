"""Modules, losses, optimizers and schedulers do what PyTorch's do, on drawn experiments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import examples

from . import deliberate
from .experiment import difference
from .table_modules import ROWS

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("row", [pytest.param(r, id=r.id) for r in ROWS if r.here()])
@examples(0.16)  # the command draws hundreds
@given(data=st.data())
def test_as_pytorch(row: Any, data: st.DataObject) -> None:
    experiment = data.draw(row.calls)
    found = difference(experiment)
    excused = found is None or deliberate.excused(row.name, *found)
    assert excused, f"{experiment}: {found}"
