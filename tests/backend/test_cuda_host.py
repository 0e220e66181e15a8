"""The stand-in for CUDA on the host: it computes what a GPU would, and finds what would break."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests import cuda_host
from tests.cuda_host import LaunchError
from tests.cuda_host.device import emulated
from tinygrad_lite.backend.cuda import source as cuda_source

pytestmark = pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")

KERNELS = """
#include "common.cuh"
extern "C" __global__ void sums(const T* x, T* y, Index n) {
    A total = 0;
    for (Index i = threadIdx.x; i < n; i += blockDim.x) total += A(x[blockIdx.x * n + i]);
    total = block_sum(total);
    if (threadIdx.x == 0) y[blockIdx.x] = total;
}
extern "C" __global__ void two_sums(const T* x, T* y) {
    const A one = block_sum(A(x[threadIdx.x])), other = block_sum(A(1));
    y[threadIdx.x] = one + other * A(1000);
}
extern "C" __global__ void reverse(const T* x, T* y, double scale) {
    DYNAMIC_SHARED(T, held);
    held[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = held[blockDim.x - 1 - threadIdx.x] * A(scale);
}
extern "C" __global__ void lanes(int* y) {
    const int lane = threadIdx.x % 32;
    int* mine = y + threadIdx.x * 5;
    mine[0] = __shfl_sync(ALL_LANES, lane, 7);
    mine[1] = __shfl_down_sync(ALL_LANES, lane, 3);
    mine[2] = __shfl_up_sync(ALL_LANES, lane, 3);
    mine[3] = __shfl_xor_sync(ALL_LANES, lane, 5);
    mine[4] = __popc(__ballot_sync(ALL_LANES, lane < 9));
}
extern "C" __global__ void outside(T* y, Index i) { y[i] = 1; }
extern "C" __global__ void diverges(T* y) {
    if (threadIdx.x > 3) __syncthreads();
    y[threadIdx.x] = 1;
}
extern "C" __global__ void half_a_warp(T* y) {
    if (threadIdx.x < 16) y[threadIdx.x] = warp_sum(A(1));
}
extern "C" __global__ void misaligned(T* y) { *(float4*)(y + 1) = make_float4(1, 1, 1, 1); }
extern "C" __global__ void overruns(T* y, Index i) {
    __shared__ T held[32];
    held[i] = 1;
    y[0] = held[0];
}
extern "C" __global__ void unwritten(T* y) {
    __shared__ T held[32];
    if (threadIdx.x > 0) held[threadIdx.x] = 1;
    __syncthreads();
    y[threadIdx.x] = held[threadIdx.x];
}
extern "C" __global__ void overflows(T* y, Index i) { y[i + i < i] = 1; }
extern "C" __global__ void round_trip(const float* x, T* y) { y[threadIdx.x] = x[threadIdx.x]; }
"""


@pytest.fixture
def xp(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The emulated device, with the kernels above as the file "test"."""
    read = cuda_source.source.__wrapped__

    def source(name: str) -> str:
        if name != "test.cu":
            return str(read(name))
        header = read("common.cuh")
        return KERNELS.replace('#include "common.cuh"', header)

    monkeypatch.setattr(cuda_source, "source", source)
    with emulated() as space:
        yield space
    cuda_source.function.cache_clear()
    cuda_source._module.cache_clear()


def run(xp: Any, kernel: str, *args: Any, dtype: str = "float32", **words: Any) -> None:
    cuda_source.launch(xp, "test", kernel, dtype, args, **words)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_block_sum(xp: Any, dtype: str) -> None:
    host = np.random.default_rng(0).integers(-8, 8, (5, 700)).astype(dtype)
    y = xp.empty((5,), dtype=dtype)
    run(xp, "sums", xp.asarray(host), y, 700, dtype=dtype, grid=5, block=96)
    np.testing.assert_array_equal(y.get(), host.sum(axis=1))


@pytest.mark.parametrize("defines", [(), ("HOST_LAST_FIRST=1",)], ids=["in turn", "one ahead"])
def test_a_second_sum_waits_for_the_first(xp: Any, defines: tuple[str, ...]) -> None:
    """Every thread has both, though a fast warp begins the second one early."""
    y = xp.empty((256,), dtype="float32")
    x = xp.asarray(np.arange(256, dtype=np.float32))
    run(xp, "two_sums", x, y, block=256, defines=defines)
    np.testing.assert_array_equal(y.get(), 255 * 128 + 256_000)


def test_bfloat16_is_rounded_to_the_nearest_and_to_even_at_a_tie(xp: Any) -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    bits = np.random.default_rng(0).integers(0, 2**32, 300, dtype=np.uint32)
    ties = (np.arange(100, dtype=np.uint32) + 16000 << 16) + 0x8000
    nearly = np.stack([ties - 1, ties + 1])
    host = np.concatenate([bits, ties, nearly.reshape(-1)]).view(np.float32)
    host = np.concatenate([host[~np.isnan(host)], [np.inf, -np.inf, 3.4e38, 0, -0.0]])
    host = host.astype(np.float32)
    for start in range(0, len(host), 512):
        part = host[start : start + 512]
        y = xp.empty(part.shape, dtype=bfloat16)
        run(xp, "round_trip", xp.asarray(part), y, dtype="bfloat16", block=len(part))
        with np.errstate(over="ignore"):
            expected = part.astype(bfloat16).astype(np.float32)
        np.testing.assert_array_equal(y.get().astype(np.float32), expected)


def test_dynamic_shared_memory_and_scalars(xp: Any) -> None:
    x = xp.asarray(np.arange(64, dtype=np.float32))
    y = xp.empty((64,), dtype="float32")
    run(xp, "reverse", x, y, 0.5, block=64, shared=256)
    np.testing.assert_array_equal(y.get(), np.arange(63, -1, -1) / 2)


def test_lanes_exchange_values(xp: Any) -> None:
    y = xp.empty((64, 5), dtype="int32")
    run(xp, "lanes", y, block=64)
    lane = np.arange(64) % 32
    expected = [0 * lane + 7, np.where(lane < 29, lane + 3, lane),
                np.where(lane > 2, lane - 3, lane), lane ^ 5, 0 * lane + 9]  # fmt: skip
    np.testing.assert_array_equal(y.get(), np.stack(expected, axis=1))


def test_half_is_rounded_as_numpy_does(xp: Any) -> None:
    rng = np.random.default_rng(0)
    host = np.concatenate([
        rng.standard_normal(400) * 10.0 ** rng.integers(-9, 6, 400),
        [0.0, -0.0, np.inf, -np.inf, 65504, 65519, 65520, 2**-24, 2**-25, 3 * 2**-26],
        np.arange(2048) * 2.0**-25,
    ]).astype(np.float32)  # fmt: skip
    for start in range(0, len(host), 512):
        part = host[start : start + 512]
        y = xp.empty(part.shape, dtype="float16")
        run(xp, "round_trip", xp.asarray(part), y, dtype="float16", block=len(part))
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(y.get(), part.astype(np.float16))


def y32(xp: Any) -> Any:
    return xp.zeros((32,), dtype="float32")


BROKEN = {
    "writes past the end": ("outside", 32, "wrote outside"),
    "writes before the start": ("outside", -1, "wrote outside"),
    "a barrier in a branch": ("diverges", None, "never reached"),
    "a shuffle in a branch": ("half_a_warp", None, "never reached"),
    "misaligned": ("misaligned", None, "misaligned"),
    "shared memory overrun": ("overruns", 32, "out of bounds"),
    "integer overflow": ("overflows", 2**30, "overflow"),
    "too few arguments": ("outside", None, "1 arguments for 2"),
    "a number for a pointer": ("sums", 1, "arguments for"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_would_break_is_found(xp: Any, case: str) -> None:
    kernel, number, message = BROKEN[case]
    args = (y32(xp),) if number is None else (y32(xp), number)
    with pytest.raises(LaunchError, match=message):
        run(xp, kernel, *args, block=32)


def test_arguments_are_checked_against_parameters(xp: Any) -> None:
    with pytest.raises(LaunchError, match="parameter 0 is f4"):
        run(xp, "outside", xp.zeros((3,), dtype="float64"), 0)
    with pytest.raises(LaunchError, match="parameter 1 is i4, the argument float64"):
        run(xp, "outside", y32(xp), 0.0)
    with pytest.raises(LaunchError, match="parameter 0"):
        run(xp, "outside", 5, 5)
    with pytest.raises(LaunchError, match="launch of"):
        run(xp, "outside", y32(xp), 5, block=2048)
    with pytest.raises(LaunchError, match="g\\+\\+"):
        run(xp, "outside", y32(xp), 5, defines=("T=nonsense*",))


def test_shared_memory_is_not_zero(xp: Any) -> None:
    y = y32(xp)
    run(xp, "unwritten", y, block=32)
    assert np.isnan(y.get()[0])
    assert (y.get()[1:] == 1).all()


def test_launched_tells_what_ran(xp: Any) -> None:
    cuda_host.launched()
    run(xp, "outside", y32(xp), 0, block=1)
    run(xp, "outside", y32(xp), 0, count=0)  # nothing to do: nothing runs
    assert cuda_host.launched() == ["outside"]
    assert cuda_host.launched() == []


def test_new_arrays_are_poisoned(xp: Any) -> None:
    assert np.isnan(xp.empty((3,), dtype="float32").get()).all()
    assert (xp.empty_like(xp.zeros((), dtype="int64")).get() == -1).all()
