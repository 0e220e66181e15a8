"""`autograd.Function` and the graph: wrong gradients, in-place changes, nesting, memory."""

from __future__ import annotations

import gc
import importlib
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

import tinygrad_lite as torch
from tests.autograd.test_function import Cube, Exp, MulConstant, Parts, define, draw, same
from tinygrad_lite.autograd import Function, grad
from tinygrad_lite.autograd.function import FunctionCtx, once_differentiable
from tinygrad_lite.autograd.memory import saved_bytes
from tinygrad_lite.graph import Leaf, Node, Storage

Tensor = torch.Tensor


def test_inputs_returned_as_they_are(device: str) -> None:
    made = define(lambda ctx, x, w: (x, w), lambda ctx, g, h: (g * 2, h * 3))
    x, w = draw(device, 3), draw(device, 3, needs=False)
    inner = x * 1
    y, z = made.apply(inner, w)
    assert y is not inner
    assert z is not w
    assert not w.requires_grad
    assert isinstance(x._node, Leaf)
    (y + z + inner).sum().backward()
    same(x.grad, torch.full((3,), 3.0))
    with pytest.raises(RuntimeError, match="view"):
        made.apply(x * 1, w)[0].add_(1)


def test_an_input_that_is_saved_and_returned(device: str) -> None:
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor]:
        ctx.save_for_backward(x)
        return (x,)

    x = draw(device, 3)
    (y,) = define(forward, lambda ctx, g: g * ctx.saved_tensors[0]).apply(x)
    (g,) = grad((y * 2).sum(), x, create_graph=True)
    same(g, 2 * x)
    same(grad(g.sum(), x)[0], torch.full((3,), 2.0))


@pytest.mark.parametrize("create_graph", [False, True])
def test_saved_tensor_changed_in_place(create_graph: bool, device: str) -> None:
    wanted = r"Exp: saved tensor 0, of shape \(3,\).*version 1"
    y = Exp.apply(x := draw(device, 3))
    y.mul_(2)
    with pytest.raises(RuntimeError, match=wanted):
        grad(y.sum(), x, create_graph=create_graph)
    z = Cube.apply(x)
    with torch.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="Cube: saved tensor 0"):
        grad(z.sum(), x, create_graph=create_graph)


def test_second_derivative_that_needs_no_output_changed_in_place(device: str) -> None:
    x = draw(device, 3)
    y = Cube.apply(x)
    z = y * 2
    with torch.no_grad():
        y.zero_()
    g = grad(z.sum(), x, create_graph=True)[0]
    same(g, 6 * x.detach() ** 2)
    same(grad(g.sum(), x)[0], 12 * x.detach())


def test_freed_graph_and_retained_graph(device: str) -> None:
    kept = []

    def backward(ctx: Any, g: Tensor) -> Tensor:
        kept.append(ctx)
        return g * ctx.saved_tensors[0]

    x = draw(device, 3)
    y = define(Exp.forward, backward).apply(x)
    for _ in range(2):
        y.sum().backward(retain_graph=True)
    same(x.grad, 2 * y.detach())
    y.sum().backward()
    with pytest.raises(RuntimeError, match="Made: trying to backward through the graph a second"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="saved_tensors, but they have been freed"):
        _ = kept[0].saved_tensors
    array, node = weakref.ref(y.array), y.grad_fn
    del y
    assert (array(), node.name()) == (None, "MadeBackward")  # node and ctx live, but keep nothing


def nothing(ctx: Any, x: Tensor, k: int) -> Tensor:
    return x * k


