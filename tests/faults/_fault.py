"""What a planted fault is."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One change of the library that makes it wrong.

    Args:
        file: what is changed, from the root of the repository.
        text: what stands there, exactly once.
        replacement: what stands there instead.
        tests: pytest's words for the tests that should see it, files from `tests/`.
        equal: if no result changes, why not; such a fault is not run.
    """

    file: str
    text: str
    replacement: str
    tests: str
    equal: str = ""

    @property
    def change(self) -> str:
        """The change in a line."""
        one, other = (" ".join(t.split()) for t in (self.text, self.replacement))
        return f"{one} → {other or 'nothing'}"


def faults(file: str, tests: str, *changes: tuple[str, ...]) -> list[Fault]:
    """Faults of one file: (text, replacement), with tests of its own as a third if need be."""
    return [Fault(file, c[0], c[1], c[2] if len(c) > 2 else tests) for c in changes]


def equal(file: str, text: str, replacement: str, why: str) -> list[Fault]:
    """A change that no result shows."""
    return [Fault(file, text, replacement, "", why)]


def row(*names: str) -> str:
    """The tests of the operations table's rows of some names, on the CPU."""
    words = " or ".join(f"cpu-{name}]" for name in names)
    return f"ops/test_gradient.py -k '{words}'"
