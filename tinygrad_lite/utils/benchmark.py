"""PyTorch's `torch.utils.benchmark`: how long a statement takes, and tables of such times.

Beside Python's `timeit` a `Timer` runs the statement a few times before it measures, holds the
library to one thread unless told otherwise, waits for the GPU, and gives the time of one run.
"""

from __future__ import annotations

import math
import timeit
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean, median
from time import perf_counter
from typing import Any, NamedTuple

from ..backend import is_available, namespace_for, num_threads

__all__ = ["Compare", "Measurement", "TaskSpec", "Timer", "select_unit", "timer"]

_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_NAMES = {"ns": "nanoseconds", "us": "microseconds", "ms": "milliseconds", "s": "seconds"}


def timer() -> float:
    """Seconds on a clock, when the GPU, if there is one, has done what was asked of it."""
    if is_available("cuda"):
        namespace_for("cuda").synchronize()
    return perf_counter()


def select_unit(t: float) -> tuple[str, float]:
    """The unit in which a time is a number from 1 to 1000, and its seconds: ("us", 1e-6)."""
    fitting = [unit for unit, seconds in _UNITS.items() if t >= seconds]
    unit = fitting[-1] if fitting else "ns"
    return unit, _UNITS[unit]


class TaskSpec(NamedTuple):
    """What was measured: `Timer`'s arguments of these names."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label, and what comes after it; without one the statement."""
        first = self.label or self.stmt.partition("\n")[0]
        return first + (f": {self.sub_label}" if self.sub_label else "")

    def setup_str(self) -> str:
        """The setup as it is shown; "" for none."""
        if self.setup in ("", "pass"):
            return ""
        lines = self.setup.split("\n")
        if len(lines) == 1:
            return f"setup: {self.setup}"
        return "setup:\n" + "\n".join(f"  {line}" for line in lines) + "\n"

    def summarize(self) -> str:
        """The lines that say what it was."""
        lines = [self.title, self.description or "", self.setup_str()]
        return "\n".join(line for line in lines if line)


