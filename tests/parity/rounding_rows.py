"""What is surveyed for its rounding: functions of a library and float tensors, by name.

A row makes its arguments from a random generator; what it returns (tensors) is compared with the
same in float64.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
Make = Callable[[np.random.Generator], list[Array]]


@dataclass(frozen=True)
class Row:
    """`run(library, *tensors)` gives tensors; `make` the arrays, floating-point ones in float32."""

    name: str
    what: str  # shapes and the like
    run: Callable[..., Any]
    make: Make


SMALL: tuple[Shape, ...] = ((5,), (100,), (1000,), (2, 3), (50, 3), (3, 50), (64, 64), (128, 100))
MIDDLE: tuple[Shape, ...] = ((32, 16, 8, 8), (4096, 3), (3, 4096), (100_000, 2), (2, 100_000))
MORE: tuple[Shape, ...] = ((1000, 784), (784, 1000), (64, 32, 28, 28), (700_000,), (40, 50, 300))
LARGE: tuple[Shape, ...] = ((5_000_000,), (1_500_000, 3), (3, 1_500_000), (2000, 32, 8, 8))
SIZES = {"small": SMALL, "middle": MIDDLE, "more": MORE, "large": LARGE}


def axes(ndim: int) -> Iterator[tuple[int, ...]]:
    """Every choice of some axes."""
    for count in range(1, ndim + 1):
        yield from itertools.combinations(range(ndim), count)


def uniform(shape: Shape, layout: str = "C") -> Make:
    """Elements from 0 to 1, with memory in that order, or as every second column."""

    def make(rng: np.random.Generator) -> list[Array]:
        if layout == "spread":
            return [rng.random((*shape[:-1], 2 * shape[-1]), dtype=np.float32)[..., ::2]]
        return [np.asarray(rng.random(shape, dtype=np.float32), order=layout)]  # type: ignore[call-overload]

    return make


def normal(*shapes: Shape, mean: float = 0.0) -> Make:
    """Normal numbers of each shape."""
    return lambda rng: [
        (rng.standard_normal(s, dtype=np.float32) + np.float32(mean)).astype(np.float32)
        for s in shapes
    ]


# Reductions of x over dims (a tuple), and of those along one dim.
OVER: dict[str, Callable[..., Any]] = {
    "sum": lambda m, x, d: x.sum(d),
    "mean": lambda m, x, d: x.mean(d),
    "nansum": lambda m, x, d: m.nansum(x, d),
    "nanmean": lambda m, x, d: m.nanmean(x, d),
    "var": lambda m, x, d: x.var(d),
    "var of a large mean": lambda m, x, d: (x + 8).var(d),
    "std": lambda m, x, d: x.std(d),
    "var_mean": lambda m, x, d: m.var_mean(x, d),
    "logsumexp": lambda m, x, d: x.logsumexp(d),
    "norm": lambda m, x, d: m.linalg.vector_norm(x, 2, d),
    "norm of 1": lambda m, x, d: m.linalg.vector_norm(x, 1, d),
    "norm of 3": lambda m, x, d: m.linalg.vector_norm(x, 3, d),
    "mean of squares": lambda m, x, d: ((x - 0.5) ** 2).mean(d),
}
ALONG: dict[str, Callable[..., Any]] = {
    "prod": lambda m, x, d: (x + 0.5).prod(d),
    "cumsum": lambda m, x, d: x.cumsum(d),
    "cumprod": lambda m, x, d: (x * 0.01 + 0.995).cumprod(d),
    "logcumsumexp": lambda m, x, d: x.logcumsumexp(d),
    "softmax": lambda m, x, d: x.softmax(d),
    "log_softmax": lambda m, x, d: x.log_softmax(d),
    "normalize": lambda m, x, d: m.nn.functional.normalize(x, dim=d),
    "trapezoid": lambda m, x, d: m.trapezoid(x, dim=d),
}


def gradients(function: Callable[..., Any], count: int = 1) -> Callable[..., Any]:
    """The gradients of a function's first arguments; the last argument is the cotangent."""

    def run(m: Any, *tensors: Any) -> Any:
        *inputs, g = tensors
        wanted = [t.detach().requires_grad_() for t in inputs[:count]]
        y = function(m, *wanted, *inputs[count:])
        found = m.autograd.grad(y, wanted, g.reshape(y.shape) if g.numel() > 1 else None)
        return list(found)

    return run