BAD = {
    "few": (lambda g: g, "backward returned 1 gradients, expected 2"),
    "many": (lambda g: (g, None, g), "backward returned 3 gradients, expected 2"),
    "list": (lambda g: [g, None], "backward returned 1 gradients, expected 2"),
    "no tensor": (lambda g: (g, g), "argument 1 a gradient, but that argument is no tensor"),
    "type": (lambda g: (1.0, None), "argument 0 a float, expected a Tensor or None"),
    "shape": (lambda g: (g[:2], None), r"argument 0 a gradient of shape \(2,\), expected \(3,\)"),
    "rank": (lambda g: (g.sum(), None), r"argument 0 a gradient of shape \(\), expected \(3,\)"),
    "in place": (lambda g: (g.mul_(2), None), "changed the gradient of output 0 in place"),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("case", BAD)
def test_wrong_gradients_are_named(case: str, create_graph: bool, device: str) -> None:
    answer, message = BAD[case]
    made = define(nothing, lambda ctx, g: answer(g))
    x = draw(device, 3)
    with pytest.raises(RuntimeError, match=f"Made: .*{message}"):
        grad((made.apply(x, 2) * 1).sum(), x, create_graph=create_graph)


def test_gradient_on_another_device(device: str) -> None:
    if device == "cpu":
        pytest.skip("needs two devices")
    made = define(nothing, lambda ctx, g: (g.to("cpu"), None))
    with pytest.raises(RuntimeError, match="argument 0 a gradient on cpu, not on"):
        made.apply(draw(device, 3), 2).sum().backward()


def test_broadcast_gradients_are_summed_and_extra_nones_dropped(device: str) -> None:
    made = define(nothing, lambda ctx, g: (g.expand(4, 3), None, None, None))
    x = draw(device, 3)
    made.apply(x, 2).sum().backward()
    same(x.grad, torch.full((3,), 4.0))
    row = draw(device, 1, 3)
    made.apply(row, 2).sum().backward()
    same(row.grad, torch.full((1, 3), 4.0))


def test_gradients_share_no_memory(device: str) -> None:
    cache = torch.ones(3, dtype=torch.float64, device=device)
    made = define(lambda ctx, a, b, c: a + b + c, lambda ctx, g: (cache, cache, g))
    a, b, c = (draw(device, 3) for _ in range(3))
    seed = torch.ones(3, dtype=torch.float64, device=device)
    for _ in range(2):
        (made.apply(a, b, c) + a * 1).backward(seed)
    assert [t.tolist() for t in (a.grad, b.grad, c.grad)] == [[4.0] * 3, [2.0] * 3, [2.0] * 3]
    assert [t.tolist() for t in (cache, seed)] == [[1.0] * 3] * 2


def test_once_differentiable(device: str) -> None:
    class Once(Function):
        forward = staticmethod(Exp.forward)

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, g: Tensor) -> Tensor:
            assert not torch.is_grad_enabled()
            return g * ctx.saved_tensors[0]

    x = draw(device, 3)
    y = Once.apply(x)
    same(grad(y.sum(), x, retain_graph=True)[0], y)
    (g,) = grad(y.sum(), x, create_graph=True)
    same(g, y)
    with pytest.raises(RuntimeError, match=r"Once\.backward: trying to differentiate twice"):
        (g * 2).sum().backward()


def test_a_change_without_a_mark_is_one_outside_of_the_graph(device: str) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        x.sub_(1)  # as sparsemax takes off the maximum
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    made = define(forward, lambda ctx, g: g * ctx.saved_tensors[0])
    x = torch.tensor([1.0, 2.0], device=device, requires_grad=True)
    y = made.apply(x)
    same(x, torch.tensor([0.0, 1.0], device=device))
    y.sum().backward()
    same(x.grad, x.exp())
    z = x.exp()
    with pytest.raises(RuntimeError, match="exp"):  # which needs what it gave
        made.apply(z).sum().backward()


def test_a_pass_takes_no_step_behind_what_it_was_asked_for(device: str) -> None:
    x = draw(device, 3)
    h = x.exp()
    y = h * h
    same(grad(y.sum(), h)[0], 2 * h)
    same(grad(h.sum(), x)[0], h)  # nothing of that was released
    with pytest.raises(RuntimeError, match=r"^exp: trying to backward .* a second time"):
        grad(h.sum(), x)
    h = x.exp()
    y = h * 3
    h.detach().mul_(2)  # so that the step of exp is refused
    same(grad(y.sum(), h, retain_graph=True)[0], torch.full((3,), 3.0))
    with pytest.raises(RuntimeError, match="exp: the output, needed"):
        grad(y.sum(), x)


def test_misuse(device: str) -> None:
    x = draw(device, 3)
    with pytest.raises(TypeError, match="argument 1 is of type int"):
        define(lambda ctx, x: ctx.save_for_backward(x, 3), None).apply(x)
    with pytest.raises(RuntimeError, match="not returned as output"):
        define(lambda ctx, x: ctx.mark_dirty(x), None).apply(x)
    with pytest.raises(NotImplementedError, match="forward"):
        Function.apply(x)
    with pytest.raises(NotImplementedError, match="backward"):
        type("Half", (Function,), {"forward": Cube.forward, "setup_context": Cube.setup_context}
             ).apply(x).sum().backward()  # fmt: skip
    with pytest.warns(DeprecationWarning, match="Exp: a Function needs no instance"):
        old = Exp()
    same(old.apply(x), x.exp())  # as course code of 2018 does it
    with pytest.raises(RuntimeError, match=r"Exp: a Function is called by its \.apply"):
        old(x)


