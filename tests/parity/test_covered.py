"""Every public name that both libraries have has its row, or its excuse."""

from __future__ import annotations

import re
from pathlib import Path

from . import covered, table_modules
from .row import Row
from .table import ROWS

ALL = [*ROWS, *table_modules.ROWS]
EXCUSES = covered.excused()
HERE = Path(__file__).resolve().parent


def test_every_name_has_a_row() -> None:
    without = {*covered.uncovered(ALL)} - EXCUSES
    assert not without, f"no row of tests/parity writes {sorted(without)}"


def test_no_excuse_has_had_its_day() -> None:
    stale = EXCUSES - {*covered.uncovered(ALL)}
    assert not stale, f"excused, but has a row or is no name of both libraries: {sorted(stale)}"


def test_excuses_name_tests_that_there_are() -> None:
    for reason in covered.EXCUSED:
        for path in re.findall(r"tests/[\w/]+(?:\.py)?", reason):
            assert (HERE.parents[1] / path).exists(), reason


def test_rows_write_what_they_say() -> None:
    there = {name for names in covered.public() for name in names}
    written = "\n".join(file.read_text(encoding="utf-8") for file in HERE.glob("table_*.py"))
    for row in ALL:
        for name in row.names.split():
            assert name in there, f"{row.id} is to write {name}, which one of the libraries lacks"
            word = name.rpartition(".")[2].strip("_")
            assert re.search(rf"\b_*{word}_*\b", written), f"{row.id} does not write {name}"


def test_a_name_without_a_row_is_found() -> None:
    rest = [row for row in ALL if "cumsum" not in row.name]
    assert {"cumsum", ".cumsum", ".cumsum_"} <= {*covered.uncovered(rest)}
    named = Row("made up", ROWS[0].calls, names="cumsum .cumsum .cumsum_")
    assert not {"cumsum", ".cumsum", ".cumsum_"} & {*covered.uncovered([*rest, named])}
