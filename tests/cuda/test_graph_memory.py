"""The memory of captured steps: what is written when, and what lives on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests import strict_graph
from tests.cuda.training import Training
from tinygrad_lite.backend.cuda.graph import TURNS, Recorder
from tinygrad_lite.cuda import CaptureError, graph
from tinygrad_lite.nn import functional as F


def test_the_host_waits_before_it_writes_again() -> None:
    """It may be some steps ahead, but not overwrite what was not copied yet."""
    with strict_graph.capturable():
        step = graph(lambda x: x * 2, warmup=1, device="strict")
        strict_graph.Event.waits = 0
        for i in range(1 + TURNS):
            assert step(np.array([i])).tolist() == [2 * i]
        assert strict_graph.Event.waits == 0
        for i in range(5):
            step(np.array([i]))
        assert strict_graph.Event.waits == 5


def test_numbers_that_stay_are_not_sent_again() -> None:
    """Of a step that is given nothing new: the learning rate, once, and when it changes."""
    sent = 0

    def count(*args: Any) -> None:
        nonlocal sent
        sent += 1
        memcpy(*args)

    with strict_graph.capturable():
        runtime = strict_graph.Library.cuda.runtime
        memcpy, runtime.memcpyAsync = runtime.memcpyAsync, count
        try:
            p = torch.ones(3, device="strict", requires_grad=True)
            optimizer = torch.optim.SGD([p], lr=1.0)

            def run() -> None:
                optimizer.zero_grad()
                p.sum().backward()
                optimizer.step()

            step = graph(run, warmup=1, device="strict")
            for _ in range(5):
                step()
            assert sent == 1
            for lr in (2.0, 2.0, 0.5):
                optimizer.param_groups[0]["lr"] = lr
                step()
            assert sent == 3
            assert p.tolist() == [1 - 5 - 2 - 2 - 0.5] * 3
        finally:
            runtime.memcpyAsync = memcpy


def test_many_and_large_feeds() -> None:
    with strict_graph.capturable():

        def step(x: Any) -> Any:
            large = torch.rand(40, 999, device="strict").sum()
            small = [torch.rand(7, device="strict").sum() for _ in range(3)]
            return x + large + small[0] + small[1] + small[2]

        found = []
        for run in (step, graph(step)):
            torch.manual_seed(0)
            found.append([run(torch.zeros(1, device="strict")).item() for _ in range(6)])
        assert found[0] == found[1]
        assert len(set(found[0])) == 6


def test_a_mask_is_not_overwritten_before_it_is_read(device: str) -> None:
    """It is filled before the graph runs, whose first kernels write to what is free again."""

    def step(x: Any) -> Any:
        first = (x * 3).sum()
        return F.dropout(x, 0.5).sum() + first

    found = []
    for run in (step, graph(step, warmup=1)):
        torch.manual_seed(0)
        found.append([run(torch.ones(400, 400, device=device)).item() for _ in range(5)])
    assert found[0] == found[1]
    assert len(set(found[0])) == 5


def test_a_large_feed_has_memory_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of the graph's pool, which gives out again what the step has freed."""
    inside: list[Any] = []
    places = []

    class Using:
        def __init__(self, malloc: Any) -> None:
            self.pool = malloc.__self__

        def __enter__(self) -> None:
            inside.append(self.pool)

        def __exit__(self, *_: object) -> None:
            inside.pop()

    with strict_graph.capturable():
        library = strict_graph.Library
        default = library.get_default_memory_pool()
        monkeypatch.setattr(library.cuda, "using_allocator", Using)
        monkeypatch.setattr(library, "get_default_memory_pool", lambda *_: default)

        def watched(self: Any, shape: Any, *args: Any, **words: Any) -> Any:
            if shape == 160_000 * 4:
                places.append(inside[-1])
            empty = library.__getattr__(self, "empty")
            del self.__dict__["empty"]  # where it would be found first
            return empty(shape, *args, **words)

        monkeypatch.setattr(library, "empty", watched, raising=False)
        x = torch.ones(400, 400, device="strict")
        step = graph(lambda: torch.rand(400, 400, device="strict") + x, warmup=1, device="strict")
        for _ in range(3):
            step()
    assert places == [default]


def test_outputs_are_overwritten_and_detached(device: str) -> None:
    w = torch.ones(2, device=device, requires_grad=True)
    step = graph(lambda x: (w * x).sum(), warmup=1)
    first = [step(torch.full((2,), float(i), device=device)) for i in range(4)]
    assert not any(y.requires_grad for y in first)
    assert first[0].item() == 0
    assert [y.item() for y in first[1:]] == [6, 6, 6], "one place, which the last call wrote"


def test_replaced_memory_is_refused(device: str) -> None:
    training = Training(device, "sgd")
    step = graph(training.step)
    training.run(step, 4)
    training.model[0].weight.data = training.model[0].weight.data.clone()
    with pytest.raises(CaptureError, match="other memory"):
        training.run(step, 1)


def test_what_the_graph_refers_to_lives_on(device: str) -> None:
    box = {"scale": torch.full((2,), 3.0, device=device)}
    step = graph(lambda x: x * box["scale"], warmup=1)
    x = torch.ones(2, device=device)
    step(x)
    step(x)
    assert any(box["scale"].array is array for array in step._capture.held)
    del box["scale"]
    junk = [torch.full((2,), 7.0, device=device) for _ in range(20)]
    assert step(x).tolist() == [3, 3], len(junk)


@pytest.mark.gpu
def test_memory_that_a_step_lets_go_of_is_used_again() -> None:
    """In the capture as outside of it; so a captured step needs what a plain one does."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU")

    @graph
    def step(x: Any) -> Any:
        y = x
        for _ in range(20):
            y = y * 2 - x  # 1 stays 1
        return y

    x = torch.ones(1 << 18, device="cuda")  # a MiB
    for _ in range(5):
        found = step(x)
    assert step.captured
    np.testing.assert_array_equal(found.cpu().numpy(), 1)
    assert step._capture.recorder.pool.total_bytes() <= 8 << 20


@pytest.mark.parametrize(("status", "expected"), [(2, CaptureError), (46, OSError)])
def test_a_capture_ends_where_memory_does(status: int, expected: type[Exception]) -> None:
    """CuPy would free, and give out again, memory that the recorded work uses."""

    class Refused(OSError):
        pass

    Refused.status = status  # type: ignore[attr-defined]

    def refuse(size: int) -> None:
        raise Refused

    with strict_graph.capturable() as xp:
        cuda = SimpleNamespace(
            **vars(xp.library.cuda) | {"Memory": refuse, "MemoryPointer": lambda m, _: m}
        )
        cuda.runtime = SimpleNamespace(**vars(cuda.runtime), CUDARuntimeError=Refused)
        pool = Recorder(SimpleNamespace(cuda=cuda)).pool
        with pytest.raises(expected) as found:
            pool.allocator(1 << 30)
        assert status != 2 or "no 1073741824 bytes left" in str(found.value)
        cuda.Memory = lambda size: SimpleNamespace(ptr=4096, size=size)
        assert pool.allocator(512).size == 512
