"""What operations cost: floating-point operations by a formula for each rule, and bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from .. import ops
from ..autograd.memory import held
from ..backend import is_array, root
from ..graph import Leaf, Node, Rule

SUBJECTS = {  # files of the rules that are drawn and counted as others
    "conv": "linalg", "attention": "linalg", "recurrence": "linalg",
    "activation": "elementwise", "analytic": "elementwise", "rounding": "elementwise",
    "rule": "elementwise", "special": "elementwise", "decompose": "linalg", "ctc": "loss",
    "embedding": "shape", "complex": "elementwise", "fourier": "linalg",
}  # fmt: skip


def subject(rule: Rule) -> str:
    """The group of a rule: "linalg", "norm", "elementwise", "pool", "reduce", "loss", "shape", …

    It is the file in `ops/` that has the rule, or its name in `SUBJECTS`; "custom" for a user's
    `Function`.
    """
    room, _, file = rule.__module__.rpartition(".")
    return SUBJECTS.get(file, file) if room == ops.__name__ else "custom"


def flops(rule: Rule, given: list[Any], out: Any, kwargs: dict[str, Any]) -> int:
    """The arithmetic of one application of a rule; a multiplication and an addition are two.

    A product of matrices or a convolution: 2 × outputs × terms of each (and 1 for a bias). A
    decomposition, an inverse or a determinant as the product of its matrix with itself. An
    elementwise operation 1 for each output, a reduction or pool 1 for each input, a softmax, loss
    or normalisation (also inside of attention) and the gates of a recurrent layer 5 for each
    input. Moving elements costs none. A `Function` of the user's costs what it calls.

    Args:
        rule, given: what ran, and its inputs, arrays in place of tensors.
        out: its output, an array.
        kwargs: the rule's arguments that are not inputs.
    """
    name, kind = rule.__name__, subject(rule)
    shapes: list[tuple[int, ...]] = [tuple(a.shape) for a in given if is_array(a)]
    inputs: int = math.prod(shapes[0]) if shapes else 0
    outputs: int = math.prod(out.shape)
    bias = outputs if len(shapes) > 2 else 0
    if name == "conv_transpose2d":
        return 2 * inputs * math.prod(shapes[1][1:]) + bias
    if name == "conv2d":
        return 2 * outputs * math.prod(shapes[1][1:]) + bias
    if name == "attention":
        queries, pairs = shapes[0], math.prod(shapes[0][:-1]) * shapes[1][-2]
        return 2 * pairs * (queries[-1] + shapes[2][-1]) + 5 * pairs
    if name == "self_attention":
        pairs = shapes[0][0] * shapes[0][1] ** 2
        return int(4 * pairs * out.shape[-1] + 5 * pairs * kwargs["heads"])
    if name in ("rnn", "lstm", "gru"):  # the input, states, two weights
        first, second = [shape for shape in shapes if len(shape) == 2][-2:]
        return shapes[0][0] * (2 * (math.prod(first) + math.prod(second)) + 5 * first[0])
    if kind == "shape" or name in ("unfold", "fold", "cast", "clone", "to_device"):
        return 0
    if rule.__module__.endswith(".decompose"):
        return 2 * inputs * shapes[0][-1]
    if kind == "linalg":
        return 2 * outputs * (shapes[0][-1] if shapes[0] else 1) + bias
    if kind in ("loss", "norm"):
        return 5 * inputs
    if kind in ("reduce", "pool"):
        return inputs
    return 0 if kind == "custom" else outputs


def saved(nodes: Iterable[Node]) -> list[int]:
    """The bytes that each node keeps for the backward pass; what several keep counts at the first.

    Parameters and other leaves live anyway and are not counted.
    """
    nodes = list(nodes)
    leaves = (p for n in nodes for p in n.parents if isinstance(p, Leaf))
    seen = {id(root(leaf.array)) for leaf in leaves}
    counts = []
    for node in nodes:
        count = 0
        for array in held(node):
            if id(array) not in seen:
                seen.add(id(array))
                count += int(array.nbytes)
        counts.append(count)
    return counts
