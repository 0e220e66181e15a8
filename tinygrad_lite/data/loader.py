"""The loader that makes batches of Tensors from a data set, as `torch.utils.data.DataLoader`."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.backend import random
from tinygrad_lite.backend.random import Generator
from tinygrad_lite.backend.states import entries, integer, order

from .collate import default_collate, default_convert
from .dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    Indices,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from .fetch import Fetch, Over, Pass
from .sampler import BatchSampler, RandomSampler, SequentialSampler
from .worker import Workers, get_worker_info

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]


# PyTorch's names.
_BaseDataLoaderIter = _SingleProcessDataLoaderIter = _MultiProcessingDataLoaderIter = Pass

_FIXED = frozenset(  # what decided on the samplers
    ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
)


T = TypeVar("T")
_collate_fn_t = Callable[[list[T]], Any]
_worker_init_fn_t = Callable[[int], None]

_OURS = (RandomSampler.__iter__, SequentialSampler.__iter__, BatchSampler.__iter__)


class DataLoader(Generic[T]):
    """Batches of a dataset as Tensors, once through it at each `iter`.

    `state_dict` says where the last `iter` is, and with `load_state_dict` the next `iter` goes on
    from there: with the batches that a stopped run did not come to.

    Args:
        dataset: anything with `len` and integer indexing (see `Dataset` for faster ways), or an
            `IterableDataset`.
        batch_size: samples in a batch, at least 1; None for single samples, not collated.
        shuffle: a fresh random order at each `iter`.
        sampler: gives the order instead: an iterable of indices. One with `state_dict` and
            `load_state_dict` (`BlockSampler`, `DistributedSampler`) has a place to go on from.
        batch_sampler: gives lists of indices, each a batch.
        num_workers: processes that make the batches ahead of time; 0 for this process. What they
            give is copied here, so they are worth it where a sample takes much Python.
        collate_fn: makes a batch of a list of samples; `default_collate` if None.
        pin_memory: accepted for PyTorch's sake; it has no effect.
        drop_last: leave out the last batch if it is smaller.
        timeout: seconds to wait for a worker's batch; 0 for no limit.
        worker_init_fn: called with its number in each worker, when it begins.
        multiprocessing_context: how processes begin, such as "spawn"; None for the system's way.
        generator: draws the orders; its state can be saved. Without it and `seed`, the library's
            default generator, so that `manual_seed` decides.
        prefetch_factor: batches that each worker makes ahead; 2 if None.
        persistent_workers: keep the workers from one `iter` to the next.
        pin_memory_device, in_order: without effect; batches come in order.
        seed: make a generator of our own from this seed: the same seed, the same orders.

    Raises:
        TypeError: the dataset has no length.
        ValueError: numbers out of range, a way in which processes cannot begin here, or options
            that exclude each other.

    Example:
        >>> set_ = torch.utils.data.TensorDataset(torch.arange(5), torch.arange(5) * 10)
        >>> [(x.tolist(), y.tolist()) for x, y in torch.utils.data.DataLoader(set_, batch_size=2)]
        [([0, 1], [0, 10]), ([2, 3], [20, 30]), ([4], [40])]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], object] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        seed: int | None = None,
    ) -> None:
        streams = isinstance(dataset, IterableDataset)
        if not streams and not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise TypeError(
                "DataLoader: the dataset needs __len__ and __getitem__, but "
                f"{type(dataset).__name__} lacks one of them"
            )
        if num_workers < 0:
            raise ValueError(f"DataLoader: num_workers must not be negative, but got {num_workers}")
        if timeout < 0:
            raise ValueError(f"DataLoader: timeout must not be negative, but got {timeout}")
        if num_workers == 0 and (prefetch_factor is not None or persistent_workers):
            raise ValueError(
                "DataLoader: prefetch_factor and persistent_workers need num_workers > 0"
            )
        if prefetch_factor is not None and prefetch_factor < 1:
            raise ValueError(
                f"DataLoader: prefetch_factor must be at least 1, but got {prefetch_factor}"
            )
        _check_context(multiprocessing_context, num_workers)
        if generator is not None and seed is not None:
            raise ValueError("DataLoader: give either generator or seed, not both")
        _exclude(streams, shuffle, sampler, batch_sampler, batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = None if batch_sampler is not None else _size(batch_size)
        self.shuffle = bool(shuffle)
        self.drop_last = drop_last
        self.generator = generator if seed is None else Generator(seed)
        self.collate_fn = collate_fn
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.pin_memory_device, self.in_order = pin_memory_device, in_order
        self._streams = streams
        self._own = sampler is None and batch_sampler is None and not streams
        self._follows = batch_sampler is None and all(  # a sampler that knows where it is
            hasattr(sampler, name) for name in ("state_dict", "load_state_dict")
        )
        if sampler is None and not streams:
            sampler = (
                RandomSampler(dataset, generator=self.generator)
                if shuffle
                else SequentialSampler(dataset)
            )
        if batch_sampler is None and self.batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, self.batch_size, drop_last)
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self._workers: Workers | None = None  # that are kept
        # Of the pass that is going on, if one is; of a sampler's, its state when it began.
        self._order: Indices | range | Mapping[str, Any] | None = None
        self._given = 0  # how many of its batches were handed out
        self._resumes = False  # whether the next `iter` goes on with it
        self._made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and "_made" in self.__dict__:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(name, value)

    @property
    def _auto_collation(self) -> bool:
        """Whether it makes batches; PyTorch's name, which trainers ask for."""
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        """What gives the indices: the batch sampler, or the sampler without batches."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def check_worker_number_rationality(self) -> None:
        """Nothing: PyTorch warns of more workers than there are cores."""

    def __len__(self) -> int:
        """How many batches an epoch has."""
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        if self.batch_size is None:
            return len(self.dataset if self._streams else self.sampler)  # type: ignore[arg-type]
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        """A fresh pass over the dataset; the order is drawn now, not at the first batch.

        The first one after `load_state_dict` is the rest of the pass that was saved. Its `len` is
        the loader's.
        """
        return Pass(self, self._batches())

    _get_iterator = __iter__  # what programs call to have a pass of their own

    def _batches(self) -> Iterator[Any]:
        if self.batch_size is None or not (self._orders_itself() or self._follows):
            return self._fetched(self._orders())
        if self._order is None or not self._resumes:
            self._order, self._given = self._fresh_order(), 0
        self._resumes = False
        walk, start, size = self._order, self._given, self.batch_size
        parts: Iterable[Any]
        if self._follows:
            parts = itertools.islice(self._orders(), start, None)
        else:
            parts = (walk[i * size : (i + 1) * size] for i in range(start, len(self)))  # type: ignore[index]
        return self._counted(walk, start, parts)

    def _orders_itself(self) -> bool:
        """Whether the order is the loader's own, by samplers that a program left as they are."""
        kinds: Any = (type(self.sampler), type(self.batch_sampler))
        return self._own and all(kind.__iter__ in _OURS for kind in kinds)

    def _fresh_order(self) -> Indices | range | Mapping[str, Any]:
        if self._follows:
            state: Mapping[str, Any] = self.sampler.state_dict()  # type: ignore[union-attr]
            return state
        count = len(self.dataset)
        return random.permutation(count, self.generator) if self.shuffle else range(count)

    def _counted(self, walk: Any, start: int, parts: Iterable[Any]) -> Iterator[Any]:
        """The batches of a walk from number `start`, keeping account of them."""
        for i, batch in enumerate(self._fetched(parts), start):
            if walk is self._order:  # else another pass was begun meanwhile: that one counts
                self._given = i + 1
            yield batch
        if walk is self._order:
            self._order = None

    def _orders(self) -> Iterator[Any]:
        """What batches are made of, by someone else's order: indices, or sizes of a stream's."""
        if self._streams:
            return itertools.repeat(self.batch_size or 1)
        chosen = self.sampler if self.batch_sampler is None else self.batch_sampler
        return iter(chosen)  # type: ignore[arg-type]

    def _fetched(self, orders: Iterable[Any]) -> Iterator[Any]:
        batched = self.batch_sampler is not None or self.batch_size is not None
        fetch = Fetch(self.dataset, self.collate_fn, batched, self.drop_last)
        if self.num_workers:
            yield from self._by_workers(fetch, orders)
        elif self._streams:
            stream = iter(self.dataset)
            try:
                for size in orders:
                    yield fetch.next_of(stream, size)
            except Over:
                return
        else:
            for indices in orders:
                yield fetch.by_number(indices)

    def _by_workers(self, fetch: Fetch, orders: Iterable[Any]) -> Iterator[Any]:
        seed = int(random.integers(0, 2**62, (), np.int64, self.generator))
        workers = self._workers or Workers(
            fetch,
            self.num_workers,
            self.prefetch_factor or 1,
            self.timeout,
            self.worker_init_fn,
            self.multiprocessing_context,
        )
        if self.persistent_workers:
            self._workers = workers
        try:
            yield from workers.run(orders, seed, self._streams)
        except (Exception, KeyboardInterrupt):
            self._workers = None
            workers.close()
            raise
        finally:
            if not self.persistent_workers:
                workers.close()

    def state_dict(self) -> dict[str, Any]:
        """Where the last pass is: enough to go on inside an epoch, bit for bit.

        A batch that was handed out counts as done, so take the state after the step on it.

        Returns:
            `order` int64 (N,) (None if no pass is going on), `given` (how many of its batches
            were handed out) and `generator`, the state of a generator of its own (else None:
            the default generator's is `get_rng_state`). With a sampler that has a state:
            `sampler`, that state when the pass began, and `given`.

        Raises:
            RuntimeError: the order is a stream's or a sampler's without a `state_dict`, which have
                no place to go on from.
        """
        if self._follows and self.batch_size is not None:
            if self._order is None:
                return {"sampler": self._fresh_order(), "given": 0}
            return {"sampler": self._order, "given": self._given}
        if not self._orders_itself():
            raise RuntimeError(
                "DataLoader: only a loader that makes its order itself, or whose sampler has a "
                "state_dict, knows where it is, not one with another sampler of its own or of a "
                "stream"
            )
        generator = None if self.generator is None else self.generator.state
        order = None if self._order is None else np.array(self._order, np.int64)
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
        own = "DataLoader"
        if self._follows and self.batch_size is not None:
            entries(own, state, ["sampler", "given"])
            given = integer(own, "given", state["given"], 0, len(self))
            self.sampler.load_state_dict(state["sampler"])  # type: ignore[union-attr]
            self._order, self._given, self._resumes = state["sampler"], given, True
            return
        count = len(self.dataset)
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
            self.generator.state = generator  # which checks it
        self._order, self._given, self._resumes = walk, given, walk is not None


