"""A row of the table: the name of an operation and how its calls are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from .call import Call, exists


@dataclass(frozen=True)
class Row:
    """`name` as users write it; a bare one counts as there if it is a function or a method."""

    name: str
    calls: st.SearchStrategy[Call]
    label: str | None = None

    @property
    def id(self) -> str:
        """What the test is called."""
        return self.label or self.name

    def here(self) -> bool:
        """Whether this library has it."""
        if self.name.startswith("operator.") or " " in self.name:
            return True
        if self.name.startswith(("optim.", "nn.")):
            return exists("ours", self.name)
        if self.name.startswith("."):
            return exists("ours", self.name)
        return exists("ours", self.name) or exists("ours", "." + self.name)


def word(value: Any) -> dict[str, Any]:
    """No keyword where there is nothing to say."""
    return {} if value is None else value