def test_a_backward_pass_inside_backward(device: str) -> None:
    """Checkpointing: forward keeps its input alone, backward runs it again, recorded."""
    w = draw(device, 3, seed=5)

    def backward(ctx: Any, g: Tensor) -> Tensor:
        x = ctx.saved_tensors[0].detach().requires_grad_()
        with torch.enable_grad():
            y = (x * w).exp()
        y.backward(g)
        return x.grad

    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return (x * w).exp()

    x = draw(device, 3)
    (define(forward, backward).apply(x) * 3).sum().backward()
    same(x.grad, 3 * w * (x * w).exp())
    same(w.grad, 3 * x * (x * w).exp())


def test_threads_share_a_graph(device: str) -> None:
    x = draw(device, 50)
    y = Exp.apply(Parts.apply(x)[3]).sum()
    found: list[Any] = []
    run = lambda: found.extend(grad(y, x, retain_graph=True) for _ in range(20))  # noqa: E731
    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    for (g,) in found:
        same(g, found[0][0])


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("finish", [False, True])
def test_everything_is_freed_without_the_collector(
    finish: bool, create_graph: bool, device: str
) -> None:
    def keep_all(ctx: Any, x: Tensor) -> Any:
        y = x.exp()
        ctx.x, ctx.y = x, y
        ctx.save_for_backward(x, y, None)
        return y, x * 2

    hoard = define(keep_all, lambda ctx, g, h: g * ctx.saved_tensors[1] + h * 2)
    kinds = (Tensor, Node, Leaf, Storage, FunctionCtx)
    count = lambda: sum(issubclass(type(o), kinds) for o in gc.get_objects())  # noqa: E731

    def step() -> list[Any]:
        x = draw(device, 3)
        outs = [Exp.apply(x), *hoard.apply(x), Parts.apply(x)[3], Cube.apply(x * 1)]
        watched = [weakref.ref(o.array) for o in outs]
        total = sum(outs[1:], outs[0]).sum()
        if finish:
            (g,) = grad(total, x, create_graph=create_graph)
            if create_graph:
                g.sum().backward()
                x.grad = None
        return watched

    step()
    Parts.given = None
    gc.collect()
    gc.freeze()  # from here on, the collector lists what is new
    gc.disable()
    try:
        before = count()
        watched = step()
        Parts.given = None
        assert [w() for w in watched] == [None] * len(watched)
        assert count() <= before
    finally:
        gc.enable()
        gc.unfreeze()


def test_saved_bytes(device: str) -> None:
    x = draw(device, 100)
    assert saved_bytes(x) == 0
    y = Exp.apply(x)
    assert saved_bytes(y) == 0  # it saved y, which lives anyway, as does x
    assert saved_bytes(y + 1) == saved_bytes(y + 1, y + 2) == 800
    assert saved_bytes(y + 1, y) == 0
    assert saved_bytes(Cube.apply(x) + 1) == 800  # its output
    assert saved_bytes(Cube.apply(x * 1)) == 800  # what it saved
    assert saved_bytes(x * draw(device, 100, needs=False)) == 800
    assert saved_bytes(x + draw(device, 100, needs=False)) == 800  # the constant
    assert saved_bytes(Parts.apply(x)[3]) == 800  # the square
    z = MulConstant.apply(x, draw(device, 50, 2, needs=False).reshape(100)).exp() + 1
    assert saved_bytes(z) == 2400  # what ctx holds, two outputs
    z.sum().backward()
    assert saved_bytes(z) == 0


def test_the_example(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "examples")
    example = importlib.import_module("batchnorm")
    arguments = ["--batch=16", "--features=5", "--rounds=1", "--device=cpu"]
    assert example.main(arguments) == 0
    assert "The forms agree" in capsys.readouterr().out
    for layer in (example.BatchNormAutograd(5), example.BatchNormManual(5)):
        for shape in ((4, 6), (5,), (4, 5, 1)):
            with pytest.raises(ValueError, match=r"shape \(batch, 5\), but got"):
                layer(torch.zeros(*shape))
    monkeypatch.setattr(example, "EPS", 0.1)  # the Function's own; the others keep theirs
    assert example.main(arguments) == 1
    assert "do NOT agree" in capsys.readouterr().out


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_a_gradient_takes_its_arguments_dtype(dtype: str, device: str) -> None:
    made = define(nothing, lambda ctx, g: (g.to(dtype), None))
    x = draw(device, 3)
    made.apply(x, 2).sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == x.dtype
