"""Small random programs of views and in-place changes, run on both libraries.

A program starts from two leaves and a tensor computed from one of them. Each statement makes a
new variable or changes one in place; one that raises is skipped, and its exception's type counts.
At the end all that was made is summed with weights and differentiated. `chunk`, `split` and
`unbind` are left out: PyTorch refuses in-place changes of their parts, for reasons of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES
from .compare import same
from .deliberate import Difference

Statement = tuple[str, int, int, int]  # what, and which variables and argument, modulo their count

INDICES: list[Any] = [0, slice(1, 3), (slice(None), 1), (slice(None), slice(0, 2)), -1, ..., None]
INDICES += [[0, 2], (slice(None), [0, 0]), (0, 1)]

MAKE: dict[str, Callable[[Any, Any, Any, int], Any]] = {
    "index": lambda m, a, b, n: a[INDICES[n % len(INDICES)]],
    "view": lambda m, a, b, n: a.view(-1),
    "reshape": lambda m, a, b, n: a.reshape(-1),
    "transpose": lambda m, a, b, n: a.transpose(0, -1),
    "permute": lambda m, a, b, n: a.permute(tuple(reversed(range(a.ndim)))),
    "unsqueeze": lambda m, a, b, n: a.unsqueeze(0),
    "squeeze": lambda m, a, b, n: a.squeeze(),
    "expand": lambda m, a, b, n: a.expand(2, *a.shape),
    "flatten": lambda m, a, b, n: a.flatten(),
    "narrow": lambda m, a, b, n: a.narrow(0, 0, 1),
    "diagonal": lambda m, a, b, n: a.T,
    "detach": lambda m, a, b, n: a.detach(),
    "data": lambda m, a, b, n: a.data,
    "clone": lambda m, a, b, n: a.clone(),
    "contiguous": lambda m, a, b, n: a.contiguous(),
    "flip": lambda m, a, b, n: a.flip(0),
    "repeat": lambda m, a, b, n: a.repeat(*[1] * a.ndim),
    "mul": lambda m, a, b, n: a * b,
    "add": lambda m, a, b, n: a + b,
    "double": lambda m, a, b, n: a * 2,
    "exp": lambda m, a, b, n: (a * 0.1).exp(),
    "square": lambda m, a, b, n: a * a,
    "relu": lambda m, a, b, n: a.relu(),
    "sum": lambda m, a, b, n: a.sum(0),
    "float": lambda m, a, b, n: a.float(),
}


def _assign(m: Any, a: Any, b: Any, n: int) -> None:
    a[INDICES[n % len(INDICES)]] = b


def _number(m: Any, a: Any, b: Any, n: int) -> None:
    a[INDICES[n % len(INDICES)]] = 0.5


def _augmented(m: Any, a: Any, b: Any, n: int) -> None:
    a[INDICES[n % len(INDICES)]] += 1


def _no_grad(m: Any, a: Any, b: Any, n: int) -> None:
    with m.no_grad():
        a.add_(1)


CHANGE: dict[str, Callable[[Any, Any, Any, int], Any]] = {
    "add_": lambda m, a, b, n: a.add_(b),
    "add_1": lambda m, a, b, n: a.add_(1),
    "mul_": lambda m, a, b, n: a.mul_(b),
    "mul_2": lambda m, a, b, n: a.mul_(2),
    "sub_": lambda m, a, b, n: a.__isub__(b),
    "zero_": lambda m, a, b, n: a.zero_(),
    "fill_": lambda m, a, b, n: a.fill_(0.5),
    "copy_": lambda m, a, b, n: a.copy_(b),
    "exp_": lambda m, a, b, n: a.exp_(),
    "relu_": lambda m, a, b, n: a.relu_(),
    "clamp_": lambda m, a, b, n: a.clamp_(-1, 1),
    "masked_fill_": lambda m, a, b, n: a.masked_fill_(a > 0, 0.25),
    "assign": _assign,
    "number": _number,
    "augmented": _augmented,
    "no_grad": _no_grad,
    "requires_grad_": lambda m, a, b, n: a.requires_grad_(),
}
ALL = {**MAKE, **CHANGE}

# What PyTorch alone refuses: operands that overlap in memory. Here the result is right.
OWN_REFUSALS = ("refer to a single memory location", "memory overlap")

statements = st.tuples(
    st.sampled_from([*MAKE, *CHANGE, *CHANGE]),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
)
programs = st.lists(statements, min_size=3, max_size=8)


def execute(library: str, program: list[Statement]) -> dict[str, Any]:
    """What a user can see of a program: errors, values, flags, gradients of the leaves."""
    module = LIBRARIES[library]
    rng = np.random.default_rng(5)
    x = module.from_numpy(rng.standard_normal((3, 4)).astype(np.float32)).requires_grad_()
    w = module.from_numpy(rng.standard_normal((3, 4)).astype(np.float32)).requires_grad_()
    c = module.from_numpy(rng.standard_normal((3, 4)).astype(np.float32))
    variables = [x, x * 2, w, c, c * 3]
    seen: dict[str, Any] = {}
    for number, (name, first, second, argument) in enumerate(program):
        a, b = variables[first % len(variables)], variables[second % len(variables)]
        try:
            made = ALL[name](module, a, b, argument)
        except Exception as error:
            known = (IndexError, TypeError, ValueError, AttributeError)
            kind = next((k.__name__ for k in known if isinstance(error, k)), "RuntimeError")
            seen[f"error {number}"] = kind
            if any(words in str(error) for words in OWN_REFUSALS):
                seen["incomparable"] = True
            if kind == "IndexError" and name == "assign":  # PyTorch writes what lies before it
                seen["incomparable"] = True
            continue
        for v in variables:
            _ = v.grad_fn  # PyTorch tells a view's new place in the graph once it is asked for
        if name in MAKE:
            variables.append(made)
    seen["requires_grad"] = [bool(v.requires_grad) for v in variables]
    seen["is_leaf"] = [bool(v.is_leaf) for v in variables]
    for number, v in enumerate(variables):
        seen[f"value {number}"] = np.array(v.detach().numpy())
    total = 0.0
    try:
        for number, v in enumerate(variables):
            total = total + (v * (0.5 + 0.25 * number)).sum()
        total.backward()  # type: ignore[attr-defined]
        for number, leaf in enumerate(variables):
            if leaf.is_leaf:
                grad = leaf.grad
                seen[f"gradient {number}"] = None if grad is None else np.array(grad.numpy())
    except Exception as error:
        seen["backward"] = "IndexError" if isinstance(error, IndexError) else "RuntimeError"
    return seen


def difference(program: list[Statement]) -> Difference | None:
    """The first thing that differs between the two libraries, or None."""
    ours, theirs = execute("ours", program), execute("torch", program)
    if theirs.get("incomparable"):
        return None
    if theirs.get("backward") and "backward" not in ours:
        return None  # PyTorch saves results that later changes overwrite; here they are copies
    for key in [*theirs, *[k for k in ours if k not in theirs]]:
        a, b = ours.get(key), theirs.get(key)
        equal = (
            same(a, b)
            if isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
            else a is b
            or (not isinstance(a, np.ndarray) and not isinstance(b, np.ndarray) and a == b)
        )
        if key == "is_leaf" and not equal:  # of a view older than that
            asked = theirs["requires_grad"]
            equal = all(x == y or (y and n) for x, y, n in zip(a, b, asked, strict=True))
        if not equal:
            return Difference(key.split()[0], f"{key}: {a} for {b}".replace("\n", "")[:300])
    return None
