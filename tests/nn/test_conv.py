"""Convolutions as functions: values, derivatives, errors, and what they keep and own."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests.op_table import leaves, to_numpy
from tests.strategies import LAYOUTS, Array, Draw, examples
from tinygrad_lite.autograd import gradcheck, gradgradcheck
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.nn import functional as F
from tinygrad_lite.ops import RULES
from tinygrad_lite.tensor.space import space

CLOSE = {np.float32: {"rtol": 1e-4, "atol": 1e-5}, np.float64: {"rtol": 1e-11, "atol": 1e-12}}


def naive(x: Array, w: Array, b: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """The definition, one output element at a time; padding is (before, after) each way."""
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    (n, c, h, wide), (m, _, kh, kw) = x.shape, w.shape
    (s, t), (d, e) = stride, dilation
    y = np.zeros((n, m, (h - d * (kh - 1) - 1) // s + 1, (wide - e * (kw - 1) - 1) // t + 1))
    for o, i, j in itertools.product(range(m), range(y.shape[2]), range(y.shape[3])):
        first = o // (m // groups) * (c // groups)
        rows = slice(i * s, i * s + d * (kh - 1) + 1, d)
        columns = slice(j * t, j * t + e * (kw - 1) + 1, e)
        patch = x[:, first : first + c // groups, rows, columns]
        y[:, o, i, j] = (patch * w[o]).sum((1, 2, 3)) + (0 if b is None else b[o])
    return y


def both(strategy: Any) -> Any:
    """An int, or a pair of ints."""
    return st.one_of(strategy, st.tuples(strategy, strategy))


def as_pair(value: Any) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


@st.composite
def convolutions(draw: Draw, most: int = 2, named: bool = True) -> Any:
    """Arrays x, w and maybe b, with keywords of conv2d that fit."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    n, c, m = draw(st.integers(0, most)), draw(st.integers(1, most)), draw(st.integers(1, most))
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = draw(both(st.integers(1, 2)))
    if named and draw(st.integers(0, 3)) == 0:
        padding, stride = draw(st.sampled_from(["same", "valid"])), 1
        room = (0, 0)
    else:
        padding, stride = draw(both(st.integers(0, 2))), draw(both(st.integers(1, 3)))
        room = as_pair(padding)
    reach = [d * (k - 1) + 1 for d, k in zip(as_pair(dilation), kernel, strict=True)]
    size = [draw(st.integers(max(1, r - 2 * p), r + 4)) for r, p in zip(reach, room, strict=True)]
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    shapes = [(n, c * groups, *size), (m * groups, c, *kernel), (m * groups,)]
    arrays = tuple(rng.standard_normal(s) for s in shapes[: 2 + draw(st.booleans())])
    words = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return arrays, words


