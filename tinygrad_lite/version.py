"""Which PyTorch the names are of, and which release of this library they are in.

Programs look at `torch.__version__` to see what they may use. So it begins with the PyTorch whose
names, defaults and results the tests compare with; what follows the plus is this library's own
version, as PyTorch's says `+cpu` there (PEP 440: the local part does not count in comparisons).
"""

from __future__ import annotations

import re
from typing import Any

__all__ = [
    "TorchVersion",
    "Version",
    "__version__",
    "cuda",
    "debug",
    "git_version",
    "hip",
    "release",
]

release = "0.1.0"
"""This library's own version, as in pyproject.toml."""


class Version(str):
    """A version that compares by its numbers, with other versions, strings and tuples.

    Example:
        >>> torch.__version__ >= "2.4", torch.__version__ > (1, 13), "2.13.0" in torch.__version__
        (True, True, True)
    """

    __slots__ = ()

    def __lt__(self, other: Any) -> bool:
        return _numbers(self) < _numbers(other)

    def __le__(self, other: Any) -> bool:
        return _numbers(self) <= _numbers(other)

    def __gt__(self, other: Any) -> bool:
        return _numbers(self) > _numbers(other)

    def __ge__(self, other: Any) -> bool:
        return _numbers(self) >= _numbers(other)


TorchVersion = Version


def _numbers(version: Any) -> tuple[int, ...]:
    """The leading numbers, without zeros at the end: 2.13.0+x is (2, 13)."""
    if isinstance(version, str):
        found = re.match(r"\d+(\.\d+)*", version)
        version = found[0].split(".") if found else ()
    numbers = [int(part) for part in version]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


__version__ = Version(f"2.13.0+tinygrad_lite.{release}")
cuda: str | None = None  # CuPy brings CUDA; see tinygrad_lite.cuda
hip: str | None = None
git_version = ""
debug = False
