"""Losses, with the old names of reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case

SIGN = np.asarray([1, -1, 1])
T = np.asarray([0, 2, 1])
X, N = (3, 4), (3,)
BITS = np.asarray([[1, 0, 1, 0], [0, 0, 1, 1], [1, 1, 1, 0]])


def m(name: str, *args: Any, **words: Any) -> Any:
    """A module with settings."""
    return lambda lib: getattr(lib.nn, name)(*args, **words)


def with_weight(name: str, *args: Any, **words: Any) -> Any:
    """A module with weights of four classes."""
    return lambda lib: getattr(lib.nn, name)(
        *args, weight=lib.tensor([1.0, 2.0, 0.5, 1.5]), **words
    )


def likelihood(full: bool) -> Any:
    """A normal likelihood, whose variances are not negative."""
    return lambda lib: lambda x, t, v: lib.nn.GaussianNLLLoss(full=full)(x, t, v * v)


def old(name: str, *args: Any, **words: Any) -> Any:
    """A function with the old arguments."""
    return lambda lib: lambda *xs: getattr(lib.nn.functional, name)(*xs, *args, **words)


CASES = [
    *(Case(f"MarginRankingLoss {r}", m("MarginRankingLoss", 0.3, reduction=r), (N, N, SIGN))
      for r in ("none", "sum", "mean")),
    Case("MarginRankingLoss usual", m("MarginRankingLoss"), (N, N, SIGN)),
    Case("HingeEmbeddingLoss", m("HingeEmbeddingLoss"), (N, SIGN)),
    Case("HingeEmbeddingLoss none", m("HingeEmbeddingLoss", 0.5, reduction="none"), (N, SIGN)),
    Case("CosineEmbeddingLoss", m("CosineEmbeddingLoss", 0.1), (X, X, SIGN)),
    Case("CosineEmbeddingLoss one", m("CosineEmbeddingLoss"), ((4,), (4,), SIGN[1])),
    Case("TripletMarginLoss", m("TripletMarginLoss"), (X, X, X)),
    Case("TripletMarginLoss swap", m("TripletMarginLoss", 2.0, 1.0, 1e-3, True, None, None, "sum"),
         (X, X, X)),
    Case("TripletMarginWithDistanceLoss", m("TripletMarginWithDistanceLoss", margin=1.5),
         (X, X, X)),
    Case("SoftMarginLoss", m("SoftMarginLoss", reduction="sum"), (N, SIGN)),
    Case("MultiLabelSoftMarginLoss", m("MultiLabelSoftMarginLoss"), (X, BITS)),
    Case("MultiLabelSoftMarginLoss weight", with_weight("MultiLabelSoftMarginLoss",
         reduction="none"), (X, BITS)),
    Case("MultiMarginLoss", m("MultiMarginLoss"), (X, T)),
    Case("MultiMarginLoss 2", with_weight("MultiMarginLoss", 2, 0.5), (X, T)),
    Case("MultiMarginLoss one", m("MultiMarginLoss", reduction="none"), ((4,), T[1])),
    Case("gaussian", likelihood(False), (X, X, X)),
    Case("gaussian full", likelihood(True), (X, X, (3, 1))),
    Case("gaussian rows", likelihood(True), (X, X, (3,))),
    Case("gaussian small", lambda lib: lambda x, t: lib.nn.functional.gaussian_nll_loss(
        x, t, 1e-9, reduction="sum"), (N, N)),
    Case("PoissonNLLLoss", m("PoissonNLLLoss"), (X, BITS.astype(float))),
    Case("PoissonNLLLoss full", m("PoissonNLLLoss", True, True), (N, np.asarray([0, 1, 5]))),
    Case("poisson of rates", lambda lib: lambda x, t: lib.nn.functional.poisson_nll_loss(
        x * x, t, False, reduction="none"), (X, BITS)),
    Case("mse old", old("mse_loss", False), (X, X)),
    Case("l1 old", old("l1_loss", None, False), (X, X)),
    Case("smooth l1 old", old("smooth_l1_loss", None, None, "sum", 0.5), (X, X)),
    Case("huber", old("huber_loss", "sum", 0.5), (X, X)),
    Case("logits old", old("binary_cross_entropy_with_logits", None, True), (X, BITS / 1.0)),
    Case("cross entropy old", old("cross_entropy", None, False, 2), (X, T)),
    Case("CrossEntropyLoss old", m("CrossEntropyLoss", None, None, -100, False), (X, T)),
    Case("CrossEntropyLoss places", m("CrossEntropyLoss", None, None, -100, None, "sum", 0.1),
         (X, T)),
    Case("NLLLoss old", m("NLLLoss", None, False), (X, T)),
    Case("MSELoss old", m("MSELoss", False), (X, X)),
    Case("L1Loss old", m("L1Loss", reduce=False), (X, X)),
    Case("SmoothL1Loss places", m("SmoothL1Loss", None, None, "sum", 0.5), (X, X)),
    Case("BCEWithLogitsLoss old", m("BCEWithLogitsLoss", None, None, False), (X, BITS / 1.0)),
    Case("KLDivLoss old", m("KLDivLoss", False), (X, BITS + 1.0)),
]  # fmt: skip

ERRORS: list[tuple[str, Any]] = [
    ("ranking", lambda lib: lib.nn.MarginRankingLoss()(
        lib.zeros(2), lib.zeros(2), lib.zeros(2, 1))),
    ("cosine", lambda lib: lib.nn.CosineEmbeddingLoss()(
        lib.zeros(2, 3), lib.zeros(2, 3), lib.zeros(2, 1))),
    ("triplet", lambda lib: lib.nn.TripletMarginLoss(-1.0)),
    ("multi", lambda lib: lib.nn.MultiMarginLoss(3)),
    ("gaussian", lambda lib: lib.nn.GaussianNLLLoss()(
        lib.zeros(2), lib.zeros(2), lib.zeros(2) - 1)),
    ("gaussian size", lambda lib: lib.nn.GaussianNLLLoss()(
        lib.zeros(2), lib.zeros(2), lib.zeros(3))),
    ("poisson", lambda lib: lib.nn.PoissonNLLLoss(reduction="all")(lib.zeros(2), lib.zeros(2))),
]  # fmt: skip
