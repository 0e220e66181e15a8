"""Samplers: the order in which a `DataLoader` takes samples, and how they make batches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any, Generic, TypeVar

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.backend import random
from tinygrad_lite.backend.random import Generator
from tinygrad_lite.backend.states import entries, integer
from tinygrad_lite.distributed.group import get_rank, get_world_size
from tinygrad_lite.tensor.create import as_tensor

__all__ = [
    "BatchSampler",
    "DistributedSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T = TypeVar("T", covariant=True)
_AT_ONCE = 32  # draws with replacement; there may be 10¹⁰ of them


class Sampler(Generic[T]):
    """Indices, or lists of them: subclasses define `__iter__`, and `__len__` if they have one.

    Args:
        data_source: without effect.
    """

    def __init__(self, data_source: Any = None) -> None:
        pass

    def __iter__(self) -> Iterator[T]:
        """The indices of one pass."""
        raise NotImplementedError(f"{type(self).__name__} must define __iter__")


def positive(number: Any) -> bool:
    """Whether it is a positive integer."""
    return isinstance(number, int) and not isinstance(number, bool) and number > 0


class SequentialSampler(Sampler[int]):
    """0 … N−1.

    Args:
        data_source: has a length, N.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """0 … N−1 in random order, or draws from them.

    Args:
        data_source: has a length, N.
        replacement: each is drawn from all N.
        num_samples: how many; N if None. Without replacement further orders follow the first.
        generator: draws; default: the library's.

    Raises:
        TypeError: replacement is not a bool.
        ValueError: num_samples is no positive integer.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(
                f"RandomSampler: replacement should be a boolean value, but got {replacement!r}"
            )
        count = num_samples if num_samples is not None or len(data_source) else 0
        if count is not None and not positive(count):
            raise ValueError(
                f"RandomSampler: num_samples should be a positive integer value, but got {count!r}"
            )
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator

    @property
    def num_samples(self) -> int:
        """How many indices a pass gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        count, left = len(self.data_source), self.num_samples
        while left > 0 and count:
            if self.replacement:
                drawn = random.integers(0, count, (_AT_ONCE,), np.int64, self.generator)
            else:
                drawn = random.permutation(count, self.generator)
            yield from drawn[:left].tolist()
            left -= len(drawn)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Given indices in random order.

    Args:
        indices: a sequence of them.
        generator: draws; default: the library's.
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in random.permutation(len(self.indices), self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Draws of 0 … N−1, each as often as its weight says.

    Args:
        weights: (N,), not negative; they need not sum to 1.
        num_samples: how many.
        replacement: whether one can be drawn again.
        generator: draws; default: the library's.

    Raises:
        ValueError: num_samples is no positive integer, replacement no bool, or weights no vector.
        RuntimeError: when drawing: weights that are negative or all 0, or without replacement
            fewer than num_samples that are not.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        if not positive(num_samples):
            raise ValueError(
                "WeightedRandomSampler: num_samples should be a positive integer value, but got "
                f"{num_samples!r}"
            )
        if not isinstance(replacement, bool):
            raise ValueError(
                "WeightedRandomSampler: replacement should be a boolean value, but got "
                f"{replacement!r}"
            )
        self.weights = as_tensor(weights, dtype="float64")
        if self.weights.ndim != 1:
            raise ValueError(
                "WeightedRandomSampler: weights should be a 1d sequence, but given weights have "
                f"shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        weights = self.weights.cpu().numpy()
        drawn = random.weighted(weights, self.num_samples, self.replacement, self.generator)
        return iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of another sampler in lists.

    Args:
        sampler: gives them.
        batch_size: how many a list has.
        drop_last: leave out the last list if it is shorter.

    Raises:
        ValueError: batch_size is no positive integer, or drop_last no bool.
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not positive(batch_size):
            raise ValueError(
                "BatchSampler: batch_size should be a positive integer value, but got "
                f"{batch_size!r}"
            )
        if not isinstance(drop_last, bool):
            raise ValueError(
                f"BatchSampler: drop_last should be a boolean value, but got {drop_last!r}"
            )
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return whole + (rest > 0 and not self.drop_last)


class DistributedSampler(Sampler[int]):
    """The share of one of several processes, all of which have the same size.

    Args:
        dataset: has a length, N.
        num_replicas: how many processes there are; default: of the process group.
        rank: which this one is, from 0; default: of the process group.
        shuffle: a random order, another for each `set_epoch`.
        seed: of the orders, the same in all processes.
        drop_last: leave out samples so that the shares are equal, instead of repeating some.

    Raises:
        ValueError: num_replicas or rank is None, and there is no process group to ask.
        ValueError: a rank outside.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        num_replicas = get_world_size() if num_replicas is None else num_replicas
        rank = get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.epoch, self.shuffle, self.seed, self.drop_last = 0, shuffle, seed, drop_last
        count = len(dataset)
        short = drop_last and count % num_replicas
        self.num_samples = count // num_replicas if short else math.ceil(count / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        count = len(self.dataset)
        order = (
            random.permutation(count, Generator(self.seed + self.epoch))
            if self.shuffle
            else np.arange(count)
        )
        return iter(np.resize(order, self.total_size)[self.rank :: self.num_replicas].tolist())

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch is next, for another order."""
        self.epoch = epoch

    def state_dict(self) -> dict[str, int]:
        """Which order is next: enough for a `DataLoader` to go on inside a pass."""
        return {
            "samples": len(self.dataset),
            "num_replicas": self.num_replicas,
            "seed": self.seed,
            "epoch": self.epoch,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Give the order from where `state_dict` was taken, on any rank.

        Raises:
            TypeError, KeyError, ValueError: no such state, or one of another data set or number
                of processes. Nothing has changed.
        """
        own = self.state_dict()
        found = {
            key: integer("DistributedSampler", key, value)
            for key, value in entries("DistributedSampler", state, own).items()
        }
        for key in ("samples", "num_replicas"):
            if found[key] != own[key]:
                raise ValueError(
                    f"DistributedSampler: the state is of {key}={found[key]}, but here it is "
                    f"{own[key]}"
                )
        self.seed, self.epoch = found["seed"], found["epoch"]
