"""CUDA kernels on the host: what `cupy.RawModule` would run on a GPU, compiled by g++.

`Module` stands for `cupy.RawModule`, over arrays of `tests.strict`. Every launch is checked:
the number of arguments, their sizes and the arrays' dtypes against the kernel's parameters;
writes outside of an array; and what `cuda_host.hpp` finds. `device.emulated()` makes the
strict device run the kernels of `backend.cuda` in this way.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tests import strict
from tests.strict import StrictArray

HEADER = Path(__file__).with_name("cuda_host.hpp")
RUNTIME = HEADER.with_name("runtime.cpp")
COMPILER = shutil.which("g++")
KEPT = "TINYGRAD_LITE_CUDA_HOST"  # the environment's name of the folder
MONTH = 30 * 86400.0  # seconds
GUARD = 4096  # bytes of NaNs on either side of an array
CHECKS = "alignment,null,bounds,signed-integer-overflow,integer-divide-by-zero,shift"
FLAGS = ["-std=c++17", "-O0", "-fPIC", "-w", "-fno-strict-aliasing", "-ffp-contract=off",
         "-fno-weak", f"-fsanitize={CHECKS}"]  # fmt: skip

_KERNEL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\s*\([^()]*\)\s*)?(\w+)\s*\(")


class LaunchError(RuntimeError):
    """A kernel did, or was asked to do, what a GPU would not survive."""


def folder() -> Path:
    """Where what is compiled is kept: see `keep_compiled`; before that, for this process."""
    return Path(os.environ.get(KEPT) or _of_this_process().name)


@functools.cache
def _of_this_process() -> tempfile.TemporaryDirectory[str]:
    """A folder that goes when the process ends."""
    return tempfile.TemporaryDirectory(prefix="tinygrad_lite-cuda-host-")


def keep_compiled(where: Path) -> None:
    """Keep what compilers make in a folder: for all processes, and from one run to the next.

    A file's name is the hash of what it was made from. What no run has used for a month goes.
    """
    os.environ.setdefault(KEPT, str(where))
    for file in where.iterdir():
        with suppress(FileNotFoundError):  # another process is doing the same
            if time.time() - file.stat().st_mtime > MONTH:
                file.unlink()


def kept(name: str, *made_from: Any) -> Path:
    """A file in that folder for what is made from some values; its `exists` says if it was."""
    key = hashlib.sha256(repr(made_from).encode()).hexdigest()
    path = folder() / f"{key[:32]}{name}"
    with suppress(FileNotFoundError):
        os.utime(path)  # it is in use
    return path


def _run(command: list[str], text: str = "") -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise LaunchError(f"g++: {done.stderr[:4000]}")


@functools.cache
def _header() -> Path:
    """The header to include, compiled beside it: reading it takes longer than most kernels."""
    text = HEADER.read_text()
    path = kept(".hpp", text, FLAGS)
    compiled = path.with_suffix(".hpp.gch")
    if not (path.exists() and compiled.exists()):
        partial = path.with_suffix(f".{os.getpid()}")
        _run([COMPILER or "g++", *FLAGS, "-xc++-header", str(HEADER), "-o", str(partial)])
        partial.rename(compiled)
        # Included where other options forbid the compiled one.
        partial.write_text(f'#include "{HEADER}"\n')
        partial.rename(path)
    os.utime(compiled)
    return path


@functools.cache
def _runtime(words: tuple[str, ...]) -> Path:
    """What runs blocks, compiled for the words among a kernel's that are about it."""
    path = kept(".runtime.o", RUNTIME.read_text(), HEADER.read_text(), words)
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}")
        options = ["-std=c++17", "-O1", "-fPIC", "-w"]
        _run([COMPILER or "g++", *options, *words, "-c", str(RUNTIME), "-o", str(partial)])
        partial.rename(path)
    return path


@functools.cache
def build(code: str, options: tuple[str, ...]) -> ctypes.CDLL:
    """A library of the kernels of a source text; compiled once for one text and options."""
    path = kept(".so", code, HEADER.read_text(), RUNTIME.read_text(), options, FLAGS)
    if not path.exists():
        words = [o for o in options if not o.startswith("-std")]
        made, partial = (path.with_suffix(f".{os.getpid()}.{end}") for end in ("o", "so"))
        compiler = COMPILER or "g++"
        exports = [f"EXPORT({name})\n" for name in _kernels(compiler, code, words)]
        flags = [*words, *FLAGS, "-include", str(_header())]
        if "wgmma" in code:  # tensor cores that a loop stands for: they run longer than this takes
            flags.append("-O1")
        command = [compiler, *flags, "-xc++", "-", "-c", "-o", str(made)]
        _run(command, f"{code}\n{''.join(exports)}")
        # Linked without the sanitizers' own library: the runtime defines what they call.
        runtime = _runtime(tuple(word for word in words if word.startswith("-DHOST_")))
        _run([compiler, "-shared", "-o", str(partial), str(made), str(runtime)])
        partial.rename(path)
        made.unlink()
    return ctypes.CDLL(str(path))


