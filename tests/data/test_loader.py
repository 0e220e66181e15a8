"""DataLoader, TensorDataset and collation, with PyTorch's semantics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tl
from tests import strict
from tinygrad_lite.data import (
    DataLoader,
    Dataset,
    ImageDataset,
    IterableDataset,
    TensorDataset,
    random_split,
)


def pairs(count: int = 10) -> TensorDataset:
    """x[i] = (i, i + ½), y[i] = 10 i."""
    x = np.stack([np.arange(count), np.arange(count) + 0.5], axis=1).astype(np.float32)
    return TensorDataset(tl.from_numpy(x), tl.from_numpy(10 * np.arange(count)))


def order_of(loader: DataLoader) -> list[int]:
    return [int(y) // 10 for _, targets in loader for y in targets.numpy()]


class Squares(Dataset[tuple[int, float]]):
    """Plain Python samples, one at a time."""

    def __getitem__(self, index: int) -> tuple[int, float]:
        return index, index**2 / 2

    def __len__(self) -> int:
        return 7


@pytest.mark.parametrize(
    ("size", "drop", "sizes"),
    [
        (1, False, [1] * 10),
        (5, False, [5, 5]),
        (4, False, [4, 4, 2]),
        (4, True, [4, 4]),
        (11, False, [10]),
        (11, True, []),
    ],
)
def test_batches_and_their_number(size: int, drop: bool, sizes: list[int]) -> None:
    loader = DataLoader(pairs(), batch_size=size, drop_last=drop)
    assert [len(x) for x, _ in loader] == sizes
    assert len(loader) == len(sizes)
    assert order_of(loader) == list(range(sum(sizes)))


def test_a_tensor_dataset_gives_tensors_of_its_dtypes() -> None:
    dataset = pairs()
    x, y = next(iter(DataLoader(dataset, 3)))
    assert isinstance(x, tl.Tensor)
    assert (x.numpy().dtype, y.numpy().dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(x.numpy(), [[0, 0.5], [1, 1.5], [2, 2.5]])
    np.testing.assert_array_equal(y.numpy(), [0, 10, 20])
    x.numpy()[:] = -1  # a copy: the data set is not touched
    assert float(dataset[0][0][1]) == 0.5
    assert len(dataset) == 10


@pytest.mark.parametrize("tensors", [(), ((3, 2), (4,)), ((), (1,))])
def test_a_tensor_dataset_needs_one_length(tensors: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(AssertionError, match="same size in dimension 0"):
        TensorDataset(*[tl.from_numpy(np.zeros(shape)) for shape in tensors])


def test_shuffling_is_a_fresh_permutation_each_epoch() -> None:
    loader = DataLoader(pairs(50), batch_size=8, shuffle=True, seed=1)
    first, second = order_of(loader), order_of(loader)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert first != list(range(50))


def test_the_same_seed_gives_the_same_orders() -> None:
    def epochs(**options: Any) -> list[list[int]]:
        loader = DataLoader(pairs(50), batch_size=8, shuffle=True, **options)
        return [order_of(loader) for _ in range(3)]

    assert epochs(seed=1) == epochs(seed=1) == epochs(generator=tl.Generator(1))
    assert epochs(seed=1) != epochs(seed=2)
    tl.manual_seed(4)
    wanted = epochs()
    assert epochs() != wanted
    tl.manual_seed(4)
    assert epochs() == wanted


def test_a_generators_state_repeats_an_epoch() -> None:
    generator = tl.Generator(3)
    loader = DataLoader(pairs(50), batch_size=8, shuffle=True, generator=generator)
    order_of(loader)
    state = generator.get_state()
    wanted = order_of(loader)
    generator.set_state(state)
    assert order_of(loader) == wanted


def test_two_iterators_do_not_disturb_each_other() -> None:
    loader = DataLoader(pairs(6), batch_size=1, shuffle=True, seed=0)
    one, other = iter(loader), iter(loader)
    seen = [(int(next(one)[1]), int(next(other)[1])) for _ in range(6)]
    assert sorted(a for a, _ in seen) == sorted(b for _, b in seen) == [0, 10, 20, 30, 40, 50]


def test_plain_samples_are_collated() -> None:
    index, value = next(iter(DataLoader(Squares(), 3)))
    np.testing.assert_array_equal(index.numpy(), [0, 1, 2])
    np.testing.assert_array_equal(value.numpy(), [0, 0.5, 2])
    assert (index.numpy().dtype, value.numpy().dtype) == (np.int64, np.float64)


def test_a_list_is_a_dataset() -> None:
    assert [batch.numpy().tolist() for batch in DataLoader([4, 5, 6], 2)] == [[4, 5], [6]]


def test_a_tensor_is_a_dataset() -> None:
    batches = list(DataLoader(tl.arange(6.0).reshape(3, 2), batch_size=2))
    assert [batch.tolist() for batch in batches] == [[[0, 1], [2, 3]], [[4, 5]]]


def test_collate_fn_gets_the_samples() -> None:
    loader = DataLoader(Squares(), 3, collate_fn=lambda samples: samples)
    assert list(loader)[2] == [(6, 18.0)]
    loader = DataLoader(pairs(), 4, collate_fn=len)
    assert list(loader) == [4, 4, 2]


class Counting(Dataset[int]):
    """Counts which of its ways in are used."""

    def __init__(self) -> None:
        self.used: Counter[str] = Counter()

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> int:
        self.used["item"] += 1
        return index


class CountingItems(Counting):
    def __getitems__(self, indices: list[int]) -> list[int]:
        assert all(type(index) is int for index in indices)
        self.used["items"] += 1
        return indices


class CountingGather(CountingItems):
    def gather(self, indices: np.ndarray) -> np.ndarray:
        self.used["gather"] += 1
        return indices * 1


@pytest.mark.parametrize(
    ("kind", "used"),
    [(Counting, {"item": 6}), (CountingItems, {"items": 3}), (CountingGather, {"gather": 3})],
)
def test_the_fastest_way_in_is_used(kind: type[Counting], used: dict[str, int]) -> None:
    dataset = kind()
    batches = [batch.numpy().tolist() for batch in DataLoader(dataset, 2)]
    assert batches == [[0, 1], [2, 3], [4, 5]]
    assert dataset.used == used


def test_images_are_gathered_as_next_batch_gives_them() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 3, 32, 32), dtype=np.uint8)
    mean = rng.random((3, 32, 32), dtype=np.float32)
    dataset = ImageDataset(pixels, rng.integers(0, 10, 30), mean, seed=0)
    for images, labels in DataLoader(dataset, 10):
        wanted, targets = dataset.next_batch(10)
        np.testing.assert_array_equal(images.numpy(), wanted)
        np.testing.assert_array_equal(labels.numpy(), targets)
        assert (images.numpy().dtype, labels.numpy().dtype) == (np.float32, np.int64)
    with pytest.raises(IndexError):
        dataset.gather(np.array([30]))


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be an integer of at least 1, but got 0"),
        ({"batch_size": 2.0}, ValueError, "must be an integer of at least 1, but got 2.0"),
        ({"num_workers": -1}, ValueError, "num_workers must not be negative, but got -1"),
        ({"seed": 1, "generator": tl.Generator(1)}, ValueError, "either generator or seed"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        DataLoader(pairs(), **options)


def test_a_dataset_without_a_length_is_rejected() -> None:
    def stream() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="generator lacks one of them"):
        DataLoader(stream())


def test_an_unfinished_dataset_says_what_is_missing() -> None:
    dataset: Dataset[int] = Dataset()
    with pytest.raises(NotImplementedError, match="define __getitem__"):
        dataset[0]
    with pytest.raises(TypeError, match="define __len__"):
        len(dataset)


@pytest.fixture(params=["cpu", "strict", pytest.param("cuda", marks=pytest.mark.gpu)])
def images(request: pytest.FixtureRequest) -> tuple[ImageDataset, Any]:
    """A set of images, and the same on a device."""
    if request.param == "strict":
        strict.install()
    if request.param == "cuda" and not tl.cuda.is_available():
        pytest.skip("needs a CUDA GPU")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (7, 3, 4, 4), dtype=np.uint8)
    mean = rng.standard_normal((3, 4, 4)).astype(np.float32)
    here = ImageDataset(pixels, rng.integers(0, 10, 7), mean, seed=1)
    return here, here.to(request.param)


def test_batches_gathered_on_a_device_are_the_same(images: Any) -> None:
    here, there = images
    for indices in (np.array([6, 0, 0, 3]), np.array([], np.int64)):
        for given in (
            indices,
            tl.from_numpy(indices),
            tl.from_numpy(indices).to(there.labels.device),
        ):
            found, wanted = there.gather(given), here.gather(indices)
            for mine, its in zip(found, wanted, strict=True):
                assert mine.device == there.pixels.device
                assert mine.cpu().numpy().dtype == its.dtype
                np.testing.assert_array_equal(mine.cpu().numpy(), its)
    for mine, its in zip(there.batches(3), here.batches(3), strict=True):
        for a, b in zip(mine, its, strict=True):
            np.testing.assert_array_equal(a.cpu().numpy(), b)
    image, label = there[2]
    np.testing.assert_array_equal(image.cpu().numpy(), here[2][0])
    assert label.item() == here[2][1]
    assert len(there) == 7
    assert "7 images" in repr(there)


def test_a_loader_gathers_on_the_device(images: Any) -> None:
    here, there = images
    loaders = (DataLoader(d, 3, shuffle=True, seed=5) for d in (here, there))
    for mine, its in zip(*loaders, strict=True):
        for a, b in zip(mine, its, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.cpu().numpy())


def test_indices_outside_the_set(images: Any) -> None:
    there = images[1]
    with pytest.raises(IndexError, match="index 7 is outside the set of 7"):
        there.gather(np.array([1, 7]))
    with pytest.raises(IndexError, match="index -8"):
        there.gather(tl.tensor([-8]))
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        there.batches(0)


def test_the_walk_by_indices_is_the_walk() -> None:
    pixels = np.zeros((7, 3, 2, 2), np.uint8)
    sets = [ImageDataset(pixels, np.arange(7), np.zeros((3, 2, 2), np.float32), 1) for _ in "ab"]
    walk = [sets[0].next_batch(3)[1].tolist() for _ in range(9)]
    rows = [sets[1].next_indices(3) for _ in range(9)]
    assert [r.tolist() for r in rows] == walk, "and later shuffles leave earlier indices alone"


def batches(iterator: Iterator[Any]) -> list[list[float]]:
    return [y.tolist() for _, y in iterator]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("given", range(6))
def test_goes_on_inside_an_epoch(shuffle: bool, seed: int | None, given: int) -> None:
    """After `given` batches (of 5; 6 stands for an epoch that was left) and in the epoch after."""
    loader = DataLoader(pairs(), batch_size=2, shuffle=shuffle, seed=seed)
    walk = iter(loader)
    for _ in range(given):
        next(walk)
    state, random_state = loader.state_dict(), tl.get_rng_state()
    wanted = batches(walk), batches(iter(loader)), batches(iter(loader))

    other = DataLoader(pairs(), batch_size=2, shuffle=shuffle, seed=None if seed is None else 9)
    batches(iter(other))
    tl.set_rng_state(random_state)
    other.load_state_dict(state)
    again = other.state_dict()
    assert again["given"] == given
    found = batches(iter(other)), batches(iter(other)), batches(iter(other))
    assert len(found[0]) == 5 - given
    assert found == wanted


def test_between_epochs_there_is_nothing_to_go_on_with() -> None:
    loader = DataLoader(pairs(), batch_size=4, shuffle=True, seed=1)
    batches(iter(loader))
    state = loader.state_dict()
    assert state["order"] is None
    wanted = batches(iter(loader))
    other = DataLoader(pairs(), batch_size=4, shuffle=True, seed=2)
    other.load_state_dict(state)
    assert batches(iter(other)) == wanted


@pytest.mark.parametrize(
    "change",
    [
        {"order": np.arange(9)},
        {"order": np.zeros(10, np.int64)},
        {"order": np.arange(10.0)},
        {"order": [[0]]},
        {"given": 6},
        {"given": -1},
        {"given": True},
        {"given": "2"},
        {"generator": None},
        {"order": None, "given": 1},
    ],
)
def test_a_state_that_is_none_changes_nothing(change: dict[str, Any]) -> None:
    loader = DataLoader(pairs(), batch_size=2, shuffle=True, seed=1)
    next(iter(loader))
    before = loader.state_dict()
    with pytest.raises((TypeError, ValueError), match="DataLoader"):
        loader.load_state_dict(before | change)
    after = loader.state_dict()
    assert after["order"].tolist() == before["order"].tolist()
    assert (after["given"], after["generator"]) == (before["given"], before["generator"])


def test_the_pass_that_was_begun_last_is_the_one_to_go_on_with() -> None:
    """Batches that an older iterator still gives do not count."""
    loader = DataLoader(list(range(10)), batch_size=2, shuffle=True, seed=0)
    older, newer = iter(loader), iter(loader)
    next(older), next(older), next(newer), next(older)
    assert loader.state_dict()["given"] == 1
    rest = list(newer)
    list(older)
    assert len(rest) == 4
    assert loader.state_dict()["order"] is None


def test_after_the_rest_of_an_epoch_comes_a_whole_one() -> None:
    """Also if the rest was not gone through to its end."""
    loader = DataLoader(list(range(10)), batch_size=2, shuffle=True, seed=0)
    walk = iter(loader)
    next(walk), next(walk)
    loader.load_state_dict(loader.state_dict())
    rest = iter(loader)
    next(rest)
    assert len(list(loader)) == 5


def test_what_is_left_of_fractions_goes_to_the_first_parts() -> None:
    parts = random_split(range(11), [0.3, 0.3, 0.4])
    assert [len(part) for part in parts] == [4, 3, 4]
    parts = random_split(range(10), [0.25] * 4)
    assert [len(part) for part in parts] == [3, 3, 2, 2]
    assert sorted(i for part in parts for i in part.indices) == list(range(10))


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_state_is_a_copy_of_the_order(shuffle: bool) -> None:
    loader = DataLoader(pairs(), 2, shuffle=shuffle, generator=tl.Generator(3))
    wanted = [x.tolist() for x, _ in loader]
    generator = tl.Generator(3)
    loader = DataLoader(pairs(), 2, shuffle=shuffle, generator=generator)
    batches = iter(loader)
    found = [next(batches)[0].tolist()]
    order = loader.state_dict()["order"]
    assert isinstance(order, np.ndarray)
    assert order.dtype == np.int64
    order[:] = 0
    assert found + [x.tolist() for x, _ in batches] == wanted


class Stream(IterableDataset[int]):
    """Five numbers, which know how many they are."""

    def __iter__(self) -> Iterator[int]:
        return iter(range(5))

    def __len__(self) -> int:
        return 5


@pytest.mark.parametrize(("drop", "batches"), [(False, 3), (True, 2)])
def test_the_length_of_a_stream(drop: bool, batches: int) -> None:
    loader = DataLoader(Stream(), 2, drop_last=drop)
    assert len(loader) == len(list(loader)) == batches
