"""What was once found to differ from PyTorch: of each kind an example."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case

INF, NAN = np.inf, np.nan
HALF = np.asarray([[0.0, 1.0], [-1.0, 4.0]])
IMAGE = np.arange(2 * 3 * 4, dtype=float).reshape(1, 2, 3, 4) ** 1.5
ONE_NAN = np.where(IMAGE == 1, NAN, IMAGE)


def f(name: str, *args: Any, **words: Any) -> Any:
    """A function of the inputs, with arguments behind them."""
    return lambda lib: lambda *xs: getattr(lib.nn.functional, name)(*xs, *args, **words)


def m(name: str, *args: Any, **words: Any) -> Any:
    """A module with settings."""
    return lambda lib: getattr(lib.nn, name)(*args, **words)


def packed(lib: Any) -> Any:
    """A projected LSTM over sequences of different lengths."""
    rnn = lib.nn.utils.rnn
    net = lib.nn.LSTM(2, 3, num_layers=2, bidirectional=True, proj_size=2)

    class Net(lib.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Any) -> Any:
            out, state = self.net(rnn.pack_padded_sequence(x, [2, 4, 1], enforce_sorted=False))
            return rnn.pad_packed_sequence(out)[0], state

    return Net()


def no_classes(reduction: str) -> Any:
    """Cross entropy of no classes."""
    return lambda lib: lambda x, p: lib.nn.functional.cross_entropy(x, p, reduction=reduction)


def all_ignored(reduction: str) -> Any:
    """Nothing counts, and there is no class that could."""

    def call(lib: Any) -> Any:
        def losses(x: Any) -> list[Any]:
            target = lib.tensor([-100, -100]).to(x.device)
            functions = lib.nn.functional.nll_loss, lib.nn.functional.cross_entropy
            return [loss(x, target, reduction=reduction) for loss in functions]

        return losses

    return call


CASES = [
    # ReLU's gradient is 0 where it cut, also if what comes from above is infinite.
    Case("sqrt of relu", lambda lib: lambda x: x.relu().sqrt(), (HALF,), finite=False),
    Case("lp_pool1d at 0", f("lp_pool1d", 2, 1), (np.asarray([[0.0, 2.0, 0.0]]),), finite=False),
    Case(
        "prelu beside an infinity",
        f("prelu"),
        (np.asarray([[INF, -2.0]]), np.asarray([0.5])),
        finite=False,
    ),
    Case(
        "threshold of NaN", f("threshold", 0.5, 20.0), (np.asarray([NAN, 1.0, 0.0]),), finite=False
    ),
    # Inputs broadcast before lengths are taken.
    Case("cosine_similarity of one", f("cosine_similarity", dim=0), ((3,), (1,))),
    Case("cosine_similarity of ranks", f("cosine_similarity", dim=1), ((2, 3), (3,))),
    Case("linear to one", f("linear"), ((2, 3), (3,))),
    Case(
        "linear with one bias",
        lambda lib: lambda x, w, b: lib.nn.functional.linear(x, w, b),
        ((2, 3), (4, 3), ()),
    ),
    # Empty batches, no classes.
    Case("adaptive_max_pool2d of none", f("adaptive_max_pool2d", (3, 2)), ((0, 2, 4, 5),)),
    *(
        Case(f"no classes {r}", no_classes(r), ((2, 0), (2, 0)), finite=False)
        for r in ("none", "sum", "mean")
    ),
    *(
        Case(f"all ignored {r}", all_ignored(r), ((2, 0),), finite=False)
        for r in ("none", "sum", "mean")
    ),
    # Padding that takes away, places beside a NaN.
    *(
        Case(f"pad {mode} and cut", f("pad", (-1, 2, 1, -1), mode), (IMAGE,))
        for mode in ("reflect", "replicate", "circular", "constant")
    ),
    Case(
        "bilinear beside NaN",
        f("interpolate", size=(3, 5), mode="bilinear"),
        (ONE_NAN,),
        finite=False,
    ),
    *(
        Case(
            f"{mode} antialias", f("interpolate", size=(2, 3), mode=mode, antialias=True), (IMAGE,)
        )
        for mode in ("bilinear", "bicubic")
    ),
    # Keywords.
    *(
        Case(
            f"{name} weight {r}",
            lambda lib, name=name, r=r: (
                lambda x, t, w: getattr(lib.nn.functional, name)(x, t, reduction=r, weight=w * w)
            ),
            ((2, 3),) * 3,
        )
        for name in ("mse_loss", "l1_loss", "huber_loss")
        for r in ("none", "sum", "mean")
    ),
    Case(
        "InstanceNorm1d without bias", m("InstanceNorm1d", 2, affine=True, bias=False), ((2, 2, 3),)
    ),
    Case("LSTM with a projection", m("LSTM", 2, 3, 2, proj_size=2, batch_first=True), ((2, 4, 2),)),
    Case("packed LSTM with a projection", packed, ((4, 3, 2),)),
]

ERRORS: list[tuple[str, Any]] = [
    ("group norm of one", lambda lib: lib.nn.functional.group_norm(lib.zeros(1, 2), 2)),
    ("fused and foreach", lambda lib: lib.optim.Adam(
        [lib.zeros(1, requires_grad=True)], fused=True, foreach=True)),
    ("zeros for unused", lambda lib: lib.autograd.grad(
        lib.ones(1, requires_grad=True) * 2, lib.ones(1, requires_grad=True), allow_unused=False,
        materialize_grads=True)),
    ("weights of another shape", lambda lib: lib.nn.functional.mse_loss(
        lib.zeros(2), lib.zeros(2), weight=lib.zeros(1))),
    ("an ignored target does not hide another", lambda lib: lib.nn.functional.nll_loss(
        lib.zeros(2, 0), lib.tensor([-100, 0]))),
    ("nothing left", lambda lib: lib.nn.functional.pad(lib.zeros(1, 1), (0, -1), "replicate")),
]  # fmt: skip
