"""Counts between edges that are returned; the values were printed by PyTorch 2.13."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import return_types


def test_edges_are_rounded_as_linspace_is(device: str) -> None:
    """At such an edge lies an element, which goes by the edge's last digit."""
    x = tg.tensor(np.linspace(0.87, 1.86, 11, dtype="float32"), device=device)
    hist, edges = tg.histogram(x, 5)
    assert hist.tolist() == [2, 2, 2, 3, 2]
    wanted = [0.8700000047683716, 1.0679999589920044, 1.2660000324249268, 1.4639999866485596]
    assert edges.tolist() == [*wanted, 1.662000060081482, 1.8600000143051147]


def test_cells_of_several_dimensions(device: str) -> None:
    x = tg.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 0.0], [2.0, 2.0]], device=device)
    weight = tg.tensor([1.0, 2.0, 4.0, 8.0], device=device)
    found = tg.histogramdd(x, [3, 3], weight=weight)
    assert isinstance(found, return_types.histogramdd)
    assert found.hist.tolist() == [[0, 1, 0], [2, 0, 0], [4, 0, 8]]
    assert [e.shape for e in found.bin_edges] == [(4,), (4,)]
    line = tg.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], device=device)
    density = tg.histogramdd(line, [2, 2], range=[0.0, 1.0, 0.0, 1.0], density=True)
    assert density.hist.tolist() == [[2, 0], [0, 2]]
    edges = tuple(tg.tensor(e, device=device) for e in ([0.0, 1.0, 3.0], [0.0, 3.0]))
    hist, own = tg.histogramdd(line.reshape(1, 3, 2), edges)
    assert (hist.tolist(), own[0].tolist()) == ([[1], [2]], [0, 1, 3])
    assert tg.histogramdd(line[:0], 2).hist.tolist() == [[0, 0], [0, 0]]
    nowhere = tg.tensor([[float("nan"), 0.0], [5.0, 0.0]], device=device)
    assert tg.histogramdd(nowhere, edges).hist.sum().item() == 0


def test_rows_beyond_the_edges_are_in_no_cell(device: str) -> None:
    inside = [[0.5, 0.5], [1.5, 0.5], [0.5, 2.5], [2.0, 3.0]]
    beyond = [[2.5, 0.5], [float("nan"), 0.5], [0.5, float("nan")], [-1.0, 1.5], [0.5, 5]]
    x = tg.tensor([*beyond, *inside], device=device)
    edges = [tg.tensor(e, device=device) for e in ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0])]
    assert tg.histogramdd(x, edges).hist.tolist() == [[1, 0, 1], [1, 0, 1]]
    weight = tg.arange(9.0, device=device) - 5  # of those inside 0, 1, 2, 3
    found = tg.histogramdd(x, edges, weight=weight).hist
    assert found.tolist() == [[0, 0, 2], [1, 0, 3]]


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda x: tg.histogramdd(x, [2, 3, 4]), RuntimeError),
        (lambda x: tg.histogramdd(x.long(), 2), NotImplementedError),
        (lambda x: tg.histogramdd(x[0], 2), RuntimeError),
        (lambda x: tg.histogramdd(x, 2, range=[0.0, 1.0]), RuntimeError),
        (lambda x: tg.histogramdd(x, 2, weight=tg.ones(2)), RuntimeError),
        (lambda x: tg.histogramdd(x, 2, weight=tg.ones(3, dtype=tg.float64)), RuntimeError),
        (lambda x: tg.histogramdd(x, 0), RuntimeError),
        (lambda x: tg.histogramdd(x, [tg.ones(2).double()] * 2), RuntimeError),
        (lambda x: tg.histogramdd(x, [tg.ones(0)] * 2), RuntimeError),
        (lambda x: tg.histogram(x, tg.ones(1)), RuntimeError),
        (lambda x: tg.histogram(x, tg.ones(0)), RuntimeError),
    ],
)
def test_what_is_refused(call: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        call(tg.ones(3, 2))
