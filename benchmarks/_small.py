"""How calls that are too short for the clock are compared: many of them at once, after a check.

What `overhead.py`, `activations.py` and `data.py` share: their options, their header and the loop
over their rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import _compare
import numpy as np

import tinygrad_lite

Call = Callable[[], Any]
Rows = Iterator[tuple[str, list[Any], Call]]
"""Of each row its name, the leaves that take a gradient, and what is called."""


def add_arguments(
    parser: argparse.ArgumentParser, rounds: int, calls: int, repeat: int, pause: float = 0
) -> None:
    """The options of a script, with its own defaults; a sample is `repeat` calls."""
    parser.set_defaults(pause=pause)
    _compare.add_turns(parser, rounds, calls, "samples")
    _compare.add_only(parser)
    parser.add_argument("--repeat", type=int, default=repeat, help="calls a sample")


def frameworks(torch: Any) -> dict[str, Any]:
    """The libraries by name, ours first; the other is left out if it is None. Prints the header."""
    found = {"tinygrad_lite": tinygrad_lite} | ({} if torch is None else {"torch": torch})
    print(f"{'µs a call (quartiles)':<34}" + "".join(f"{name:<28}" for name in found))
    return found


def _rows(
    frameworks: dict[str, Any], make: Callable[[Any], Rows], only: str
) -> Iterator[tuple[str, list[list[Any]], list[Call]]]:
    """The rows with a word in their names: the name, each library's leaves, each one's call."""
    for rows in zip(*(make(f) for f in frameworks.values()), strict=True):
        names, leaves, calls = zip(*rows, strict=True)
        if only in names[0]:
            yield names[0], list(leaves), list(calls)


def compare_operations(
    frameworks: dict[str, Any], operations: Callable[[Any], Rows], args: Any
) -> list[dict[str, Any]]:
    """Each operation forward, under `no_grad`, and with its backward pass if it has leaves.

    Fails unless outputs and gradients agree, before anything is timed and after the backward pass.
    """
    results = []
    for name, leaves, calls in _rows(frameworks, operations, args.only):
        if len(frameworks) > 1:
            check_agreement(name, calls, leaves, output=True)
        results.append(compare(f"{name}: forward", frameworks, calls, False, args))
        if leaves[0]:
            both = [
                with_backward(*of) for of in zip(frameworks.values(), leaves, calls, strict=True)
            ]
            results.append(compare(f"{name}: both", frameworks, both, True, args))
            if len(frameworks) > 1:
                check_agreement(name, calls, leaves, output=True)
    return results


def compare_chores(
    frameworks: dict[str, Any], chores: Callable[[Any], Rows], args: Any
) -> list[dict[str, Any]]:
    """What returns nothing, such as an optimizer's step; fails unless its leaves agree."""
    results = []
    for name, leaves, calls in _rows(frameworks, chores, args.only):
        if len(frameworks) > 1:
            check_agreement(name, calls, leaves, output=False)
        results.append(compare(name, frameworks, calls, True, args))
    return results


def with_backward(framework: Any, leaves: list[Any], call: Call) -> Call:
    """The operation, recorded, and its backward pass from a gradient of ones."""
    ones = framework.ones_like(call().detach())

    def both() -> None:
        for leaf in leaves:
            leaf.grad = None
        call().backward(ones)

    return both


def looped(framework: Any, call: Call, repeat: int, recorded: bool) -> Call:
    """A function that makes `repeat` calls: one alone is too short for the clock."""

    def loop() -> None:
        with framework.set_grad_enabled(recorded):
            for _ in range(repeat):
                call()

    return loop


def check_agreement(name: str, calls: list[Call], leaves: list[list[Any]], output: bool) -> None:
    """Fail unless outputs and gradients (or parameters) of the libraries agree to 1e-4."""
    got = [[call()] for call in calls]
    pairs = [tuple(x.detach() for [x] in got)] if output else []
    for ours, theirs in zip(*leaves, strict=True):
        pairs.append((ours.detach(), theirs.detach()))
        if ours.grad is not None or theirs.grad is not None:
            pairs.append((ours.grad, theirs.grad))
    for ours, theirs in pairs:
        want = theirs.numpy()
        error = np.abs(ours.numpy() - want).max() / max(1, np.abs(want).max())
        assert error <= 1e-4, f"{name}: results differ by {error:.1e}"


def compare(
    name: str, frameworks: dict[str, Any], calls: list[Call], recorded: bool, args: Any
) -> dict[str, Any]:
    """Time one call in each library, print a line, and return it as JSON; microseconds."""
    ways = {
        library: looped(framework, call, args.repeat, recorded)
        for (library, framework), call in zip(frameworks.items(), calls, strict=True)
    }
    timings, ratios = _compare.alternate(
        ways, rounds=args.rounds, calls=args.calls, pause=args.pause
    )
    record = _compare.record(name, timings, ratios)
    scale = 1e3 / args.repeat
    record["microseconds"] = {
        library: {key: t[key] * scale for key in ("median", "low", "high")}
        for library, t in record.pop("milliseconds").items()
    }
    cells = [
        f"{t['median']:8.2f} ({t['low']:.2f} to {t['high']:.2f})"
        for t in record["microseconds"].values()
    ]
    ratio = "".join(f"{r:8.2f}" for r in ratios.values())
    print(f"{name:<34}" + "".join(f"{cell:<28}" for cell in cells) + ratio, flush=True)
    return record
