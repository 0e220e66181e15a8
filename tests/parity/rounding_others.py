"""Sums that other operations make, surveyed for their rounding as those of `rounding_rows.py`.

Large windows, long sequences, many numbers into few places, sums of products, norms of many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .rounding_rows import Make, Row, Shape, both, gradients, normal, uniform, uniform_of

Run = Callable[..., Any]
BINS = 7


def others() -> Iterator[Row]:
    """Values, and gradients with drawn cotangents, of everything below."""
    for rows in (windows, places, products, sequences, distances, series, norms_of_many):
        yield from rows()


def both_ways(
    name: str, what: str, run: Run, make: Make, result: Shape, count: int = 1
) -> Iterator[Row]:
    """A function's values, and the gradients of its first `count` arguments."""
    yield Row(name, what, run, make)
    yield Row(f"gradients of {name}", what, gradients(run, count), both(make, normal(result)))


def windows() -> Iterator[Row]:
    """Means of large windows, and what spreads or gathers windows."""
    functions: list[tuple[str, Shape, Shape, Run]] = [
        ("avg_pool1d", (2, 3, 40_000), (2, 3, 40), lambda F, x: F.avg_pool1d(x, 1000)),
        ("avg_pool1d", (2, 3, 5000), (2, 3, 4001), lambda F, x: F.avg_pool1d(x, 1000, 1)),
        ("avg_pool2d", (2, 3, 256, 256), (2, 3, 4, 4), lambda F, x: F.avg_pool2d(x, 64)),
        ("avg_pool2d", (2, 3, 90, 90), (2, 3, 31, 31), lambda F, x: F.avg_pool2d(x, 30, 2)),
        ("avg_pool2d", (8, 64, 8, 8), (8, 64, 1, 1), lambda F, x: F.avg_pool2d(x, 8)),
        ("avg_pool3d", (1, 2, 40, 40, 40), (1, 2, 2, 2, 2), lambda F, x: F.avg_pool3d(x, 20)),
        (
            "adaptive_avg_pool2d",
            (4, 3, 300, 200),
            (4, 3, 1, 1),
            lambda F, x: F.adaptive_avg_pool2d(x, 1),
        ),
        (
            "adaptive_avg_pool2d",
            (4, 3, 300, 200),
            (4, 3, 7, 7),
            lambda F, x: F.adaptive_avg_pool2d(x, 7),
        ),
        (
            "adaptive_avg_pool1d",
            (3, 2, 100_000),
            (3, 2, 3),
            lambda F, x: F.adaptive_avg_pool1d(x, 3),
        ),
        ("lp_pool2d", (2, 3, 128, 128), (2, 3, 4, 4), lambda F, x: F.lp_pool2d(x + 0.1, 2.0, 32)),
        (
            "interpolate, area",
            (2, 3, 256, 256),
            (2, 3, 5, 5),
            lambda F, x: F.interpolate(x, size=(5, 5), mode="area"),
        ),
        (
            "interpolate, bilinear",
            (2, 3, 4, 4),
            (2, 3, 400, 400),
            lambda F, x: F.interpolate(x, size=(400, 400), mode="bilinear"),
        ),
        (
            "interpolate, antialias",
            (2, 3, 256, 256),
            (2, 3, 6, 6),
            lambda F, x: F.interpolate(x, size=(6, 6), mode="bilinear", antialias=True),
        ),
        (
            "interpolate, nearest",
            (2, 3, 4, 4),
            (2, 3, 400, 400),
            lambda F, x: F.interpolate(x, size=(400, 400)),
        ),
        ("unfold", (2, 3, 40, 40), (2, 675, 676), lambda F, x: F.unfold(x, 15)),
        ("fold", (2, 675, 676), (2, 3, 40, 40), lambda F, x: F.fold(x, (40, 40), 15)),
        (
            "local_response_norm",
            (2, 64, 10, 10),
            (2, 64, 10, 10),
            lambda F, x: F.local_response_norm(x, 31, 1.0),
        ),
    ]
    for name, shape, result, run in functions:
        yield from both_ways(name, f"{shape} → {result}", _functional(run), uniform(shape), result)


def _functional(run: Run) -> Run:
    return lambda m, *tensors: run(m.nn.functional, *tensors)


def _bins(m: Any, x: Any) -> Any:
    return (x.detach().flatten() * BINS).long()