def reductions(shapes: Sequence[Shape], layouts: Sequence[str] = ("C", "F", "spread")) -> Any:
    """Values over every choice of axes and in every order of memory."""
    for shape in shapes:
        for layout in layouts:
            if layout == "F" and len(shape) < 2:
                continue
            make, where = uniform(shape, layout), f"{shape} {layout}"
            for d in axes(len(shape)):
                for name, run in OVER.items():
                    yield Row(name, f"{where} over {d}", _bound(run, d), make)
                if len(d) == 1:
                    for name, run in ALONG.items():
                        yield Row(name, f"{where} along {d[0]}", _bound(run, d[0]), make)


def _bound(run: Callable[..., Any], d: Any) -> Callable[..., Any]:
    return lambda m, x: run(m, x, d)


def reduction_gradients(shapes: Sequence[Shape]) -> Any:
    """dL/dx of the same, with drawn cotangents."""
    for shape in shapes:
        for d in axes(len(shape)):
            left = tuple(n for k, n in enumerate(shape) if k not in d) or (1,)
            for name, run in OVER.items():
                if name == "var_mean":
                    continue
                function = _bound(run, d)
                yield Row(
                    f"gradient of {name}",
                    f"{shape} over {d}",
                    gradients(function),
                    both(uniform(shape), normal(left)),
                )
            if len(d) == 1:
                for name, run in ALONG.items():
                    out = left if name in ("prod", "trapezoid") else shape
                    yield Row(
                        f"gradient of {name}",
                        f"{shape} along {d[0]}",
                        gradients(_bound(run, d[0])),
                        both(uniform(shape), normal(out)),
                    )


def both(*makes: Make) -> Make:
    """What each of them makes, one after the other."""
    return lambda rng: [a for make in makes for a in make(rng)]


def broadcasts(shapes: Sequence[Shape]) -> Any:
    """dL/db of what b was broadcast into, over every choice of axes."""
    for shape in shapes:
        for d in axes(len(shape)):
            small = tuple(1 if k in d else n for k, n in enumerate(shape))
            for name, run in (
                ("un-broadcasting of +", lambda m, b, x: x + b),
                ("un-broadcasting of ·", lambda m, b, x: x * b),
            ):
                make = both(normal(small), uniform(shape), uniform(shape))
                yield Row(name, f"{shape} over {d}", gradients(run), make)


LOSSES: dict[str, tuple[Callable[..., Any], str]] = {
    "mse_loss": (lambda F, x, y, r: F.mse_loss(x, y, reduction=r), "normal"),
    "l1_loss": (lambda F, x, y, r: F.l1_loss(x, y, reduction=r), "normal"),
    "smooth_l1_loss": (lambda F, x, y, r: F.smooth_l1_loss(x, y, reduction=r), "normal"),
    "huber_loss": (lambda F, x, y, r: F.huber_loss(x, y, reduction=r), "normal"),
    "binary_cross_entropy": (
        lambda F, x, y, r: F.binary_cross_entropy(x.sigmoid(), y.sigmoid(), reduction=r),
        "normal",
    ),
    "binary_cross_entropy_with_logits": (
        lambda F, x, y, r: F.binary_cross_entropy_with_logits(x, y.sigmoid(), reduction=r),
        "normal",
    ),
    "kl_div": (
        lambda F, x, y, r: F.kl_div(x.log_softmax(-1), y.softmax(-1), reduction=r),
        "normal",
    ),
    "poisson_nll_loss": (lambda F, x, y, r: F.poisson_nll_loss(x, y.abs(), reduction=r), "normal"),
    "gaussian_nll_loss": (
        lambda F, x, y, r: F.gaussian_nll_loss(x, y, y.abs() + 1, reduction=r),
        "normal",
    ),
    "soft_margin_loss": (lambda F, x, y, r: F.soft_margin_loss(x, y.sign(), reduction=r), "normal"),
    "hinge_embedding_loss": (
        lambda F, x, y, r: F.hinge_embedding_loss(x, y.sign(), reduction=r),
        "normal",
    ),
    "cross_entropy of shares": (
        lambda F, x, y, r: F.cross_entropy(x, y.softmax(1), reduction=r),
        "normal",
    ),
    "cross_entropy": (
        lambda F, x, y, r: F.cross_entropy(x, y.argmax(1), reduction=r),
        "normal",
    ),
    "cross_entropy, smoothed": (
        lambda F, x, y, r: F.cross_entropy(x, y.argmax(1), reduction=r, label_smoothing=0.1),
        "normal",
    ),
    "cross_entropy, weighted": (
        lambda F, x, y, r: F.cross_entropy(
            x, y.argmax(1), x.detach()[0].abs() + 0.1 if x.ndim == 2 else None, reduction=r
        ),
        "normal",
    ),
    "nll_loss": (
        lambda F, x, y, r: F.nll_loss(x.log_softmax(1), y.argmax(1), reduction=r),
        "normal",
    ),
    "multi_margin_loss": (
        lambda F, x, y, r: F.multi_margin_loss(x, y.argmax(1), reduction=r),
        "matrix",
    ),
    "multilabel_soft_margin_loss": (
        lambda F, x, y, r: F.multilabel_soft_margin_loss(x, (y > 0).to(x.dtype), reduction=r),
        "matrix",
    ),
    "cosine_embedding_loss": (
        lambda F, x, y, r: F.cosine_embedding_loss(x, y, y[:, 0].sign(), reduction=r),
        "matrix",
    ),
    "triplet_margin_loss": (
        lambda F, x, y, r: F.triplet_margin_loss(x, y, x.flip(0), reduction=r),
        "matrix",
    ),
}


