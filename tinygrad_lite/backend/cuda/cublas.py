"""NVIDIA's cuBLAS through ctypes, with a handle and a workspace of our own.

CuPy's own calls refuse to run while a graph is captured. cuBLAS itself can be captured, if it
allocates nothing: each stream gets its workspace at the first product on it, before capture.
With one workspace a stream, results are the same from run to run.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import threading
from collections.abc import Sequence
from typing import Any

from .. import capture

WORKSPACE = 32 << 20  # bytes; what NVIDIA advises for Hopper, and enough for those before it

# cudaDataType, cublasComputeType_t and cublasOperation_t, by their values in NVIDIA's headers.
KINDS = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 14}
FLOAT32, FLOAT64, TF32 = 68, 70, 77
PLAIN, TRANSPOSED = 0, 1
_DEFAULT_ALGORITHM = -1

STATUS = {
    1: "not initialized", 3: "allocation failed", 7: "invalid value",
    8: "not on this architecture", 11: "mapping error", 13: "execution failed",
    14: "internal error", 15: "not supported",
}  # fmt: skip

_int, _long, _pointer = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p
_OPERAND = [_pointer, _int, _long, _long]  # address, type, leading dimension, batch stride
_GEMM = [_pointer, _int, _int, _long, _long, _long, _pointer, *_OPERAND, *_OPERAND,
         _pointer, *_OPERAND, _long, _int, _int]  # fmt: skip


def _cupy() -> Any:
    import cupy

    return cupy


@functools.cache
def _library() -> Any:
    """The shared library.

    Raises:
        RuntimeError: it is not found; the message says how to install it.
    """
    try:
        from cuda import pathfinder

        loaded = pathfinder.load_nvidia_dynamic_lib("cublas")
        return ctypes.CDLL(loaded.abs_path)
    except Exception as error:  # not found there, or no pathfinder: ask the system
        major = _cupy().cuda.runtime.runtimeGetVersion() // 1000
        windows = sys.platform == "win32"
        name = f"cublas64_{major}.dll" if windows else f"libcublas.so.{major}"
        try:
            return ctypes.CDLL(name)
        except OSError:
            raise RuntimeError(
                f"CUDA: cuBLAS is not found ({error}); install it with "
                f"pip install 'cupy-cuda{major}x[ctk]'"
            ) from error


class Product:
    """A call of cuBLAS but for its addresses: C = op(A) op(B) + β C, column-major, `batch` times.

    Args:
        operations: PLAIN or TRANSPOSED for A and B.
        sizes: m, n, k: op(A) is (m, k), op(B) (k, n), C (m, n).
        a: dtype, leading dimension and distance of the next matrix of A.
        b: the same of B.
        c: the same of C.
        batch: how many products.
        compute: FLOAT32, FLOAT64 or TF32.
        beta: of the equation; with 0 what is in C is not read.

    Attributes:
        words: the arguments of cuBLAS between the addresses, as ctypes passes them.
    """

    __slots__ = ("a", "b", "batch", "beta", "c", "compute", "operations", "sizes", "words")

    def __init__(
        self,
        operations: tuple[int, int],
        sizes: tuple[int, int, int],
        a: tuple[str, int, int],
        b: tuple[str, int, int],
        c: tuple[str, int, int],
        batch: int,
        compute: int,
        beta: float,
    ) -> None:
        self.operations, self.sizes, self.batch = operations, sizes, batch
        self.a, self.b, self.c, self.compute, self.beta = a, b, c, compute, beta
        first = (*operations, *sizes, _scalar(1.0, compute))
        last = _scalar(beta, compute)
        self.words = (
            _ready(_GEMM[1:7], first),
            _ready(_OPERAND[1:], (KINDS[a[0]], *a[1:])),
            _ready([*_OPERAND[1:], _pointer], (KINDS[b[0]], *b[1:], last)),
            _ready(_GEMM[17:], (KINDS[c[0]], *c[1:], batch, compute, _DEFAULT_ALGORITHM)),
        )


def _ready(kinds: Sequence[Any], values: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(kind(value) for kind, value in zip(kinds, values, strict=True))


class Cublas:
    """A handle of cuBLAS for one device and one thread."""

    def __init__(self) -> None:
        self._library = _library()
        self._handle = _pointer()
        self._stream: int | None = None
        self._workspaces: dict[int, Any] = {}
        self._gemm = self._library.cublasGemmStridedBatchedEx_64
        self._library.cublasSetStream_v2.argtypes = [_pointer, _pointer]
        self._library.cublasSetWorkspace_v2.argtypes = [_pointer, _pointer, ctypes.c_size_t]
        _check("create", self._library.cublasCreate_v2(ctypes.byref(self._handle)))

    def _follow(self) -> None:
        """Work on CuPy's current stream; changing the stream takes the workspace away."""
        stream = _cupy().cuda.get_current_stream().ptr
        if stream == self._stream:
            return
        if stream not in self._workspaces:
            # Not of a memory pool: a captured graph's own pool may be gone while this is in use.
            self._workspaces[stream] = _cupy().cuda.Memory(WORKSPACE)
        workspace = self._workspaces[stream].ptr
        _check("stream", self._library.cublasSetStream_v2(self._handle, stream))
        _check(
            "workspace",
            self._library.cublasSetWorkspace_v2(self._handle, workspace, WORKSPACE),
        )
        self._stream = stream

    def gemm(self, product: Product, a: int, b: int, c: int) -> None:
        """The product of matrices at three addresses.

        Raises:
            RuntimeError: cuBLAS refuses; the message has its status.
        """
        self._follow()
        recording = capture.current()
        if recording is not None:  # its replays use the workspace, even after this thread's end
            recording.held.append(self)
        first, after_a, after_b, after_c = product.words
        status = self._gemm(
            self._handle, *first, _pointer(a), *after_a, _pointer(b), *after_b,
            _pointer(c), *after_c,
        )  # fmt: skip
        if status:
            what = f"m, n, k = {product.sizes}, {product.batch} times, {product.a[0]}"
            _check(f"product of {what}", status)


@functools.cache
def _scalar(value: float, compute: int) -> Any:
    """The address of a number on the host, in the type that goes with the computation."""
    held = (ctypes.c_double if compute == FLOAT64 else ctypes.c_float)(value)
    _held.append(held)
    return ctypes.addressof(held)


_held: list[Any] = []


def _check(what: str, status: int) -> None:
    if status:
        raise RuntimeError(f"cuBLAS: {what}: {STATUS.get(status, 'error')} (status {status})")


_local = threading.local()


def handle() -> Cublas:
    """This thread's handle for the current device; made at the first call."""
    device = _cupy().cuda.runtime.getDevice()
    handles: dict[int, Cublas] = _local.__dict__.setdefault("handles", {})
    if device not in handles:
        handles[device] = Cublas()
    return handles[device]
