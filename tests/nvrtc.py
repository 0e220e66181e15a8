"""NVIDIA's run-time compiler from its own package: kernels compiled where there is no GPU.

`pip install nvidia-cuda-nvrtc` (the extra `cuda-check`) is all it needs.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from tests.cuda_host import kept


class Usage(NamedTuple):
    """What a kernel takes of a multiprocessor, as the assembler reports it."""

    registers: int
    spills: int  # bytes stored
    stack: int  # bytes
    shared: int  # bytes, without the dynamic part


@functools.cache
def library() -> Any:
    """NVRTC, or None where its package is not installed."""
    found = importlib.util.find_spec("nvidia")
    for root in found.submodule_search_locations or () if found else ():
        for path in sorted(Path(root).glob("**/libnvrtc.so.*")):
            return ctypes.CDLL(str(path))
    return None


def _text(size: Any, get: Any, program: Any) -> str:
    n = ctypes.c_size_t()
    size(program, ctypes.byref(n))
    buffer = ctypes.create_string_buffer(n.value + 1)
    get(program, buffer)
    return buffer.value.decode()


def compile_kernels(source: str, name: str, options: tuple[str, ...]) -> dict[str, Usage]:
    """Compile a source and say what each of its kernels takes.

    Raises:
        RuntimeError: it does not compile; the message is the compiler's log.
    """
    report = kept(".log", source, name, options, library()._name)
    if not report.exists():
        partial = report.with_suffix(f".{os.getpid()}")
        partial.write_text(_report(source, name, options), encoding="utf-8")
        partial.rename(report)
    return parse(report.read_text(encoding="utf-8"))


def _report(source: str, name: str, options: tuple[str, ...]) -> str:
    """The log of the compilation, which ends with the assembler's report."""
    lib, program = library(), ctypes.c_void_p()
    code = lib.nvrtcCreateProgram(
        ctypes.byref(program), source.encode(), name.encode(), 0, None, None
    )
    assert code == 0
    try:
        words = [o.encode() for o in (*options, "--ptxas-options=-v")]
        code = lib.nvrtcCompileProgram(program, len(words), (ctypes.c_char_p * len(words))(*words))
        log = _text(lib.nvrtcGetProgramLogSize, lib.nvrtcGetProgramLog, program)
    finally:
        lib.nvrtcDestroyProgram(ctypes.byref(program))
    if code:
        raise RuntimeError(f"{name} with {' '.join(options)}: NVRTC's error {code}\n{log}")
    return log


def parse(log: str) -> dict[str, Usage]:
    """The assembler's report (ptxas -v) by kernel."""
    found = {}
    for part in re.split(r"Compiling entry function '", log)[1:]:
        kernel = part.partition("'")[0]

        def number(pattern: str, part: str = part) -> int:
            match = re.search(pattern, part)
            return int(match[1]) if match else 0

        found[kernel] = Usage(
            registers=number(r"Used (\d+) registers"),
            spills=number(r"(\d+) bytes spill stores"),
            stack=number(r"(\d+) bytes stack frame"),
            shared=number(r"(\d+) bytes smem"),
        )
    return found
