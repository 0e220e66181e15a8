"""How modules print."""

from __future__ import annotations


def layout(name: str, extra: list[str], children: list[str]) -> str:
    """PyTorch's layout: one line of extras stays on the first line if nothing follows it."""
    if len(extra) == 1 and not children:
        return f"{name}({extra[0]})"
    lines = extra + children
    return name + "(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"


def indented(text: str) -> str:
    """A text whose lines after the first are two spaces further in."""
    return text.replace("\n", "\n  ")
