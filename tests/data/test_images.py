"""ImageDataset: the walk over CIFAR-10's images, its order and its state."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.cifar_files import EDITION, write_binary
from tinygrad_lite.data import ImageDataset, cifar10, classes


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Any]:
    write_binary(tmp_path)
    return cifar10(tmp_path, edition=EDITION, seed=3)


def test_preprocessing_is_the_courses(data: Any) -> None:
    train = data.train.pixels.astype(np.float64)
    np.testing.assert_array_equal(data.mean_image, train.mean(axis=0).astype(np.float32))
    assert data.mean_image.dtype == np.float32
    for part in (data.train, data.test):
        wanted = part.pixels.astype(np.float32) - data.mean_image
        assert part.images.dtype == np.float32
        np.testing.assert_array_equal(part.images, wanted)
        assert part.one_hot.dtype == np.float32
        np.testing.assert_array_equal(part.one_hot, np.eye(10)[part.labels])
    assert len(data.train) == data.train.num_examples == 100
    assert data["test"] is data.test
    assert data.classes == classes
    assert (classes[0], classes[9]) == ("airplane", "truck")
    image, label = data.test[4]
    np.testing.assert_array_equal(image, data.test.images[4])
    assert label == data.test.labels[4]


def test_the_mean_is_exact_beyond_sixteen_bits() -> None:
    from tinygrad_lite.data.images import mean_of

    pixels = np.full((600, 3, 32, 32), 255, np.uint8)  # a column's sum is above 65,535
    pixels[0] = 0
    assert mean_of(pixels) == pytest.approx(255 * 599 / 600, rel=1e-7)


def course_walk(images: Any, labels: Any, seed: int, batch: int, steps: int) -> Iterator[Any]:
    """The course's own next_batch, which permutes the arrays themselves."""
    rng = np.random.Generator(np.random.PCG64(seed))
    index = epochs = 0
    for _ in range(steps):
        start = index
        index += batch
        if index > len(images):
            epochs += 1
            order = np.arange(len(images))
            rng.shuffle(order)
            images, labels = images[order], labels[order]
            start, index = 0, batch
        yield images[start:index], labels[start:index], epochs


@pytest.mark.parametrize("batch", [1, 30, 50, 100])
def test_next_batch_walks_as_the_course_does(data: Any, batch: int) -> None:
    steps = 350 // batch + 2
    walk = course_walk(data.train.images, data.train.labels, 3, batch, steps)
    for step, (images, labels, epochs) in enumerate(walk):
        ours, targets = data.train.next_batch(batch, one_hot=step % 2 == 1)
        np.testing.assert_array_equal(ours, images)
        assert ours.dtype == np.float32
        assert ours.shape == (batch, 3, 32, 32)
        if step % 2:
            np.testing.assert_array_equal(targets, np.eye(10, dtype=np.float32)[labels])
            assert targets.dtype == np.float32
        else:
            np.testing.assert_array_equal(targets, labels)
            assert targets.dtype == np.int64
        assert data.train.epochs_completed == epochs
    assert data.train.epochs_completed >= 3


def test_a_batch_is_the_callers_to_keep_and_to_change(data: Any) -> None:
    first, labels = data.train.next_batch(10)
    kept = first.copy()
    data.train.next_batch(10)
    np.testing.assert_array_equal(first, kept)
    first[:] = 0
    labels[:] = -1
    assert data.train.labels.min() >= 0
    np.testing.assert_array_equal(data.train.gather(np.arange(10))[0], kept)


@pytest.mark.parametrize("size", [0, -1, 101])
def test_next_batch_rejects_a_size(data: Any, size: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 100, but got"):
        data.train.next_batch(size)
    np.testing.assert_array_equal(data.train.next_batch(1)[1], data.train.labels[:1])


def test_batches_goes_through_once_in_order(data: Any) -> None:
    data.test.next_batch(7)
    parts = list(data.test.batches(8))
    assert [len(images) for images, _ in parts] == [8, 8, 4]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in parts]), data.test.images)
    np.testing.assert_array_equal(np.concatenate([y for _, y in parts]), data.test.labels)
    _, one_hot = next(data.test.batches(20, one_hot=True))
    np.testing.assert_array_equal(one_hot, data.test.one_hot)
    np.testing.assert_array_equal(data.test.next_batch(7)[1], data.test.labels[7:14])
    with pytest.raises(ValueError, match="at least 1"):
        data.test.batches(0)


def test_the_seed_makes_the_order(tmp_path: Path) -> None:
    write_binary(tmp_path)

    def labels(seed: int | None) -> list[int]:
        train = cifar10(tmp_path, edition=EDITION, seed=seed).train
        return [*train.next_batch(100)[1], *train.next_batch(100)[1]]

    assert labels(1) == labels(1)
    assert labels(1)[:100] == labels(2)[:100]  # the first walk is in file order
    assert labels(1)[100:] != labels(2)[100:]


