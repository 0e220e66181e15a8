"""What a profile comes to by name, in PyTorch's table: the time of each and that of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .profile import Event

__all__ = ["EventList", "FunctionEventAvg", "averages"]


@dataclass
class FunctionEventAvg:
    """What the operations of one name took; times in microseconds.

    Attributes:
        key: the name, of a gradient with " backward".
        count: how many there were.
        cpu_time_total: how long they took.
        self_cpu_time_total: without what ran inside of them.
        cpu_memory_usage: bytes that they wrote.
    """

    key: str
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0
    cpu_memory_usage: int = 0

    # A GPU's operations are waited for, and their time is in that above.
    device_time_total = self_device_time_total = cuda_time_total = self_cuda_time_total = 0.0

    @property
    def cpu_time(self) -> float:
        """How long one took."""
        return self.cpu_time_total / self.count if self.count else 0.0


class EventList(list[FunctionEventAvg]):
    """What `key_averages` gives."""

    def total_average(self) -> FunctionEventAvg:
        """All together."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.count += event.count
            total.cpu_time_total += event.cpu_time_total
            total.self_cpu_time_total += event.self_cpu_time_total
            total.cpu_memory_usage += event.cpu_memory_usage
        return total

    @property
    def self_cpu_time_total(self) -> float:
        """How long everything took, in microseconds."""
        return self.total_average().self_cpu_time_total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        **words: Any,
    ) -> str:
        """A table with PyTorch's columns.

        Args:
            sort_by: an attribute of the events, the largest first; those of "cuda" and "device"
                are those of "cpu" here. Default: the order in which they began.
            row_limit: so many rows at most; all if negative.
            max_src_column_width, words: without effect.
            max_name_column_width: longer names are cut.

        Raises:
            AttributeError: the events have no such attribute.
        """
        rows = list(self)
        if sort_by is not None:
            name = sort_by.replace("cuda", "cpu").replace("device", "cpu")
            rows.sort(key=lambda event: -getattr(event, name))
        whole = self.self_cpu_time_total or 1.0
        lines = [_HEADINGS] + [
            (
                event.key[:max_name_column_width],
                f"{100 * event.self_cpu_time_total / whole:.2f}%",
                _time(event.self_cpu_time_total),
                f"{100 * event.cpu_time_total / whole:.2f}%",
                _time(event.cpu_time_total),
                _time(event.cpu_time),
                str(event.count),
            )
            for event in (rows if row_limit < 0 else rows[:row_limit])
        ]
        widths = [max(12, *(len(line[column]) for line in lines)) for column in range(7)]
        rule = "  ".join("-" * width for width in widths)
        text = ["  ".join(map(str.rjust, line, widths)) for line in lines]
        end = f"Self CPU time total: {_time(self.self_cpu_time_total)}"
        return "\n".join([rule, text[0], rule, *text[1:], rule, end, ""])

    __str__ = table


_HEADINGS = (
    "Name",
    "Self CPU %",
    "Self CPU",
    "CPU total %",
    "CPU total",
    "CPU time avg",
    "# of Calls",
)


def _time(microseconds: float) -> str:
    """A time as PyTorch writes it."""
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.3f}s"
    return f"{microseconds / 1e3:.3f}ms" if microseconds >= 1e3 else f"{microseconds:.3f}us"


def averages(events: Iterable[Event]) -> EventList:
    """The events by name, those that ran inside of others taken from the others' own time."""
    found: dict[str, FunctionEventAvg] = {}
    open_events: dict[int, list[tuple[float, FunctionEventAvg]]] = {}  # by thread, with their ends
    for event in sorted(events, key=lambda e: (e.start, -e.seconds)):
        key = f"{event.name} backward" if event.backward else event.name
        entry = found.setdefault(key, FunctionEventAvg(key))
        around = open_events.setdefault(event.thread, [])
        while around and around[-1][0] <= event.start:
            around.pop()
        time = 1e6 * event.seconds
        if around:
            around[-1][1].self_cpu_time_total -= time
        around.append((event.start + event.seconds, entry))
        entry.count += 1
        entry.cpu_time_total += time
        entry.self_cpu_time_total += time
        entry.cpu_memory_usage += event.bytes
    return EventList(found.values())
