"""What cannot be captured is refused, with the operation and the line, and leaves no trace."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as torch
from tests.cuda.training import Training, assert_same
from tinygrad_lite import optim
from tinygrad_lite.cuda import CaptureError, graph
from tinygrad_lite.optim.adam import adam


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
    assert "test_graph_refusals.py, line " in text
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


def test_a_copied_step_of_an_optimizer_is_outside(device: str) -> None:
    """Replays would not count its steps."""
    p = torch.ones(2, device=device)
    g, m, v, n = torch.ones_like(p), torch.zeros_like(p), torch.zeros_like(p), torch.tensor(0.0)

    def step(x: Any) -> Any:
        adam([p], [g], [m], [v], [], [n], amsgrad=False, beta1=0.9, beta2=0.9, lr=x.shape[0],
             weight_decay=0, eps=1e-8, maximize=False)  # fmt: skip
        return x + p

    captured = graph(step, warmup=1)
    captured(torch.zeros(2, device=device))
    with pytest.raises(CaptureError, match="count on the host; call them between calls"):
        captured(torch.zeros(2, device=device))


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


def test_arguments_of_graph() -> None:
    with pytest.raises(ValueError, match="warmup must be at least 1"):
        graph(lambda: None, warmup=0)
    with pytest.raises(RuntimeError, match="captured on cuda, not on cpu"):
        graph(lambda x: x, device="cpu")(1)
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA is not available"):
            graph(lambda x: x)(torch.ones(2))
