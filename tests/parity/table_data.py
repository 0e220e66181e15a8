"""Rows of `utils.data`: data sets made of others, streams, samplers of one's own, collating."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES
from .draw import Draw
from .draw_layers import pick, some
from .experiment import Experiment, Steps
from .row import Row, under
from .table_tools import _words, _written

Point = collections.namedtuple("Point", ["x", "y"])

SAMPLES: dict[str, Callable[[Any], Any]] = {
    "numbers": lambda m: [1, 2, 3],
    "mixed": lambda m: [1, 2.5],
    "bools": lambda m: [True, False],
    "bools and numbers": lambda m: [True, 2],
    "texts": lambda m: ["a", "bc"],
    "bytes": lambda m: [b"a", b"bc"],
    "tensors": lambda m: [m.ones(2), m.zeros(2)],
    "uneven": lambda m: [m.ones(2), m.zeros(3)],
    "0-d": lambda m: [m.tensor(1), m.tensor(2)],
    "two dtypes": lambda m: [m.ones(2), m.ones(2, dtype=m.float64)],
    "arrays": lambda m: [np.arange(3), np.arange(3)],
    "0-d arrays": lambda m: [np.array(2.0), np.array(3.0)],
    "scalars": lambda m: [np.float32(1.5), np.float32(2)],
    "int scalars": lambda m: [np.int32(1), np.int32(2)],
    "bool scalars": lambda m: [np.bool_(True), np.bool_(False)],
    "words of arrays": lambda m: [np.array(["a", "b"])],
    "objects": lambda m: [np.array([None])],
    "pairs": lambda m: [(1, "a"), (2, "b")],
    "lists": lambda m: [[1, 2.0], [3, 4.0]],
    "lists of other lengths": lambda m: [[1, 2], [3]],
    "named": lambda m: [Point(1, m.ones(1)), Point(2, m.zeros(1))],
    "dicts": lambda m: [{"a": 1, "b": m.ones(2)}, {"a": 2, "b": m.zeros(2)}],
    "other keys": lambda m: [{"a": 1}, {"b": 2}],
    "ordered": lambda m: [collections.OrderedDict(a=1, b=2.0)] * 2,
    "defaults": lambda m: [collections.defaultdict(int, {"a": 1})] * 2,
    "nested": lambda m: [{"a": [(1, "t"), {"b": 2.0}]}] * 2,
    "none": lambda m: [None, None],
    "sets": lambda m: [{1}, {2}],
    "complex": lambda m: [1j, 2j],
    "empty": lambda m: [],
    "empty lists": lambda m: [[], []],
    "empty dicts": lambda m: [{}, {}],
    "ranges": lambda m: [range(2), range(2)],
    "one": lambda m: [m.ones(2)],
    "tracked": lambda m: [m.ones(2, requires_grad=True), m.ones(2)],
}


@st.composite
def collating(draw: Draw) -> Experiment:
    """default_collate of a list and default_convert of what stands in one."""
    name, convert = pick(draw, *SAMPLES), draw(st.booleans())
    whole = draw(st.booleans())

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        batch = SAMPLES[name](m)
        if convert:
            given = batch if whole or not batch else batch[0]
            found = m.utils.data.default_convert(given)
            yield "names of identity", [found is given]
        else:
            found = m.utils.data.default_collate(batch)
        yield "names of kind", [type(found).__name__]
        yield "text", _written(found)

    what = f"default_{'convert' if convert else 'collate'} of {name}, whole {whole}"
    return Experiment("utils.data.default_collate", what, run)


@st.composite
def gathering(draw: Draw) -> Experiment:
    """StackDataset, ChainDataset, +, data sets and samplers of a user's own classes."""
    kind = pick(draw, "stack", "stack by name", "stack of several", "stack of nothing", "uneven",
                "mixed", "chain", "chain of a map", "sum", "sum of streams", "bare", "bare stream",
                "stream", "sampler", "batch sampler", "bare sampler", "worker")  # fmt: skip
    places = pick(draw, (0,), (1, -1), (5,), (-9,))
    words = some(draw, batch_size=[1, 2, None], drop_last=[True])
    first, second = draw(st.integers(0, 3)), draw(st.integers(1, 3))

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        d = m.utils.data

        class Squares(d.Dataset):  # type: ignore[misc, name-defined]
            def __init__(self, count: int) -> None:
                self.count = count

            def __getitem__(self, k: int) -> int:
                if not -self.count <= k < self.count:
                    raise IndexError(k)
                return k * k

            def __len__(self) -> int:
                return self.count

        class Whole(Squares):
            def __getitems__(self, places: Any) -> Any:
                return [100 + self[k] for k in places]

        class Stream(d.IterableDataset):  # type: ignore[misc, name-defined]
            def __init__(self, count: int) -> None:
                self.count = count

            def __iter__(self) -> Any:
                return iter(range(self.count))

        class Lengthy(Stream):
            def __len__(self) -> int:
                return self.count

        class Backwards(d.Sampler):  # type: ignore[misc, name-defined]
            def __init__(self, count: int) -> None:
                self.count = count

            def __iter__(self) -> Any:
                return iter(range(self.count - 1, -1, -1))

        data: Any = {
            "stack": lambda: d.StackDataset(Squares(2), [7, 8]),
            "stack by name": lambda: d.StackDataset(a=Squares(3), b="xyz"),
            "stack of several": lambda: d.StackDataset(Squares(3), Whole(3), Squares(3)),
            "stack of nothing": lambda: d.StackDataset(),
            "uneven": lambda: d.StackDataset(Squares(2), Squares(3)),
            "mixed": lambda: d.StackDataset(Squares(2), a=Squares(2)),
            "chain": lambda: d.ChainDataset([Lengthy(first), Lengthy(second)]),
            "chain of a map": lambda: d.ChainDataset([Stream(first), Squares(second)]),
            "sum": lambda: Squares(first) + Squares(second),
            "sum of streams": lambda: Lengthy(first) + Stream(second),
            "bare": lambda: d.Dataset(),
            "bare stream": lambda: d.IterableDataset(),
            "stream": lambda: Stream(second),
        }.get(kind, lambda: Squares(second))()
        yield "names of kind", [type(data).__name__]
        yield from _words("its length", lambda: len(data))
        for k in places:
            yield from _words(f"item {k}", lambda k=k: data[k])
        if hasattr(data, "__getitems__"):
            yield from _words("items", lambda: data.__getitems__([0, 1]))
        more: dict[str, Any] = dict(words)
        if kind == "sampler":
            more["sampler"] = Backwards(second)
        elif kind == "batch sampler":
            more = {"batch_sampler": d.BatchSampler(Backwards(second), 2, False)}
        elif kind == "bare sampler":
            yield from _words("a bare sampler", lambda: list(d.Sampler()))
            yield from _words("its length", lambda: len(d.Sampler()))
            yield from _words("a sampler without length", lambda: len(Backwards(3)))
        elif kind == "worker":
            yield "names of worker", [d.get_worker_info()]
        loader = d.DataLoader(data, **more)
        yield from _words("the loader's length", lambda: len(loader))
        yield from _words("batches", lambda: list(loader))
        yield from _words("batches again", lambda: list(loader))

    text = f"{kind} {first} {second}, {places}, {words}"
    return Experiment("utils.data.StackDataset", text, run)


NAMES = """ChainDataset Dataset IterableDataset Sampler get_worker_info""".split()


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        Row("utils.data.default_collate", collating(), names="utils.data.default_convert"),
        Row("utils.data.StackDataset", gathering(), names=under("utils.data", NAMES)),
    ]
