"""Weights that are computed from others."""

from __future__ import annotations

from typing import Any

from .case import Case

X = (3, 4)


def normal(where: str, name: str, *args: Any, layer: Any = None, **words: Any) -> Any:
    """A layer with a normalised weight."""

    def make(lib: Any) -> Any:
        place = lib.nn.utils.parametrizations if where == "new" else lib.nn.utils
        made = layer(lib.nn) if layer else lib.nn.Linear(4, 2)
        return getattr(place, name)(made, *args, **words)

    return make


def symmetric(lib: Any) -> Any:
    """A layer whose weight is a sum of two."""

    class Twice(lib.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, w: Any) -> Any:
            return w * w + 1

    layer = lib.nn.Linear(4, 2)
    lib.nn.utils.parametrize.register_parametrization(layer, "weight", Twice())
    assert lib.nn.utils.parametrize.is_parametrized(layer, "weight")
    return layer


def removed(where: str, name: str) -> Any:
    """A layer whose weight was normalised for a while."""

    def make(lib: Any) -> Any:
        layer = normal(where, name)(lib)
        if where == "new":
            return lib.nn.utils.parametrize.remove_parametrizations(layer, "weight")
        return getattr(lib.nn.utils, f"remove_{name}")(layer)

    return make


def image(nn: Any) -> Any:
    """A convolution."""
    return nn.Conv2d(3, 2, 3)


def turned(nn: Any) -> Any:
    """A transposed convolution."""
    return nn.ConvTranspose2d(3, 2, 3)


CASES = [
    Case("weight_norm", normal("new", "weight_norm"), (X,)),
    Case("weight_norm image", normal("new", "weight_norm", dim=1, layer=image), ((2, 3, 4, 4),)),
    Case("weight_norm of all", normal("new", "weight_norm", dim=None), (X,)),
    Case("weight_norm old", normal("old", "weight_norm"), (X,)),
    Case("spectral_norm", normal("new", "spectral_norm"), (X,), second=False),
    Case("spectral_norm rest", normal("new", "spectral_norm"), (X,), train=False),
    Case("spectral_norm image", normal("new", "spectral_norm", n_power_iterations=3, layer=turned),
         ((2, 3, 4, 4),)),
    Case("spectral_norm old", normal("old", "spectral_norm"), (X,)),
    Case("spectral_norm old rest", normal("old", "spectral_norm"), (X,), train=False),
    Case("parametrised", symmetric, (X,)),
    *(Case(f"{name} {where} removed", removed(where, name), (X,))
      for name in ("weight_norm", "spectral_norm") for where in ("new", "old")),
]  # fmt: skip

ERRORS: list[tuple[str, Any]] = [
    ("no weight", lambda lib: normal("new", "weight_norm", "w")(lib)),
    ("not there", lambda lib: lib.nn.utils.remove_weight_norm(lib.nn.Linear(2, 2))),
    ("not there either", lambda lib: lib.nn.utils.remove_spectral_norm(lib.nn.Linear(2, 2))),
    ("not parametrised", lambda lib: lib.nn.utils.parametrize.remove_parametrizations(
        lib.nn.Linear(2, 2), "weight")),
    ("no iterations", lambda lib: lib.nn.utils.spectral_norm(
        lib.nn.Linear(2, 2), n_power_iterations=0)),
]  # fmt: skip
