"""Samplers, and data sets made of others: beside PyTorch's where it is installed."""

from __future__ import annotations

import itertools
import sys
from collections import Counter, OrderedDict, UserDict, deque, namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    random_split,
)


def test_orders() -> None:
    assert list(SequentialSampler(range(3))) == [0, 1, 2]
    order = list(RandomSampler(range(50), generator=torch.Generator(1)))
    assert sorted(order) == list(range(50))
    assert order != list(range(50))
    assert order == list(RandomSampler(range(50), generator=torch.Generator(1)))
    longer = list(RandomSampler(range(10), num_samples=25, generator=torch.Generator(1)))
    assert len(longer) == 25
    assert sorted(longer[:10]) == sorted(longer[10:20]) == [*range(10)]
    subset = SubsetRandomSampler([3, 5, 7])
    assert (sorted(subset), len(subset)) == ([3, 5, 7], 3)
    with pytest.raises(ValueError, match="but got 0"):
        RandomSampler([])


def test_draws_with_replacement_are_not_all_drawn() -> None:
    sampler = RandomSampler(range(5), replacement=True, num_samples=10**10)
    assert len(sampler) == 10**10
    first = list(itertools.islice(sampler, 1000))
    assert {*first} == {0, 1, 2, 3, 4}
    loader = DataLoader(range(5), 4, sampler=sampler)
    assert len(loader) == 25 * 10**8
    assert next(iter(loader)).shape == (4,)
    few = list(RandomSampler(range(5), True, 7, torch.Generator(0)))
    assert len(few) == 7


def test_weights() -> None:
    torch.manual_seed(1)
    found = Counter(WeightedRandomSampler([0, 1, 3.0, 0], 8000))
    assert {*found} == {1, 2}
    assert found[2] / found[1] == pytest.approx(3, rel=0.1)
    for _ in range(20):
        assert sorted(WeightedRandomSampler(torch.tensor([1, 0, 5.0, 1]), 3, False)) == [0, 2, 3]
    first = Counter(next(iter(WeightedRandomSampler([1, 3.0], 1, False))) for _ in range(2000))
    assert first[1] / first[0] == pytest.approx(3, rel=0.2)
    with pytest.raises(RuntimeError, match="only 1 weights"):
        list(WeightedRandomSampler([1, 0], 2, replacement=False))
    for weights in ([-1, 2], [0, 0], [float("nan"), 1]):
        with pytest.raises(RuntimeError, match="not negative"):
            list(WeightedRandomSampler(weights, 2))


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: RandomSampler(range(3), replacement=1), TypeError),
        (lambda: RandomSampler(range(3), num_samples=0), ValueError),
        (lambda: RandomSampler(range(3), num_samples=1.5), ValueError),
        (lambda: WeightedRandomSampler([1], 0), ValueError),
        (lambda: WeightedRandomSampler([1], True), ValueError),
        (lambda: WeightedRandomSampler([1], 1, replacement=0), ValueError),
        (lambda: WeightedRandomSampler([[1.0]], 1), ValueError),
        (lambda: BatchSampler(range(3), 0, False), ValueError),
        (lambda: BatchSampler(range(3), True, False), ValueError),
        (lambda: BatchSampler(range(3), 2, 1), ValueError),
        (lambda: DistributedSampler(range(3)), ValueError),
        (lambda: DistributedSampler(range(3), 2, 2), ValueError),
        (lambda: iter(Sampler()), NotImplementedError),
    ],
)
def test_wrong_samplers(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


@pytest.mark.parametrize("drop", [False, True])
def test_batches_of_a_sampler(drop: bool) -> None:
    sampler = BatchSampler(SequentialSampler(range(7)), 3, drop)
    assert list(sampler) == [[0, 1, 2], [3, 4, 5], [6]][: len(sampler)]
    assert len(sampler) == (2 if drop else 3)


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("count", [8, 10, 1])
def test_shares_of_processes(count: int, drop: bool) -> None:
    theirs = pytest.importorskip("torch").utils.data.DistributedSampler
    for rank in range(3):
        options = {"shuffle": False, "drop_last": drop}
        mine = DistributedSampler(range(count), 3, rank, **options)
        its = theirs(range(count), 3, rank, **options)
        assert (list(mine), len(mine)) == (list(its), len(its))
    shares = [DistributedSampler(range(9), 3, rank) for rank in range(3)]
    first = [list(share) for share in shares]
    assert sorted(i for share in first for i in share) == list(range(9))
    shares[0].set_epoch(1)
    assert list(shares[0]) != first[0]


# --- the loader with them ---


def test_samplers_of_a_loader() -> None:
    data = TensorDataset(torch.arange(6))
    found = [x.tolist() for (x,) in DataLoader(data, 2, sampler=[5, 3, 1])]
    assert found == [[5, 3], [1]]
    loader = DataLoader(data, batch_sampler=[[0, 5], [2]])
    assert [x.tolist() for (x,) in loader] == [[0, 5], [2]]
    assert (len(loader), loader.batch_size) == (2, None)
    assert isinstance(DataLoader(data, shuffle=True).sampler, RandomSampler)
    assert isinstance(DataLoader(data).sampler, SequentialSampler)
    assert isinstance(DataLoader(data, 3).batch_sampler, BatchSampler)
    with pytest.raises(RuntimeError, match="or of a stream"):
        loader.state_dict()


def test_all_positional_arguments() -> None:
    data, made = TensorDataset(torch.arange(5)), []
    loader = DataLoader(
        *(data, 2, False, None, None, 0, lambda s: made.append(len(s)), True, True),
        *(0, None, None, None),
    )
    assert list(loader) == [None, None]
    assert made == [2, 2]


def test_single_samples() -> None:
    data = [(1, np.ones(2)), {"a": np.float32(2)}, "text"]
    found = list(DataLoader(data, batch_size=None))
    assert found[0][1].tolist() == [1, 1]
    assert (type(found[0]), found[1]["a"].dtype, found[2]) == (list, torch.float32, "text")
    loader = DataLoader(data, batch_size=None, collate_fn=lambda sample: [sample], shuffle=True)
    assert sorted(map(str, loader)) == sorted(str([sample]) for sample in data)
    assert len(loader) == 3


class Huge(Dataset[int]):
    def __len__(self) -> int:
        return sys.maxsize

    def __getitem__(self, index: int) -> int:
        return index


def test_a_data_set_as_long_as_can_be() -> None:
    loader = DataLoader(Huge(), 2)
    assert len(loader) == sys.maxsize // 2 + 1
    assert [x.tolist() for x in itertools.islice(loader, 2)] == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    "options",
    [
        {"sampler": [0], "shuffle": True},
        {"batch_sampler": [[0]], "shuffle": True},
        {"batch_sampler": [[0]], "batch_size": 2},
        {"batch_sampler": [[0]], "drop_last": True},
        {"batch_sampler": [[0]], "sampler": [0]},
        {"batch_size": None, "drop_last": True},
        {"timeout": -1},
        {"prefetch_factor": 2},
        {"persistent_workers": True},
        {"num_workers": 1, "prefetch_factor": 0},
    ],
)
def test_options_that_exclude_each_other(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="DataLoader"):
        DataLoader(range(3), **options)
    if options.get("prefetch_factor") != 0:  # which PyTorch finds out later
        theirs = pytest.importorskip("torch").utils.data.DataLoader
        with pytest.raises(ValueError):  # noqa: PT011
            theirs(range(3), **options)


