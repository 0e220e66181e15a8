"""The walk: order, accumulation, release, hooks, higher derivatives, threads, what it refuses."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.autograd import grad
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.plain import scatter as plain

LONG = 100_000


def leaf(*values: float, dtype: str = "float64") -> tg.Tensor:
    return tg.tensor(
        list(values) if len(values) != 1 else values[0], dtype=dtype, requires_grad=True
    )


def value(tensor: tg.Tensor | None) -> Any:
    assert tensor is not None
    return tensor.tolist()


def test_a_long_chain_backpropagates() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(LONG // 10):
        y = y + 1
    y.backward()
    assert value(x.grad) == 1


def test_a_long_chain_is_dropped_without_backward() -> None:
    # In a process of its own, because overflowing the C stack would end it.
    code = f"""
import tinygrad_lite as tg
x = tg.tensor(1.0, requires_grad=True)
y = x
for _ in range({LONG}):
    y = -y
del y
print("alive")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "alive\n", (done.returncode, done.stderr[-300:])


def test_a_long_chain_is_dropped_after_a_retained_backward() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(LONG):
        y = -y
    y.backward(retain_graph=True)
    del y
    assert value(x.grad) == 1


def test_a_diamond() -> None:
    x = leaf(3.0)
    a, b = x * 2, x * x
    (a * b + a).backward()  # 2x³ + 2x
    assert value(x.grad) == 6 * 9 + 2


def test_nodes_wait_for_all_of_their_gradient() -> None:
    # 2 ** 60 paths: only a walk that visits each node once finishes.
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert value(x.grad) == 2.0**60


def test_one_input_used_many_times() -> None:
    x = leaf(1.5)
    sum((x * k for k in range(100)), tg.tensor(0.0, dtype="float64")).backward()
    assert value(x.grad) == sum(range(100))


def test_accumulation_never_writes_into_a_gradient_it_does_not_own() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    given = tg.tensor([1.0, 1.0], dtype="float64")
    # The walk meets a + b first, whose rule hands one array to both; then each gets more.
    doubled, tripled = a * 2, b * 3
    (doubled + tripled + (a + b)).backward(given)
    assert (value(a.grad), value(b.grad)) == ([3, 3], [4, 4])
    assert value(given) == [1, 1]


def test_grad_accumulates_over_passes_in_place() -> None:
    x = leaf(1.0, 2.0)
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad is first
    assert value(first) == [5, 5]


def test_backward_twice_names_the_operation() -> None:
    y = leaf(1.0).exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"^exp: .*second time.*retain_graph=True"):
        y.backward()


def test_a_freed_shared_part_names_its_operation() -> None:
    shared = leaf(1.0).exp()
    first, second = shared * 2, shared * 3
    first.backward()
    with pytest.raises(RuntimeError, match=r"^exp: "):
        second.backward()


def test_retain_graph() -> None:
    x = leaf(2.0)
    y = x**3
    for times in (1, 2, 3):
        y.backward(retain_graph=True)
        assert value(x.grad) == 12 * times


def test_backward_of_a_leaf() -> None:
    x = leaf(2.0)
    x.backward()
    x.backward()
    assert value(x.grad) == 2


def test_backward_reaches_only_the_given_inputs() -> None:
    x, y = leaf(2.0), leaf(3.0)
    (x * y).backward(inputs=[x])
    assert value(x.grad) == 3
    assert y.grad is None


def test_grad_leaves_dot_grad_alone() -> None:
    x = leaf(2.0)
    (g,) = grad(x * x, x)
    assert value(g) == 4
    assert x.grad is None


def test_grad_of_unused_inputs() -> None:
    x, other = leaf(2.0), leaf(1.0, 1.0)
    with pytest.raises(RuntimeError, match="input 1 was not used"):
        grad(x * x, [x, other])
    _, g = grad(x * x, [x, other], allow_unused=True)
    assert g is None
    _, g = grad(x * x, [x, other], materialize_grads=True)
    assert value(g) == [0, 0]


