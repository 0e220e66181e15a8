"""Data sets in shards: a folder of `.npy` files of bounded size, with checksums, and their writer.

    index.json       how many rows, in blocks of how many, and each block's CRC-32
    00000.0.npy      the first shard's rows of field 0, an ordinary NumPy array
    00000.1.npy      … of field 1
    00001.0.npy      the next shard's

All names follow from the numbers, so that an index cannot name a file elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.files import FileError, Malformed, StrPath, about, read_bytes, reading
from tinygrad_lite.files.npy import DTYPES, head_of
from tinygrad_lite.files.texts import parse
from tinygrad_lite.tensor import Tensor

from .blocks import BlockDataset, Rows, rows_of, rows_per_block

__all__ = ["ShardDataset", "ShardWriter"]

INDEX = "index.json"
FORMAT = "tinygrad_lite shards 1"
LONGEST_INDEX = 1 << 26  # bytes: those of a few terabytes
MOST_FIELDS = 100
LARGEST = 2**48  # rows, and rows of a block
_KEYS = {"format", "rows", "block_size", "shard_blocks", "fields", "crc32"}


def _name(shard: int, field: int) -> str:
    return f"{shard:05d}.{field}.npy"


class ShardWriter:
    """Writes a data set in shards, of which the writer never holds more than it is given.

    Use it in a `with` statement. The folder appears at its end, whole; after an exception, or if
    the process is killed, there is none of that name.

    Args:
        folder: the new folder's path.
        block_size: rows that are read, checked and shuffled as one; default: about 1 MB, at
            least 16 rows.
        shard_blocks: blocks of a shard, 64 MB by default.

    Raises:
        FileExistsError: there is something of that name.
        ValueError: numbers that are not positive.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp() + "/squares"
        >>> with torch.data.ShardWriter(folder) as writer:
        ...     for first in (0, 100):
        ...         x = torch.arange(first, first + 100)
        ...         writer.write(x, x * x)
        >>> data = torch.data.ShardDataset(folder)
        >>> len(data), data[12]
        (200, (tensor(12), tensor(144)))
    """

    def __init__(
        self, folder: StrPath, *, block_size: int | None = None, shard_blocks: int = 64
    ) -> None:
        for name, number in (("block_size", block_size), ("shard_blocks", shard_blocks)):
            if number is not None and not _whole(number, 1):
                raise ValueError(
                    f"ShardWriter: {name} should be a positive integer, but is {number!r}"
                )
        self.folder = Path(folder)
        if self.folder.exists():
            raise FileExistsError(f"ShardWriter: {self.folder} exists already")
        self.block_size, self.shard_blocks = block_size or 0, shard_blocks
        self._work: Path | None = None
        self._fields: list[tuple[str, tuple[int, ...]]] = []
        self._files: list[BinaryIO] = []
        self._rows = self._in_shard = 0
        self._sums: list[list[list[int]]] = []  # of each shard, field and block

    def write(self, *arrays: Any) -> None:
        """Add samples.

        Args:
            *arrays: Tensors or arrays (B, …), as many and with rows of the same shape and dtype in
                each call. Any B.

        Raises:
            TypeError: a dtype that files cannot hold, such as bfloat16.
            ValueError: none, different B, or other rows than before.
        """
        given = [a.detach().cpu().array if isinstance(a, Tensor) else np.asarray(a) for a in arrays]
        rows = [np.ascontiguousarray(a, a.dtype.newbyteorder("<")) for a in given]
        shapes = [array.shape for array in given]
        counts = {shape[:1] for shape in shapes}
        if len(counts) != 1 or counts == {()} or any(0 in shape[1:] for shape in shapes):
            raise ValueError(
                "ShardWriter: expected arrays of the same size in dimension 0 whose rows are not "
                f"empty, but got {shapes}"
            )
        for array in rows:
            if array.dtype.str not in DTYPES or array.ndim > 30:
                raise TypeError(
                    f"ShardWriter: can't store {array.ndim} dimensions of {array.dtype}"
                )
        fields = [(array.dtype.str, array.shape[1:]) for array in rows]
        if not self._fields:
            self._begin(fields)
        elif fields != self._fields:
            raise ValueError(f"ShardWriter: expected rows {self._fields}, but got {fields}")
        start, count = 0, len(rows[0])
        while start < count:
            if self._in_shard == self.shard_blocks * self.block_size:
                self._end_shard()
            if not self._files:
                self._begin_shard()
            room = self.block_size - self._in_shard % self.block_size
            stop = min(count, start + room)
            for array, file, sums in zip(rows, self._files, self._sums[-1], strict=True):
                part = array[start:stop].reshape(-1).view(np.uint8).data
                file.write(part)
                if room == self.block_size:
                    sums.append(0)
                sums[-1] = zlib.crc32(part, sums[-1])
            self._in_shard += stop - start
            start = stop

    def _begin(self, fields: list[tuple[str, tuple[int, ...]]]) -> None:
        if len(fields) > MOST_FIELDS:
            raise ValueError(f"ShardWriter: {len(fields)} arrays, {MOST_FIELDS} at most")
        self._fields = fields
        sizes = (
            int(np.prod(shape, dtype=np.int64)) * np.dtype(descr).itemsize
            for descr, shape in fields
        )
        self.block_size = self.block_size or rows_per_block(sum(sizes))
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self._work = Path(
            tempfile.mkdtemp(prefix=f"{self.folder.name}.part-", dir=self.folder.parent)
        )

    def _begin_shard(self) -> None:
        assert self._work is not None
        for field, (descr, shape) in enumerate(self._fields):
            file = open(self._work / _name(len(self._sums), field), "xb")  # noqa: SIM115
            file.write(head_of(descr, (0, *shape)))
            self._files.append(file)
        self._sums.append([[] for _ in self._fields])

    def _end_shard(self) -> None:
        for file, (descr, shape) in zip(self._files, self._fields, strict=True):
            file.seek(0)
            file.write(head_of(descr, (self._in_shard, *shape)))
            _store(file)
        self._rows += self._in_shard
        self._in_shard = 0
        self._files = []

    def close(self) -> None:
        """End the set, and give it its name.

        Raises:
            ValueError: nothing was written.
        """
        if self._files:
            self._end_shard()
        if not self._rows or self._work is None:
            self.discard()
            raise ValueError(f"ShardWriter: nothing was written, so there is no {self.folder}")
        index = {
            "format": FORMAT,
            "rows": self._rows,
            "block_size": self.block_size,
            "shard_blocks": self.shard_blocks,
            "fields": [[descr, list(shape)] for descr, shape in self._fields],
            "crc32": self._sums,
        }
        text = json.dumps(index).encode()
        if len(text) > LONGEST_INDEX:
            self.discard()
            raise ValueError(
                f"ShardWriter: an index of {len(text):,} bytes, {LONGEST_INDEX:,} at most; take a "
                f"block_size larger than {self.block_size}"
            )
        with open(self._work / INDEX, "xb") as file:
            file.write(text)
            _store(file)
        self._work.chmod(0o777 & ~_umask())  # mkdtemp's are the user's alone
        os.rename(self._work, self.folder)
        self._work = None

    def discard(self) -> None:
        """Remove what was written."""
        for file in self._files:
            file.close()
        self._files = []
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
            self._work = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.discard()
            return
        with contextlib.ExitStack() as stack:
            stack.callback(self.discard)  # what a failed end leaves
            self.close()


def _store(file: BinaryIO) -> None:
    """Close a file whose content is on the disk."""
    with file:
        file.flush()
        os.fsync(file.fileno())


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _whole(value: Any, low: int = 0, high: int = LARGEST) -> bool:
    return type(value) is int and low <= value <= high


class ShardDataset(BlockDataset):
    """What a `ShardWriter` wrote: samples are tuples, of which little is in memory.

    Heads and sizes of all files are compared with the index now, and each block with its checksum
    when it is first read. A `BlockSampler` shuffles it without jumping about.

    Args:
        folder: the set's folder.
        cached_blocks: how many blocks are held in memory.

    Raises:
        FileError: a file is missing, damaged, or of another set; the message names it.
    """

    def __init__(self, folder: StrPath, *, cached_blocks: int = 64) -> None:
        path = Path(folder) / INDEX
        if not path.exists():
            raise FileError(f"{folder} is not a data set in shards: it has no {INDEX}")
        with reading(path, "an index of shards"):
            index = _checked(parse(read_bytes(path, LONGEST_INDEX)))
        most = index["block_size"] * index["shard_blocks"]
        shards = [
            [
                _file(Path(folder) / _name(shard, field), described, count)
                for field, described in enumerate(index["fields"])
            ]
            for shard, first in enumerate(range(0, index["rows"], most))
            for count in [min(most, index["rows"] - first)]
        ]
        super().__init__(shards, index["block_size"], cached_blocks, index["crc32"])


def _file(path: Path, described: tuple[str, tuple[int, ...]], count: int) -> Rows:
    """One file of a shard, which must be what the index says."""
    try:
        rows = rows_of(path)
    except FileNotFoundError:
        raise FileError(f"{path}: is missing from its data set") from None
    found = (rows.dtype.str, rows.shape, rows.length)
    if found != (*described, count):
        raise FileError(f"{path}: has rows {found}, but {INDEX} says {(*described, count)}")
    return rows


def _checked(index: Any) -> dict[str, Any]:
    """An index whose parts agree with each other, the fields as (dtype, shape of a row)."""
    if type(index) is not dict or index.keys() != _KEYS:
        raise Malformed("its entries are others than ours")
    if index["format"] != FORMAT:
        raise Malformed(f"its format is {about(index['format'])}, not {FORMAT!r}")
    for key in ("rows", "block_size", "shard_blocks"):
        if not _whole(index[key], 1):
            raise Malformed(f"its {key} is {about(index[key])}")
    fields = index["fields"]
    if type(fields) is not list or not 1 <= len(fields) <= MOST_FIELDS:
        raise Malformed(f"its fields are {about(fields)}")
    described = [_described(field) for field in fields]
    blocks = -(-index["rows"] // index["block_size"])
    shards = -(-blocks // index["shard_blocks"])
    sums = index["crc32"]
    if type(sums) is not list or len(sums) != shards:
        raise Malformed(f"it has checksums for {about(sums)}, not for a list of {shards} shards")
    for shard, of_shard in enumerate(sums):
        count = min(index["shard_blocks"], blocks - shard * index["shard_blocks"])
        if type(of_shard) is not list or len(of_shard) != len(fields):
            raise Malformed(f"its checksums of shard {shard} are {about(of_shard)}")
        for of_field in of_shard:
            if type(of_field) is not list or len(of_field) != count:
                raise Malformed(f"its checksums of shard {shard} are not of {count} blocks")
            if not all(_whole(number, 0, 2**32 - 1) for number in of_field):
                raise Malformed(f"a checksum of shard {shard} is no 32-bit number")
    return index | {"fields": described}


def _described(field: Any) -> tuple[str, tuple[int, ...]]:
    if type(field) is list and len(field) == 2 and type(field[1]) is list:
        descr, shape = field
        if type(descr) is str and descr in DTYPES and all(_whole(size) for size in shape):
            return descr, tuple(shape)
    raise Malformed(f"a field is {about(field)}")
