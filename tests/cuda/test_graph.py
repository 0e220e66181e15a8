"""Captured steps: the same numbers as without capture, and clear errors where it can't be."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests import cuda_host, strict_graph
from tinygrad_lite import nn, optim
from tinygrad_lite.backend.cuda.graph import HOST_TO_DEVICE, TURNS, Recorder
from tinygrad_lite.cuda import CaptureError, graph
from tinygrad_lite.nn import functional as F


@pytest.fixture(params=["strict", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """The devices that can capture."""
    if request.param == "cuda":
        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA GPU")
        yield "cuda"
        return
    with strict_graph.capturable():
        yield "strict"


OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: optim.Adam(p, lr=0.01),
    "amsgrad": lambda p: optim.Adam(p, lr=0.01, amsgrad=True, weight_decay=0.1),
    "adamw": lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.3),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.5),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1),
    "radam": lambda p: optim.RAdam(p, lr=0.01, betas=(0.8, 0.9), weight_decay=0.1),
    "adamax": lambda p: optim.Adamax(p, lr=0.01),
    "adadelta": lambda p: optim.Adadelta(p, lr=0.5),
    "rprop": lambda p: optim.Rprop(p, lr=0.01),
}


def mlp() -> nn.Sequential:
    """A net with all that changes from step to step: statistics, dropout, parameters."""
    return nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 3)
    )


class Training:
    """A model, its optimizer and a schedule, and the step that trains it."""

    def __init__(
        self, device: str, optimizer: str = "adam", build: Callable[[], nn.Module] = mlp
    ) -> None:
        torch.manual_seed(3)
        self.device = device
        self.model = build().to(device)
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())
        self.schedule = optim.lr_scheduler.StepLR(self.optimizer, 2, 0.5)
        self.losses: list[float] = []

    def step(self, x: Any, t: Any) -> Any:
        """One training step."""
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(x), t)
        loss.backward()
        self.optimizer.step()
        return loss

    def run(self, step: Callable[..., Any], steps: int, shape: tuple[int, ...] = (6, 5)) -> None:
        """Steps on fresh data, with the schedule in between."""
        rng = np.random.default_rng(0)
        for _ in range(steps):
            x = torch.from_numpy(rng.standard_normal(shape).astype("float32"))
            t = torch.from_numpy(rng.integers(0, 3, shape[0]))
            loss = step(x.to(self.device), t.to(self.device))
            self.schedule.step()
            self.losses.append(loss.item())

    def everything(self) -> dict[str, Any]:
        """All numbers that a checkpoint would hold."""
        found: dict[str, Any] = {"losses": self.losses, "random": torch.get_rng_state()}
        for name, tensor in self.model.state_dict().items():
            found[name] = tensor.cpu().numpy()
        state = self.optimizer.state_dict()
        found["groups"] = state["param_groups"]
        for number, entries in state["state"].items():
            for name, value in entries.items():
                found[f"{number}.{name}"] = value.cpu().numpy()
        for name, p in self.model.named_parameters():
            found[f"{name}.grad"] = None if p.grad is None else p.grad.cpu().numpy()
        return found


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """The same entries, to the bit."""
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(found[name], value, err_msg=name)
            assert found[name].dtype == value.dtype
        else:
            assert found[name] == value, name


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


def convnet() -> nn.Sequential:
    """Convolution, statistics and pooling."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.MaxPool2d(2), nn.Dropout2d(0.3), nn.Flatten(), nn.Linear(4 * 4, 3),
    )  # fmt: skip


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


def test_outputs_are_overwritten_and_detached(device: str) -> None:
    w = torch.ones(2, device=device, requires_grad=True)
    step = graph(lambda x: (w * x).sum(), warmup=1)
    first = [step(torch.full((2,), float(i), device=device)) for i in range(4)]
    assert not any(y.requires_grad for y in first)
    assert first[0].item() == 0
    assert [y.item() for y in first[1:]] == [6, 6, 6], "one place, which the last call wrote"


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


def test_other_arguments_are_refused(device: str) -> None:
    step = graph(lambda x, scale=1.0: x * scale, warmup=1)
    x = torch.ones(2, 3, device=device)
    for _ in range(3):
        step(x)
    with pytest.raises(CaptureError, match=r"argument 0 has shape \(3, 2\) .* \(2, 3\)"):
        step(x.T)
    with pytest.raises(CaptureError, match=r"argument 0 .*float64"):
        step(x.double())
    with pytest.raises(CaptureError, match="was a tensor on the device"):
        step(x.cpu())
    with pytest.raises(CaptureError, match="arguments"):
        step(x, scale=1.0)
    step = graph(lambda x, scale=1.0: x * scale, warmup=1)
    for _ in range(3):
        step(x, 2.0)
    with pytest.raises(CaptureError, match=r"argument 1 is 3\.0, but was captured as 2\.0"):
        step(x, 3.0)
    captured = graph(lambda x: x * 2, warmup=1)
    captured(x.clone().requires_grad_())
    with pytest.raises(CaptureError, match="requires a gradient"):
        captured(x.clone().requires_grad_())


def item(x: Any) -> Any:
    return x * x.sum().item()


def branch(x: Any) -> Any:
    return x if x.sum() > 0 else -x


