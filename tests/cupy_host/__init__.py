"""CuPy itself on a machine without a GPU: its kernels and ours run on the host.

`python -m pytest -p tests.cupy_host.plugin -m gpu` runs the tests of the device "cuda" with the
real CuPy (14.2 for CUDA 13, x86-64 Linux, its wheel): its dtypes, views, indexing, errors, pools,
streams and captures, where `tests/strict.py` is only what we have read of them. `driver.c` stands
for CUDA, g++ for NVRTC, NumPy for cuBLAS, cuSOLVER and Thrust. What it can't show: races, waits
between streams, speed, and NVIDIA's own libraries.
"""
