"""`python -m tinygrad_lite gradcheck module:function`: is an operation's gradient right?

Inputs are drawn from a normal distribution. Where a function has a kink (|x| at 0, the maximum
of two elements that are close), a difference means nothing: an element is taken for a kink if
the slopes on its two sides differ, and it is then moved away from there and counted.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..autograd import GradcheckError, grad, gradgradcheck
from ..backend import numpy, to_host, why_unavailable
from ..tensor import Tensor, enable_grad, no_grad
from ..tensor.create import from_numpy, tensor
from .text import table

__all__ = ["Result", "add_arguments", "check", "main"]

Function = Callable[..., Any]
Shape = tuple[int, ...]
Host = numpy.ndarray[Any, Any]

STEP, ATOL, RTOL = 1e-6, 1e-5, 1e-3
TRIES = 20  # draws of an element that sits at a kink


class Result(NamedTuple):
    """One line of the report: what was checked, whether it holds, and what was found."""

    name: str
    passed: bool
    text: str


def check(function: Function, shapes: Sequence[Shape], seed: int = 0) -> list[Result]:
    """Check the gradients of a function of tensors, in every way that users meet.

    Args:
        function: takes a tensor of each shape, gives a tensor; a pure function.
        shapes: of its inputs.
        seed: of the numbers drawn.

    Raises:
        Exception: whatever the function raises for these shapes.
    """
    rng = numpy.random.default_rng(seed)
    values = [rng.standard_normal(shape) for shape in shapes]
    _value(function, values)  # what it raises is the user's to see
    values, kinks, stuck = _away_from_kinks(function, values, rng)
    text = f"{kinks} met, {kinks - stuck} avoided" if kinks else "none met"
    results = [Result("kinks", not stuck, text)]
    results += [_element(function, values, which) for which in range(len(values))]
    results.append(_guarded("float32", lambda: _float32(function, values)))
    results.append(_guarded("non-contiguous", lambda: _strided(function, values)))
    results += [_guarded(*row) for row in _other_shapes(function, values)]
    results.append(_guarded("second order", lambda: _second(function, values)))
    if why_unavailable("cuda") is None:
        results.append(_guarded("GPU", lambda: _on(function, values, "cuda")))
    return results


def _leaves(values: Sequence[Host], dtype: Any = "float64", device: str = "cpu") -> list[Tensor]:
    return [tensor(v, dtype=dtype, device=device, requires_grad=True) for v in values]


def _weighted(output: Any) -> Tensor:
    """A scalar whose gradient tells any wrong element: the sum with fixed random weights."""
    if not isinstance(output, Tensor):
        raise TypeError(f"gradcheck: the function gave a {type(output).__name__}, not a tensor")
    rng = numpy.random.default_rng(7)
    weights = rng.uniform(0.5, 1.5, output.shape) * rng.choice((-1, 1), output.shape)
    return (output * tensor(weights, dtype=output.dtype, device=output.device)).sum()


def _value(function: Function, values: Sequence[Host]) -> float:
    with no_grad():
        plain = [tensor(v, dtype=numpy.dtype("float64")) for v in values]
        return float(_weighted(function(*plain)).item())


def _gradients(function: Function, leaves: list[Tensor]) -> list[Host]:
    with enable_grad():
        loss = _weighted(function(*leaves))
        if not loss.requires_grad:
            return [numpy.zeros(leaf.shape) for leaf in leaves]
        found = grad(loss, leaves, allow_unused=True, materialize_grads=True)
    return [to_host(g.array) for g in found if g is not None]


def _slopes(
    function: Function, values: list[Host], which: int, at: tuple[int, ...], step: float = STEP
) -> tuple[float, float]:
    """The slopes below and above an element."""
    middle = _value(function, values)
    found = []
    for sign in (-1, 1):
        moved = list(values)
        moved[which] = values[which].copy()
        moved[which][at] += sign * step
        found.append(sign * (_value(function, moved) - middle) / step)
    return found[0], found[1]


def _has_kink(function: Function, values: list[Host], which: int, at: tuple[int, ...]) -> bool:
    """Whether the slopes on both sides differ, by more than curvature makes them."""
    near = _apart(*_slopes(function, values, which, at, 1e-4))
    if not near > 1e-2:
        return False
    # Curvature halves with the step. A kink does not, if it is near enough to do harm.
    return _apart(*_slopes(function, values, which, at, 5e-5)) > 0.75 * near


def _apart(below: float, above: float) -> float:
    return abs(below - above) / max(1.0, abs(below), abs(above))


def _away_from_kinks(
    function: Function, values: list[Host], rng: numpy.random.Generator
) -> tuple[list[Host], int, int]:
    """The inputs with elements at kinks drawn anew; how many there were, and how many are left."""
    met = stuck = 0
    for which, value in enumerate(values):
        for at in numpy.ndindex(*value.shape):
            if not _has_kink(function, values, which, at):
                continue
            met += 1
            for _ in range(TRIES):
                value[at] = rng.standard_normal()
                if not _has_kink(function, values, which, at):
                    break
            else:
                stuck += 1
    return values, met, stuck


def _element(function: Function, values: list[Host], which: int) -> Result:
    """Compare each element of one input's gradient with a central difference."""
    name = f"input {which} {values[which].shape}"
    try:
        analytic = _gradients(function, _leaves(values))[which]
    except Exception as error:
        return Result(name, False, _told(error))
    worst, text = -1.0, "no elements"
    passed = True
    for at in numpy.ndindex(*analytic.shape):
        numeric = sum(_slopes(function, values, which, at)) / 2
        difference = abs(float(analytic[at]) - numeric)
        passed = passed and bool(difference <= ATOL + RTOL * abs(numeric))
        if not difference <= worst:
            worst = difference
            text = f"worst element {list(at)}: analytic {analytic[at]:.8g}, numeric {numeric:.8g}"
    return Result(name, passed, text)


