"""`profile`: how long each operation takes, forward and backward, and what it writes."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, NamedTuple, Self

from ..backend import Namespace, capture, is_array, namespace
from ..graph import Leaf, Node, Rule, VJPs
from ..tensor.anomaly import Watch, watching
from ..tensor.source_line import Place, place
from . import text

__all__ = ["Event", "profile"]


class Event(NamedTuple):
    """One operation of a profile.

    Attributes:
        name: the operation's.
        backward: whether it is the gradient of one.
        start, seconds: when it began, since the profile did, and how long it took.
        bytes: what it wrote: its output, or the gradients of its inputs; 0 for a view.
        layer: the layer that it belongs to, such as "0 Linear"; "" if none.
        source: the user's line, as "train.py:12".
        thread: the number of the thread.
        nested: it ran inside of another event, which has its time already.
    """

    name: str
    backward: bool
    start: float
    seconds: float
    bytes: int
    layer: str
    source: str
    thread: int
    nested: bool


class profile:
    """Time the operations of a `with` block, and their gradients'.

        with debug.profile() as prof:
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
        print(prof)  # by operation
        print(prof.table("layer"))
        prof.export_chrome_trace("trace.json")  # for chrome://tracing or ui.perfetto.dev

    The first step of a process is slower than the others: run one before. On CUDA each operation
    is waited for, so the step as a whole takes longer than it does otherwise. Adding up gradients,
    updating parameters and Python between operations are in "the rest". Operations of all threads
    are seen; a captured step can't be. It costs nothing when it is not used.

    Attributes:
        events: an `Event` for each operation, in the order in which they ended.
        seconds: how long the block took.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        clock = _Clock(self.events)
        self._before, capture.note = capture.note, clock.begins
        self._stack.enter_context(watching(clock))
        self._start = clock.zero
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds += perf_counter() - self._start
        self._stack.close()
        capture.note = self._before

    def table(self, by: Literal["operation", "layer"] = "operation", limit: int = 30) -> str:
        """The time of each operation or layer, the longest first.

        Args:
            by: what to add up.
            limit: so many rows at most; the others become one.

        Raises:
            ValueError: by is something else.
        """
        if by not in ("operation", "layer"):
            raise ValueError(f'profile: by must be "operation" or "layer", not {by!r}')
        sums: dict[str, list[float]] = {}
        for event in self.events:
            if not event.nested:
                key = event.name if by == "operation" else event.layer or "(no layer)"
                total = sums.setdefault(key, [0, 0, 0, 0])
                total[0] += not event.backward
                total[2 if event.backward else 1] += event.seconds
                total[3] += event.bytes
        found = sorted(sums.items(), key=lambda item: -item[1][1] - item[1][2])
        if len(found) > limit:
            others = [sum(column) for column in zip(*(v for _, v in found[limit:]), strict=True)]
            found = [*found[:limit], (f"({len(found) - limit} others)", others)]
        whole = max(self.seconds, sum(v[1] + v[2] for _, v in found), 1e-12)
        rows: list[Sequence[str]] = [self._row(name, v, whole) for name, v in found]
        sums_ = [sum(v[i] for _, v in found) for i in range(4)]
        rest = max(self.seconds - sums_[1] - sums_[2], 0.0)
        last = ("the rest", "", "", "", f"{1e3 * rest:.3f}", f"{rest / whole:.1%}", "")
        total_row = self._row("Total", sums_, whole)
        rows += [last, (), (*total_row[:4], f"{1e3 * whole:.3f}", "100.0%", total_row[6])]
        head = (by.title(), "Calls", "Forward ms", "Backward ms", "Sum ms", "Share", "Written")
        return text.table(head, rows)

    def _row(self, name: str, sums: Sequence[float], whole: float) -> tuple[str, ...]:
        calls, forward, backward, count = sums
        times = (f"{1e3 * t:.3f}" for t in (forward, backward, forward + backward))
        share = f"{(forward + backward) / whole:.1%}"
        return name, f"{calls:.0f}", *times, share, text.size(count)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events for chrome://tracing and ui.perfetto.dev.

        Raises:
            OSError: the file can't be written.
        """
        traced = [
            {
                "name": f"{event.name} backward" if event.backward else event.name,
                "cat": "backward" if event.backward else "forward",
                "ph": "X",
                "ts": event.start * 1e6,
                "dur": event.seconds * 1e6,
                "pid": 0,
                "tid": event.thread,
                "args": {"layer": event.layer, "source": event.source, "bytes": event.bytes},
            }
            for event in sorted(self.events, key=lambda event: event.start)
        ]
        content = {"traceEvents": traced, "displayTimeUnit": "ms"}
        Path(path).write_text(json.dumps(content), encoding="utf-8")

    def __str__(self) -> str:
        return self.table()

    __repr__ = __str__


class _Clock(Watch):
    """Times operations: `begins` is told before each, `forward` after it."""

    def __init__(self, events: list[Event]) -> None:
        super().__init__(check=False)
        self.events = events
        self.zero = perf_counter()
        self._local = threading.local()  # .start of the operation; .depth of backward calls

    def begins(self, tensors: list[Any]) -> None:
        """Note the time before an operation on these tensors runs."""
        if tensors:
            _wait(namespace(tensors[0].array))
        self._local.start = perf_counter()

    def forward(self, rule: Rule, given: list[Any], out: Any, kwargs: dict[str, Any]) -> None:
        _wait(namespace(out.array))
        end = perf_counter()
        start = getattr(self._local, "start", end)
        where = place()
        if isinstance(out._node, Node):
            self._places[out._node] = where
        written = 0 if out._view is not None else int(out.array.nbytes)
        self._add(rule.__name__, False, start, end, written, where)

    def visits(
        self,
        roots: Iterable[tuple[Node | Leaf, Any]],
        visited: Iterable[tuple[Node | Leaf, Any, bool]],
    ) -> Iterator[tuple[Node | Leaf, Any, bool]]:
        return iter(visited)

    def vjps(self, vjps_of: Callable[[Node], VJPs]) -> Callable[[Node], VJPs]:
        def timed(node: Node) -> VJPs:
            vjps = vjps_of(node)
            if not isinstance(vjps, tuple):
                return lambda g, wanted: self._joint(node, vjps, g, wanted)
            return tuple(None if vjp is None else self._one(node, vjp) for vjp in vjps)

        return timed

    def _one(self, node: Node, vjp: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda g: self._run(node, g, lambda: vjp(g))

    def _joint(self, node: Node, vjps: Any, g: Any, wanted: tuple[bool, ...]) -> list[Any]:
        found: list[Any] = self._run(node, g, lambda: list(vjps(g, wanted)))
        return found

    def _run(self, node: Node, g: Any, work: Callable[[], Any]) -> Any:
        """Time the work of a node's backward pass."""
        local, start = self._local, perf_counter()
        depth = getattr(local, "depth", 0)
        local.depth = depth + 1
        try:
            found = work()
        finally:
            local.depth = depth
        grads = found if isinstance(found, list) else [found]
        arrays: list[Any] = [getattr(g, "array", g) for g in grads]
        arrays = [a for a in arrays if is_array(a)]
        if arrays:
            _wait(namespace(arrays[0]))
        written = sum(int(a.nbytes) for a in arrays if a.base is None and a is not g)
        self._add(node.operation, True, start, perf_counter(), written, self.place_of(node))
        return found

    def _add(
        self, name: str, backward: bool, start: float, end: float, count: int, where: Place | None
    ) -> None:
        layer = source = ""
        if where is not None:
            layer = f"{where.layer} {where.module.partition('(')[0]}".strip()
            source = f"{Path(where.file).name}:{where.line}" if where.file else ""
        thread, nested = threading.get_native_id(), getattr(self._local, "depth", 0) > 0
        begun = start - self.zero
        self.events.append(
            Event(name, backward, begun, end - start, count, layer, source, thread, nested)
        )


def _wait(space: Namespace) -> None:
    """Wait until a device has done all that it was asked to do; the CPU always has."""
    if space.name == "cuda":
        space.synchronize()
