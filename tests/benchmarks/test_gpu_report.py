"""The page that `benchmarks/gpu_report.py` writes, from made-up figures; and what it runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.benchmarks.test_cuda import FOLDER, load, stand_in

__all__ = ["load", "stand_in"]  # fixtures


@pytest.fixture
def script(load: Any) -> ModuleType:
    module: ModuleType = load("gpu_report")
    return module


def test_the_page(script: Any, tmp_path: Path) -> None:
    ours, eager, theirs, graph, last = (
        script.CAPTURED, script.EAGER, script.THEIRS, script.GRAPH, script.LAST
    )  # fmt: skip
    ms = {ours: 2.0, eager: 6.0, theirs: 5.0, graph: 4.5, last: 4.0}
    ratios = {f"{ours} ÷ {graph}": 0.44, f"{ours} ÷ {last}": 0.5, f"{eager} ÷ {theirs}": 1.2}
    steps = {"machine": {"GPU": "a GPU"}, "ConvNet ×256": {"ms": ms, "ratios": ratios}}
    peaks = {ours: {"allocated": 6, "reserved": 6}, graph: {"allocated": 2, "reserved": 8}}
    rows = [[10.0 - i, 1.0, f"kernel {i}"] for i in range(script.TOP + 2)]
    found = {"steps": steps, "memory": peaks, "profile": {"a step": rows}}
    for part, figures in found.items():
        (tmp_path / f"{part}.json").write_text(json.dumps(figures))
    ends = {"steps": {"code": 0, "seconds": 3.0, "last": "done"},
            "tests": {"code": -1, "seconds": 9.0, "last": "…"}}  # fmt: skip
    page = script.report(ends, tmp_path)
    assert "| ConvNet ×256 | 2.000 | 6.000 | 5.000 | 4.500 | 4.000 | 0.50 | 0.85 | 1.20 |" in page
    assert "| steps | well | 3 | `done` |" in page
    assert "| tests | at its limit | 9 |" in page
    assert "reserved: 0.75 (at most 0.75)" in page
    assert f"a step: {sum(r[0] for r in rows):.0f} µs in {script.TOP + 2} launches" in page
    assert "kernel 15" in page
    assert "kernel 16" not in page


def test_parts_have_limits_of_their_own(script: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(script.LIMITS, "steps", 0.2)
    command = [sys.executable, "-c", "import time; time.sleep(60); print(1)"]
    end = script.run("steps", command, tmp_path)
    assert (end["code"], end["last"]) == (-1, ""), "it was ended before its own end"
    assert end["seconds"] >= 0.2
    end = script.run("memory", [sys.executable, "-c", "print(1); exit(3)"], tmp_path)
    assert (end["code"], end["last"]) == (3, "1")


def test_what_is_run_exists(script: Any, tmp_path: Path) -> None:
    parts = dict(script.commands(["tests", "steps", "sanitizer"], tmp_path))
    assert {"tests", "steps", "sanitizer-memcheck-hopper"} < set(parts)
    paths = [Path(word) for command in parts.values() for word in command if word.endswith(".py")]
    assert paths
    assert all(path.exists() for path in paths)
    assert Path(script.__file__).parent == FOLDER