class Measurement:
    """What a `Timer` found.

    Args:
        number_per_run: how often the statement ran in each measurement.
        raw_times: the seconds of each measurement.
        task_spec: what was measured.
        metadata: kept, for the user.

    Attributes:
        times: seconds of one run, one number a measurement.
        mean, median: of `times`.
        iqr: the difference of its quartiles.
    """

    def __init__(
        self,
        number_per_run: int,
        raw_times: Sequence[float],
        task_spec: TaskSpec,
        metadata: dict[Any, Any] | None = None,
    ) -> None:
        self.number_per_run = number_per_run
        self.raw_times = list(raw_times)
        self.task_spec = task_spec
        self.metadata = metadata

    def __getattr__(self, name: str) -> Any:
        if name in (*TaskSpec._fields, "title"):
            return getattr(self.task_spec, name)
        raise AttributeError(f"Measurement has no attribute {name!r}")

    def __reduce__(self) -> Any:
        return Measurement, (self.number_per_run, self.raw_times, self.task_spec, self.metadata)

    @property
    def times(self) -> list[float]:
        """Seconds of one run, one number a measurement."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def mean(self) -> float:
        """The mean of `times`."""
        return fmean(self.times)

    @property
    def median(self) -> float:
        """The median of `times`."""
        return median(self.times)

    @property
    def iqr(self) -> float:
        """How far the quartiles of `times` are apart."""
        return self._quantile(0.75) - self._quantile(0.25)

    def _quantile(self, q: float) -> float:
        times = sorted(self.times)
        at = q * (len(times) - 1)
        low, high = math.floor(at), math.ceil(at)
        return times[low] + (times[high] - times[low]) * (at - low)

    @property
    def significant_figures(self) -> int:
        """How many digits of the median the spread of the times leaves sure."""
        n = len(self.times)
        around = sum(0.25 <= i / max(n - 1, 1) <= 0.75 for i in range(n))
        error = 1.645 * self.iqr / math.sqrt(around or 1) / 0.6745 / 2
        if n < 4 or not error:
            return 1 if n < 4 else 7
        return max(1, min(7, math.floor(math.log10(self.median / error)) + 1))

    @property
    def has_warnings(self) -> bool:
        """Whether the times differ by much more than a tenth."""
        return len(self.times) > 1 and self.iqr / self.median > 0.1

    @property
    def as_row_name(self) -> str:
        """What its row in a table is called."""
        return self.sub_label or self.stmt or "[Unknown]"

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """Those of one task put together, as one each."""
        found: dict[tuple[TaskSpec, int], list[float]] = {}
        for m in measurements:
            found.setdefault((m.task_spec, m.number_per_run), []).extend(m.raw_times)
        return [Measurement(count, times, spec) for (spec, count), times in found.items()]

    def __repr__(self) -> str:
        n, (unit, scale) = len(self.times), select_unit(self.median)
        low, high = self._quantile(0.25), self._quantile(0.75)
        lines = [object.__repr__(self), self.task_spec.summarize()]
        lines.append(f"  {'Median: ' if n > 1 else ''}{self.median / scale:.2f} {unit}")
        if n >= 4:
            lines.append(
                f"  IQR:    {self.iqr / scale:.2f} {unit} ({low / scale:.2f} to {high / scale:.2f})"
            )
        lines.append(
            f"  {n} measurement{'s' if n > 1 else ''}, {self.number_per_run} runs "
            f"{'per measurement,' if n > 1 else ','} "
            f"{self.num_threads} thread{'s' if self.num_threads > 1 else ''}"
        )
        if self.has_warnings:
            lines.append(f"  WARNING: the quartiles are {self.iqr / self.median:.1%} apart")
        return "\n".join(lines)


class Timer:
    """Measures how long a statement takes.

    Args:
        stmt: Python statements.
        setup: run before each measurement, untimed.
        global_setup: of C++ alone, which there is not; must be empty.
        timer: gives seconds.
        globals: the names that the statement sees.
        label, sub_label, description, env: for `Measurement` and `Compare`.
        num_threads: how many threads the library may take meanwhile.
        language: "python".

    Raises:
        ValueError: another language.

    Example:
        >>> from tinygrad_lite.utils.benchmark import Timer
        >>> x = torch.ones(100)
        >>> Timer("x + x", globals={"x": x}).timeit(10).number_per_run
        10
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: str = "python",
    ) -> None:
        if str(getattr(language, "name", language)).lower() not in ("py", "python"):
            raise ValueError(f"Timer: language must be python, but is {language!r}")
        if global_setup:
            raise ValueError("Timer: global_setup is of C++ alone")
        stmt, setup = (_dedent(text) for text in (stmt, setup))
        self._task_spec = TaskSpec(stmt, setup, "", label, sub_label, description, env, num_threads)
        self._timer = timeit.Timer(stmt, setup, timer, {} if globals is None else globals)

    def _seconds(self, number: int) -> float:
        # The clock itself takes some; no time is nothing, so that times can be compared.
        return max(self._timer.timeit(number), 1e-9)

    def timeit(self, number: int = 1000000) -> Measurement:
        """One measurement of so many runs, after a hundredth of them (2 at least) unmeasured."""
        with _threads(self._task_spec.num_threads):
            self._seconds(max(number // 100, 2))
            return Measurement(number, [self._seconds(number)], self._task_spec)

    def blocked_autorange(
        self,
        callback: Callable[[int, float], object] | None = None,
        min_run_time: float = 0.2,
    ) -> Measurement:
        """Measurements until they took some time together.

        Each is of so many runs that the clock's own time is less than a thousandth of it.

        Args:
            callback: called with the number of runs and the seconds of each measurement.
            min_run_time: seconds, of all.
        """
        with _threads(self._task_spec.num_threads):
            number = self._block(min_run_time)
            times: list[float] = []
            while sum(times) < min_run_time or not times:
                self._measure(number, times, callback)
        return Measurement(number, times, self._task_spec)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], object] | None = None,
    ) -> Measurement:
        """Measurements until they agree: their quartiles differ by less than `threshold` of them.

        Args:
            threshold: a part of the median.
            min_run_time, max_run_time: seconds, of all measurements.
            callback: as `blocked_autorange`.
        """
        with _threads(self._task_spec.num_threads):
            number = self._block(0.05)
            times: list[float] = []
            while sum(times) < max_run_time:
                self._measure(number, times, callback)
                found = Measurement(number, times, self._task_spec)
                steady = len(times) > 3 and found.iqr / found.median < threshold
                if steady and sum(times) >= min_run_time:
                    break
        return Measurement(number, times, self._task_spec)

    def _measure(
        self, number: int, times: list[float], callback: Callable[[int, float], object] | None
    ) -> None:
        times.append(self._seconds(number))
        if callback is not None:
            callback(number, times[-1])

    def _block(self, min_run_time: float) -> int:
        """A number of runs beside which the clock takes no time."""
        clock = min(timeit.Timer("pass", timer=self._timer.timer).repeat(5, 1))
        number = 1
        while True:
            seconds = self._seconds(number)
            if seconds >= min(1000 * max(clock, 1e-7), min_run_time) or number >= 10**9:
                return number
            number *= 10


