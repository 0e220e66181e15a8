// What every kernel file includes first.
//
// A file is compiled once for each dtype (see ../source.py), with -DSCALAR=float, double,
// float16 or bfloat16, and with -DWIDE_INDEX where an array has 2^30 elements or more.
//
//   T      the element type of arrays
//   A      what sums are accumulated in: float for the half types, else T
//   Index  every integer argument of a kernel
//
// Floating-point arguments of kernels are double, all integer arguments are Index.

#include "ptx.cuh"

struct float16 {
    unsigned short bits;
    float16() = default;
    __device__ float16(float x) : bits(half_bits(x)) {}
    __device__ operator float() const { return half_value(bits); }
};

struct bfloat16 {
    unsigned short bits;
    bfloat16() = default;
    // To the nearest, ties to even; in integers, because only newer GPUs have an instruction.
    __device__ bfloat16(float x) {
        unsigned u = __float_as_uint(x);
        bits = x != x ? 0x7fff : (unsigned short)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
    }
    __device__ operator float() const { return __uint_as_float((unsigned)bits << 16); }
};

template <class S> struct Accumulator { using type = float; };
template <> struct Accumulator<double> { using type = double; };

#ifndef SCALAR
#define SCALAR float
#endif
using T = SCALAR;
using A = Accumulator<T>::type;

#ifdef WIDE_INDEX
using Index = long long;
#else
using Index = int;
#endif

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

// The number of this thread in the whole (one-dimensional) grid, and how many there are:
//     for (Index i = first_item(); i < count; i += item_step())
__device__ __forceinline__ Index first_item() {
    return (Index)blockIdx.x * (Index)blockDim.x + (Index)threadIdx.x;
}
__device__ __forceinline__ Index item_step() { return (Index)gridDim.x * (Index)blockDim.x; }

// The sum over a warp, in every lane; the same order of additions every time.
__device__ __forceinline__ A warp_sum(A value) {
    for (int d = WARP / 2; d > 0; d /= 2) value += __shfl_xor_sync(ALL_LANES, value, d);
    return value;
}

// The sum over a block of up to 1024 threads (a multiple of 32), in every thread.
__device__ __forceinline__ A block_sum(A value) {
    __shared__ A parts[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    value = warp_sum(value);
    __syncthreads();  // a sum before this one may still be read
    if (lane == 0) parts[warp] = value;
    __syncthreads();
    return warp_sum(lane < (int)blockDim.x / WARP ? parts[lane] : A(0));
}
