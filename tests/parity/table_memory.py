"""Rows of copies of views, of what asks or changes how a tensor lies in memory, of its facts."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import ALL, Draw, broadcastable, dims, shapes, tensors
from .draw_layers import pick, some
from .row import Row, drawn
from .table_shape import factors


def copied(draw: Draw, name: str) -> Call:
    """Copies of what a view shows."""
    given = draw(tensors())
    shape = given.values.shape
    if name in ("alias_copy", "detach_copy"):
        return Call(name, (given,))
    if name == "view_copy":
        return Call(name, (Given(given.values, "plain", given.requires_grad),
                           draw(st.sampled_from(factors(given.values.size)))))  # fmt: skip
    if name == "expand_copy":
        return Call(name, (given, (*pick(draw, (), (2,)), *(3 if n == 1 else n for n in shape))))
    if name == "diagonal_copy":
        words = some(draw, offset=(0, 1, -1, 5), dim1=(0, -1), dim2=(1, -2))
        return Call(name, (given,), words)
    if name == "as_strided_copy":
        given = Given(given.values, "plain", given.requires_grad)
        count = draw(st.integers(0, 2))
        size, stride = (tuple(draw(st.integers(0, 2)) for _ in range(count)) for _ in "ab")
        return Call(name, (given, size, stride))
    dim = draw(dims(len(shape)))
    n = shape[dim] if -len(shape) <= dim < len(shape) else 2
    if name == "slice_copy":
        words = some(draw, start=(None, 0, 1, -1, 9), end=(None, 2, -1, 9), step=(1, 2, 0))
        return Call(name, (given, dim), words)
    first = draw(st.integers(0, n))
    if "with_sizes" in name:
        return Call(name, (given, pick(draw, [first, n - first], [n], [1, n], [-1, n + 1]), dim))
    return Call(name, (given, pick(draw, 1, 2, 3, 0, -1), dim))


def resized(draw: Draw, name: str) -> Call:
    """Other shapes in place; what is added has no value, so nothing is."""
    given = draw(tensors(grad=False if draw(st.integers(0, 5)) else None))
    given = Given(given.values, "plain", given.requires_grad)
    n = draw(st.integers(0, given.values.size))
    shape = draw(st.sampled_from(factors(n)))
    if name == "resize_":
        apart = bool(shape) and draw(st.booleans())
        return Call(".resize_", (given, *shape) if apart else (given, shape))
    other = Given(np.zeros(shape, pick(draw, "float32", "int64")))
    return Call(pick(draw, "", ".") + "resize_as_", (given, other))


def taken(draw: Draw, name: str) -> Call:
    """`set_` to another tensor, and what is seen of it in either."""
    given = draw(tensors(grad=False))
    other = draw(tensors(dtypes=(given.values.dtype.name,), grad=False))
    other = Given(other.values, "plain")

    def run(module: Any, x: Any, y: Any) -> Any:
        out = x.set_(y)
        same = [out is x, x.is_set_to(y), y.is_set_to(x)]
        if not x.numel():  # which have no place in memory
            return out, y
        x.fill_(1)
        return out, y, *same, x.is_set_to(y.clone())

    return Call(".set_", (given, other), function=run)


def laid(draw: Draw, name: str) -> Call:
    """How a tensor lies: strides, offset, elements of its memory."""
    given = draw(tensors(shapes(0, 4), grad=False))

    def run(module: Any, x: Any) -> Any:
        steps = tuple(s for s, n in zip(x.stride(), x.shape, strict=True) if n > 1)
        one = [x.stride(d) for d in range(-x.ndim, x.ndim) if x.shape[d] > 1]
        return {
            "stride": lambda: (steps, one) if x.numel() else None,
            "storage_offset": lambda: x.storage_offset() if x.numel() else None,
            "storage": lambda: [len(x.storage()), x.storage().size(), x.storage().tolist()],
            "untyped_storage": lambda: [x.untyped_storage().nbytes(), x.untyped_storage().size()],
        }[name]()

    return Call(f".{name}", (given,), function=run)


def empty(draw: Draw, name: str) -> Call:
    """Shapes, strides and dtypes of what is not set."""
    size = draw(shapes(0, 3))
    given = draw(tensors(grad=False))
    words = some(draw, requires_grad=(True, False))
    kind = np.dtype(pick(draw, *ALL)) if draw(st.booleans()) else None
    steps = tuple(pick(draw, 1, 2, 6) for _ in range(len(size) + (not draw(st.integers(0, 9)))))
    order = pick(draw, *[tuple(p) for p in (range(len(size)), reversed(range(len(size))))])

    def run(module: Any, x: Any, dtype: Any) -> Any:
        if dtype is not None:
            words["dtype"] = dtype
        out = {
            "empty_strided": lambda: module.empty_strided(size, steps, **words),
            "empty_permuted": lambda: module.empty_permuted(size, order, **words),
            ".new_empty_strided": lambda: x.new_empty_strided(size, steps, **words),
        }[name]()
        strides = out.stride() if out.numel() > 1 else None
        strides = strides and [s for s, n in zip(strides, size, strict=True) if n > 1]
        return tuple(out.shape), strides, _word(out.dtype), out.requires_grad

    return Call(name, (given, kind), function=run)


def _word(kind: Any) -> str:
    return str(kind).removeprefix("torch.")


FACTS = """is_distributed is_ipu is_maia is_mkldnn is_mps is_mtia is_nested is_pinned is_shared
is_sparse_csr is_vulkan is_xla is_xpu dtype shape device layout grad_fn""".split()


def fact(draw: Draw, name: str) -> Call:
    """What is known of a tensor without a look at its elements."""
    given = draw(tensors())

    def run(module: Any, x: Any) -> Any:
        found = getattr(x, name)
        found = found() if callable(found) else found
        if name == "grad_fn":
            return found is None
        if name == "shape":
            return type(found).__name__, tuple(found), found.numel()
        return found if isinstance(found, bool) else _word(found)

    return Call(f".{name}", (given,), function=run)


def alike(draw: Draw, name: str) -> Call:
    """Whether two sizes are the same."""
    given = draw(tensors())
    other = draw(tensors(pick(draw, given.values.shape, draw(broadcastable(given.values.shape)))))
    return Call("is_same_size", (given, other))


def asked(draw: Draw, name: str) -> Call:
    """What kind of thing something is."""
    value = pick(draw, draw(tensors()), 1, 2.5, None, "text", [1], np.ones(2), np.float32(1))

    def run(module: Any, x: Any) -> Any:
        if name == "typename":
            return module.typename(x).rpartition(".")[2]
        if name == "is_storage" and hasattr(x, "untyped_storage"):
            return module.is_storage(x), module.is_storage(x.untyped_storage())
        return getattr(module, name)(x)

    return Call(name, (value,), function=run)


LEGACY = """FloatTensor DoubleTensor HalfTensor LongTensor IntTensor ShortTensor CharTensor
ByteTensor BoolTensor Tensor""".split()


def stored(draw: Draw, name: str) -> Call:
    """What a storage is, and the kinds of symbolic numbers, of which there are none here."""
    given = draw(tensors(shapes(0, 2), grad=False))

    def run(module: Any, x: Any) -> Any:
        if name.startswith("Sym"):
            return isinstance(x.size(), getattr(module, name)), isinstance(1, getattr(module, name))
        storage = x.storage() if name == "TypedStorage" else x.untyped_storage()
        return isinstance(storage, getattr(module, name)), isinstance(x, getattr(module, name))

    return Call(name, (given,), function=run)


def constructed(draw: Draw, name: str) -> Call:
    """The legacy constructors, of sizes, lists, arrays and tensors."""
    data = pick(draw, [1, 2], [[1.5, -2]], [], 3, (2, 1), np.arange(2), np.ones(2, "float32"),
                [True, False], (), [[]], 2.5, [300])  # fmt: skip
    if draw(st.integers(0, 3)) == 0:
        data = draw(tensors(grad=False))
    args: tuple[Any, ...] = (data,) if draw(st.integers(0, 4)) else pick(draw, (2, 0), (1, 3), ())

    def run(module: Any, *args: Any) -> Any:
        out = getattr(module, name)(*args)
        sizes = [a for a in args if isinstance(a, int)]
        full = not sizes or 0 in out.shape  # else the elements are whatever was there
        facts = out.dtype, out.requires_grad, out.is_leaf, type(out).__name__
        return out if full else None, tuple(out.shape), _word(facts[0]), *facts[1:]

    return Call(name, args, function=run)


def renewed(draw: Draw, name: str) -> Call:
    """`x.new`."""
    given = draw(tensors(grad=False))
    args = pick(draw, ([1, 2],), ([[0.5, 1]],), (), (0,), (2, 0), ([],))
    return Call(".new", (given, *args))


def from_array(draw: Draw, name: str) -> Call:
    """Arrays as tensors, in memory that both have."""
    dtype = pick(draw, *ALL)
    given = draw(tensors(shapes(0, 3), (dtype,), grad=False))
    given = Given(given.values, pick(draw, "plain", "turned"))
    array = given.values
    words: dict[str, Any] = {}
    if name == "asarray":
        words = some(draw, copy=(True, False, None), requires_grad=(True, False))
        if draw(st.booleans()):
            words["dtype"] = np.dtype(pick(draw, *ALL))
    source: Any = given if name == "from_dlpack" or draw(st.booleans()) else None
    data = pick(draw, array, array.tolist(), array.tolist(), 3, [1, 2.5], True)

    def run(module: Any, x: Any, kind: Any) -> Any:
        if name == "from_dlpack":
            out = module.from_dlpack(x)
            return out, *_seen(out, x)
        if name == "from_numpy":
            mine = array.copy()
            out = module.from_numpy(mine)
            if out.numel():
                out[...] = 1
            return out, mine.tolist()
        if name == "asarray":
            more = {**words} if kind is None else {**words, "dtype": kind}
            if x is None:
                return module.asarray(data, **more)
            more.pop("requires_grad", None)  # which PyTorch changes of the argument itself
            out = module.asarray(x, **more)
            return out, *_seen(out, x)
        raise AssertionError(name)

    return Call(name, (source, words.pop("dtype", None)), function=run)


def _seen(out: Any, x: Any) -> Any:
    """Whether a change of one is seen in the other."""
    if not out.numel() or x.dtype != out.dtype or out.requires_grad:
        return (None,)
    before = out.clone()
    x.zero_()
    out_changed = bool((out != before).any()) or bool((before == 0).all())
    return (out_changed,)


def buffered(draw: Draw, name: str) -> Call:
    """Bytes as tensors."""
    data = bytes(range(1, 1 + pick(draw, 0, 1, 8, 12)))
    kind = np.dtype(pick(draw, "uint8", "int16", "float32", "int64"))
    words = some(draw, count=(-1, 1, 2, 0, 99), offset=(0, 1, 4, 99), requires_grad=(True, False))

    def run(module: Any, dtype: Any) -> Any:
        return module.frombuffer(bytearray(data), dtype=dtype, **words)

    return Call(f"frombuffer of {len(data)} with {words}", (kind,), function=run)


MAKERS: list[tuple[Any, str]] = [
    (copied, "alias_copy as_strided_copy detach_copy diagonal_copy expand_copy slice_copy "
     "split_copy split_with_sizes_copy view_copy unsafe_split unsafe_split_with_sizes"),
    (resized, "resize_ resize_as_"),
    (taken, ".set_"),
    (laid, "stride storage_offset storage untyped_storage"),
    (empty, "empty_strided empty_permuted .new_empty_strided"),
    (fact, " ".join(FACTS)),
    (alike, "is_same_size"),
    (asked, "is_tensor is_storage typename"),
    (constructed, " ".join(LEGACY)),
    (stored, "TypedStorage UntypedStorage SymBool SymFloat SymInt"),
    (renewed, "new"),
    (from_array, "from_numpy from_dlpack asarray"),
    (buffered, "frombuffer"),
]  # fmt: skip


def rows() -> list[Row]:
    """All rows of this file."""
    out = []
    for maker, names in MAKERS:
        for name in names.split():
            dot = "." if maker in (laid, fact, renewed) or name == "resize_" else ""
            more = ".is_set_to" if name == ".set_" else ""
            out.append(Row(dot + name, drawn(maker, name), names=more))
    return out
