"""Rows of layers whose weights are given, and of `as_subclass`."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import Draw
from .row import Row

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


@st.composite
def layers(draw: Draw, name: str) -> Call:
    """A batch or packed rows through one or two layers, in one or two directions."""
    count, ways = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    biases, packed, first = (draw(st.booleans()) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    normal = lambda *size: Given(rng.normal(size=size).astype("float32"), requires_grad=True)  # noqa: E731
    high, weights = GATES[name] * 3, []
    for layer in range(count):
        for _ in range(ways):
            weights += [normal(high, 3 * ways if layer else 2), normal(high, 3)]
            weights += [normal(high), normal(high)] if biases else []
    states = [normal(count * ways, 2, 3) for _ in range(2 if name == "lstm" else 1)]
    x = normal(6, 2) if packed else normal(2, 4, 2) if first else normal(4, 2, 2)

    def run(module: Any, x: Any, *rest: Any) -> Any:
        hx, params = rest[: len(states)], list(rest[len(states) :])
        given = tuple(hx) if name == "lstm" else hx[0]
        settings = (biases, count, 0.0, False, ways == 2)
        function = getattr(module, name)
        if packed:
            return function(x, module.tensor([2, 2, 1, 1]), given, params, *settings)
        return function(x, given, params, *settings, first)

    return Call(name, (x, *states, *weights), function=run)


@st.composite
def classes(draw: Draw) -> Call:
    """An operation on a tensor of a class derived from Tensor."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = Given(rng.normal(size=(2, 3)).astype("float32"))
    label = draw(st.sampled_from(["exp", "sum", "t", "add", "index"]))

    def run(module: Any, x: Any) -> Any:
        # Made without `class`, which would have all functions watched in the other rows.
        plain = x.as_subclass(module.nn.Parameter)
        assert type(plain) is module.nn.Parameter
        if label == "add":
            return plain + 1
        return plain[0] if label == "index" else getattr(plain, label)()

    return Call(".as_subclass", (x,), function=run)


def rows() -> list[Row]:
    """All rows of this file."""
    found = [Row(name, layers(name)) for name in GATES]
    return [*found, Row(".as_subclass", classes())]