def sides(padding: Any, kernel: tuple[int, ...], dilation: Any) -> list[tuple[int, int]]:
    """Zeros before and after, each way."""
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(as_pair(dilation), kernel, strict=True)]
        return [(n // 2, n - n // 2) for n in total]
    return [(p, p) for p in as_pair(0 if padding == "valid" else padding)]


@examples(2)
@given(drawn=convolutions(3), dtype=st.sampled_from([np.float32, np.float64]))
def test_conv2d_is_its_definition(device: str, drawn: Any, dtype: Any) -> None:
    arrays, words = drawn
    found = F.conv2d(*leaves(arrays, device, dtype), **words)
    x, w, *b = arrays
    wanted = naive(
        x,
        w,
        b[0] if b else None,
        as_pair(words["stride"]),
        sides(words["padding"], w.shape[2:], words["dilation"]),
        as_pair(words["dilation"]),
        words["groups"],
    )
    assert (found.dtype, found.shape, found.device.type) == (dtype, wanted.shape, device)
    np.testing.assert_allclose(to_numpy(found), wanted, **CLOSE[dtype])


@examples(0.6)
@given(drawn=convolutions())
def test_conv2d_derivatives(device: str, drawn: Any) -> None:
    arrays, words = drawn
    assert gradcheck(lambda *t: F.conv2d(*t, **words), leaves(arrays, device))
    assert gradgradcheck(lambda *t: F.conv2d(*t, **words), leaves(arrays, device))


@st.composite
def transposed(draw: Draw, most: int = 2) -> Any:
    """Arrays x, w and maybe b, with keywords of conv_transpose2d that fit."""
    groups = draw(st.sampled_from([1, 1, 2]))
    n, c, m = draw(st.integers(0, most)), draw(st.integers(1, most)), draw(st.integers(1, most))
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    stride, dilation = draw(both(st.integers(1, 3))), draw(both(st.integers(1, 2)))
    most_extra = [max(p) - 1 for p in zip(as_pair(stride), as_pair(dilation), strict=True)]
    extra = tuple(draw(st.integers(0, e)) for e in most_extra)
    padding = tuple(draw(st.integers(0, min(1, k - 1))) for k in kernel)
    size = [draw(st.integers(1, 3)) + 2 * p for p in padding]
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    shapes = [(n, c * groups, *size), (c * groups, m, *kernel), (m * groups,)]
    arrays = tuple(rng.standard_normal(s) for s in shapes[: 2 + draw(st.booleans())])
    words = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return arrays, {**words, "output_padding": extra}


@examples(1)
@given(drawn=transposed(), dtype=st.sampled_from([np.float32, np.float64]))
def test_conv_transpose2d_is_the_adjoint_of_conv2d(device: str, drawn: Any, dtype: Any) -> None:
    (x, w, *b), words = drawn
    y = F.conv_transpose2d(*leaves((x, w, *b), device, dtype), **words)
    plain = F.conv_transpose2d(*leaves((x, w), device, dtype), **words)
    if b:
        shifted = to_numpy(plain) + b[0][:, None, None]
        np.testing.assert_allclose(to_numpy(y), shifted, **CLOSE[dtype])
    # ⟨conv_transpose(x), z⟩ = ⟨x, conv(z)⟩ for every z; at positions beyond x's, x counts as 0.
    z = np.random.default_rng(0).standard_normal(y.shape)
    extra = words.pop("output_padding")
    found = to_numpy(F.conv2d(*leaves((z, w), device, dtype), **words))[
        ..., : x.shape[2], : x.shape[3]
    ]
    np.testing.assert_allclose((to_numpy(plain) * z).sum(), (x * found).sum(), rtol=1e-3, atol=1e-4)
    stride, pad, dil = (as_pair(words[k]) for k in ("stride", "padding", "dilation"))
    assert y.shape[2:] == tuple(
        (h - 1) * s - 2 * p + d * (k - 1) + e + 1
        for h, s, p, d, k, e in zip(x.shape[2:], stride, pad, dil, w.shape[2:], extra, strict=True)
    )


def test_output_padding_of_a_stride_or_more_shows_what_the_padding_cut_off(device: str) -> None:
    x, w = leaves((np.array([[[[1.0, 2, 3]]]]), np.array([[[[1.0, 10]]]])), device)
    words = {"dilation": 2, "padding": (0, 1), "output_padding": (0, 1)}
    y = F.conv_transpose2d(x, w, **words)
    assert to_numpy(y).tolist() == [[[[2.0, 13, 20, 30]]]]  # as PyTorch 2.13
    y.backward(tg.tensor([[[[1.0, 2, 3, 4]]]], dtype=tg.float64, device=device))
    assert to_numpy(x.grad).tolist() == [[[[20.0, 31, 42]]]]
    assert to_numpy(w.grad).tolist() == [[[[8.0, 20]]]]


@examples(0.5)
@given(drawn=transposed())
def test_conv_transpose2d_derivatives(device: str, drawn: Any) -> None:
    arrays, words = drawn
    assert gradcheck(lambda *t: F.conv_transpose2d(*t, **words), leaves(arrays, device))
    assert gradgradcheck(lambda *t: F.conv_transpose2d(*t, **words), leaves(arrays, device))


@examples(1)
@given(drawn=convolutions(named=False), dtype=st.sampled_from([np.float32, np.float64]))
def test_fused_rule_equals_its_composition(device: str, drawn: Any, dtype: Any) -> None:
    arrays, words = drawn
    one, two = leaves(arrays, device, dtype), leaves(arrays, device, dtype)
    fused = F.conv2d(*one, **words)
    window = fused.grad_fn.kwargs["window"]
    rule, groups = RULES["conv2d"], words["groups"]
    assert rule.composition is not None
    composed = rule.composition(space, *two, window=window, groups=groups)
    np.testing.assert_allclose(to_numpy(composed), to_numpy(fused), **CLOSE[dtype])
    g = tg.randn(fused.shape, dtype=dtype, device=device)
    fused.backward(g)
    composed.backward(g)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(to_numpy(a.grad), to_numpy(b.grad), **CLOSE[dtype])


def whole_numbers(*shape: int, step: int, modulus: int) -> Array:
    return (np.arange(math.prod(shape), dtype=np.float64) * step % modulus).reshape(shape)


def test_literal_values_of_pytorch(device: str) -> None:
    """Computed with PyTorch 2.13; every number is exact in binary."""
    x = (whole_numbers(2, 2, 4, 5, step=7, modulus=11) - 5) / 4
    w = (whole_numbers(4, 2, 3, 2, step=5, modulus=13) - 6) / 8
    tensors = leaves((x, w, np.array([0.5, -0.25, 1, 0])), device)
    y = F.conv2d(*tensors, stride=(2, 1), padding=(1, 0), dilation=(1, 2))
    assert to_numpy(y)[1].tolist() == [
        [[1.25, -0.96875, 0.9375], [1.46875, 1.71875, -1.46875]],
        [[0.0625, 0.71875, -1.375], [-2.75, -1.0625, 1.65625]],
        [[0.875, 1.5625, 1.5625], [0.3125, 0.59375, 1.90625]],
        [[-0.96875, 0.96875, -0.1875], [1.9375, -0.8125, 1.9375]],
    ]
    g = whole_numbers(*y.shape, step=1, modulus=5) - 2
    y.backward(tg.tensor(g, device=device))
    dx, dw, db = (to_numpy(t.grad).tolist() for t in tensors)
    assert dw[3] == [
        [[0.25, -2.0], [0.0, 0.75], [6.0, -7.0]],
        [[-0.25, 0.25], [4.75, 0.0], [2.5, 6.0]],
    ]
    assert db == [0, -3, -1, 1]
    assert dx[0][1] == [
        [1.625, 1.875, -1.25, -0.125, 0.625],
        [0.625, -2.625, -5.0, -0.375, 1.5],
        [-0.125, -1.75, -0.125, 0.875, 0.375],
        [1.5, 1.875, 0.625, -2.0, -0.5],
    ]
    (small, kernel) = leaves((x[:1, :, :2, :2], w.swapaxes(0, 1)[:, :1].copy()), device)
    z = F.conv_transpose2d(small, kernel, stride=2, padding=1, output_padding=1)
    assert to_numpy(z).tolist() == [
        [
            [
                [0.625, 0.40625, -0.25],
                [-0.65625, -0.90625, 0.4375],
                [0.375, 0.34375, -0.5],
                [-1.03125, 0.28125, 0.65625],
            ]
        ]
    ]


@examples(0.5)
@given(
    drawn=convolutions(1),
    length=st.integers(1, 2),
)
def test_conv1d_is_conv2d_of_height_one(device: str, drawn: Any, length: int) -> None:
    (x, w, *b), words = drawn
    x, w = x[:, :, 0], w[:, :, 0]
    words = {k: v[1] if isinstance(v, tuple) else v for k, v in words.items()}
    words["padding"] = length if isinstance(words["padding"], int) else words["padding"]
    x = np.repeat(x, 4, axis=2)
    found = F.conv1d(*leaves((x, w, *b), device), **words)
    pads = [(0, 0), *sides(words["padding"], (w.shape[2],), (words["dilation"],) * 1)]
    wanted = naive(
        x[:, :, None],
        w[:, :, None],
        b[0] if b else None,
        (1, words["stride"]),
        pads[:1] + pads[1:2],
        (1, words["dilation"]),
        words["groups"],
    )
    np.testing.assert_allclose(to_numpy(found), wanted[:, :, 0], rtol=1e-11, atol=1e-12)


def test_one_sample_needs_no_batch(device: str) -> None:
    x, w = (tg.randn(*s, device=device) for s in [(2, 5, 4), (3, 2, 3, 2)])
    one = x.unsqueeze(0)
    assert tg.equal(F.conv2d(x, w), F.conv2d(one, w).squeeze(0))
    back = w.transpose(0, 1)
    assert tg.equal(F.conv_transpose2d(x, back), F.conv_transpose2d(one, back).squeeze(0))
    assert tg.equal(F.conv1d(x[0], x[:, :, :3]), F.conv1d(one[0, :1], x[:, :, :3])[0])
    columns = F.unfold(one, (3, 2))
    assert tg.equal(F.unfold(x, (3, 2)), columns[0])
    assert tg.equal(F.fold(columns[0], (5, 4), (3, 2)), F.fold(columns, (5, 4), (3, 2))[0])


@examples(0.6)
@given(drawn=convolutions(named=False))
def test_fold_of_unfold_counts_the_positions(device: str, drawn: Any) -> None:
    (x, w, *_), words = drawn
    words.pop("groups")
    kernel = w.shape[2:]
    (image,) = leaves((x,), device)
    columns = F.unfold(image, kernel, **words)
    counts = F.fold(F.unfold(tg.ones_like(image), kernel, **words), x.shape[2:], kernel, **words)
    folded = F.fold(columns, x.shape[2:], kernel, **words)
    np.testing.assert_allclose(to_numpy(folded), to_numpy(counts) * x, rtol=1e-12)
    # A kernel that is 1 at one element counts that column's positions: row by row of unfold.
    c, area = x.shape[1], math.prod(kernel)
    eye = np.eye(c * area).reshape(c * area, c, *kernel)
    picked = F.conv2d(image, *leaves((eye,), device), **words)
    assert np.array_equal(to_numpy(picked.flatten(2)), to_numpy(columns))
    assert gradcheck(lambda t: F.unfold(t, kernel, **words), image)
    assert gradgradcheck(
        lambda t: F.fold(t * t, x.shape[2:], kernel, **words),
        columns.detach().requires_grad_(),
    )


@examples(0.3)
@given(data=st.data(), dtype=st.sampled_from([np.float32, np.float64]))
def test_memory_order_changes_nothing(device: str, data: Any, dtype: Any) -> None:
    xp = namespace_for(device)
    arrays, words = data.draw(convolutions())
    arrays = tuple(a.astype(dtype) for a in arrays)
    batch_last = lambda xp, host: xp.transpose(  # noqa: E731
        xp.asarray(np.ascontiguousarray(np.moveaxis(host, 0, -1))),
        (-1 % host.ndim, *range(host.ndim - 1)),
    )
    for layout in [*LAYOUTS.values(), batch_last]:
        odd = [tg.as_tensor(layout(xp, a)) for a in arrays]
        plain = [tg.as_tensor(xp.array(to_numpy(t))) for t in odd]
        results = []
        for tensors in (odd, plain):
            y = F.conv2d(*(t.requires_grad_() for t in tensors), **words)
            g = np.random.default_rng(1).standard_normal(y.shape).astype(dtype)
            use = (
                layout if tensors is odd and layout is not LAYOUTS["broadcast (stride 0)"] else None
            )
            y.backward(tg.as_tensor(use(xp, g) if use else xp.array(g)))
            results.append([to_numpy(y), *(to_numpy(t.grad) for t in tensors)])
        for a, b in zip(*results, strict=True):
            np.testing.assert_allclose(a, b, **CLOSE[dtype])