# --- streams and data sets of data sets ---


class Count(IterableDataset[int]):
    def __init__(self, start: int, stop: int) -> None:
        self.start, self.stop = start, stop

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.stop))


def test_streams() -> None:
    assert [x.tolist() for x in DataLoader(Count(0, 5), 2)] == [[0, 1], [2, 3], [4]]
    assert [x.tolist() for x in DataLoader(Count(0, 5), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(Count(0, 3), batch_size=None)) == [0, 1, 2]
    both = Count(0, 2) + Count(5, 7)
    assert isinstance(both, ChainDataset)
    assert list(both) == [0, 1, 5, 6]
    with pytest.raises(TypeError):
        len(DataLoader(Count(0, 3)))
    for options in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}):
        with pytest.raises(ValueError, match="IterableDataset"):
            DataLoader(Count(0, 3), **options)
    for ask in (list, len):
        with pytest.raises(AssertionError, match="only supports"):
            ask(ChainDataset([[1]]))
    with pytest.raises(TypeError, match="abstract"):
        IterableDataset()


def test_stacked_samples_at_once() -> None:
    class Whole(TensorDataset):
        def __getitems__(self, places: list[int]) -> list[int]:
            return [10 * k for k in places]

    whole = Whole(torch.arange(3))
    stacked = StackDataset(a=whole, b="xyz")
    assert stacked.__getitems__([0, 2]) == [{"a": 0, "b": "x"}, {"a": 20, "b": "z"}]
    (batch,) = DataLoader(StackDataset(whole, "xyz"), 3)
    assert (batch[0].tolist(), [*batch[1]]) == ([0, 10, 20], ["x", "y", "z"])

    class Short(Whole):
        def __getitems__(self, places: list[int]) -> list[int]:
            return [0]

    with pytest.raises(ValueError, match="Expected 2, got 1"):
        StackDataset(Short(torch.arange(3))).__getitems__([0, 1])


