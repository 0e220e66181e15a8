"""What the convolution benchmark computes from its timings, and the errors that it prints."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinygrad_lite import nn

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import a script, in which NumPy is imported already."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    monkeypatch.setattr(importlib.import_module("_compare"), "prepare", lambda threads=None: 1)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(FOLDER)):
            del sys.modules[name]


def test_geometric_means(load: Load) -> None:
    def row(number: int, algorithm: str, *rounds: float) -> dict[str, Any]:
        shared = {"batch": 32, "pass": "forward", "rounds_ms": list(rounds)}
        return {"number": number, "algorithm": algorithm, **shared}

    rows = [row(1, "auto", 1, 2), row(1, "torch", 2, 2), row(1, "direct", 9, 9)]
    rows += [row(2, "auto", 8, 12), row(2, "torch", 1, 3)]
    (mean,) = load("_roofline").geometric_means(rows, "torch")
    assert mean["rounds"] == pytest.approx([2, 2])  # √(½ · 8), √(1 · 4)
    assert (mean["ratio"], mean["layers"]) == (pytest.approx(2), 2)
    assert load("_roofline").geometric_means(rows, "other") == []


@pytest.mark.parametrize(
    ("wanted", "places"),
    [([1, 5, 9], [1, 5, 9]), ([1, 1, 9], [0, 2, 9]), ([3, 3, 3, 3], [0, 2, 4, 6]), ([], [])],
)
def test_names_stand_apart(load: Load, wanted: list[float], places: list[float]) -> None:
    assert load("_roofline").spread(wanted, 2) == places


def test_arrays_lie_as_in_training(load: Load) -> None:
    conv = load("conv")
    first, second = (conv.Layer(number, 2, "cpu") for number in (1, 2))
    # A library that copies row by row, whatever the order of what it is given.
    xp = SimpleNamespace(asarray=np.ascontiguousarray, transpose=np.transpose)
    for layer in (first, second):
        m, c = layer.w.shape[:2]
        assert layer.w.strides == nn.Conv2d(c, m, 3).weight.detach().numpy().strides
        assert layer.g.transpose(1, 2, 3, 0).flags.c_contiguous
        put = layer.put(xp, layer.w, "float64")
        np.testing.assert_array_equal(put, layer.w)
        assert put.strides == tuple(2 * stride for stride in layer.w.strides)
    assert first.x.flags.c_contiguous
    assert second.x.transpose(1, 2, 3, 0).flags.c_contiguous


def test_least_traffic(load: Load) -> None:
    conv = load("conv")
    first, second = (conv.Layer(number, 2, "cpu") for number in (1, 2))
    x, w, y = 2 * 3 * 32**2, 64 * 3 * 9, 2 * 64 * 32**2
    assert first.traffic(backward=False) == 4 * (x + w + y)
    assert first.traffic(backward=True) == 4 * (x + 2 * w + 2 * y)  # images need no gradient
    x, w, y = 2 * 64 * 16**2, 128 * 64 * 9, 2 * 128 * 16**2
    assert second.traffic(backward=True) == 8 * (x + w + y)


def test_errors(load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    conv, path = load("conv"), tmp_path / "errors.json"
    monkeypatch.setattr(conv, "LAYERS", [(3, 4, 8), (64, 64, 8)])
    monkeypatch.setattr(conv._compare, "pytorch", lambda threads: None)
    words = f"conv.py --errors --layers 1,2 --batch 32 --json {path}"
    monkeypatch.setattr(sys, "argv", words.split())
    assert conv.main() == 0
    rows = json.loads(path.read_text())["results"]
    assert [row["auto"] for row in rows] == ["im2col"] * 3 + ["F(4×4)"] * 4
    for row in rows:
        errors = row["errors"]
        assert set(errors) == {"im2col", "direct", "F(2×2)", "F(4×4)"}
        assert all(0 < error < 1e-5 for error in errors.values())
        if row["of"] != "bias gradient":
            assert errors["F(4×4)"] > 2 * errors["F(2×2)"] > 2 * errors["direct"]
    lines = [x for x in capsys.readouterr().out.splitlines() if x.startswith("| 2: 64→64 @8² ×32")]
    found = rows[3]["errors"]["F(4×4)"] * 1e7
    assert lines[0].endswith(f" | **{found:.1f}** | – |")
    assert len(lines) == 3


@pytest.mark.parametrize("choice", ["all", "avx2", "env"])
def test_both_libraries_may_use_the_same_instructions(choice: str) -> None:
    """A limit that the environment has for one of them alone would make ratios meaningless."""
    code = "import _compare, os; print(_compare.prepare(), [os.environ.get(n) for n in (%s)])"
    limits, counts = ("OPENBLAS_CORETYPE", "ONEDNN_MAX_CPU_ISA"), ("OMP_NUM_THREADS",)
    names = (*limits, *counts, "TINYGRAD_LITE_NUM_THREADS")
    found = subprocess.run(
        [sys.executable, "-c", code % str(names)[1:-1], "--thr", "3", "--instructions", choice],
        cwd=FOLDER,
        env={
            **os.environ,
            "TINYGRAD_LITE_NUM_THREADS": "1",
            "OPENBLAS_CORETYPE": "Zen",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    of = {"all": [None, None], "avx2": ["Haswell", "AVX2"], "env": ["Zen", "SSE41"]}
    assert found.stdout == f"3 {[*of[choice], '3', '3']}\n"
