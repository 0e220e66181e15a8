"""How two outcomes of one call differ: a kind of difference and a sentence, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from . import deliberate
from .call import Call, Outcome, in_float64, run
from .deliberate import Difference

# Relative to the largest magnitude, for each dtype's rounding.
TOLERANCE = {"float16": 4e-3, "float32": 2e-5, "float64": 1e-11}
UNDERFLOW = 1e-40


def difference(call: Call, *, seed: int = 0) -> Difference | None:
    """Run a call on both libraries; the first thing that differs, or None."""
    ours, theirs = run("ours", call, seed=seed), run("torch", call, seed=seed)

    @cache
    def exact() -> Outcome:
        return run("torch", in_float64(call), cotangents=theirs.cotangents)

    return next(differences(ours, theirs, exact), None)


def differences(
    ours: Outcome, theirs: Outcome, exact: Callable[[], Outcome]
) -> Iterator[Difference]:
    """What differs between two outcomes, most basic first.

    What differs by no more than twice PyTorch's own distance to its float64 result is equal.
    """
    if deliberate.strict(ours.error, theirs.results):
        return
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
        elif not same(a, b) and not _as_near(a, b, exact().results, n):
            yield Difference("value", _text(a, b))
    for n, (a, b) in enumerate(zip(ours.shares, theirs.shares, strict=True)):
        if a != b:
            yield Difference("aliasing", f"result {n} {'shares' if a else 'does not share'} memory")
    for n, (a, b) in enumerate(zip(ours.refuses_view, theirs.refuses_view, strict=True)):
        if a and not b:  # the other way round our result lies in an order of the library's choice
            yield Difference("aliasing", f"result {n} cannot be viewed as a row")
    for n, (a, b) in enumerate(zip(ours.after, theirs.after, strict=True)):
        if a.shape != b.shape or not (same(a, b) or _as_near(a, b, exact().after, n)):
            yield Difference("mutation", f"argument {n} is afterwards {_text(a, b)}")
    needs_grad = deliberate.of_floats(theirs.needs_grad, theirs.dtypes)
    if ours.needs_grad != needs_grad:
        yield Difference("requires_grad", f"{ours.needs_grad} for {needs_grad}")
    else:
        yield from _gradients(ours, theirs, exact)
        yield from _second(ours, theirs, exact)


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


def _gradients(one: Outcome, other: Outcome, exact: Callable[[], Outcome]) -> Iterator[Difference]:
    ours, theirs = one.gradients, other.gradients
    loosest = max((TOLERANCE.get(d, 0.0) for d in one.dtypes), default=0.0)
    if deliberate.faulty(theirs):
        return
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        if isinstance(ours, Exception) != isinstance(theirs, Exception):
            texts = [repr(x) if isinstance(x, Exception) else "arrays" for x in (ours, theirs)]
            yield Difference("gradient", " for ".join(texts)[:300])
        return
    for n, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        a = np.zeros_like(b) if a is None and b is not None else a
        b = np.zeros_like(a) if b is None and a is not None else b
        if a is None:
            continue
        slack = max(loosest / TOLERANCE.get(a.dtype.name, 1.0), 1.0)  # what it came through
        if a.shape == b.shape and a.dtype == b.dtype and same(a, b, slack):
            continue
        if a.shape != b.shape or not _as_near(a, b, exact().gradients, n):
            yield Difference("gradient", f"of argument {n}: {_text(a, b)}")


def _second(one: Outcome, other: Outcome, exact: Callable[[], Outcome]) -> Iterator[Difference]:
    """Second derivatives, where PyTorch has them; where its formulas give NaN ours may not."""
    ours, theirs = one.second, other.second
    if isinstance(theirs, Exception) or not theirs:
        return
    loosest = max(TOLERANCE[b.dtype.name] for b in theirs)
    if isinstance(ours, Exception):
        yield Difference("second", f"{ours!r} for arrays"[:300])
        return
    for n, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            yield Difference("second", f"of {n}: {a.shape} {a.dtype} for {b.shape} {b.dtype}")
            continue
        a, slack = np.where(np.isnan(b), b, a), loosest / TOLERANCE[b.dtype.name]
        if not same(a, b, 10.0 * max(slack, 1.0), 1.0) and not _as_near(a, b, exact().second, n):
            yield Difference("second", f"of {n}: {_text(a, b)}")


def same(a: Any, b: Any, slack: float = 1.0, floor: float = 0.0) -> bool:
    """Whether two results are equal up to `slack` times rounding; NaN equals NaN.

    Rounding is relative to the largest magnitude, or to `floor` if that is larger.
    """
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and bool(np.all(_close(a, b, slack, floor)))


def _close(a: Any, b: Any, slack: float = 1.0, floor: float = 0.0) -> Any:
    """Where two arrays are equal up to rounding."""
    if a.dtype.kind not in "f" or b.dtype.kind not in "f":
        return (a == b) | ((a != a) & (b != b))
    rtol = slack * TOLERANCE[a.dtype.name]
    with np.errstate(all="ignore"):
        finite = np.abs(b[np.isfinite(b)])
        scale = max(float(finite.max()) if finite.size else 0.0, floor)
        limit = float(np.finfo(a.dtype).max)
        least = min(scale, 1e3) * rtol + UNDERFLOW
        close = np.isclose(a, b, rtol=rtol, atol=least, equal_nan=True)
        # At the edge of overflow one library may round to infinity where the other does not.
        return (
            close
            | (np.isinf(a) & (np.abs(b) > 0.999 * limit))
            | (np.isinf(b) & (np.abs(a) > 0.999 * limit))
        )


def _as_near(a: Any, b: Any, exact: Any, n: int) -> bool:
    """Whether a is as good a result as b, given float64's: equal to it, or hardly further off."""
    a, b = np.asarray(a), np.asarray(b)
    if isinstance(exact, Exception) or len(exact) <= n or exact[n] is None or a.dtype.kind != "f":
        return False
    true = np.asarray(exact[n])
    if true.shape != a.shape or true.dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):
        true = true.astype(a.dtype)
        off = [np.abs(x.astype("float64") - true) for x in (a, b)]
        fair = np.isfinite(b) & (off[0] <= 2 * off[1])
    return bool(np.all(_close(a, b) | _close(a, true) | fair))


def _text(a: Any, b: Any) -> str:
    """The first elements that differ, and where."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or not a.ndim or a.size < 2:
        return f"{a} for {b}".replace("\n", "")[:240]
    places = np.argwhere(~np.broadcast_to(_close(a, b), a.shape))[:3]
    return "; ".join(f"{a[tuple(p)]!s} for {b[tuple(p)]!s} at {p.tolist()}" for p in places)
