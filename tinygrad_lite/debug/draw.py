"""`draw`: the graph of a computation as a picture, data at the top and the loss at the bottom."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from ..backend import is_array, to_host
from ..graph import Leaf, Node
from ..nn import Module
from ..tensor import Tensor, anomaly, enable_grad
from ..tensor.apply import node_of
from ..tensor.source_line import Place
from . import text
from .costs import saved, subject
from .layout import Point, layout

__all__ = ["Drawing", "draw"]

LARGEST = 2000  # boxes
LINE, CHARACTER, MARGIN = 15, 6.3, 24.0
FIRM = {"leaf": 1.0, "constant": 1.0}  # operations stand in a line, these beside them
COLOURS = {  # by what a rule is about: fill and border
    "linalg": ("#dbe9fb", "#3b73b9"),
    "norm": ("#ebe2f8", "#7d56b5"),
    "elementwise": ("#dff3e1", "#3f8f4b"),
    "pool": ("#d9f1f1", "#2f8585"),
    "reduce": ("#fde8d7", "#c0692a"),
    "loss": ("#fddede", "#bb3f3f"),
    "shape": ("#f1f1f1", "#888888"),
    "custom": ("#fbe0f0", "#b03f80"),
    "leaf": ("#fff6cf", "#b3932a"),
    "constant": ("#ffffff", "#9a9a9a"),
}
LEGEND = {
    "linalg": "product, convolution",
    "norm": "normalisation",
    "elementwise": "elementwise",
    "pool": "pooling",
    "reduce": "reduction",
    "loss": "loss, softmax",
    "shape": "moves elements",
    "custom": "own operation",
    "leaf": "gathers a gradient",
    "constant": "needs no gradient",
}


class Drawing:
    """A picture as the text of an SVG file; a notebook shows it."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file."""
        Path(path).write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Drawing: {self.svg.count('<title>')} boxes, {len(self.svg):,} characters of SVG>"


class _Box(NamedTuple):
    """A box of the picture: its kind, a key of `COLOURS`, its title and lines, and a hint."""

    kind: str
    title: str
    lines: tuple[str, ...]
    hint: str

    @property
    def size(self) -> Point:
        """Width and height in pixels."""
        longest = max(len(self.title) * 1.15, *(len(line) for line in self.lines))
        return longest * CHARACTER + 22, LINE * (1 + len(self.lines)) + 12


def draw(
    output: Tensor | Callable[[], Tensor],
    path: str | os.PathLike[str] | None = None,
    *,
    model: Module | None = None,
    names: Mapping[str, Tensor] | None = None,
) -> Drawing:
    """Draw what a tensor was computed from.

    A box for each operation: its name and layer, its output's shape, dtype and memory, what it
    keeps for the backward pass, and the line that asked for it. Rounded boxes are parameters and
    other leaves, dashed ones inputs that need no gradient. Layers and lines are known if `output`
    is a function (which is called once), or if the graph was made under `detect_anomaly`.

        draw(loss, "graph.svg")
        draw(lambda: nn.functional.cross_entropy(model(x), y), "graph.svg", model=model)

    Args:
        output: a tensor with a graph, or a function that gives one.
        path: where to write the picture, if anywhere.
        model: gives its parameters their names.
        names: other leaves by their names: `names={"w": w, "b": b}`.

    Raises:
        RuntimeError: the tensor has no graph, or its graph was freed by `backward()`.
        ValueError: the graph has more than 2,000 nodes.
    """
    watch = anomaly.watch
    if not isinstance(output, Tensor):
        watch = anomaly.Watch(check=False)
        with anomaly.watching(watch), enable_grad():
            output = output()
    end = node_of(output)
    if end is None:
        shape = tuple(output.shape)
        raise RuntimeError(f"draw: a tensor of shape {shape} has no graph: nothing that it was "
                           "computed from requires a gradient")  # fmt: skip
    nodes = _reached(end)
    if any(isinstance(n, Node) and n.vjps is None for n in nodes):
        raise RuntimeError("draw: the graph was freed by backward(); draw it before, or call "
                           "backward(retain_graph=True)")  # fmt: skip
    known = {id(t): name for name, t in (names or {}).items()}
    if model is not None:
        known |= {id(p): name for name, p in model.named_parameters()}
    drawing = Drawing(_svg(*_boxes(nodes, known, watch)))
    if path is not None:
        drawing.save(path)
    return drawing


