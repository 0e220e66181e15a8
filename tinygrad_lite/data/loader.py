"""Datasets and the loader that makes batches of Tensors from them, as `torch.utils.data`."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.backend import random
from tinygrad_lite.backend.random import Generator
from tinygrad_lite.backend.states import entries, integer, order
from tinygrad_lite.tensor import Tensor
from tinygrad_lite.tensor.concatenate import stack
from tinygrad_lite.tensor.create import from_numpy, tensor

T = TypeVar("T", covariant=True)
Indices = np.ndarray[Any, np.dtype[np.int64]]


class Dataset(Generic[T]):
    """What a `DataLoader` reads: subclasses define `__getitem__` and `__len__`.

    A dataset that can do better than one sample at a time defines `gather(indices)`, which
    gets int64 (B,) and returns the collated batch (arrays become Tensors), or `__getitems__`,
    which gets a list of integers and returns the list of samples, as in PyTorch.

    Example:
        >>> class Squares(torch.utils.data.Dataset):
        ...     def __getitem__(self, index):
        ...         return float(index) ** 2
        ...
        ...     def __len__(self):
        ...         return 4
        >>> next(iter(torch.utils.data.DataLoader(Squares(), batch_size=4)))
        tensor([0., 1., 4., 9.], dtype=float64)
    """

    def __getitem__(self, index: int) -> T:
        """The sample at `index`, from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__")

    def __len__(self) -> int:
        """How many samples there are."""
        raise NotImplementedError(f"{type(self).__name__} must define __len__")


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors zipped along their first dimension: sample i is (tensors[0][i], tensors[1][i], …).

    Args:
        *tensors: of shapes (N, …), the same N.

    Raises:
        ValueError: no tensors, a tensor without dimensions, or sizes that differ.

    Example:
        >>> data = torch.utils.data.TensorDataset(torch.arange(3), torch.arange(3) * 10)
        >>> len(data), data[1]
        (3, (tensor(1), tensor(10)))
    """

    def __init__(self, *tensors: Tensor) -> None:
        shapes = [tuple(tensor.shape) for tensor in tensors]
        if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise ValueError(
                "TensorDataset: expected tensors of the same size in dimension 0, "
                f"but got shapes {shapes}"
            )
        self.tensors = tensors

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])

    def gather(self, indices: Indices) -> tuple[Tensor, ...]:
        """The samples at `indices` (B,) as one batch: Tensors (B, …), a copy."""
        return tuple(tensor[indices] for tensor in self.tensors)


class Subset(Dataset[Any]):
    """The samples of a dataset at given places.

    Args:
        dataset: the whole.
        indices: the places, in order.

    Example:
        >>> list(torch.utils.data.Subset("abcdef", [0, 2, 4]))
        ['a', 'c', 'e']
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Any, lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset]:
    """The dataset in random parts without overlap.

    Args:
        dataset: anything with `len` and integer indexing.
        lengths: how many samples each part has; or fractions that sum to 1, rounded down, with
            what is left going one by one to the first parts.
        generator: draws the order; default: the library's.

    Raises:
        ValueError: lengths that do not sum to the dataset's, or fractions outside [0, 1].

    Example:
        >>> train, test = torch.utils.data.random_split(range(10), [0.8, 0.2])
        >>> len(train), len(test)
        (8, 2)
    """
    count = len(dataset)
    sizes: list[Any] = list(lengths)
    if math.isclose(sum(sizes), 1) and sum(sizes) <= 1:
        if not all(0 <= part <= 1 for part in sizes):
            raise ValueError(f"random_split: fractions must be in [0, 1], but got {lengths}")
        sizes = [math.floor(count * part) for part in sizes]
        for i in range(count - sum(sizes)):
            sizes[i % len(sizes)] += 1
    if sum(sizes) != count:
        raise ValueError(
            f"random_split: lengths {list(lengths)} sum to {sum(sizes)}, but the dataset has "
            f"{count} samples"
        )
    order = random.permutation(count, generator).tolist()
    ends = np.cumsum([0, *sizes]).tolist()
    return [Subset(dataset, order[a:b]) for a, b in pairwise(ends)]


