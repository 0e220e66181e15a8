"""All rows."""

from __future__ import annotations

from . import (
    table_algebra,
    table_places,
    table_pointwise,
    table_reduce,
    table_samples,
    table_shape,
)

ROWS = [
    *table_pointwise.rows(),
    *table_reduce.rows(),
    *table_shape.rows(),
    *table_places.rows(),
    *table_algebra.rows(),
    *table_samples.rows(),
]
