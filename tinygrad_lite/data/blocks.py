"""Data sets of files that need not fit in memory: blocks of rows, a few of which are held.

A block is some rows that lie one behind the other: what is read, checked and shuffled as one
(`BlockSampler`). Those that are held lie side by side in one array, so that a batch is gathered
from them as it would be from a data set in memory. Mapping the files instead was slower: a page
at its first touch costs more than it takes to copy it, and a file that is cut short or on a disk
that fails would end the process without a word.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.files import FileError, Malformed, StrPath, reading, regular_size
from tinygrad_lite.files.npy import LONGEST_HEAD, Head, read_head
from tinygrad_lite.tensor import Tensor
from tinygrad_lite.tensor.create import from_numpy

from .dataset import Dataset, Indices
from .sampler import positive

__all__ = ["BlockDataset", "NpyDataset", "Rows", "rows_of", "rows_per_block"]

Array = np.ndarray[Any, Any]
BLOCK = 1 << 20  # bytes, about
FEWEST = 16  # rows of a block, so that those of large samples still mix


def rows_per_block(row_bytes: int) -> int:
    """How many rows of so many bytes a block has, unless somebody chooses."""
    return max(FEWEST, BLOCK // max(row_bytes, 1))


class Rows(NamedTuple):
    """A `.npy` file as rows: the first dimension counts them."""

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]  # of one row
    length: int
    offset: int  # where they begin, in bytes

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def opaque(self) -> np.dtype[Any]:
        """One row as a single value: NumPy gathers such rows ten times as fast as (N, …)."""
        return np.dtype((np.void, self.row_bytes))


def rows_of(path: Path) -> Rows:
    """What a file says of its rows, compared with its size.

    Raises:
        FileError: it is no `.npy` file of plain numbers in C order, or its size is another one.
        OSError: it can't be opened.
    """
    with reading(path, "an array in rows"), open(path, "rb", buffering=0) as file:
        size = regular_size(file, path)
        head: Head = read_head(file.read(LONGEST_HEAD))
        dtype = head.checked(size)
        if head.fortran or not head.shape or 0 in head.shape[1:]:
            order = "Fortran" if head.fortran else "C"
            raise Malformed(f"an array {head.shape} in {order} order has no rows of bytes")
    return Rows(path, dtype, head.shape[1:], head.shape[0], head.size)


class BlockDataset(Dataset[tuple[Tensor, ...]]):
    """Rows of several files side by side; see `NpyDataset` and `ShardDataset`.

    Attributes:
        block_size: rows of a block, all if there are fewer; the last one may have fewer.
        blocks: how many blocks there are.

    Args:
        shards: of each shard the files of its fields. All shards but the last have the same
            number of rows, a multiple of block_size.
        block_size: rows of a block.
        cached_blocks: how many blocks are held in memory.
        sums: CRC-32 of each block of each field of each shard; None: they are not known.

    Raises:
        ValueError: numbers that are not positive.
    """

    def __init__(
        self,
        shards: Sequence[Sequence[Rows]],
        block_size: int,
        cached_blocks: int,
        sums: Sequence[Sequence[Sequence[int]]] | None = None,
    ) -> None:
        for name, number in (("block_size", block_size), ("cached_blocks", cached_blocks)):
            if not positive(number):
                raise ValueError(
                    f"{type(self).__name__}: {name} should be a positive integer, but is {number!r}"
                )
        self._shards, self._sums = shards, sums
        self._count = sum(shard[0].length for shard in shards)
        block_size = min(block_size, max(self._count, 1))
        self._per_shard = -(-shards[0][0].length // block_size)  # blocks
        self.block_size, self.blocks = block_size, -(-self._count // block_size)
        self._kept: list[Array] = []  # of each field the rows of the blocks that are held
        self._slot = np.full(self.blocks, -1)  # of each block its place there, or -1
        self._owner = np.full(min(cached_blocks, self.blocks), -1)  # of each place the block
        self._used = np.zeros(len(self._owner), np.int64)  # of each place when it was last used
        self._time = 0
        self._good = bytearray(self.blocks)  # which were compared with their sums

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        place = index + self._count if index < 0 else index
        return tuple(from_numpy(part)[0] for part in self.gather(np.array([place])))

    def gather(self, indices: Indices) -> tuple[Array, ...]:
        """The samples at `indices` (B,) as one batch: arrays (B, …), copies.

        Raises:
            IndexError: an index outside.
            FileError: a file was changed or damaged since.
            OSError: it can't be read.
        """
        if indices.size and not 0 <= indices.min() <= indices.max() < self._count:
            raise IndexError(
                f"{type(self).__name__}: indices from {indices.min()} to {indices.max()} of "
                f"{self._count:,} samples"
            )
        fields, count = self._shards[0], len(indices)
        found = [np.empty(count, rows.opaque) for rows in fields]
        blocks, within = np.divmod(indices, self.block_size)
        wanted, most = np.unique(blocks), len(self._owner)
        for first in range(0, len(wanted), most):  # once, but for an order that jumps about
            part = wanted[first : first + most]
            self._hold(part)
            if len(part) == len(wanted):
                rows = self._slot[blocks] * self.block_size + within
                for out, kept in zip(found, self._kept, strict=True):
                    kept.take(rows, out=out, mode="clip")  # other modes copy the output
            else:
                places = np.flatnonzero((part[0] <= blocks) & (blocks <= part[-1]))
                rows = self._slot[blocks[places]] * self.block_size + within[places]
                for out, kept in zip(found, self._kept, strict=True):
                    out[places] = kept[rows]
        return tuple(
            out.view(rows.dtype).reshape(count, *rows.shape)
            for out, rows in zip(found, fields, strict=True)
        )

    def will_need(self, block: int) -> None:
        """Have the system read a block ahead of time, where it can be asked for that."""
        if hasattr(os, "posix_fadvise") and self._slot[block] < 0:
            for rows, start, length in self._ranges(block):
                with open(rows.path, "rb", buffering=0) as file:
                    os.posix_fadvise(file.fileno(), start, length, os.POSIX_FADV_WILLNEED)

    def verify(self) -> None:
        """Read everything, and compare it with its checksums, if they are known.

        Raises:
            FileError: a file is damaged.
            OSError: it can't be read.
        """
        self._forget()
        self._good = bytearray(self.blocks)
        for block in range(self.blocks):
            self._hold(np.array([block]))

    def _hold(self, wanted: Indices) -> None:
        """Have some blocks in memory, no more than there are places."""
        if not self._kept:
            total = len(self._owner) * self.block_size
            self._kept = [np.empty(total, rows.opaque) for rows in self._shards[0]]
        self._time += 1
        slots = self._slot[wanted]
        self._used[slots[slots >= 0]] = self._time
        for block in wanted[slots < 0].tolist():
            slot = int(self._used.argmin())  # the one that was used longest ago
            if self._owner[slot] >= 0:
                self._slot[self._owner[slot]] = self._owner[slot] = -1
            self._read(block, slot)
            self._slot[block], self._owner[slot], self._used[slot] = slot, block, self._time

    def _read(self, block: int, slot: int) -> None:
        """Put a block in its place."""
        shard, place = divmod(block, self._per_shard)
        start = slot * self.block_size
        for field, (rows, offset, length) in enumerate(self._ranges(block)):
            count = length // rows.row_bytes
            part = memoryview(self._kept[field][start : start + count].view(np.uint8).data)
            with open(rows.path, "rb", buffering=0) as file:
                file.seek(offset)
                left = part
                while left:
                    if not (got := file.readinto(left)):
                        raise FileError(f"{rows.path}: was cut short since it was opened")
                    left = left[got:]
            if (
                self._sums is not None
                and not self._good[block]
                and zlib.crc32(part) != self._sums[shard][field][place]
            ):
                first = place * self.block_size
                raise FileError(
                    f"{rows.path}: is damaged: the checksum of its rows {first:,} to "
                    f"{first + count - 1:,} is another one"
                )
        self._good[block] = True

    def _ranges(self, block: int) -> Iterator[tuple[Rows, int, int]]:
        """Of each field the file, and where in it the block lies, in bytes: start and length."""
        shard, place = divmod(block, self._per_shard)
        for rows in self._shards[shard]:
            first = place * self.block_size
            count = min(self.block_size, rows.length - first)
            yield rows, rows.offset + first * rows.row_bytes, count * rows.row_bytes

    def _forget(self) -> None:
        """Hold no blocks."""
        self._kept = []
        self._slot, self._owner = np.full_like(self._slot, -1), np.full_like(self._owner, -1)
        self._used = np.zeros_like(self._used)

    def __getstate__(self) -> dict[str, Any]:
        """Without the blocks: what a worker process gets."""
        held = dict.fromkeys(("_slot", "_owner"), None)
        return self.__dict__ | {"_kept": []} | held

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._slot, self._owner = np.full(self.blocks, -1), np.full(len(self._used), -1)


class NpyDataset(BlockDataset):
    """Arrays in `.npy` files, zipped along their first dimension, of which little is in memory.

    Sample i is a tuple of the files' rows i. A `BlockSampler` shuffles it without jumping about.
    Files without a checksum: `ShardWriter` writes sets that have one, and in several files.

    Args:
        *paths: files that `numpy.save` wrote, in C order, of (N, …) numbers, the same N.
        block_size: rows that are read as one; default: about 1 MB, at least 16 rows.
        cached_blocks: how many are held in memory.

    Raises:
        ValueError: no files, or sizes that differ.
        FileError: a file that is not such an array, or not whole.

    Example:
        >>> import numpy, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> numpy.save(f"{folder}/x.npy", numpy.arange(6.0).reshape(3, 2))
        >>> torch.data.NpyDataset(f"{folder}/x.npy")[2]
        (tensor([4., 5.], dtype=torch.float64),)
    """

    def __init__(
        self, *paths: StrPath, block_size: int | None = None, cached_blocks: int = 64
    ) -> None:
        fields = [rows_of(Path(path)) for path in paths]
        if len({rows.length for rows in fields}) != 1:
            counts = ", ".join(f"{rows.length:,} in {rows.path}" for rows in fields)
            raise ValueError(
                f"NpyDataset: expected files of the same number of rows, but got {counts}"
                if fields
                else "NpyDataset: expected at least one file"
            )
        if block_size is None:
            block_size = rows_per_block(sum(rows.row_bytes for rows in fields))
        super().__init__([fields], block_size, cached_blocks)
