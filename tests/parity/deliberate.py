"""Where the library differs from PyTorch on purpose: the rows of `docs/conventions.md`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np

KINDS = ("accepts", "refuses", "error type", "structure", "dtype", "shape", "value", "aliasing",
         "mutation", "requires_grad", "gradient")  # fmt: skip
PAGE = Path(__file__).resolve().parents[2] / "docs" / "conventions.md"
HEADING = "## On purpose not as PyTorch"


@cache
def rows() -> frozenset[tuple[str, str]]:
    """(operation, kind) of each row below the heading: "| `cumsum`, `sum` | dtype | why |"."""
    _, _, text = PAGE.read_text(encoding="utf-8").partition(HEADING)
    found = set()
    for line in text.partition("\n## ")[0].splitlines():
        cells = [c.strip() for c in line.strip("|").split(" | ")]
        names = re.findall(r"`([^`]+)`", cells[0])
        kinds = [k for k in KINDS if len(cells) > 1 and k in cells[1].split(", ")]
        found |= {(name, kind) for name in names for kind in kinds}
    return frozenset(found)


def excused(name: str, kind: str) -> bool:
    """Whether a difference of this kind in this operation has its row."""
    return (name, kind) in rows() or ("everything", kind) in rows()


# Where PyTorch's own formulas fail by accident: they negate a boolean, or cast a factor to int.
FAULTS = re.compile(
    r"the `-` operator|derivative for aten::remainder is not implemented|"
    r"result type \w+ can't be cast to the desired output type|INTERNAL ASSERT FAILED"
)


def faulty(gradients: object) -> bool:
    """Whether PyTorch could not differentiate for no reason that a user could know."""
    return isinstance(gradients, Exception) and bool(FAULTS.search(str(gradients)))


def of_floats(needs_grad: list[bool], dtypes: list[str]) -> list[bool]:
    """What PyTorch says of its results, but integers never require a gradient.

    (There an integer that is changed in place by what requires one claims to.)
    """
    return [n and d.startswith("float") for n, d in zip(needs_grad, dtypes, strict=True)]


def strict(error: Exception | None, results: list[object]) -> bool:
    """Whether ours refuses a dtype where PyTorch, that has nothing to compute, does not look."""
    return (
        isinstance(error, RuntimeError)
        and bool(results)
        and all(np.size(r) == 0 for r in results)
        and bool(re.search(r"not implemented for|same dtype", str(error)))
    )
