"""Small random programs of views and in-place changes, run on both libraries.

A program starts from two leaves and a tensor computed from one of them. Each statement makes a
new variable or changes one in place; one that raises is skipped, and its exception's type counts.
At the end all that was made is summed with weights and differentiated. `chunk`, `split` and
`unbind` are left out: PyTorch refuses in-place changes of their parts, for reasons of its own.
So are `detach_` and changes of what `unfold` and `as_strided` give (`docs/conventions.md`).
"""

from __future__ import annotations

import copy
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
    "max": lambda m, a, b, n: a.max(0)[0],
    "softmax": lambda m, a, b, n: a.softmax(-1),
    "cumsum": lambda m, a, b, n: a.cumsum(0),
    "matmul": lambda m, a, b, n: a @ b.T,
    "linear": lambda m, a, b, n: m.nn.functional.linear(a, b),
    "cat": lambda m, a, b, n: m.cat([a, b]),
    "where": lambda m, a, b, n: m.where(a > 0, a, b),
    "index_select": lambda m, a, b, n: a.index_select(0, m.tensor([0, 0])),
    "mask": lambda m, a, b, n: a[a.detach() > 0],
    "deepcopy": lambda m, a, b, n: copy.deepcopy(a),
    "leaf": lambda m, a, b, n: a.detach().clone().requires_grad_(),
    "grad": lambda m, a, b, n: m.autograd.grad(
        (a * a).sum(), [b], retain_graph=True, allow_unused=n % 2 == 0)[0],
    "out": lambda m, a, b, n: m.add(a, b, out=m.empty(0)),
    "under no_grad": lambda m, a, b, n: _without(m, lambda: a * 2),
    "function": lambda m, a, b, n: _functions(m)[n % 2].apply(a),
}  # fmt: skip


def _without(m: Any, function: Callable[[], Any]) -> Any:
    with m.no_grad():
        return function()


def _functions(m: Any) -> tuple[Any, ...]:
    """Functions of a program's own: one that saves its input, one that changes it."""

    class Scaled(m.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 3 * g * ctx.saved_tensors[0]

    class Changed(m.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x.mul_(3)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 3

    return Scaled, Changed


def _assign(m: Any, a: Any, b: Any, n: int) -> None:
    a[INDICES[n % len(INDICES)]] = b


def _number(m: Any, a: Any, b: Any, n: int) -> None:
    a[INDICES[n % len(INDICES)]] = 0.5


def _augmented(m: Any, a: Any, b: Any, n: int) -> None:
    a[INDICES[n % len(INDICES)]] += 1


def _no_grad(m: Any, a: Any, b: Any, n: int) -> None:
    with m.no_grad():
        a.add_(1)


def _place(m: Any, a: Any, b: Any, n: int) -> None:
    m.mul(b, 2, out=b)


def _forget(m: Any, a: Any, b: Any, n: int) -> None:
    a.grad = None


def _flag(m: Any, a: Any, b: Any, n: int) -> None:
    a.requires_grad = True


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
    "flag": _flag,
    "retain_grad": lambda m, a, b, n: a.retain_grad(),
    "hook": lambda m, a, b, n: a.register_hook(lambda g: g * 2 if n % 2 else None) and None,
    "backward": lambda m, a, b, n: a.sum().backward(retain_graph=True),
    "backward to": lambda m, a, b, n: a.sum().backward(inputs=[b], retain_graph=True),
    "forget": _forget,
    "place": _place,
    "lerp_": lambda m, a, b, n: a.lerp_(b, 0.5),
    "index_fill_": lambda m, a, b, n: a.index_fill_(0, m.tensor([0]), 2.0),
}
ALL = {**MAKE, **CHANGE}

# What PyTorch alone refuses: operands that overlap in memory. Here the result is right.
OWN_REFUSALS = ("refer to a single memory location", "memory overlap")

OVERLAPPING = ("masked_fill_", "index_fill_")  # may write repeats there, which it warns of
INDEXED = ("assign", "number", "augmented")
LISTS = (7, 8)  # of `INDICES`: what they write of an expanded tensor PyTorch does not look at

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
            if library == "torch" and any(words in str(error) for words in OWN_REFUSALS):
                seen["incomparable"] = True
            places = name in INDEXED and argument % len(INDICES) in LISTS
            refused = library == "ours" and "single memory" in str(error)
            if refused and (places or name in OVERLAPPING):
                seen["incomparable"] = True
            if kind == "IndexError" and name in INDEXED:  # PyTorch writes what lies before it
                seen["incomparable"] = True
            continue
        for v in variables:
            _ = v.grad_fn  # PyTorch tells a view's new place in the graph once it is asked for
        if name in MAKE and made is not None:
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
    if theirs.get("incomparable") or ours.get("incomparable"):
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
            if equal:
                return None  # there no gradient goes from that view to its base
        if not equal:
            return Difference(key.split()[0], f"{key}: {a} for {b}".replace("\n", "")[:300])
    return None
