"""Rectifiers, shrinkages, gates and dropouts."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case

# Both sides of every bend, and the bends.
X = np.asarray([-7.5, -3.0, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 4.5])
MODULES: dict[str, Any] = {
    "SELU": lambda nn: nn.SELU(),
    "CELU": lambda nn: nn.CELU(),
    "CELU 0.5": lambda nn: nn.CELU(0.5),
    "Hardsigmoid": lambda nn: nn.Hardsigmoid(),
    "Hardswish": lambda nn: nn.Hardswish(),
    "Mish": lambda nn: nn.Mish(),
    "Hardshrink": lambda nn: nn.Hardshrink(),
    "Softshrink": lambda nn: nn.Softshrink(1.0),
    "Softsign": lambda nn: nn.Softsign(),
    "Tanhshrink": lambda nn: nn.Tanhshrink(),
    "Threshold": lambda nn: nn.Threshold(0.5, -20.0),
    "PReLU": lambda nn: nn.PReLU(),
}


def in_place(name: str, *args: Any) -> Any:
    """A function that overwrites its input."""
    return lambda lib: lambda x: getattr(lib.nn.functional, name)(x * 1, *args, inplace=True)


def function(name: str, *args: Any, **words: Any) -> Any:
    """A function with settings."""
    return lambda lib: lambda *xs: getattr(lib.nn.functional, name)(*xs, *args, **words)


def rough(name: str) -> float:
    """PyTorch's hard sigmoid has a float32 in its float64 gradient."""
    return 1e-7 if name.lower().startswith("hardsigmoid") else 1e-9


CASES = [
    *(Case(name, lambda lib, make=make: make(lib.nn), (X,), tolerance=rough(name))
      for name, make in MODULES.items()),
    *(Case(f"{name} drawn", function(name), ((3, 4),), second=True, tolerance=rough(name))
      for name in ("selu", "celu", "hardsigmoid", "hardswish", "mish", "hardshrink", "softshrink",
                   "softsign", "tanhshrink", "glu")),
    *(Case(f"{name}_", in_place(name), (X,), tolerance=rough(name))
      for name in ("selu", "celu", "hardsigmoid", "hardswish", "mish", "rrelu")),
    Case("threshold_", in_place("threshold", 0.5, 2.0), (X,)),
    Case("SELU in place", lambda lib: lib.nn.SELU(True), (X,), call=lambda f, x: f(x * 1)),
    Case("Threshold in place", lambda lib: lib.nn.Threshold(0.1, 2, inplace=True), (X,),
         call=lambda f, x: f(x * 1)),
    Case("RReLU", lambda lib: lib.nn.RReLU(0.2, 0.5), (X,), train=False),
    Case("PReLU channels", lambda lib: lib.nn.PReLU(3, 0.1), ((2, 3, 4),), second=True),
    Case("PReLU rows", lambda lib: lib.nn.PReLU(3), ((2, 3),)),
    Case("prelu of numbers", function("prelu"), ((), (1,))),
    Case("GLU", lambda lib: lib.nn.GLU(1), ((2, 4, 3),)),
    Case("Softmin", lambda lib: lib.nn.Softmin(1), ((2, 4, 3),)),
    Case("Softmax2d", lambda lib: lib.nn.Softmax2d(), ((2, 4, 3, 2),)),
    Case("Softmax2d of one", lambda lib: lib.nn.Softmax2d(), ((4, 3, 2),)),
    Case("dropouts at rest", lambda lib: lib.nn.Sequential(
        lib.nn.Dropout1d(), lib.nn.AlphaDropout(0.2), lib.nn.Dropout1d(0.3, True)), ((2, 3, 4),),
        train=False),
    Case("dropouts 3d at rest", lambda lib: lib.nn.Sequential(
        lib.nn.Dropout3d(), lib.nn.FeatureAlphaDropout(0.2)), ((2, 3, 4, 2, 2),), train=False),
    Case("dropouts of all", lambda lib: lib.nn.Sequential(
        lib.nn.Dropout1d(1.0), lib.nn.AlphaDropout(1.0)), ((2, 3, 4),)),
]  # fmt: skip

ERRORS: list[tuple[str, Any]] = [
    ("celu 0", lambda lib: lib.nn.functional.celu(lib.zeros(2), 0.0)),
    ("softshrink", lambda lib: lib.nn.functional.softshrink(lib.zeros(2), -1.0)),
    ("glu odd", lambda lib: lib.nn.functional.glu(lib.zeros(3))),
    ("glu number", lambda lib: lib.nn.functional.glu(lib.tensor(1.0))),
    ("prelu channels", lambda lib: lib.nn.PReLU(3)(lib.zeros(2, 4))),
    ("softmax2d", lambda lib: lib.nn.Softmax2d()(lib.zeros(2, 4))),
    ("mish of integers", lambda lib: lib.nn.functional.mish(lib.tensor([1]))),
    ("dropout1d", lambda lib: lib.nn.Dropout1d()(lib.zeros(3))),
    ("alpha", lambda lib: lib.nn.AlphaDropout(1.5)),
    ("in place", lambda lib: lib.nn.functional.selu(
        lib.zeros(2, requires_grad=True), inplace=True)),
]  # fmt: skip
