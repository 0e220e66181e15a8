"""NumPy's OpenBLAS: functions that NumPy has no name for, and products cut as suits it best."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@functools.cache
def _library() -> tuple[Any, str, str]:
    """The library, loaded, and the prefix and suffix of its functions' names.

    None and empty texts if NumPy's BLAS is not OpenBLAS.
    """
    import ctypes  # here, because it takes milliseconds to load

    folder = os.path.dirname(np.__file__)
    places = [f"{folder}.libs", os.path.join(folder, ".libs"), os.path.join(folder, ".dylibs")]
    found = [
        os.path.join(place, name)
        for place in places
        if os.path.isdir(place)
        for name in sorted(os.listdir(place))
        if "openblas" in name
    ]
    if not found and os.path.exists("/proc/self/maps"):  # a system's or conda's own library
        with open("/proc/self/maps", errors="surrogateescape") as maps:
            found = sorted({line.split()[-1] for line in maps if "openblas" in line})
    for path in found:
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        for prefix in ("scipy_", ""):
            for suffix in ("64_", "_64", ""):
                if hasattr(library, f"{prefix}openblas_set_num_threads{suffix}"):
                    return library, prefix, suffix
    return None, "", ""


@functools.cache
def thread_functions() -> tuple[Any, Any]:
    """OpenBLAS's functions that read and set its number of threads; None for each if unknown."""
    library, prefix, suffix = _library()
    names = (f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("get", "set"))
    get, put = (getattr(library, name, None) for name in names)
    return get, put


_TIMEOUT = "OPENBLAS_THREAD_TIMEOUT"
_PATIENCE = 20  # 2²⁰ ticks of the processor's clock: about 0.4 ms


def sleep_sooner() -> bool:
    """Let OpenBLAS's idle threads sleep after 0.4 ms; False if that can't be arranged.

    By themselves they spin for 26 ms (2²⁶ ticks) in case more work comes, on processors that our
    own threads need. OpenBLAS reads this time from the environment when it is loaded. Here it is
    made to read it again and to end its threads, which it starts anew for the next large product.
    That must not happen during a product; so it is done at import, and not at all if there are
    other threads by then, or if the user has set $OPENBLAS_THREAD_TIMEOUT.
    """
    library = _library()[0]
    names = ("openblas_read_env", "blas_thread_shutdown_")
    if not all(hasattr(library, name) for name in names):
        return False
    if _TIMEOUT in os.environ or threading.active_count() > 1:
        return False
    os.environ[_TIMEOUT] = str(_PATIENCE)
    try:
        library.openblas_read_env()
    finally:
        del os.environ[_TIMEOUT]
    library.blas_thread_shutdown_()
    return True


@functools.cache
def _axpby(letter: str) -> Any:
    """CBLAS's saxpby (for the letter "f") or daxpby ("d"); None if the library lacks it."""
    import ctypes

    library, prefix, suffix = _library()
    name = {"f": "cblas_saxpby", "d": "cblas_daxpby"}[letter]
    function = getattr(library, f"{prefix}{name}{suffix}", None)
    if function is not None:
        whole = ctypes.c_int64 if "64" in suffix else ctypes.c_int
        real = {"f": ctypes.c_float, "d": ctypes.c_double}[letter]
        function.argtypes = [whole, real, ctypes.c_void_p, whole, real, ctypes.c_void_p, whole]
        function.restype = None
    return function


def axpby(a: float, x: Array, b: float, y: Array) -> None:
    """y ← a x + b y in place, in one pass over memory where NumPy takes three.

    Args:
        a, b: numbers.
        x, y: contiguous rows of one length and dtype.
    """
    large = y.size > SHORT and y.dtype.char in "fd"
    function = _axpby(y.dtype.char) if large else None
    if function is not None and x.dtype == y.dtype:
        function(y.size, a, _address(x), 1, b, _address(y), 1)
        return
    if b != 1:
        np.multiply(y, b, out=y)
    np.add(y, np.multiply(x, a), out=y)


SHORT = 4096  # elements: with fewer, NumPy's passes take less time than one call from Python
SMALL = 10**6  # OpenBLAS multiplies without packing below so many multiplications (AVX-512)
LEAST = 64  # columns: fewer, and the calls cost more than packing


def multiply_long(a: Array, b: Array, out: Array) -> None:
    """out = a·b for a small a (M, K) and long rows b (K, L): see `long_pieces`."""
    for right, target in long_pieces(a, b, out):
        np.matmul(a, right, out=target)


def long_pieces(a: Array, b: Array, out: Array) -> list[tuple[Array, Array]]:
    """A product out = a·b of a small a (M, K) and long rows b (K, L), cut into smaller products.

    OpenBLAS *packs* the matrices of a large product: it first copies them into the order that suits
    its kernel. Where M and K are small, that is most of the work. A small product uses the rows as
    they lie, which here takes a quarter to a third less time.

    Returns:
        Pairs (b′, out′) with out′ = a·b′ to be computed: stacks of equally many columns, and a
        matrix of the columns that are left over.
    """
    (m, k), length = a.shape, b.shape[1]
    n = 1 << (SMALL // max(m * k, 1)).bit_length() - 1 if m * k < SMALL else 0
    pieces = length // n if n >= LEAST else 0
    if pieces < 2:
        return [(b, out)]
    whole = pieces * n
    stacks = b[:, :whole].reshape(k, pieces, n), out[:, :whole].reshape(m, pieces, n)
    found = [(stacks[0].transpose(1, 0, 2), stacks[1].transpose(1, 0, 2))]
    return found if whole == length else [*found, (b[:, whole:], out[:, whole:])]


def short_product(a: Array, b: Array, out: Array) -> None:
    """out = a·b for a few rows a (…, N, K) and b (…, K, M), contiguous; or stacks of them.

    Rows are cut into equal groups so small that OpenBLAS does not pack (see `long_pieces`):
    8 rows of 128 by 128×512 take a third of the time of 16, and 32 take a fifth less so.
    """
    (n, k), m = a.shape[-2:], b.shape[-1]
    group = _group(n, k * m)
    if group < n:
        a = a.reshape(*a.shape[:-2], n // group, group, k)
        out = out.reshape(*out.shape[:-2], n // group, group, m)  # a view, as one axis is cut
        b = b if b.ndim == 2 else b[..., None, :, :]
    np.matmul(a, b, out=out)


def fits(rows: int, k: int, m: int) -> bool:
    """Whether OpenBLAS need not pack a short product of rows (N, K) and (K, M)."""
    return _group(rows, k * m) * k * m < SMALL


@functools.cache
def _group(rows: int, weight: int) -> int:
    """The largest group, of 4 rows or more, in which a product need not pack; else all rows."""
    most = min(rows, (SMALL - 1) // max(weight, 1))
    return next((n for n in range(most, 3, -1) if rows % n == 0), rows)


@functools.cache
def _readers() -> tuple[Any, Any]:
    """ctypes' functions that `_address` needs, looked up once."""
    import ctypes

    return ctypes.addressof, ctypes.c_char.from_buffer


def _address(x: Array) -> int:
    """Where the elements of a contiguous array begin."""
    address_of, first_byte = _readers()
    address: int
    try:
        address = address_of(first_byte(x))  # a quarter of the time that NumPy takes to tell
    except (TypeError, ValueError):  # read-only, or empty
        address = x.__array_interface__["data"][0]
    return address
