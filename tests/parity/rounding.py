"""How far results are from float64's, here and in PyTorch: `python -m tests.parity.rounding`.

Each row of `rounding_rows.py` is run a few times in float32 on both libraries, and in float64 on
PyTorch. An element's error is relative to its size, or to the mean size of all where that is
larger. A row is printed where ours is more than twice PyTorch's, or than half of float32's last
digit, if that is more: a result that is rounded once may be that far off.
"""

from __future__ import annotations

import argparse
import collections
import warnings
from typing import Any, NamedTuple

import numpy as np
import torch

import tinygrad_lite

from .rounding_others import others
from .rounding_rows import SIZES, Row, rows

HALF = 2.0**-24


class Errors(NamedTuple):
    """The largest errors of a row over all its runs."""

    ours: float
    theirs: float

    @property
    def factor(self) -> float:
        """Ours in units of PyTorch's, of which a rounding is the least."""
        return self.ours / max(self.theirs, HALF)


def measure(row: Row, times: int = 4) -> Errors:
    """Run a row on both libraries."""
    ours = theirs = 0.0
    for seed in range(times):
        arrays = row.make(np.random.default_rng(seed))
        exact = _run(torch, row, [np.asarray(a, "float64") for a in arrays])
        for library in (tinygrad_lite, torch):
            found = _run(library, row, [_copy(a) for a in arrays])
            off = max(_error(a, b) for a, b in zip(found, exact, strict=True))
            if library is torch:
                theirs = max(theirs, off)
            else:
                ours = max(ours, off)
    return Errors(ours, theirs)


def _copy(a: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same elements in the same order of memory, however spread."""
    if a.size and a.ndim and a.strides[-1] == 2 * a.itemsize:
        wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
        wide[..., ::2] = a
        return wide[..., ::2]
    return np.array(a, order="K")


def _run(library: Any, row: Row, arrays: list[Any]) -> list[np.ndarray[Any, Any]]:
    found = row.run(library, *[library.from_numpy(a) for a in arrays])
    return [
        t.detach().numpy().astype("float64")
        for t in (found if isinstance(found, list | tuple) else [found])
    ]


def _error(found: np.ndarray[Any, Any], exact: np.ndarray[Any, Any]) -> float:
    if not exact.size:
        return 0.0
    size = np.abs(exact)
    scale = np.maximum(size, size.mean())
    return float(np.max(np.abs(found - exact) / np.where(scale == 0, 1, scale)))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.rounding", description=__doc__)
    parser.add_argument("--size", default="small", choices=[*SIZES, "others"])
    parser.add_argument("--only", default="", help="names that contain one of these, by commas")
    parser.add_argument("--times", type=int, default=4, help="runs of each row")
    parser.add_argument("--again", type=int, default=32, help="runs of those beyond the limit")
    parser.add_argument("--limit", type=float, default=2.0, help="of our error in PyTorch's")
    parser.add_argument("--all", action="store_true", help="print every row")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    words = [w for w in args.only.split(",") if w]
    worst: dict[str, list[float]] = collections.defaultdict(list)
    for row in others() if args.size == "others" else rows(args.size):
        if words and not any(w in row.name for w in words):
            continue
        errors = measure(row, args.times)
        if errors.factor > args.limit and args.again > args.times:  # which was luckier changes
            errors = measure(row, args.again)
        worst[row.name].append(errors.factor)
        if args.all or errors.factor > args.limit:
            line = f"{row.name}: {row.what}: {errors.ours:.2e}, PyTorch {errors.theirs:.2e}"
            print(f"{line} ({errors.factor:.1f})", flush=True)
    count = sum(map(len, worst.values()))
    beyond = sum(f > args.limit for found in worst.values() for f in found)
    for name, found in worst.items():
        if max(found) > args.limit:
            print(f"{name}: {sum(f > args.limit for f in found)} of {len(found)} rows")
    print(f"{beyond} of {count} rows are more than {args.limit:g} times as far off as PyTorch")


if __name__ == "__main__":
    main()
