"""Puts the emulated CUDA under CuPy: call `install()` before anything imports CuPy.

CuPy's wheel holds a copy of CUDA's runtime. Its functions are found by the wheel's symbol table
and each begins, in this process, with a jump to the one of driver.c. Kernels that CuPy would give
to NVRTC go to g++ with the header of `tests/cuda_host`.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests import cuda_host

HERE = Path(__file__).parent
FLAGS = ["-std=c++17", "-O1", "-fPIC", "-w", "-fpermissive", "-fno-strict-aliasing", "-fno-weak",
         "-ffp-contract=off", "-D__CUDA_ARCH__=900"]  # fmt: skip
_SHARED = re.compile(r"extern\s+__shared__\s+(?:__align__\(\d+\)\s+)?([\w :<>]+?)\s*(\w+)\[\];")
_KERNEL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\s*\([^()]*\)\s*)?(\w+)")


def _compiled(name: str, command: list[str], text: str = "") -> Path:
    """A file that a compiler makes, once for one text and command."""
    headers = [cuda_host.HEADER, cuda_host.RUNTIME, *sorted(HERE.glob("include/**/*.[hc]*"))]
    read = [h.read_text() for h in headers if h.suffix != ".gch"]
    path = cuda_host.kept(name, command, text, read)
    if not path.exists():
        partial = path.with_name(f"{os.getpid()}-{path.name}")
        done = subprocess.run([*command, "-o", str(partial)], input=text, capture_output=True,
                              text=True)  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr[:2000]}")
        partial.rename(path)
    return path


class Emulated:
    """The emulated CUDA of this process.

    Attributes:
        sources: of the modules that CuPy has compiled, with their options.
    """

    def __init__(self) -> None:
        driver = HERE / "driver.c"
        command = ["gcc", "-shared", "-fPIC", "-O1", "-w", "-Wl,-soname,libcuda.so.1", "-xc", "-"]
        self._driver = ctypes.CDLL(
            str(_compiled("-libcuda.so.1", command, driver.read_text())), mode=ctypes.RTLD_GLOBAL
        )
        self.sources: list[tuple[str, tuple[str, ...]]] = []
        self._kept: list[Any] = []
        self._calls: list[Callable[[], None]] = []
        self._libraries: dict[int, ctypes.CDLL] = {}
        resolve = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_long, ctypes.c_char_p)
        call = ctypes.CFUNCTYPE(None, ctypes.c_long)
        self._kept += [resolve(self._resolve), call(lambda number: self._calls[number]())]
        self._driver.emulated_connect(*self._kept)

    def replace(self, path: str) -> None:
        """Let the functions of CUDA's runtime in a loaded library begin with jumps to ours."""
        maps = Path("/proc/self/maps").read_text().splitlines()
        start = min(int(line.split("-")[0], 16) for line in maps if line.endswith(path))
        table = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
        protect = ctypes.CDLL(None).mprotect
        for offset, name in re.findall(r"^([0-9a-f]+) t (cuda[A-Z]\w+)$", table, re.MULTILINE):
            ours = getattr(self._driver, f"emulated_{name}", None) or self._missing(name)
            target = ctypes.cast(ours, ctypes.c_void_p).value or 0
            place = start + int(offset, 16)
            assert protect(ctypes.c_void_p(place & ~4095), ctypes.c_size_t(8192), 7) == 0
            ctypes.memmove(place, b"\x48\xb8" + target.to_bytes(8, "little") + b"\xff\xe0", 12)

    def _missing(self, name: str) -> Any:
        def refuse() -> int:
            print(f"the emulated CUDA has no {name}", file=sys.stderr)
            return 801  # cudaErrorNotSupported

        self._kept.append(ctypes.CFUNCTYPE(ctypes.c_int)(refuse))
        return self._kept[-1]

    def nvrtc(self, source: str, options: tuple[str, ...] = (), *args: Any, **words: Any) -> Any:
        """In the place of CuPy's call of NVRTC: the "code" is the number of the source."""
        self.sources.append((source, tuple(options)))
        return str(len(self.sources) - 1).encode(), None

    def _resolve(self, kernel: int, module: int, name: bytes) -> None:
        """Tell the driver where a kernel is."""
        if module not in self._libraries:
            self._libraries[module] = self._build(*self.sources[module])
        library, word = self._libraries[module], name.decode()
        signature = getattr(library, f"host_signature_{word}")
        signature.restype = ctypes.c_char_p
        run = ctypes.cast(getattr(library, f"host_launch_{word}"), ctypes.c_void_p)
        self._driver.emulated_fill(ctypes.c_void_p(kernel), run, ctypes.c_char_p(signature()))

    def _build(self, source: str, options: tuple[str, ...]) -> ctypes.CDLL:
        defines = tuple(o for o in options if o.startswith("-D"))
        if any(o.startswith("-DSCALAR") for o in defines):  # a kernel of ours
            return cuda_host.build(source, defines)
        import cupy

        text = _SHARED.sub(r"\1* \2 = (\1*)host::dynamic_shared();", source)
        text += "".join(f"\nEXPORT({name})" for name in dict.fromkeys(_KERNEL.findall(source)))
        header = ["g++", *FLAGS, "-xc++-header", str(HERE / "include" / "cupy_host.hpp")]
        ready = str(_compiled(".hpp.gch", header)).removesuffix(".gch")
        counts = "-DHOST_ENDED_THREADS_COUNT"
        runtime = _compiled(".o", ["g++", *FLAGS, counts, "-c", str(cuda_host.RUNTIME)])
        folders = [HERE / "include", Path(cupy.__file__).parent / "_core" / "include"]
        if "complex<" in source:
            defines += ("-DHOST_COMPLEX",)
        command = ["g++", *FLAGS, *defines, *(f"-I{folder}" for folder in folders),
                   "-include", ready, "-shared", str(runtime), "-xc++", "-"]  # fmt: skip
        return ctypes.CDLL(str(_compiled(".so", command, text + "\n")))

    def do(self, work: Callable[[], None]) -> None:
        """Let the host do some of the device's work: now, or at each launch of a capture."""
        self._calls.append(work)
        if not self._driver.emulated_record(ctypes.c_long(len(self._calls) - 1)):
            self._calls.pop()
            work()