def test_grad_of_inputs_that_are_no_leaves_and_depend_on_each_other() -> None:
    x = leaf(2.0)
    y = x * 3
    z = y * y
    gx, gy, gz = grad(z + y, [x, y, z])
    assert (value(gx), value(gy), value(gz)) == (39, 13, 1)


def test_grad_of_several_outputs() -> None:
    x = leaf(1.0, 2.0)
    (g,) = grad([x.sum(), x * x], x, [None, tg.tensor([1.0, 10.0], dtype="float64")])
    assert value(g) == [3, 41]


def test_grads_of_one_pass_do_not_share_memory() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    ga, gb = grad((a + b).sum(), [a, b])
    assert ga is not None
    assert gb is not None
    ga.add_(1)
    assert value(gb) == [1, 1]


def test_hooks_see_and_change_gradients() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    seen = []
    handle = y.register_hook(lambda g: seen.append(value(g)))
    y.register_hook(lambda g: g * 10)
    (y * 3).sum().backward(retain_graph=True)
    assert seen == [[3, 3]]
    assert value(x.grad) == [60, 60]
    handle.remove()
    (y * 3).sum().backward()
    assert len(seen) == 1


def test_a_hook_sees_the_whole_gradient_once() -> None:
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda g: seen.append(value(g)))
    (x * 2 + x * 3).backward()
    assert seen == [5]


def test_a_hook_cannot_reach_other_gradients_through_its_own() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = a + b
    stolen: list[tg.Tensor] = []
    a.register_hook(stolen.append)
    y.backward(tg.tensor([1.0, 1.0], dtype="float64"))
    with tg.no_grad():
        stolen[0].add_(5)
    assert value(b.grad) == [1, 1]
    assert value(a.grad) == [1, 1]


def test_hooks_run_on_recorded_gradients() -> None:
    x = leaf(3.0)
    x.register_hook(lambda g: g * 2)
    (x * x).backward(create_graph=True)
    assert x.grad is not None
    assert value(x.grad) == 12
    assert x.grad.requires_grad


def test_retain_grad() -> None:
    x = leaf(3.0)
    y = x * 2
    y.retain_grad()
    (y * y).backward(retain_graph=True)
    assert value(y.grad) == 12
    assert value(x.grad) == 24


def test_detach_and_no_grad_cut_the_graph() -> None:
    x = leaf(3.0)
    (x * x.detach()).backward()
    assert value(x.grad) == 3
    with tg.no_grad():
        y = x * x
        with tg.enable_grad():
            assert (x * x).requires_grad
    assert not y.requires_grad
    assert x.detach().is_leaf


