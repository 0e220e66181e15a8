"""How a batch is made of samples, in this process or in a worker's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.tensor import Tensor

from .collate import default_collate, default_convert, to_tensors
from .dataset import Subset

__all__ = ["Fetch", "Over", "Pass"]


class Over(Exception):
    """Raised when a stream has no more batches."""


class Fetch(NamedTuple):
    """Makes batches of a data set.

    Args:
        dataset: read by index, or a stream (`IterableDataset`).
        collate_fn: makes a batch of a list of samples, or, if not `batched`, the result of one
            sample; None for `default_collate` and `default_convert`.
        batched: whether `by_number` is given the indices of several samples, or of one.
        drop_last: of a stream: leave out a shorter batch at its end.
    """

    dataset: Any
    collate_fn: Callable[[Any], Any] | None
    batched: bool
    drop_last: bool

    def by_number(self, indices: Any) -> Any:
        """The batch of the samples at some indices, or one sample, if not `batched`.

        Args:
            indices: the indices, as an array, a range or a list; or one index.
        """
        if not self.batched:
            return (self.collate_fn or default_convert)(self.dataset[indices])
        dataset = self.dataset
        while type(dataset) is Subset:
            indices = [dataset.indices[i] for i in indices]
            dataset = dataset.dataset
        gathers = hasattr(dataset, "gather") and not isinstance(dataset, Tensor)  # which selects
        if self.collate_fn is None and gathers:
            return to_tensors(dataset.gather(np.asarray(indices, np.int64)))
        numbers = indices.tolist() if isinstance(indices, np.ndarray) else list(indices)
        if hasattr(dataset, "__getitems__"):
            samples = dataset.__getitems__(numbers)
        else:
            samples = [dataset[i] for i in numbers]
        return (self.collate_fn or default_collate)(samples)

    def next_of(self, stream: Iterator[Any], count: int) -> Any:
        """The next batch of a stream.

        Raises:
            Over: there is none.
        """
        if not self.batched:
            for sample in stream:
                return (self.collate_fn or default_convert)(sample)
            raise Over
        samples = list(itertools.islice(stream, count))
        if not samples or (self.drop_last and len(samples) < count):
            raise Over
        return (self.collate_fn or default_collate)(samples)


class Pass(Iterator[Any]):
    """One pass over a loader's batches, which `iter(loader)` gives.

    Args:
        loader: whose length it has.
        batches: the batches.
    """

    def __init__(self, loader: Any, batches: Iterator[Any]) -> None:
        self._loader = loader
        self._batches = batches

    def __next__(self) -> Any:
        return next(self._batches)

    def __len__(self) -> int:
        return len(self._loader)
