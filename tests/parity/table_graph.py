"""Rows of the graph: what a backward pass leaves, hooks, functions of one's own, checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import Draw
from .draw_layers import pick, seed, some
from .experiment import Experiment, Steps, fill, make
from .row import Row, under

# Programs of two leaves: something in between, and a result.
PROGRAMS: dict[str, Callable[[Any, Any, Any], tuple[Any, Any]]] = {
    "product": lambda m, x, y: (x * y, (x * y).exp().sum() + (x * y).sum()),
    "chain": lambda m, x, y: _pair(x.sin() * y, lambda t: (t * t).sum()),
    "reused": lambda m, x, y: _pair(x + y, lambda t: (t * t * x).sum()),
    "view": lambda m, x, y: _pair((x * 2)[1:], lambda t: (t * y[1:]).sum()),
    "leaf": lambda m, x, y: (x, (x * x * y).sum()),
    "vector": lambda m, x, y: _pair(x * y, lambda t: t * 3),
    "free": lambda m, x, y: (y * 1, (x * 2).sum()),
}


def _pair(middle: Any, rest: Callable[[Any], Any]) -> tuple[Any, Any]:
    return middle, rest(middle)


def leaves(draw: Draw, grads: tuple[bool, bool] = (True, True)) -> tuple[Given, Given]:
    """Two vectors."""
    rng = np.random.default_rng(seed(draw))
    x, y = (Given(rng.uniform(-1.5, 1.5, 3), "plain", grad) for grad in grads)
    return x, y


def _grads(*tensors: Any) -> list[Any]:
    return [None if t.grad is None else t.grad for t in tensors]


@st.composite
def backward(draw: Draw) -> Experiment:
    """`backward` as a method and a function, once or twice, of some inputs."""
    label = pick(draw, *PROGRAMS)
    x, y = leaves(draw, pick(draw, (True, True), (True, False), (True, True)))
    words = some(draw, retain_graph=(True, False), create_graph=(True,))
    start = pick(draw, None, None, "ones", "wrong", "integer")
    inputs = pick(draw, None, None, None, "x", "middle", "both", "nothing")
    times, how = pick(draw, 1, 1, 2), pick(draw, "method", "function", "function of two")

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        a, b = make(library, x, []), make(library, y, [])
        middle, out = PROGRAMS[label](m, a, b)
        if middle.requires_grad and not middle.is_leaf:
            middle.retain_grad()
        yield "names of retaining", [middle.retains_grad]
        given = {
            None: None, "ones": m.ones_like(out), "wrong": m.ones(7, dtype=out.dtype),
            "integer": m.ones_like(out).long(),
        }[start]  # fmt: skip
        more = dict(words)
        if inputs is not None:
            more["inputs"] = {"x": [a], "middle": [middle], "both": (a, b), "nothing": []}[inputs]
        for _ in range(times):
            if how == "method":
                out.backward(given, **more)
            elif how == "function":
                m.autograd.backward(out, given, **more)
            else:
                pair = None if given is None else [given, m.ones_like(middle)]
                m.autograd.backward([out, middle], pair, **more)
        found = _grads(a, b, middle)
        yield "names of gradients", [g is not None and g.requires_grad for g in found]
        yield "value", [g for g in found if g is not None]

    text = f"{how} backward of {label} × {times}, {words}, {start}, inputs {inputs}, {x!r}, {y!r}"
    return Experiment("autograd.backward", text, run)


@st.composite
def gradients(draw: Draw) -> Experiment:
    """`autograd.grad` of one and several outputs and inputs."""
    label = pick(draw, *PROGRAMS)
    x, y = leaves(draw, pick(draw, (True, True), (True, True), (True, False)))
    words = some(
        draw, retain_graph=(True, False), create_graph=(True, False), allow_unused=(True, False),
        materialize_grads=(True, False),
    )  # fmt: skip
    outputs, inputs = (
        pick(draw, "out", "out", "list", "pair"),
        pick(draw, "x", "xy", "middle", "[]"),
    )
    start = pick(draw, None, "ones", "list", "wrong")
    times = pick(draw, 1, 1, 2)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        a, b = make(library, x, []), make(library, y, [])
        middle, out = PROGRAMS[label](m, a, b)
        of = {"out": out, "list": [out], "pair": (out, middle)}[outputs]
        wanted = {"x": a, "xy": [a, b], "middle": [middle], "[]": []}[inputs]
        given = {
            None: None, "ones": m.ones_like(out), "list": [m.ones_like(out), None][: len(of)]
            if isinstance(of, list | tuple) else [m.ones_like(out)], "wrong": m.ones(7),
        }[start]  # fmt: skip
        for _ in range(times):
            found = m.autograd.grad(of, wanted, given, **words)
        yield "names of gradients", [g is not None and g.requires_grad for g in found]
        yield "value", [g for g in found if g is not None]
        yield "names of none", [a.grad is None, b.grad is None]

    text = f"grad of {outputs} of {label} by {inputs}, {start} × {times}, {words}, {x!r}, {y!r}"
    return Experiment("autograd.grad", text, run)


HOOKS = ("look", "double", "remove", "retain", "post", "zero grad", "wrong", "shape", "pre", "node")


@st.composite
def hooked(draw: Draw) -> Experiment:
    """Hooks of tensors and nodes, in the order in which they were registered."""
    label = pick(draw, *PROGRAMS)
    x, y = leaves(draw)
    chosen = draw(st.lists(st.tuples(st.sampled_from(HOOKS), st.sampled_from("xm")), max_size=3))
    if any(kind == "wrong" for kind, _ in chosen):  # of two faults one is found first
        chosen = [(kind, of) for kind, of in chosen if kind != "shape"]

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        a, b = make(library, x, []), make(library, y, [])
        middle, out = PROGRAMS[label](m, a, b)
        told: list[Any] = []
        for n, (kind, of) in enumerate(chosen):
            _hook(m, a if of == "x" else middle, kind, n, told)
        out.sum().backward()
        yield "names told", told
        yield "value", [g for g in _grads(a, b, *([middle] * middle.retains_grad)) if g is not None]

    return Experiment(".register_hook", f"hooks {chosen} on {label} of {x!r}, {y!r}", run)


def _hook(m: Any, tensor: Any, kind: str, n: int, told: list[Any]) -> None:
    def look(g: Any) -> None:
        told.append((n, round(float(g.sum()), 9)))

    def after(t: Any) -> None:
        told.append((n, "post", round(float(t.grad.sum()), 9)))
        if kind == "zero grad":
            t.grad = None

    def before(gs: Any) -> Any:
        told.append((n, "pre", len(gs)))
        return tuple(g * 2 for g in gs)

    def at(ins: Any, outs: Any) -> None:
        told.append((n, "node", len(ins), len(outs), round(float(outs[0].sum()), 9)))

    if kind == "look":
        tensor.register_hook(look)
    elif kind == "double":
        tensor.register_hook(lambda g: g * 2)
    elif kind == "remove":
        tensor.register_hook(look).remove()
    elif kind == "retain":
        tensor.retain_grad()
    elif kind in ("post", "zero grad"):
        tensor.register_post_accumulate_grad_hook(after)
    elif kind == "wrong":
        tensor.register_hook(lambda g: 3)
    elif kind == "shape":
        tensor.register_hook(lambda g: g.new_ones(7))
    elif tensor.grad_fn is not None:
        node = tensor.grad_fn
        (node.register_prehook if kind == "pre" else node.register_hook)(
            before if kind == "pre" else at
        )


@st.composite
def own(draw: Draw) -> Experiment:
    """`autograd.Function`: what is saved, what is returned, how often, twice."""
    x, y = leaves(draw, pick(draw, (True, True), (True, False), (False, False)))
    kind = pick(draw, "plain", "setup", "none", "once", "dirty", "non differentiable", "too many",
                "two outputs", "needs", "unset", "input itself")  # fmt: skip
    twice = draw(st.booleans())

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        a, b = make(library, x, []), make(library, y, [])
        told: list[Any] = []
        made = _function(m, kind, told)
        first = a * 1 if kind == "dirty" else a
        out = made.apply(first, b)
        outs = out if isinstance(out, tuple) else (out,)
        yield "names of results", [(t.requires_grad, t.is_leaf, t is first) for t in outs]
        yield "value", [*outs]
        wanted = [t for t in (a, b) if t.requires_grad]
        if outs[0].requires_grad:
            total = sum((t * t).sum() for t in outs if t.requires_grad and t.is_floating_point())
            found = m.autograd.grad(total, wanted, create_graph=twice, allow_unused=True)
            yield "gradient", [g for g in found if g is not None]
            yield "names told", told
            again = [g for g in found if g is not None and g.requires_grad]
            if twice and again:
                second = m.autograd.grad(
                    sum((g * g).sum() for g in again), wanted, allow_unused=True
                )
                yield "second", [g for g in second if g is not None]

    return Experiment("autograd.Function", f"Function, {kind}, twice {twice}, {x!r}, {y!r}", run)


def _function(m: Any, kind: str, told: list[Any]) -> Any:
    def calculate(x: Any, y: Any) -> Any:
        if kind == "two outputs":
            return x * y, x + y
        if kind == "non differentiable":
            return x * y, (x > 0).to(x.dtype)
        if kind == "dirty":
            return x.mul_(2)
        return x if kind == "input itself" else x * y

    def keep(ctx: Any, x: Any, y: Any, out: Any) -> None:
        if kind != "unset":
            ctx.save_for_backward(x, y)
        ctx.word = "kept"
        if kind == "non differentiable":
            ctx.mark_non_differentiable(out[1])
        if kind == "dirty":
            ctx.mark_dirty(x)

    def back(ctx: Any, *grads: Any) -> Any:
        told.append((len(grads), ctx.word, ctx.needs_input_grad))
        if kind == "unset":
            return grads[0] * 2, None
        x, y = ctx.saved_tensors
        if kind == "needs":
            return (grads[0] * y if ctx.needs_input_grad[0] else None), None
        if kind == "none":
            return None, None
        if kind == "too many":
            return grads[0] * y, grads[0] * x, grads[0]
        if kind == "two outputs":
            return grads[0] * y + grads[1], grads[0] * x + grads[1]
        if kind == "dirty":
            return grads[0] * 2, None
        if kind == "input itself":
            return grads[0] * 5, None
        return grads[0] * y, grads[0] * x

    if kind == "once":
        back = m.autograd.function.once_differentiable(back)

    class Old(m.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            out = calculate(x, y)
            keep(ctx, x, y, out)
            return out

        backward = staticmethod(back)

    class New(m.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(x: Any, y: Any) -> Any:
            return calculate(x, y)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            keep(ctx, *inputs, output)

        backward = staticmethod(back)

    return New if kind == "setup" else Old


@st.composite
def saved(draw: Draw) -> Experiment:
    """`autograd.graph`: hooks of what is saved, edges, versions, several gradients at once."""
    what = pick(
        draw, "hooks", "cpu", "refused", "mutation", "edge", "version", "all", "any", "node",
        "anomaly", "checkpoint", "sequential", "variable",
    )  # fmt: skip
    label = pick(draw, "product", "chain", "reused")
    x, y = leaves(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        g = m.autograd.graph
        a, b = make(library, x, []), make(library, y, [])
        told: list[Any] = []

        def total(s: Any, t: Any) -> Any:
            return PROGRAMS[label](m, s, t)[1]

        if what == "hooks":
            with g.saved_tensors_hooks(lambda t: (t, told.append("in"))[0] * 2, lambda t: t / 2):
                out = total(a, b)
            yield "names told", [bool(told)]
        elif what == "cpu":
            with g.save_on_cpu():
                out = total(a, b)
        elif what == "refused":
            with g.disable_saved_tensors_hooks("not here"), g.save_on_cpu():
                out = total(a, b)
        elif what == "mutation":
            with g.allow_mutation_on_saved_tensors():
                c = a * 2
                out = (c * c * b).sum()
                c.mul_(3)
                out.backward()
        elif what == "version":
            c = a * 2
            out = (c * c).sum() + b.sum()
            g.increment_version(c)
            yield "names of versions", [c._version]
        elif what in ("all", "any"):
            out = total(a, b)
            g.register_multi_grad_hook((a, b), lambda gs: told.append(
                [None if t is None else round(float(t.sum()), 9) for t in gs]) if what == "all"
                else told.append("once"), mode=what)  # fmt: skip
        elif what == "edge":
            c = a * b
            out = (c * c).sum()
            edge = g.get_gradient_edge(c)
            yield "names of edges", [isinstance(edge, g.GradientEdge), edge.output_nr]
            found = m.autograd.grad(out, [edge], retain_graph=True)
            yield "gradient at the edge", found[0]
        elif what == "node":
            c = a * b
            out = c.sum()
            node = c.grad_fn
            yield (
                "names of nodes",
                [isinstance(node, g.Node), len(node.next_functions), node.name()],
            )
        elif what == "anomaly":
            with m.autograd.detect_anomaly():
                out = (a * 0).sqrt().sum() * 0 + b.sum()
                out.backward()
        elif what == "checkpoint":
            out = m.utils.checkpoint.checkpoint(total, a, b, use_reentrant=False)
        elif what == "sequential":
            net = m.nn.Sequential(m.nn.Linear(3, 3), m.nn.Tanh(), m.nn.Linear(3, 1)).double()
            fill(library, net, 0)
            out = m.utils.checkpoint.checkpoint_sequential(net, 2, a * b, use_reentrant=False)
        else:
            c = m.autograd.Variable(a.detach(), requires_grad=True)
            yield "names of a variable", [isinstance(c, m.autograd.Variable), c.requires_grad]
            out = total(a, c)
        if a.grad is None:
            out.sum().backward()
        yield "names of multi", told if what in ("all", "any") else []
        yield "value", [out.detach(), *[t for t in _grads(a, b) if t is not None]]

    names = f"{what} of {label}, {x!r}, {y!r}"
    return Experiment("autograd.graph", names, run)


@st.composite
def promised(draw: Draw) -> Experiment:
    """A result that comes later, or an error in its place; states of devices of no tensors."""
    steps = draw(st.lists(st.sampled_from(FUTURE), max_size=4))
    given = Given(np.arange(2.0))

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        future, told = m.futures.Future(), []  # type: ignore[var-annotated]
        yield "names of being done", [future.done()]
        for n, step in enumerate(steps):
            if step == "then":
                future.then(lambda f, n=n: told.append((n, f.done())))
            elif step == "callback":
                future.add_done_callback(lambda f, n=n: told.append((n, f.done())))
            elif step == "result":
                future.set_result(make(library, given, []))
            elif step == "error":
                future.set_exception(ValueError("later"))
            elif future.done():
                yield "value", getattr(future, step)()
        yield "names told", [future.done(), *told]
        found = m.utils.checkpoint.get_device_states(make(library, given, []))
        yield "names of states", [len(part) for part in found]
        m.utils.checkpoint.set_device_states(*found)

    return Experiment("futures.Future", f"Future: {steps}", run)


FUTURE = ("then", "callback", "result", "result", "error", "wait", "value")


def rows() -> list[Row]:
    """All rows of this file."""
    graph = """GradientEdge Node allow_mutation_on_saved_tensors disable_saved_tensors_hooks
    get_gradient_edge increment_version register_multi_grad_hook save_on_cpu saved_tensors_hooks"""
    others = "autograd.Variable utils.checkpoint.checkpoint utils.checkpoint.checkpoint_sequential"
    return [
        Row("autograd.backward", backward(), names=".backward .retain_grad"),
        Row("autograd.grad", gradients()),
        Row(
            "futures.Future",
            promised(),
            names="Future " + under("utils.checkpoint", ("get_device_states", "set_device_states")),
        ),
        Row(".register_hook", hooked(), names=".register_post_accumulate_grad_hook"),
        Row("autograd.Function", own()),
        Row("autograd.graph", saved(), names=f"{under('autograd.graph', graph.split())} {others}"),
    ]
