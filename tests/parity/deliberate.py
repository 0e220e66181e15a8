"""Where the library differs from PyTorch on purpose: the rows of `docs/conventions.md`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

KINDS = (
    "accepts",
    "refuses",
    "error type",
    "structure",
    "dtype",
    "shape",
    "value",
    "aliasing",
    "mutation",
    "requires_grad",
    "gradient",
    "second",
    "text",
    "names",
    "buffer",
    "signature",
)


class Difference(NamedTuple):
    """How a call differs: one of `KINDS`, and what a row of the page is looked up by."""

    kind: str
    text: str


PAGE = Path(__file__).resolve().parents[2] / "docs" / "conventions.md"
HEADING = "## On purpose not as PyTorch"
IN_HALVES = "## In 16 bits not as PyTorch"


@cache
def rows(heading: str = HEADING) -> dict[tuple[str, str], list[str]]:
    """What the message says of each (operation, kind) below the heading.

    "| `cumsum`, `sum` | dtype | `one message`, `another` | why |"; without the third column
    any message.
    """
    _, _, text = PAGE.read_text(encoding="utf-8").partition(heading)
    found: dict[tuple[str, str], list[str]] = {}
    for line in text.partition("\n## ")[0].splitlines():
        cells = [c.strip() for c in line.strip("|").split(" | ")]
        names = re.findall(r"`([^`]+)`", cells[0])
        messages = re.findall(r"`([^`]+)`", cells[2]) if len(cells) == 4 else [""]
        for name in names:
            for kind in cells[1].split(", ") if len(cells) > 2 else ():
                found.setdefault((name, kind), []).extend(messages)
    return found


def excused(name: str, kind: str, text: str = "", heading: str = HEADING) -> bool:
    """Whether a difference of this kind, and with this text, in this operation has its row."""
    return any(message in text for message in rows(heading).get((name, kind), []))


# Where PyTorch's own formulas fail by accident: they negate a boolean, or cast a factor to int.
FAULTS = re.compile(
    r"the `-` operator|derivative for aten::remainder is not implemented|"
    r"result type \w+ can't be cast to the desired output type|INTERNAL ASSERT FAILED|"
    r"must match the size of tensor b"
)


def faulty(gradients: object) -> bool:
    """Whether PyTorch could not differentiate for no reason that a user could know."""
    return isinstance(gradients, Exception) and bool(FAULTS.search(str(gradients)))


def of_floats(needs_grad: list[bool], dtypes: list[str]) -> list[bool]:
    """What PyTorch says of its results, but integers never require a gradient.

    (There an integer that is changed in place by what requires one claims to.)
    """
    return [n and "float" in d for n, d in zip(needs_grad, dtypes, strict=True)]


def strict(error: Exception | None, results: list[object]) -> bool:
    """Whether ours refuses a dtype where PyTorch, that has nothing to compute, does not look."""
    return (
        isinstance(error, RuntimeError)
        and bool(results)
        and all(np.size(r) == 0 for r in results)
        and bool(re.search(r"not implemented for|same dtype", str(error)))
    )
