"""An experiment: something done with modules on either library, told step by step.

`run(library)` yields what a user could see, each with a label: results, printed forms, gradients,
buffers. The first word of a label is the kind of difference if the two libraries tell it
differently. An exception ends the telling and is compared by its type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import tinygrad_lite

from .call import LIBRARIES, _array, _build, _dtype, _flatten, _kind, _refuses_view, _share
from .compare import Difference, _errors, _text, same

Steps = Iterator[tuple[str, Any]]
Tensor = torch.Tensor | tinygrad_lite.Tensor

# Sums of many rounded products: gradients may be further apart than results.
SLACK = {"gradient": 10.0, "second": 40.0, "value": 4.0}
# Errors of PyTorch's that say nothing of the arguments: dtypes that it has on other devices alone,
# and kernels that want a memory order.
ACCIDENTS = re.compile("not implemented for|must be contiguous")
FLOOR = {"gradient": 1.0, "second": 1.0, "value": 0.5}  # what cancels was of this size


@dataclass(frozen=True)
class Experiment:
    """`name` as in the table, `text` to repeat it by hand."""

    name: str
    text: str
    run: Callable[[str], Steps]

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Seen:
    """A tensor as it was."""

    array: np.ndarray[Any, Any]
    dtype: str
    needs_grad: bool
    refuses_view: bool


def see(value: Any) -> Any:
    """A value that no later step can change."""
    if isinstance(value, Tensor):
        flags = bool(value.requires_grad), _refuses_view(value)
        return Seen(_array(value), _dtype(value), *flags)
    return value


def told(library: str, experiment: Experiment) -> list[tuple[str, Any]]:
    """All steps, one at least, the last of which may be ("error", exception)."""
    steps: list[tuple[str, Any]] = []
    try:
        for label, value in experiment.run(library):
            if isinstance(value, list | tuple) and not label.startswith("names"):
                steps.append((f"structure of {label}", _kind(value)))
                steps += [(f"{label} {n}", see(v)) for n, v in enumerate(_flatten(value))]
            else:
                steps.append((label, see(value)))
    except Exception as error:
        steps.append(("error", error))
    return steps or [("end", None)]


def difference(experiment: Experiment) -> Difference | None:
    """The first thing the libraries tell differently, or None."""
    theirs = told("torch", experiment)
    if theirs[-1][0] == "error" and ACCIDENTS.search(str(theirs[-1][1])):
        return None
    ours = told("ours", experiment)
    return next(_differences(ours, theirs), None)


def _differences(
    ours: list[tuple[str, Any]], theirs: list[tuple[str, Any]]
) -> Iterator[Difference]:
    if ours[-1][0] == theirs[-1][0] == "error":  # no matter how early
        yield from _errors(ours[-1][1], theirs[-1][1])
        return
    for n in range(max(len(ours), len(theirs))):
        label, a = ours[n] if n < len(ours) else ("end", None)
        other, b = theirs[n] if n < len(theirs) else ("end", None)
        if "error" in (label, other):
            mine, error = (a if label == "error" else None), (b if other == "error" else None)
            yield from _errors(mine, error)
            return
        if label != other:
            yield Difference("structure", f"{label} for {other}")
            return
        yield from _step(label, a, b)


def _step(label: str, a: Any, b: Any) -> Iterator[Difference]:
    word = label.split()[0]
    if isinstance(b, Exception):
        return  # no second gradient in PyTorch
    if not isinstance(a, Seen) or not isinstance(b, Seen):
        if type(a) is not type(b) and not isinstance(a, tuple):
            yield Difference(word, f"{label}: {a!r} for {b!r}"[:400])
        elif not _equal(a, b):
            yield Difference(word, f"{label}: {a!r} for {b!r}"[:600])
        return
    if a.dtype != b.dtype:
        yield Difference("dtype", f"{label}: {a.dtype} for {b.dtype}")
    elif a.array.shape != b.array.shape:
        yield Difference("shape", f"{label}: {a.array.shape} for {b.array.shape}")
    elif not same(
        _kept(label, a.array, b.array), b.array, SLACK.get(word, 4.0), FLOOR.get(word, 0.0)
    ):
        yield Difference(word, f"{label}: {_text(a.array, b.array)}")
    elif a.needs_grad != b.needs_grad:
        yield Difference("requires_grad", f"{label}: {a.needs_grad} for {b.needs_grad}")
    elif a.refuses_view and not b.refuses_view:
        yield Difference("aliasing", f"{label}: cannot be viewed as a row")


def _kept(label: str, ours: Any, theirs: Any) -> Any:
    """Ours; beside an infinity PyTorch's formulas may give NaN where the gradient is finite."""
    return np.where(np.isnan(theirs), theirs, ours) if label.endswith("infinity") else ours


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return bool(np.isclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))
    return bool(a == b)


def make(library: str, value: Any, made: list[Any]) -> Any:
    """An argument in which every `Given` has become a tensor, each noted in `made`."""
    return _build(library, value, made)


