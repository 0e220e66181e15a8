"""Every CUDA kernel compiles for the GPUs we name, with no spilled registers; needs no GPU."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests import nvrtc
from tinygrad_lite.backend.cuda import source as cuda_source

FILES = sorted(path.stem for path in Path(cuda_source.__file__).parent.glob("kernels/*.cu"))
OLDER = "sm_80"
ARCHITECTURES = (OLDER, "sm_90")
# As CuPy 14 compiles, besides our own options.
CUPY = ("-ftz=true", "--device-as-default-execution-space")

needs_nvrtc = pytest.mark.skipif(
    nvrtc.library() is None, reason="needs NVRTC: pip install -e '.[cuda-check]'"
)


def usage(text: str, name: str, dtype: str, arch: str, wide: bool) -> dict[str, nvrtc.Usage]:
    options = (*cuda_source.options(dtype, wide=wide), *CUPY, f"-arch={arch}")
    return nvrtc.compile_kernels(text, name, options)


@needs_nvrtc
@pytest.mark.parametrize(
    ("file", "arch"),
    [
        (file, arch)
        for file in FILES
        for arch in (("sm_90a",) if file in cuda_source.ONLY_HOPPER else ARCHITECTURES)
    ],
)
def test_kernels_compile_without_spills(file: str, arch: str) -> None:
    """`pytest -rP` shows the table of registers, shared memory and spills."""
    text = cuda_source.source(f"{file}.cu")
    variants = [*itertools.product(cuda_source.TYPES, (False,)), ("float32", True)]
    if arch == OLDER:  # which has as many registers: the dtypes that take most, and bring headers
        variants = [("float64", False), ("bfloat16", False)]
    if file in cuda_source.ONLY_HOPPER:  # its tensor cores know no TF64
        variants.remove(("float64", False))
    for dtype, wide in variants:
        kernels = usage(text, f"{file}.cu", dtype, arch, wide)
        assert kernels, "the assembler reported no kernel"
        for kernel, used in kernels.items():
            index = "64-bit index" if wide else ""
            print(f"{arch} {file}.cu {kernel} {dtype} {index}: {used}")
            assert used.registers > 0
            # The assembler may spill for more blocks at once; __launch_bounds__(n, 1) forbids it.
            assert used.spills == 0, f"{kernel} spills {used.spills} bytes for {dtype}"
            assert used.stack == 0, f"{kernel} keeps {used.stack} bytes of locals in memory"


@needs_nvrtc
def test_a_broken_kernel_does_not_compile() -> None:
    text = cuda_source.source("conv.cu")
    broken = text.replace("= first_item();", "= frist_item();")
    assert broken != text
    with pytest.raises(RuntimeError, match=r"conv\.cu\(\d+\): error: .*frist_item"):
        usage(broken, "conv.cu", "float32", "sm_90", False)


@needs_nvrtc
def test_spills_are_seen() -> None:
    text = """extern "C" __global__ void __launch_bounds__(1024, 2) greedy(float* x) {
        float held[64];
        #pragma unroll
        for (int i = 0; i < 64; ++i) held[i] = x[i * 1024 + threadIdx.x];
        __syncthreads();
        #pragma unroll
        for (int i = 0; i < 64; ++i) x[i * 1024 + threadIdx.x] = held[63 - i] * held[i];
    }"""
    (used,) = nvrtc.compile_kernels(text, "greedy.cu", ("-arch=sm_90",)).values()
    assert used.spills > 0
    assert used.registers == 32


def test_the_assemblers_report_is_read() -> None:
    log = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'first' for 'sm_90'
ptxas info    : Function properties for first
    16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 16 bytes stack, 1024 bytes smem
ptxas info    : Compiling entry function 'second' for 'sm_90'
ptxas info    : Function properties for second
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers
"""
    assert nvrtc.parse(log) == {"first": (40, 8, 16, 1024), "second": (8, 0, 0, 0)}


def test_every_kernel_file_is_known() -> None:
    assert "conv" in FILES
