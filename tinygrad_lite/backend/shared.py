"""Arrays of the host in memory that several processes share: a file in memory, which each maps.

A forked process has the mapping already. One that is started anew opens the file by its path, which
comes with a pickled tensor (`multiprocessing.py`). The file is removed when the process that made
it lets go of its array.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from typing import Any

import numpy as np

from .flat import root

__all__ = ["attach", "place_of", "share"]

Place = tuple[str, str, tuple[int, ...], tuple[int, ...], int]
"""A path, and where in the file an array is: dtype, shape, strides, offset."""

_paths: dict[int, str] = {}  # by the address of the mapped memory


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def _mapped(file: int, path: str) -> Any:
    """A file's bytes as an array, known by its address while it lives."""
    import mmap  # here: few programs share tensors

    flat = np.frombuffer(mmap.mmap(file, 0), np.uint8)
    _paths[_address(flat)] = path
    weakref.finalize(flat, _paths.pop, _address(flat), None)
    return flat


def _remove(path: str, owner: int) -> None:
    if os.getpid() == owner:  # not a forked process, which has inherited this
        with contextlib.suppress(OSError):
            os.unlink(path)


def share(array: Any) -> Any:
    """A copy of an array in shared memory, in the same memory order.

    The array itself if it is in shared memory already, or has no elements.
    """
    if place_of(array) is not None or array.nbytes == 0:
        return array
    import tempfile  # which imports more than all else here, and few share memory

    folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
    file, path = tempfile.mkstemp(prefix="tinygrad_lite-", dir=folder)
    try:
        os.ftruncate(file, array.nbytes)
        flat = _mapped(file, path)
    finally:
        os.close(file)
    weakref.finalize(flat, _remove, path, os.getpid())
    like = np.empty_like(array)  # dense, in the order of the array
    made: Any = np.ndarray(array.shape, array.dtype, flat, 0, like.strides)
    made[...] = array
    return made


def place_of(array: Any) -> Place | None:
    """Where in shared memory an array is; None if it is not there."""
    if not isinstance(array, np.ndarray):
        return None
    whole = root(array)
    path = _paths.get(_address(whole))
    if path is None:
        return None
    return path, array.dtype.str, array.shape, array.strides, _address(array) - _address(whole)


def attach(place: Place) -> Any:
    """The array of a place, in the memory that all who attach it share.

    Raises:
        FileNotFoundError: the process that shared it has ended, or let go of it.
    """
    path, dtype, shape, strides, offset = place
    file = os.open(path, os.O_RDWR)
    try:
        flat = _mapped(file, path)
    finally:
        os.close(file)
    return np.ndarray(shape, np.dtype(dtype), flat, offset, strides)
