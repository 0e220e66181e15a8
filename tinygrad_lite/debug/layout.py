"""Where the boxes of a layered drawing go: Sugiyama's method, in its simplest form.

Boxes are given rows by their longest way from a source; an edge that skips rows passes through
an invisible box in each; the boxes of a row are ordered by where their neighbours are; and
last each box is drawn towards its neighbours as far as the others let it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

Edge = tuple[int, int]
Point = tuple[float, float]

SWEEPS = 8
THREAD = 24.0  # the width that an edge which passes a row takes


def layout(
    sizes: Sequence[Point],
    edges: Sequence[Edge],
    firm: Sequence[float],
    across: float = 28.0,
    down: float = 34.0,
) -> tuple[list[Point], dict[Edge, list[Point]], Point]:
    """Place boxes so that every edge leads downwards.

    Args:
        sizes: the width and height of each box.
        edges: pairs of boxes, each from an earlier to a later one.
        firm: how much the wishes of each box count: lines between firm boxes are straight.
        across, down: the room between boxes.

    Returns:
        The upper left corner of each box, the points that each edge passes (from the lower
        side of its first box to the upper side of its second), and the size of the whole.
    """
    row = [0] * len(sizes)
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        row[b] = max(row[b], row[a] + 1)
    sinks: dict[int, list[int]] = {}
    for a, b in edges:
        sinks.setdefault(a, []).append(b)
    for a in reversed(range(len(sizes))):  # a source stands right above what it is for
        if a in sinks and not any(b == a for _, b in edges):
            row[a] = min(row[b] for b in sinks[a]) - 1
    boxes, weights = list(sizes), list(firm)
    paths: dict[Edge, list[int]] = {}
    for a, b in dict.fromkeys(edges):
        path = [a]
        for between in range(row[a] + 1, row[b]):
            path.append(len(boxes))
            boxes.append((THREAD, 0.0))
            weights.append(1.0)
            row.append(between)
        paths[a, b] = [*path, b]
    near: list[list[int]] = [[] for _ in boxes]
    for path in paths.values():
        for a, b in pairwise(path):
            near[a].append(b)
            near[b].append(a)
    rows: list[list[int]] = [[] for _ in range(max(row, default=-1) + 1)]
    for box, r in enumerate(row):
        rows[r].append(box)
    x = _across(rows, boxes, weights, near, row, across)
    y, top = [0.0] * len(boxes), 0.0
    for members in rows:
        height = max(boxes[box][1] for box in members)
        for box in members:
            y[box] = top + (height - boxes[box][1]) / 2
        top += height + down
    lines = {
        edge: [
            (x[path[0]], y[path[0]] + boxes[path[0]][1]),
            *((x[box], y[box]) for box in path[1:-1]),
            (x[path[-1]], y[path[-1]]),
        ]
        for edge, path in paths.items()
    }
    corners = [(x[i] - sizes[i][0] / 2, y[i]) for i in range(len(sizes))]
    width = max((x[i] + boxes[i][0] / 2 for i in range(len(boxes))), default=0.0)
    return corners, lines, (width, max(top - down, 0.0))


def _across(
    rows: list[list[int]],
    boxes: Sequence[Point],
    firm: Sequence[float],
    near: Sequence[Sequence[int]],
    row: Sequence[int],
    gap: float,
) -> list[float]:
    """The x of each box's middle; sorts each row so that edges cross little."""
    x = [0.0] * len(boxes)
    for members in rows:
        _spread(members, dict.fromkeys(members, 0.0), boxes, firm, gap, x)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for members in rows if downwards else reversed(rows):
            wished = {}
            for box in members:
                others = [n for n in near[box] if (row[n] < row[box]) == downwards]
                total = sum(firm[n] for n in others)
                wished[box] = sum(firm[n] * x[n] for n in others) / total if others else x[box]
            members.sort(key=lambda box, wished=wished: wished[box])  # type: ignore[misc]
            _spread(members, wished, boxes, firm, gap, x)
    left = min((x[i] - boxes[i][0] / 2 for i in range(len(boxes))), default=0.0)
    return [value - left for value in x]


def _spread(
    members: Sequence[int],
    wished: Mapping[int, float],
    boxes: Sequence[Point],
    firm: Sequence[float],
    gap: float,
    x: list[float],
) -> None:
    """Place a row's boxes as near to their wanted positions as their order and widths allow.

    Boxes that would overlap become a block, which is placed at the mean of what they want.
    """
    # Of each block: its boxes, its weight, where its left end wishes to be, its width.
    blocks: list[tuple[list[int], float, float, float]] = []
    for box in members:
        width = boxes[box][0] + gap
        block = ([box], firm[box], wished[box] - width / 2, width)
        while blocks and blocks[-1][2] + blocks[-1][3] > block[2]:
            others, weight, left, room = blocks.pop()
            both = weight + block[1]
            middle = (weight * left + block[1] * (block[2] - room)) / both
            block = (others + block[0], both, middle, room + block[3])
        blocks.append(block)
    for inside, _, left, _ in blocks:
        for box in inside:
            x[box] = left + (boxes[box][0] + gap) / 2
            left += boxes[box][0] + gap
