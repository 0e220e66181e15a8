"""Rows of `nn.utils.prune`, and of parametrisations that are handed on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.utils.prune  # noqa: F401 - PyTorch has it only then
from hypothesis import strategies as st

from .call import LIBRARIES
from .draw import Draw
from .draw_layers import pick, seed
from .experiment import Experiment, Steps
from .row import Row, under

FUNCTIONS = """identity l1_unstructured ln_structured custom_from_mask global_unstructured
random_unstructured random_structured""".split()
AMOUNTS: Any = (0, 1, 2, 0.0, 0.3, 0.5, 1.0, 7, -1, 1.5, 100, "half", None)


def _layer(m: Any, number: int) -> Any:
    """A layer of distinct weights, with a gradient of its own."""
    rng = np.random.default_rng(number)
    layer = m.nn.Sequential(m.nn.Linear(3, 4), m.nn.Conv2d(2, 3, 2))
    for i, p in enumerate(layer.parameters()):  # no two as large: which one goes is decided
        values = (rng.permutation(p.numel()) + 1 + i / 8) * rng.choice([-1, 1], p.numel())
        p.data = m.from_numpy(values.reshape(p.shape).astype("f4"))
    return layer


def _seen(m: Any, layer: Any, exactly: bool) -> Steps:
    """What a pruned model has: names, whether it is pruned, masks and values, hooks."""
    yield "names of state", [*layer.state_dict()]
    yield "names of parameters", [n for n, _ in layer.named_parameters()]
    yield "names of buffers", [n for n, _ in layer.named_buffers()]
    yield "names of pruned", [m.nn.utils.prune.is_pruned(part) for part in layer.modules()]
    for part in layer:
        hooks = [type(hook).__name__ for hook in part._forward_pre_hooks.values()]
        yield "names of hooks", hooks
        for tensor in (part.weight, part.bias):
            yield "value", tensor if exactly else m.tensor(int((tensor == 0).sum()))


def _pruned(m: Any, layer: Any, name: str, amount: Any, at: str, dim: int, n: Any) -> Any:
    """One function called on the first layer, or all."""
    prune, part = m.nn.utils.prune, layer[0]
    function = getattr(prune, name)
    if name == "identity":
        return function(part, at)
    if name in ("l1_unstructured", "random_unstructured"):
        return function(part, name=at, amount=amount)
    if name == "ln_structured":
        return function(part, at, amount, n, dim)
    if name == "random_structured":
        return function(part, at, amount, dim)
    if name == "custom_from_mask":
        return function(part, at, mask=(getattr(part, at) > 0).float())
    return function([(layer[0], at), (layer[1], "weight")], prune.L1Unstructured, amount=amount)


@st.composite
def pruning(draw: Draw) -> Experiment:
    """Some prunings one after another, the gradient, and what `remove` leaves."""
    calls = [
        (
            *(pick(draw, *FUNCTIONS), pick(draw, *AMOUNTS), pick(draw, "weight", "bias", "other")),
            *(pick(draw, 0, 1, -1, 2), pick(draw, 1, 2, float("inf"))),
        )
        for _ in range(pick(draw, 1, 2, 3))
    ]
    number, at_end = seed(draw), pick(draw, "weight", "bias")

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        m.manual_seed(0)
        layer, exactly = _layer(m, number), True
        for name, amount, at, dim, n in calls:
            exactly = exactly and "random" not in name
            found = _pruned(m, layer, name, amount, at, dim, n)
            yield "names of identity", found is layer[0]
            yield from _seen(m, layer, exactly)
        x = m.arange(6.0).reshape(2, 3)
        layer[0](x).sum().backward()
        for key, p in layer[0].named_parameters():
            if exactly and p.grad is not None:
                yield f"gradient of {key}", p.grad
        yield "names of the end", m.nn.utils.prune.remove(layer[0], at_end) is layer[0]
        yield from _seen(m, layer, exactly)

    return Experiment("nn.utils.prune", f"{calls}, remove {at_end}, seed {number}", run)


@st.composite
def masking(draw: Draw) -> Experiment:
    """The classes by themselves: `prune` of a tensor, and masks upon masks in a container."""
    names = [pick(draw, "L1Unstructured", "LnStructured", "Identity") for _ in range(2)]
    amounts, number = [pick(draw, *AMOUNTS) for _ in range(2)], seed(draw)
    own, scores = draw(st.booleans()), draw(st.booleans())

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        prune = m.nn.utils.prune
        rng = np.random.default_rng(number)
        t = m.from_numpy(2.0 ** rng.permutation(12).reshape(3, 4).astype("f4"))
        importance = m.from_numpy(rng.permutation(12).reshape(3, 4).astype("f4"))
        mask = (t > 4).float() if own else None
        methods = []
        for name, amount in zip(names, amounts, strict=True):
            given = {"L1Unstructured": (amount,), "LnStructured": (amount, 1, 0), "Identity": ()}
            method = getattr(prune, name)(*given[name])
            method._tensor_name = "weight"
            methods.append(method)
            yield (
                "names of kind",
                [method.PRUNING_TYPE, isinstance(method, prune.BasePruningMethod)],
            )
            yield "value", method.prune(t, mask, importance if scores else None)
        yield "value of a mask", prune.CustomFromMask(t > 4).compute_mask(t, m.ones(3, 4))
        for method in (prune.RandomUnstructured(amounts[0]), prune.RandomStructured(amounts[0], 0)):
            yield "value of how many", int(method.compute_mask(t, m.ones(3, 4)).sum())
        container = prune.PruningContainer(methods[0])
        container.add_pruning_method(methods[1])
        yield "names of container", [len(container), [type(x).__name__ for x in container]]
        yield "value of all", container.compute_mask(t, m.ones(3, 4) if mask is None else mask)

    text = f"{names} by {amounts}, {own=}, {scores=}, seed {number}"
    return Experiment("nn.utils.prune.BasePruningMethod", text, run)


@st.composite
def handing_on(draw: Draw) -> Experiment:
    """transfer_parametrizations_and_params, from one layer to another that has some or none."""
    how, other, only = (
        pick(draw, "one", "two", "several", "none"),
        draw(st.booleans()),
        pick(draw, None, "weight"),
    )
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        p, nn = m.nn.utils.parametrize, m.nn

        class Double(nn.Module):  # type: ignore[misc,name-defined]
            def forward(self, x: Any) -> Any:
                return x * 2

        class Product(nn.Module):  # type: ignore[misc,name-defined]
            def forward(self, a: Any, b: Any) -> Any:
                return a * b

            def right_inverse(self, x: Any) -> Any:
                return x, m.ones_like(x)

        source, target = _layer(m, number)[0], nn.Linear(3, 4)
        target.load_state_dict(_layer(m, number + 1)[0].state_dict())
        if how != "none":
            p.register_parametrization(
                source, "weight", Product() if how == "several" else Double()
            )
        if how == "two":
            p.register_parametrization(source, "weight", Double())
            p.register_parametrization(source, "bias", Double())
        if other:
            p.register_parametrization(target, "weight", Double())
        for layer in (source, target):
            yield (
                "names of class",
                [type(layer).__name__, p.type_before_parametrizations(layer) is nn.Linear],
            )
        found = p.transfer_parametrizations_and_params(source, target, only)
        yield "names of identity", found is target
        yield "names of state", [*target.state_dict()]
        yield "names of parameters", [n for n, _ in target.named_parameters()]
        yield "value of weight", target.weight
        yield "value of bias", target.bias
        yield "names of class", type(target).__name__

    text = f"{how}, {other=}, {only=}, seed {number}"
    return Experiment("nn.utils.parametrize.transfer_parametrizations_and_params", text, run)


def rows() -> list[Row]:
    """All rows of this file."""
    methods = (
        "L1Unstructured LnStructured Identity BasePruningMethod PruningContainer "
        "CustomFromMask RandomUnstructured RandomStructured"
    ).split()
    functions = (*FUNCTIONS, "is_pruned", "remove")
    return [
        Row(
            "nn.utils.prune.identity",
            pruning(),
            "nn.utils.prune",
            under("nn.utils.prune", functions),
        ),
        Row(
            *("nn.utils.prune.Identity", masking(), "nn.utils.prune's classes"),
            under("nn.utils.prune", methods),
        ),
        Row(
            *("nn.utils.parametrize.type_before_parametrizations", handing_on(), None),
            "nn.utils.parametrize.transfer_parametrizations_and_params",
        ),
    ]
