"""Packed sequences: one matrix with the rows of step 0, then those of step 1, and so on.

Step t has `sizes[t]` rows, one for each sequence that is longer than t. The sequences are sorted by
length, the longest first, so these are the first ones, and a step never has more rows than the one
before.
"""

from __future__ import annotations

import itertools

Sizes = tuple[int, ...]


def spans(sizes: Sizes, reverse: bool) -> list[tuple[int, int]]:
    """For each step the range (start, end) of its rows in the packing.

    In the order in which steps are computed: `reverse` begins with the last one.
    """
    ends = list(itertools.accumulate(sizes))
    found = [(end - n, end) for end, n in zip(ends, sizes, strict=True)]
    return found[::-1] if reverse else found