def test_data_sets_behind_and_beside_each_other() -> None:
    both = TensorDataset(torch.arange(3)) + TensorDataset(torch.arange(5) + 10)
    assert isinstance(both, ConcatDataset)
    assert [int(both[i][0]) for i in (0, 2, 3, 7, -1, -8)] == [0, 2, 10, 14, 14, 0]
    assert (len(both), both.cumulative_sizes) == (8, [3, 8])
    with pytest.raises(ValueError, match="absolute value"):
        both[-9]
    for wrong in ([], [Count(0, 1)]):
        with pytest.raises(AssertionError, match=r"ConcatDataset|empty"):
            ConcatDataset(wrong)
    assert StackDataset([1, 2], ["a", "b"])[1] == (2, "b")
    assert StackDataset(x=[1, 2], y=["a", "b"])[0] == {"x": 1, "y": "a"}
    for args, named in (((), {}), (([1],), {"x": [1]}), (([1], [1, 2]), {})):
        with pytest.raises(ValueError, match="StackDataset"):
            StackDataset(*args, **named)
    nested = Subset(Subset(list(range(10)), [9, 8, 7]), [2, 0])
    assert [x.tolist() for x in DataLoader(nested, 2)] == [[7, 9]]


def test_splits_by_fractions_as_pytorch() -> None:
    theirs = pytest.importorskip("torch").utils.data.random_split
    for lengths in ([0.8, 0.2], [0.5, 0.3, 0.2], [1.0], [1 / 3] * 3, [7, 4]):
        mine = random_split(range(11), lengths, torch.Generator(1))
        assert [len(part) for part in mine] == [len(part) for part in theirs(range(11), lengths)]
        assert sorted(i for part in mine for i in part.indices) == list(range(11))


# --- collation as PyTorch's ---

Point = namedtuple("Point", "x y")
SAMPLES: dict[str, Any] = {
    "numbers": [1, 2],
    "booleans": [True, False],
    "mixed": [1, 2.5],
    "floats first": [2.5, 1],
    "large": [2**40, -1],
    "texts": ["a", "b"],
    "NumPy numbers": [np.int16(1), np.int16(2)],
    "NumPy texts": [np.str_("a"), np.str_("b")],
    "arrays": [np.ones((2, 3), np.float16), np.zeros((2, 3), np.float16)],
    "scalars": [np.array(1.5), np.array(2.5)],
    "fortran": [np.asfortranarray(np.arange(6).reshape(2, 3))] * 2,
    "nested": [(1, [2.0, {"a": "x"}]), (3, [4.0, {"a": "y"}])],
    "named": [Point(1, np.ones(1)), Point(2, np.zeros(1))],
    "ordered": [OrderedDict(a=1, b=2)] * 2,
    "own mapping": [UserDict(a=1)] * 2,
    "a deque": [deque([1, 2])] * 2,
    "empty": [(), ()],
}


def plain(value: Any) -> Any:
    """Both libraries' tensors as their dtype and numbers, containers as their kinds."""
    if hasattr(value, "requires_grad"):
        return str(value.dtype).removeprefix("torch."), value.tolist()
    if isinstance(value, dict | UserDict):
        return type(value).__name__, {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | deque):
        return type(value).__name__, [plain(v) for v in value]
    return type(value).__name__, value


@pytest.mark.parametrize("name", SAMPLES)
def test_collates_and_converts_as_pytorch(name: str) -> None:
    theirs = pytest.importorskip("torch").utils.data
    samples = SAMPLES[name]
    assert plain(default_collate(samples)) == plain(theirs.default_collate(samples))
    assert plain(default_convert(samples)) == plain(theirs.default_convert(samples))


def test_collates_tensors_that_differ() -> None:
    ones = torch.ones(2)
    batch = default_collate([ones, ones.double()])
    assert (batch.dtype, batch.shape) == (torch.float64, (2, 2))
    assert default_collate([torch.arange(2), ones]).dtype == torch.float32  # NumPy's is float64
    leaf = torch.ones(2, requires_grad=True)
    assert default_collate([ones, leaf * 2]).grad_fn is not None
    for samples in ([torch.ones(2), torch.ones(4), torch.ones(3)], [torch.ones(()), torch.ones(1)]):
        with pytest.raises(RuntimeError, match="one shape"):
            default_collate(samples)
    for wrong in ([None, None], [object()], [np.array("text")], [np.array([None])]):
        with pytest.raises(TypeError, match="default_collate"):
            default_collate(wrong)


def test_utils_data() -> None:
    from tinygrad_lite.utils.data import DataLoader

    assert torch.utils.data.DataLoader is DataLoader
    data = torch.utils.data.TensorDataset(torch.arange(10))
    parts = torch.utils.data.random_split(data, [0.75, 0.25])
    assert [len(part) for part in parts] == [8, 2]
    found = [int(i) for part in parts for (x,) in DataLoader(part, 3) for i in x]
    assert sorted(found) == list(range(10))
    with pytest.raises(ValueError, match="sum to 9"):
        torch.utils.data.random_split(data, [5, 4])
    with pytest.raises(AttributeError, match="nothing"):
        _ = torch.nothing  # type: ignore[attr-defined]