def losses(shapes: Sequence[Shape]) -> Any:
    """Values and gradients of losses of x and a target."""
    for shape in shapes:
        for name, (loss, kind) in LOSSES.items():
            if len(shape) < 2 or (kind == "matrix" and len(shape) != 2):
                continue
            for reduction in ("mean", "sum", "none"):
                run = _loss(loss, reduction)
                where = f"{shape} {reduction}"
                yield Row(name, where, run, normal(shape, shape))
                if reduction != "none":
                    make = normal(shape, shape, (1,))
                    yield Row(f"gradient of {name}", where, gradients(run), make)


def _loss(loss: Callable[..., Any], reduction: str) -> Callable[..., Any]:
    return lambda m, x, y: loss(m.nn.functional, x, y, reduction)


def norms(shapes: Sequence[Shape], mean: float) -> Any:
    """Normalisations: values and the gradients of the input, the weight and the bias."""
    for shape in shapes:
        if len(shape) < 2:
            continue
        c = (shape[1],)
        kinds: dict[str, tuple[Callable[..., Any], Shape]] = {
            "batch_norm": (
                lambda m, x, w, b: m.nn.functional.batch_norm(x, None, None, w, b, True),
                c,
            ),
            "layer_norm": (
                lambda m, x, w, b: m.nn.functional.layer_norm(x, tuple(w.shape), w, b),
                shape[1:],
            ),
            "group_norm": (
                lambda m, x, w, b: m.nn.functional.group_norm(x, 1, w, b),
                c,
            ),
        }
        if len(shape) > 2:
            kinds["instance_norm"] = (
                lambda m, x, w, b: m.nn.functional.instance_norm(x, None, None, w, b),
                c,
            )
        for name, (run, size) in kinds.items():
            where = f"{shape} mean {mean}"
            yield Row(name, where, run, both(normal(shape, mean=mean), normal(size, size)))
            yield Row(
                f"gradients of {name}",
                where,
                gradients(run, 3),
                both(normal(shape, mean=mean), normal(size, size), normal(shape)),
            )
        yield Row(
            "batch_norm's running statistics",
            f"{shape} mean {mean}",
            _running,
            normal(shape, mean=mean),
        )
        yield Row(
            "gradients of rms_norm",
            f"{shape} mean {mean}",
            gradients(lambda m, x, w: m.nn.functional.rms_norm(x, tuple(w.shape), w), 2),
            both(normal(shape, shape[1:], mean=mean), normal(shape)),
        )


def _running(m: Any, x: Any) -> Any:
    mean, var = m.zeros(x.shape[1], dtype=x.dtype), m.ones(x.shape[1], dtype=x.dtype)
    for _ in range(3):
        m.nn.functional.batch_norm(x, mean, var, None, None, True)
    return [mean, var]


def steps() -> Any:
    """Parameters after ten steps of each optimizer."""
    words: dict[str, dict[str, Any]] = {
        "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-3},
        "Adam": {"lr": 1e-2, "weight_decay": 1e-3},
        "AdamW": {"lr": 1e-2},
        "NAdam": {"lr": 1e-2},
        "RAdam": {"lr": 1e-2},
        "Adamax": {"lr": 1e-2},
        "Adagrad": {"lr": 1e-2},
        "Adadelta": {"lr": 1.0},
        "RMSprop": {"lr": 1e-2, "momentum": 0.9, "centered": True},
        "ASGD": {"lr": 1e-2},
        "Rprop": {"lr": 1e-2},
    }
    for name, kw in words.items():
        for shape in ((7,), (100, 30), (1000, 300)):
            yield Row(f"optim.{name}", str(shape), _steps(name, kw), normal(shape, (10, *shape)))
    yield Row("clip_grad_norm_", "(1000, 300)", _clip, normal((1000, 300), (300,)))


def _steps(name: str, kw: dict[str, Any]) -> Callable[..., Any]:
    def run(m: Any, x: Any, gradient: Any) -> Any:
        p = m.nn.Parameter(x.clone())
        optimizer = getattr(m.optim, name)([p], **kw)
        for g in gradient:
            p.grad = g.clone()
            optimizer.step()
        return p.detach()

    return run


