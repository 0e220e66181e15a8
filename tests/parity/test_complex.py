"""Complex tensors and transforms do what PyTorch's do: values, dtypes, derivatives, errors."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import tinygrad_lite
from tests.several import several

from . import complex_cases
from .complex_cases import Case

FAMILIES = ("transforms", "frames", "operands", "methods", "others")


@pytest.mark.parametrize("family", FAMILIES)
def test_as_pytorch(family: str) -> None:
    with several() as case:
        for one in getattr(complex_cases, family)():
            with case(one[0]):
                compare(one)


def compare(one: Case) -> None:
    name, function, given = one
    ours, theirs = (outcome(m, function, given) for m in (tinygrad_lite, torch))
    if name.endswith("+"):
        assert isinstance(ours, RuntimeError), ours
        assert not isinstance(theirs, Exception), theirs
        assert "complex64" in str(ours)
        return
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        assert kind(ours) is kind(theirs), (ours, theirs)
        return
    for mine, its in itertools.zip_longest(ours, theirs):
        if mine is None or its is None:  # PyTorch has zeros for what does not depend on something
            assert not np.any(mine if its is None else its)
        elif isinstance(mine, np.ndarray):
            assert (mine.dtype, mine.shape) == (its.dtype, its.shape)
            np.testing.assert_allclose(mine, its, rtol=3e-4, atol=3e-4)
        else:
            assert mine == its


def kind(error: Any) -> Any:
    """How a program catches it; PyTorch's not implemented are RuntimeErrors, as ours are."""
    if not isinstance(error, Exception):
        return None
    known = (IndexError, TypeError, ValueError)
    return next((k for k in known if isinstance(error, k)), RuntimeError)


def outcome(m: Any, function: Any, given: Any) -> Any:
    """All that a call gives: results, gradients of weighted results, their gradients; an error."""
    leaves = [m.tensor(a, requires_grad=True) for a in given]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = function(m, *leaves)
            found = list(found) if isinstance(found, (list, tuple)) else [found]
            graph = [y for y in found if isinstance(y, m.Tensor) and y.requires_grad]
            if not graph or not leaves:
                return [elements(y) for y in found]
            first = gradients(m, weighted(m, graph, 1), leaves)
            graph = [g for g in first if g is not None and g.requires_grad]
            bent = [
                m.view_as_real(g.resolve_conj()).tanh() if g.is_complex() else g.tanh()
                for g in graph
            ]
            second = gradients(m, weighted(m, bent, 2), leaves) if bent else []
            return [elements(y) for y in (*found, *first, *second)]
    except Exception as error:
        return error


def weighted(m: Any, results: list[Any], seed: int) -> Any:
    rng, total = np.random.default_rng(seed), 0
    for y in results:
        parts = m.view_as_real(y.resolve_conj()) if y.is_complex() else y
        weights = m.tensor(rng.normal(size=tuple(parts.shape)))
        total = total + (parts * weights).sum()
    return total


def gradients(m: Any, loss: Any, leaves: list[Any]) -> list[Any]:
    if not loss.requires_grad:
        return []
    return list(m.autograd.grad(loss, leaves, create_graph=True, allow_unused=True))


def elements(y: Any) -> Any:
    if not hasattr(y, "detach"):
        return y
    return (y.detach() * 1).resolve_conj().resolve_neg().numpy()
