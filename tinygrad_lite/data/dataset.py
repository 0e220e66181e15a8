"""Data sets: what a `DataLoader` reads, and data sets made of others."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.backend import random
from tinygrad_lite.backend.random import Generator
from tinygrad_lite.tensor import Tensor
from tinygrad_lite.tensor.source_line import user_level

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]

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
        tensor([0., 1., 4., 9.], dtype=torch.float64)
    """

    def __getitem__(self, index: int) -> T:
        """The sample at `index`, from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__")

    def __len__(self) -> int:
        """How many samples there are."""
        raise TypeError(f"object of type {type(self).__name__!r} has no len(): define __len__")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset:
        """This data set and another behind it."""
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T], Iterable[T]):
    """A stream of samples: subclasses define `__iter__`; one that does not cannot be made.

    In worker processes every worker has a copy and gives all of it, unless `__iter__` asks
    `get_worker_info()` for its share.
    """

    __len__ = None  # type: ignore[assignment]

    def __getitem__(self, index: int) -> T:
        """There are none by number."""
        raise NotImplementedError(f"{type(self).__name__} has no samples by number")

    def __add__(self, other: Dataset[Any]) -> Any:
        """This stream and another behind it."""
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors zipped along their first dimension: sample i is (tensors[0][i], tensors[1][i], …).

    Args:
        *tensors: of shapes (N, …), the same N.

    Raises:
        AssertionError: no tensors, a tensor without dimensions, or sizes that differ.

    Example:
        >>> data = torch.utils.data.TensorDataset(torch.arange(3), torch.arange(3) * 10)
        >>> len(data), data[1]
        (3, (tensor(1), tensor(10)))
    """

    def __init__(self, *tensors: Tensor) -> None:
        shapes = [tuple(tensor.shape) for tensor in tensors]
        if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise AssertionError(  # PyTorch's type
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


class StackDataset(Dataset[Any]):
    """Data sets side by side: sample i is a tuple, or a dict, of their samples i.

    Args:
        *args: data sets of one length; or
        **kwargs: such data sets by name.

    Raises:
        ValueError: none, both, or lengths that differ.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) is bool(kwargs):
            raise ValueError("StackDataset: give data sets either by place or by name")
        self.datasets: Any = args or kwargs
        lengths = [len(dataset) for dataset in self._parts()]
        if len({*lengths}) > 1:
            raise ValueError(f"StackDataset: sizes of the data sets differ: {lengths}")
        self._length = lengths[0]

    def _parts(self) -> Iterable[Any]:
        return self.datasets if isinstance(self.datasets, tuple) else self.datasets.values()

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.datasets, tuple):
            return tuple(dataset[index] for dataset in self.datasets)
        return {name: dataset[index] for name, dataset in self.datasets.items()}

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """The samples at several indices, of data sets that give several at once by theirs.

        Raises:
            ValueError: one of them gives more or fewer.
        """
        columns = []
        for dataset in self._parts():
            several = getattr(dataset, "__getitems__", None)
            columns.append([dataset[i] for i in indices] if several is None else several(indices))
            if len(columns[-1]) != len(indices):
                raise ValueError(
                    "Nested dataset's output size mismatch. Expected "
                    f"{len(indices)}, got {len(columns[-1])}"
                )
        rows = zip(*columns, strict=True)
        if isinstance(self.datasets, tuple):
            return list(rows)
        return [dict(zip(self.datasets, row, strict=True)) for row in rows]

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[Any]):
    """Data sets one behind the other.

    Args:
        datasets: at least one, none of them a stream.

    Raises:
        AssertionError: there are none, or a stream among them.
        ValueError: an index outside.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("ConcatDataset: datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    def __getitem__(self, index: int) -> Any:
        if index < 0:
            if -index > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            index += len(self)
        part = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[part][index - (self.cumulative_sizes[part - 1] if part else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[Any]):
    """Streams one behind the other.

    Args:
        datasets: the streams.

    Raises:
        AssertionError: when it is read, or asked for its length: one of them is none.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _streams(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        return itertools.chain.from_iterable(self._streams())

    def __len__(self) -> int:  # type: ignore[override]
        return sum(map(len, self._streams()))


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

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """The samples at several places, asked for at once if the dataset can be."""
        places = [self.indices[i] for i in indices]
        if callable(getattr(self.dataset, "__getitems__", None)):
            return self.dataset.__getitems__(places)  # type: ignore[no-any-return]
        return [self.dataset[place] for place in places]

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

    A part that gets no sample for its fraction warns.

    Example:
        >>> train, test = torch.utils.data.random_split(range(10), [0.8, 0.2])
        >>> len(train), len(test)
        (8, 2)
    """
    count = len(dataset)
    sizes: list[Any] = list(lengths)
    if math.isclose(sum(sizes), 1):  # twenty times 0.05 are a little more
        if not all(0 <= part <= 1 for part in sizes):
            raise ValueError(f"random_split: fractions must be in [0, 1], but got {lengths}")
        sizes = [math.floor(count * part) for part in sizes]
        for i in range(count - sum(sizes)):
            sizes[i % len(sizes)] += 1
        for i, size in enumerate(sizes):
            if not size:
                warnings.warn(
                    f"Length of split at index {i} is 0. This might result in an empty dataset.",
                    stacklevel=user_level(),
                )
    if sum(sizes) != count:
        raise ValueError(
            f"random_split: lengths {list(lengths)} sum to {sum(sizes)}, but the dataset has "
            f"{count} samples"
        )
    order = random.permutation(count, generator).tolist()
    ends = np.cumsum([0, *sizes]).tolist()
    return [Subset(dataset, order[a:b]) for a, b in pairwise(ends)]
