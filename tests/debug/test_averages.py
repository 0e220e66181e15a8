"""The table of `profiler.profile`: times by name, with those of what ran inside taken off."""

from __future__ import annotations

import pytest

import tinygrad_lite as tg
from tinygrad_lite.debug.averages import averages
from tinygrad_lite.debug.profile import Event
from tinygrad_lite.profiler import profile, record_function


def event(
    name: str, start: float, seconds: float, thread: int = 0, backward: bool = False
) -> Event:
    return Event(name, backward, start, seconds, 8, "", "", thread, False)


def test_own_time_is_without_what_runs_inside() -> None:
    found = averages(
        [
            event("exp", 1.0, 2.0),
            event("part", 0.0, 4.0),
            event("exp", 5.0, 0.5, backward=True),
            event("mul", 1.5, 0.5),
            event("mul", 1.5, 0.25, thread=1),
        ]
    )
    assert isinstance(found, list)
    assert {e.key: (e.count, e.cpu_time_total, e.self_cpu_time_total) for e in found} == {
        "part": (1, 4e6, 2e6),
        "exp": (1, 2e6, 1.5e6),
        "mul": (2, 0.75e6, 0.75e6),
        "exp backward": (1, 0.5e6, 0.5e6),
    }
    assert [e.key for e in found] == ["part", "exp", "mul", "exp backward"]
    assert found[2].cpu_time == 0.375e6
    assert found.total_average().cpu_memory_usage == 40
    assert found.self_cpu_time_total == 4.75e6
    lines = found.table(sort_by="self_cuda_time_total", row_limit=2).splitlines()
    assert lines[1].split("  ")[-1].strip() == "# of Calls"
    heads = "Name Self CPU % Self CPU CPU total % CPU total CPU time avg # of Calls"
    assert lines[1].split() == heads.split()
    assert [line.split()[0] for line in lines[3:5]] == ["part", "exp"]
    assert lines[3].split()[1:] == ["42.11%", "2.000s", "84.21%", "4.000s", "4.000s", "1"]
    assert lines[-1] == "Self CPU time total: 4.750s"
    with pytest.raises(AttributeError, match="nothing"):
        found.table(sort_by="nothing")


def test_what_begins_or_ends_at_one_time() -> None:
    found = averages(
        [event("inner", 0.0, 1e-3), event("next", 1e-3, 1.0), event("outer", 0.0, 1e-3 + 1.0)]
    )
    own = {e.key: e.self_cpu_time_total for e in found}
    assert own == pytest.approx({"outer": 0, "inner": 1e3, "next": 1e6}, abs=1e-3)
    lines = found.table(row_limit=2, max_name_column_width=3).splitlines()
    assert [line.split()[0] for line in lines[3:-2]] == ["out", "inn"]
    assert lines[4].split()[2] == "1.000ms"
    assert len(found.table(row_limit=-1).splitlines()) == 8


def test_regions_have_what_ran_in_them() -> None:
    x = tg.ones(50, 50, requires_grad=True)
    with profile() as prof:
        with record_function("whole"):
            (x @ x).exp().sum().backward()
        x.exp()
    found = {e.key: e for e in prof.key_averages()}
    assert {"whole", "matmul", "exp", "sum", "exp backward"} <= {*found}
    inside = sum(e.self_cpu_time_total for k, e in found.items() if k not in ("whole", "exp"))
    assert found["whole"].cpu_time_total >= inside
    assert found["whole"].self_cpu_time_total < found["whole"].cpu_time_total
    assert found["exp"].count == 2
    assert len(prof.key_averages()) == len(found)
