"""Errors that say what is wrong with data of which no tensor can be made."""

from __future__ import annotations

from typing import Any, NoReturn

from ..backend import numpy


def refuse_elements(flat: list[Any]) -> NoReturn:
    """Raise an error that names the element which a tensor can't hold.

    Args:
        flat: all elements of the data.
    """
    wrong = next((x for x in flat if not isinstance(x, int | float | complex | numpy.number)), None)
    if isinstance(wrong, str | bytes):
        raise TypeError(f"tensor: elements must be numbers, but got {wrong!r}")
    if wrong is not None or None in flat:
        raise RuntimeError(f"tensor: could not infer a dtype of {type(wrong).__name__}")
    largest = max((x for x in flat if isinstance(x, int)), key=abs)
    raise ValueError(f"tensor: the integer {largest} is too big for 64 bits")


def refuse_complex(flat: list[Any]) -> NoReturn:
    """Raise an error that names the complex number which a real dtype was asked for."""
    wrong = next(x for x in flat if isinstance(x, complex | numpy.complexfloating))
    raise TypeError(f"tensor: must be real number, not complex: {wrong!r}")


def refuse_ragged(data: Any) -> NoReturn:
    """Raise an error that says where nested lists differ, in depth or in length."""
    shape, first = [], data
    while isinstance(first, list | tuple):
        shape.append(len(first))
        first = first[0] if first else None

    def check(part: Any, depth: int) -> None:
        nested = isinstance(part, list | tuple)
        if nested != (depth < len(shape)):
            raise TypeError(f"tensor: a number stands beside a list, {depth} lists deep")
        if nested and len(part) != shape[depth]:
            raise ValueError(
                f"tensor: expected a sequence of length {shape[depth]} at dim {depth}, but got "
                f"{len(part)}"
            )
        for inner in part if nested else ():
            check(inner, depth + 1)

    check(data, 0)
    raise ValueError("tensor: parts of different shapes")
