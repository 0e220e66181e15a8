"""The strict device with the kernels of `backend.cuda`, run on the host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tests import cuda_host
from tests.cuda_host.blas import Blas
from tests.strict import StrictArray, StrictLibrary
from tinygrad_lite import backend
from tinygrad_lite.backend.cuda import cublas


class EmulatedLibrary(StrictLibrary):
    """The strict library with CuPy's way to run kernels of one's own."""

    RawModule = cuda_host.Module

    def empty(self, *args: Any, **words: Any) -> Any:
        """An array of NaNs, or of -1: what a kernel does not write is seen."""
        return self._poisoned("empty", args, words)

    def empty_like(self, *args: Any, **words: Any) -> Any:
        """See `empty`."""
        return self._poisoned("empty_like", args, words)

    def _poisoned(self, name: str, args: Any, words: Any) -> Any:
        made = _STRICT[name](*args, **words)
        made._host.fill(np.nan if made.dtype.kind in "fc" else -1 if made.dtype.kind == "i" else 1)
        return made


_STRICT = {name: getattr(StrictLibrary(), name) for name in ("empty", "empty_like")}
LIBRARY = EmulatedLibrary()


def namespace() -> backend.Namespace:
    """A fresh namespace of that device; it is not registered."""
    return backend.Namespace("strict", LIBRARY, StrictArray, kernels="cuda")


@contextmanager
def emulated() -> Iterator[Any]:
    """Inside, the device "strict" runs the kernels of `backend.cuda`; gives its namespace.

    Matrix products go to `space.blas`, in place of cuBLAS.
    """
    from tests import strict

    strict.install()
    plain = backend.devices._NAMESPACES["strict"]
    space = namespace()
    space.blas = blas = Blas()
    before = cublas.handle
    cublas.handle = lambda: blas  # type: ignore[assignment, return-value]
    backend.register(space)
    try:
        yield space
    finally:
        cublas.handle = before
        backend.register(plain)