def _reached(end: Node | Leaf) -> list[Node | Leaf]:
    """A node and all nodes that it was computed from, in the order in which they were made."""
    found, stack = {end}, [end]
    while stack:
        node = stack.pop()
        for parent in node.parents if isinstance(node, Node) else ():
            if parent is not None and parent not in found:
                found.add(parent)
                stack.append(parent)
        if len(found) > LARGEST:
            raise ValueError(f"draw: the graph has more than {LARGEST:,} nodes; draw a part of it")
    return sorted(found, key=lambda node: (isinstance(node, Node), node.order))


def _boxes(
    nodes: list[Node | Leaf], names: dict[int, str], watch: anomaly.Watch | None
) -> tuple[list[_Box], list[tuple[int, int]]]:
    """A box for each node and each constant array, and the edges between them."""
    number: dict[Any, int] = {}
    boxes: list[_Box] = []
    edges: list[tuple[int, int]] = []
    kept = dict(zip(*_with_saved(nodes), strict=True))
    for node in nodes:
        if isinstance(node, Leaf):
            number[node] = len(boxes)
            boxes.append(_leaf(node, names))
            continue
        sources = []
        for parent, constant in zip(
            node.parents, node.constants or [None] * len(node.parents), strict=False
        ):
            if parent is not None:
                sources.append(number[parent])
            elif is_array(constant) and constant.ndim:
                if id(constant) not in number:
                    number[id(constant)] = len(boxes)
                    line = _tensor(constant.shape, constant.dtype)
                    boxes.append(_Box("constant", "data", (line,), "needs no gradient"))
                sources.append(number[id(constant)])
        number[node] = len(boxes)
        edges += [(source, len(boxes)) for source in sources]
        boxes.append(_operation(node, kept[node], None if watch is None else watch.place_of(node)))
    return boxes, edges


def _with_saved(nodes: Iterable[Node | Leaf]) -> tuple[list[Node], list[int]]:
    operations = [node for node in nodes if isinstance(node, Node)]
    return operations, saved(operations)


def _tensor(shape: Any, dtype: Any) -> str:
    """A tensor in words: its shape, its dtype if it is not float32, and its bytes."""
    count = dtype.itemsize
    for n in shape:
        count *= n
    other = "" if str(dtype) == "float32" else f" {dtype}"
    return f"{tuple(shape)}{other} · {text.size(count)}" if shape else f"scalar{other}"


def _number(array: Any) -> str:
    """A scalar in words, if its memory is still there; else ''."""
    return "" if array is None or array.ndim else f" = {to_host(array).item():.4g}"


def _leaf(leaf: Leaf, names: dict[int, str]) -> _Box:
    tensor = leaf.tensor()
    title = names.get(id(tensor)) or ("tensor" if tensor is None else type(tensor).__name__.lower())
    lines = [_tensor(leaf.shape, leaf.dtype) + _number(leaf.array)]
    if tensor is not None and tensor.grad is not None and not leaf.shape:
        lines.append(f"grad{_number(tensor.grad.array)}")
    return _Box("leaf", title, tuple(lines), "gathers a gradient in .grad")


def _operation(node: Node, kept: int, where: Place | None) -> _Box:
    kind = subject(node.rule)
    lines = ["several outputs"]
    if is_array(node.value()) or not node.custom:  # else a `Function`'s node for all of them
        lines = [_tensor(node.shape, node.dtype) + _number(node.value())]
    if kept:
        lines.append(f"keeps {text.size(kept)}")
    equation = (node.rule.__doc__ or "").strip().partition("\n")[0]
    hint, title = f"{node.operation}: {equation}", node.operation
    if node.kwargs.get("relu"):
        title += " + relu"  # in one pass
    if where is not None:
        if where.layer:
            title += f" · {where.layer}"
            hint += f"\n{where.layer}: {where.module}"
        if where.source:
            if where.function != "<lambda>":  # the one that was given to `draw`
                lines.append(f"{where.line}: {_short(where.source)}")
            hint += f"\n{where.file}, line {where.line}: {where.source}"
    return _Box(kind, title, tuple(lines), hint)


