"""A case, and what it gives on a library: values, gradients, keys, and how it prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """One thing to compare.

    Args:
        name: what it is called.
        make: given the library (`torch` or `tinygrad_lite`), a module or a function.
        inputs: arrays, or shapes to be filled with draws. Floating-point ones get gradients.
        train: run a module in training mode.
        call: how the module is called, if not with the inputs in their order.
        second: compare the second derivative with differences (slow for many elements).
        gradients: there are any.
        finite: values and derivatives of every order are finite.
    """

    name: str
    make: Callable[[Any], Any]
    inputs: tuple[Any, ...] = ()
    train: bool = True
    call: Callable[..., Any] | None = None
    second: bool = False
    gradients: bool = True
    finite: bool = True
    tolerance: float = 1e-9

    def arrays(self) -> list[Array]:
        """The inputs, the same in every run."""
        rng = np.random.default_rng(sum(map(ord, self.name)))
        return [
            rng.standard_normal(given) if isinstance(given, tuple) else np.asarray(given)
            for given in self.inputs
        ]


@dataclass
class Outcome:
    """What a case gives, as arrays on the host."""

    text: str = ""
    keys: list[str] = field(default_factory=list)
    outputs: list[Array] = field(default_factory=list)
    gradients: list[Array] = field(default_factory=list)


def flat(value: Any) -> Iterator[Any]:
    """The tensors in nested lists and tuples."""
    if isinstance(value, list | tuple):
        for part in value:
            yield from flat(part)
    elif value is not None:
        yield value


def host(tensor: Any) -> Array:
    """A tensor's elements."""
    return np.array(tensor.detach().cpu().numpy())


def build(case: Case, library: Any, device: str = "cpu") -> tuple[Any, list[Any], list[Any]]:
    """The thing, its inputs as tensors, and all leaves that get a gradient."""
    thing = case.make(library)
    inputs = [
        library.from_numpy(array).to(device).requires_grad_(array.dtype.kind == "f")
        for array in case.arrays()
    ]
    leaves = [tensor for tensor in inputs if tensor.requires_grad]
    if hasattr(thing, "state_dict"):
        thing = thing.double().to(device).train(case.train)
        rng = np.random.default_rng(7)
        for key, tensor in thing.state_dict().items():
            if tensor.is_floating_point():
                drawn = rng.standard_normal(tuple(tensor.shape)) * 0.5
                drawn = np.asarray(np.abs(drawn) + 0.5 if "var" in key else drawn)
                tensor.copy_(library.from_numpy(drawn).to(device))
        leaves += [p for p in thing.parameters() if p.requires_grad]
    return thing, inputs, leaves


def run(case: Case, library: Any, device: str = "cpu") -> Outcome:
    """Run a case forwards and backwards."""
    thing, inputs, leaves = build(case, library, device)
    outcome = Outcome()
    if hasattr(thing, "state_dict"):
        outcome.text, outcome.keys = repr(thing), list(thing.state_dict())
    call = case.call or (lambda thing, *inputs: thing(*inputs))
    results = list(flat(call(thing, *inputs)))
    outcome.outputs = [host(r) for r in results]
    outputs = [r for r in results if r.requires_grad]
    if not case.gradients:
        assert not outputs or case.gradients is None, f"{case.name} has gradients"
        return outcome
    rng = np.random.default_rng(3)
    cotangents = [
        library.from_numpy(np.asarray(rng.standard_normal(tuple(r.shape)))).to(device)
        for r in outputs
    ]
    found = library.autograd.grad(outputs, leaves, cotangents, allow_unused=True)
    outcome.gradients = [
        np.zeros(tuple(leaf.shape)) if grad is None else host(grad)
        for leaf, grad in zip(leaves, found, strict=True)
    ]
    return outcome


def summary(outcome: Outcome) -> dict[str, Any]:
    """An outcome in few numbers: the shape, the first elements and the sum of each array."""

    def short(array: Array) -> list[Any]:
        numbers = array.astype(np.float64).reshape(-1)
        total = float((numbers * np.cos(np.arange(numbers.size))).sum())
        return [list(array.shape), [round(float(n), 9) for n in (*numbers[:3], total)]]

    return {
        "text": outcome.text,
        "keys": outcome.keys,
        "outputs": [short(a) for a in outcome.outputs],
        "gradients": [short(a) for a in outcome.gradients],
    }
