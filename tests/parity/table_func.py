"""Rows of derivatives of functions, as functions: `torch.func` and `torch.autograd.functional`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import Draw
from .draw_layers import pick, seed
from .experiment import Experiment, Steps, make
from .row import Row, under

# Functions of one tensor: to a scalar, and to anything.
SCALARS: dict[str, Callable[[Any, Any], Any]] = {
    "sum of squares": lambda m, x: (x * x).sum(),
    "product of sines": lambda m, x: (x.sin() * x.flip(0)).sum(),
    "logsumexp": lambda m, x: x.reshape(-1).logsumexp(0),
    "norm": lambda m, x: (x * x + 1).sum().sqrt(),
    "first element": lambda m, x: x.reshape(-1)[0] ** 3,
    "free of x": lambda m, x: m.ones((), dtype=x.dtype),
}
TENSORS: dict[str, Callable[[Any, Any], Any]] = {
    "exp": lambda m, x: x.exp(),
    "turned": lambda m, x: x.flip(0) * x,
    "softmax": lambda m, x: x.softmax(-1),
    "outer": lambda m, x: x.reshape(-1)[:, None] * x.reshape(-1)[:2],
    "cumsum": lambda m, x: x.cumsum(0) ** 2,
    "pair": lambda m, x: (x.sin(), (x * x).sum()),
    "dict": lambda m, x: {"a": x * 2, "b": x.sum() * x},
    "rows": lambda m, x: x.reshape(x.shape[0], -1).sum(1),
    "identity": lambda m, x: x,
}
PAIRS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "product": lambda m, x, y: (x * y).sum(),
    "powers": lambda m, x, y: (x**2 * y.exp()).sum() + x.sum() * y.sum(),
    "only y": lambda m, x, y: (y**3).sum(),
}


OF_ONE = ("grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd", "hessian")
FUNCTIONAL = ("vjp", "jvp", "jacobian", "hessian", "vhp", "hvp")


def _tensor(draw: Draw, *shapes: tuple[int, ...]) -> Given:
    shape = pick(draw, *(shapes or ((3,), (2, 3), (1,), (2, 1, 2))))
    array = np.random.default_rng(seed(draw)).uniform(-1.5, 1.5, shape)
    return Given(array.astype(pick(draw, "float64", "float64", "float32")))


def _flat(tree: Any) -> Any:
    """A tree of tensors as a list, with the keys of dicts told before."""
    if isinstance(tree, dict):
        return [part for key in sorted(tree) for part in _flat(tree[key])]
    if isinstance(tree, list | tuple):
        return [part for value in tree for part in _flat(value)]
    return [tree]


def _form(tree: Any) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{k}: {_form(v)}" for k, v in tree.items()) + "}"
    if isinstance(tree, tuple):
        return "(" + ", ".join(map(_form, tree)) + ")"
    return "[" + ", ".join(map(_form, tree)) + "]" if isinstance(tree, list) else "tensor"


def _told(found: Any) -> Steps:
    yield "names of the form", [_form(found)]
    yield "value", _flat(found)
    yield "names of requiring", [bool(t.requires_grad) for t in _flat(found)]


@st.composite
def of_one(draw: Draw) -> Experiment:
    """grad, vjp, jvp, jacobians, hessian of a function of one tensor, also nested."""
    name = pick(
        draw, *OF_ONE, "grad of grad", "jacrev of grad", "jacfwd of jacrev", "vmap of grad",
        "grad of vmap", "jvp of grad", "vmap of jacrev", "vmap of vjp",
    )  # fmt: skip
    scalar = name in ("grad", "grad_and_value", "hessian") or "grad" in name
    label = pick(draw, *(SCALARS if scalar and draw(st.integers(0, 9)) else TENSORS))
    x, v = _tensor(draw), _tensor(draw)
    aux = name in ("grad", "grad_and_value", "vjp", "jacrev", "jacfwd", "jvp") and not draw(
        st.integers(0, 3)
    )

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        f, of = m.func, {**SCALARS, **TENSORS}[label]
        given, along = make(library, x, []), make(library, v, [])

        def function(t: Any) -> Any:
            return (of(m, t), t * 2) if aux else of(m, t)

        words = {"has_aux": True} if aux else {}
        if name in ("grad", "grad_and_value", "jacrev", "jacfwd"):
            yield from _told(getattr(f, name)(function, **words)(given))
        elif name == "hessian":
            yield from _told(f.hessian(function)(given))
        elif name == "vjp":
            found = f.vjp(function, given, **words)
            yield from _told(found[0])
            yield from _told(
                found[1](m.ones_like(found[0]) if hasattr(found[0], "shape") else along)
            )
        elif name == "jvp":
            yield from _told(f.jvp(function, (given,), (along,), **words))
        elif name == "grad of grad":
            yield from _told(f.grad(lambda t: f.grad(function)(t).sin().sum())(given))
        elif name == "jacrev of grad":
            yield from _told(f.jacrev(f.grad(function))(given))
        elif name == "jacfwd of jacrev":
            yield from _told(f.jacfwd(f.jacrev(function))(given))
        elif name == "vmap of grad":
            yield from _told(
                f.vmap(f.grad(function))(
                    given[None] * m.ones_like(along.reshape(-1)[:2]).reshape(-1, *[1] * given.ndim)
                )
            )
        elif name == "grad of vmap":
            yield from _told(
                f.grad(lambda t: f.vmap(function)(t).sum())(given.reshape(1, *given.shape))
            )
        elif name == "jvp of grad":
            yield from _told(f.jvp(f.grad(function), (given,), (given,)))
        elif name == "vmap of jacrev":
            yield from _told(f.vmap(f.jacrev(function))(given.reshape(1, *given.shape)))
        else:
            _, back = f.vjp(function, given)
            one = of(m, given)
            if hasattr(one, "shape"):
                yield from _told(
                    f.vmap(lambda g: back(g)[0])(m.ones(3, *one.shape, dtype=one.dtype))
                )

    text = f"func: {name} of {label}{' with aux' if aux else ''} at {x!r}, {v!r}"
    return Experiment("func.grad", text, run)


@st.composite
def of_two(draw: Draw) -> Experiment:
    """Which arguments: argnums, keywords, trees, mistakes."""
    name = pick(draw, "grad", "grad_and_value", "jacrev", "jacfwd", "hessian")
    label = pick(draw, *PAIRS)
    # PyTorch's forward mode takes -1 for another argument.
    last = 1 if name in ("jacfwd", "hessian") else -1
    argnums = pick(draw, 0, 1, last, (0, 1), (1, 0), (1,), 2, (0, 2), (0, 0))
    x, y = _tensor(draw, (3,)), _tensor(draw, (3,), (1,))
    y = Given(y.values.astype(x.values.dtype))
    how = pick(draw, "plain", "plain", "keyword", "dict", "integer")
    argnums = 0 if how == "keyword" else argnums

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        a, b = make(library, x, []), make(library, y, [])
        function = PAIRS[label]
        of = getattr(m.func, name)
        if how == "plain":
            yield from _told(of(lambda s, t: function(m, s, t), argnums)(a, b))
        elif how == "keyword":
            yield from _told(of(lambda s, *, t: function(m, s, t), argnums)(a, t=b))
        elif how == "dict":
            yield from _told(of(lambda p: function(m, p["x"], p["y"]))({"x": a, "y": b}))
        else:
            yield from _told(of(lambda s, t: function(m, s, t), argnums)(a.long(), b))

    return Experiment("func.grad", f"func.{name}({label}, {argnums}), {how}, {x!r}, {y!r}", run)


MAPPED: dict[str, Callable[..., Any]] = {
    "product": lambda m, x, y: x * y,
    "dot": lambda m, x, y: (x * y).sum(),
    "matrix": lambda m, x, y: x.reshape(-1)[:, None] @ y.reshape(-1)[None],
    "pair": lambda m, x, y: (x + 1, y.sum()),
    "where": lambda m, x, y: m.where(x > 0, x, y),
    "softmax": lambda m, x, y: (x + y).softmax(-1),
    "index": lambda m, x, y: x[..., 0] + y.sum(),
    "reshape": lambda m, x, y: x.reshape(-1).flip(0),
    "constant": lambda m, x, y: m.ones(2),
    "item": lambda m, x, y: x * (1 if bool(x.sum() > 0) else 2),
}


@st.composite
def mapping(draw: Draw) -> Experiment:
    """vmap over drawn dims of each argument and result."""
    label = pick(draw, *[k for k in MAPPED if k != "item"])
    shape = pick(draw, (2, 3), (3, 2, 2), (2, 2))
    x, y = _tensor(draw, shape), _tensor(draw, shape, (3,), (2,))
    if label == "index":  # a sum, as exact as its own dtype
        y = Given(y.values.astype(x.values.dtype))
    ins = pick(draw, 0, 0, (0, None), (None, 0), (1, 0), (0, 1), (-1, 0), None, (0,), (5, 0))
    outs = pick(draw, 0, 0, 1, -1, (0, 0), None)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        a, b = make(library, x, []), make(library, y, [])
        function = MAPPED[label]
        yield from _told(m.func.vmap(lambda s, t: function(m, s, t), ins, outs)(a, b))

    return Experiment("func.vmap", f"vmap({label}, {ins}, {outs})({x!r}, {y!r})", run)


@st.composite
def functional(draw: Draw) -> Experiment:
    """`autograd.functional`: vjp, jvp, jacobian, hessian, vhp, hvp."""
    name = pick(draw, *FUNCTIONAL)
    scalar = name in ("hessian", "vhp", "hvp")
    two = not draw(st.integers(0, 3))
    label = pick(draw, *(PAIRS if two else SCALARS if scalar else TENSORS))
    x = _tensor(draw, (3,), (2, 2))
    y = Given(np.random.default_rng(seed(draw)).random(x.values.shape).astype(x.values.dtype))
    kind = pick(draw, "right", "right", "none", "shape")
    words: dict[str, Any] = {}
    if draw(st.booleans()):
        words["create_graph"] = True
    if not draw(st.integers(0, 4)):
        words["strict"] = True
    if name == "jacobian" and not draw(st.integers(0, 3)):
        words["vectorize"] = True
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        given = make(library, x, [])
        inputs = (given, make(library, y, [])) if two else given
        of = PAIRS[label] if two else {**SCALARS, **TENSORS}[label]
        call = getattr(m.autograd.functional, name)

        def function(*t: Any) -> Any:
            return of(m, *t)

        if name in ("jacobian", "hessian"):
            found = call(function, inputs, **words)
        else:
            like = inputs
            if name == "vjp":
                like = function(*inputs) if two else function(inputs)
            v = _like(m, library, like, number) if kind != "none" else None
            if kind == "shape":
                v = m.ones(7, dtype=given.dtype)
            found = call(function, inputs, v, **words)
        yield "names of the form", [_form(found)]
        yield "value", _flat(found)
        yield "names of requiring", [bool(t.requires_grad) for t in _flat(found)]

    text = f"autograd.functional.{name}({label}, {x!r}, {y!r}, v {kind}, {words})"
    return Experiment(f"autograd.functional.{name}", text, run)


def _like(m: Any, library: str, tree: Any, number: int) -> Any:
    if isinstance(tree, tuple):
        return tuple(_like(m, library, t, number) for t in tree)
    if isinstance(tree, dict):
        return m.ones(1)
    array = np.random.default_rng(number).random(tuple(tree.shape))
    return m.from_numpy(np.asarray(array).astype(str(tree.dtype).removeprefix("torch.")))


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        Row("func.grad", of_one(), "func, one argument", under("func", OF_ONE)),
        Row("func.grad", of_two(), "func, two arguments"),
        Row("func.vmap", mapping(), names="vmap"),
        Row(
            "autograd.functional.jacobian",
            functional(),
            "autograd.functional",
            under("autograd.functional", FUNCTIONAL),
        ),
    ]
