"""A kernel's launch without CuPy's conversion of its arguments.

CuPy makes an object of each argument at each launch, which takes several times as long as the
launch itself. Here a kernel's arguments lie in one buffer, whose places CUDA is told; a launch
writes the values there and calls the driver. CUDA has copied them when the call returns.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np


class Direct:
    """A kernel of CuPy's, with room for the arguments of one launch: for one thread.

    Args:
        library: CuPy.
        kernel: the `cupy.RawKernel`.
        args: arguments as `launch` is given them, for their kinds: every launch has the same.
        wide: whether integers have 64 bits, not 32.
    """

    __slots__ = ("_at", "_driver", "_kernel", "_pack", "_places", "_stream", "_values")

    def __init__(self, library: Any, kernel: Any, args: Sequence[Any], wide: bool) -> None:
        words = [_word(a, "q" if wide else "i4x") for a in args]
        sizes = [struct.calcsize(f"<{word}") for word in words]
        self._values = ctypes.create_string_buffer(sum(sizes))
        first = ctypes.addressof(self._values)
        places = [first + sum(sizes[:i]) for i in range(len(sizes))]
        self._places = (ctypes.c_void_p * len(places))(*places)
        self._at = ctypes.addressof(self._places)
        self._pack = struct.Struct("<" + "".join(words)).pack_into
        self._kernel = kernel
        self._driver = library.cuda.driver.launchKernel
        self._stream = library.cuda.get_current_stream
        library.cuda.runtime.memGetInfo()  # a new thread has no context until a call like this

    def __call__(
        self,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        shared: int,
        values: list[Any],
    ) -> None:
        """Run it on the current stream and device.

        Args:
            grid: blocks, in three dimensions.
            block: threads of one, likewise.
            shared: bytes of dynamic shared memory.
            values: for each argument its address, its number, or a structure's bytes.

        Raises:
            struct.error: arguments of other kinds, or an integer that does not fit.
        """
        self._pack(self._values, 0, *values)
        function = self._kernel.kernel.ptr  # of the current device
        self._driver(function, *grid, *block, shared, self._stream().ptr, self._at, 0)


def _word(argument: Any, integer: str) -> str:
    """How `struct` writes an argument, in multiples of eight bytes."""
    if isinstance(argument, np.ndarray):
        return f"{argument.nbytes}s{-argument.nbytes % 8}x"
    if isinstance(argument, float):
        return "d"
    return integer if isinstance(argument, (int, np.integer)) else "Q"
