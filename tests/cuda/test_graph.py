"""Captured steps: the same numbers as without capture."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests import cuda_host, strict_graph
from tests.cuda.training import OPTIMIZERS, Training, assert_same, convnet
from tinygrad_lite import optim
from tinygrad_lite.backend.cuda.graph import HOST_TO_DEVICE
from tinygrad_lite.cuda import CaptureError, graph


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_captured_is_eager_to_the_bit(device: str, name: str) -> None:
    eager, captured = Training(device, name), Training(device, name)
    torch.manual_seed(4)
    eager.run(eager.step, 8)
    wanted = eager.everything()
    torch.manual_seed(4)
    step = graph(captured.step)
    captured.run(step, 8)
    assert step.captured
    assert_same(captured.everything(), wanted)


def test_parameters_that_joined_later(device: str) -> None:
    results = []
    for wrap in (lambda step: step, graph):
        training = Training(device, "adam")
        torch.manual_seed(4)
        training.model[0].requires_grad_(False)
        training.run(training.step, 2)
        training.model[0].requires_grad_(True)
        training.run(wrap(training.step), 5)
        results.append(training.everything())
    assert_same(results[1], results[0])
    assert results[0]["0.step"] == 5
    assert results[0]["2.step"] == 7


def test_a_convnet(device: str) -> None:
    eager, captured = (Training(device, "adam", convnet) for _ in range(2))
    torch.manual_seed(4)
    eager.run(eager.step, 6, (5, 2, 4, 4))
    wanted = eager.everything()
    torch.manual_seed(4)
    captured.run(graph(captured.step, warmup=1), 6, (5, 2, 4, 4))
    assert_same(captured.everything(), wanted)


@pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")
@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_the_kernels_of_cuda(name: str) -> None:
    """All that a net of every kind of layer launches is the same when it is captured."""
    with strict_graph.emulated():
        eager, captured = (Training("strict", name, convnet) for _ in range(2))
        torch.manual_seed(4)
        eager.run(eager.step, 3, (5, 2, 4, 4))
        wanted = eager.everything()
        torch.manual_seed(4)
        cuda_host.launched()
        captured.run(graph(captured.step, warmup=1), 3, (5, 2, 4, 4))
        assert {"sgd" if name == "momentum" else "adam"} < set(cuda_host.launched())
        assert_same(captured.everything(), wanted)


def test_replays_run_no_python(device: str) -> None:
    calls = []

    @graph(warmup=3)
    def double(x: Any) -> Any:
        """Twice."""
        calls.append(1)
        return {"y": [x * 2]}

    assert double.__doc__ == "Twice."
    found = [double(torch.full((2,), i, device=device))["y"][0].tolist() for i in range(7)]
    assert found == [[2 * i] * 2 for i in range(7)]
    assert len(calls) == 4


def test_host_arguments_are_moved(device: str) -> None:
    table = torch.arange(10, device=device) * 10
    step = graph(lambda rows, shift: table[rows] + shift, device=device, warmup=1)
    for i in range(4):
        rows = np.array([i, i + 1])
        assert step(torch.from_numpy(rows), shift=np.int64(1)).tolist() == [10 * i + 1, 10 * i + 11]


def test_draws_of_all_kinds_go_on(device: str) -> None:
    generator = torch.Generator(5)

    def step(x: Any) -> Any:
        noise = torch.randn(3, device=device) + torch.rand_like(x)
        places = torch.randperm(3, device=device, generator=generator)
        x = x.clone().normal_(1, 2).add(torch.randint(0, 9, (3,), device=device))
        return noise[places] * x + torch.empty(3, device=device).uniform_(-1, 1).bernoulli_(0.3)

    x = torch.zeros(3, device=device)
    results = []
    for run in (step, graph(step)):
        torch.manual_seed(1)
        generator.manual_seed(2)
        results.append([run(x).tolist() for _ in range(6)])
    assert results[0] == results[1]
    assert len({tuple(r) for r in results[1]}) == 6


def test_weights_loaded_in_between_are_seen(device: str) -> None:
    eager, captured = Training(device, "momentum"), Training(device, "momentum")
    start = {k: v.clone() for k, v in eager.model.state_dict().items()}
    for training, step in ((eager, eager.step), (captured, graph(captured.step))):
        torch.manual_seed(4)
        training.run(step, 5)
        training.model.load_state_dict(start)
        training.run(step, 3)
    assert_same(captured.everything(), eager.everything())


def test_reset_after_loading_an_optimizer(device: str) -> None:
    training = Training(device, "adam")
    step = graph(training.step)
    training.run(step, 4)
    training.optimizer.load_state_dict(copy.deepcopy(training.optimizer.state_dict()))
    with pytest.raises(CaptureError, match=r"Adam.load_state_dict.*reset\(\)"):
        training.run(step, 1)
    step.reset()
    assert not step.captured
    training.run(step, 4)
    assert step.captured


@pytest.mark.parametrize("set_to_none", [True, False])
def test_gradients_cleared_outside(device: str, set_to_none: bool) -> None:
    w = torch.ones(2, device=device, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.5)

    @graph
    def forward_backward(x: Any) -> Any:
        loss = (w * x).sum()
        loss.backward()
        return loss

    for i in range(5):
        optimizer.zero_grad(set_to_none=set_to_none)
        forward_backward(torch.full((2,), float(i), device=device))
        assert w.grad is not None
        assert w.grad.tolist() == [i, i]
        optimizer.step()
    assert w.tolist() == [1 - 0.5 * (0 + 1 + 2 + 3 + 4)] * 2


def test_gradients_that_add_up_are_not_lost(device: str) -> None:
    w = torch.ones(2, device=device, requires_grad=True)

    @graph
    def add(x: Any) -> Any:
        (w * x).sum().backward()

    x = torch.ones(2, device=device)
    for _ in range(5):
        add(x)
    assert w.grad is not None
    assert w.grad.tolist() == [5, 5]
    w.grad = None
    with pytest.raises(CaptureError, match=r"adds to a \.grad"):
        add(x)
    cleared = graph(add.__wrapped__)
    for _ in range(4):
        w.grad = None
        cleared(x)
    with pytest.raises(CaptureError, match="call zero_grad"):
        cleared(x)


def test_the_harness_forgets_what_a_capture_computed() -> None:
    """Without this the tests above could not see a step that is not replayed."""
    with strict_graph.capturable():
        kept = []

        def step(x: Any) -> Any:
            y = x * 2
            kept.append(y)
            x.add_(1)
            return y

        captured = graph(step, warmup=1)
        x = torch.zeros(2, device="strict")
        captured(x)
        launches, strict_graph.Graph.launches = strict_graph.Graph.launches, 0
        launch = strict_graph.Graph.launch
        try:
            strict_graph.Graph.launch = lambda self, stream: None  # type: ignore[method-assign]
            captured(x)
        finally:
            strict_graph.Graph.launch = launch  # type: ignore[method-assign]
            strict_graph.Graph.launches = launches
        assert np.isnan(kept[-1].cpu().numpy()).all()


def test_cupy_has_what_is_called() -> None:
    """CuPy can be imported without a GPU; what it offers can be looked up."""
    cupy = pytest.importorskip("cupy")
    cuda = cupy.cuda
    for owner, names in {
        cuda: "Event MemoryPool Stream alloc_pinned_memory get_current_stream get_elapsed_time "
        "using_allocator Memory MemoryPointer",
        cuda.Event: "record synchronize done",
        cuda.MemoryPool: "free_all_blocks malloc total_bytes used_bytes",
        cuda.Stream: "__enter__ __exit__ begin_capture end_capture synchronize",
        cuda.graph.Graph: "launch",
        cuda.PinnedMemoryPointer: "ptr",
        cuda.runtime: "getDevice getDeviceCount getDeviceProperties memcpyAsync CUDARuntimeError",
        cupy: "copyto full get_default_memory_pool",
        cupy.ndarray: "data view",
    }.items():
        missing = [name for name in names.split() if not hasattr(owner, name)]
        assert not missing, owner
    assert cuda.runtime.memcpyHostToDevice == HOST_TO_DEVICE
    assert "size_t size, int kind, intptr_t stream" in cuda.runtime.memcpyAsync.__doc__
