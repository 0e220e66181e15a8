"""Convolution on CUDA against its plain form: kernels and launches run on the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import cuda_host
from tests.backend.test_kernels_conv import window_of
from tests.cuda_host.device import emulated
from tests.nn.test_conv import convolutions
from tests.strategies import examples
from tinygrad_lite.backend import namespace_for, precision
from tinygrad_lite.backend.cuda import columns as cuda_columns
from tinygrad_lite.backend.cuda import conv as cuda_conv
from tinygrad_lite.backend.cuda import cublas
from tinygrad_lite.backend.cuda.arrays import chwn_strides
from tinygrad_lite.backend.flat import rows
from tinygrad_lite.backend.layout import from_chwn, to_chwn
from tinygrad_lite.backend.plain import conv as plain_conv
from tinygrad_lite.backend.window import Window

pytestmark = pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")

CPU = namespace_for("cpu")
BLOCKS = [1, 3000, cuda_columns.COLUMNS]  # bytes: one row or channel at a time … all at once
TOLERANCE = {"float16": 2e-2, "float32": 2e-5, "float64": 1e-12}


@pytest.fixture
def xp() -> Iterator[Any]:
    with emulated() as space:
        cuda_host.launched()
        yield space


def normal(*shape: int, dtype: str = "float32", seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def close(found: Any, expected: Any, dtype: str) -> None:
    host = found.get()
    assert (host.shape, host.dtype) == (expected.shape, np.dtype(dtype))
    scale = max(float(np.abs(expected).max(initial=0)), 1)
    np.testing.assert_allclose(host, expected, rtol=0, atol=TOLERANCE[dtype] * scale)


def compare(
    xp: Any, x: Any, weight: Any, bias: Any, window: Window, groups: int, dtype: str
) -> None:
    """All three products on both devices; the plain ones in float64."""
    x, weight, bias = (None if a is None else a.astype(dtype) for a in (x, weight, bias))
    wide = [None if a is None else a.astype("float64") for a in (x, weight, bias)]
    dx, dw, db = (None if a is None else xp.asarray(a) for a in (x, weight, bias))
    y = plain_conv.conv2d(CPU, *wide, window, groups)
    close(xp.conv2d(dx, dw, db, window, groups), y, dtype)
    g = normal(*y.shape, seed=1).astype(dtype)
    dg, g64 = xp.asarray(g), g.astype("float64")
    close(
        xp.conv2d_weight_gradient(dg, dx, weight.shape, window, groups),
        plain_conv.conv2d_weight_gradient(CPU, g64, wide[0], weight.shape, window, groups),
        dtype,
    )
    close(
        xp.conv2d_input_gradient(dg, dw, x.shape, window, groups),
        plain_conv.conv2d_input_gradient(CPU, g64, wide[1], x.shape, window, groups),
        dtype,
    )
    close(xp.conv2d_bias_gradient(dg), g64.sum((0, 2, 3)), dtype)


@pytest.mark.parametrize("block", BLOCKS)
@examples(1)
@given(drawn=convolutions(3, named=False), dtype=st.sampled_from([*TOLERANCE]))
def test_equals_the_plain_forms(
    block: int, drawn: Any, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_columns, "COLUMNS", block)
    arrays, words = drawn
    x, weight, bias = (*arrays, None)[:3]
    window = window_of(words, weight.shape[2:])
    with emulated() as xp:
        compare(xp, x, weight, bias, window, words["groups"], dtype)


# The shapes that a pack of neighbours along N can be taken at: 16 bytes' worth at a time.
CASES = {
    "3x3": (Window((3, 3), padding=(1, 1)), 1),
    "3x3, stride 2": (Window((3, 3), (2, 2), (1, 1)), 1),
    "3x3, groups": (Window((3, 3), padding=(1, 1)), 2),
    "5x3, all at once": (Window((5, 3), (2, 1), (2, 0), (1, 2)), 2),
    "1x1": (Window((1, 1)), 1),
    "1x1, groups": (Window((1, 1)), 2),
    "1x1, stride 2": (Window((1, 1), (2, 2)), 1),
    "2x2, padding 2": (Window((2, 2), padding=(2, 2)), 1),
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("case", CASES)
def test_whole_packs(
    xp: Any, case: str, block: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_columns, "COLUMNS", block)
    window, groups = CASES[case]
    x, weight, bias = normal(16, 4, 9, 8), normal(6, 4 // groups, *window.kernel), normal(6)
    compare(xp, x, weight, bias, window, groups, dtype)
    ran = set(cuda_host.launched())
    assert "add_bias_pack" in ran
    assert not {"im2col", "col2im"} & ran
    if window.kernel == (3, 3):
        assert "im2col_pack_3x3" in ran
    assert ("col2im_pack" in ran) == (window.stride != (1, 1))


@pytest.mark.parametrize("case", CASES)
def test_a_weight_is_used_as_it_lies(xp: Any, case: str) -> None:
    """`nn.Conv2d` keeps it as (M, kh, kw, C): no product copies it, its gradient lies so too."""
    window, groups = CASES[case]
    memory = xp.asarray(normal(6, *window.kernel, 4 // groups))
    weight = xp.transpose(memory, (0, 3, 1, 2))
    x, shape = normal(16, 4, 9, 8), weight.shape
    image = from_chwn(xp, xp.asarray(to_chwn(np, x)))

    def call(name: str, *args: Any) -> tuple[Any, Any]:
        xp.blas.calls.clear()
        result = getattr(xp, name)(*args, window, groups)
        (one,) = xp.blas.calls
        close(result, getattr(plain_conv, name)(CPU, *map(host, args), window, groups), "float32")
        return result, one["addresses"]

    def host(value: Any) -> Any:
        return value.get() if hasattr(value, "get") else value

    y, addresses = call("conv2d", image, weight, None)
    assert memory.data.ptr in addresses
    _, addresses = call("conv2d_input_gradient", y, weight, x.shape)
    assert memory.data.ptr in addresses
    gradient, addresses = call("conv2d_weight_gradient", y, image, shape)
    assert gradient.data.ptr in addresses
    assert gradient.base is None  # so that the walk may add to it in place
    assert rows(weight, gradient) is not None  # so that an optimizer takes both as they lie


def test_addresses_that_are_not_whole_packs(xp: Any) -> None:
    """A view of a batch may begin anywhere: 16 bytes at a time only from where they can be."""
    memory = xp.asarray(normal(4 * 9 * 8 * 16 + 1))
    x = from_chwn(xp, xp.reshape(memory[1:], (4, 9, 8, 16)))
    weight, window = xp.asarray(normal(6, 4, 3, 3)), Window((3, 3))
    y = xp.conv2d(x, weight, None, window, 1)
    close(y, plain_conv.conv2d(CPU, x.get(), weight.get(), None, window, 1), "float32")
    assert cuda_host.launched() == ["im2col"]


def test_outputs_are_in_the_next_layers_order(xp: Any) -> None:
    x = from_chwn(xp, xp.asarray(normal(3, 6, 5, 4)))
    weight = xp.asarray(normal(2, 3, 3, 3))
    y = xp.conv2d(x, weight, None, Window((3, 3)), 1)
    assert y.strides == chwn_strides(y.shape, y.itemsize)
    for window in (Window((3, 3)), Window((3, 3), (2, 1))):
        g = xp.conv2d(x, weight, None, window, 1)
        dx = xp.conv2d_input_gradient(g, weight, x.shape, window, 1)
        assert dx.strides == chwn_strides(dx.shape, dx.itemsize)
    gradient = xp.conv2d_weight_gradient(y, x, weight.shape, Window((3, 3)), 1)
    assert gradient.base is None


@pytest.mark.parametrize("case", CASES)
def test_unfold_and_fold(xp: Any, case: str) -> None:
    window, _ = CASES[case]
    for n in (8, 3):
        x = normal(n, 2, 9, 8)
        columns = xp.unfold(xp.asarray(x), window)
        expected = plain_conv.unfold(CPU, x, window)
        np.testing.assert_array_equal(columns.get(), expected)
        image = xp.fold(columns, x.shape, window)
        close(image, plain_conv.fold(CPU, expected, x.shape, window), "float32")


@pytest.mark.parametrize("shape", [(0, 2, 5, 5), (2, 0, 5, 5), (2, 2, 0, 5)])
def test_nothing(xp: Any, shape: tuple[int, ...]) -> None:
    window = Window((3, 3), padding=(2, 2))
    x, weight = normal(*shape), normal(3, shape[1], 3, 3)
    y = plain_conv.conv2d(CPU, x, weight, None, window, 1)
    close(xp.conv2d(xp.asarray(x), xp.asarray(weight), None, window, 1), y, "float32")
    g = xp.ones(y.shape, dtype="float32")
    assert xp.conv2d_input_gradient(g, xp.asarray(weight), shape, window, 1).shape == shape
    gradient = xp.conv2d_weight_gradient(g, xp.asarray(x), weight.shape, window, 1)
    assert (gradient.get() == 0).all()
    assert xp.conv2d_bias_gradient(g).shape == (3,)


def test_blocks_are_bounded_and_used(xp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One launch and one product a block; no buffer above the bound."""
    window = Window((3, 3), padding=(1, 1))
    x, weight = xp.asarray(normal(8, 4, 16, 16)), xp.asarray(normal(4, 4, 3, 3))
    row = 4 * 9 * 16 * 8 * 4
    sizes = []
    empty = xp.empty

    def spy(shape: Any, **words: Any) -> Any:
        made = empty(shape, **words)
        sizes.append(made.nbytes)
        return made

    xp.__dict__["empty"] = spy
    for bound, blocks in ((row - 1, 16), (3 * row, 6), (16 * row, 1)):
        monkeypatch.setattr(cuda_columns, "COLUMNS", bound)
        for run in (
            lambda: xp.conv2d(x, weight, None, window, 1),
            lambda: xp.conv2d_input_gradient(x, weight, x.shape, window, 1),
            lambda: xp.conv2d_weight_gradient(x, x, weight.shape, window, 1),
        ):
            cuda_host.launched()
            xp.blas.calls.clear()
            sizes.clear()
            run()
            assert cuda_host.launched() == ["im2col_pack_3x3"] * blocks
            assert len(xp.blas.calls) == blocks
            assert sorted(sizes)[-1] <= max(bound, row, x.nbytes)


