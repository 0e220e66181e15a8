"""Pickles without calling anything: a machine of our own for the part of the format that we read.

A pickle is a program for a stack machine, and Python's own machine calls what the program names.
This one has no such means. A name becomes a `Name`, a call a `Call` that records what was asked
for, and both only if the reader admits the name; `as_array` then makes an array of a call that
describes one, once shape, dtype and length agree. The machine's memory is that of the content: a
length is compared with what is left, the memo is a dict, numbers are short, keys are strings.
What it returns may still be nested deeply or contain itself, so readers look only at what they
need, and describe it by `about`.

Format: Python's `pickletools`, and PEP 3154 and 574 for protocols 4 and 5.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from tinygrad_lite.backend import numpy as np

from . import Malformed, about

__all__ = ["ARRAYS", "Call", "Name", "as_array", "unpickle"]

MOST_STEPS = 2_000_000  # a batch of CIFAR-10 takes 60,000
_LONGEST_NUMBER = 64  # bytes


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


ARRAYS = frozenset(
    {"numpy.ndarray", "numpy.dtype"}
    | {f"numpy.{core}.multiarray._reconstruct" for core in ("core", "_core")}
    | {f"numpy.{core}.numeric._frombuffer" for core in ("core", "_core")}
)
"""The names in pickles of arrays: old files say numpy.core, new ones numpy._core."""

_ENCODE = "_codecs.encode"  # how Python 3 writes bytes in protocols 0 to 2


def unpickle(content: bytes, admitted: Collection[str] = ARRAYS) -> Any:
    """The value that a pickle of plain values and of stand-ins describes.

    Args:
        content: the whole pickle. The str of Python 2 is read as latin1, as NumPy needs it.
        admitted: the dotted names that may occur. Nothing of that name is imported or called.

    Raises:
        Malformed: damaged, or it asks for something else.
    """
    machine = _Machine(content, admitted)
    step, most = machine.step, MOST_STEPS
    for _ in range(most):
        if step():
            return machine.pop()
    raise Malformed(f"the pickle takes more than {most:,} steps")


class _Machine:
    """The state of a run: where it is, its stack (of stacks, one for each mark) and its memo."""

    def __init__(self, content: bytes, admitted: Collection[str]) -> None:
        self.content = content
        self.admitted = admitted
        self.at = 0
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.encoded = 0

    def step(self) -> bool:
        """One instruction; True if it was the last one."""
        if self.at >= len(self.content):
            raise Malformed("the pickle has no end")
        code = self.content[self.at]
        self.at += 1
        operation = _OPERATIONS.get(code)
        if operation is None:
            if code == 0x2E:  # STOP
                return True
            raise Malformed(f"refused the instruction {code:#04x} at byte {self.at - 1:,}")
        operation(self)
        return False

    def take(self, count: int) -> bytes:
        left = len(self.content) - self.at
        if not 0 <= count <= left:
            raise Malformed(f"{count:,} bytes are due at byte {self.at:,}, but {left:,} are left")
        self.at += count
        return self.content[self.at - count : self.at]

    def number(self, form: struct.Struct) -> Any:
        return form.unpack(self.take(form.size))[0]

    def line(self, most: int) -> bytes:
        end = self.content.find(b"\n", self.at, self.at + most + 1)
        if end < 0:
            raise Malformed(f"a line at byte {self.at:,} does not end within {most:,} bytes")
        return self.take(end - self.at + 1)[:-1]

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        if not self.stack:
            raise Malformed(f"the stack is empty at byte {self.at:,}")
        return self.stack.pop()

    def top(self, kind: type) -> Any:
        """What lies on top, to be changed."""
        if not self.stack or type(self.stack[-1]) is not kind:
            raise Malformed(f"expected a {kind.__name__} on the stack at byte {self.at:,}")
        return self.stack[-1]

    def marked(self) -> list[Any]:
        """What was pushed since the last mark."""
        if not self.below:
            raise Malformed(f"there is no mark at byte {self.at:,}")
        items, self.stack = self.stack, self.below.pop()
        return items

    def remember(self, index: int) -> None:
        if not self.stack:
            raise Malformed(f"the stack is empty at byte {self.at:,}")
        self.memo[index] = self.stack[-1]

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise Malformed(f"nothing was stored under {index} at byte {self.at:,}")
        self.stack.append(self.memo[index])

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise Malformed("a name that is no text")
        found = Name(module, name)
        dotted = str(found)
        if dotted not in self.admitted and dotted != _ENCODE:
            raise Malformed(
                f"refused {module[:60]}.{name[:60]}: only arrays, lists, dicts, bytes and str "
                "are admitted"
            )
        self.push(found)

    def call(self) -> None:
        arguments, function = self.pop(), self.pop()
        if type(function) is not Name or type(arguments) is not tuple:
            raise Malformed(f"refused a call of {about(function)}")
        if str(function) == _ENCODE:
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
        state = self.pop()
        target = self.top(Call)
        if target.state is not None:
            raise Malformed("a state is set twice")
        target.state = state

    def extend(self) -> None:
        items = self.marked()
        self.top(list).extend(items)

    def set_items(self, items: list[Any]) -> None:
        if len(items) % 2:
            raise Malformed("a dict has a key without a value")
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (str, bytes):  # whose hashes nobody can choose
                raise Malformed(f"a dict has the key {about(key)}")
            target[key] = value

    def tuple_of(self, count: int) -> None:
        if len(self.stack) < count:
            raise Malformed(f"the stack is empty at byte {self.at:,}")
        self.stack[-count:] = [tuple(self.stack[-count:])]


_U8, _U16, _U32, _U64, _I32, _F64 = map(struct.Struct, ("<B", "<H", "<I", "<Q", "<i", ">d"))


def _constant(make: Callable[[], Any]) -> Callable[[_Machine], None]:
    return lambda m: m.push(make())


def _number(form: struct.Struct) -> Callable[[_Machine], None]:
    return lambda m: m.push(m.number(form))


def _text(form: struct.Struct, encoding: str) -> Callable[[_Machine], None]:
    errors = "surrogatepass" if encoding == "utf-8" else "strict"
    return lambda m: m.push(str(m.take(m.number(form)), encoding, errors))


def _bytes(form: struct.Struct) -> Callable[[_Machine], None]:
    return lambda m: m.push(m.take(m.number(form)))


def _long(form: struct.Struct) -> Callable[[_Machine], None]:
    def operation(m: _Machine) -> None:
        size = m.number(form)
        if size > _LONGEST_NUMBER:
            raise Malformed(f"an integer of {size:,} bytes")
        m.push(int.from_bytes(m.take(size), "little", signed=True))

    return operation


def _integer_line(m: _Machine) -> None:
    line = m.line(_LONGEST_NUMBER)
    m.push({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line.rstrip(b"L")))


# What Python 2 writes for a str in protocol 0.
_QUOTED = re.compile(rb"(['\"])((?:[^\\]|\\(?:[\\'\"nrt]|x[0-9a-fA-F]{2}))*)\1")
_ESCAPED = re.compile(rb"\\(x..|.)")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def _string_line(m: _Machine) -> None:
    found = _QUOTED.fullmatch(m.line(len(m.content)))
    if found is None:
        raise Malformed(f"a str without its quotes before byte {m.at:,}")

    def plain(escape: re.Match[bytes]) -> bytes:
        code = escape[1]
        return bytes([int(code[1:], 16)]) if len(code) == 3 else _ESCAPES.get(code, code)

    m.push(_ESCAPED.sub(plain, found[2]).decode("latin1"))


def _drop(m: _Machine) -> None:
    m.pop()


def _drop_marked(m: _Machine) -> None:
    m.marked()


def _double(m: _Machine) -> None:
    value = m.pop()
    m.stack += [value, value]


def _append(m: _Machine) -> None:
    item = m.pop()
    m.top(list).append(item)


def _set_item(m: _Machine) -> None:
    value, key = m.pop(), m.pop()
    m.set_items([key, value])


def _new_dict(m: _Machine) -> None:
    items = m.marked()
    m.push({})
    m.set_items(items)


def _stack_global(m: _Machine) -> None:
    name, module = m.pop(), m.pop()
    m.name(module, name)


def _protocol(m: _Machine) -> None:
    if (version := m.number(_U8)) > 5:
        raise Malformed(f"protocol {version} is unknown")


_OPERATIONS: dict[int, Callable[[_Machine], None]] = {
    ord(code) if isinstance(code, str) else code: operation
    for code, operation in (
        ("N", _constant(lambda: None)),
        (0x88, _constant(lambda: True)),
        (0x89, _constant(lambda: False)),
        ("]", _constant(list)),
        ("}", _constant(dict)),
        (")", _constant(tuple)),
        ("K", _number(_U8)),
        ("M", _number(_U16)),
        ("J", _number(_I32)),
        ("G", _number(_F64)),
        (0x8A, _long(_U8)),
        (0x8B, _long(_U32)),
        ("I", _integer_line),
        ("L", _integer_line),
        ("F", lambda m: m.push(float(m.line(_LONGEST_NUMBER)))),
        ("U", _text(_U8, "latin1")),
        ("T", _text(_U32, "latin1")),
        ("S", _string_line),
        (0x8C, _text(_U8, "utf-8")),
        ("X", _text(_U32, "utf-8")),
        (0x8D, _text(_U64, "utf-8")),
        ("V", lambda m: m.push(str(m.line(len(m.content)), "raw-unicode-escape"))),
        ("C", _bytes(_U8)),
        ("B", _bytes(_U32)),
        (0x8E, _bytes(_U64)),
        (0x96, _bytes(_U64)),  # a bytearray
        ("(", _Machine.mark),
        ("0", _drop),
        ("1", _drop_marked),
        ("2", _double),
        ("a", _append),
        ("e", _Machine.extend),
        ("l", lambda m: m.push(m.marked())),
        ("s", _set_item),
        ("u", lambda m: m.set_items(m.marked())),
        ("d", _new_dict),
        ("t", lambda m: m.push(tuple(m.marked()))),
        (0x85, lambda m: m.tuple_of(1)),
        (0x86, lambda m: m.tuple_of(2)),
        (0x87, lambda m: m.tuple_of(3)),
        ("p", lambda m: m.remember(int(m.line(20)))),
        ("q", lambda m: m.remember(m.number(_U8))),
        ("r", lambda m: m.remember(m.number(_U32))),
        (0x94, lambda m: m.remember(len(m.memo))),
        ("g", lambda m: m.recall(int(m.line(20)))),
        ("h", lambda m: m.recall(m.number(_U8))),
        ("j", lambda m: m.recall(m.number(_U32))),
        ("c", lambda m: m.name(m.line(200).decode("ascii"), m.line(200).decode("ascii"))),
        (0x93, _stack_global),
        ("R", _Machine.call),
        ("b", _Machine.build),
        (0x80, _protocol),
        (0x95, lambda m: m.number(_U64)),  # a frame is a hint to those who read from a pipe
    )
}

_DTYPES = frozenset(["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"])


def as_array(value: Any) -> np.ndarray[Any, Any] | None:
    """The array that a stand-in describes, read-only and in the file's memory; None if it is none.

    Raises:
        Malformed: it is to be an array, but its parts disagree or are not admitted.
    """
    if type(value) is not Call or value.name not in ARRAYS - {"numpy.dtype", "numpy.ndarray"}:
        return None
    if value.name.endswith("_frombuffer"):
        if len(value.arguments) != 4 or value.state is not None:
            raise Malformed("an array of a buffer has other arguments than NumPy gives")
        data, described, shape, order = value.arguments
        fortran = order == "F" if order in ("C", "F") else None
    else:
        first = value.arguments[:1]
        state = value.state
        if first != (Name("numpy", "ndarray"),) or type(state) is not tuple or len(state) != 5:
            raise Malformed("an array has another state than NumPy gives")
        _, shape, described, fortran, data = state
    if type(data) is str:  # Python 2's
        data = data.encode("latin1")
    if type(data) is not bytes or type(fortran) is not bool:
        raise Malformed(f"an array's data is {about(data)}")
    sizes = shape if type(shape) is tuple and len(shape) <= 8 else (-1,)
    if not all(type(size) is int and 0 <= size < 2**40 for size in sizes):
        raise Malformed("an array's shape is no tuple of a few sizes")
    dtype = _dtype(described)
    if math.prod(sizes) * dtype.itemsize != len(data):
        raise Malformed(f"an array {dtype} {sizes} cannot have {len(data):,} bytes")
    return np.frombuffer(data, dtype).reshape(sizes, order="F" if fortran else "C")


def _dtype(described: Any) -> np.dtype[Any]:
    """The dtype that a stand-in describes: a plain number's."""
    if type(described) is Call and described.name == "numpy.dtype":
        code, state = described.arguments[:1], described.state
        plain = type(state) is tuple and len(state) >= 5 and state[2:5] == (None, None, None)
        if plain and len(code) == 1 and type(code[0]) is str and code[0] in _DTYPES:
            order = state[1]
            if type(order) is str and order in ("<", ">", "|", "="):
                return np.dtype(("" if order == "|" else order) + code[0])
    raise Malformed("an array has a dtype that is not admitted")
