"""The stack machine that runs pickles: what its instructions do, and nothing beside that.

Python's own machine calls what a pickle names. This one has no such means: a name becomes a
`Name`, a call a `Call` that records what was asked for, and both only if the reader admits it.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import Any, NamedTuple

from . import Malformed, about

__all__ = ["ENCODE", "Call", "Machine", "Name"]

ENCODE = "_codecs.encode"
"""How Python 3 writes bytes in protocols 0 to 2."""


class Name(NamedTuple):
    """What a pickle calls a function or a class by."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Call:
    """A call that a pickle asked for, which nobody made.

    Attributes:
        name: of what.
        arguments: as they were given.
        state: what the result was to be told afterwards, or None.
    """

    __slots__ = ("arguments", "name", "state")

    def __init__(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.name = name
        self.arguments = arguments
        self.state: Any = None


class Machine:
    """The state of a run: where it is, its stack (of stacks, one for each mark) and its memo."""

    def __init__(self, content: bytes, admitted: Collection[str]) -> None:
        self.content = content
        self.admitted = admitted
        self.at = 0
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.encoded = 0  # bytes that were made of text

    def take(self, count: int) -> bytes:
        """The next `count` bytes of the pickle."""
        left = len(self.content) - self.at
        if not 0 <= count <= left:
            raise Malformed(f"{count:,} bytes are due at byte {self.at:,}, but {left:,} are left")
        self.at += count
        return self.content[self.at - count : self.at]

    def number(self, form: struct.Struct) -> Any:
        """The next bytes as a number."""
        return form.unpack(self.take(form.size))[0]

    def line(self, most: int) -> bytes:
        """The bytes up to the next line end, which comes within `most` bytes."""
        end = self.content.find(b"\n", self.at, self.at + most + 1)
        if end < 0:
            raise Malformed(f"a line at byte {self.at:,} does not end within {most:,} bytes")
        return self.take(end - self.at + 1)[:-1]

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def pop(self) -> Any:
        """Take the value on top of the stack."""
        if not self.stack:
            raise Malformed(f"the stack is empty at byte {self.at:,}")
        return self.stack.pop()

    def top(self, kind: type) -> Any:
        """What lies on top, to be changed."""
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise Malformed(f"expected a {kind.__name__} on the stack at byte {self.at:,}")
        return self.stack[-1]

    def marked(self) -> list[Any]:
        """What was pushed since the last mark."""
        if not self.below:
            raise Malformed(f"there is no mark at byte {self.at:,}")
        items, self.stack = self.stack, self.below.pop()
        return items

    def remember(self, index: int) -> None:
        """Store what lies on top of the stack under a number."""
        if not self.stack:
            raise Malformed(f"the stack is empty at byte {self.at:,}")
        self.memo[index] = self.stack[-1]

    def recall(self, index: int) -> None:
        """Put on the stack what was stored under a number."""
        if index not in self.memo:
            raise Malformed(f"nothing was stored under {index} at byte {self.at:,}")
        self.stack.append(self.memo[index])

    def mark(self) -> None:
        """Begin a stack of its own for what is pushed next."""
        self.below.append(self.stack)
        self.stack = []

    def name(self, module: Any, name: Any) -> None:
        """Put a `Name` on the stack, if it is admitted."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise Malformed("a name that is no text")
        found = Name(module, name)
        dotted = str(found)
        if dotted not in self.admitted and dotted != ENCODE:
            raise Malformed(
                f"refused {module[:60]}.{name[:60]}: only arrays, lists, dicts, bytes and str "
                "are admitted"
            )
        self.push(found)

    def call(self) -> None:
        """Record the call of a name with arguments."""
        arguments, function = self.pop(), self.pop()
        if type(function) is not Name or type(arguments) is not tuple:
            raise Malformed(f"refused a call of {about(function)}")
        if str(function) == ENCODE:
            self.push(self.encode(*arguments) if len(arguments) == 2 else None)
        else:
            self.push(Call(str(function), arguments))

    def encode(self, text: Any, encoding: Any) -> bytes:
        """Only latin1, which is what Python uses there, and no more bytes than the file has."""
        if type(text) is not str or encoding != "latin1":
            raise Malformed(f"refused the encoding {about(encoding)}")
        self.encoded += len(text)
        if self.encoded > len(self.content):
            raise Malformed("bytes are written many times over")
        return text.encode("latin1")

    def build(self) -> None:
        """Record the state that the result of a call was to be told."""
        state = self.pop()
        target = self.top(Call)
        if target.state is not None:
            raise Malformed("a state is set twice")
        target.state = state

    def persistent(self) -> None:
        """Refuse what stands outside of the pickle; readers that have something there say what."""
        raise Malformed(f"refused a persistent id at byte {self.at:,}")

    def extend(self) -> None:
        """Add what was pushed since the last mark to the list below it."""
        items = self.marked()
        self.top(list).extend(items)

    def set_items(self, items: list[Any]) -> None:
        """Store keys and values, in turn, in the dict on top of the stack."""
        if len(items) % 2:
            raise Malformed("a dict has a key without a value")
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (str, bytes):  # whose hashes nobody can choose
                raise Malformed(f"a dict has the key {about(key)}")
            target[key] = value

    def tuple_of(self, count: int) -> None:
        """Make a tuple of the last values."""
        if len(self.stack) < count:
            raise Malformed(f"the stack is empty at byte {self.at:,}")
        self.stack[-count:] = [tuple(self.stack[-count:])]
