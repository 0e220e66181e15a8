"""A line search: how far to go along a direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

ENOUGH = 1e-4  # c₁: how much of the promised descent is asked for
FLATTER = 0.9  # c₂: how much of the slope may be left
CLOSEST = 1e-9  # brackets that move no parameter further are not searched


class Point(NamedTuple):
    """A place on the line.

    Attributes:
        t: how far along.
        f: the loss there.
        gradient: its gradient there, a vector.
        slope: of the loss along the line, gᵀd.
    """

    t: float
    f: float
    gradient: Any
    slope: float


def strong_wolfe(
    at: Callable[[float], tuple[float, Any]],
    t: float,
    d: Any,
    f: float,
    gradient: Any,
    slope: float,
    max_ls: int,
) -> tuple[float, Any, float, int]:
    """A t with f(t) ≤ f(0) + c₁ t f'(0) and |f'(t)| ≤ −c₂ f'(0) (the strong Wolfe conditions).

    It goes on until such a point is there or lies between two, then draws these together by
    cubic interpolation. Nocedal, Wright, "Numerical Optimization", algorithms 3.5 and 3.6;
    decides as PyTorch's.

    Args:
        at: the loss and its gradient at a t.
        t: the first to try.
        d: the direction.
        f, gradient, slope: at t = 0.
        max_ls: the most calls of `at`, but for the first.

    Returns:
        The loss, its gradient, t, and how often `at` was called.
    """

    def point(t: float) -> Point:
        loss, found = at(t)
        return Point(t, loss, found, float(found.dot(d)))

    def too_high(new: Point) -> bool:
        return new.f > f + ENOUGH * new.t * slope

    def flat(new: Point) -> bool:
        return abs(new.slope) <= -FLATTER * slope

    first = Point(0.0, f, gradient, slope)
    before, new = first, point(t)
    calls, tries, done = 1, 0, False
    bracket = [first, new]
    while tries < max_ls:
        if too_high(new) or (tries > 1 and new.f >= before.f):
            bracket = [before, new]
            break
        if flat(new):
            bracket, done = [new], True
            break
        if new.slope >= 0:
            bracket = [before, new]
            break
        bounds = new.t + 0.01 * (new.t - before.t), new.t * 10
        before, new = new, point(_cubic(before, new, bounds))
        calls, tries = calls + 1, tries + 1
    else:
        bracket = [first, new]
    low, high = (0, 1) if bracket[0].f <= bracket[-1].f else (1, 0)
    stuck, reach = False, float(d.abs().max())
    while not done and tries < max_ls:
        near, far = sorted(end.t for end in bracket)
        if (far - near) * reach < CLOSEST:
            break
        t = _cubic(bracket[0], bracket[1], (near, far))
        margin = 0.1 * (far - near)
        if min(far - t, t - near) >= margin:
            stuck = False
        elif stuck or t >= far or t <= near:  # too close to an end for the second time
            t = far - margin if abs(t - far) < abs(t - near) else near + margin
            stuck = False
        else:
            stuck = True
        new = point(t)
        calls, tries = calls + 1, tries + 1
        if too_high(new) or new.f >= bracket[low].f:
            bracket[high] = new
            low, high = (0, 1) if bracket[0].f <= bracket[1].f else (1, 0)
            continue
        done = flat(new)
        if not done and new.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = new
    best = bracket[low]
    return best.f, best.gradient, best.t, calls


def _cubic(a: Point, b: Point, bounds: tuple[float, float]) -> float:
    """Where the cubic through two points, with their slopes, is lowest, within the bounds."""
    low, high = bounds
    middle = (low + high) / 2
    if a.t == b.t:
        return middle
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return middle
    left, right = (a, b) if a.t <= b.t else (b, a)
    d2 = math.sqrt(square)
    below = right.slope - left.slope + 2 * d2
    if below == 0:
        return middle
    t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / below)
    return min(max(t, low), high)