def _clip(m: Any, x: Any, y: Any) -> Any:
    made = [m.nn.Parameter(t.clone()) for t in (x, y)]
    for p in made:
        p.grad = p.detach().clone()
    total = m.nn.utils.clip_grad_norm_(made, 1.0)
    return [total, *[p.grad for p in made]]


def products() -> Any:
    """Sums of products, sums over equal indices, and their gradients."""
    for n, k, j in ((3, 5, 4), (32, 100, 10), (64, 784, 100), (2000, 30, 20), (100_000, 4, 3)):
        shapes = (n, k), (j, k), (j,)
        where = f"({n}, {k}) → {j}"
        yield Row(
            "linear", where, lambda m, x, w, b: m.nn.functional.linear(x, w, b), normal(*shapes)
        )
        yield Row(
            "gradients of linear",
            where,
            gradients(lambda m, x, w, b: m.nn.functional.linear(x, w, b), 3),
            normal(*shapes, (n, j)),
        )
        yield Row("matmul", where, lambda m, x, w: x @ w.T, uniform_of((n, k), (j, k)))
        yield Row("cdist", where, lambda m, x, w: m.cdist(x[:500], w), normal((n, k), (j, k)))
        yield Row("cov", where, lambda m, x: m.cov(x.T), normal((n, k), mean=3))
        yield Row("corrcoef", where, lambda m, x: m.corrcoef(x.T), normal((n, k), mean=3))
        yield Row(
            "einsum", where, lambda m, x, w: m.einsum("nk,jk->j", x, w), uniform_of((n, k), (j, k))
        )
        yield Row(
            "cosine_similarity",
            where,
            lambda m, x: m.nn.functional.cosine_similarity(x, x.flip(0)),
            normal((n, k)),
        )
        yield Row(
            "pairwise_distance",
            where,
            lambda m, x: m.nn.functional.pairwise_distance(x, x.flip(0)),
            normal((n, k)),
        )
    for n in (1000, 100_000, 2_000_000):
        yield Row("dot", str(n), lambda m, x, y: m.dot(x, y), uniform_of((n,), (n,)))
        yield Row("index_add", str(n), _index_add, uniform_of((n, 2)))
        yield Row("scatter_add", str(n), _scatter_add, uniform_of((n,)))
        yield Row("bincount", str(n), lambda m, x: m.bincount((x * 7).long(), x), uniform_of((n,)))
        yield Row(
            "gradient of embedding",
            str(n),
            gradients(_embedding),
            both(normal((7, 2)), uniform((n,)), uniform((n, 2))),
        )


def uniform_of(*shapes: Shape) -> Make:
    """Elements from 0 to 1 of each shape."""
    return both(*[uniform(s) for s in shapes])


def _places(m: Any, x: Any) -> Any:
    return (x.detach() * 7).long()


def _index_add(m: Any, x: Any) -> Any:
    return m.zeros(7, 2, dtype=x.dtype).index_add(0, _places(m, x[:, 0]), x)


def _scatter_add(m: Any, x: Any) -> Any:
    return m.zeros(7, dtype=x.dtype).scatter_add(0, _places(m, x), x)


def _embedding(m: Any, w: Any, x: Any) -> Any:
    return m.nn.functional.embedding(_places(m, x), w)


def pools() -> Any:
    """Means of windows and what sums over images."""
    for shape in ((2, 3, 9, 9), (8, 16, 32, 32)):
        for name, run in (
            ("avg_pool2d", lambda m, x: m.nn.functional.avg_pool2d(x, 3, 2, 1)),
            ("adaptive_avg_pool2d", lambda m, x: m.nn.functional.adaptive_avg_pool2d(x, 2)),
            ("lp_pool2d", lambda m, x: m.nn.functional.lp_pool2d(x.abs(), 2.0, 3)),
            (
                "interpolate",
                lambda m, x: m.nn.functional.interpolate(x, scale_factor=1.7, mode="bilinear"),
            ),
            ("local_response_norm", lambda m, x: m.nn.functional.local_response_norm(x, 3)),
        ):
            yield Row(name, str(shape), run, uniform(shape))


def rows(size: str) -> list[Row]:
    """All rows, with arrays of a size of `SIZES`."""
    shapes = SIZES[size]
    found = [*reductions(shapes[:3], ("C",))] if size == "large" else [*reductions(shapes)]
    found += [*reduction_gradients(shapes), *broadcasts(shapes), *losses(shapes)]
    for mean in (0.0, 3.0):
        found += norms(shapes, mean)
    if size == "small":
        found += [*steps(), *products(), *pools()]
    return found