class DataLoader:
    """Batches of a dataset as Tensors, once through it at each `iter`.

    `state_dict` says where the last `iter` is, and with `load_state_dict` the next `iter` goes on
    from there: with the batches that a stopped run did not come to.

    Args:
        dataset: anything with `len` and integer indexing; see `Dataset` for faster ways.
        batch_size: samples in a batch, at least 1.
        shuffle: a fresh random order at each `iter`.
        drop_last: leave out the last batch if it is smaller.
        generator: draws the orders; its state can be saved. Without it and `seed`, the library's
            default generator, so that `manual_seed` decides.
        seed: make a generator of our own from this seed: the same seed, the same orders.
        collate_fn: makes a batch of a list of samples; `default_collate` if None.
        num_workers: 0; other numbers warn. Batches are made in this process.
        pin_memory: accepted for PyTorch's sake; it has no effect.

    Raises:
        TypeError: the dataset has no length, or batch_size is not an integer.
        ValueError: batch_size is below 1, num_workers is negative, or both generator and seed.

    Example:
        >>> set_ = torch.utils.data.TensorDataset(torch.arange(5), torch.arange(5) * 10)
        >>> [(x.tolist(), y.tolist()) for x, y in torch.utils.data.DataLoader(set_, batch_size=2)]
        [([0, 1], [0, 10]), ([2, 3], [20, 30]), ([4], [40])]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        generator: Generator | None = None,
        seed: int | None = None,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        num_workers: int = 0,
        pin_memory: bool = False,
    ) -> None:
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            raise TypeError(
                "DataLoader: the dataset needs __len__ and __getitem__, but "
                f"{type(dataset).__name__} lacks one of them"
            )
        try:
            batch_size = operator.index(batch_size)
        except TypeError:
            raise TypeError(
                f"DataLoader: batch_size must be an integer, but got {batch_size!r}"
            ) from None
        if batch_size < 1:
            raise ValueError(f"DataLoader: batch_size must be at least 1, but got {batch_size}")
        if num_workers < 0:
            raise ValueError(f"DataLoader: num_workers must not be negative, but got {num_workers}")
        if num_workers:
            warnings.warn(
                f"DataLoader: num_workers={num_workers} has no effect: batches are made in this "
                "process",
                stacklevel=2,
            )
        if generator is not None and seed is not None:
            raise ValueError("DataLoader: give either generator or seed, not both")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.generator = generator if seed is None else Generator(seed)
        self.collate_fn = collate_fn
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self._order: Indices | None = None  # of the pass that is going on, if one is
        self._given = 0  # how many of its batches were handed out
        self._resumes = False  # whether the next `iter` goes on with it

    def __len__(self) -> int:
        """How many batches an epoch has."""
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        """A fresh pass over the dataset; the order is drawn now, not at the first batch.

        The first one after `load_state_dict` is the rest of the pass that was saved.
        """
        if self._order is None or not self._resumes:
            self._order, self._given = self._fresh_order(), 0
        self._resumes = False
        return self._batches(self._order, self._given)

    def _fresh_order(self) -> Indices:
        count = len(self.dataset)
        if self.shuffle:
            return random.permutation(count, self.generator)
        return np.arange(count, dtype=np.int64)

    def _batches(self, order: Indices, start: int) -> Iterator[Any]:
        for i in range(start, len(self)):
            batch = self._batch(order[i * self.batch_size : (i + 1) * self.batch_size])
            if order is self._order:  # else another pass was begun meanwhile: that one counts
                self._given = i + 1
            yield batch
        if order is self._order:
            self._order = None

    def state_dict(self) -> dict[str, Any]:
        """Where the last pass is: enough to go on inside an epoch, bit for bit.

        A batch that was handed out counts as done, so take the state after the step on it.

        Returns:
            `order` int64 (N,) (None if no pass is going on), `given` (how many of its batches
            were handed out) and `generator`, the state of a generator of its own (else None:
            the default generator's is `get_rng_state`).
        """
        generator = None if self.generator is None else self.generator.get_state()
        order = None if self._order is None else self._order.copy()
        return {"order": order, "given": self._given if order is not None else 0,
                "generator": generator}  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next `iter` go on from where `state_dict` was taken.

        If all batches had been handed out but the loop had not asked for another one, that
        `iter` gives none: the epoch is over.

        Raises:
            TypeError, KeyError, ValueError: the state is of a dataset of another size, or not a
                state at all. Nothing has changed.
        """
        own, count = "DataLoader", len(self.dataset)
        entries(own, state, ["order", "given", "generator"])
        walk = None if state["order"] is None else order(own, "order", state["order"], count)
        given = integer(own, "given", state["given"], 0, 0 if walk is None else len(self))
        generator = state["generator"]
        if (generator is None) is not (self.generator is None):
            raise ValueError(
                "DataLoader: the state and the loader must both have a generator of their own, "
                "or neither"
            )
        if self.generator is not None:
            self.generator.set_state(generator)  # which checks it
        self._order, self._given, self._resumes = walk, given, walk is not None

    def _batch(self, indices: Indices) -> Any:
        dataset = self.dataset
        while type(dataset) is Subset:
            indices = np.array([dataset.indices[i] for i in indices.tolist()], np.int64)
            dataset = dataset.dataset
        if self.collate_fn is None and hasattr(dataset, "gather"):
            return _to_tensors(dataset.gather(indices))
        if hasattr(dataset, "__getitems__"):
            samples = dataset.__getitems__(indices.tolist())
        else:
            samples = [dataset[i] for i in indices.tolist()]
        return (self.collate_fn or default_collate)(samples)


def _to_tensors(batch: Any) -> Any:
    """Arrays as Tensors, and a tuple as the list that PyTorch collates it into."""
    if isinstance(batch, tuple):
        return [_to_tensors(part) for part in batch]
    return from_numpy(batch) if isinstance(batch, np.ndarray) else batch


def default_collate(batch: Sequence[Any]) -> Any:
    """Make one batch of a list of B samples, as PyTorch does.

    Tensors and arrays of shape S become a Tensor (B, *S); floats a float64 and integers an int64
    Tensor (B,); strings and bytes stay a list; tuples, lists and dicts are collated entry by
    entry (a tuple or a list gives a list, a named tuple its own kind, a dict a dict).

    Raises:
        RuntimeError: entries differ in shape or number.
        TypeError: samples of another type.

    Example:
        >>> from tinygrad_lite.utils.data import default_collate
        >>> default_collate([{"x": 1.0}, {"x": 2.0}])
        {'x': tensor([1., 2.], dtype=float64)}
    """
    if not batch:
        raise RuntimeError("default_collate: expected at least one sample, but got none")
    first = batch[0]
    if isinstance(first, Tensor | np.ndarray):
        shapes = {tuple(sample.shape) for sample in batch}
        if len(shapes) > 1:
            raise RuntimeError(
                f"default_collate: samples must have one shape, but got {sorted(shapes)}"
            )
        if isinstance(first, Tensor):
            return stack(list(batch))
        return from_numpy(np.stack(batch))
    if isinstance(first, np.generic):
        return from_numpy(np.array(batch))
    if isinstance(first, int | float):  # floats first: float64; among integers: as tensor()
        return tensor(list(batch), dtype="float64" if isinstance(first, float) else None)
    if isinstance(first, str | bytes):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, Sequence):
        if len({len(sample) for sample in batch}) > 1:
            raise RuntimeError("default_collate: samples must have the same number of entries")
        parts = [default_collate(entries) for entries in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise TypeError(
        "default_collate: samples must be Tensors, arrays, numbers, strings, dicts, tuples or "
        f"lists, but got {type(first).__name__}"
    )
