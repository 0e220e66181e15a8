"""The operations' table in 16 bits: `python -m tests.parity.halves --dtype float16`.

Each float tensor of a drawn call becomes bfloat16 (which needs ml_dtypes) or float16 on both
libraries. Results are compared to two roundings of that dtype; what differs by more is right if it
is no further than twice PyTorch's from the result of the same numbers in float64.
"""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch

from . import call as calls
from . import compare, deliberate
from .call import Call, Given, Outcome, in_float64, run
from .compare import Difference
from .drawn import by_kind
from .table import ROWS

# Of bfloat16's results, which are compared as float32; two roundings of each.
TOLERANCE = {"bfloat16": {"float32": 1.6e-2}, "float16": {"float16": 4e-3, "float32": 4e-3}}


@dataclass(frozen=True)
class Short(Given):
    """A tensor in 16 bits."""

    dtype: str = "bfloat16"

    def make(self, library: str) -> Any:
        """The tensor of a library, in memory of its own."""
        tensor = Given(self.values, self.layout).make(library)
        tensor = tensor.to(getattr(calls.LIBRARIES[library], self.dtype))
        return tensor.requires_grad_() if self.requires_grad else tensor


def each(value: Any, change: Callable[[Given], Given]) -> Any:
    """Arguments with every float tensor changed."""
    if isinstance(value, Given) and value.values.dtype.kind == "f":
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)([each(v, change) for v in value])
    if isinstance(value, dict):
        return {k: each(v, change) for k, v in value.items()}
    return value


def difference(call: Call, dtype: str) -> Difference | None:
    """As `compare.difference`, of the call in 16 bits; gradients are compared too, not second."""

    def shortened(given: Given) -> Given:
        return Short(given.values.astype("float32"), given.layout, given.requires_grad, dtype)

    def rounded(values: Any) -> Any:
        return torch.from_numpy(values).to(getattr(torch, dtype)).double().numpy()

    def of(change: Callable[[Given], Given]) -> Call:
        return Call(call.name, each(call.args, change), each(call.kwargs, change), call.function)

    ours, theirs = run("ours", of(shortened)), run("torch", of(shortened))
    ours.second = theirs.second = []
    if theirs.error is not None and "not implemented for" in str(theirs.error):
        return None

    @cache
    def exact() -> Outcome:
        wide = of(lambda given: replace(given, values=rounded(given.values.astype("float32"))))
        given = [rounded(c) if c.dtype.kind == "f" else c for c in theirs.cotangents]
        return run("torch", in_float64(wide), cotangents=given)

    return next(compare.differences(ours, theirs, exact), None)


def survey(
    row: Any, examples: int, seed: int, dtype: str
) -> dict[str, list[tuple[Call, Difference]]]:
    """The differences of one row by kind."""

    def differ(call: Call) -> Difference | None:
        one = difference(call, dtype)
        if one is None or re.search(r"not implemented for \W+(BFloat16|Half)", one.text):
            return None
        pages = deliberate.HEADING, deliberate.IN_HALVES
        if any(deliberate.excused(row.name, one.kind, one.text, page) for page in pages):
            return None
        return one

    return by_kind(row, examples, seed, differ)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.halves", description=__doc__)
    parser.add_argument("--dtype", default="bfloat16", choices=TOLERANCE)
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--only", default="", help="rows whose name contains one of these")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    compare.TOLERANCE.update(TOLERANCE[args.dtype])
    words = [w for w in args.only.split(",") if w]
    total = differing = 0
    for row in ROWS:
        if not row.here() or (words and not any(w in row.id for w in words)):
            continue
        found = survey(row, args.examples, args.seed, args.dtype)
        total += args.examples
        differing += sum(map(len, found.values()))
        for kind, pairs in found.items():
            call, one = min(pairs, key=lambda pair: len(repr(pair[0])))
            print(f"{row.id}: {kind} {len(pairs)}: {call!r}"[:300], flush=True)
            print(f"    {one.text}"[:250], flush=True)
    print(f"{differing} of {total} calls differ")


if __name__ == "__main__":
    main()