def test_threads_have_their_own_mode_and_graphs() -> None:
    results: dict[int, Any] = {}
    inside, go_on = threading.Barrier(2, timeout=30), threading.Barrier(2, timeout=30)

    def work(k: int) -> None:
        x = leaf(float(k))
        if k == 1:
            with tg.no_grad():
                inside.wait()
                results[-1] = (x * x).requires_grad
                go_on.wait()
        else:
            inside.wait()  # the other thread is in no_grad
            results[-2] = (x * x).requires_grad
            go_on.wait()
        for _ in range(50):
            y = x
            for _ in range(20):
                y = y * 1.01 + x
            (results[k],) = grad(y, x)

    threads = [threading.Thread(target=work, args=(k,)) for k in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    want = 1.01**20 + sum(1.01**k for k in range(20))
    assert (results[-1], results[-2]) == (False, True)
    assert [value(results[k]) for k in (1, 2)] == pytest.approx([want, want])


def test_a_cotangent_stays_the_callers() -> None:
    """Neither added to, where several roots meet, nor taken for `.grad`."""
    x = tg.ones(2).requires_grad_()
    one, other = tg.tensor([1.0, 2.0]), tg.tensor([10.0, 20.0])
    y = x * 1
    tg.autograd.backward([y, y], [one, other])
    assert one.tolist() == [1, 2]
    assert x.grad is not None
    assert x.grad.tolist() == [11, 22]
    leaf = tg.zeros(2).requires_grad_()
    leaf.backward(one)
    assert leaf.grad is not None
    leaf.grad.add_(5)
    assert one.tolist() == [1, 2]


def test_a_gradient_that_a_hook_has_kept_stays_as_it_was() -> None:
    x = tg.tensor([1.0, 2.0]).requires_grad_()
    kept: list[tg.Tensor] = []
    x.register_hook(kept.append)
    for _ in range(2):
        (x * x).sum().backward()
    assert [g.tolist() for g in kept] == [[2, 4], [2, 4]]
    assert x.grad is not None
    assert x.grad.tolist() == [4, 8]


def test_a_gradient_that_is_kept_and_asked_for_is_two_tensors() -> None:
    x = tg.tensor([1.0, 2.0]).requires_grad_()
    y = x * 3
    y.retain_grad()
    (asked,) = grad((y * y).sum(), [y])
    asked.add_(5)
    assert y.grad is not None
    assert y.grad.tolist() == [6, 12]


def test_a_gradient_that_is_kept_and_gathered_is_added_once() -> None:
    x = tg.tensor([1.0, 2.0]).requires_grad_()
    y = x * 3
    y.retain_grad()
    (y * y).sum().backward(inputs=[y])
    assert y.grad is not None
    assert y.grad.tolist() == [6, 12]


def test_only_the_way_to_the_inputs_is_walked() -> None:
    """So what another pass has freed beside it does not matter."""
    x, w = tg.ones(2).requires_grad_(), tg.ones(2).requires_grad_()
    beside = w.exp()
    beside.sum().backward()
    y = (x * 2 + beside).sum()
    (found,) = tg.autograd.grad(y, [x])
    assert found.tolist() == [2, 2]


def test_a_graph_that_needs_a_gradient_notices_that_it_has_grown() -> None:
    x, other = tg.ones(2).requires_grad_(), tg.ones(2).requires_grad_()
    (x * 2).sum().backward()
    assert x.grad is not None
    y = (x.grad * other).sum()
    (x * 2).sum().backward()
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        y.backward()


def test_recorded_gradients_share_no_memory_either() -> None:
    a, b = tg.ones(2).requires_grad_(), tg.ones(2).requires_grad_()
    cotangent = tg.ones(2)
    (a + b).backward(cotangent, create_graph=True)
    assert a.grad is not None
    assert b.grad is not None
    with tg.no_grad():
        a.grad.add_(5)
    assert b.grad.tolist() == cotangent.tolist() == [1, 1]


def test_parts_are_added_where_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    scatter = plain.scatter
    monkeypatch.setitem(
        vars(namespace_for("cpu")),
        "scatter",
        lambda g, index, shape: made.append(index) or scatter(np, g, index, shape),
    )
    w = tg.arange(24.0, dtype=tg.float64).reshape(4, 6)
    x = tg.ones(4, 6, dtype=tg.float64, requires_grad=True)
    y = x * 1
    sum((y[:, t] * w[:, t] for t in range(6)), tg.zeros(4, dtype=tg.float64)).sum().backward()
    assert value(x.grad) == w.tolist()
    assert len(made) == 1, "zeros of the whole for each part"

    x.grad = None
    y = x * 1
    parts = (y[1:3], y[2:], y[..., ::2][None], y[3, 5], y[[0, 0]], y.split(4, 1)[1], y)
    sum((p.sum() for p in parts), tg.tensor(0.0)).backward()
    want = np.ones((4, 6))
    want[:, ::2] += 1
    want[1:3] += 1
    want[2:] += 1
    want[3, 5] += 1
    want[0] += 2
    want[:, 4:] += 1
    assert value(x.grad) == want.tolist()


def test_a_part_is_added_to_no_gradient_of_others() -> None:
    """What a hook, a leaf's `grad` or the given gradient refers to stays as it was."""
    x = tg.ones(3, requires_grad=True)
    y: tg.Tensor = x * 1
    part, z, seen = y[:2], y.view(3), []  # the walk comes to z first
    z.register_hook(seen.append)
    g = tg.ones(3)
    tg.autograd.backward([z, part], [g, tg.ones(2)])
    assert value(g) == value(seen[0]) == [1, 1, 1]
    assert value(x.grad) == [2, 2, 1]
