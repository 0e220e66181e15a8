"""All rows of modules, losses, optimizers and schedulers."""

from __future__ import annotations

from . import (
    table_activations,
    table_averaging,
    table_bases,
    table_data,
    table_decompose,
    table_distributions,
    table_func,
    table_functional,
    table_layers,
    table_losses,
    table_module_api,
    table_optim,
    table_rest,
    table_sequences,
    table_tools,
    table_transforms,
    table_utils,
)

ROWS = [
    *table_layers.rows(),
    *table_activations.rows(),
    *table_losses.rows(),
    *table_sequences.rows(),
    *table_optim.rows(),
    *table_averaging.rows(),
    *table_bases.rows(),
    *table_module_api.rows(),
    *table_rest.rows(),
    *table_distributions.rows(),
    *table_func.rows(),
    *table_functional.rows(),
    *table_data.rows(),
    *table_decompose.rows(),
    *table_tools.rows(),
    *table_transforms.rows(),
    *table_utils.rows(),
]