def _short(line: str, most: int = 38) -> str:
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _svg(boxes: list[_Box], edges: list[tuple[int, int]]) -> str:
    """The boxes and edges as an SVG text."""
    corners, lines, (width, height) = layout(
        [box.size for box in boxes], edges, [FIRM.get(box.kind, 1e6) for box in boxes]
    )
    used = {box.kind for box in boxes}
    legend, room = _legend([kind for kind in LEGEND if kind in used], max(width, 420.0))
    whole = max(width, 420.0) + 2 * MARGIN, height + 2 * MARGIN + room
    shift = (whole[0] - width) / 2, MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole[0]:.0f} {whole[1]:.0f}" '
        f'width="{whole[0]:.0f}" height="{whole[1]:.0f}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="11">',
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M1,1 L7,4 L1,7" fill="none" stroke="#777"/></marker></defs>',
        f'<rect width="100%" height="100%" fill="#fdfdfd"/><g transform="translate({shift[0]:.1f},'
        f'{shift[1]:.1f})">',
    ]
    parts += [
        f'<path d="{_curve(points)}" fill="none" stroke="#777" marker-end="url(#tip)"/>'
        for points in lines.values()
    ]
    parts += [_drawn(box, x, y) for box, (x, y) in zip(boxes, corners, strict=True)]
    parts.append(f'</g><g transform="translate({MARGIN},{height + 2 * MARGIN:.1f})">{legend}</g>')
    return "\n".join((*parts, "</svg>\n"))


def _curve(points: list[Point]) -> str:
    """An SVG path between two points, which leaves and arrives vertically."""
    path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (x, y), (u, v) in pairwise(points):
        middle = (y + v) / 2
        path += f" C{x:.1f},{middle:.1f} {u:.1f},{middle:.1f} {u:.1f},{v:.1f}"
    return path


def _drawn(box: _Box, x: float, y: float) -> str:
    (width, height), (fill, border) = box.size, COLOURS[box.kind]
    radius = 12 if box.kind == "leaf" else 3
    dashes = ' stroke-dasharray="4 3"' if box.kind == "constant" else ""
    parts = [
        f'<g class="{box.kind}"><title>{escape(box.hint)}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius}" '
        f'fill="{fill}" stroke="{border}"{dashes}/>',
        f'<text x="{x + width / 2:.1f}" y="{y + LINE + 2:.1f}" text-anchor="middle" '
        f'font-size="12" font-weight="bold" fill="#222">{escape(box.title)}</text>',
    ]
    for i, line in enumerate(box.lines):
        parts.append(
            f'<text x="{x + width / 2:.1f}" y="{y + LINE * (i + 2) + 2:.1f}" '
            f'text-anchor="middle" fill="#555">{escape(line)}</text>'
        )
    return "".join((*parts, "</g>"))


def _legend(kinds: list[str], width: float) -> tuple[str, float]:
    """The SVG of the legend, and its height in pixels."""
    parts, x, y = [], 0.0, 0.0
    for kind in kinds:
        fill, border = COLOURS[kind]
        room = len(LEGEND[kind]) * 0.83 * CHARACTER + 28
        if x and x + room > width:
            x, y = 0.0, y + 20
        dashes = ' stroke-dasharray="4 3"' if kind == "constant" else ""
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="12" height="12" rx="2" fill="{fill}" '
            f'stroke="{border}"{dashes}/>'
            f'<text x="{x + 18:.1f}" y="{y + 10:.1f}" fill="#555">{LEGEND[kind]}</text>'
        )
        x += room
    return "".join(parts), y + 20
