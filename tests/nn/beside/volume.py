"""Volumes, maxima put back, CTC and a softmax in clusters."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case

V, ONE = (2, 4, 5, 4, 6), (4, 5, 4, 6)
IMAGE, EVEN, SIGNAL = (2, 3, 6, 5), (2, 3, 6, 4), (2, 3, 7)
LABELS = np.asarray([[1, 2, 2, 0], [3, 1, 0, 0], [1, 0, 0, 0]])
IMPOSSIBLE = np.asarray([[1, 1, 1, 1], [3, 1, 0, 0], [1, 0, 0, 0]])
LONG = np.asarray([1, 2, 2, 3, 1, 1])
TIMES, LENGTHS = [6, 6, 4], [3, 2, 1]
T = np.asarray([0, 5, 9, 2, 3, 7])
CHOSEN = np.asarray([[3, 0, -1, 1], [-1, 0, 1, 2], [1, 1, 2, 0]])
SAMPLES = [[[0.1, 0.9], [0.5, 0.3], [0.99, 0.0]], [[0.7, 0.2], [0.0, 0.5], [0.4, 0.8]]]


def m(name: str, *args: Any, **words: Any) -> Any:
    """A module with settings."""
    return lambda lib: getattr(lib.nn, name)(*args, **words)


def f(name: str, *args: Any, **words: Any) -> Any:
    """A function with settings."""
    return lambda lib: lambda *xs: getattr(lib.nn.functional, name)(*xs, *args, **words)


def ctc(lengths: Any = LENGTHS, times: Any = TIMES, **words: Any) -> Any:
    """CTC of scores, through a log-softmax."""
    return lambda lib: (
        lambda x, labels: lib.nn.CTCLoss(**words)(
            lib.nn.functional.log_softmax(x, -1), labels, times, lengths
        )
    )


def back(dims: int, *window: Any, size: Any = None) -> Any:
    """Maxima, and where they came from."""

    def make(lib: Any) -> Any:
        pool = getattr(lib.nn, f"MaxPool{dims}d")(*window, return_indices=True)
        unpool = getattr(lib.nn, f"MaxUnpool{dims}d")(*window)

        def call(x: Any) -> Any:
            found, places = pool(x)
            return unpool(found, places, size), places

        return call

    return make


def fractional(*args: Any, **words: Any) -> Any:
    """Fractional pooling with given draws."""

    def make(lib: Any) -> Any:
        drawn = lib.tensor(SAMPLES, dtype=lib.float64)
        return lambda x: lib.nn.functional.fractional_max_pool2d(
            x, *args, **words, return_indices=True, _random_samples=drawn.to(x.device)
        )

    return make


def sampled(mode: str, padding: str, corners: bool) -> Any:
    """An image at places around and outside of it."""
    return lambda lib: (
        lambda x, grid: lib.nn.functional.grid_sample(
            x, grid * 0.9, mode, padding, align_corners=corners
        )
    )


CASES = [
    *(Case(f"sampled {mode} {padding} {corners}", sampled(mode, padding, corners),
           ((2, 3, 4, 5), (2, 3, 4, 2)))
      for mode in ("bilinear", "nearest", "bicubic")
      for padding in ("zeros", "border", "reflection") for corners in (False, True)),
    *(Case(f"sampled volume {mode} {padding}", sampled(mode, padding, True),
           ((2, 2, 3, 4, 5), (2, 2, 3, 2, 3)))
      for mode, padding in (("bilinear", "zeros"), ("nearest", "border"),
                            ("bilinear", "reflection"))),
    *(Case(f"affine {corners} {size}", f("affine_grid", size, align_corners=corners),
           ((2, len(size) - 2, len(size) - 1),))
      for corners in (False, True) for size in ((2, 3, 4, 5), (2, 1, 1, 3), (2, 1, 3, 2, 4))),
    *(Case(f"other name {name}", f(name, *args), (IMAGE,), call=lambda call, x: call(x * 1))
      for name, *args in (("relu_",), ("leaky_relu_", 0.3), ("elu_", 0.5), ("hardtanh_", -0.5, 0.3),
                          ("selu_",), ("celu_", 0.5), ("rrelu_",), ("threshold_", 0.1, 2.0),
                          ("max_pool2d_with_indices", 2), ("adaptive_max_pool2d_with_indices", 2),
                          ("upsample_nearest", None, 2), ("upsample_bilinear", (3, 9)))),
    Case("Conv3d", m("Conv3d", 4, 6, 3), (V,)),
    Case("Conv3d all", m("Conv3d", 4, 6, (2, 3, 2), (2, 1, 3), (1, 2, 0), (2, 1, 2), 2, False),
         (V,), second=True),
    Case("Conv3d one", m("Conv3d", 4, 2, 2, padding=1), (ONE,)),
    Case("Conv3d same", m("Conv3d", 4, 2, (2, 3, 4), padding="same"), (V,)),
    Case("Conv3d valid", m("Conv3d", 4, 2, 2, padding="valid", padding_mode="zeros"), (V,)),
    Case("Conv3d replicate", m("Conv3d", 4, 2, 3, padding=1, padding_mode="replicate"), (V,)),
    Case("ConvTranspose3d", m("ConvTranspose3d", 4, 6, 3), (V,)),
    Case("ConvTranspose3d all",
         m("ConvTranspose3d", 4, 6, (2, 3, 2), (2, 1, 3), (1, 2, 0), (1, 0, 1), 2, False, 2),
         ((2, 4, 2, 3, 2),), second=True),
    Case("ConvTranspose3d one", m("ConvTranspose3d", 4, 2, 2, 2), (ONE,)),
    Case("ConvTranspose3d size", m("ConvTranspose3d", 4, 2, 3, 2, 1), (V,),
         call=lambda thing, x: thing(x, output_size=(10, 7, 12))),
    *(Case(f"MaxPool3d {n}", m("MaxPool3d", *args), (V,)) for n, args in enumerate(
        [(2,), (3, 2, 1), ((2, 3, 2), (1, 2, 1), (1, 1, 0), (2, 1, 2)), (3, 2, 0, 1, True, True),
         (2, 1, 1, 2, True)])),
    Case("MaxPool3d ceil", f("max_pool3d", 2, ceil_mode=True), (ONE,)),
    *(Case(f"AvgPool3d {n}", m("AvgPool3d", *args), (V,)) for n, args in enumerate(
        [(2,), (3, 2, 1), ((2, 3, 2), (1, 2, 1), (1, 1, 0), True, False), (3, 2, 1, True, True),
         (2, 1, 1, False, True, 5)])),
    Case("AvgPool3d one", f("avg_pool3d", 2), (ONE,)),
    Case("AdaptiveAvgPool3d", m("AdaptiveAvgPool3d", (3, None, 4)), (V,)),
    Case("AdaptiveAvgPool3d one", m("AdaptiveAvgPool3d", 2), (ONE,)),
    Case("AdaptiveMaxPool3d", m("AdaptiveMaxPool3d", (3, 2, 4), True), (V,)),
    Case("AdaptiveMaxPool3d one", m("AdaptiveMaxPool3d", 2), (ONE,)),
    Case("LPPool3d", lambda lib: lambda x: lib.nn.LPPool3d(2, 2, 1)(x * x), (V,)),
    Case("BatchNorm3d", m("BatchNorm3d", 4), (V,)),
    Case("BatchNorm3d eval", m("BatchNorm3d", 4, 1e-3, 0.3), (V,), train=False),
    Case("Dropout3d eval", m("Dropout3d", 0.3), (V,), train=False),
    Case("unpool 1", back(1, 2), (SIGNAL,)),
    Case("unpool 1 size", back(1, 2, size=(7,)), (SIGNAL,)),
    Case("unpool 2", back(2, 2, 2), (EVEN,), second=True),
    Case("unpool 2 size", back(2, (2, 3), (2, 3), size=(2, 3, 6, 5)), (IMAGE,)),
    Case("unpool 2 padding", back(2, 2, 2, 1), (EVEN,)),
    Case("unpool 3", back(3, 2, 2), (V,)),
    Case("MaxUnpool2d", lambda lib: lib.nn.MaxUnpool2d((2, 1), stride=1, padding=0),
         ((2, 1, 1), np.asarray([[[1]], [[0]]]))),
    Case("fractional", fractional(2, (3, 3)), (IMAGE,)),
    Case("fractional ratio", fractional((2, 3), output_ratio=(0.6, 0.5)), (IMAGE,)),
    Case("fractional one", fractional(2, 1), (IMAGE,)),
    Case("CTC", ctc(), ((6, 3, 4), LABELS), second=False),
    Case("CTC none", ctc(reduction="none"), ((6, 3, 4), LABELS)),
    Case("CTC sum blank", ctc(reduction="sum", blank=3), ((6, 3, 4), LABELS % 3)),
    Case("CTC long", ctc(), ((6, 3, 4), LONG)),
    Case("CTC zero", ctc([4, 2, 1], [4, 6, 3], zero_infinity=True, reduction="none"),
         ((6, 3, 4), IMPOSSIBLE)),
    Case("CTC empty", ctc([0, 2, 1], reduction="none"), ((6, 3, 4), LABELS)),
    Case("CTC one", ctc([2], [6]), ((6, 4), LABELS[0][:2])),
    Case("MultiLabelMarginLoss", m("MultiLabelMarginLoss"), ((3, 4), CHOSEN)),
    Case("MultiLabelMarginLoss none", m("MultiLabelMarginLoss", reduction="none"),
         ((3, 4), CHOSEN)),
    Case("MultiLabelMarginLoss one", m("MultiLabelMarginLoss", reduction="sum"),
         ((4,), CHOSEN[0])),
    Case("clusters", m("AdaptiveLogSoftmaxWithLoss", 8, 10, [3, 7], 2.0), ((6, 8), T)),
    Case("clusters bias", m("AdaptiveLogSoftmaxWithLoss", 8, 10, [3], 2.0, True),
         ((8,), np.asarray(5))),
    Case("clusters all", m("AdaptiveLogSoftmaxWithLoss", 8, 10, [3, 7], 2.0), ((6, 8),),
         call=lambda thing, x: (thing.log_prob(x), thing.predict(x))),
]  # fmt: skip

ERRORS: list[tuple[str, Any]] = [
    ("sampled mode", lambda lib: lib.nn.functional.grid_sample(
        lib.zeros(1, 1, 2, 2), lib.zeros(1, 1, 1, 2), "cubic")),
    ("sampled padding", lambda lib: lib.nn.functional.grid_sample(
        lib.zeros(1, 1, 2, 2), lib.zeros(1, 1, 1, 2), padding_mode="mirror")),
    ("sampled rank", lambda lib: lib.nn.functional.grid_sample(
        lib.zeros(1, 1, 2, 2), lib.zeros(1, 1, 1, 3))),
    ("sampled batch", lambda lib: lib.nn.functional.grid_sample(
        lib.zeros(2, 1, 2, 2), lib.zeros(1, 1, 1, 2))),
    ("sampled volume", lambda lib: lib.nn.functional.grid_sample(
        lib.zeros(1, 1, 2, 2, 2), lib.zeros(1, 1, 1, 1, 3), "bicubic")),
    ("affine theta", lambda lib: lib.nn.functional.affine_grid(lib.zeros(1, 2, 2), (1, 1, 2, 2))),
    ("affine size", lambda lib: lib.nn.functional.affine_grid(lib.zeros(1, 2, 3), (1, 1, 0, 2))),
    ("affine dtype", lambda lib: lib.nn.functional.affine_grid(
        lib.zeros(1, 2, 3, dtype=lib.int64), (1, 1, 2, 2))),
    ("conv rank", lambda lib: lib.nn.Conv3d(1, 1, 1)(lib.zeros(2, 1, 3))),
    ("conv channels", lambda lib: lib.nn.Conv3d(2, 1, 1)(lib.zeros(1, 3, 2, 2, 2))),
    ("conv deep", lambda lib: lib.nn.Conv3d(1, 1, 3)(lib.zeros(1, 1, 2, 4, 4))),
    ("conv same", lambda lib: lib.nn.Conv3d(1, 1, 3, 2, "same")),
    ("transpose extra", lambda lib: lib.nn.functional.conv_transpose3d(
        lib.zeros(1, 1, 2, 2, 2), lib.zeros(1, 1, 2, 2, 2), output_padding=2)),
    ("max rank", lambda lib: lib.nn.functional.max_pool3d(lib.zeros(2, 3, 4), 2)),
    ("max padding", lambda lib: lib.nn.functional.max_pool3d(
        lib.zeros(1, 4, 4, 4), 2, padding=2)),
    ("norm rank", lambda lib: lib.nn.BatchNorm3d(2)(lib.zeros(2, 2, 3, 3))),
    ("unpool size", lambda lib: lib.nn.MaxUnpool1d(2)(
        lib.zeros(1, 1, 2), lib.zeros(1, 1, 2, dtype=lib.int64), output_size=(9,))),
    ("unpool sizes", lambda lib: lib.nn.MaxUnpool1d(2)(
        lib.zeros(1, 1, 2), lib.zeros(1, 1, 2, dtype=lib.int64), output_size=(3, 4, 5, 6))),
    ("unpool places", lambda lib: lib.nn.MaxUnpool1d(2)(
        lib.zeros(1, 1, 2), lib.zeros(1, 1, 2, dtype=lib.int64) + 4)),
    ("unpool shapes", lambda lib: lib.nn.MaxUnpool1d(2)(
        lib.zeros(1, 1, 2), lib.zeros(1, 1, 3, dtype=lib.int64))),
    ("fractional nothing", lambda lib: lib.nn.FractionalMaxPool2d(2)),
    ("fractional both", lambda lib: lib.nn.FractionalMaxPool2d(2, 3, 0.5)),
    ("fractional ratio", lambda lib: lib.nn.FractionalMaxPool2d(2, output_ratio=1.5)),
    ("fractional large", lambda lib: lib.nn.FractionalMaxPool2d(3, 3)(lib.zeros(1, 1, 4, 4))),
    ("ctc blank", lambda lib: lib.nn.CTCLoss(5)(
        lib.zeros(2, 1, 3), lib.ones(1, 1, dtype=lib.int64), [2], [1])),
    ("ctc lengths", lambda lib: lib.nn.CTCLoss()(
        lib.zeros(2, 1, 3), lib.ones(1, 1, dtype=lib.int64), [2, 2], [1])),
    ("ctc times", lambda lib: lib.nn.CTCLoss()(
        lib.zeros(2, 1, 3), lib.ones(1, 1, dtype=lib.int64), [3], [1])),
    ("labels shape", lambda lib: lib.nn.MultiLabelMarginLoss()(
        lib.zeros(2, 3), lib.zeros(2, 2, dtype=lib.int64))),
    ("clusters order", lambda lib: lib.nn.AdaptiveLogSoftmaxWithLoss(4, 9, [5, 3])),
    ("clusters none", lambda lib: lib.nn.AdaptiveLogSoftmaxWithLoss(4, 9, [])),
    ("clusters range", lambda lib: lib.nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3])(
        lib.zeros(2, 4), lib.tensor([9, 1]))),
    ("clusters shape", lambda lib: lib.nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3])(
        lib.zeros(2, 4), lib.tensor(1))),
]  # fmt: skip
