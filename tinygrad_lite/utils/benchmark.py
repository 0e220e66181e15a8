"""`torch.utils.benchmark`: how long a statement takes, measured often enough to be believed.

Example:
    >>> from tinygrad_lite.utils.benchmark import Timer
    >>> timer = Timer("x @ x", globals={"x": torch.ones(8, 8)})
    >>> timer.timeit(10).number_per_run
    10
"""

from __future__ import annotations

import timeit as _timeit
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median, quantiles
from typing import Any, NamedTuple

from ..absent import explain as _explain
from ..backend import is_available, namespace_for
from ..backend.num_threads import get_num_threads, set_num_threads

__all__ = ["Compare", "Measurement", "TaskSpec", "Timer", "select_unit"]

_UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))


def select_unit(t: float) -> tuple[str, float]:
    """The largest unit that a time in seconds has at least one of, such as ("ms", 1e-3)."""
    return next(((name, unit) for name, unit in _UNITS if t >= unit), _UNITS[-1])


class TaskSpec(NamedTuple):
    """What was measured."""

    stmt: str
    setup: str
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The labels, or the statement."""
        return ": ".join(filter(None, (self.label or self.stmt, self.sub_label)))

    @property
    def summary(self) -> str:
        """The title, the description and the setup, each in lines of its own, if there is one."""
        steps = [] if self.setup in ("", "pass") else self.setup.split("\n")
        setup = "setup: " + steps[0] if len(steps) == 1 else ""
        if len(steps) > 1:
            setup = "\n  ".join(["setup:", *steps]) + "\n"
        return "\n".join(filter(None, (self.title, self.description, setup)))


@dataclass
class Measurement:
    """Several runs of a statement.

    Attributes:
        number_per_run: how often it was called in each run.
        raw_times: the seconds of each run.
        task_spec: what was measured.
    """

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    @property
    def times(self) -> list[float]:
        """The seconds of a call, for each run."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def mean(self) -> float:
        """The mean of `times`."""
        return mean(self.times)

    @property
    def median(self) -> float:
        """The median of `times`."""
        return median(self.times)

    @property
    def iqr(self) -> float:
        """How far the upper quartile of `times` lies above the lower one."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = quantiles(self.times, n=4, method="inclusive")
        return high - low

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """The measurements of the same task as one each."""
        groups: dict[TaskSpec, list[Measurement]] = {}
        for each in measurements:
            groups.setdefault(each.task_spec, []).append(each)
        return [Measurement(1, [t for m in g for t in m.times], s) for s, g in groups.items()]

    def __repr__(self) -> str:
        name, unit = select_unit(self.median)
        runs, threads = len(self.raw_times), self.task_spec.num_threads
        lines = [
            object.__repr__(self),
            self.task_spec.summary,
            f"  {'Median: ' * (runs > 1)}{self.median / unit:.2f} {name}",
            f"  {runs} measurement{'s' * (runs > 1)}, {self.number_per_run} runs "
            f"{'per measurement' * (runs > 1)}, {threads} thread{'s' * (threads > 1)}",
        ]
        if runs > 3:
            low, _, high = (t / unit for t in quantiles(self.times, n=4, method="inclusive"))
            lines.insert(3, f"  IQR:    {self.iqr / unit:.2f} {name} ({low:.2f} to {high:.2f})")
        return "\n".join(lines)


def _now() -> float:
    """The time, once all that was asked of a GPU is done."""
    if is_available("cuda"):
        namespace_for("cuda").synchronize()
    return _timeit.default_timer()


class Timer:
    """Times a statement, with one thread unless told otherwise.

    Args:
        stmt, setup: Python, as `timeit` takes it; `setup` runs once before each measurement.
        global_setup: without effect (C++).
        timer: gives the time in seconds; default: one that waits for a GPU.
        globals: the names that the statement sees.
        label, sub_label, description, env: say what this is in reports.
        num_threads: how many threads kernels use meanwhile.

    Raises:
        NotImplementedError: another language than Python.
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = _now,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Any = "python",
    ) -> None:
        if language not in ("py", "python", 0):
            raise NotImplementedError(f"Timer: language must be Python, but is {language!r}")
        names = dict(globals or {})
        self._clock = timer
        self._timer = _timeit.Timer(stmt, setup, timer, names)
        self._task_spec = TaskSpec(stmt, setup, label, sub_label, description, env, num_threads)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One run of `number` calls, after a shorter one to warm up."""
        self._run(max(number // 100, 2))
        return Measurement(number, [self._run(number)], self._task_spec)

    def repeat(self, repeat: int = -1, number: int = -1) -> None:
        """Refuse: `blocked_autorange` decides how often.

        Raises:
            NotImplementedError: always, as in PyTorch.
        """
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Runs of as many calls as keep the clock's own cost small, for `min_run_time` seconds.

        Args:
            callback: takes the number of calls and the seconds of each run.
            min_run_time: seconds in all, at least.
        """
        number = self._block_size(min_run_time)
        return self._until(number, min_run_time, callback, lambda times: True)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Runs until `iqr / median` is below a threshold, or until `max_run_time` is over."""

        def settled(times: Sequence[float]) -> bool:
            found = Measurement(1, list(times), self._task_spec)
            return sum(times) > max_run_time or (
                len(times) > 3 and found.iqr < threshold * found.median
            )

        return self._until(self._block_size(min_run_time), min_run_time, callback, settled)

    def _until(
        self,
        number: int,
        seconds: float,
        callback: Callable[[int, float], Any] | None,
        settled: Callable[[Sequence[float]], bool],
    ) -> Measurement:
        times: list[float] = []
        while sum(times) < seconds or not settled(times):
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
        return Measurement(number, times, self._task_spec)

    def _block_size(self, seconds: float) -> int:
        """How many calls take so long that what the clock costs is a thousandth, or the whole."""
        clock = min(_timeit.Timer("pass", timer=self._clock).timeit(0) for _ in range(5))
        number = 1
        while (taken := self._run(number)) < seconds and clock / max(taken, 1e-12) > 1e-4:
            number *= 10
        return number

    def _run(self, number: int) -> float:
        threads = get_num_threads()
        set_num_threads(self._task_spec.num_threads)
        try:
            return max(self._timer.timeit(number), 1e-9)
        finally:
            set_num_threads(threads)


class Compare:
    """A table of measurements: a row for each `sub_label`, a column for each `description`.

    Args:
        results: the measurements.
    """

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results = list(results)
        self._trimmed = False

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Take further measurements in."""
        self._results.extend(results)

    def trim_significant_figures(self) -> None:
        """Show fewer digits."""
        self._trimmed = True

    def colorize(self, rowwise: bool = False) -> None:
        """Without effect: the table is plain text."""

    def print(self) -> None:
        """Print the table."""
        print(str(self))

    def __str__(self) -> str:
        found = Measurement.merge(self._results)
        name, unit = select_unit(min((m.median for m in found), default=1.0))
        columns = list(dict.fromkeys(m.task_spec.description or "" for m in found))
        cells: dict[tuple[int, str], dict[str, str]] = {}
        for m in found:
            spec = m.task_spec
            of_row = cells.setdefault((spec.num_threads, spec.sub_label or spec.stmt), {})
            digits = 0 if self._trimmed and m.median >= 10 * unit else 1
            of_row[spec.description or ""] = f"{m.median / unit:.{digits}f}"
        lines = [["", *columns]]
        lines += [
            [f"{label} ({n})", *(r.get(c, "") for c in columns)] for (n, label), r in cells.items()
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        title = next((m.task_spec.label for m in found if m.task_spec.label), "")
        drawn = [" | ".join(t.rjust(w) for t, w in zip(row, widths, strict=True)) for row in lines]
        return "\n".join([f"[{title}]", *drawn, f"Times are in {name}; (threads)."])


_explain(__name__)