def printing(x: Any) -> Any:
    return f"{x}"


def mask(x: Any) -> Any:
    return x[x > 0]


def where(x: Any) -> Any:
    return x.nonzero()


def to_host(x: Any) -> Any:
    return x.cpu()


def host_data(x: Any) -> Any:
    return x + torch.tensor([1.0, 2.0]).to(x.device)


def host_work(x: Any) -> Any:
    return x, torch.ones(2) * 2


def in_a_gradient(x: Any) -> Any:
    w = torch.ones(2, device=x.device, requires_grad=True)
    y = (w * x).sum()
    w.register_hook(lambda g: g * float(g.sum()))
    y.backward()
    return y


REFUSED = {
    item: ("item", "waits for the device, to read a number"),
    branch: ("bool() of a tensor", "waits for the device, to read a number"),
    printing: ("printing a tensor", "waits for the device"),
    mask: ("getitem", "waits for the device"),
    where: ("nonzero", "waits for the device"),
    to_host: ("to_device", "waits for the device, to copy from it"),
    host_data: ("to_device", "in host memory"),
    host_work: ("mul", "in host memory"),
    in_a_gradient: ("float() of a tensor", "waits for the device"),
}


@pytest.mark.parametrize("step", REFUSED, ids=lambda step: step.__name__)
def test_refusals_name_the_operation_and_the_line(device: str, step: Any) -> None:
    captured = graph(step)
    x = torch.tensor([1.0, 2.0]).to(device)
    before = [captured(x) for _ in range(2)]
    with pytest.raises(CaptureError) as caught:
        captured(x)
    operation, reason = REFUSED[step]
    text = str(caught.value)
    assert f"graph: {step.__name__} can't be captured, because of {operation}" in text
    assert reason in text
    assert "test_graph.py, line " in text
    line = int(text.partition("line ")[2].partition(":")[0])
    first = step.__code__.co_firstlineno
    assert first < line <= first + 5
    assert not captured.captured
    again = step(x)  # the plain step still works
    assert str(getattr(again, "data", again)) == str(before[0])


def test_a_failed_capture_leaves_no_trace(device: str) -> None:
    eager, captured = Training(device, "adam"), Training(device, "adam")

    def failing(x: Any, t: Any) -> Any:
        loss = captured.step(x, t)
        return loss if loss > 0 else -loss

    torch.manual_seed(4)
    eager.run(eager.step, 5)
    wanted = eager.everything()
    torch.manual_seed(4)
    step = graph(failing)

    def careful(x: Any, t: Any) -> Any:
        before = [p.grad for p in captured.model.parameters()]
        try:
            return step(x, t)
        except CaptureError:
            assert all(
                p.grad is g for p, g in zip(captured.model.parameters(), before, strict=True)
            )
            return captured.step(x, t)

    captured.run(careful, 5)
    assert not step.captured
    assert_same(captured.everything(), wanted)


def test_other_errors_pass_through(device: str) -> None:
    calls = []

    @graph
    def step(x: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyError("mine")
        return x + 1

    x = torch.zeros(2, device=device)
    step(x)
    step(x)
    with pytest.raises(KeyError, match="mine"):
        step(x)
    assert [step(x).tolist() for _ in range(3)] == [[1, 1]] * 3
    assert len(calls) == 4


def test_schedules_step_outside(device: str) -> None:
    training = Training(device)

    def step(x: Any, t: Any) -> Any:
        loss = training.step(x, t)
        training.schedule.step()
        return loss

    with pytest.raises(CaptureError, match=r"because of step\(\): it sets learning rates"):
        training.run(graph(step), 3)


def test_a_parameter_must_have_had_a_gradient(device: str) -> None:
    training = Training(device, "momentum")
    calls = []

    def step(x: Any, t: Any) -> Any:
        calls.append(1)
        training.model[0].requires_grad_(len(calls) > 2)
        return training.step(x, t)

    with pytest.raises(CaptureError, match=r"SGD|parameter of shape .* first gradient"):
        training.run(graph(step), 3)


@pytest.mark.parametrize(
    "make",
    [optim.NAdam, optim.ASGD, optim.Adafactor, lambda ps: optim.LBFGS(ps, max_iter=1)],
    ids=["NAdam", "ASGD", "Adafactor", "LBFGS"],
)
def test_optimizers_that_count_on_the_host_step_outside(make: Any, device: str) -> None:
    w = torch.ones(2, device=device, requires_grad=True)
    optimizer = make([w])

    def loss() -> Any:
        optimizer.zero_grad()
        found = (w * w).sum()
        found.backward()
        return found

    def step(x: Any) -> Any:
        return optimizer.step(loss)

    captured, x = graph(step), torch.ones(2, device=device)
    with pytest.raises(CaptureError, match="step it between calls"):
        [captured(x) for _ in range(4)]


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


def test_arguments_of_graph() -> None:
    with pytest.raises(ValueError, match="warmup must be at least 1"):
        graph(lambda: None, warmup=0)
    with pytest.raises(RuntimeError, match="captured on cuda, not on cpu"):
        graph(lambda x: x, device="cpu")(1)
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA is not available"):
            graph(lambda x: x)(torch.ones(2))


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
