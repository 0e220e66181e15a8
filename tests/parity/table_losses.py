"""Rows of losses: their modules and functions, with all their keywords."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Given
from .draw import Draw, Shape, broadcastable, shapes, values
from .draw_layers import functions, given, labels, layers, mild, pick, seed, some, spatial
from .row import Row

REDUCTION = {"reduction": ["mean", "sum", "none", "mean", "sum", "none", "average"]}
OLD = {"size_average": [True, False, None], "reduce": [True, False, None]}


def reduction(draw: Draw) -> dict[str, Any]:
    """How a loss is reduced; now and then by the old words."""
    if draw(st.integers(0, 5)) == 0:
        return some(draw, **OLD)
    return some(draw, **REDUCTION)


def _two(draw: Draw, dtype: str, low: float = -3, high: float = 3) -> tuple[Given, Given]:
    shape = draw(shapes(0, 3))
    other = shape if draw(st.integers(0, 2)) else draw(broadcastable(shape))
    return given(draw, shape, dtype), mild(draw, other, dtype, low, high)


def _split(options: dict[str, Any], inputs: tuple[Any, ...]) -> Any:
    return (), options, inputs


def pairwise(draw: Draw, dtype: str, **options: list[Any]) -> Any:
    """Input and target of one shape."""
    return _split(some(draw, **options) | reduction(draw), _two(draw, dtype))


def classes(draw: Draw, dtype: str, kind: str) -> Any:
    """Cross entropy and NLL: class indices or, for cross entropy, probabilities."""
    count = pick(draw, 0, 1, 2, 3, 4)
    shape: Shape = (pick(draw, 0, 1, 2, 5), count, *spatial(draw, pick(draw, 0, 0, 1, 2), 1, 3))
    if draw(st.integers(0, 3)) == 0:
        shape = (count,)
    special = draw(st.integers(0, 9)) == 0 and dtype != "float16"  # whose sums PyTorch rounds
    if len(shape) > 2 and not count:  # where PyTorch stumbles
        shape = shape[:2]
    where = shape[:1] + shape[2:] if len(shape) > 1 else ()
    x = given(draw, shape, dtype, special=special)
    kwargs = some(draw, ignore_index=[-100, 0, 1, -1]) | reduction(draw)
    if draw(st.integers(0, 2)) == 0:
        kwargs["weight"] = mild(draw, (count,), dtype, 0, 2, grad=False)
    if kind == "cross_entropy":
        kwargs |= some(draw, label_smoothing=[0.0, 0.1, 1.0]) if count else {}
        if draw(st.integers(0, 2)) == 0:
            kwargs.pop("ignore_index", None)
            target = mild(draw, shape, dtype, 0, 1)
            return _split(kwargs, (x, target))
    ignored = kwargs.get("ignore_index", -100)
    other = "int64" if len(shape) > 2 else "uint8"
    target = labels(draw, where, count, ignored, dtype=pick(draw, *["int64"] * 6, other, "int32"))
    return _split(kwargs, (x, target))


def binary(draw: Draw, dtype: str, logits: bool) -> Any:
    shape = draw(shapes(0, 3))
    x = given(draw, shape, dtype) if logits else mild(draw, shape, dtype, 0.05, 0.95)
    if not logits and draw(st.integers(0, 3)) == 0:
        ends = np.where(x.values < 0.5, 0, 1).astype(dtype)
        x = Given(ends, x.layout)  # its derivatives there are of the order of 1 / ε
    at_ends = not logits and bool(((x.values == 0) | (x.values == 1)).any())
    y = mild(draw, shape, dtype, 0, 1, False if at_ends else None)
    kwargs = reduction(draw)
    if draw(st.integers(0, 2)) == 0:
        kwargs["weight"] = mild(draw, draw(broadcastable(shape)), dtype, 0, 2, grad=False)
    if logits and draw(st.integers(0, 2)) == 0:
        kwargs["pos_weight"] = mild(draw, draw(broadcastable(shape)), dtype, 0, 2, grad=False)
    return _split(kwargs, (x, y))


def signs(draw: Draw, shape: Shape, dtype: str) -> Given:
    """Targets of 1 and −1."""
    found = np.random.default_rng(draw(st.integers(0, 99))).choice([1, -1], shape)
    return Given(np.asarray(found).astype(dtype))


def embedded(draw: Draw, dtype: str) -> Any:
    n, d = pick(draw, 0, 1, 3), pick(draw, 1, 4)
    shape, where = pick(draw, ((n, d), (n,)), ((d,), ()))
    kwargs = some(draw, margin=[0.0, 0.5]) | reduction(draw)
    inputs = [given(draw, shape, dtype, special=False) for _ in range(2)]
    return _split(kwargs, (*inputs, signs(draw, where, pick(draw, dtype, "int64"))))


def ranked(draw: Draw, dtype: str) -> Any:
    shape = draw(shapes(0, 2))
    kwargs = some(draw, margin=[0.0, 0.5]) | reduction(draw)
    inputs = given(draw, shape, dtype), given(draw, shape, dtype)
    return _split(kwargs, (*inputs, signs(draw, shape, pick(draw, dtype, "int64"))))


def hinged(draw: Draw, dtype: str, margin: bool) -> Any:
    shape = draw(shapes(0, 2))
    kwargs = (some(draw, margin=[1.0, 0.5]) if margin else {}) | reduction(draw)
    x = given(draw, shape, dtype, special=None if margin else False)  # ours does not overflow
    return _split(kwargs, (x, signs(draw, shape, dtype)))


def triplet(draw: Draw, dtype: str, distance: bool) -> Any:
    d = pick(draw, 1, 3)
    shape = pick(draw, (d,), (pick(draw, 0, 1, 3), d), (2, 2, d))
    kwargs = some(draw, margin=[1.0, 0.3], swap=[True, False])
    kwargs |= {} if distance else some(draw, p=[1, 2, 2.0, 3], eps=[1e-6, 1e-3])
    kwargs |= some(draw, **REDUCTION) if distance else reduction(draw)
    number = seed(draw)  # three that differ, because lengths have no derivative at 0
    arrays = [values(number + n, shape, dtype, False) for n in range(3)]
    return _split(kwargs, tuple(Given(a, "plain", draw(st.booleans())) for a in arrays))


def multi_margin(draw: Draw, dtype: str) -> Any:
    count = pick(draw, 1, 3)
    shape, where = pick(draw, ((count,), ()), ((pick(draw, 1, 3), count), (3,)))
    where = shape[:1] if len(shape) > 1 else where
    kwargs = some(draw, p=[1, 2], margin=[1.0, 0.5]) | reduction(draw)
    if draw(st.integers(0, 2)) == 0:
        kwargs["weight"] = mild(draw, (count,), dtype, 0, 2, grad=False)
    return _split(kwargs, (given(draw, shape, dtype, special=False), labels(draw, where, count)))


def multi_label(draw: Draw, dtype: str) -> Any:
    count = pick(draw, 1, 3)
    shape = pick(draw, (count,), (pick(draw, 0, 1, 3), count))
    kwargs = reduction(draw)
    if draw(st.integers(0, 2)) == 0:
        kwargs["weight"] = mild(draw, (count,), dtype, 0, 2, grad=False)
    target = Given((mild(draw, shape, dtype, 0, 1).values > 0.5).astype(dtype))
    return _split(kwargs, (given(draw, shape, dtype), target))


def multi_label_margin(draw: Draw, dtype: str) -> Any:
    count = pick(draw, 1, 3)
    shape = pick(draw, (count,), (pick(draw, 1, 3), count))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    target = rng.integers(-1, count, shape)
    return _split(reduction(draw), (given(draw, shape, dtype, special=False), Given(target)))


def gaussian(draw: Draw, dtype: str) -> Any:
    shape = draw(shapes(1, 3))
    kwargs = some(draw, full=[True, False], eps=[1e-6, 1e-2]) | some(draw, **REDUCTION)
    var = pick(draw, shape, shape, shape[:-1], (*shape[:-1], 1))
    low = pick(draw, 0, 0, -0.1)
    calm = False if dtype == "float16" else None  # ours does not overflow
    inputs = [given(draw, shape, dtype, special=calm) for _ in range(2)]
    return _split(kwargs, (*inputs, mild(draw, var, dtype, low, 2)))


def poisson(draw: Draw, dtype: str) -> Any:
    x, y = _two(draw, dtype, 0, 4)
    kwargs = some(draw, log_input=[True, False], full=[True, False], eps=[1e-8, 1e-3])
    return _split(kwargs | reduction(draw), (x, y))


def divergence(draw: Draw, dtype: str) -> Any:
    x, y = _two(draw, dtype, 0, 1)
    kwargs = some(draw, log_target=[True, False])
    return _split(kwargs | (some(draw, reduction=["batchmean"]) or reduction(draw)), (x, y))


TABLE: list[tuple[str | None, str | None, Any, dict[str, Any]]] = [
    ("MSELoss", "mse_loss", pairwise, {}),
    ("L1Loss", "l1_loss", pairwise, {}),
    ("SmoothL1Loss", "smooth_l1_loss", pairwise, {"beta": [1.0, 0.5, 0.0, 0, 2]}),
    ("CrossEntropyLoss", "cross_entropy", classes, {"kind": "cross_entropy"}),
    ("NLLLoss", "nll_loss", classes, {"kind": "nll"}),
    ("BCELoss", "binary_cross_entropy", binary, {"logits": False}),
    ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits", binary, {"logits": True}),
    ("CosineEmbeddingLoss", "cosine_embedding_loss", embedded, {}),
    ("MarginRankingLoss", "margin_ranking_loss", ranked, {}),
    ("HingeEmbeddingLoss", "hinge_embedding_loss", hinged, {"margin": True}),
    ("SoftMarginLoss", "soft_margin_loss", hinged, {"margin": False}),
    ("TripletMarginLoss", "triplet_margin_loss", triplet, {"distance": False}),
    ("MultiMarginLoss", "multi_margin_loss", multi_margin, {}),
    ("MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss", multi_label, {}),
    ("MultiLabelMarginLoss", "multilabel_margin_loss", multi_label_margin, {}),
    ("GaussianNLLLoss", "gaussian_nll_loss", gaussian, {}),
    ("PoissonNLLLoss", "poisson_nll_loss", poisson, {}),
    ("KLDivLoss", "kl_div", divergence, {}),
    (
        "TripletMarginWithDistanceLoss",
        "triplet_margin_with_distance_loss",
        triplet,
        {"distance": True},
    ),
]


def huber(draw: Draw, dtype: str) -> Any:
    """It has no old words."""
    return _split(some(draw, delta=[1.0, 0.5, 2]) | some(draw, **REDUCTION), _two(draw, dtype))


def rows() -> list[Row]:
    """All rows of this file."""
    out = []
    for name, short, maker, more in [*TABLE, ("HuberLoss", "huber_loss", huber, {})]:
        out.append(Row(f"nn.{name}", layers(name, maker, **more)))
        out.append(Row(f"nn.functional.{short}", functions(short, maker, **more)))
    return out