def _check_context(context: Any, num_workers: int) -> None:
    """Refuse a way of beginning processes where there are none, or that there is not."""
    if context is None:
        return
    if num_workers == 0:
        raise ValueError(
            "DataLoader: multiprocessing_context needs num_workers > 0, but got num_workers=0"
        )
    import multiprocessing  # what only loaders with workers need

    ways = multiprocessing.get_all_start_methods()
    if isinstance(context, str) and context not in ways:
        raise ValueError(
            f"DataLoader: multiprocessing_context must be one of {ways}, but got {context!r}"
        )


def _size(batch_size: Any) -> int | None:
    """The number of samples of a batch, checked."""
    if batch_size is None:
        return None
    try:
        size = operator.index(batch_size)
    except TypeError:
        size = 0
    if size < 1:
        raise ValueError(
            f"DataLoader: batch_size must be an integer of at least 1, but got {batch_size!r}"
        )
    return size


def _exclude(
    streams: bool,
    shuffle: bool | None,
    sampler: Any,
    batch_sampler: Any,
    batch_size: Any,
    drop_last: bool,
) -> None:
    """Refuse options of which one makes the other void."""
    if streams and (shuffle or sampler is not None or batch_sampler is not None):
        raise ValueError(
            "DataLoader with IterableDataset: expected unspecified shuffle, sampler and "
            "batch_sampler options: the stream has its order"
        )
    if sampler is not None and shuffle:
        raise ValueError("DataLoader: sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (
        batch_size != 1 or shuffle or sampler is not None or drop_last
    ):
        raise ValueError(
            "DataLoader: batch_sampler option is mutually exclusive with batch_size, shuffle, "
            "sampler, and drop_last"
        )
    if batch_size is None and batch_sampler is None and drop_last:
        raise ValueError(
            "DataLoader: batch_size=None option disables auto-batching and is mutually exclusive "
            "with drop_last"
        )
