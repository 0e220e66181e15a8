"""default_collate: what samples become as a batch."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_lite as tl
from tinygrad_lite.data import collate as table
from tinygrad_lite.data import default_collate, default_convert


def test_collates_tensors_and_arrays() -> None:
    rows = [np.arange(3, dtype=np.int32) + i for i in range(2)]
    for samples in (rows, [tl.from_numpy(row) for row in rows]):
        batch = default_collate(samples)
        assert isinstance(batch, tl.Tensor)
        assert batch.numpy().dtype == np.int32
        np.testing.assert_array_equal(batch.numpy(), [[0, 1, 2], [1, 2, 3]])


@pytest.mark.parametrize(
    ("samples", "dtype"),
    [
        ([1, 2], np.int64),
        ([1.0, 2.0], np.float64),
        ([True, False], np.bool_),
        ([np.float32(1), np.float32(2)], np.float32),
    ],
)
def test_collates_numbers(samples: list[Any], dtype: Any) -> None:
    batch = default_collate(samples).numpy()
    assert batch.dtype == dtype
    np.testing.assert_array_equal(batch, samples)


def test_collates_what_holds_samples() -> None:
    point = namedtuple("point", "x y")
    batch = default_collate([{"a": (1, "u"), "p": point(1, 2)}, {"a": (3, "v"), "p": point(3, 4)}])
    assert isinstance(batch["a"], list)
    assert batch["a"][0].numpy().tolist() == [1, 3]
    assert batch["a"][1] == ("u", "v")
    assert isinstance(batch["p"], point)
    assert batch["p"].y.numpy().tolist() == [2, 4]


@pytest.mark.parametrize(
    ("samples", "error", "match"),
    [
        ([], IndexError, "at least one sample"),
        ([np.zeros(2), np.zeros(3)], RuntimeError, r"one shape, but got \[\(2,\), \(3,\)\]"),
        ([(1, 2), (3,)], RuntimeError, "of equal size"),
        ([object()], TypeError, "found .*object"),
    ],
)
def test_rejects_what_does_not_collate(
    samples: list[Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        default_collate(samples)


def test_what_a_batch_holds_is_pinned_by_its_own_method() -> None:
    from tinygrad_lite.utils.data._utils.pin_memory import pin_memory

    class Padded:
        def pin_memory(self) -> str:
            return "pinned"

    x = tl.ones(2)
    found = pin_memory({"x": x, "y": ("text", Padded()), "z": [3, b"bytes"]})
    assert found == {"x": x, "y": ("text", "pinned"), "z": [3, b"bytes"]}
    assert found["x"] is x


class Box:
    """Something that no table knows at first."""

    def __init__(self, number: int) -> None:
        self.number = number


def test_programs_put_their_types_into_the_table() -> None:
    with pytest.raises(TypeError, match="Box"):
        default_collate([Box(1), Box(2)])

    def boxes(batch: Any, *, collate_fn_map: Any = None) -> Any:
        return tl.tensor([box.number for box in batch])

    try:
        table.default_collate_fn_map[Box] = boxes
        made = default_collate([{"x": Box(1), "y": (2.0, "a")}, {"x": Box(3), "y": (4.0, "b")}])
    finally:
        del table.default_collate_fn_map[Box]
    assert made["x"].tolist() == [1, 3]
    assert (made["y"][0].dtype, made["y"][0].tolist(), made["y"][1]) == (
        tl.float64,
        [2, 4],
        ("a", "b"),
    )
    own = dict(table.default_collate_fn_map)
    own[tl.Tensor] = lambda batch, *, collate_fn_map: tl.cat(batch)
    joined = table.collate([[tl.ones(1), 1], [tl.ones(2), 2]], collate_fn_map=own)
    assert (joined[0].shape, joined[1].tolist()) == ((3,), [1, 2])
    with pytest.raises(RuntimeError, match="equal size"):
        table.collate([[1], [1, 2]], collate_fn_map=own)
    with pytest.raises(TypeError, match="found"):
        table.collate([1, 2])


class Noted(dict[str, Any]):
    """A mapping with something beside its entries."""

    note = ""


class Pair(tuple[int, int]):
    """A tuple of a program's."""

    __slots__ = ()


class Point(NamedTuple):
    x: Any
    y: Any


def test_kinds_of_samples() -> None:
    first = Noted(x=1)
    first.note = "kept"
    made = default_collate([first, Noted(x=2)])
    assert (type(made), made.note, made["x"].tolist()) == (Noted, "kept", [1, 2])
    assert type(default_collate([Pair((1, 2)), Pair((3, 4))])) is list
    assert default_collate([b"a", b"b"]) == [b"a", b"b"]
    point = default_convert(Point(1, np.ones(2)))
    assert (type(point), point.x, point.y.tolist()) == (Point, 1, [1, 1])
    names = np.array(["a", "b"])
    assert default_convert(names) is names


def test_tensors_that_differ() -> None:
    whole, part = tl.ones(2, dtype=tl.int64), tl.ones(2, requires_grad=True)
    mixed = default_collate([whole, part.detach()])
    assert (mixed.dtype, mixed.tolist()) == (tl.float32, [[1, 1], [1, 1]])
    default_collate([part, part * 3]).sum().backward()
    assert part.grad is not None
    assert part.grad.tolist() == [4, 4]
    with pytest.raises(RuntimeError, match="one shape"):
        default_collate([tl.ones(2), tl.ones(1), tl.ones(3)])  # together as many as three of 2


def test_the_own_type_of_a_sample_comes_first_in_a_table() -> None:
    class Square(Box):
        pass

    own = {kind: lambda batch, *, collate_fn_map, k=kind: k.__name__ for kind in (Box, Square)}
    assert table.collate([Square(1)], collate_fn_map=own) == "Square"
    assert table.collate([(Square(1), Box(2))], collate_fn_map={Box: own[Box]}) == ["Box", "Box"]
    with pytest.raises(TypeError, match="found <class 'str'>"):
        table.collate(["ab", "cd"], collate_fn_map=own)
