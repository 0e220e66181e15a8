"""Norms, sizes of images, adaptive pools and distances."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case

X = (2, 4, 3, 5)
SPREAD = np.random.default_rng(5).permutation(2 * 3 * 7 * 5).reshape(2, 3, 7, 5) / 10.0


def f(name: str, *args: Any, **words: Any) -> Any:
    """A function with settings."""
    return lambda lib: lambda *xs: getattr(lib.nn.functional, name)(*xs, *args, **words)


def m(name: str, *args: Any, **words: Any) -> Any:
    """A module with settings."""
    return lambda lib: getattr(lib.nn, name)(*args, **words)


def moved(layer: Any, x: Any) -> Any:
    """Calls a norm, and gives its running statistics too."""
    return [layer(x), layer.running_mean, layer.running_var]


CASES = [
    Case("GroupNorm", m("GroupNorm", 2, 4), (X,)),
    Case("GroupNorm plain", m("GroupNorm", 4, 4, 1e-3, False), ((2, 4),)),
    Case("GroupNorm no bias", m("GroupNorm", 1, 4, bias=False), ((2, 4, 3),)),
    Case("group_norm", f("group_norm", 2), ((1, 4, 3),), second=True),
    Case("InstanceNorm1d", m("InstanceNorm1d", 4), ((2, 4, 5),)),
    Case("InstanceNorm2d", m("InstanceNorm2d", 4, affine=True), (X,)),
    Case("InstanceNorm2d one", m("InstanceNorm2d", 4, 1e-4), (X[1:],)),
    Case("InstanceNorm3d", m("InstanceNorm3d", 4), ((2, 4, 2, 1, 3),)),
    Case("InstanceNorm2d running", m("InstanceNorm2d", 4, 1e-5, 0.2, True, True), (X,), call=moved,
         gradients=None),
    Case("InstanceNorm2d rest", m("InstanceNorm2d", 4, track_running_stats=True), (X,),
         train=False),
    Case("RMSNorm", m("RMSNorm", 5), (X,)),
    Case("RMSNorm two", m("RMSNorm", [3, 5], 1e-3, False), (X,)),
    Case("rms_norm", f("rms_norm", (3,)), ((2, 3),), second=True),
    Case("LocalResponseNorm", m("LocalResponseNorm", 3), (X,)),
    Case("LocalResponseNorm even", m("LocalResponseNorm", 2, 0.1, 0.5, 2.0), ((2, 4, 3),)),
    Case("normalize", f("normalize"), ((2, 3),), second=True),
    Case("normalize one", f("normalize", 1.0, -1), ((2, 3, 4),)),
    Case("CosineSimilarity", m("CosineSimilarity"), ((3, 4), (3, 4))),
    Case("cosine_similarity", f("cosine_similarity", 0), ((3, 2), (3, 1)), second=True),
    Case("PairwiseDistance", m("PairwiseDistance", 3.0, keepdim=True), ((3, 4), (3, 4))),
    Case("pairwise_distance", f("pairwise_distance"), ((3, 2), (1, 2)), second=True),
    Case("Bilinear", m("Bilinear", 3, 4, 2), ((5, 3), (5, 4))),
    Case("Bilinear more", m("Bilinear", 3, 4, 2, False), ((2, 5, 3), (2, 5, 4))),
    Case("Upsample", m("Upsample", scale_factor=2), (X,)),
    Case("Upsample size", m("Upsample", (5, 4), mode="bilinear"), (X,)),
    Case("UpsamplingNearest2d", m("UpsamplingNearest2d", scale_factor=(1.5, 2)), (X,)),
    Case("UpsamplingBilinear2d", m("UpsamplingBilinear2d", 7), (X,)),
    *(Case(f"interpolate {mode} {size}", f("interpolate", size, mode=mode), (X,))
      for mode in ("nearest", "nearest-exact", "area", "bilinear", "bicubic")
      for size in ((7, 3), (3, 10))),
    *(Case(f"interpolate {mode} by", f("interpolate", None, (1.7, 0.6), mode), (X,))
      for mode in ("nearest", "bilinear", "bicubic")),
    *(Case(f"interpolate {mode} corners", f("interpolate", (5, 1), None, mode, True), (X,))
      for mode in ("bilinear", "bicubic")),
    Case("interpolate again", f("interpolate", None, 1.7, "bilinear", False, True), (X,)),
    Case("interpolate linear", f("interpolate", 6, mode="linear"), ((2, 3, 4),)),
    Case("interpolate area line", f("interpolate", 3, mode="area"), ((2, 3, 4),)),
    Case("interpolate trilinear", f("interpolate", (3, 4, 2), mode="trilinear"),
         ((1, 2, 2, 3, 4),)),
    Case("interpolate volume", f("interpolate", (3, 4, 2)), ((1, 2, 2, 3, 4),)),
    Case("PixelShuffle", m("PixelShuffle", 2), (X,)),
    Case("PixelUnshuffle", m("PixelUnshuffle", 2), ((2, 3, 4, 6),)),
    Case("pixel_shuffle one", f("pixel_shuffle", 2), ((4, 1, 2),)),
    Case("ChannelShuffle", m("ChannelShuffle", 2), (X,)),
    Case("AdaptiveAvgPool1d", m("AdaptiveAvgPool1d", 3), ((2, 3, 7),)),
    Case("AdaptiveMaxPool1d", m("AdaptiveMaxPool1d", 3, True), (SPREAD[0],)),
    Case("AdaptiveMaxPool2d", m("AdaptiveMaxPool2d", (3, 2)), (SPREAD,)),
    Case("AdaptiveMaxPool2d places", m("AdaptiveMaxPool2d", (None, 1), True), (SPREAD,)),
    Case("LPPool2d", m("LPPool2d", 2, 2, ceil_mode=True), (X,)),
    Case("LPPool1d", m("LPPool1d", 4, 3, 1), ((2, 3, 7),)),
]  # fmt: skip

ERRORS: list[tuple[str, Any]] = [
    ("groups", lambda lib: lib.nn.GroupNorm(3, 4)),
    ("group_norm", lambda lib: f("group_norm", 3)(lib)(lib.zeros(2, 4))),
    ("instance rank", lambda lib: lib.nn.InstanceNorm2d(4)(lib.zeros(2, 4))),
    ("instance channels", lambda lib: lib.nn.InstanceNorm1d(4, affine=True)(lib.zeros(2, 3, 4))),
    ("instance of one", lambda lib: lib.nn.InstanceNorm1d(4)(lib.zeros(2, 4, 1))),
    ("rms", lambda lib: lib.nn.RMSNorm(4)(lib.zeros(2, 3))),
    ("response", lambda lib: lib.nn.LocalResponseNorm(2)(lib.zeros(2, 3))),
    ("bilinear", lambda lib: lib.nn.Bilinear(2, 3, 4)(lib.zeros(2, 3), lib.zeros(2, 3))),
    ("no size", lambda lib: f("interpolate")(lib)(lib.zeros(1, 1, 2))),
    ("both", lambda lib: f("interpolate", 2, 2)(lib)(lib.zeros(1, 1, 2))),
    ("corners", lambda lib: f("interpolate", 2, align_corners=True)(lib)(lib.zeros(1, 1, 2))),
    ("mode", lambda lib: f("interpolate", 2, mode="bilinear")(lib)(lib.zeros(1, 1, 2))),
    ("sizes", lambda lib: f("interpolate", (2, 2))(lib)(lib.zeros(1, 1, 2))),
    ("shuffle", lambda lib: f("pixel_shuffle", 2)(lib)(lib.zeros(1, 3, 2, 2))),
    ("unshuffle", lambda lib: f("pixel_unshuffle", 2)(lib)(lib.zeros(1, 3, 3, 2))),
    ("channels", lambda lib: f("channel_shuffle", 2)(lib)(lib.zeros(1, 3, 3, 2))),
    ("pool rank", lambda lib: lib.nn.AdaptiveMaxPool2d(2)(lib.zeros(3, 3))),
]  # fmt: skip
