"""Rows of small functions with arguments of their own, of predicates, of what makes tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import ALL, FLOATS, Draw, broadcastable, dims, numbers, pairs, shapes, tensors, values
from .row import Row, drawn
from .table_shape import factors

WIDE = ("float32", "float64")
TRIPLE = ("float32", "float64", "int64")


def _dot(draw: Draw) -> str:
    return draw(st.sampled_from(["", "."]))


def one(draw: Draw, name: str) -> Call:
    return Call(_dot(draw) + name, (draw(tensors()),))


def of_floats(draw: Draw, name: str) -> Call:
    given = draw(tensors(dtypes=(*WIDE, "int64"), special=False))
    return Call(_dot(draw) + name, (given,))


def taken(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(0, 3)))
    n = given.values.size
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    shape = draw(shapes(0, 2))
    high = n + (draw(st.integers(0, 9)) == 0)
    index = rng.integers(-n, high, shape) if high else np.zeros((0,), int)
    kind = "int64" if draw(st.integers(0, 9)) else "int32"
    return Call(_dot(draw) + name, (given, Given(np.asarray(index).astype(kind))))


def products(draw: Draw, name: str) -> Call:
    n, m, k, b = (draw(st.integers(0, 3)) for _ in range(4))
    shapes_of = {
        "addr": [(n, m), (n,), (m,)],
        "addbmm": [(n, m), (b, n, k), (b, k, m)],
    }[name]
    dtype = draw(st.sampled_from([("float32",), ("float64",), ("int64",)]))
    if draw(st.integers(0, 7)) == 0:
        shapes_of = [draw(shapes(0, 3)) for _ in shapes_of]
    args = tuple(draw(tensors(s, dtype, special=False)) for s in shapes_of)
    words = {}
    if draw(st.booleans()):
        words = {"beta": draw(st.sampled_from([0, 1, 2])), "alpha": draw(st.sampled_from([1, 2]))}
    return Call(_dot(draw) + name, args, words)


def chain(draw: Draw, name: str) -> Call:
    n, m, k, b = (draw(st.integers(1, 3)) for _ in range(4))
    sizes = [(n, m), (m, k), (k, b)][: draw(st.integers(2, 3))]
    if name == "linalg.multi_dot" and draw(st.integers(0, 3)) == 0:
        sizes = [(n,), (n, m), (m,)]
    args = [draw(tensors(s, ("float64",), special=False)) for s in sizes]
    return Call(name, (args,) if name == "linalg.multi_dot" else tuple(args))


def compared(draw: Draw, name: str) -> Call:
    first, second = draw(pairs())
    if name != "equal" or draw(st.booleans()):
        second = first if draw(st.booleans()) else second
    words: dict[str, Any] = {}
    if name != "equal":
        if draw(st.booleans()):
            words["equal_nan"] = draw(st.booleans())
        if draw(st.booleans()):
            words["rtol"] = draw(st.sampled_from([0, 1e-3, 1.0, -1]))
        if draw(st.booleans()):
            words["atol"] = draw(st.sampled_from([0, 1e-3, 1.0, -1]))
    return Call(_dot(draw) + name, (first, second), words)


def filled(draw: Draw, name: str) -> Call:
    value = draw(st.one_of(numbers, numbers, tensors(())))
    given = draw(tensors(grad=False if name.endswith("_") else None))
    if name == "fill_diagonal_":
        words = {"wrap": True} if draw(st.booleans()) else {}
        return Call("." + name, (given, draw(numbers)), words)
    if given.values.dtype.kind != "f" and isinstance(value, Given):
        value = Given(value.values, value.layout)  # of an integer PyTorch's fill has no gradient
    return Call(("." if name.endswith("_") else "") + name, (given, value))


def strided(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(0, 3), TRIPLE, special=False))
    given = Given(given.values, "plain", given.requires_grad)
    count = draw(st.integers(0, 3))
    size = tuple(draw(st.integers(0, 3)) for _ in range(count))
    stride = tuple(draw(st.integers(0, 2)) for _ in range(count - (draw(st.integers(0, 9)) == 0)))
    if draw(st.booleans()):
        return Call(_dot(draw) + name, (given, size, stride))
    return Call(_dot(draw) + name, (given, size, stride, draw(st.integers(0, 2))))


def like_another(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    shape = draw(st.sampled_from(factors(given.values.size)))
    if name == "expand_as":
        shape = tuple(n if n != 1 else 3 for n in given.values.shape)
    return Call("." + name, (given, draw(tensors(shape, special=False))))


def unflattened(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    dim = draw(dims(given.values.ndim))
    n = given.values.shape[dim] if -given.values.ndim <= dim < given.values.ndim else 2
    sizes = list(draw(st.sampled_from(factors(n))))
    if sizes and draw(st.booleans()):
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    return Call(_dot(draw) + name, (given, dim, draw(st.sampled_from([sizes, tuple(sizes)]))))


def flat(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(0, 2)))
    return Call(_dot(draw) + name, (given,), {"offset": draw(st.integers(-2, 2))})


def split_sizes(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    dim = draw(dims(given.values.ndim))
    n = given.values.shape[dim] if -given.values.ndim <= dim < given.values.ndim else 2
    first = draw(st.integers(0, n))
    sizes = draw(st.sampled_from([[first, n - first], [n], [1, n], [-1, n + 1], []]))
    return Call(_dot(draw) + name, (given, sizes, dim))


def sized(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    shape = tuple(n if draw(st.booleans()) else 1 for n in given.values.shape)
    shape = shape[draw(st.integers(0, len(shape))) if draw(st.booleans()) else 0 :]
    return Call("." + name, (given, *shape) if draw(st.booleans()) else (given, shape))


def put_at(draw: Draw, name: str) -> Call:
    dtype = (draw(st.sampled_from(ALL)),)
    given = draw(tensors((3, 4), dtype, special=False, grad=False if name[-1] == "_" else None))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    count = draw(st.integers(0, 3))
    index: list[Any] = [Given(rng.integers(-3, 3, count))]
    if draw(st.booleans()):
        index.append(Given(rng.integers(-4, 4, count)))
        shape = draw(broadcastable((count,)))
    else:
        shape = draw(broadcastable((count, 4)))
    if draw(st.integers(0, 5)) == 0:
        mask = Given(values(draw(st.integers(0, 99)), (3, 4), "bool"))
        index, shape = [mask], ()
    mixed = shape and draw(st.integers(0, 9)) == 0
    source = draw(tensors(shape, ALL if mixed else dtype, special=False))
    words = {"accumulate": True} if draw(st.booleans()) else {}
    sequence = tuple(index) if draw(st.booleans()) else index
    return Call(_dot(draw) + name if name[-1] != "_" else "." + name,
                (given, sequence, source), words)  # fmt: skip


def ranged(draw: Draw, name: str) -> Call:
    words: dict[str, Any] = {}
    if draw(st.booleans()):
        words["dtype"] = np.dtype(draw(st.sampled_from(WIDE)))
    steps = draw(st.sampled_from([0, 1, 2, 5, -1]))
    ends = [draw(st.sampled_from([0, 1, -2, 0.5, 3])) for _ in range(2)]
    if draw(st.booleans()):
        words["base"] = draw(st.sampled_from([2, 2.0, 0.5, 10]))
    return Call(name, (*ends, steps), words)


def scalars(draw: Draw, name: str) -> Call:
    words: dict[str, Any] = {}
    if draw(st.booleans()):
        words["dtype"] = np.dtype(draw(st.sampled_from(ALL)))
    return Call(name, (draw(numbers),), words)


def reversed_sub(draw: Draw, name: str) -> Call:
    first, second = draw(pairs())
    words = {"alpha": draw(st.sampled_from([2, -1, 0.5]))} if draw(st.booleans()) else {}
    return Call(name, (first, second), words)


def frexp(draw: Draw, name: str) -> Call:
    return Call(_dot(draw) + name, (draw(tensors(dtypes=(*FLOATS, "int64"), grad=False)),))


def ordered(draw: Draw, name: str) -> Call:
    given = draw(tensors(dtypes=(*WIDE, "int64"), special=False, low=0.2, high=3))
    n = draw(st.sampled_from([0, 1, 2, 3, 4, -1]))
    if name in ("mvlgamma", "special.multigammaln"):
        given = draw(tensors(dtypes=("float32", "int64"), special=False, low=1.6, high=5))
        return Call(name, (given, n))
    if n in (
        0,
        1,
    ):  # whose float64 has nine digits in PyTorch, and noise where sin πx should be 0
        given = draw(tensors(dtypes=("float32",), special=False, low=-2.9, high=3))
    if draw(st.booleans()) and "." not in name:
        return Call("." + name, (given, n))
    return Call(name, (n, given))


def gammas(draw: Draw, name: str) -> Call:
    shape = draw(shapes(0, 3))
    dtype = (draw(st.sampled_from(WIDE)),)
    a = draw(tensors(shape, dtype, special=False, grad=False, low=0.1, high=5))
    x = draw(tensors(draw(broadcastable(shape)), dtype, special=False, low=0, high=8))
    return Call(name, (a, x))


def hurwitz(draw: Draw, name: str) -> Call:
    shape = draw(shapes(0, 3))
    x = draw(tensors(shape, ("float64", "int64"), special=False, grad=False, low=0.5, high=6))
    q = draw(tensors(draw(broadcastable(shape)), ("float64", "int64"), special=False))
    return Call(name, draw(st.sampled_from([(x, q), (x, 2.5), (3, q), (2.0, q)])))


def dtypes_of(draw: Draw, name: str) -> Call:
    if name == "result_type":
        first, second = draw(pairs())
        second = True if isinstance(second, np.bool_) else second
        call = Call(name, (first, second))

        def run(module: Any, a: Any, b: Any) -> Any:
            return str(module.result_type(a, b)).removeprefix("torch.")

        return Call(name, call.args, function=run)
    kinds = tuple(np.dtype(draw(st.sampled_from(ALL))) for _ in "ab")

    def named(module: Any, a: Any, b: Any) -> Any:
        return str(getattr(module, name)(a, b)).removeprefix("torch.")

    return Call(name, kinds, function=named)


def shaped(draw: Draw, name: str) -> Call:
    size = draw(shapes(0, 3))
    floats = name in ("rand_like", "randn_like")
    given = draw(tensors(dtypes=WIDE if floats else ALL, special=False))

    def run(module: Any, x: Any) -> Any:
        out = {
            "empty": lambda: module.empty(size),
            "empty_like": lambda: module.empty_like(x),
            "rand": lambda: module.rand(size),
            "rand_like": lambda: module.rand_like(x),
            "randn": lambda: module.randn(*size),
            "randn_like": lambda: module.randn_like(x),
            "randint": lambda: module.randint(-1, 4, size),
            "randint_like": lambda: module.randint_like(x, 4),
            "randperm": lambda: module.randperm(len(size)),
            ".new_empty": lambda: x.new_empty(size),
        }[name]()
        return tuple(out.shape), str(out.dtype).removeprefix("torch."), out.requires_grad

    return Call(f"shape of {name}", (given, size), function=lambda m, x, _: run(m, x))


def new_tensor(draw: Draw, name: str) -> Call:
    data = draw(st.one_of(numbers, st.lists(st.integers(-3, 3), max_size=3), tensors(grad=False)))
    words = {"dtype": np.dtype(draw(st.sampled_from(ALL)))} if draw(st.booleans()) else {}
    return Call(".new_tensor", (draw(tensors(())), data), words)


def narrowed(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    dim = draw(dims(given.values.ndim))
    return Call("." + name, (given, dim, draw(st.integers(-2, 2)), draw(st.integers(0, 2))))


def indexed(draw: Draw, name: str) -> Call:
    n = draw(st.integers(1, 6))
    shape = draw(st.sampled_from(factors(n)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return Call(name, (Given(np.asarray(rng.integers(0, n, draw(shapes(0, 2))))), shape))


def chosen(draw: Draw, name: str) -> Call:
    """Draws that leave no choice: probabilities of 0 and 1, a standard deviation of 0."""
    dtype = (draw(st.sampled_from([*WIDE, "int64", "float16"])),)
    if name == "bernoulli":
        given = draw(tensors(dtypes=dtype, special=False, grad=False))
        bits = Given((given.values > 0).astype(given.values.dtype), given.layout)
        if draw(st.booleans()):
            return Call(_dot(draw) + name, (bits,))
        return Call(_dot(draw) + name, (bits, draw(st.sampled_from([0, 1, 1.0, 1.5, -0.1]))))
    if name == "multinomial":
        rows = draw(st.integers(1, 3))
        weight = np.zeros((rows, 4))
        weight[np.arange(rows), np.random.default_rng(rows).integers(0, 4, rows)] = 2
        count = draw(st.integers(0, 3))
        words = {"replacement": True} if count > 1 else {}  # else zeros come in any order
        return Call(_dot(draw) + name, (Given(weight.astype("float32")), count), words)
    mean = draw(tensors(dtypes=WIDE, special=False, grad=False))
    zero = Given(np.zeros_like(mean.values))
    return Call("normal", (mean, draw(st.sampled_from([zero, 0.0, -1.0]))))


def histogram(draw: Draw, name: str) -> Call:
    given = draw(tensors(dtypes=WIDE, special=False, grad=False))
    words: dict[str, Any] = {"density": True} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        words["range"] = draw(st.sampled_from([(-1.0, 2.0), (0.0, 0.0), (1.0, -1.0)]))
    if draw(st.booleans()):
        words["weight"] = Given(np.abs(given.values))
    bins: Any = draw(st.sampled_from([1, 4, 0]))
    if draw(st.booleans()):
        bins = Given(np.array([-1.0, 0.5, 2.0], given.values.dtype))
        words.pop("range", None)
    return Call(_dot(draw) + name, (given, bins), words)


def histogram_of_rows(draw: Draw, name: str) -> Call:
    dims = draw(st.integers(1, 3))
    shape = (*draw(shapes(1, 2)), dims)
    given = draw(tensors(shape, WIDE, special=False, grad=False))
    words: dict[str, Any] = {"density": True} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        words["weight"] = Given(np.abs(given.values[..., 0]))
    counts = [draw(st.sampled_from([1, 2, 3, 4, 1, 2, 3, 4, 0])) for _ in range(dims)]
    bins: Any = draw(st.sampled_from([counts, 2, [*counts, 2]]))
    if draw(st.booleans()):
        words["range"] = [-1.0, 2.0] * dims
    return Call(name, (given, bins), words)


def mapped(draw: Draw, name: str) -> Call:
    shape = draw(shapes(0, 3))
    given = draw(tensors(shape, TRIPLE, special=False, grad=False))
    dtype = (given.values.dtype.name,)
    others = [draw(tensors(shape, dtype, special=False, grad=False)) for _ in "ab"]

    def run(_: Any, x: Any, a: Any, b: Any) -> Any:
        if name == "apply_":
            return x.apply_(lambda v: v * 2 + 1)
        if name == "map_":
            return x.map_(a, lambda v, w: v + w)
        return x.map2_(a, b, lambda v, w, u: v + w - u)

    return Call(f".{name}", (given, *others), function=run)


def asked(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    if name == "requires_grad_":
        return Call(".requires_grad_", (given,) if draw(st.booleans()) else (given, False))
    return Call("." + name, (given,))


def operated(draw: Draw, name: str) -> Call:
    return Call(f".{name}", (draw(tensors(shapes(1, 3))), draw(st.sampled_from([0, 2, 0.5]))))


def properties(draw: Draw, name: str) -> Call:
    return Call(f".{name}", (draw(tensors()),), function=lambda _, x: getattr(x, name))


def broadcast_shapes(draw: Draw, name: str) -> Call:
    shape = draw(shapes(0, 3))
    parts: list[Any] = [draw(broadcastable(shape)) for _ in range(draw(st.integers(1, 3)))]
    if draw(st.integers(0, 4)) == 0:
        parts.append(draw(st.sampled_from([3, 1, (2, 7)])))
    return Call(name, tuple(parts), function=lambda m, *s: tuple(m.broadcast_shapes(*s)))


def wise(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(1, 4), (*FLOATS, "int64"), special=False))
    if name == "prelu":
        n = given.values.shape[1] if given.values.ndim > 1 else 1
        dtype = (given.values.dtype.name,)
        weight = draw(tensors(draw(st.sampled_from([(1,), (n,), ()])), dtype, special=False))
        return Call(name, (given, weight))
    return Call(name, (given, draw(st.sampled_from([0.5, 0, 1.0]))))


def nonzero_static(draw: Draw, name: str) -> Call:
    words: dict[str, Any] = {"size": draw(st.integers(0, 5))}
    if draw(st.booleans()):
        words["fill_value"] = draw(st.sampled_from([-1, 7]))
    return Call("." + name, (draw(tensors(shapes(0, 3))),), words)


def strided_scatter(draw: Draw, name: str) -> Call:
    given = draw(tensors((3, 4), ("float32",), special=False))
    src = draw(tensors((2, 2), ("float32",), special=False))
    return Call("." + name, (given, src, (2, 2), draw(st.sampled_from([(1, 2), (4, 1)])), 1))


MAKERS: list[tuple[Any, str]] = [
    (one, "adjoint argwhere angle real clone detach is_floating_point is_complex is_signed "
     "is_nonzero isreal"),
    (taken, "take"),
    (products, "addr addbmm"),
    (chain, "chain_matmul linalg.multi_dot"),
    (compared, "equal allclose isclose"),
    (filled, "fill fill_ fill_diagonal_"),
    (strided, "as_strided"),
    (like_another, "expand_as view_as reshape_as"),
    (unflattened, "unflatten"),
    (flat, "diagflat"),
    (split_sizes, "split_with_sizes"),
    (sized, "sum_to_size"),
    (put_at, "index_put index_put_"),
    (ranged, "logspace"),
    (scalars, "scalar_tensor"),
    (reversed_sub, "rsub"),
    (frexp, "frexp"),
    (ordered, "polygamma special.polygamma mvlgamma special.multigammaln"),
    (gammas, "special.gammainc special.gammaincc"),
    (hurwitz, "special.zeta"),
    (dtypes_of, "result_type promote_types can_cast"),
    (shaped, "empty empty_like rand rand_like randn randn_like randint randint_like randperm "
     ".new_empty"),
    (new_tensor, ".new_tensor"),
    (narrowed, ".narrow_copy"),
    (indexed, "unravel_index"),
    (chosen, "bernoulli multinomial normal"),
    (histogram, "histogram"),
    (histogram_of_rows, "histogramdd"),
    (mapped, ".map_ .map2_ .apply_"),
    (asked, ".nelement .ndimension .element_size .cpu .requires_grad_ "
     ".get_device .is_inference .is_conj .is_neg .resolve_conj .resolve_neg"),
    (operated, ".__delitem__ .__rdiv__"),
    (properties, ".T .H .mT .mH .ndim .itemsize .nbytes .is_leaf .is_cpu .is_cuda .is_sparse "
     ".is_quantized .is_meta .data .retains_grad .requires_grad .grad .output_nr"),
    (broadcast_shapes, "broadcast_shapes"),
    (wise, "prelu hardshrink"),
    (nonzero_static, ".nonzero_static"),
    (strided_scatter, ".as_strided_scatter"),
]  # fmt: skip


def rows() -> list[Row]:
    """All rows of this file."""
    out = []
    for maker, names in MAKERS:
        for name in names.split():
            bare = name.removeprefix(".") if maker is not shaped else name
            out.append(Row(name, drawn(maker, bare)))
    return out
