"""How two outcomes of one call differ: a kind of difference and a sentence, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from . import deliberate
from .call import Call, Outcome, run

# Relative to the largest magnitude, for each dtype's rounding.
TOLERANCE = {"float16": 4e-3, "float32": 2e-5, "float64": 1e-11}


class Difference(NamedTuple):
    """`kind` is one of `deliberate.KINDS`; `docs/conventions.md` may excuse a (name, kind)."""

    kind: str
    text: str


def difference(call: Call, *, seed: int = 0) -> Difference | None:
    """Run a call on both libraries; the first thing that differs, or None."""
    return next(differences(run("ours", call, seed=seed), run("torch", call, seed=seed)), None)


def differences(ours: Outcome, theirs: Outcome) -> Iterator[Difference]:
    """What differs between two outcomes, most basic first."""
    if ours.error is not None or theirs.error is not None:
        yield from _errors(ours.error, theirs.error)
        return
    if ours.kind != theirs.kind or len(ours.results) != len(theirs.results):
        yield Difference("structure", f"{ours.kind} for {theirs.kind}")
        return
    for n, (a, b) in enumerate(zip(ours.results, theirs.results, strict=True)):
        if ours.dtypes[n] != theirs.dtypes[n]:
            yield Difference("dtype", f"{ours.dtypes[n]} for {theirs.dtypes[n]}")
        elif np.shape(a) != np.shape(b):
            yield Difference("shape", f"{np.shape(a)} for {np.shape(b)}")
        elif not same(a, b):
            yield Difference("value", f"{_text(a)} for {_text(b)}")
    for n, (a, b) in enumerate(zip(ours.shares, theirs.shares, strict=True)):
        if a != b:
            yield Difference("aliasing", f"result {n} {'shares' if a else 'does not share'} memory")
    for n, (a, b) in enumerate(zip(ours.after, theirs.after, strict=True)):
        if a.shape != b.shape or not same(a, b):
            yield Difference("mutation", f"argument {n} is {_text(a)} for {_text(b)} afterwards")
    if ours.needs_grad != theirs.needs_grad:
        yield Difference("requires_grad", f"{ours.needs_grad} for {theirs.needs_grad}")
    else:
        yield from _gradients(ours.gradients, theirs.gradients)


def _errors(ours: Exception | None, theirs: Exception | None) -> Iterator[Difference]:
    if theirs is None:
        yield Difference("refuses", f"{type(ours).__name__}: {ours}")
    elif ours is None:
        yield Difference("accepts", f"PyTorch: {_name(theirs)}: {str(theirs)[:150]}")
    elif _name(ours) != _name(theirs):
        text = f"{_name(ours)}: {str(ours)[:150]} FOR {_name(theirs)}: {str(theirs)[:150]}"
        yield Difference("error type", text)


def _name(error: Exception) -> str:
    """NotImplementedError and the like are RuntimeErrors to whoever catches them."""
    known = (IndexError, TypeError, ValueError, ZeroDivisionError, AttributeError, OverflowError)
    return next((k.__name__ for k in known if isinstance(error, k)), "RuntimeError")


def _gradients(ours: Any, theirs: Any) -> Iterator[Difference]:
    if deliberate.faulty(theirs):
        return
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        if isinstance(ours, Exception) != isinstance(theirs, Exception):
            yield Difference("gradient", f"{ours!r} for {theirs!r}"[:300])
        return
    for n, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        a = np.zeros_like(b) if a is None and b is not None else a
        b = np.zeros_like(a) if b is None and a is not None else b
        if a is not None and (a.shape != b.shape or a.dtype != b.dtype or not same(a, b)):
            yield Difference("gradient", f"of argument {n}: {_text(a)} for {_text(b)}")


def same(a: Any, b: Any, slack: float = 1.0, floor: float = 0.0) -> bool:
    """Whether two results are equal up to `slack` times rounding; NaN equals NaN.

    Rounding is relative to the largest magnitude, or to `floor` if that is larger.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind not in "f" or b.dtype.kind not in "f":
        return a.shape == b.shape and bool(np.all((a == b) | ((a != a) & (b != b))))
    rtol = slack * TOLERANCE[a.dtype.name]
    with np.errstate(all="ignore"):
        finite = np.abs(b[np.isfinite(b)])
        scale = max(float(finite.max()) if finite.size else 0.0, floor)
        limit = float(np.finfo(a.dtype).max)
        close = np.isclose(a, b, rtol=rtol, atol=min(scale, 1e3) * rtol, equal_nan=True)
        # At the edge of overflow one library may round to infinity where the other does not.
        edge = (np.isinf(a) & (np.abs(b) > 0.999 * limit)) | (
            np.isinf(b) & (np.abs(a) > 0.999 * limit)
        )
    return bool(np.all(close | edge))


def _text(value: Any) -> str:
    text = (
        np.array2string(np.asarray(value), threshold=12, separator=", ") if np.size(value) else "[]"
    )
    return text.replace("\n", "")[:240]
