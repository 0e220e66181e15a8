"""PyTorch's checkpoints from before 1.6: pickles one behind another, and then the storages.

The pickles are of a magic number, of the format's version, of what the machine was like, of the
value, and of the keys of its storages. Behind them comes each storage in that order: how many
elements it has (8 bytes), and these. `torch.save(…, _use_new_zipfile_serialization=False)` writes
such files still. They have no checksums.
"""

from __future__ import annotations

from typing import Any

from ..backend import numpy
from ..files import Malformed, about
from ..files.machine import Machine
from ..files.pickles import run
from ..files.torch_pickles import TorchMachine, read_pickle
from .place import Mapped
from .pytorch import LONGEST, Tensors, check

__all__ = ["read"]

_VERSION = 1001


def read(file: Any, size: int, to: Mapped) -> Any:
    """The value in such a file.

    Args:
        file: it, open; it is read from its start.
        size: how many bytes it has.
        to: is told on which device each storage was.

    Raises:
        Malformed: it is damaged, or holds something else than tensors and plain values.
    """
    file.seek(0)
    content = file.read(min(size, LONGEST))
    _, at = _plain(content, 0)  # the magic number, by which it was known
    version, at = _plain(content, at)
    machine, at = _plain(content, at)
    if version != _VERSION or type(version) is not int:
        raise Malformed(f"it is of version {about(version)} of PyTorch's format from before 1.6")
    if type(machine) is not dict or machine.get("little_endian") is not True:
        raise Malformed("its numbers are big-endian")
    left = size

    def memory(_: str, count: int) -> Any:
        nonlocal left
        left -= count
        if left < 0:
            raise Malformed(f"its storages have more bytes than the file, {size:,}")
        return numpy.zeros(count, "uint8")

    # The storages come last: the first reading is for what they are, and where they begin.
    maker = Tensors(memory, to)
    at, begin = _value(content, at, maker)[1], at
    keys, at = _plain(content, at)
    found = maker.found
    if type(keys) is not list or {*map(str, keys)} != {*found} or len(keys) != len(found):
        raise Malformed(f"it lists other storages, {about(keys)}, than its value has")
    file.seek(at)
    for key in keys:
        array = found[str(key)].array
        length = file.read(8)
        if len(length) < 8:
            raise Malformed("it ends within a storage")
        count = int.from_bytes(length, "little", signed=True)
        if count != array.size:
            raise Malformed(f"a storage of {array.size:,} elements has {about(count)}")
        if array.size and file.readinto(array.view("uint8")) != array.nbytes:
            raise Malformed("it ends within a storage")
        check(found[str(key)])
    if file.read(1):
        raise Malformed("there is more behind its last storage")
    return _value(content, begin, maker)[0]


def _plain(content: bytes, at: int) -> tuple[Any, int]:
    """The plain value whose pickle begins at a place, and the place behind it."""
    machine = Machine(content, ())
    machine.at = at
    return run(machine), machine.at


def _value(content: bytes, at: int, maker: Tensors) -> tuple[Any, int]:
    """The same of a value with tensors."""
    machine = TorchMachine(content, maker.storage, maker.tensor, maker.parameter)
    machine.at = at
    return read_pickle(machine), machine.at
