"""Products on CUDA: what cuBLAS is asked for, run on the host in its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite
from tests.cuda_host.device import emulated
from tests.strategies import examples
from tinygrad_lite.backend import capture, precision
from tinygrad_lite.backend.cuda import blas as cuda_blas
from tinygrad_lite.backend.cuda import cublas
from tinygrad_lite.backend.plain import linear as plain
from tinygrad_lite.backends import cudnn


@pytest.fixture
def xp() -> Iterator[Any]:
    with emulated() as space:
        yield space
    tinygrad_lite.set_float32_matmul_precision("highest")
    precision.set_conv_tf32(True)


def device(xp: Any, *shape: int, dtype: str = "float32", seed: int = 0) -> Any:
    return xp.asarray(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


# Ways to lay a matrix (…, R, C) out in memory, each a function of the dense one.
ORDERS: dict[str, Any] = {
    "rows": lambda xp, m: m,
    "columns": lambda xp, m: xp.swapaxes(xp.ascontiguousarray(xp.swapaxes(m, -1, -2)), -1, -2),
    "slice of rows": lambda xp, m: xp.concatenate([m, m], axis=-1)[..., : m.shape[-1]],
    "every other row": lambda xp, m: xp.repeat(m, 2, axis=-2)[..., ::2, :],
    "every other column": lambda xp, m: xp.repeat(m, 2, axis=-1)[..., ::2],
    "upside down": lambda xp, m: xp.ascontiguousarray(m[..., ::-1, :])[..., ::-1, :],
}


@examples(2)
@given(
    sizes=st.tuples(*[st.sampled_from([0, 1, 2, 5])] * 3),
    batches=st.sampled_from(
        [((), ()), ((3,), ()), ((), (3,)), ((3,), (3,)), ((3,), (1,)), ((2, 1), (3,)),
         ((2, 3), (2, 3)), ((2, 3), ()), ((0,), ()), ((1,), (1,)), ((2, 3), (1, 3))]
    ),
    first=st.sampled_from([*ORDERS]),
    second=st.sampled_from([*ORDERS]),
    dtype=st.sampled_from(["float32", "float64", "float16"]),
)  # fmt: skip
def test_matmul(sizes: Any, batches: Any, first: str, second: str, dtype: str) -> None:
    m, n, k = sizes
    with emulated() as xp:
        a = ORDERS[first](xp, device(xp, *batches[0], m, k, dtype=dtype))
        b = ORDERS[second](xp, device(xp, *batches[1], k, n, dtype=dtype, seed=1))
        y = xp.matmul(a, b)
        expected = np.matmul(a.get().astype("float64"), b.get().astype("float64"))
        assert (y.shape, y.dtype) == (expected.shape, a.dtype)
        assert y.flags.c_contiguous
        tolerance = {"float16": 5e-3, "float32": 1e-5, "float64": 1e-12}[dtype]
        np.testing.assert_allclose(y.get(), expected, rtol=tolerance, atol=tolerance * 10)
        out = ORDERS[first](xp, xp.zeros(y.shape, dtype=dtype))
        if out.shape == y.shape:
            assert xp.matmul(a, b, out=out) is out
            np.testing.assert_array_equal(out.get(), y.get())


@pytest.mark.parametrize(
    ("first", "second"), [((4,), (4,)), ((4,), (4, 3)), ((2, 4), (4,)), ((5, 2, 4), (4,)),
                          ((4,), (5, 4, 3))]
)  # fmt: skip
def test_a_vector_is_a_row_or_a_column(xp: Any, first: Any, second: Any) -> None:
    a, b = device(xp, *first), device(xp, *second, seed=1)
    y = xp.matmul(a, b)
    np.testing.assert_allclose(y.get(), np.matmul(a.get(), b.get()), rtol=1e-5, atol=1e-6)
    assert y.shape == np.matmul(a.get(), b.get()).shape


def test_transposes_are_not_copied(xp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise AssertionError("a copy")

    a, b = device(xp, 3, 4), device(xp, 5, 4)
    stack, rows = device(xp, 2, 3, 4), device(xp, 2, 5, 4)
    xp.__dict__["ascontiguousarray"] = refuse
    pairs = [(a, b.T), (b, a.T), (a.T, b[:3]), (a[:, 1:3], b[:2]), (a, b.T[None]), (stack, b.T),
             (stack, xp.swapaxes(rows, 1, 2))]  # fmt: skip
    for left, right in pairs:
        y = xp.matmul(left, right)
        np.testing.assert_allclose(y.get(), np.matmul(left.get(), right.get()), rtol=1e-4)
    with pytest.raises(AssertionError, match="a copy"):
        xp.matmul(xp.repeat(a, 2, axis=1)[:, ::2], b.T)


def test_one_matrix_for_all_is_one_product(xp: Any) -> None:
    xp.matmul(device(xp, 7, 3, 4), device(xp, 4, 5))
    assert [(c["batch"], sorted(c["sizes"])) for c in xp.blas.calls] == [(1, [4, 5, 21])]


def test_integers_go_to_the_library(xp: Any) -> None:
    a = xp.asarray(np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(xp.matmul(a, a.T).get(), [[5, 14], [14, 50]])
    assert xp.blas.calls == []


def test_shapes_that_do_not_fit(xp: Any) -> None:
    with pytest.raises(ValueError, match="cannot be multiplied"):
        xp.matmul(device(xp, 2, 3), device(xp, 2, 3))
    with pytest.raises(ValueError, match="do not broadcast"):
        xp.matmul(device(xp, 4, 2, 3), device(xp, 5, 3, 2))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (4,), (0, 4)])
def test_affine(xp: Any, shape: Any, order: str) -> None:
    x, bias = device(xp, *shape), device(xp, 5, seed=2)
    weight = device(xp, 5, 4, seed=1) if order == "C" else device(xp, 4, 5, seed=1).T
    for b in (bias, None):
        y = xp.affine(x, weight, b)
        expected = plain.affine(np, x.get(), weight.get(), None if b is None else b.get())
        np.testing.assert_allclose(y.get(), expected, rtol=1e-5, atol=1e-6)
    gradient = xp.affine_weight_gradient(y, x, order)
    expected = y.get().reshape(-1, 5).T @ x.get().reshape(-1, 4)
    np.testing.assert_allclose(gradient.get(), expected, rtol=1e-4, atol=1e-5)
    assert gradient.strides == weight.strides
    assert gradient.base is None


def test_one_element_backwards(xp: Any) -> None:
    """Its stride is negative, and still it is contiguous."""
    x, weight = device(xp, 1, 1)[::-1], device(xp, 1, 1, seed=1)[:, ::-1]
    assert x.strides[0] < 0
    assert x.flags.c_contiguous
    y = xp.affine(x, weight, None)
    np.testing.assert_allclose(y.get(), x.get() * weight.get(), rtol=1e-6)


def computed(xp: Any) -> set[int]:
    kinds = {call["compute"] for call in xp.blas.calls}
    xp.blas.calls.clear()
    return kinds


def test_precision_of_products(xp: Any) -> None:
    a = device(xp, 3, 3)
    for name, kind in (("highest", cublas.FLOAT32), ("high", cublas.TF32),
                       ("medium", cublas.TF32)):  # fmt: skip
        tinygrad_lite.set_float32_matmul_precision(name)
        assert tinygrad_lite.get_float32_matmul_precision() == name
        xp.matmul(a, a)
        xp.affine(a, a, None)
        xp.affine_weight_gradient(a, a, "C")
        assert computed(xp) == {kind}
        for dtype, wide in (("float64", cublas.FLOAT64), ("float16", cublas.FLOAT32)):
            xp.matmul(device(xp, 3, 3, dtype=dtype), device(xp, 3, 3, dtype=dtype))
            assert computed(xp) == {wide}
    with pytest.raises(RuntimeError, match="expected one of highest, high, medium, but got 'low'"):
        tinygrad_lite.set_float32_matmul_precision("low")


def test_switches_of_course_code(xp: Any) -> None:
    matmul = tinygrad_lite.backends.cuda.matmul
    assert (matmul.allow_tf32, cudnn.allow_tf32) == (False, True)
    matmul.allow_tf32 = True
    assert tinygrad_lite.get_float32_matmul_precision() == "high"
    matmul.allow_tf32 = False
    assert tinygrad_lite.get_float32_matmul_precision() == "highest"
    cudnn.allow_tf32 = False
    assert (precision.conv_tf32(), cudnn.allow_tf32) == (False, False)
    tinygrad_lite.backends.cudnn.benchmark = True
    cudnn.benchmark = False


class FakeLibrary:
    """cuBLAS as `Cublas` loads it: notes every call, and answers with a status."""

    def __init__(self, status: int = 0) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.status = status

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> int:
            self.calls.append((name, args))
            return self.status if name.startswith("cublasGemm") else 0

        self.__dict__[name] = call
        return call


class FakeCupy:
    """The little of CuPy that `Cublas` asks for."""

    def __init__(self) -> None:
        self.stream = 0
        self.cuda = self

    def get_current_stream(self) -> Any:
        return type("Stream", (), {"ptr": self.stream})

    def Memory(self, size: int) -> Any:
        return type("Memory", (), {"ptr": 1000 + self.stream, "size": size})


def asked(sizes: tuple[int, int, int]) -> cublas.Product:
    operand = ("float32", 2, 0)
    return cublas.Product((0, 1), sizes, operand, operand, operand, 1, cublas.TF32, 0.0)


def test_each_stream_has_its_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    library, cupy = FakeLibrary(), FakeCupy()
    monkeypatch.setattr(cublas, "_library", lambda: library)
    monkeypatch.setattr(cublas, "_cupy", lambda: cupy)
    handle = cublas.Cublas()
    product = asked((2, 3, 4))
    for stream in (0, 0, 7, 0):
        cupy.stream = stream
        handle.gemm(product, 64, 65, 66)
    names = [name for name, _ in library.calls]
    follow = ["cublasSetStream_v2", "cublasSetWorkspace_v2"]
    gemm = "cublasGemmStridedBatchedEx_64"
    assert names == ["cublasCreate_v2", *follow, gemm, gemm, *follow, gemm, *follow, gemm]
    assert [args[1] for name, args in library.calls if name == follow[1]] == [1000, 1007, 1000]
    words = library.calls[3][1]
    assert [type(word) for word in words] == cublas._GEMM
    given = [word.value for word in words]
    assert given[1:6] == [0, 1, 2, 3, 4]
    assert given[7:15] == [64, 0, 2, 0, 65, 0, 2, 0]
    assert given[16:] == [66, 0, 2, 0, 1, 77, -1]


def test_a_recording_keeps_the_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph may be replayed after the thread that captured it has ended."""
    monkeypatch.setattr(cublas, "_library", FakeLibrary)
    monkeypatch.setattr(cublas, "_cupy", FakeCupy)
    handle, recording = cublas.Cublas(), capture.Capture(None)  # type: ignore[arg-type]
    handle.gemm(asked((2, 2, 2)), 64, 64, 64)
    monkeypatch.setattr(capture._state, "open", recording)
    handle.gemm(asked((2, 2, 2)), 64, 64, 64)
    assert recording.held == [handle]


def test_a_refusal_names_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cublas, "_library", lambda: FakeLibrary(13))
    monkeypatch.setattr(cublas, "_cupy", FakeCupy)
    with pytest.raises(RuntimeError, match=r"cuBLAS: product .*\(2, 3, 4\).*execution failed"):
        cublas.Cublas().gemm(asked((2, 3, 4)), 64, 64, 64)


def test_the_kernels_are_cudas_own(xp: Any) -> None:
    for name in cuda_blas.__all__:
        assert getattr(xp, name).__func__ is getattr(cuda_blas, name)
