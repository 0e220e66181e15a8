"""Padding, and convolutions that pad by themselves."""

from __future__ import annotations

from typing import Any

from .case import Case

MODES = ("reflect", "replicate", "circular")
IMAGE = (2, 3, 4, 5)


def pad(*args: Any, **words: Any) -> Any:
    """`functional.pad` with settings."""
    return lambda lib: lambda x: lib.nn.functional.pad(x, *args, **words)


CASES = [
    *(Case(f"pad {mode}", pad((2, 1, 3, 0), mode), (IMAGE,)) for mode in MODES),
    *(Case(f"pad {mode} line", pad((1, 2), mode), ((2, 4),), second=True) for mode in MODES),
    *(Case(f"pad {mode} volume", pad((1, 1, 0, 2, 1, 0), mode), ((2, 1, 2, 3, 3),))
      for mode in MODES),
    *(Case(f"pad {mode} less", pad((-1, 2, 1, -2), mode), (IMAGE,)) for mode in MODES),
    Case("pad constant less", pad((-1, 2, 1, -2), "constant", 1.5), (IMAGE,)),
    Case("pad to nothing", pad((-2, -3)), (IMAGE,)),
    *(Case(f"{kind}Pad{d}d", lambda lib, kind=kind, d=d: getattr(lib.nn, f"{kind}Pad{d}d")(1),
           ((2, 2, 3, 4, 5)[: d + 2],))
      for kind in ("Reflection", "Replication", "Zero", "Circular") for d in (1, 2, 3)),
    *(Case(f"ConstantPad{d}d",
           lambda lib, d=d: getattr(lib.nn, f"ConstantPad{d}d")(tuple(range(2 * d)), -2.5),
           ((2, 3, 4, 5)[: d + 1],)) for d in (1, 2, 3)),
    *(Case(f"Conv2d {mode}", lambda lib, mode=mode: lib.nn.Conv2d(3, 2, 3, 2, (1, 2),
           padding_mode=mode), (IMAGE,)) for mode in MODES),
    Case("Conv1d same circular", lambda lib: lib.nn.Conv1d(
        3, 2, 4, padding="same", padding_mode="circular", bias=False), ((2, 3, 7),)),
    Case("ConvTranspose1d", lambda lib: lib.nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2), ((2, 4, 5),)),
    Case("ConvTranspose1d one", lambda lib: lib.nn.ConvTranspose1d(4, 2, 3, dilation=2), ((4, 5),)),
    Case("ConvTranspose2d size", lambda lib: lib.nn.ConvTranspose2d(3, 2, 3, 2, 1), (IMAGE,),
         call=lambda layer, x: layer(x, (8, 9))),
    Case("ConvTranspose1d size", lambda lib: lib.nn.ConvTranspose1d(3, 2, 3, 3), ((2, 3, 4),),
         call=lambda layer, x: layer(x, output_size=[2, 2, 13])),
]  # fmt: skip

ERRORS: list[tuple[str, Any]] = [
    ("odd", lambda lib: pad((1,))(lib)(lib.zeros(2, 3))),
    ("more than there is", lambda lib: pad((1, 1, 1, 1))(lib)(lib.zeros(3))),
    ("mode", lambda lib: pad((1, 1), "mirror")(lib)(lib.zeros(2, 3))),
    ("reflect too far", lambda lib: pad((3, 1), "reflect")(lib)(lib.zeros(2, 3))),
    ("circular too far", lambda lib: pad((4, 1), "circular")(lib)(lib.zeros(2, 3))),
    ("rank", lambda lib: pad((1, 1), "reflect")(lib)(lib.zeros(1, 1, 1, 2, 3))),
    ("less than nothing", lambda lib: pad((-2, -2))(lib)(lib.zeros(2, 3))),
    ("a value to reflect", lambda lib: pad((1, 1), "reflect", 2.0)(lib)(lib.zeros(2, 3))),
    ("conv mode", lambda lib: lib.nn.Conv2d(1, 1, 1, padding_mode="mirror")),
    ("transposed mode", lambda lib: lib.nn.ConvTranspose2d(1, 1, 1, padding_mode="reflect")),
    ("transposed size", lambda lib: lib.nn.ConvTranspose2d(1, 1, 3, 2)(
        lib.zeros(1, 1, 4, 4), (4, 4))),
    ("transposed sizes", lambda lib: lib.nn.ConvTranspose1d(1, 1, 3, 2)(
        lib.zeros(1, 1, 4), (4, 4))),
]  # fmt: skip
