"""Pickles without calling anything: the part of the format that we read.

`unpickle` gives the value that a pickle describes, with stand-ins (`machine.Call`) for what it
wants to be called; `arrays.as_array` makes an array of one that describes it. The memory taken is
that of the content: a length is compared with what is left, the memo is a dict, numbers are
short, keys are strings. What comes out may still be nested deeply or contain itself, so readers
look only at what they need, and describe it by `about`.

Format: Python's `pickletools`, and PEP 3154 and 574 for protocols 4 and 5.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Collection
from typing import Any

from . import Malformed
from .machine import Machine

__all__ = ["run", "unpickle"]

MOST_STEPS = 1_000_000  # a batch of CIFAR-10 takes 60,000
_LONGEST_NUMBER = 64  # bytes
_STOP = ord(".")


def unpickle(content: bytes, admitted: Collection[str]) -> Any:
    """The value that a pickle of plain values and of stand-ins describes.

    Args:
        content: the whole pickle. The str of Python 2 is read as latin1, as NumPy needs it.
        admitted: the dotted names that may occur. Nothing of that name is imported or called.

    Raises:
        Malformed: damaged, or it asks for something else.
    """
    return run(Machine(content, admitted))


def run(machine: Machine) -> Any:
    """The value that is on top of the stack when a machine has come to the end of its pickle.

    Raises:
        Malformed: damaged, or it asks for something else.
    """
    for _ in range(MOST_STEPS):
        if machine.at == len(machine.content):
            raise Malformed("the pickle has no end")
        code = machine.take(1)[0]
        if code == _STOP:
            return machine.pop()
        operation = _OPERATIONS.get(code)
        if operation is None:
            raise Malformed(f"refused the instruction {code:#04x} at byte {machine.at - 1:,}")
        operation(machine)
    raise Malformed(f"the pickle takes more than {MOST_STEPS:,} steps")


_U8, _U16, _U32, _U64, _I32, _F64 = map(struct.Struct, ("<B", "<H", "<I", "<Q", "<i", ">d"))


def _constant(make: Callable[[], Any]) -> Callable[[Machine], None]:
    return lambda m: m.push(make())


def _number(form: struct.Struct) -> Callable[[Machine], None]:
    return lambda m: m.push(m.number(form))


def _text(form: struct.Struct, encoding: str) -> Callable[[Machine], None]:
    errors = "surrogatepass" if encoding == "utf-8" else "strict"
    return lambda m: m.push(str(m.take(m.number(form)), encoding, errors))


def _bytes(form: struct.Struct) -> Callable[[Machine], None]:
    return lambda m: m.push(m.take(m.number(form)))


def _long(form: struct.Struct) -> Callable[[Machine], None]:
    def operation(m: Machine) -> None:
        size = m.number(form)
        if size > _LONGEST_NUMBER:
            raise Malformed(f"an integer of {size:,} bytes")
        m.push(int.from_bytes(m.take(size), "little", signed=True))

    return operation


def _integer_line(m: Machine) -> None:
    line = m.line(_LONGEST_NUMBER)
    m.push({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line.rstrip(b"L")))


# What Python 2 writes for a str in protocol 0.
_QUOTED = re.compile(rb"(['\"])((?:[^\\]|\\(?:[\\'\"nrt]|x[0-9a-fA-F]{2}))*)\1")
_ESCAPED = re.compile(rb"\\(x..|.)")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def _string_line(m: Machine) -> None:
    found = _QUOTED.fullmatch(m.line(len(m.content)))
    if found is None:
        raise Malformed(f"a str without its quotes before byte {m.at:,}")

    def plain(escape: re.Match[bytes]) -> bytes:
        code = escape[1]
        return bytes([int(code[1:], 16)]) if len(code) == 3 else _ESCAPES.get(code, code)

    m.push(_ESCAPED.sub(plain, found[2]).decode("latin1"))


def _drop(m: Machine) -> None:
    m.pop()


def _drop_marked(m: Machine) -> None:
    m.marked()


def _double(m: Machine) -> None:
    value = m.pop()
    m.stack += [value, value]


def _append(m: Machine) -> None:
    item = m.pop()
    m.top(list).append(item)


def _set_item(m: Machine) -> None:
    value, key = m.pop(), m.pop()
    m.set_items([key, value])


def _new_dict(m: Machine) -> None:
    items = m.marked()
    m.push({})
    m.set_items(items)


def _stack_global(m: Machine) -> None:
    name, module = m.pop(), m.pop()
    m.name(module, name)


def _protocol(m: Machine) -> None:
    if (version := m.number(_U8)) > 5:
        raise Malformed(f"protocol {version} is unknown")


_OPERATIONS: dict[int, Callable[[Machine], None]] = {
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
        ("(", Machine.mark),
        ("0", _drop),
        ("1", _drop_marked),
        ("2", _double),
        ("a", _append),
        ("e", Machine.extend),
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
        ("R", lambda m: m.call()),
        ("b", lambda m: m.build()),
        ("Q", lambda m: m.persistent()),
        (0x80, _protocol),
        (0x95, lambda m: m.number(_U64)),  # a frame is a hint to those who read from a pipe
    )
}
