"""`debug.draw` and its layout."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as torch
from tinygrad_lite import debug, nn
from tinygrad_lite.debug.costs import subject
from tinygrad_lite.debug.draw import COLOURS, LEGEND, _reached
from tinygrad_lite.debug.layout import Edge, Point, layout
from tinygrad_lite.graph import Node
from tinygrad_lite.nn import functional as F
from tinygrad_lite.ops.rule import RULES

Graph = tuple[list[Point], list[Edge]]


def titles(drawing: debug.Drawing) -> list[str]:
    """The bold words of the boxes."""
    ElementTree.fromstring(drawing.svg)  # it is well-formed
    return re.findall(r'font-weight="bold" fill="#222">([^<]*)<', drawing.svg)


def test_an_mlp_with_layers_names_shapes_and_memory(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
    x, y = torch.randn(3, 6), torch.tensor([0, 1, 2])
    path = tmp_path / "graph.svg"
    found = debug.draw(lambda: F.cross_entropy(model(x), y), path, model=model)
    assert sorted(titles(found)) == sorted(
        ["0.weight", "0.bias", "2.weight", "2.bias", "data", "data",
         "linear · 0", "relu · 1", "linear · 2", "cross_entropy"]
    )  # fmt: skip
    assert path.read_text(encoding="utf-8") == found.svg == found._repr_svg_()
    assert "(3, 5) · 60 B" in found.svg
    assert "keeps 72 B" in found.svg  # x, for the first weight's gradient
    assert "(3,) int64 · 24 B" in found.svg
    assert found.svg.count("<path d=") - 1 == 9  # edges, and the tip


def test_a_small_graph_with_its_numbers() -> None:
    w = torch.tensor(3.0, requires_grad=True)
    assert titles(debug.draw(w * w)) == ["tensor", "mul"]
    found = debug.draw(w * w + 1, names={"w": w})
    assert titles(found) == ["w", "mul", "add"]
    assert "scalar = 3" in found.svg
    assert found.svg.count("<path d=") - 1 == 2  # both factors are one edge
    (w * 2).backward()
    assert "grad = 2" in debug.draw(w * w).svg


def test_names_are_escaped() -> None:
    x = torch.ones(3, requires_grad=True)
    assert "w &lt; 1 &amp; b" in titles(debug.draw(x.exp(), names={"w < 1 & b": x}))


class Counted(Node):
    """A node in its place in a graph, which counts who asks for its parents."""

    asked = 0

    def __init__(self, *above: Counted) -> None:
        self.above, self.order = above, 1 + max((n.order for n in above), default=0)

    @property
    def parents(self) -> Any:  # type: ignore[override]
        self.asked += 1
        return self.above


def test_what_is_used_twice_is_walked_once() -> None:
    nodes = [Counted()]
    for _ in range(10):
        nodes.append(Counted(nodes[-1], nodes[-1]))
    assert _reached(nodes[-1]) == nodes
    assert [node.asked for node in nodes] == [1] * 11


def test_the_users_lines_are_escaped_and_short() -> None:
    def loss() -> torch.Tensor:
        return (x * 2).sum() if x.numel() > 1 & (2 < 3) else x.sum()  # a line of some length

    x = torch.ones(3, requires_grad=True)
    svg = debug.draw(loss).svg
    ElementTree.fromstring(svg)
    assert re.search(r"\d+: return \(x \* 2\)\.sum\(\) if x\.numel\(\) &gt;[^<]*…<", svg)
    assert "(2 &lt; 3) else x.sum()" in svg  # whole, where one points


def test_anomaly_mode_notes_lines_as_well() -> None:
    x = torch.ones(3, requires_grad=True)
    with torch.autograd.detect_anomaly(check_nan=False):
        loss = x.exp().sum()
        assert "loss = x.exp().sum()" in debug.draw(loss).svg
    assert "loss = x.exp().sum()" not in debug.draw(loss).svg


def test_own_functions_with_several_outputs() -> None:
    class Halves(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            return x[:2] * 1, x[2:] * 1

        @staticmethod
        def backward(ctx, a, b):  # type: ignore[no-untyped-def]
            return torch.cat([a, b])

    a, b = Halves.apply(torch.ones(4, requires_grad=True))
    found = debug.draw((a * b).sum())
    assert titles(found).count("Halves") == 3
    assert "several outputs" in found.svg


def test_what_can_not_be_drawn() -> None:
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"shape \(3,\) has no graph"):
        debug.draw(torch.ones(3))
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="freed by backward"):
        debug.draw(loss)
    for _ in range(2001):
        x = x * 1
    with pytest.raises(ValueError, match="more than 2,000 nodes"):
        debug.draw(x)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 14))
    side = st.floats(10, 200)
    sizes = [(draw(side), draw(side)) for _ in range(count)]
    pairs = list(combinations(range(count), 2))
    edges = draw(st.lists(st.sampled_from(pairs), max_size=25)) if pairs else []
    return sizes, edges


@given(graphs(), st.integers(0, 5))
def test_no_two_boxes_overlap_and_edges_lead_down(graph: Graph, seed: int) -> None:
    sizes, edges = graph
    firm = np.random.default_rng(seed).choice([1.0, 1000.0], len(sizes)).tolist()
    corners, paths, (width, height) = layout(sizes, edges, firm)
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, sizes, strict=True)]
    slack = 1e-6
    for a, b in combinations(boxes, 2):
        assert (
            a[2] <= b[0] + slack or b[2] <= a[0] + slack
            or a[3] <= b[1] + slack or b[3] <= a[1] + slack
        )  # fmt: skip
    for left, top, right, bottom in boxes:
        assert left >= -slack
        assert top >= -slack
        assert right <= width + slack
        assert bottom <= height + slack
    assert set(paths) == set(edges)
    for (a, b), points in paths.items():
        assert points[0] == pytest.approx((sum(boxes[a][::2]) / 2, boxes[a][3]))
        assert points[-1] == pytest.approx((sum(boxes[b][::2]) / 2, boxes[b][1]))
        assert all(p[1] < q[1] for p, q in pairwise(points))
        for x, y in points[1:-1]:  # it passes between the boxes of the rows that it skips
            assert not any(
                left < x < right and top <= y <= bottom for left, top, right, bottom in boxes
            )
        skipped = {top for _, top, _, bottom in boxes if boxes[a][3] < top and bottom < boxes[b][1]}
        assert len(points) - 2 >= bool(skipped)


def test_a_chain_is_straight_beside_its_parameters() -> None:
    sizes = [(50.0, 20.0), (80.0, 20.0), (50.0, 20.0), (70.0, 30.0), (50.0, 20.0), (90.0, 30.0)]
    edges = [(0, 1), (2, 3), (1, 3), (4, 5), (3, 5)]
    _, paths, _ = layout(sizes, edges, [1, 1e6, 1, 1e6, 1, 1e6])
    spine = [x for edge in ((1, 3), (3, 5)) for x, _ in paths[edge]]
    assert max(spine) - min(spine) < 0.1


def test_parameters_stand_beside_what_comes_before_their_operation() -> None:
    corners, _, _ = layout([(10.0, 10.0)] * 4, [(0, 1), (1, 2), (3, 2)], [1, 1, 1, 1])
    assert corners[3][1] == corners[1][1]


def test_two_boxes_that_wish_for_one_place_share_the_way() -> None:
    corners, _, _ = layout([(50.0, 10.0)] * 3, [(0, 1), (0, 2)], [1, 1, 1], across=10.0)
    middles = [x + 25 for x, _ in corners]
    assert middles[0] == pytest.approx((middles[1] + middles[2]) / 2)
    assert abs(middles[1] - middles[2]) == pytest.approx(60)


def test_data_that_is_used_twice_is_one_box() -> None:
    x, c = torch.ones(3, requires_grad=True), torch.ones(3)
    assert titles(debug.draw((x * c).exp() * c)).count("data") == 1


def test_every_rule_has_a_colour_and_a_word_for_it() -> None:
    subjects = {subject(rule) for rule in RULES.values()}
    assert subjects <= set(COLOURS)
    assert set(COLOURS) == set(LEGEND)
    assert "custom" not in subjects