def _dedent(text: str) -> str:
    """A statement without what all its lines begin with."""
    from textwrap import dedent

    lines = dedent(text).split("\n")
    while lines and not lines[0].strip():
        del lines[0]
    return "\n".join(lines).rstrip()


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = num_threads.get_num_threads()
    num_threads.set_num_threads(count)
    try:
        yield
    finally:
        num_threads.set_num_threads(before)


class Compare:
    """A table of measurements: a table a label, a row a sub_label, a column a description.

    Args:
        results: of one statement and another, or with other threads.
    """

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results = list(results)
        self._trim = False

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Take more measurements in."""
        self._results += results

    def trim_significant_figures(self) -> None:
        """Print the digits alone that the spread of the times leaves sure."""
        self._trim = True

    def colorize(self, rowwise: bool = False) -> None:
        """Nothing: tables have no colours here."""

    def highlight_warnings(self) -> None:
        """Nothing: tables have no colours here."""

    def print(self) -> None:
        """Print the tables."""
        print(self)

    def __str__(self) -> str:
        tables: dict[str | None, list[Measurement]] = {}
        for m in Measurement.merge(self._results):
            tables.setdefault(m.label, []).append(m)
        return "\n".join(self._table(label or "", found) for label, found in tables.items())

    def _table(self, label: str, results: list[Measurement]) -> str:
        columns = [*dict.fromkeys(m.description or m.stmt for m in results)]
        rows = [*dict.fromkeys(m.as_row_name for m in results)]
        unit, scale = select_unit(min(m.median for m in results))
        cells = {
            (m.num_threads, m.as_row_name, m.description or m.stmt): self._number(m, scale)
            for m in results
        }
        first = max(len(f"{'':6}{row}") for row in rows)
        widths = [
            max(len(c), *(len(text) for (*_, name), text in cells.items() if name == c))
            for c in columns
        ]
        lines = ["  |  ".join([" " * first, *map(str.center, columns, widths)])]
        for threads in sorted({m.num_threads for m in results}):
            lines.append(f"{threads} threads: ".ljust(len(lines[0]), "-"))
            for row in rows:
                found = [cells.get((threads, row, c), "") for c in columns]
                if any(found):
                    parts = [f"{'':6}{row}".ljust(first), *map(str.rjust, found, widths)]
                    lines.append("  |  ".join(parts))
        title = f"[{f' {label} '.center(len(lines[0]) - 2, '-')}]"
        return "\n".join([title, *lines, "", f"Times are in {_NAMES[unit]} ({unit}).", ""])

    def _number(self, m: Measurement, scale: float) -> str:
        if not self._trim:
            return f"{m.median / scale:.1f}"
        value = m.median / scale
        places = m.significant_figures - 1 - math.floor(math.log10(value))
        return f"{value:.{max(places, 0)}f}"
