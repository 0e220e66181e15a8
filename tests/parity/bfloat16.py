"""The operations' table in bfloat16: `python -m tests.parity.bfloat16`; it needs ml_dtypes.

Each float tensor of a drawn call becomes bfloat16 on both libraries. Results are compared as
float32, to two roundings of bfloat16 and the cancellation that two roundings leave room for.
"""

from __future__ import annotations

import argparse
import collections
import re
import warnings
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from . import call as calls
from . import compare, deliberate
from .call import Call, Given, run
from .compare import Difference
from .table import ROWS

TOLERANCE = 1.6e-2


@dataclass(frozen=True)
class Short(Given):
    """A tensor in bfloat16."""

    def make(self, library: str) -> Any:
        """The tensor of a library, in memory of its own."""
        tensor = Given(self.values, self.layout).make(library)
        tensor = tensor.to(calls.LIBRARIES[library].bfloat16)
        return tensor.requires_grad_() if self.requires_grad else tensor


def shortened(value: Any) -> Any:
    """Float tensors as bfloat16, of numbers that it can hold."""
    if isinstance(value, Given) and value.values.dtype.kind == "f":
        return Short(value.values.astype("float32"), value.layout, value.requires_grad)
    if isinstance(value, list | tuple):
        return type(value)([shortened(v) for v in value])
    return {k: shortened(v) for k, v in value.items()} if isinstance(value, dict) else value


def difference(call: Call) -> Difference | None:
    """As `compare.difference`, of the call in bfloat16; gradients are compared too, not second."""
    short = Call(call.name, shortened(call.args), shortened(call.kwargs), call.function)
    ours, theirs = run("ours", short), run("torch", short)
    ours.second = theirs.second = []
    if theirs.error is not None and "not implemented for" in str(theirs.error):
        return None
    return next(compare.differences(ours, theirs, lambda: theirs), None)


def survey(row: Any, examples: int, seed: int) -> dict[str, list[tuple[Call, Difference]]]:
    """The differences of one row by kind."""
    found: dict[str, list[tuple[Call, Difference]]] = collections.defaultdict(list)

    @seeded(seed)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(row.calls)
    def run_one(call: Call) -> None:
        one = difference(call)
        if one is None or re.search(r"not implemented for \W+BFloat16", one.text):
            return
        pages = deliberate.HEADING, deliberate.IN_BFLOAT16
        if not any(deliberate.excused(row.name, one.kind, one.text, page) for page in pages):
            found[one.kind].append((call, one))

    run_one()
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.bfloat16", description=__doc__)
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--only", default="", help="rows whose name contains one of these")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    compare.TOLERANCE["float32"] = TOLERANCE  # what bfloat16 is seen as
    words = [w for w in args.only.split(",") if w]
    total = differing = 0
    for row in ROWS:
        if not row.here() or (words and not any(w in row.id for w in words)):
            continue
        found = survey(row, args.examples, args.seed)
        total += args.examples
        differing += sum(map(len, found.values()))
        for kind, pairs in found.items():
            call, one = min(pairs, key=lambda pair: len(repr(pair[0])))
            print(f"{row.id}: {kind} {len(pairs)}: {call!r}"[:300], flush=True)
            print(f"    {one.text}"[:250], flush=True)
    print(f"{differing} of {total} calls differ")


if __name__ == "__main__":
    main()
