"""All rows."""

from __future__ import annotations

from . import (
    table_algebra,
    table_factors,
    table_given,
    table_memory,
    table_names,
    table_places,
    table_pointwise,
    table_protocols,
    table_reduce,
    table_samples,
    table_series,
    table_shape,
    table_small,
    table_top,
)
from .row import either_form

FIRST = [
    *table_pointwise.rows(),
    *table_reduce.rows(),
    *table_shape.rows(),
    *table_places.rows(),
    *table_algebra.rows(),
    *table_samples.rows(),
    *table_small.rows(),
    *table_series.rows(),
    *table_factors.rows(),
    *table_top.rows(),
    *table_memory.rows(),
    *table_protocols.rows(),
    *table_given.rows(),
]

ROWS = [either_form(row) for row in (*FIRST, *table_names.rows(FIRST))]