def fill(library: str, module: Any, seed: int) -> None:
    """Give every parameter and floating buffer values from a seed, by `load_state_dict`."""
    rng = np.random.default_rng(seed)
    state = {}
    for key, tensor in module.state_dict().items():
        array = _array(tensor)
        if array.dtype.kind == "f":
            low = 0.5 if key.endswith("var") else -1.0
            array = np.asarray(rng.uniform(low, 1.5, array.shape)).astype(array.dtype)
        state[key] = LIBRARIES[library].from_numpy(array)
    module.load_state_dict(state)


def gradients(library: str, outputs: Any, wanted: list[Any], seed: int = 0) -> Steps:
    """First and second gradients of all that requires one, with drawn cotangents."""
    m = LIBRARIES[library]
    rng = np.random.default_rng(seed)
    found = [t for t in _flatten(outputs) if isinstance(t, Tensor) and t.requires_grad]
    if not found or not wanted:
        return
    first = m.autograd.grad(
        found, wanted, _cotangents(library, found, rng), create_graph=True, allow_unused=True
    )
    finite = all(np.isfinite(_array(t)).all() for t in wanted)
    for n, (gradient, of) in enumerate(zip(first, wanted, strict=True)):
        yield f"gradient {n}{'' if finite else ' beside an infinity'}", _or_zeros(gradient, of)
    if not all(_mild(t) for t in (*wanted, *found)) or any("16" in _dtype(t) for t in wanted):
        return  # 16 bits are rounded at each step; each order of infinite factors gives another NaN
    weights = _cotangents(library, wanted, rng)
    pairs = [(g, w) for g, w in zip(first, weights, strict=True) if g is not None]
    pairs = [(g, w) for g, w in pairs if g.requires_grad]
    second: Any = [None] * len(wanted)
    try:
        if pairs:
            again, theirs = zip(*pairs, strict=True)
            second = m.autograd.grad(again, wanted, theirs, allow_unused=True)
    except RuntimeError as error:
        second = [error] * len(wanted)
    for n, (gradient, of) in enumerate(zip(second, wanted, strict=True)):
        failed = isinstance(gradient, Exception)
        yield f"second {n}", gradient if failed else _or_zeros(gradient, of)


def _mild(tensor: Any) -> bool:
    array = _array(tensor)
    return bool(np.all(np.abs(array) < 100))


def _or_zeros(gradient: Any, of: Any) -> Any:
    if gradient is not None:
        return gradient.detach()
    return of.new_zeros(tuple(of.shape))


def _cotangents(library: str, tensors: list[Any], rng: np.random.Generator) -> list[Any]:
    out = []
    for t in tensors:
        draw = np.asarray(rng.standard_normal(tuple(t.shape))).astype(_dtype(t))
        out.append(LIBRARIES[library].from_numpy(draw))
    return out


def afterwards(result: Any, made: list[Any]) -> Steps:
    """Whether results share memory with arguments, and what the arguments hold now."""
    for n, leaf in enumerate(_flatten(result)):
        if isinstance(leaf, Tensor):
            yield f"aliasing {n}", any(_share(leaf, tensor) for tensor in made)
    for n, tensor in enumerate(made):
        yield f"mutation {n}", tensor.detach()


def words(args: Any, kwargs: dict[str, Any]) -> str:
    """Arguments as they are written."""
    return ", ".join([*map(repr, args), *[f"{k}={v!r}" for k, v in kwargs.items()]])


def layer(
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    inputs: tuple[Any, ...],
    call: dict[str, Any] | None = None,
    *,
    dtype: str = "float32",
    train: bool = True,
    seed: int = 0,
    times: int = 1,
) -> Experiment:
    """Make `nn.name`, print it, fill it, call it, differentiate it."""
    call = call or {}
    text = f"nn.{name}({words(args, kwargs)})"
    text += "" if dtype == "float32" else f".to({dtype})"
    text += f".train({train}) on ({words(inputs, call)})" + (f" × {times}" if times > 1 else "")

    def run(library: str) -> Steps:
        made: list[Any] = []
        module = getattr(LIBRARIES[library].nn, name)(
            *make(library, args, []), **make(library, kwargs, [])
        )
        yield "text", repr(module)
        if dtype != "float32":
            module.to(make(library, np.dtype(dtype), []))
        fill(library, module, seed)
        state = [(k, str(tuple(v.shape)), _dtype(v)) for k, v in module.state_dict().items()]
        yield "names of state", state
        yield "names", [(k, p.requires_grad) for k, p in module.named_parameters()]
        module.train(train)
        given, named = make(library, inputs, made), make(library, call, made)
        for _ in range(times):
            result = module(*given, **named)
        yield "value", result
        yield from afterwards(result, made)
        wanted = [t for t in made if t.requires_grad] + list(module.parameters())
        yield from gradients(library, result, wanted, seed)
        for key, buffer in module.named_buffers():
            yield f"buffer {key}", buffer

    return Experiment(f"nn.{name}", text, run)


def function(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], seed: int = 0) -> Experiment:
    """Call `nn.functional.name`, differentiate it."""

    def run(library: str) -> Steps:
        made: list[Any] = []
        given, named = make(library, args, made), make(library, kwargs, made)
        result = getattr(LIBRARIES[library].nn.functional, name)(*given, **named)
        yield "value", result
        yield from afterwards(result, made)
        yield from gradients(library, result, [t for t in made if t.requires_grad], seed)

    return Experiment(f"nn.functional.{name}", f"F.{name}({words(args, kwargs)})", run)
