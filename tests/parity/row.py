"""A row of the table: the name of an operation and how its calls are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from .call import Call, Given, exists


@dataclass(frozen=True)
class Row:
    """`name` as users write it; a bare one counts as there if it is a function or a method.

    `names`: the other public names that the calls write, with spaces between them.
    """

    name: str
    calls: st.SearchStrategy[Call]
    label: str | None = None
    names: str = ""

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


def under(place: str, names: Iterable[str]) -> str:
    """Names of a place as `Row.names` has them."""
    return " ".join(f"{place}.{name}" for name in names)


# Methods that take their sizes one by one, or their arguments in another order.
OTHERWISE = ("reshape", "permute", "polygamma")


def either_form(row: Row) -> Row:
    """Of what is a function as well as a method some calls as the other of the two."""
    bare = row.name.removeprefix(".")
    forms = (bare, f".{bare}")
    both = all(exists(library, form) for library in ("ours", "torch") for form in forms)
    if not both or bare in OTHERWISE:
        return row

    def turned(call: Call, other: bool) -> Call:
        first = next(iter(call.args), None)
        if not other or call.name not in forms or not isinstance(first, Given):
            return call
        return replace(call, name=forms[call.name == bare])

    other = st.sampled_from([False, False, False, True])
    return replace(row, calls=st.builds(turned, row.calls, other))


def drawn(maker: Callable[[Any, str], Call], name: str) -> st.SearchStrategy[Call]:
    """The calls of a name that `maker(draw, name)` makes, for makers of several names."""

    @st.composite
    def call(draw: Any) -> Call:
        return maker(draw, name)

    return call()
