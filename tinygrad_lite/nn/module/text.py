"""How modules print."""

from __future__ import annotations


def layout(name: str, extra: list[str], children: list[str]) -> str:
    """A module's text, as PyTorch lays it out: name(…) on one line, or children line by line.

    Args:
        name: the class.
        extra: lines that say its settings; one line without children stays on the first line.
        children: their texts.
    """
    if len(extra) == 1 and not children:
        return f"{name}({extra[0]})"
    lines = extra + children
    return name + "(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"


def indented(text: str) -> str:
    """A text with the lines after the first moved two spaces in."""
    return text.replace("\n", "\n  ")
