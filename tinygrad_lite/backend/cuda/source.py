"""CUDA C++ of our own: reading it, compiling it on first use, launching it.

The kernels lie in `kernels/*.cu`. A file is compiled by NVRTC through `cupy.RawModule` the
first time one of its kernels is launched for a dtype, and CuPy keeps the result on disk.
`kernels/common.cuh` says what the dtype means in there. `Direct` launches without CuPy's own
conversion of arguments.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import threading
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from ..dtypes import name_of
from .direct import WIDE as WIDE
from .direct import Direct, Prepared

TYPES = {"float32": "float", "float64": "double", "float16": "float16", "bfloat16": "bfloat16"}
"""C++'s names of the dtypes that kernels are compiled for."""

BLOCK = 256  # threads
USUAL_SHARED = 48 << 10  # bytes of shared memory that a block gets without asking
MOST_BLOCKS = 1 << 16  # enough to fill any GPU many times; a kernel's loop takes the rest
MOST_PLANS = 4096  # of a thread
ONLY_HOPPER = ("conv_hopper",)  # files that need compute capability 9.0, and that exactly

_INCLUDE = re.compile(r'^#include "(.+)"$', re.MULTILINE)


def supports(*arrays: Any) -> bool:
    """Whether kernels can be compiled for the arrays' one dtype (None counts as any)."""
    one = None
    for a in arrays:
        if a is not None:
            dtype = a.dtype
            if one is None:
                if name_of(dtype) not in TYPES:
                    return False
                one = dtype
            elif dtype is not one and dtype != one:
                return False
    return one is not None


@functools.cache
def source(name: str) -> str:
    """The text of a kernel file, such as "conv.cu", with our own headers in it, each once.

    `#line` keeps the compiler's messages pointing at the files as they are.
    """
    folder = resources.files(__package__) / "kernels"
    seen: set[str] = set()

    def read(file: str) -> str:
        seen.add(file)
        text = (folder / file).read_text(encoding="utf-8")

        def include(found: re.Match[str]) -> str:
            after = text.count("\n", 0, found.start()) + 2
            inner = "" if found[1] in seen else read(found[1])
            return f'{inner}\n#line {after} "{file}"'

        return f'#line 1 "{file}"\n' + _INCLUDE.sub(include, text)

    return read(name)


