"""The list of planted faults is kept true: each can be planted as the code is now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import mutation
from tests.faults import FAULTS, Fault

ROOMS = (
    "ops/", "engine.py", "graph.py", "tensor/", "autograd/", "nn/", "optim/", "amp/", "data/",
    "files/", "serialization/", "checkpoint.py", "backend/window.py", "backend/plain/",
    "backend/cpu/direct.py", "backend/cpu/winograd.py", "backend/cpu/threads.py", "backend/cuda/",
    "backend/cuda/kernels/", "replay/", "debug/",
)  # fmt: skip


def test_every_fault_can_be_planted() -> None:
    assert list(mutation.problems()) == []


def test_there_are_some_in_every_room() -> None:
    assert len(FAULTS) >= 150
    files = {fault.file.removeprefix("tinygrad_lite/") for fault in FAULTS}
    assert [room for room in ROOMS if not any(f.startswith(room) for f in files)] == []
    assert any("fsync" in fault.text for fault in FAULTS)


@pytest.mark.parametrize(
    ("text", "replacement", "tests", "wrong"),
    [
        ("no such text", "x", "test_rooms.py", "is there 0 times, not once"),
        ("import", "x", "test_rooms.py", "times, not once"),
        ("def walk(", "def walk(", "test_rooms.py", "is replaced by itself"),
        ("def walk(", "def walk)", "test_rooms.py", "with the fault it is no Python any more"),
        ("def walk(", "def wake(", "test_nothing.py", "there is no tests/test_nothing.py"),
        ("def walk(", "def wake(", "", "needs either tests or a reason"),
    ],
)
def test_what_is_wrong_with_a_list_is_told(
    text: str, replacement: str, tests: str, wrong: str
) -> None:
    found = list(mutation.problems([Fault("tinygrad_lite/engine.py", text, replacement, tests)]))
    assert wrong in found[0]


class Stand:
    """In place of a copy of the tree: tests that fail while the fault is there, or pass."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.written, self.ran = [*statuses], [], []  # type: ignore[var-annotated]

    def write(self, name: str, content: str) -> None:
        self.written.append(content)

    def test(self, words: str) -> mutation.Ending:
        self.ran.append(words)
        return mutation.Ending(self.statuses.pop(0), "test_engine.py::test_it")


@pytest.mark.parametrize(
    ("statuses", "wider", "result", "runs"),
    [
        ((1,), True, "`test_engine.py::test_it`", 1),
        ((0, 1), True, "`test_engine.py::test_it`", 2),
        ((0, 0), True, mutation.SURVIVED, 2),
        ((0,), False, mutation.SURVIVED, 1),
    ],
)
def test_a_fault_is_planted_looked_at_and_taken_out(
    statuses: tuple[int, ...], wider: bool, result: str, runs: int
) -> None:
    fault = Fault("tinygrad_lite/engine.py", "def walk(", "def wake(", "test_rooms.py")
    copy: Any = Stand(*statuses)
    assert mutation.look(fault, copy, wider) == result
    assert copy.ran == [fault.tests, mutation.WIDER][:runs]
    planted, after = copy.written
    assert "def wake(" in planted
    assert after == (mutation.ROOT / fault.file).read_text(encoding="utf-8")


def test_the_table_keeps_rows_and_loses_those_of_faults_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutation, "TABLE", tmp_path / "table.md")
    some = FAULTS[:3]
    results = ["`a.py::test_b[c-d]`", mutation.SURVIVED, "equal: nothing shows it"]
    rows = dict(zip(map(mutation.key, some), results, strict=True))
    gone = mutation.key(Fault("gone.py", "a | b", "b", "x"))
    assert mutation.write_table({**rows, gone: "`x`"}).startswith("3 faults: 1 caught, 1 survived")
    assert mutation.read_table() == rows
