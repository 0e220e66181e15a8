"""`torch.utils.benchmark`: times of one run, and tables of them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import tinygrad_lite as torch
from tinygrad_lite.utils import benchmark
from tinygrad_lite.utils.benchmark import Compare, Measurement, TaskSpec, Timer, select_unit


class Clock:
    """Each look at it takes a millisecond; a statement can let time pass."""

    def __init__(self) -> None:
        self.now, self.threads = 0.0, 0

    def __call__(self) -> float:
        self.now += 1e-3
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds
        self.threads = torch.get_num_threads()


def timed(seconds: str, **options: Any) -> tuple[Timer, Clock]:
    clock = Clock()
    return Timer(f"c.work({seconds})", timer=clock, globals={"c": clock}, **options), clock


def test_the_time_of_one_run() -> None:
    timer, clock = timed("2.0", num_threads=3)
    before = torch.get_num_threads()
    found = timer.timeit(10)
    assert found.times == pytest.approx([2.0], abs=1e-3)
    assert (found.number_per_run, found.num_threads, clock.threads) == (10, 3, 3)
    assert torch.get_num_threads() == before
    assert clock.now == pytest.approx(24, abs=0.1)  # two runs before it measures


def test_blocks_outlast_the_clock_and_fill_the_time() -> None:
    timer, _ = timed("1e-3")
    seen: list[int] = []
    found = timer.blocked_autorange(lambda number, seconds: seen.append(number), min_run_time=30)
    assert sum(found.raw_times) >= 30
    assert found.number_per_run * 1e-3 >= 1  # a thousand times what a look at the clock takes
    assert seen == [found.number_per_run] * len(found.times)
    assert found.mean == pytest.approx(1e-3, rel=0.01)


def test_adaptive_ends_when_times_agree_or_time_is_over() -> None:
    steady = timed("0.5")[0].adaptive_autorange()
    assert 4 <= len(steady.times) <= 6
    growing = timed("0.1 + c.now / 5")[0].adaptive_autorange(max_run_time=500)
    assert sum(growing.raw_times) >= 500
    assert growing.has_warnings


@pytest.mark.parametrize("wrong", [{"language": "c++"}, {"global_setup": "int x;"}])
def test_cpp_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"python|C\+\+"):
        Timer("1", **wrong)  # type: ignore[arg-type]


def of(times: list[float], **spec: Any) -> Measurement:
    return Measurement(10, [10 * t for t in times], TaskSpec("f(x)", "pass", **spec))


def test_statistics() -> None:
    found = of([4.0, 1.0, 2.0, 3.0, 5.0])
    assert (found.mean, found.median, found.iqr, found.has_warnings) == (3, 3, 2, True)
    assert [select_unit(t)[0] for t in (1e-10, 2e-9, 1e-6, 0.5, 1.0, 90.0)] == [
        *("ns", "ns", "us", "ms", "s", "s")
    ]
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert (again.times, again.stmt) == (found.times, "f(x)")
    with pytest.raises(AttributeError, match="nothing"):
        found.nothing  # noqa: B018
    assert of([1.0, 1.0001, 1.0, 0.9999] * 20).significant_figures >= 4
    assert of([1.0, 2.0, 3.0, 4.0]).significant_figures == 1
    assert len(Measurement.merge([found, found, of([1.0], label="a")])) == 2


def test_text() -> None:
    lines = repr(of([1e-3], label="a", sub_label="b", description="d", num_threads=4)).split("\n")
    assert lines[1:] == ["a: b", "d", "  1.00 ms", "  1 measurement, 10 runs , 4 threads"]
    many = repr(Measurement(1, [1.0] * 4, TaskSpec("f(x)\ng(x)", "import a\nb=2"))).split("\n")
    assert many[1:5] == ["f(x)", "setup:", "  import a", "  b=2"]
    assert many[6:] == [
        "  Median: 1.00 s",
        "  IQR:    0.00 s (1.00 to 1.00)",
        "  4 measurements, 1 runs per measurement, 1 thread",
    ]
    assert "setup: y = 1\n" in repr(Timer("y", "y = 1").timeit(2))


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    row: dict[str, Any] = {"label": "dot", "sub_label": "[1, 1]"}
    table = Compare([of([6e-6], description="sum", **row), of([11.2e-6], description="bmm", **row)])
    table.extend_results([of([1e-4], label="dot", sub_label="[64]", description="bmm")])
    table.extend_results([of([2e-4], description="bmm", num_threads=4, **row)])
    table.print()
    assert capsys.readouterr().out.split("\n") == [
        "[----------- dot ------------]",
        "              |  sum  |   bmm ",
        "1 threads: -------------------",
        "      [1, 1]  |  6.0  |   11.2",
        "      [64]    |       |  100.0",
        "4 threads: -------------------",
        "      [1, 1]  |       |  200.0",
        "",
        "Times are in microseconds (us).",
        "",
        "",
    ]
    table.trim_significant_figures()
    table.colorize()
    table.highlight_warnings()
    assert "|   11" in str(table)
    assert "11.2" not in str(table)


def test_the_clock_runs() -> None:
    assert 0 <= -benchmark.timer() + benchmark.timer() < 60
