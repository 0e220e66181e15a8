"""`debug.profile`: events of both ways, their sums, the trace; and that it goes without a trace."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import tinygrad_lite as torch
from tinygrad_lite import debug, nn
from tinygrad_lite.backend import capture
from tinygrad_lite.tensor import anomaly


def step(prof: debug.profile) -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
    x, y = torch.randn(3, 6), torch.tensor([0, 1, 2])
    with prof:
        nn.functional.cross_entropy(model(x), y).backward()


def test_each_operation_both_ways_with_layer_line_and_bytes() -> None:
    prof = debug.profile()
    step(prof)
    seen = [(e.name, e.backward, e.layer) for e in prof.events]
    assert seen[:4] == [
        ("linear", False, "0 Linear"), ("relu", False, "1 ReLU"),
        ("linear", False, "2 Linear"), ("cross_entropy", False, ""),
    ]  # fmt: skip
    assert {e for e in seen if e[1]} == {(n, True, layer) for n, _, layer in seen[:4]}
    assert all(e.source == f"test_profile.py:{step.__code__.co_firstlineno + 4}"
               for e in prof.events)  # fmt: skip
    assert [e.bytes for e in prof.events[:4]] == [60, 60, 48, 4]
    last = [e.bytes for e in prof.events if e.backward and e.layer == "0 Linear"]
    assert sorted(last) == [0, 30 * 4]  # the bias's is what came in; the data gets none
    assert all(e.start >= 0 and 0 <= e.seconds < prof.seconds for e in prof.events)


class Slow(torch.autograd.Function):
    """Takes 20 ms forward and 40 ms backward, beside an operation in each."""

    @staticmethod
    def forward(ctx, x):  # type: ignore[no-untyped-def]
        time.sleep(0.02)
        return x * 1

    @staticmethod
    def backward(ctx, g):  # type: ignore[no-untyped-def]
        time.sleep(0.04)
        return g * 1


def test_time_is_counted_once_and_where_it_goes() -> None:
    x = torch.ones(3, requires_grad=True)
    with debug.profile() as prof:
        y = Slow.apply(x)
        time.sleep(0.03)
        y.sum().backward()
    slow = next(e for e in prof.events if e.name == "Slow")
    assert slow.backward
    assert slow.seconds >= 0.04
    inside = [e for e in prof.events if e.nested]
    assert [e.name for e in inside] == ["mul"]
    own = sum(e.seconds for e in prof.events if not e.nested)
    assert own + 0.05 <= prof.seconds + 1e-3  # both sleeps outside of operations are the rest
    name, calls, *times = next(
        line.split() for line in str(prof).split("\n") if line.startswith("mul ")
    )
    assert (name, calls) == ("mul", "1")
    assert float(times[1]) == 0  # its gradient was not asked for by itself


def test_tables_add_up() -> None:
    prof = debug.profile()
    step(prof)
    for by, first in (("operation", "Operation"), ("layer", "Layer")):
        lines = prof.table(by).split("\n")  # type: ignore[arg-type]
        assert lines[0].startswith(first)
        shares = [float(line.split()[-3].rstrip("%")) for line in lines[2:-3]]
        rest = float(lines[-3].split()[-1].rstrip("%"))
        assert sum(shares) + rest == pytest.approx(100, abs=0.1 * (len(shares) + 1))
        assert "100.0%" in lines[-1]
    assert "(2 others)" in prof.table(limit=1)
    with pytest.raises(ValueError, match="'kernel'"):
        prof.table("kernel")  # type: ignore[arg-type]


def test_the_trace_is_what_chrome_reads(tmp_path: Path) -> None:
    prof = debug.profile()
    step(prof)
    prof.export_chrome_trace(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert len(events) == len(prof.events)
    assert {e["ph"] for e in events} == {"X"}
    assert [e["ts"] for e in events] == sorted(e["ts"] for e in events)
    assert {e["name"] for e in events} >= {"relu", "relu backward"}
    assert events[0]["args"]["layer"] == "0 Linear"


def test_values_are_the_same_and_nothing_stays_after_an_error() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with debug.profile() as prof:
        (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        g.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]  # type: ignore[union-attr]
    assert any(e.nested for e in prof.events)
    with pytest.raises(RuntimeError, match="boom"), debug.profile():
        raise RuntimeError("boom")
    assert anomaly.watch is None
    assert capture.note is None


def test_views_write_nothing() -> None:
    with debug.profile() as prof:
        torch.ones(4).reshape(2, 2) + 1
    assert [(e.name, e.bytes) for e in prof.events] == [("reshape", 0), ("add", 16)]