def _kernels(compiler: str, code: str, words: list[str]) -> list[str]:
    """The names of the kernels, those that macros make among them."""
    command = [compiler, *words, "-E", "-P", "-DCUDA_HOST", "-xc++", "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=True)
    return list(dict.fromkeys(_KERNEL.findall(done.stdout)))


class Module:
    """`cupy.RawModule` on the host."""

    def __init__(self, code: str, *, options: tuple[str, ...] = ()) -> None:
        self.code, self.options = code, tuple(options)

    def get_function(self, name: str) -> Kernel:
        """The kernel of a name; this compiles the module."""
        library = build(self.code, self.options)
        if not hasattr(library, f"host_launch_{name}"):
            raise LaunchError(f"no kernel {name} in the source")
        return Kernel(library, name)


class Kernel:
    """A kernel that runs on the host, called as CuPy's are."""

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self.name = name
        self.max_dynamic_shared_size_bytes = 48 << 10  # as on a GPU, until more is asked for
        self._launch = getattr(library, f"host_launch_{name}")
        self._launch.restype = ctypes.c_char_p
        signature = getattr(library, f"host_signature_{name}")
        signature.restype = ctypes.c_char_p
        self.signature = signature().decode().split()

    def __call__(
        self, grid: Any, block: Any, args: tuple[Any, ...], *, shared_mem: int = 0
    ) -> None:
        sizes = (*grid, 1, 1)[:3] + (*block, 1, 1)[:3]
        self._check_sizes(sizes, shared_mem)
        if len(args) != len(self.signature):
            raise LaunchError(
                f"{self.name}: {len(args)} arguments for {len(self.signature)} parameters"
            )
        hosts = [a._host for a in args if isinstance(a, StrictArray)]
        strict._do(lambda: self._run(sizes, args, shared_mem), hosts)

    def _run(self, sizes: tuple[int, ...], args: tuple[Any, ...], shared: int) -> None:
        buffers = _Buffers()
        cells = [
            self._cell(place, value, kind, buffers)
            for place, (value, kind) in enumerate(zip(args, self.signature, strict=True))
        ]
        pointers = (ctypes.c_void_p * len(cells))(*(c.ctypes.data for c in cells))
        error = self._launch((ctypes.c_uint * 6)(*sizes), ctypes.c_uint(shared), pointers)
        if error:
            raise LaunchError(f"{self.name}: {error.decode()}")
        buffers.give_back(self.name)
        _launched.append(self.name)

    def _check_sizes(self, sizes: tuple[int, ...], shared: int) -> None:
        most = (2**31 - 1, 65535, 65535, 1024, 1024, 64)
        good = all(1 <= n <= m for n, m in zip(sizes, most, strict=True))
        if not good or np.prod(sizes[3:]) > 1024 or shared > self.max_dynamic_shared_size_bytes:
            raise LaunchError(f"{self.name}: launch of {sizes} with {shared} bytes shared")

    def _cell(self, place: int, value: Any, kind: str, buffers: _Buffers) -> Any:
        """Eight bytes that hold an argument's value."""
        pointer = kind.endswith("*")
        what = f"{self.name}: parameter {place} is {kind}"
        if isinstance(value, StrictArray):
            code = kind.rstrip("*").removesuffix("const")
            dtype = value.dtype
            fits = code == "v0" or code == f"{dtype.kind}{dtype.itemsize}" or (
                (code, dtype.kind) in (("s2", "f"), ("s2", "V"), ("u1", "b"), ("u1", "u"))
                and int(code[1:]) == dtype.itemsize
            )  # fmt: skip
            if not pointer or not fits:
                raise LaunchError(f"{what}, the argument an array of {dtype}")
            return np.array(buffers.address(value), np.uintp)
        if isinstance(value, np.ndarray):  # a structure, by value
            if value.size != 1 or value.dtype.kind != "V" or kind != f"s{value.itemsize}":
                raise LaunchError(f"{what}, the argument {value.size} of {value.dtype}")
            return value
        if not isinstance(value, np.generic):
            raise LaunchError(f"{what}, the argument {value!r} of no fixed size")
        if pointer:
            if value != 0 or value.itemsize != 8:
                raise LaunchError(f"{what}, the argument the number {value}")
        elif (value.dtype.kind, value.itemsize) != (kind[0], int(kind[1:])):
            raise LaunchError(f"{what}, the argument {value.dtype}")
        return np.array(value)


class _Buffers:
    """Copies of the arrays of a launch, each between guards."""

    def __init__(self) -> None:
        self.held: dict[int, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = {}

    def address(self, array: StrictArray) -> int:
        """Where the array begins, in the copy of the memory that it is a part of."""
        root: Any = array._host
        while isinstance(root.base, np.ndarray):
            root = root.base
        low, high = np.lib.array_utils.byte_bounds(root)
        if root.ctypes.data not in self.held:
            memory = np.frombuffer((ctypes.c_char * (high - low)).from_address(low), np.uint8)
            copy = np.full(high - low + 2 * GUARD + 256, 0xFF, np.uint8)
            start = -(copy.ctypes.data + GUARD) % 256 + GUARD  # as CuPy aligns
            copy = copy[: start + high - low + GUARD]
            copy[start : start + high - low] = memory
            self.held[root.ctypes.data] = memory, copy
        memory, copy = self.held[root.ctypes.data]
        inside = int(array._host.ctypes.data) - low
        return int(copy.ctypes.data) + len(copy) - GUARD - (high - low) + inside

    def give_back(self, name: str) -> None:
        """Copy what the kernel wrote back; raise if that was not all in the arrays."""
        for memory, copy in self.held.values():
            start = len(copy) - GUARD - len(memory)
            if (copy[:start] != 0xFF).any() or (copy[start + len(memory) :] != 0xFF).any():
                raise LaunchError(f"{name}: wrote outside of an array")
            memory[:] = copy[start : start + len(memory)]


_launched: list[str] = []


def launched() -> list[str]:
    """The names of the kernels that ran since the last call of this."""
    names = list(_launched)
    _launched.clear()
    return names
