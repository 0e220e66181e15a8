"""How calls that are too short for the clock are compared: many of them at once, after a check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import _compare
import numpy as np

Call = Callable[[], Any]


def with_backward(framework: Any, leaves: list[Any], call: Call) -> Call:
    """The operation, recorded, and its backward pass from a gradient of ones."""
    ones = framework.ones_like(call().detach())

    def both() -> None:
        for leaf in leaves:
            leaf.grad = None
        call().backward(ones)

    return both


def looped(framework: Any, call: Call, repeat: int, recorded: bool) -> Call:
    """So many calls at once: one alone is too short for the clock."""

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
    timings, ratios = _compare.alternate(ways, rounds=args.rounds, calls=args.calls, pause=0)
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
