"""Rounding errors of the convolutions, each algorithm's against sums in float64.

An error is ‖found − exact‖ / ‖exact‖ over all elements of an array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

import tinygrad_lite
from tinygrad_lite.backend import Namespace, namespace_for
from tinygrad_lite.backend.algorithm import choose
from tinygrad_lite.backend.cpu import winograd

Pass = Callable[[], tuple[Any, ...]]

COLUMNS = ("im2col", "direct", "F(2×2)", "F(4×4)", "PyTorch")
PASSES = ("output", "weight gradient", "bias gradient", "input gradient")


def host(array: Any) -> Any:
    """An array or tensor of any library on the host."""
    for name in ("float", "get", "cpu"):
        array = getattr(array, name)() if hasattr(array, name) else array
    return np.asarray(array).astype(np.float32, copy=False)


def relative(found: Any, exact: Any) -> float:
    """‖found − exact‖ / ‖exact‖."""
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def by_algorithm(name: str, passes: tuple[Pass, Pass]) -> tuple[Pass, Pass]:
    """The same passes with an algorithm chosen for convolution."""

    def choosing(call: Pass) -> Pass:
        def chosen() -> tuple[Any, ...]:
            tinygrad_lite.set_conv_algorithm(name)
            return call()

        return chosen

    return choosing(passes[0]), choosing(passes[1])


def taken(layer: Any, window: Any) -> str:
    """What "auto" takes for a layer of conv.py on the CPU."""
    before = tinygrad_lite.get_conv_algorithm()
    tinygrad_lite.set_conv_algorithm("auto")
    way = choose(window, layer.x.shape, layer.w.shape)
    tinygrad_lite.set_conv_algorithm(before)
    return f"F({way}×{way})" if isinstance(way, int) else way


class _Winograd(Namespace):
    """The CPU's kernels, but every convolution is F(m×m, 3×3)."""

    def __init__(self, m: int) -> None:
        super().__init__("cpu", np, np.ndarray, "plain")
        usual = self.conv2d_algorithm

        def algorithm(*args: Any) -> Any:
            recorded = partial(winograd.recorded, self, padding=args[3].padding, m=m)
            return usual(*args)._replace(recorded=recorded)

        self.conv2d_algorithm = algorithm


def of_layer(layer: Any, torch: Any) -> dict[str, tuple[float, ...]]:
    """The errors of y, dW, db and dx by algorithm; `layer` is conv.py's."""
    cpu = namespace_for("cpu")
    ways = {name: by_algorithm(name, layer.ours(cpu))[1] for name in COLUMNS[:2]}
    ways |= {f"F({m}×{m})": layer.ours(_Winograd(m))[1] for m in (2, 4)}
    if torch is not None:
        ways["PyTorch"] = layer.pytorch(torch)[1]
    exact = layer.ours(Namespace("plain", np, np.ndarray), "float64")[1]()
    found = {
        name: tuple(relative(host(a), e) for a, e in zip(call(), exact, strict=True))
        for name, call in ways.items()
    }
    tinygrad_lite.set_conv_algorithm("auto")
    return found


def table(layers: Iterable[Any], window: Any, torch: Any) -> list[dict[str, Any]]:
    """Print the errors of layers as a Markdown table; all of them as rows for JSON."""
    rows = []
    print("\nErrors in units of 1e-7; in bold, what auto takes.\n")
    print(f"| layer | error of | {' | '.join(COLUMNS)} |")
    print("| --- " * (len(COLUMNS) + 2) + "|")
    for layer in layers:
        errors, auto = of_layer(layer, torch), taken(layer, window)
        for i, what in enumerate(PASSES if layer.needs_dx else PASSES[:3]):
            mine = {name: values[i] for name, values in errors.items()}
            rows.append({"layer": layer.name, "of": what, "auto": auto, "errors": mine})
            if what != "bias gradient":  # the same sum in all of ours
                cells = [f"{mine[name] * 1e7:.1f}" if name in mine else "–" for name in COLUMNS]
                cells[COLUMNS.index(auto)] = f"**{cells[COLUMNS.index(auto)]}**"
                print(f"| {layer.name} | {what} | {' | '.join(cells)} |")
    return rows