def places() -> Iterator[Row]:
    """Many numbers into few places: values, and gradients of what is read many times."""
    for n in (3000, 1_000_000):
        to: dict[str, Run] = {
            "scatter_add of rows": lambda m, x: m.zeros(BINS, 2, dtype=x.dtype).scatter_add(
                0, _bins(m, x[:, 0])[:, None].expand(-1, 2), x
            ),
            "scatter_reduce, mean": lambda m, x: m.zeros(BINS, 2, dtype=x.dtype).scatter_reduce(
                0, _bins(m, x[:, 0])[:, None].expand(-1, 2), x, "mean", include_self=False
            ),
            "index_reduce, mean": lambda m, x: m.zeros(BINS, 2, dtype=x.dtype).index_reduce(
                0, _bins(m, x[:, 0]), x, "mean", include_self=False
            ),
            "index_put": lambda m, x: m.zeros(BINS, 2, dtype=x.dtype).index_put(
                (_bins(m, x[:, 0]),), x, accumulate=True
            ),
            "put_": lambda m, x: m.zeros(BINS, dtype=x.dtype).put_(
                _bins(m, x[:, 0]), x[:, 1].contiguous(), accumulate=True
            ),
            "histogram": lambda m, x: (
                m.histogram(
                    x[:, 0].contiguous(), 5, range=(0.0, 1.0), weight=x[:, 1].contiguous()
                ).hist
            ),
            "embedding_bag, sum": lambda m, x: m.nn.functional.embedding_bag(
                _bins(m, x).reshape(2, -1), x[:BINS], mode="sum"
            ),
            "embedding_bag, mean": lambda m, x: m.nn.functional.embedding_bag(
                _bins(m, x).reshape(2, -1), x[:BINS], mode="mean"
            ),
            "embedding_bag, weighted": lambda m, x: m.nn.functional.embedding_bag(
                _bins(m, x).reshape(2, -1),
                x[:BINS],
                mode="sum",
                per_sample_weights=x.reshape(2, -1),
            ),
        }
        for name, run in to.items():
            yield Row(name, f"{n} into {BINS}", run, uniform((n, 2)))
        read: dict[str, tuple[Run, Shape]] = {
            "index_select": (lambda m, w, x: w.index_select(0, _bins(m, x[:, 0])), (n, 2)),
            "w[i]": (lambda m, w, x: w[_bins(m, x[:, 0])], (n, 2)),
            "w[i, j]": (lambda m, w, x: w[_bins(m, x[:, 0]), (x[:, 1] * 2).long()], (n,)),
            "w[:, i]": (lambda m, w, x: w.T[:, _bins(m, x[:, 0])], (2, n)),
            "gather": (
                lambda m, w, x: w.gather(0, _bins(m, x[:, 0])[:, None].expand(-1, 2)),
                (n, 2),
            ),
            "take": (lambda m, w, x: w.take(_bins(m, x)), (2 * n,)),
            "repeat": (lambda m, w, x: w.repeat(len(x) // BINS, 1), (n // BINS * BINS, 2)),
            "expand": (lambda m, w, x: w[0].expand(len(x), 2), (n, 2)),
            "repeat_interleave": (
                lambda m, w, x: w.repeat_interleave(len(x) // BINS, 0),
                (n // BINS * BINS, 2),
            ),
            "take_along_dim": (
                lambda m, w, x: m.take_along_dim(w, _bins(m, x[:, 0])[:, None], 0),
                (n, 2),
            ),
            "prelu": (lambda m, w, x: m.nn.functional.prelu(x - 0.5, w[0]), (n, 2)),
            "where": (lambda m, w, x: m.where(x > 0.5, w[0], w[1]), (n, 2)),
            "embedding_bag": (
                lambda m, w, x: m.nn.functional.embedding_bag(_bins(m, x).reshape(-1, 2), w),
                (n, 2),
            ),
            "lerp": (lambda m, w, x: m.lerp(x, x * 2, w[0]), (n, 2)),
            "stack": (lambda m, w, x: m.cat([w] * 300), (300 * BINS, 2)),
        }
        for name, (function, result) in read.items():
            yield Row(
                f"gradient of {name}",
                f"{n} of {BINS}",
                gradients(function),
                both(normal((BINS, 2)), uniform((n, 2)), uniform(result)),
            )


def products() -> Iterator[Row]:
    """Sums of products."""
    for n in (50, 1000, 100_000):
        pairs: list[tuple[str, Run, Shape]] = [
            ("einsum nk,nk→k", lambda m, x, y: m.einsum("nk,nk->k", x, y), (4,)),
            ("einsum nk,nk→n", lambda m, x, y: m.einsum("nk,nk->n", x, y), (n,)),
            ("einsum nk,nk→", lambda m, x, y: m.einsum("nk,nk->", x, y), (1,)),
            ("einsum nk,nj→k", lambda m, x, y: m.einsum("nk,nj->k", x, y), (4,)),
            ("einsum nk,nj→kj", lambda m, x, y: m.einsum("nk,nj->kj", x, y), (4, 4)),
            ("tensordot", lambda m, x, y: m.tensordot(x, y, dims=([0], [0])), (4, 4)),
            ("tensordot of all", lambda m, x, y: m.tensordot(x, y, dims=2), (1,)),
            ("inner", lambda m, x, y: m.inner(x[:9], y[:9]), (9, 9)),
            ("x.T @ y", lambda m, x, y: x.T @ y, (4, 4)),
            ("x.T @ y[:, 0]", lambda m, x, y: x.T @ y[:, 0], (4,)),
            ("bmm", lambda m, x, y: m.bmm(x.T[:, None], y.T[:, :, None]), (4, 1, 1)),
            ("linalg.vecdot", lambda m, x, y: m.linalg.vecdot(x, y, dim=0), (4,)),
            ("vdot", lambda m, x, y: m.vdot(x.flatten(), y.flatten()), (1,)),
            ("addmv", lambda m, x, y: m.addmv(y[0], x.T, y[:, 1]), (4,)),
            ("mean of products", lambda m, x, y: (x * y).mean(0), (4,)),
        ]
        for name, run, result in pairs:
            yield from both_ways(name, str(n), run, uniform_of((n, 4), (n, 4)), result, 2)
        yield from both_ways(
            "bilinear",
            str(n),
            lambda m, x, y, w, b: m.nn.functional.bilinear(x, y, w, b),
            uniform_of((n, 4), (n, 3), (5, 4, 3), (5,)),
            (n, 5),
            4,
        )
    yield from both_ways("trace", "3000", lambda m, x: m.trace(x), uniform((3000, 3000)), ())


def sequences() -> Iterator[Row]:
    """Recurrent layers over long sequences and attention: gradients of their weights."""
    for name, gates in (("RNN", 1), ("LSTM", 4), ("GRU", 3)):
        for time, batch in ((30, 8), (300, 64)):
            yield Row(
                f"gradients of {name}",
                f"{time} steps of {batch}",
                _recurrent(name),
                both(
                    normal((time, batch, 5)),
                    uniform_of((gates * 6, 5), (gates * 6, 6), (gates * 6,), (gates * 6,)),
                    normal((time, batch, 6)),
                ),
            )
    for length in (20, 2000):
        yield from both_ways(
            "scaled_dot_product_attention",
            str(length),
            _functional(lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v)),
            normal((2, length, 8), (2, length, 8), (2, length, 8)),
            (2, length, 8),
            3,
        )


def _recurrent(name: str) -> Run:
    def run(m: Any, x: Any, *rest: Any) -> Any:
        *weights, g = rest
        layer = getattr(m.nn, name)(5, 6, dtype=x.dtype)
        for p, w in zip(layer.parameters(), weights, strict=True):
            p.data = (w - 0.5) * 0.8
        y, _ = layer(x)
        return list(m.autograd.grad(y, list(layer.parameters()), g))

    return run


def distances() -> Iterator[Row]:
    """Distances and similarities, with their gradients."""
    for n, k in ((30, 3), (300, 100), (40, 20_000)):
        for name, run, result in (
            ("cdist", lambda m, x, y: m.cdist(x, y), (n, n)),
            ("cdist of 1", lambda m, x, y: m.cdist(x, y, 1.0), (n, n)),
            ("pdist", lambda m, x, y: m.nn.functional.pdist(x + y), (n * (n - 1) // 2,)),
            (
                "cosine_similarity",
                lambda m, x, y: m.nn.functional.cosine_similarity(x, y),
                (n,),
            ),
            (
                "cosine_similarity over 0",
                lambda m, x, y: m.nn.functional.cosine_similarity(x, y, 0),
                (k,),
            ),
            (
                "pairwise_distance",
                lambda m, x, y: m.nn.functional.pairwise_distance(x, y),
                (n,),
            ),
            ("dist", lambda m, x, y: m.dist(x, y), (1,)),
        ):
            yield from both_ways(name, f"({n}, {k})", run, normal((n, k), (n, k)), result, 2)


def series() -> Iterator[Row]:
    """Running sums, integrals and moments over long axes."""
    for n in (60, 5000, 1_000_000):
        for name, run, result in (
            ("cumsum", lambda m, x: x.cumsum(0), (n, 2)),
            ("logcumsumexp", lambda m, x: x.logcumsumexp(0), (n, 2)),
            ("cumulative_trapezoid", lambda m, x: m.cumulative_trapezoid(x, dim=0), (n - 1, 2)),
            ("trapezoid", lambda m, x: m.trapezoid(x, dim=0), (2,)),
            ("trapezoid of x", lambda m, x: m.trapezoid(x[:, 0], x[:, 1].cumsum(0)), (1,)),
            ("cov", lambda m, x: m.cov(x.T), (2, 2)),
            ("corrcoef", lambda m, x: m.corrcoef(x.T), (2, 2)),
            ("std_mean", lambda m, x: m.stack(m.std_mean(x, 0)), (2, 2)),
            ("softmax over 0", lambda m, x: x.softmax(0), (n, 2)),
            ("log_softmax over 0", lambda m, x: x.log_softmax(0), (n, 2)),
            ("softmin over 0", lambda m, x: m.nn.functional.softmin(x, 0), (n, 2)),
            ("logsumexp over 0", lambda m, x: x.logsumexp(0), (2,)),
            ("renorm", lambda m, x: m.renorm(x, 2, 1, 0.5), (n, 2)),
            ("linalg.norm", lambda m, x: m.linalg.norm(x), (1,)),
            ("linalg.matrix_norm of 1", lambda m, x: m.linalg.matrix_norm(x, 1), (1,)),
            ("sum to size", lambda m, x: x.sum_to_size(1, 2), (1, 2)),
            ("cumprod", lambda m, x: (1 + (x - 0.5) / len(x)).cumprod(0), (n, 2)),
        ):
            yield from both_ways(name, str(n), run, uniform((n, 2)), result)


def norms_of_many() -> Iterator[Row]:
    """Norms of many tensors, of weights, and normalisations of many samples."""
    yield Row("clip_grad_norm_", "300 tensors", _clip, uniform((300, 40, 5)))
    yield Row("clip_grad_norm_ of 1", "300 tensors", _clip_of_1, uniform((300, 40, 5)))
    for shape in ((20, 10), (300, 2000)):
        yield from both_ways(
            "weight_norm", str(shape), _weight_norm, normal(shape, (shape[0], 1)), shape, 2
        )
    for shape in ((2, 3), (50, 3), (5000, 6), (40, 6, 30, 30)):
        c = (shape[1],)
        for name, run in (
            ("group_norm of 3", lambda m, x, w, b: m.nn.functional.group_norm(x, 3, w, b)),
            ("layer_norm", lambda m, x, w, b: m.nn.functional.layer_norm(x, x.shape[1:])),
            (
                "batch_norm in evaluation",
                lambda m, x, w, b: m.nn.functional.batch_norm(x, *_statistics(w), w, b),
            ),
            (
                "batch_norm then mean",
                lambda m, x, w, b: m.nn.functional.batch_norm(x, None, None, w, b, True),
            ),
        ):
            if name == "group_norm of 3" and len(shape) == 2 and shape[1] == 3:
                continue
            count = 1 if name == "layer_norm" else 3
            make = both(normal(shape), normal(c, c))
            yield from both_ways(name, str(shape), run, make, shape, count)


def _statistics(w: Any) -> tuple[Any, Any]:
    return w.detach() * 0.5, w.detach() ** 2 + 1


def _clip(m: Any, x: Any, order: float = 2.0) -> Any:
    made = [m.nn.Parameter(t.clone()) for t in x]
    for p in made:
        p.grad = p.detach().clone()
    total = m.nn.utils.clip_grad_norm_(made, 1.0, order)
    return [total, m.stack([p.grad for p in made])]


def _clip_of_1(m: Any, x: Any) -> Any:
    return _clip(m, x, 1.0)


def _weight_norm(m: Any, v: Any, g: Any) -> Any:
    return m._weight_norm(v, g, 0) if hasattr(m, "_weight_norm") else g * v / v.norm(dim=1)[:, None]
