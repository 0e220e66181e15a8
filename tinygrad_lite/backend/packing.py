"""Packed sequences: the rows of step 0, of step 1, and so on.

Step t has `sizes[t]` rows, never more than the step before: sequences are sorted by length, the
longest first, so the rows of a step are those of the first sequences.
"""

from __future__ import annotations

import itertools

Sizes = tuple[int, ...]


def spans(sizes: Sizes, reverse: bool) -> list[tuple[int, int]]:
    """For each step, in the order in which they run, the rows that it has in the packing."""
    ends = list(itertools.accumulate(sizes))
    found = [(end - n, end) for end, n in zip(ends, sizes, strict=True)]
    return found[::-1] if reverse else found
