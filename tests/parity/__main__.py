"""Survey: draw many calls of each row and print how they differ, most frequent first.

`python -m tests.parity --examples 300 --only cumsum` prints one example of each kind found.
"""

from __future__ import annotations

import argparse
import warnings

from . import deliberate, experiment, table_modules
from .call import Call
from .compare import difference
from .drawn import by_kind
from .table import ROWS


def survey(row, examples: int, seed: int) -> dict[str, list[tuple[Call, deliberate.Difference]]]:
    """The differences of one row by kind."""

    def differ(call: Call) -> deliberate.Difference | None:
        one = difference(call) if isinstance(call, Call) else experiment.difference(call)
        kept = one is not None and not deliberate.excused(row.name, one.kind, one.text)
        return one if kept else None

    return by_kind(row, examples, seed, differ)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="calls of each row")
    parser.add_argument(
        "--only", default="", help="rows whose name contains one of these, by commas"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=2, help="examples of each kind")
    parser.add_argument("--brief", action="store_true", help="counts only")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    total = differing = 0
    words = [w for w in args.only.split(",") if w]
    for row in [*ROWS, *table_modules.ROWS]:
        if words and not any(w in row.id for w in words):
            continue
        if not row.here():
            print(f"{row.id}: not here")
            continue
        found = survey(row, args.examples, args.seed)
        total += args.examples
        count = sum(map(len, found.values()))
        differing += count
        if not count:
            continue
        print(f"{row.id}: {', '.join(f'{k} {len(v)}' for k, v in found.items())}")
        if args.brief:
            continue
        for kind, pairs in found.items():
            # Short calls, and such as have different texts: one bug often hides another.
            seen = {}
            for call, one in sorted(pairs, key=lambda p: len(repr(p[0]))):
                seen.setdefault(one.text[:40], (call, one))
            for call, one in list(seen.values())[: args.show]:
                print(f"    {kind}: {call!r}"[:400])
                print(f"        {one.text}"[:400])
    print(f"{differing} of {total} calls differ")


if __name__ == "__main__":
    main()