def options(dtype: str, *, wide: bool = False, defines: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The compiler's options for a dtype's name; each of `defines` is a macro, "NAME=value"."""
    words = ["-std=c++17", f"-DSCALAR={TYPES[dtype]}"]
    if wide:
        words.append("-DWIDE_INDEX")
    return (*words, *(f"-D{define}" for define in defines))


@functools.cache
def function(
    library: Any,
    file: str,
    kernel: str,
    dtype: str,
    wide: bool,
    defines: tuple[str, ...],
    shared: int = 0,
) -> Any:
    """A kernel, ready to be called as (grid, block, arguments, shared_mem=bytes).

    `shared` is the dynamic shared memory that it may be given beyond the usual 48 KiB.
    """
    found = _module(library, file, dtype, wide, defines).get_function(kernel)
    if shared:
        found.max_dynamic_shared_size_bytes = shared
    return found


@functools.cache
def _module(library: Any, file: str, dtype: str, wide: bool, defines: tuple[str, ...]) -> Any:
    words, text = options(dtype, wide=wide, defines=defines), source(f"{file}.cu")
    if file in ONLY_HOPPER and is_cupy(library):
        return library.RawModule(path=cubin(text, (*words, "-arch=sm_90a")))
    return library.RawModule(code=text, options=words)


def is_cupy(library: Any) -> bool:
    """Whether `library` is CuPy itself, not a stand-in."""
    return getattr(library, "__name__", "") == "cupy"


@functools.cache
def is_hopper(library: Any) -> bool:
    """Whether the GPU can run the files in `ONLY_HOPPER`; a stand-in for CuPy can."""
    return not is_cupy(library) or library.cuda.Device().compute_capability == "90"


def cubin(text: str, words: tuple[str, ...]) -> str:
    """The path of a file of machine code: CUDA C++ compiled for the architecture in `words`.

    CuPy itself compiles for a generation of GPUs, and so without instructions that only one GPU of
    it has, such as Hopper's (sm_90a). The file lies where CuPy keeps its own.

    Args:
        text: the source.
        words: options of the compiler, "-arch=…" among them.
    """
    from cupy.cuda import compiler

    key = hashlib.sha256(repr((text, words, compiler._get_nvrtc_version())).encode()).hexdigest()
    folder = Path(os.environ.get("CUPY_CACHE_DIR", "~/.cupy/kernel_cache")).expanduser()
    path = folder / f"tinygrad_lite-{key[:40]}.cubin"
    if not path.exists():
        words = (*words, "-ftz=true", "--device-as-default-execution-space")  # as CuPy does
        code, _ = compiler._NVRTCProgram(text, "kernels.cu", method="cubin").compile(words)
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_bytes(code)
        partial.replace(path)
    return str(path)


def launch(
    xp: Any,
    file: str,
    kernel: str,
    dtype: Any,
    args: tuple[Any, ...],
    *,
    count: int | None = None,
    grid: int | tuple[int, ...] = 1,
    block: int | tuple[int, ...] = BLOCK,
    shared: int = 0,
    defines: tuple[str, ...] = (),
) -> None:
    """Run a kernel on the current stream.

    Args:
        xp: the namespace of the arrays.
        file: where the kernel is, without ".cu".
        kernel: its name.
        dtype: what `T` is there (a dtype, or its name).
        args: arrays, whose memory it is given; integers, which arrive as `Index`; floats, as
            `double`; None, as a null pointer.
        count: items to share out, one a thread; sets the grid. The kernel must loop in steps
            of the grid, because it may be smaller. With no items nothing runs.
        grid: how many blocks (in up to three dimensions), where no count is given.
        block: threads of one block.
        shared: bytes of dynamic shared memory.
        defines: macros to compile with, such as "KERNEL=3".
    """
    block = block if isinstance(block, tuple) else (block,)
    if count is not None:
        grid = min(-(-count // block[0]), MOST_BLOCKS)
    grid = grid if isinstance(grid, tuple) else (grid,)
    if 0 in grid:
        return
    grid, block = (*grid, 1, 1)[:3], (*block, 1, 1)[:3]
    beyond = shared if shared > USUAL_SHARED else 0
    key = xp.library, file, kernel, dtype, defines, beyond
    direct = _local.ready.get(key)
    if direct is None:
        name = dtype if isinstance(dtype, str) else name_of(dtype)

        def compiled(wide: bool) -> Any:
            return function(xp.library, file, kernel, name, wide, defines, beyond)

        if not hasattr(xp.library, "RawKernel"):  # not CuPy
            wide = any(getattr(a, "size", 0) >= WIDE for a in args)
            compiled(wide)(grid, block, _converted(args, wide), shared_mem=shared)
            return
        direct = _local.ready[key] = Direct(xp.library, compiled, args)
    direct(grid, block, shared, args)


def prepare(
    xp: Any,
    file: str,
    kernel: str,
    dtype: Any,
    arrays: int,
    numbers: tuple[Any, ...],
    *,
    size: int = 0,
    count: int | None = None,
    grid: int | tuple[int, ...] = 1,
    block: int | tuple[int, ...] = BLOCK,
    shared: int = 0,
    defines: tuple[str, ...] = (),
) -> Callable[..., None]:
    """A launch as a function of its arrays alone, which come before its numbers: for one thread.

    Args:
        xp, file, kernel, dtype, count, grid, block, shared, defines: as of `launch`.
        arrays: how many there are; None stands for a null pointer.
        numbers: the other arguments, integers and floats.
        size: elements of the largest array.
    """
    if not hasattr(xp.library, "RawKernel"):  # not CuPy
        sizes = {"count": count, "grid": grid, "block": block, "shared": shared}
        words: dict[str, Any] = {**sizes, "defines": defines}
        return lambda *given: launch(xp, file, kernel, dtype, (*given, *numbers), **words)
    block = block if isinstance(block, tuple) else (block,)
    if count is not None:
        grid = min(-(-count // block[0]), MOST_BLOCKS)
    grid = grid if isinstance(grid, tuple) else (grid,)
    if 0 in grid:
        return lambda *given: None
    name = dtype if isinstance(dtype, str) else name_of(dtype)
    beyond = shared if shared > USUAL_SHARED else 0

    def compiled(wide: bool) -> Any:
        return function(xp.library, file, kernel, name, wide, defines, beyond)

    grid, block = (*grid, 1, 1)[:3], (*block, 1, 1)[:3]
    return Prepared(xp.library, compiled, size >= WIDE, arrays, numbers, grid, block, shared)


def plan(make: Callable[..., Any], xp: Any, *key: Any) -> Any:
    """`make(xp, *key)`, called once in each thread for a key, and kept: all that shapes settle."""
    plans = _local.plans
    found = plans.get((make, xp, key))
    if found is None:
        if len(plans) >= MOST_PLANS:  # of shapes that always change
            plans.clear()
        found = plans[make, xp, key] = make(xp, *key)
    return found


def forget_plans() -> None:
    """Let this thread make all plans anew: what they depend on beside their keys has changed."""
    _local.plans.clear()


class _Local(threading.local):
    """What this thread has made ready: a `Direct` and a `Prepared` have room for one launch."""

    def __init__(self) -> None:
        self.ready: dict[Any, Direct] = {}
        self.plans: dict[Any, Any] = {}


_local = _Local()


def _converted(args: tuple[Any, ...], wide: bool) -> tuple[Any, ...]:
    """Arguments of fixed sizes, as `cupy.RawKernel` takes them."""
    index = np.int64 if wide else np.int32
    values: list[Any] = []
    for a in args:
        if a is None:
            values.append(np.uintp(0))  # there is no null pointer: an integer of its size
        elif isinstance(a, (int, np.integer)):
            values.append(index(a))
        elif isinstance(a, float):
            values.append(np.float64(a))
        else:
            values.append(a)
    return tuple(values)