def _guarded(name: str, work: Callable[[], str]) -> Result:
    """The result of a check; of one that raises, that it failed, and the exception."""
    try:
        return Result(name, True, work())
    except Exception as error:
        return Result(name, False, _told(error))


def _told(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    return text if isinstance(error, GradcheckError) else f"{type(error).__name__}: {text}"


def _same(found: list[Host], expected: list[Host], rtol: float) -> str:
    """The largest difference of gradients, in words.

    Raises:
        GradcheckError: further than rounding explains.
    """
    worst = 0.0
    for which, (a, b) in enumerate(zip(found, expected, strict=True)):
        scale = float(numpy.abs(b).max(initial=1.0))
        off = float(numpy.abs(a.astype("float64") - b).max(initial=0.0)) / scale
        if not off <= rtol:
            raise GradcheckError(f"input {which}: gradients {off:.2g} apart, {rtol:g} allowed")
        worst = max(worst, off)
    return f"at most {worst:.1g} apart"


def _float32(function: Function, values: list[Host]) -> str:
    leaves = _leaves(values, "float32")
    output = function(*leaves)
    if output.array.dtype != numpy.float32:
        raise GradcheckError(f"float32 inputs gave {output.array.dtype}")
    rounded = [v.astype("float32").astype("float64") for v in values]
    return _same(_gradients(function, leaves), _gradients(function, _leaves(rounded)), 1e-3)


def _strided(function: Function, values: list[Host]) -> str:
    """The same numbers as a view with another order of axes in memory, and with gaps."""
    gaps = []
    for value in values:
        wide = numpy.repeat(value[..., None], 2, axis=-1)
        gaps.append(numpy.asfortranarray(wide)[..., 0])
    leaves = [from_numpy(gap).requires_grad_() for gap in gaps]  # which copies nothing
    return _same(_gradients(function, leaves), _gradients(function, _leaves(values)), 1e-10)


def _other_shapes(function: Function, values: list[Host]) -> list[tuple[str, Callable[[], str]]]:
    """Check broadcast and empty inputs, if the function takes them."""

    def attempt(changed: list[Host]) -> str:
        try:
            _value(function, changed)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            return f"refused: {_told(error)}"
        for which in range(len(changed)):
            result = _element(function, changed, which)
            if not result.passed:
                raise GradcheckError(f"{result.name}: {result.text}")
        return f"shapes {', '.join(str(v.shape) for v in changed)} hold"

    rows: list[tuple[str, Callable[[], str]]] = []
    for which, value in enumerate(values):
        if value.ndim and len(values) > 1 and max(value.shape) > 1:
            narrow = list(values)
            axis = next(a for a, n in enumerate(value.shape) if n > 1)
            narrow[which] = value.take([0], axis=axis)
            rows.append((f"broadcast {which}", lambda narrow=narrow: attempt(narrow)))  # type: ignore[misc]
    if any(value.ndim for value in values):
        first = next(v.shape[0] for v in values if v.ndim)
        empty = [v[:0] if v.ndim and v.shape[0] == first else v for v in values]
        rows.append(("empty", lambda: attempt(empty)))
    return rows


def _second(function: Function, values: list[Host]) -> str:
    gradgradcheck(function, _leaves(values))
    return "holds"


def _on(function: Function, values: list[Host], device: str) -> str:
    found = _gradients(function, _leaves(values, "float64", device))
    return _same(found, _gradients(function, _leaves(values)), 1e-8)


def add_arguments(commands: Any) -> None:
    """The command line of `gradcheck`."""
    told = "check the gradients of a function of tensors, element by element"
    parser = commands.add_parser("gradcheck", help=told, description=told)
    parser.add_argument("function", help="module:function, or file.py:function")
    parser.add_argument("--shapes", required=True, type=_shapes, metavar='"(3,4),(4,5)"')
    parser.add_argument("--seed", type=int, default=0, help="of the inputs; default %(default)s")


def _shapes(text: str) -> list[Shape]:
    """The shapes in a text like "(3,4),(4,5)", or "(3,)", or "()"."""
    try:
        found = ast.literal_eval(f"[{text}]")
    except (SyntaxError, ValueError):
        found = None
    found = [(n,) if isinstance(n, int) else n for n in found or ()]
    if not found or not all(
        isinstance(s, tuple) and all(isinstance(n, int) and n >= 0 for n in s) for s in found
    ):
        raise argparse.ArgumentTypeError(f'expected shapes like "(3,4),(4,5)", but got {text!r}')
    return found


def find(name: str) -> Function:
    """The function called `module:function` or `file.py:function`.

    Raises:
        ValueError: there is none.
    """
    where, _, attribute = name.rpartition(":")
    if not where or not attribute:
        raise ValueError(f"expected module:function, but got {name!r}")
    path = Path(where)
    folder = str(path.parent.resolve() if path.suffix == ".py" else Path.cwd())
    sys.path.insert(0, folder)
    try:
        found: Any = importlib.import_module(path.stem if path.suffix == ".py" else where)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{name}: {error}") from error
    finally:
        sys.path.remove(folder)
    if isinstance(found, type) and hasattr(found, "apply"):
        found = found.apply  # an autograd.Function
    if not callable(found):
        raise ValueError(f"{name}: is a {type(found).__name__}, not a function")
    function: Function = found
    return function


def main(args: argparse.Namespace) -> int:
    """Print the report of one function: 0 if all holds, 1 if not, 2 if it can't be checked."""
    try:
        function = find(args.function)
    except ValueError as error:
        print(f"gradcheck: {error}", file=sys.stderr)
        return 2
    try:
        results = check(function, args.shapes, args.seed)
    except Exception as error:
        shapes = ", ".join(map(str, args.shapes))
        print(f"gradcheck: {args.function} raised for shapes {shapes}: {_told(error)}",
              file=sys.stderr)  # fmt: skip
        return 2
    rows = [("ok" if r.passed else "FAILED", r.name, r.text) for r in results]
    print(table(("", args.function, ""), rows, left=3))
    failed = sum(not r.passed for r in results)
    print(f"\n{failed} of {len(results)} checks failed" if failed else "\nThe gradients hold.")
    return 1 if failed else 0
