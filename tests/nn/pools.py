"""Windows of pooling, drawn, and pooling from its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.strategies import Array, Draw


def spans(n: int, k: int, s: int, p: int, d: int, ceil: bool) -> list[list[int]]:
    """The pixels (border included) of each window along an axis, from the definition."""
    starts = range(-p, n + p if ceil else n + p - d * (k - 1), s)
    found = [[start + d * i for i in range(k)] for start in starts]
    if ceil:  # as many as ⌈(n + 2p − reach) / s⌉ + 1, but none that starts in the right border
        found = found[: max(-((n + 2 * p - d * (k - 1) - 1) // -s) + 1, 0)]
        found = [pixels for pixels in found if pixels[0] < n]
    return found


def naive(kind: str, x: Array, g: Any, window: dict[str, Any], **average: Any) -> Any:
    """Pooling one output element at a time: y, dL/dx and, of maxima, their places."""
    k, s, p, d = (window[name] for name in ("kernel_size", "stride", "padding", "dilation"))
    (n, c, h, w), ceil = x.shape, window["ceil_mode"]
    rows = spans(h, k[0], s[0], p[0], d[0], ceil)
    columns = spans(w, k[1], s[1], p[1], d[1], ceil)
    y = np.zeros((n, c, len(rows), len(columns)))
    places, dx = np.zeros(y.shape, np.int64), np.zeros(x.shape)
    for a, b, i, j in np.ndindex(y.shape):
        inside = [(r, q) for r in rows[i] for q in columns[j] if 0 <= r < h and 0 <= q < w]
        share = 1 if g is None else g[a, b, i, j]
        if kind == "max":
            values = [x[a, b, r, q] for r, q in inside]
            r, q = inside[int(np.argmax(values))]
            y[a, b, i, j], places[a, b, i, j] = x[a, b, r, q], r * w + q
            dx[a, b, r, q] += share
        else:
            bordered = sum(r < h + p[0] for r in rows[i]) * sum(q < w + p[1] for q in columns[j])
            count = bordered if average["count_include_pad"] else len(inside)
            count = average["divisor_override"] or count
            y[a, b, i, j] = sum(x[a, b, r, q] for r, q in inside) / count
            for r, q in inside:
                dx[a, b, r, q] += share / count
    return y, dx, places


@st.composite
def windows(draw: Draw, kind: str, dilated: bool = True) -> Any:
    """The shape of an image and keywords of a window that fits it."""
    k = draw(st.tuples(st.integers(1, 3), st.integers(1, 4)))
    d = draw(st.sampled_from([(1, 1), (1, 1), (2, 1)])) if dilated and kind == "max" else (1, 1)
    p = tuple(draw(st.integers(0, i // 2)) for i in k)
    least = [max(e * (i - 1) + 1 - 2 * q, e) for i, q, e in zip(k, p, d, strict=True)]
    shape = (*draw(st.sampled_from([(1, 1), (2, 1), (1, 3), (3, 2)])),)
    shape += tuple(m + draw(st.integers(0, 4)) for m in least)
    return shape, {
        "kernel_size": k,
        "stride": draw(st.tuples(st.integers(1, 4), st.integers(1, 4))),
        "padding": p,
        "dilation": d,
        "ceil_mode": draw(st.booleans()),
    }


def chwn(array: Any) -> bool:
    """Whether an array (N, C, H, W) lies in memory as (C, H, W, N)."""
    return bool(array.transpose(1, 2, 3, 0).flags.c_contiguous)
