"""All rows of modules, losses, optimizers and schedulers."""

from __future__ import annotations

from . import (
    table_activations,
    table_decompose,
    table_distributions,
    table_factors,
    table_func,
    table_functional,
    table_graph,
    table_layers,
    table_losses,
    table_module_api,
    table_optim,
    table_random,
    table_rest,
    table_sequences,
    table_settings,
    table_tools,
    table_transforms,
)

ROWS = [
    *table_layers.rows(),
    *table_activations.rows(),
    *table_losses.rows(),
    *table_sequences.rows(),
    *table_optim.rows(),
    *table_module_api.rows(),
    *table_rest.rows(),
    *table_distributions.rows(),
    *table_func.rows(),
    *table_factors.experiments(),
    *table_functional.rows(),
    *table_decompose.rows(),
    *table_tools.rows(),
    *table_random.rows(),
    *table_settings.rows(),
    *table_graph.rows(),
    *table_transforms.rows(),
]
