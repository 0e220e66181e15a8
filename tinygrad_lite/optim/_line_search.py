"""A line search: how far to go along a direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

ENOUGH = 1e-4  # c₁: the part of the descent that the first slope promises which is asked for
FLATTER = 0.9  # c₂: the part of the first slope that may be left
CLOSEST = 1e-9  # two points between which no parameter differs by more are one


class Point(NamedTuple):
    """A place on the line x + t d.

    Attributes:
        t: how far along it is.
        f: the loss there.
        gradient: the loss's gradient there, a vector.
        slope: the loss's derivative along the line there, gradientᵀ d.
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

    Such a point is first enclosed between two others, which are then drawn together by cubic
    interpolation. Nocedal, Wright, "Numerical Optimization", 2006, algorithms 3.5 and 3.6; its
    decisions are those of PyTorch's search.

    Args:
        at: t ↦ the loss and its gradient, a vector, at x + t d.
        t: the first to try.
        d: the direction, a vector.
        f, gradient, slope: at t = 0; the slope is below 0.
        max_ls: the most calls of `at` after the first one. The best point so far is taken then.

    Returns:
        The loss, its gradient, t, and how often `at` was called.
    """
    search = _Search(at, d, Point(0.0, f, gradient, slope), max_ls)
    found = search.zoom(search.bracket(t))
    return found.f, found.gradient, found.t, search.calls


class _Search:
    """A search along one line.

    Args:
        at, d: as of `strong_wolfe`.
        start: the point at t = 0.
        most: its `max_ls`.

    Attributes:
        calls: how often `at` was called.
    """

    def __init__(
        self, at: Callable[[float], tuple[float, Any]], d: Any, start: Point, most: int
    ) -> None:
        self._at, self._d, self._start, self._most = at, d, start, most
        self.calls = 0

    def _point(self, t: float) -> Point:
        self.calls += 1
        loss, gradient = self._at(t)
        return Point(t, loss, gradient, float(gradient.dot(self._d)))

    def _may_go_on(self) -> bool:
        return self.calls <= self._most

    def _is_too_high(self, new: Point) -> bool:
        """Whether a point breaks the first condition."""
        return new.f > self._start.f + ENOUGH * new.t * self._start.slope

    def _is_flat(self, new: Point) -> bool:
        """Whether a point meets the second condition."""
        return abs(new.slope) <= -FLATTER * self._start.slope

    def bracket(self, t: float) -> list[Point]:
        """A point that meets both conditions, or two that such a point lies between.

        It goes on and on until the loss is too high or rises, for the point was passed then.
        """
        before, new = self._start, self._point(t)
        while self._may_go_on():
            if self._is_too_high(new) or (self.calls > 2 and new.f >= before.f):
                return [before, new]
            if self._is_flat(new):
                return [new]
            if new.slope >= 0:
                return [before, new]
            bounds = new.t + 0.01 * (new.t - before.t), new.t * 10
            before, new = new, self._point(_cubic(before, new, bounds))
        return [self._start, new]

    def zoom(self, bracket: list[Point]) -> Point:
        """The point of a bracket that meets both conditions, or the lowest that was found."""
        if len(bracket) == 1:
            return bracket[0]
        low, high = _order(bracket)
        stuck, reach = False, float(self._d.abs().max())
        while self._may_go_on():
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
            new = self._point(t)
            if self._is_too_high(new) or new.f >= bracket[low].f:
                bracket[high] = new
                low, high = _order(bracket)
                continue
            if self._is_flat(new):
                return new
            if new.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = new
        return bracket[low]


def _order(bracket: list[Point]) -> tuple[int, int]:
    """Which of two points is the lower one, and which the higher."""
    return (0, 1) if bracket[0].f <= bracket[1].f else (1, 0)


def _cubic(a: Point, b: Point, bounds: tuple[float, float]) -> float:
    """The t, within the bounds, where the cubic with two points' losses and slopes is lowest.

    The middle of the bounds if it has no minimum. (Nocedal, Wright, equation 3.59.)
    """
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
