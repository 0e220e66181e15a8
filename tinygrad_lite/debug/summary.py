"""`summary`: a model's layers, what goes through them and what they cost."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from ..backend.random import get_rng_state, set_rng_state
from ..graph import Node, Rule
from ..nn import Module
from ..tensor import Tensor, enable_grad
from ..tensor.anomaly import Watch, watching
from ..tensor.create import zeros
from ..tensor.source_line import place
from . import text
from .costs import flops, saved

__all__ = ["Row", "Summary", "summary"]

Size = Sequence[int]


class Row:
    """One module of a model, without those inside of it.

    Attributes:
        name, kind: its place in the model ("0.conv"), and its class.
        shape: of its output; of the last one, if it was called more than once.
        parameters, trainable: the elements of its own parameters, and of those not frozen.
        flops: of its own operations in one forward pass.
        output: the bytes of its output.
        saved: the bytes that its operations keep for the backward pass.
    """

    def __init__(self, name: str, module: Module, shared: set[int]) -> None:
        self.name, self.kind = name, type(module).__name__
        own = [p for p in module.parameters(recurse=False) if id(p) not in shared]
        shared.update(map(id, own))
        self.parameters = sum(p.numel() for p in own)
        self.trainable = sum(p.numel() for p in own if p.requires_grad)
        self.parameter_bytes = sum(p.array.nbytes for p in own)
        self.shape = ""
        self.flops = self.output = self.saved = 0

    def see(self, output: Any) -> None:
        """Note what a module returned."""
        tensors = [output] if isinstance(output, Tensor) else _tensors(output)
        self.shape = ", ".join(str(tuple(t.shape)) for t in tensors)
        self.output = sum(int(t.array.nbytes) for t in tensors)


class Summary:
    """What `summary` found; `print` it, or read `rows` and the totals.

    Attributes:
        rows: a `Row` for each module, the model itself first.
        parameters, trainable, flops, saved: the sums over them. FLOPs are those of one forward
            pass; a backward pass has about twice as many.
    """

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.parameters = sum(row.parameters for row in rows)
        self.trainable = sum(row.trainable for row in rows)
        self.flops = sum(row.flops for row in rows)
        self.saved = sum(row.saved for row in rows)
        self._weights = sum(row.parameter_bytes for row in rows)

    def __str__(self) -> str:
        head = ("Layer", "Output shape", "Parameters", "FLOPs", "Output", "Saved for backward")
        lines: list[Sequence[str]] = []
        for row in self.rows:
            depth = row.name.count(".") + 1 if row.name else 0
            label = f"{row.name.rpartition('.')[2]} {row.kind}" if row.name else row.kind
            figures = (
                f"{row.parameters:,}" if row.parameters else "–",
                text.scaled(row.flops).strip() if row.flops else "–",
                text.size(row.output),
                text.size(row.saved) if row.saved else "–",
            )
            lines.append(("  " * depth + label, row.shape or "(not called)", *figures))
        total = ("Total", "", f"{self.parameters:,}", text.scaled(self.flops).strip(), "")
        foot = (
            f"Trainable parameters: {self.trainable:,} of {self.parameters:,}, "
            f"{text.size(self._weights)}, and as much for their gradients\n"
            f"One training step: about {text.scaled(3 * self.flops)}FLOPs, and "
            f"{text.size(self.saved)} kept from the forward to the backward pass"
        )
        lines += [(), (*total, text.size(self.saved))]
        return f"{text.table(head, lines, left=2)}\n{foot}"

    __repr__ = __str__


class _Counter(Watch):
    """Counts the arithmetic of each layer, and notes its nodes."""

    def __init__(self, rows: dict[str, Row]) -> None:
        super().__init__(check=False)
        self.rows = rows
        self.nodes: list[tuple[Row, Node]] = []

    def forward(self, rule: Rule, given: list[Any], out: Any, kwargs: dict[str, Any]) -> None:
        row = self.rows.get(place().layer, self.rows[""])
        row.flops += flops(rule, given, out.array, kwargs)
        self.made(out._node)

    def made(self, node: Any) -> None:
        if isinstance(node, Node):
            self.nodes.append((self.rows.get(place().layer, self.rows[""]), node))


def summary(model: Module, size: Size | Tensor | Sequence[Size | Tensor]) -> Summary:
    """The layers of a model, with their output's shape, parameters, FLOPs and memory.

    The model runs once on zeros (as a copy, so that nothing of it changes), in the mode it is in.

    Args:
        model: any module.
        size: the shape of its input with the batch, such as (32, 3, 32, 32); or a tensor, for
            what is not float32; or a list of these, for several inputs.

    Raises:
        TypeError: model is not a module, or size is neither shape, tensor, nor a list of them.

    Example:
        >>> print(summary(nn.Linear(3, 2), (4, 3)))
        Layer   Output shape  Parameters  FLOPs  Output  Saved for backward
        ───────────────────────────────────────────────────────────────────
        Linear  (4, 2)                 8     56    32 B                48 B
        ───────────────────────────────────────────────────────────────────
        Total                          8     56                        48 B
        Trainable parameters: 8 of 8, 32 B, and as much for their gradients
        One training step: about 168 FLOPs, and 48 B kept from the forward to the backward pass
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: model must be a Module, not {type(model).__name__}")
    device = next((p.device for p in model.parameters()), None)
    inputs = [s if isinstance(s, Tensor) else zeros(*s, device=device) for s in _sizes(size)]
    model = copy.deepcopy(model)
    shared: set[int] = set()
    rows = {name: Row(name, module, shared) for name, module in model.named_modules()}
    for name, module in model.named_modules():
        module.register_forward_hook(lambda _, __, output, row=rows[name]: row.see(output))
    counter, state = _Counter(rows), get_rng_state()
    try:
        with watching(counter), enable_grad():
            output = model(*inputs)
            nodes = [node for _, node in counter.nodes]
            for (row, _), count in zip(counter.nodes, saved(nodes), strict=True):
                row.saved += count
            del output
    finally:
        set_rng_state(state)
    return Summary(list(rows.values()))


def _sizes(size: Any) -> list[Any]:
    if isinstance(size, Tensor):
        return [size]
    if isinstance(size, Sequence) and all(isinstance(n, int) for n in size):
        return [size]
    if isinstance(size, list | tuple) and all(isinstance(s, Tensor | list | tuple) for s in size):
        return list(size)
    raise TypeError(f"summary: size must be a shape, a tensor, or a list of them, not {size!r}")


def _tensors(value: Any) -> list[Tensor]:
    """The tensors in what a module returned: in tuples, lists and dictionaries."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [t for v in value for t in ([v] if isinstance(v, Tensor) else _tensors(v))]
    return []
