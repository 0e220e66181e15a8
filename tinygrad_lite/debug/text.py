"""Figures and tables as people read them."""

from __future__ import annotations

from collections.abc import Sequence

_RULE = "─"


def size(count: float) -> str:
    """Bytes in powers of a thousand: "12.8 kB"."""
    return f"{scaled(count)}B"


def scaled(count: float) -> str:
    """A number with three digits and the SI prefix of its power of a thousand: "307 k"."""
    prefix = ""
    for larger in "kMGTP":
        if count < 999.5:
            break
        count, prefix = count / 1000, larger
    digits = 0 if not prefix else 2 if count < 9.995 else 1 if count < 99.95 else 0
    return f"{count:.{digits}f} {prefix}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Columns under their names, lined up.

    Args:
        head: the columns' names.
        rows: the cells of each row; an empty row stands for a line.
        left: so many columns are flush left, the others flush right.
    """
    filled = [row for row in (head, *rows) if row]
    widths = [max(len(row[i]) for row in filled) for i in range(len(head))]
    line = _RULE * (sum(widths) + 2 * (len(widths) - 1))
    lines = []
    for row in (head, (), *rows):
        cells = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append("  ".join(cells).rstrip() if row else line)
    return "\n".join(lines)