def memory(address: int, dtype: Any, count: int) -> np.ndarray[Any, Any]:
    """Memory of the device as an array."""
    dtype = np.dtype(dtype)
    if not count:
        return np.empty(0, dtype)
    return np.frombuffer((ctypes.c_char * (count * dtype.itemsize)).from_address(address), dtype)


def install() -> Emulated:
    """Let CuPy run on the emulated CUDA."""
    os.environ.update(CUPY_ACCELERATORS="", CUPY_CACHE_IN_MEMORY="1")
    emulated = Emulated()
    import cupy_backends.cuda.api.runtime as runtime

    emulated.replace(runtime.__file__)
    import cupy
    from cuda.pathfinder._headers import find_nvidia_headers
    from cupy.cuda import compiler, thrust

    compiler._get_nvrtc_version = lambda: (13, 0)
    compiler._get_max_compute_capability = lambda: "90"
    compiler._preprocess = lambda *args, **words: ""
    compiler._compile_using_nvrtc_no_warning = emulated.nvrtc
    # CUDA's headers are asked for; a process would look for them, in vain or, if busy, too long.
    found = find_nvidia_headers.LocatedHeaderDir(str(HERE / "include"), "emulated")
    find_nvidia_headers.locate_nvidia_header_directory = lambda name: found

    def sort(dtype: Any, data: int, keys: int, shape: Any) -> None:
        whole = memory(data, dtype, int(np.prod(shape))).reshape(shape)
        emulated.do(lambda: whole.sort(axis=-1))

    def argsort(dtype: Any, index: int, data: int, keys: int, shape: Any) -> None:
        count = int(np.prod(shape))
        whole = memory(data, dtype, count).reshape(shape)
        order = memory(index, np.intp, count).reshape(shape)

        def work() -> None:
            order[...] = np.argsort(whole, axis=-1, kind="stable")
            whole.sort(axis=-1)

        emulated.do(work)

    thrust.sort, thrust.argsort = sort, argsort
    for name in ("cholesky", "det", "eigh", "inv", "qr", "slogdet", "solve", "svd"):
        setattr(cupy.linalg, name, _decomposition(cupy, getattr(np.linalg, name)))
    for name in ("fftn", "ifftn", "rfft", "irfft"):
        setattr(cupy.fft, name, _on_host(cupy, getattr(np.fft, name)))
    own_matmul, complex_matmul = cupy.matmul, _on_host(cupy, np.matmul)

    def matmul(a: Any, b: Any, **words: Any) -> Any:
        complexes = "c" in (a.dtype.kind, b.dtype.kind)
        return complex_matmul(a, b, **words) if complexes else own_matmul(a, b, **words)

    cupy.matmul = matmul
    return emulated


def _on_host(cupy: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of cuFFT's or cuBLAS's: NumPy's, on copies in host memory."""

    def call(*arrays: Any, **words: Any) -> Any:
        return cupy.asarray(function(*[a.get() for a in arrays], **words))

    return call


def _decomposition(cupy: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `cupy.linalg` without cuSOLVER: NumPy's, on copies in host memory.

    As CuPy's it does not look whether there is a result (it is NaN then), waits for the device,
    and leaves matrices column-major.
    """

    def on_device(x: Any) -> Any:
        return cupy.asarray(x) if x.ndim < 2 else cupy.asarray(x.mT.copy()).swapaxes(-1, -2)

    def call(*arrays: Any, **words: Any) -> Any:
        hosts = [a.get() for a in arrays]
        try:
            found = function(*hosts, **words)
        except np.linalg.LinAlgError:
            found = np.full_like(hosts[-1], np.nan)
        if isinstance(found, tuple):
            return tuple(on_device(np.asarray(x)) for x in found)
        return on_device(np.asarray(found))

    return call
