"""Every row that differentiates: memory order, ownership of gradients, in-place safety, leaks."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.op_table import DIFFERENTIABLE, Row, each_example, leaves, to_numpy
from tests.strategies import LAYOUTS, Array
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.graph import Leaf, Node, Storage
from tinygrad_lite.tensor.base import in_our_order


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=repr)
def test_memory(row: Row, device: str) -> None:
    """One test a row: what pytest does for each takes as long as one of the four."""
    memory_order_changes_nothing(row=row, device=device)
    gradients_are_owned(row=row, device=device)
    in_place_changes_never_corrupt(row=row, device=device)
    memory_goes_without_the_collector(row=row, device=device)


def forward(row: Row, tensors: list[tg.Tensor], words: dict[str, Any]) -> list[tg.Tensor]:
    """The outputs that require a gradient."""
    return [out for out in row(*tensors, **words) if out.requires_grad]


def cotangents(outs: list[tg.Tensor], seed: int = 1) -> list[tg.Tensor]:
    """Random cotangents of the outputs."""
    rng = np.random.default_rng(seed)
    return [
        tg.tensor(rng.standard_normal(out.shape), dtype=out.dtype, device=out.device)
        for out in outs
    ]


def gradients(tensors: list[tg.Tensor]) -> list[Array | None]:
    """Copies of `.grad`."""
    return [None if t.grad is None else to_numpy(t.grad) for t in tensors]


def assert_same(found: list[Array | None], wanted: list[Array | None], **tolerance: float) -> None:
    """Compare lists of gradients."""
    for a, b in zip(found, wanted, strict=True):
        assert (a is None) == (b is None)
        if a is not None and b is not None:
            np.testing.assert_allclose(a, b, **({"rtol": 0, "atol": 0} | tolerance))


@each_example(0.08, 0.04, dtype=[np.float32, np.float64])
def memory_order_changes_nothing(
    row: Row, device: str, arrays: Any, words: Any, dtype: Any
) -> None:
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-11}
    xp = namespace_for(device)

    def run(tensors: list[tg.Tensor], layout: Any = None) -> tuple[Any, Any]:
        outs = forward(row, tensors, words)
        given_ = cotangents(outs)
        if layout:
            given_ = [tg.as_tensor(layout(xp, to_numpy(c))) for c in given_]
        tg.autograd.backward(outs, given_)
        return [to_numpy(out) for out in outs], gradients(tensors)

    for name, layout in LAYOUTS.items():
        repeated = name.startswith("broadcast")
        if repeated and not row.repeats:
            continue
        cast = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
        floats = [in_our_order(tg.as_tensor(layout(xp, a))) for a in cast]  # as if it chose them
        plain = [tg.as_tensor(xp.array(np.array(to_numpy(t), order="C"))) for t in floats]
        for t in (*floats, *plain):
            t.requires_grad_(t.dtype.kind == "f")
        own = None if repeated else layout
        values, grads = run(floats, own)
        expected_values, expected_grads = run(plain)
        assert_same(values, expected_values, **{"atol": 1e-12} | tolerance)
        assert_same(grads, expected_grads, **{"atol": 1e-12} | tolerance)


@each_example(0.08, 0.04, dtype=[np.float32, np.float64])
def gradients_are_owned(row: Row, device: str, arrays: Any, words: Any, dtype: Any) -> None:
    tensors = leaves(arrays, device, dtype)
    outs = forward(row, tensors, words)
    values, given_ = [to_numpy(out) for out in outs], cotangents(outs)
    before = [to_numpy(c) for c in given_]
    tg.autograd.backward(outs, given_, retain_graph=True)

    assert_same([to_numpy(c) for c in given_], before)
    assert_same([to_numpy(out) for out in outs], values)
    assert_same([to_numpy(t) for t in tensors], list(leaves_as_numpy(arrays, dtype)))
    found = [t for t in tensors if t.grad is not None]
    for t in found:
        assert t.grad is not None
        assert (t.grad.dtype, t.grad.shape, t.grad.device) == (t.dtype, t.shape, t.device)
        others = [*tensors, *outs, *given_, *(u.grad for u in found if u is not t)]
        for other in others:
            assert other is not None
            assert not shares_memory(t.grad, other), "a gradient shares memory"

    # A second pass gives the same gradients, added to .grad.
    once = gradients(tensors)
    tg.autograd.backward(outs, given_)
    assert_same(gradients(tensors), [None if g is None else g + g for g in once])


def leaves_as_numpy(arrays: tuple[Array, ...], dtype: Any) -> list[Array]:
    """The values that `leaves` gives the tensors."""
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]


def shares_memory(a: tg.Tensor, b: tg.Tensor) -> bool:
    """Whether two tensors share memory, to the byte.

    Reckoned on the host: `cupy.shares_memory` is wrong for arrays of no dimension.
    """
    x, y = (getattr(t.array, "_host", t.array) for t in (a, b))
    if isinstance(x, np.ndarray):
        return np.may_share_memory(x, y) and np.shares_memory(x, y)
    return not bytes_of(x).isdisjoint(bytes_of(y))


def bytes_of(array: Any) -> set[int]:
    """The addresses of all bytes of a device array's elements."""
    places = np.array(array.data.ptr)
    for n, step in zip((*array.shape, array.itemsize), (*array.strides, 1), strict=True):
        places = np.add.outer(places, np.arange(n) * step)
    return set(places.ravel().tolist())


@each_example(0.08, 0.04)
def in_place_changes_never_corrupt(row: Row, device: str, arrays: Any, words: Any) -> None:
    tensors = leaves(arrays, device)
    outs = forward(row, tensors, words)
    given_ = cotangents(outs)
    tg.autograd.backward(outs, given_)
    wanted = gradients(tensors)
    for place in range(len(tensors) + len(outs)):
        tensors = leaves(arrays, device)
        outs = forward(row, tensors, words)
        changed = [*tensors, *outs][place].detach()
        try:
            if changed.dtype.kind == "f":
                changed.add_(0.7)
            else:
                changed.copy_(changed[..., :1] if changed.ndim else changed == 0)
            tg.autograd.backward(outs, given_)
        except RuntimeError as error:
            if not any(word in str(error) for word in ("modified", "single memory", "read-only")):
                raise
            continue
        assert_same(gradients(tensors), wanted)


@each_example(0.08, 0.04)
def memory_goes_without_the_collector(row: Row, device: str, arrays: Any, words: Any) -> None:
    tensors = leaves(arrays, device)
    given_ = cotangents(forward(row, tensors, words))
    was_enabled = gc.isenabled()
    gc.disable()
    gc.freeze()  # from here on, the collector lists what is new
    try:
        outs = forward(row, tensors, words)
        kept = [weakref.ref(out.array) for out in outs if not any(out is t for t in tensors)]
        assert new_objects() or not kept
        del outs
        assert not new_objects(), "after a forward pass"
        assert all(ref() is None for ref in kept)
        tg.autograd.backward(forward(row, tensors, words), given_)
        for t in tensors:
            t.grad = None
        assert not new_objects(), "after a backward pass"
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def new_objects() -> list[Any]:
    """Tensors and parts of the graph made since the collector was frozen."""
    kinds = (tg.Tensor, Node, Leaf, Storage)
    return [found for found in gc.get_objects() if issubclass(type(found), kinds)]