def test_tf32_is_the_default(xp: Any) -> None:
    window = Window((3, 3))
    x, weight = xp.asarray(normal(2, 3, 5, 5)), xp.asarray(normal(4, 3, 3, 3))
    for allowed, kind in ((True, cublas.TF32), (False, cublas.FLOAT32)):
        precision.set_conv_tf32(allowed)
        try:
            xp.blas.calls.clear()
            y = xp.conv2d(x, weight, None, window, 1)
            xp.conv2d_weight_gradient(y, x, weight.shape, window, 1)
            xp.conv2d_input_gradient(y, weight, x.shape, window, 1)
            xp.conv2d_input_gradient(y, weight, (2, 3, 7, 7), Window((3, 3), (2, 2)), 1)
            assert {call["compute"] for call in xp.blas.calls} == {kind}
        finally:
            precision.set_conv_tf32(True)


def test_half_is_added_up_in_float32(xp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """2048 + 1 is 2048 in half precision: sums over blocks must not stop there."""
    monkeypatch.setattr(cuda_columns, "COLUMNS", 1)
    x, g = xp.ones((8, 1, 48, 16), dtype="float16"), xp.ones((8, 1, 48, 16), dtype="float16")
    found = xp.conv2d_weight_gradient(g, x, (1, 1, 3, 3), Window((3, 3), padding=(1, 1)), 1)
    assert len(xp.blas.calls) == 48
    assert found.get()[0, 0, 1, 1] == 8 * 48 * 16


def test_many_channels_and_long_rows(xp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid that is smaller than the work: the kernels go round again."""
    monkeypatch.setattr(cuda_columns, "MOST_ROWS", 2)
    monkeypatch.setattr(cuda_columns, "MOST_BLOCKS", 1)
    x, weight, bias = normal(8, 5, 17, 17), normal(5, 5, 3, 3), normal(5)
    for stride in ((1, 1), (2, 2)):
        compare(xp, x, weight, bias, Window((3, 3), stride, (1, 1)), 1, "float32")
    g = normal(16, 5, 40, 33)
    close(xp.conv2d_bias_gradient(xp.asarray(g)), g.astype("float64").sum((0, 2, 3)), "float32")


def test_other_dtypes_take_the_plain_form(xp: Any) -> None:
    x, weight = np.ones((1, 1, 4, 4), np.int64), np.ones((1, 1, 3, 3), np.int64)
    y = xp.conv2d(xp.asarray(x), xp.asarray(weight), None, Window((3, 3)), 1)
    assert (y.get() == 9).all()
    assert cuda_host.launched() == []


def test_the_kernels_are_cudas_own(xp: Any) -> None:
    for room in (cuda_conv, cuda_columns):
        for name in room.__all__:
            assert getattr(xp, name).__func__ is getattr(room, name)


def test_packs_begin_on_16_bytes() -> None:
    with emulated() as xp:
        memory = xp.zeros(40, dtype="float32")
        start = -(memory.data.ptr // 4) % 4  # the first element on 16 bytes
        aligned, other = memory[start:][:32], memory[start + 1 :][:32]
        assert cuda_columns.pack(32, aligned) == 4
        assert cuda_columns.pack(32, aligned, other) == 1
        assert cuda_columns.pack(30, aligned) == 1
