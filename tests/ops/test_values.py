"""Every row: the forward value against NumPy, and what a forward pass may not do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests import strict
from tests.op_table import ROWS, Row, each_example, leaves, to_numpy
from tinygrad_lite.graph import Node

TOLERANCE = {np.float32: {"rtol": 3e-5, "atol": 3e-5}, np.float64: {"rtol": 1e-11, "atol": 1e-11}}


@pytest.mark.parametrize("row", ROWS.values(), ids=repr)
def test_values(row: Row, device: str) -> None:
    """One test a row: what pytest does for each takes longer than the checks."""
    value_and_dtype(row=row, device=device)
    if row.differentiable:
        no_grad_records_nothing(row=row, device=device)
    if device == "strict" and not row.syncs:
        never_waits_for_the_device(row=row)


def rules_of(tensors: tuple[tg.Tensor, ...]) -> set[str]:
    """The names of the rules in the graph of some tensors."""
    stack: list[Any] = [t.grad_fn for t in tensors]
    names = set()
    while stack:
        node = stack.pop()
        if isinstance(node, Node):
            names.add(node.operation)
            stack.extend(node.parents)
    return names


@each_example(0.16, 0.08, dtype=[np.float32, np.float64])
def value_and_dtype(row: Row, device: str, arrays: Any, words: Any, dtype: Any) -> None:
    arrays = tuple(a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays)
    expected = row.expected(
        tuple(a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays), words
    )
    tensors = leaves(arrays, device, dtype)
    found = row(*tensors, **words)

    assert len(found) == len(expected)
    for out, want in zip(found, expected, strict=True):
        assert out.device.type == device
        assert out.shape == want.shape
        assert out.dtype == (dtype if want.dtype.kind == "f" else want.dtype)
        np.testing.assert_allclose(to_numpy(out), want, **TOLERANCE[dtype])
    for tensor, array in zip(tensors, arrays, strict=True):
        np.testing.assert_array_equal(to_numpy(tensor), array, err_msg="an input was mutated")
    assert any(out.requires_grad for out in found) == row.differentiable
    rule = row.rule or (row.target if row.target in tg.ops.RULES else None)
    if row.differentiable and rule and all(a.ndim and a.size for a in arrays):
        assert rule in rules_of(found)


@each_example(0.08, 0.04)
def no_grad_records_nothing(row: Row, device: str, arrays: Any, words: Any) -> None:
    tensors = leaves(arrays, device)
    recorded = row(*tensors, **words)
    with tg.no_grad():
        found = row(*tensors, **words)
    for out, same in zip(found, recorded, strict=True):
        # What an operation returns unchanged is the leaf itself.
        assert not out.requires_grad or any(out is t for t in tensors)
        assert out.grad_fn is None
        np.testing.assert_array_equal(to_numpy(out), to_numpy(same))
    # Nor does it record where nothing requires a gradient.
    for out in row(*leaves(arrays, device, grad=False), **words):
        assert not out.requires_grad
        assert out.grad_fn is None


@each_example(0.08)
def never_waits_for_the_device(row: Row, arrays: Any, words: Any) -> None:
    tensors = leaves(arrays, "strict")
    with tg.no_grad():  # (an index with arrays moves them to the device: that is no wait)
        shapes = [out.shape for out in row(*tensors, **words) if out.dtype.kind == "f"]
    cotangents = [tg.ones(shape, dtype="float64", device="strict") for shape in shapes]
    with strict.forbid_sync():
        found = row(*tensors, **words)
        if row.differentiable:
            outs = [out for out in found if out.requires_grad]
            tg.autograd.backward(outs, cotangents)
