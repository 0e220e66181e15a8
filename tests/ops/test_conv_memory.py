"""Convolutions: what they keep, what they own, and that nothing is shared between two at once."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests import strict
from tests.op_table import leaves, to_numpy
from tests.strategies import Array
from tinygrad_lite.backend import namespace_for, root
from tinygrad_lite.backend.cpu import im2col
from tinygrad_lite.backend.plain.conv import Algorithm, Recorded
from tinygrad_lite.engine import _captured
from tinygrad_lite.graph import Joint, Node
from tinygrad_lite.nn import functional as F


def test_first_layer_computes_no_input_gradient(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    xp, calls = namespace_for(device), []
    choose = xp.conv2d_algorithm

    def spied(*args: Any) -> Algorithm:
        way: Algorithm = choose(*args)

        def recorded(*operands: Any) -> Recorded:
            found = way.recorded(*operands)
            calls.append("recorded")
            return found._replace(
                of_input=lambda *a: (calls.append("of_input"), found.of_input(*a))[1],
                of_weight=lambda *a: (calls.append("of_weight"), found.of_weight(*a))[1],
            )

        return way._replace(recorded=recorded)

    monkeypatch.setitem(xp.__dict__, "conv2d_algorithm", spied)
    x, w1, w2 = (tg.randn(*s, device=device) for s in [(2, 3, 6, 6), (4, 3, 3, 3), (5, 4, 3, 3)])
    first = F.conv2d(x, w1.requires_grad_())
    assert isinstance(first.grad_fn, Node)
    assert isinstance(first.grad_fn.vjps, Joint)
    assert first.grad_fn.vjps.parts[0] is None
    F.conv2d(first, w2.requires_grad_()).sum().backward()
    assert calls == ["recorded", "recorded", "of_input", "of_weight", "of_weight"]
    # A frozen weight: nothing holds the input.
    monkeypatch.undo()
    frozen = F.conv2d(x.clone().requires_grad_(), w1.detach())
    assert isinstance(frozen.grad_fn, Node)
    assert isinstance(frozen.grad_fn.vjps, Joint)
    assert _captured(frozen.grad_fn.vjps) == {id(root(w1.array))}
    assert frozen.grad_fn.vjps.parts[1] is None


@pytest.mark.parametrize("channels", [4, 40])
def test_a_frozen_weight_keeps_neither_image_nor_columns(
    channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with so many outputs that the columns would be kept for the weight's gradient."""
    monkeypatch.delattr(im2col, "_product_of_long_rows")  # that gradient, which nobody wants
    x = tg.randn(2, 3, 6, 6, requires_grad=True)
    weight, bias = tg.randn(channels, 3, 3, 3), tg.randn(channels, requires_grad=True)
    image = x * 1
    y = F.conv2d(image, weight, bias)
    assert isinstance(y.grad_fn, Node)
    assert isinstance(y.grad_fn.vjps, Joint)
    of_input, of_weight, of_bias = y.grad_fn.vjps.parts
    assert _captured(of_input) == {id(root(weight.array))}
    assert of_weight is None
    assert _captured(of_bias) == set()
    image.mul_(2)
    y.sum().backward()
    assert x.grad is not None
    assert bias.grad is not None
    want = F.conv_transpose2d(tg.ones(y.shape), weight)
    np.testing.assert_allclose(x.grad.numpy(), want.numpy(), atol=1e-4)
    np.testing.assert_array_equal(bias.grad.numpy(), np.full(channels, 32, np.float32))


@pytest.mark.parametrize("groups", [1, 2])
def test_gradients_own_their_memory(device: str, groups: int) -> None:
    """Two convolutions in flight: neither reads what the other left in scratch memory."""
    rng = np.random.default_rng(3)
    shapes = [(2, 4, 7, 6), (6, 4 // groups, 3, 3), (6,)]
    first = [rng.standard_normal(s) for s in shapes]
    second = [rng.standard_normal(s) for s in shapes]

    def run(arrays: Any) -> tuple[list[tg.Tensor], tg.Tensor]:
        tensors = leaves(tuple(arrays), device)
        return tensors, F.conv2d(*tensors, padding=1, groups=groups)

    def gradients(tensors: list[tg.Tensor], y: tg.Tensor) -> list[Array]:
        y.backward(tg.tensor(np.cos(np.arange(y.numel())).reshape(y.shape), device=device))
        return [to_numpy(y), *(to_numpy(t.grad) for t in tensors)]

    alone = [gradients(*run(arrays)) for arrays in (first, second)]
    a, b = run(first), run(second)
    kept = to_numpy(a[1])
    found_a = gradients(*a)
    before = [to_numpy(t.grad) for t in a[0]]
    found_b = gradients(*b)
    for found, wanted in zip((found_a, found_b), alone, strict=True):
        for x, y in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(to_numpy(a[1]), kept)
    for t, old in zip(a[0], before, strict=True):
        np.testing.assert_array_equal(to_numpy(t.grad), old)
    arrays = [getattr(t.array, "_host", t.array) for t in (*a[0], *b[0], a[1], b[1])]
    arrays += [getattr(t.grad.array, "_host", t.grad.array) for t in (*a[0], *b[0])]
    if device != "cuda":
        for one, two in itertools.combinations(arrays, 2):
            assert not np.shares_memory(one, two)


def test_two_threads_at_once() -> None:
    rng = np.random.default_rng(0)
    work = [[rng.standard_normal(s) for s in [(4, 8, 12, 12), (8, 8, 3, 3)]] for _ in range(2)]

    def step(arrays: list[Array]) -> list[Array]:
        tensors = leaves(tuple(arrays), "cpu")
        y = F.conv2d(*tensors, padding=1)
        (y * y).sum().backward()
        return [to_numpy(t.grad) for t in tensors]

    wanted = [step(arrays) for arrays in work]
    wrong: list[Any] = []

    def repeat(which: int) -> None:
        try:
            for _ in range(15):
                for a, b in zip(step(work[which]), wanted[which], strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-10)
        except BaseException as error:  # a thread's exceptions would be lost
            wrong.append(error)

    threads = [threading.Thread(target=repeat, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_never_waits_for_the_device() -> None:
    strict.install()
    x, w, b = (tg.randn(*s, device="strict") for s in [(2, 4, 6, 6), (4, 2, 3, 3), (4,)])
    g = tg.ones(2, 4, 6, 6, device="strict")
    for t in (x, w, b):
        t.requires_grad_()
    with strict.forbid_sync():
        F.conv2d(x, w, b, padding="same", groups=2).backward(g)
        F.conv_transpose2d(x, w, b, padding=1, groups=2).backward(g)
        F.fold(F.unfold(x, 3), (6, 6), 3).backward(g)


def test_a_joint_rule_does_only_what_is_asked_of_it() -> None:
    done: list[str] = []

    def note(what: str) -> Any:
        return lambda g, _: done.append(what) or g

    joint = Joint(note("shared"), note("x"), note("weight"), sharers=(1,))
    assert list(joint(1.0, (True, False))) == [1.0, None]
    assert done == ["x"]
    assert list(joint(1.0, (False, True))) == [None, 1.0]
    assert done == ["x", "shared", "weight"]
    assert joint.without([object(), None]).prepare is None  # nor does it hold what that captured
    assert joint.without([None, object()]).prepare is joint.prepare
