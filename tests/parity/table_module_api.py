"""Rows of what all modules have: trees, names, states, hooks, copies, containers."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import Draw
from .draw_layers import pick, seed
from .experiment import Experiment, Steps, fill, make
from .row import Row, under

# Trees, each made by a function of the library's module.
TREES: dict[str, Callable[[Any], Any]] = {
    "linear": lambda m: m.nn.Linear(3, 2),
    "empty": lambda m: m.nn.Sequential(),
    "sequential": lambda m: m.nn.Sequential(
        m.nn.Linear(3, 4), m.nn.BatchNorm1d(4), m.nn.ReLU(), m.nn.Linear(4, 3)
    ),
    "named": lambda m: m.nn.Sequential(
        OrderedDict([("first", m.nn.Linear(3, 3, bias=False)), ("norm", m.nn.LayerNorm(3))])
    ),
    "nested": lambda m: m.nn.Sequential(
        m.nn.Sequential(m.nn.Linear(3, 3), m.nn.Tanh()), m.nn.Dropout(0.0), m.nn.Identity()
    ),
    "list": lambda m: m.nn.ModuleList([m.nn.Linear(2, 2), m.nn.Linear(2, 3)]),
    "repeated": lambda m: m.nn.ModuleList([m.nn.ReLU() for _ in range(4)]),
    "dict": lambda m: m.nn.ModuleDict({"a": m.nn.Linear(2, 1), "b": m.nn.PReLU()}),
    "parameters": lambda m: m.nn.ParameterList([m.zeros(2), m.nn.Parameter(m.ones(1, 2))]),
    "parameter dict": lambda m: m.nn.ParameterDict(
        {"x": m.zeros(2), "y": m.nn.Parameter(m.ones(1))}
    ),
    "shared": lambda m: _shared(m),
    "custom": lambda m: _custom(m),
    "rnn": lambda m: m.nn.LSTM(2, 3, num_layers=2, bidirectional=True),
    "attention": lambda m: m.nn.MultiheadAttention(4, 2, kdim=3, add_bias_kv=True),
    "encoder": lambda m: m.nn.TransformerEncoder(m.nn.TransformerEncoderLayer(4, 2, 3), 2),
    "embedding": lambda m: m.nn.EmbeddingBag(4, 2, padding_idx=1),
    "convolutions": lambda m: m.nn.Sequential(
        m.nn.Conv2d(2, 4, (3, 1), stride=2, padding="valid", groups=2, bias=False),
        m.nn.ConvTranspose2d(4, 2, 2, output_padding=0, dilation=2),
        m.nn.MaxPool2d(2, ceil_mode=True),
        m.nn.AvgPool2d((2, 1), padding=1),
        m.nn.AdaptiveAvgPool2d((1, None)),
    ),
}  # fmt: skip

CONTAINERS = "Sequential ModuleList ModuleDict Parameter ParameterList ParameterDict".split()


def _shared(m: Any) -> Any:
    one = m.nn.Linear(2, 2)
    two = m.nn.Linear(2, 2)
    two.weight = one.weight
    return m.nn.Sequential(one, two, one)


def _custom(m: Any) -> Any:
    class Net(m.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.body = m.nn.Linear(3, 3)
            self.scale = m.nn.Parameter(m.ones(3))
            self.frozen = m.nn.Parameter(m.zeros(1), requires_grad=False)
            self.register_buffer("count", m.zeros(2))
            self.register_buffer("hidden", m.zeros(2), persistent=False)
            self.register_buffer("nothing", None)
            self.register_parameter("missing", None)
            self.note = "text"

        def forward(self, x: Any, k: float = 1.0) -> Any:
            return self.body(x) * self.scale * k

        def extra_repr(self) -> str:
            return "k=1"

    return Net()


def trees(draw: Draw) -> str:
    return draw(st.sampled_from(list(TREES)))  # type: ignore[no-any-return]


def seen(module: Any) -> Steps:
    """All that can be listed of a module."""
    yield "text", repr(module).replace("torch.float", "float")
    yield "names of state", [(k, tuple(v.shape)) for k, v in module.state_dict().items()]
    yield "names of parameters", [(k, p.requires_grad) for k, p in module.named_parameters()]
    yield "names of buffers", [k for k, _ in module.named_buffers()]
    yield "names of modules", [(k, type(c).__name__) for k, c in module.named_modules()]
    yield "names of children", [(k, type(c).__name__) for k, c in module.named_children()]
    yield "names of training", [c.training for c in module.modules()]


@st.composite
def listing(draw: Draw) -> Experiment:
    """Everything that lists, after changes that a user makes."""
    tree = trees(draw)
    changes = draw(st.lists(st.sampled_from(sorted(CHANGES)), max_size=3))
    if tree == "parameters":  # PyTorch has no insert there
        changes = [name for name in changes if not name.startswith("insert")]
    if tree == "parameter dict":  # PyTorch prints a module in it twice
        changes = [name for name in changes if name != "set key"]

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        module = TREES[tree](m)
        for name in changes:
            try:
                yield f"names after {name}", str(_word(CHANGES[name](m, module)))
            except Exception as error:
                yield f"names of the error after {name}", _kind(error)
        yield from seen(module)
        yield (
            "names without duplicates",
            [
                *[k for k, _ in module.named_parameters("p", False)],
                *[k for k, _ in module.named_parameters(remove_duplicate=False)],
                *[k for k, _ in module.named_buffers("b", True, False)],
                *[k for k, _ in module.named_modules(prefix="m", remove_duplicate=False)],
            ],
        )
        yield "names with prefix", [*module.state_dict(prefix="x.")]
        yield (
            "names of keeping",
            [v.requires_grad for v in module.state_dict(keep_vars=True).values()],
        )

    return Experiment("nn.Module", f"{tree} after {changes}", run)


def _kind(error: Exception) -> str:
    known = (IndexError, KeyError, TypeError, ValueError, AttributeError)
    return next((k.__name__ for k in known if isinstance(error, k)), "RuntimeError")


def _word(value: Any) -> Any:
    """What a call returned, told alike for both."""
    if value is None or isinstance(value, bool | int | str | list | tuple):
        return value
    return type(value).__name__


def _set(name: str, value: Any) -> Callable[[Any, Any], Any]:
    return lambda m, x: setattr(x, name, value(m))


def _count(m: Any, module: Any) -> Any:
    names: list[str] = []
    module.apply(lambda c: names.append(type(c).__name__))
    return names


CHANGES: dict[str, Callable[[Any, Any], Any]] = {
    "eval": lambda m, x: x.eval() is x,
    "train False": lambda m, x: x.train(False) is x,
    "train text": lambda m, x: x.train("yes"),
    "double": lambda m, x: x.double() is x,
    "half": lambda m, x: x.half() is x,
    "to dtype": lambda m, x: x.to(m.float64) is x,
    "to integer": lambda m, x: x.to(m.int64),
    "to device": lambda m, x: x.to("cpu", m.float64) is x,
    "cpu": lambda m, x: x.cpu() is x,
    "freeze": lambda m, x: x.requires_grad_(False) is x,
    "zero_grad": lambda m, x: x.zero_grad(),
    "apply": _count,
    "new parameter": _set("extra", lambda m: m.nn.Parameter(m.ones(2))),
    "new module": _set("extra", lambda m: m.nn.ReLU()),
    "new tensor": _set("extra", lambda m: m.ones(2)),
    "weight None": _set("weight", lambda m: None),
    "weight tensor": _set("weight", lambda m: m.ones(2)),
    "weight number": _set("weight", lambda m: 3),
    "module by number": _set("body", lambda m: 3),
    "module by module": _set("body", lambda m: m.nn.Tanh()),
    "buffer by tensor": _set("count", lambda m: m.ones(3)),
    "buffer by number": _set("count", lambda m: 3),
    "delete weight": lambda m, x: delattr(x, "weight"),
    "delete nothing": lambda m, x: delattr(x, "nowhere"),
    "get nothing": lambda m, x: x.nowhere,
    "register twice": lambda m, x: x.register_buffer("training", m.ones(1)),
    "register dotted": lambda m, x: x.register_buffer("a.b", m.ones(1)),
    "register number": lambda m, x: x.register_buffer("n", 3),
    "register empty name": lambda m, x: x.register_parameter("", None),
    "register text": lambda m, x: x.register_parameter(3, None),
    "register tensor": lambda m, x: x.register_parameter("w", m.ones(1)),
    "add module": lambda m, x: x.add_module("more", m.nn.Tanh()),
    "add None": lambda m, x: x.add_module("more", None),
    "add number": lambda m, x: x.add_module("more", 3),
    "add dotted": lambda m, x: x.add_module("a.b", m.nn.Tanh()),
    "register module": lambda m, x: x.register_module("more2", m.nn.Tanh()),
    "get submodule": lambda m, x: x.get_submodule("0.1"),
    "get submodule body": lambda m, x: x.get_submodule("body"),
    "get parameter": lambda m, x: list(x.get_parameter("0.weight").shape),
    "get buffer": lambda m, x: list(x.get_buffer("count").shape),
    "append": lambda m, x: x.append(m.nn.ReLU()) is x,
    "extend": lambda m, x: x.extend([m.nn.ReLU(), m.nn.Tanh()]) is x,
    "insert": lambda m, x: x.insert(1, m.nn.ReLU()) is x,
    "insert far": lambda m, x: x.insert(9, m.nn.ReLU()) is x,
    "pop": lambda m, x: type(x.pop(0)).__name__,
    "pop last": lambda m, x: type(x.pop(-1)).__name__,
    "pop key": lambda m, x: type(x.pop("a")).__name__,
    "index": lambda m, x: type(x[-1]).__name__,
    "index far": lambda m, x: x[7],
    "slice": lambda m, x: len(x[1:]),
    "set item": lambda m, x: x.__setitem__(0, m.nn.Tanh()),
    "set key": lambda m, x: x.__setitem__("b", m.nn.Tanh()),
    "delete item": lambda m, x: x.__delitem__(0),
    "delete slice": lambda m, x: x.__delitem__(slice(0, 2)),
    "length": lambda m, x: len(x),
    "contains": lambda m, x: "a" in x,
    "keys": lambda m, x: [str(k) for k in x.keys()],  # noqa: SIM118
    "add": lambda m, x: len(x + x),
    "multiply": lambda m, x: len(x * 2),
    "update": lambda m, x: x.update({"c": m.nn.ReLU()}),
    "update pairs": lambda m, x: x.update([("c", m.nn.ReLU()), ("d", m.nn.ReLU())]),
    "update wrong": lambda m, x: x.update([("c",)]),
    "clear": lambda m, x: x.clear(),
    "iterate": lambda m, x: [type(c).__name__ if not isinstance(c, str) else c for c in x],
    "reversed": lambda m, x: [type(c).__name__ for c in reversed(x)],
    "call with nothing": lambda m, x: x(),
    "dir": lambda m, x: [k for k in dir(x) if k in ("weight", "0", "a", "count", "body")],
    "extra_repr": lambda m, x: x.extra_repr(),
    "setdefault": lambda m, x: type(x.setdefault("z", m.ones(1))).__name__,
    "get": lambda m, x: type(x.get("x")).__name__,
    "popitem": lambda m, x: x.popitem()[0],
    "fromkeys": lambda m, x: [*x.fromkeys(["p", "q"])],
    "or": lambda m, x: [*(x | x)],
    "copy": lambda m, x: [*x.copy()],
    "is_shared": lambda m, x: x.__class__.__name__,
}

STATES: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "same": lambda m, s: s,
    "ordered": lambda m, s: OrderedDict(s),
    "missing": lambda m, s: dict(list(s.items())[1:]),
    "unexpected": lambda m, s: {**s, "more": m.ones(1)},
    "nested unexpected": lambda m, s: {**s, "0.more.deep": m.ones(1)},
    "shape": lambda m, s: {k: m.ones(7) for k in s},
    "scalar": lambda m, s: {k: m.ones(()) for k in s},
    "dtype": lambda m, s: {k: v.double() for k, v in s.items()},
    "integer": lambda m, s: {k: (v * 3).long() for k, v in s.items()},
    "numbers": lambda m, s: dict.fromkeys(s, 3),
    "lists": lambda m, s: {k: v.tolist() for k, v in s.items()},
    "parameters": lambda m, s: {k: m.nn.Parameter(v.float()) for k, v in s.items()},
    "one that tracks": lambda m, s: {k: v.float().requires_grad_() * 2 for k, v in s.items()},
    "no count": lambda m, s: {k: v for k, v in s.items() if not k.endswith("num_batches_tracked")},
    "prefixed": lambda m, s: {"module." + k: v for k, v in s.items()},
    "list": lambda m, s: list(s.items()),
    "None": lambda m, s: None,
}


@st.composite
def loading(draw: Draw) -> Experiment:
    """load_state_dict with what fits and what does not."""
    tree, state, number = trees(draw), draw(st.sampled_from(list(STATES))), seed(draw)
    strict, assign = pick(draw, True, True, False), pick(draw, False, False, True)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        source, target = TREES[tree](m), TREES[tree](m)
        fill(library, source, number)
        fill(library, target, number + 1)
        # PyTorch leaves a module half loaded if a piece does not fit.
        found = target.load_state_dict(STATES[state](m, source.state_dict()), strict, assign)
        yield "names of result", [str(found), found.missing_keys, found.unexpected_keys]
        yield from seen(target)
        yield "buffer", list(target.state_dict().values())
        yield "names of kinds", [type(v).__name__ for v in target.parameters()]
        yield "names of leaves", [(v.is_leaf, v.requires_grad) for v in target.parameters()]

    text = f"{tree}.load_state_dict({state}, strict={strict}, assign={assign})"
    return Experiment("nn.Module.load_state_dict", text, run)


@st.composite
def copying(draw: Draw) -> Experiment:
    """deepcopy and pickle of a module, of its parameters, and what is shared afterwards."""
    tree, number = pick(draw, *[t for t in TREES if t != "custom"]), seed(draw)
    how = pick(draw, "deepcopy", "pickle", "copy")

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        module = TREES[tree](m)
        fill(library, module, number)
        for n, p in enumerate(module.parameters()):
            p.grad = m.ones_like(p) if n % 2 else None
            p.requires_grad_(n % 3 != 2)
        module.eval()
        if how == "pickle":
            twin = pickle.loads(pickle.dumps(module))
        else:
            twin = copy.deepcopy(module) if how == "deepcopy" else copy.copy(module)
        yield from seen(twin)
        yield "buffer", list(twin.state_dict().values())
        yield "names of gradients", [p.grad is not None for p in twin.parameters()]
        first, second = list(module.parameters()), list(twin.parameters())
        yield "names of same", [a is b for a, b in zip(first, second, strict=True)]
        if second:
            with m.no_grad():
                second[0].add_(1)
            yield "buffer changed", list(module.state_dict().values())

    return Experiment("nn.Module copies", f"{how} of {tree}", run)


HOOKS = ("pre", "pre changing", "pre kwargs", "forward", "forward changing", "forward kwargs",
         "backward", "backward changing", "backward pre", "prepended", "removed")  # fmt: skip


@st.composite
def hooks(draw: Draw) -> Experiment:
    """Hooks on a linear layer within a net, in the order of their registration."""
    chosen = draw(st.lists(st.sampled_from(HOOKS), min_size=1, max_size=4))
    x = Given(np.arange(6, dtype=np.float32).reshape(2, 3), "plain", draw(st.booleans()))
    number = seed(draw)

    def run(library: str) -> Steps:
        m, told = LIBRARIES[library], []  # type: ignore[var-annotated]
        net = TREES["nested"](m)
        fill(library, net, number)
        layer = net[0][0]
        for n, kind in enumerate(chosen):
            _register(layer, kind, n, told)
        tensor = make(library, x, [])
        out = net(tensor)
        yield "value", out
        out.sum().backward()
        yield "names told", told
        yield "gradient", [p.grad for p in net.parameters()]
        if x.requires_grad:
            yield "gradient of x", tensor.grad

    return Experiment("nn.Module hooks", f"{chosen} on {x!r}", run)


def _register(layer: Any, kind: str, n: int, told: list[Any]) -> None:
    def say(*what: Any) -> None:
        told.append((n, kind, *what))

    def pre(module: Any, args: Any) -> Any:
        say(len(args))
        return (args[0] * 2,) if "changing" in kind else None

    def pre_kwargs(module: Any, args: Any, kwargs: Any) -> Any:
        say(len(args), sorted(kwargs))

    def forward(module: Any, args: Any, out: Any) -> Any:
        say(len(args), tuple(out.shape))
        return out + 1 if "changing" in kind else None

    def forward_kwargs(module: Any, args: Any, kwargs: Any, out: Any) -> Any:
        say(len(args), sorted(kwargs))

    def backward(module: Any, grads: Any, outs: Any) -> Any:
        say(len(grads), grads[0] is None, len(outs), round(float(outs[0].sum()), 3))
        if "changing" in kind and grads[0] is not None:
            return (grads[0] * 2,)
        return None

    def backward_pre(module: Any, outs: Any) -> Any:
        say(len(outs))
        return (outs[0] * 3,)

    if kind in ("pre", "pre changing"):
        layer.register_forward_pre_hook(pre)
    elif kind == "pre kwargs":
        layer.register_forward_pre_hook(pre_kwargs, with_kwargs=True)
    elif kind in ("forward", "forward changing"):
        layer.register_forward_hook(forward)
    elif kind == "forward kwargs":
        layer.register_forward_hook(forward_kwargs, with_kwargs=True)
    elif kind == "backward pre":
        layer.register_full_backward_pre_hook(backward_pre)
    elif kind == "prepended":
        layer.register_forward_hook(forward, prepend=True)
    elif kind == "removed":
        layer.register_forward_hook(forward).remove()
    else:
        layer.register_full_backward_hook(backward)


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        Row("nn.Module", listing(), names=under("nn", CONTAINERS)),
        Row("nn.Module.load_state_dict", loading()),
        Row("nn.Module copies", copying()),
        Row("nn.Module hooks", hooks()),
    ]
