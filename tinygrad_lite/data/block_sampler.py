"""A random order that reads files in blocks, for data sets that do not fit in memory."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping
from typing import Any

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.backend import random
from tinygrad_lite.backend.random import Generator
from tinygrad_lite.backend.states import entries, integer
from tinygrad_lite.distributed.group import get_rank, get_world_size, is_initialized

from .dataset import Indices
from .sampler import Sampler, positive

__all__ = ["BlockSampler"]


class BlockSampler(Sampler[int]):
    """0 … N−1 in an order that is random, but stays within a few blocks for a while.

    The blocks come in random order. Those that come next, `buffer_blocks` of them, are read one
    after another, and their samples are given in random order; then the next ones. A batch thus
    has samples of `buffer_blocks` random places of the data set: choose as many as make a batch of
    blocks that each hold one class a good one, or write the set in random order.

    Of several processes each takes its share: neighbouring blocks of the one random order, so that
    each reads its part of the files alone. Shares have the same size; for that, samples from the
    order's beginning are repeated at its end.

    Args:
        data_source: has a length, N. If it has `will_need(block)`, it is told of blocks ahead.
        block_size: samples of a block; default: `data_source.block_size`.
        buffer_blocks: how many blocks are mixed.
        seed: of the orders; each pass has another one.
        num_replicas, rank: how many processes share, and which one this is; default: of the
            process group, if there is one.
        drop_last: leave out samples so that the shares are equal, instead of repeating some.

    Raises:
        TypeError: no block_size, and the data source has none either.
        ValueError: numbers out of range.

    Example:
        >>> order = list(torch.data.BlockSampler(range(12), block_size=3, buffer_blocks=2))
        >>> sorted(order[:6]) != list(range(6)), sorted(order) == list(range(12))
        (True, True)
    """

    def __init__(
        self,
        data_source: Any,
        block_size: int | None = None,
        buffer_blocks: int = 32,
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
        drop_last: bool = False,
    ) -> None:
        block_size = getattr(data_source, "block_size", None) if block_size is None else block_size
        if block_size is None:
            raise TypeError(
                f"BlockSampler: {type(data_source).__name__} has no block_size, so give one"
            )
        together = is_initialized()
        if num_replicas is None:
            num_replicas = get_world_size() if together else 1
        if rank is None:
            rank = get_rank() if together else 0
        for name, number in (
            ("block_size", block_size),
            ("buffer_blocks", buffer_blocks),
            ("num_replicas", num_replicas),
        ):
            if not positive(number):
                raise ValueError(
                    f"BlockSampler: {name} should be a positive integer value, but got {number!r}"
                )
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.data_source, self.block_size, self.buffer_blocks = (
            data_source, block_size, buffer_blocks,
        )  # fmt: skip
        self.seed, self.epoch = operator.index(seed), 0
        self.num_replicas, self.rank, self.drop_last = num_replicas, rank, drop_last

    def __len__(self) -> int:
        share = len(self.data_source) / self.num_replicas
        return math.floor(share) if self.drop_last else math.ceil(share)

    def set_epoch(self, epoch: int) -> None:
        """Say which pass is next; otherwise it is the one after the last."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        mixed = np.random.SeedSequence((self.seed % 2**64, epoch)).generate_state(1, np.uint64)
        return self._pass(Generator(int(mixed[0])))

    def _pass(self, generator: Generator) -> Iterator[int]:
        buffers = self._buffers(self._share(generator))
        following = next(buffers, [])
        self._announce(following)
        while pieces := following:
            following = next(buffers, [])
            self._announce(following)  # read while these are used
            indices = np.concatenate(pieces)
            yield from indices[random.permutation(len(indices), generator)].tolist()

    def _share(self, generator: Generator) -> Iterator[Indices]:
        """This process's part of the blocks behind one another, as pieces that lie in one block."""
        count, size = len(self.data_source), self.block_size
        blocks = random.permutation(-(-count // size), generator)
        lengths = np.minimum(size, count - blocks * size)
        ends = np.cumsum(lengths)
        left = len(self)
        at = self.rank * left
        while left > 0:
            at %= count
            block = int(np.searchsorted(ends, at, side="right"))
            inside = at - int(ends[block] - lengths[block])
            length = min(left, int(lengths[block]) - inside)
            start = int(blocks[block]) * size + inside
            yield np.arange(start, start + length, dtype=np.int64)
            at, left = at + length, left - length

    def _buffers(self, pieces: Iterator[Indices]) -> Iterator[list[Indices]]:
        buffer: list[Indices] = []
        for piece in pieces:
            buffer.append(piece)
            if len(buffer) == self.buffer_blocks:
                yield buffer
                buffer = []
        if buffer:
            yield buffer

    def _announce(self, pieces: list[Indices]) -> None:
        will_need = getattr(self.data_source, "will_need", None)
        if will_need is not None and getattr(self.data_source, "block_size", 0) == self.block_size:
            for piece in pieces:
                will_need(int(piece[0]) // self.block_size)

    def state_dict(self) -> dict[str, int]:
        """Which pass is next, and of what: enough for a `DataLoader` to go on inside a pass."""
        return {
            "samples": len(self.data_source),
            "block_size": self.block_size,
            "buffer_blocks": self.buffer_blocks,
            "num_replicas": self.num_replicas,
            "seed": self.seed,
            "epoch": self.epoch,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Give the orders from where `state_dict` was taken, on any rank.

        Raises:
            TypeError, KeyError, ValueError: no such state, or one of another data set, block size,
                buffer or number of processes. Nothing has changed.
        """
        own = self.state_dict()
        entries("BlockSampler", state, own)
        for key in ("samples", "block_size", "buffer_blocks", "num_replicas"):
            if integer("BlockSampler", key, state[key]) != own[key]:
                raise ValueError(
                    f"BlockSampler: the state is of {key}={state[key]}, but here it is {own[key]}"
                )
        seed = integer("BlockSampler", "seed", state["seed"], -(2**64), 2**64)
        epoch = integer("BlockSampler", "epoch", state["epoch"], 0)
        self.seed, self.epoch = seed, epoch