@pytest.mark.parametrize("seed", [0, 3, -7])
def test_the_test_set_has_an_order_of_its_own(tmp_path: Path, seed: int) -> None:
    """Its seed is the next one, so it is neither the training set's nor always the same."""
    write_binary(tmp_path)
    data = cifar10(tmp_path, edition=EDITION, seed=seed, limit=20)
    assert data.train.generator.initial_seed() == seed % 2**64
    assert data.test.generator.initial_seed() == (seed + 1) % 2**64
    orders = []
    for part in (data.train, data.test):
        part.next_indices(20)
        orders.append(part.next_indices(20).tolist())
    assert orders[0] != orders[1]
    for order, own in zip(orders, (seed, seed + 1), strict=True):
        wanted = np.arange(20)
        np.random.Generator(np.random.PCG64(own % 2**64)).shuffle(wanted)
        assert order == wanted.tolist()


def test_without_a_seed_manual_seed_decides(tmp_path: Path) -> None:
    from tinygrad_lite.backend.random import manual_seed

    write_binary(tmp_path)

    def state(seed: int) -> Any:
        manual_seed(seed)
        return cifar10(tmp_path, edition=EDITION).train.state_dict()["generator"]

    assert state(1) == state(1)
    assert state(1) != state(2)


@pytest.mark.parametrize("steps", [0, 2, 4, 9])
def test_a_saved_walk_goes_on_bit_for_bit(tmp_path: Path, steps: int) -> None:
    write_binary(tmp_path)
    train = cifar10(tmp_path, edition=EDITION, seed=3).train
    for _ in range(steps):
        train.next_batch(30)
    state = pickle.loads(pickle.dumps(train.state_dict()))
    wanted = [train.next_batch(30) for _ in range(9)]
    other = cifar10(tmp_path, edition=EDITION, seed=99).train
    other.next_batch(70)
    other.load_state_dict(state)
    for images, labels in wanted:
        ours, targets = other.next_batch(30)
        np.testing.assert_array_equal(ours, images)
        np.testing.assert_array_equal(targets, labels)
    assert other.epochs_completed == train.epochs_completed


def test_a_state_is_a_copy(data: Any) -> None:
    state = data.train.state_dict()
    for _ in range(5):
        data.train.next_batch(60)
    np.testing.assert_array_equal(state["permutation"], np.arange(100))
    data.train.load_state_dict(state)
    for _ in range(5):
        data.train.next_batch(60)
    np.testing.assert_array_equal(state["permutation"], np.arange(100))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"permutation": np.arange(99)}, "for 99 samples, but there are 100"),
        ({"permutation": np.zeros(100, np.int64)}, "not a permutation"),
        ({"index": 101}, "index 101 is outside"),
    ],
)
def test_a_wrong_state_is_rejected(data: Any, change: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        data.train.load_state_dict({**data.train.state_dict(), **change})


def test_limit_keeps_the_whole_sets_mean(tmp_path: Path) -> None:
    write_binary(tmp_path)
    whole, part = (cifar10(tmp_path, edition=EDITION, limit=n) for n in (None, 8))
    assert (len(part.train), len(part.test)) == (8, 8)
    np.testing.assert_array_equal(part.mean_image, whole.mean_image)
    np.testing.assert_array_equal(part.train.pixels, whole.train.pixels[:8])
    with pytest.raises(ValueError, match="limit must be at least 1"):
        cifar10(tmp_path, edition=EDITION, limit=0)


def test_images_and_labels_must_agree_in_number() -> None:
    pixels = np.zeros((3, 3, 32, 32), np.uint8)
    with pytest.raises(ValueError, match="3 images but 2 labels"):
        ImageDataset(pixels, np.zeros(2, np.int64), np.zeros((3, 32, 32), np.float32))


def test_indices_that_were_handed_out_stay_as_they_were() -> None:
    """Also when the set is shuffled, in place, for the next epoch."""
    data = ImageDataset(
        np.zeros((8, 3, 32, 32), np.uint8), np.arange(8), np.zeros((3, 32, 32), np.float32), seed=0
    )
    first = data.next_indices(5)
    before = first.tolist()
    second = data.next_indices(5)
    assert first.tolist() == before == [0, 1, 2, 3, 4]
    assert second.tolist() != before


def test_labels_of_an_evaluation_are_the_callers_to_change() -> None:
    data = ImageDataset(
        np.zeros((8, 3, 32, 32), np.uint8), np.arange(8), np.zeros((3, 32, 32), np.float32), seed=0
    )
    for images, labels in data.batches(3):
        images[:] = labels[:] = -1
    assert data.labels.tolist() == list(range(8))
