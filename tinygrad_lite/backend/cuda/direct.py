"""A kernel's launch without CuPy's conversion of its arguments.

CuPy makes an object of each argument at each launch, which takes several times as long as the
launch itself. Here a kernel's arguments lie in one buffer, whose places CUDA is told; a launch
writes the values there and calls the driver. CUDA has copied them when the call returns.
"""

from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

WIDE = 1 << 30  # elements from which an index, plus a step of a loop, may not fit 32 bits


class Direct:
    """A kernel of CuPy's, with room for the arguments of one launch: for one thread.

    Args:
        library: CuPy.
        compiled: gives the `cupy.RawKernel` whose integers have 64 bits (True), or 32.
        args: arguments as `launch` is given them, for their kinds: every launch has the same.
    """

    __slots__ = ("_arrays", "_driver", "_stream", "_tables", "_ways")

    def __init__(self, library: Any, compiled: Callable[[bool], Any], args: Sequence[Any]) -> None:
        kinds = [_kind(a) for a in args]
        self._arrays = tuple(i for i, kind in enumerate(kinds) if kind == "Q")
        self._tables = tuple(i for i, kind in enumerate(kinds) if "s" in kind)
        self._ways = [_Way(compiled, wide, kinds) for wide in (False, True)]
        self._driver = library.cuda.driver.launchKernel
        self._stream = library.cuda.get_current_stream
        library.cuda.runtime.memGetInfo()  # a new thread has no context until a call like this

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], shared: int, args: Sequence[Any]
    ) -> None:
        """Run it on the current stream and device.

        Args:
            grid: blocks, in three dimensions.
            block: threads of one, likewise.
            shared: bytes of dynamic shared memory.
            args: see `launch`.

        Raises:
            struct.error: arguments of other kinds, or an integer that does not fit.
        """
        values, wide = list(args), False
        for i in self._arrays:
            a = values[i]
            if a is None:
                values[i] = 0
            else:
                wide = wide or a.size >= WIDE
                values[i] = a.data.ptr
        for i in self._tables:
            values[i] = values[i].tobytes()
        way = self._ways[wide]
        way.pack(way.values, 0, *values)
        function = way.kernel().kernel.ptr  # of the current device
        self._driver(function, *grid, *block, shared, self._stream().ptr, way.at, 0)


class Prepared:
    """A launch of a kernel of CuPy's of which all but the arrays is settled: for one thread.

    Args:
        library: CuPy.
        kernel: gives the `cupy.RawKernel` of the current device.
        wide: whether its integers have 64 bits.
        arrays: how many come first, of its arguments.
        numbers: the others, integers and floats.
        grid, block: in three dimensions each.
        shared: bytes of dynamic shared memory.
    """

    __slots__ = ("_driver", "_pack", "_sizes", "_stream", "_way")

    def __init__(
        self, library: Any, kernel: Callable[[bool], Any], wide: bool, arrays: int,
        numbers: Sequence[Any], grid: tuple[int, ...], block: tuple[int, ...], shared: int,
    ) -> None:  # fmt: skip
        self._way = _Way(kernel, wide, ["Q"] * arrays + [_kind(a) for a in numbers])
        self._way.pack(self._way.values, 0, *[0] * arrays, *numbers)
        self._pack = struct.Struct("<" + "Q" * arrays).pack_into
        self._sizes = (*grid, *block, shared)
        self._driver = library.cuda.driver.launchKernel
        self._stream = library.cuda.get_current_stream
        library.cuda.runtime.memGetInfo()  # see `Direct`

    def __call__(self, *arrays: Any) -> None:
        """Run it on the current stream and device; None is passed as a null pointer."""
        places = [0 if a is None else a.data.ptr for a in arrays]
        way = self._way
        self._pack(way.values, 0, *places)
        self._driver(way.kernel().kernel.ptr, *self._sizes, self._stream().ptr, way.at, 0)


class _Way:
    """A kernel and the places of its arguments, for integers of one width."""

    __slots__ = ("_places", "at", "kernel", "pack", "values")

    def __init__(self, compiled: Callable[[bool], Any], wide: bool, kinds: list[str]) -> None:
        words = [("q" if wide else "i4x") if kind == "i" else kind for kind in kinds]
        sizes = [struct.calcsize(f"<{word}") for word in words]
        self.kernel = functools.cache(functools.partial(compiled, wide))
        self.values = ctypes.create_string_buffer(sum(sizes))
        first = ctypes.addressof(self.values)
        places = [first + sum(sizes[:i]) for i in range(len(sizes))]
        self._places = (ctypes.c_void_p * len(places))(*places)
        self.at = ctypes.addressof(self._places)
        self.pack = struct.Struct("<" + "".join(words)).pack_into


def _kind(argument: Any) -> str:
    """The `struct` format of an argument, of a multiple of 8 bytes; "i" stands for any integer."""
    if isinstance(argument, np.ndarray):
        return f"{argument.nbytes}s{-argument.nbytes % 8}x"
    if isinstance(argument, float):
        return "d"
    return "i" if isinstance(argument, (int, np.integer)) else "Q"
