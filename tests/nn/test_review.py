"""Mistakes that a review found, each of them silent or lasting, kept from coming back."""

from __future__ import annotations

import gc
import signal
import threading
import time
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import autograd, optim
from tinygrad_lite.backend.cpu import blas
from tinygrad_lite.backend.cpu.threads import parallel
from tinygrad_lite.nn import functional as F


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
def test_after_an_interrupt_every_part_still_ends_before_its_call(two_threads: None) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def slow(start: int, stop: int) -> None:
        time.sleep(0.01 if start == 0 else 0.3)  # the caller waits for the worker

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            parallel(slow, 2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    for _ in range(3):
        out = np.zeros(2)

        def part(start: int, stop: int, out: np.ndarray = out) -> None:
            time.sleep(0.02 * start)
            out[start:stop] = 1

        parallel(part, 2)
        assert out.tolist() == [1, 1]


@pytest.mark.skipif(blas.thread_functions()[1] is None, reason="NumPy without OpenBLAS")
def test_an_idle_worker_holds_on_to_nothing(two_threads: None) -> None:
    x = torch.randn(1 << 20)
    memory = weakref.ref(x.array)
    x.relu()
    del x
    gc.collect()
    time.sleep(0.05)
    assert memory() is None


@pytest.mark.skipif(blas.thread_functions()[1] is None, reason="NumPy without OpenBLAS")
def test_a_number_set_meanwhile_stands(two_threads: None) -> None:
    started = threading.Event()

    def slow(start: int, stop: int) -> None:
        started.set()
        time.sleep(0.1)

    user = threading.Thread(target=parallel, args=(slow, 2))
    user.start()
    started.wait(5)
    torch.set_num_threads(1)
    user.join()
    assert blas.thread_functions()[0]() == 1


def test_a_leaf_made_from_a_view_can_be_trained() -> None:
    for w in (torch.arange(6.0).reshape(2, 3), torch.randn(3, 2).T):
        w.requires_grad_()
        optimizer = optim.SGD([w], lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
        with torch.no_grad():
            w -= 0.1
        (w * w).sum().backward()


def test_data_from_a_view_can_be_trained() -> None:
    w = torch.ones(3, requires_grad=True)
    w.data = torch.arange(6.0).reshape(2, 3)[0]
    w.data.add_(1.0)
    (w * w).sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [2, 4, 6]


def test_a_view_from_before_a_recorded_change_is_no_constant() -> None:
    w = torch.tensor(2.0, requires_grad=True)
    buffer = torch.zeros(2, 2)
    view = buffer[0]
    buffer[0] = w * 3
    for row in (view, buffer[0]):
        (grad,) = torch.autograd.grad((row * w).sum(), w, retain_graph=True)  # of 2 · 3 w²
        assert grad.item() == 24


def test_a_view_of_a_plain_buffer_may_be_filled_and_used() -> None:
    buffer = torch.zeros(2, 2)
    view = buffer[0]
    buffer[0] = 5.0
    assert (view * 2).tolist() == [10, 10]


def test_changes_show_through_memory_that_is_not_numpys() -> None:
    x = torch.from_numpy(np.frombuffer(bytearray(np.ones(6, "f4").tobytes()), "f4"))
    w = torch.ones(4, requires_grad=True)
    y = (x[0:4] * w).sum()
    x.mul_(5.0)
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        y.backward()


def test_shared_sums_are_not_those_of_an_earlier_pass() -> None:
    x, w, b = torch.randn(5, 3), torch.ones(3), torch.zeros(3)
    w.requires_grad_()
    b.requires_grad_()
    y = F.batch_norm(x, None, None, w, b, training=True)
    g = torch.ones(5, 3)
    autograd.grad([y], [w], [g], retain_graph=True)
    g.mul_(0.0)
    (found,) = autograd.grad([y], [b], [g])
    assert found is not None
    assert found.tolist() == [0, 0, 0]


def test_a_gradient_that_a_hook_kept_stays_as_it_was() -> None:
    w, kept = torch.ones(2, requires_grad=True), []
    w.register_hook(lambda g: kept.append(g))
    (w * 2).sum().backward()
    (w * 2).sum().backward()
    assert kept[0].tolist() == [2, 2]
    assert w.grad is not None
    assert w.grad.tolist() == [4, 4]


def test_a_hook_that_changes_the_shape_is_an_error() -> None:
    w = torch.ones(2, requires_grad=True)
    w.register_hook(lambda g: g.sum())
    with pytest.raises(RuntimeError, match=r"a hook gave a gradient of shape \(\)"):
        (w * 2).sum().backward()


def test_a_value_with_more_leading_ones_than_its_place() -> None:
    x, v = torch.zeros(2, 3), torch.ones(1, 3, requires_grad=True)
    x[0] = v * 2
    (x * x).sum().backward()
    assert v.grad is not None
    assert v.grad.tolist() == [[8, 8, 8]]


def test_a_recorded_fill_stays_in_the_graph() -> None:
    w = torch.tensor([1.0, float("nan")], requires_grad=True)
    h = w * 2
    h.zero_()
    assert h.tolist() == [0, 0]
    h.sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [0, 0]
