// Sums over an axis that lies anywhere in memory, and a short mean.

#include "common.cuh"

// y[c] = the sum of f(i) over the elements i of column c of a matrix. A block takes 32 columns, its
// warps share out the rows; the warps' sums are added up in order.
template <class F>
__device__ __forceinline__ void sum_columns(T* y, Index rows, Index columns, F f) {
    __shared__ A parts[WARP][WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const Index c = (Index)blockIdx.x * WARP + lane;
    A sum = A(0);
    if (c < columns)
#pragma unroll 8
        for (Index r = warp; r < rows; r += WARP) sum += f(r * columns + c);
    parts[warp][lane] = sum;
    __syncthreads();
    sum = warp_sum(parts[lane][warp]);
    const Index mine = (Index)blockIdx.x * WARP + warp;
    if (lane == 0 && mine < columns) y[mine] = T(sum);
}

// y (columns) = the sum of the rows of x (rows, columns).
extern "C" __global__ void __launch_bounds__(1024, 1) sum_rows(
    const T* __restrict__ x, T* __restrict__ y, Index rows, Index columns) {
    sum_columns(y, rows, columns, [&](Index i) { return A(x[i]); });
}

// h = g where y is not 0 (NaN is not), else 0, and its sums.
extern "C" __global__ void __launch_bounds__(1024, 1) relu_sum_rows(
    const T* __restrict__ g, const T* __restrict__ y, T* __restrict__ h, T* __restrict__ total,
    Index rows, Index columns) {
    sum_columns(total, rows, columns, [&](Index i) {
        const T passed = A(y[i]) == A(0) ? T(A(0)) : g[i];
        h[i] = passed;
        return A(passed);
    });
}

constexpr int THREADS = 256;

// Sums of x (outer, rows, columns) over its rows, in float64. They are cut into `runs` of `chunk`;
// a block takes one, for `width` neighbouring columns, which as many lanes share as it has threads
// for: parts[run, o, c], or y[o, c] where there is one run (parts null).
extern "C" __global__ void __launch_bounds__(THREADS, 4) sum_runs(
    const T* __restrict__ x, double* __restrict__ parts, T* __restrict__ y, Index rows,
    Index columns, Index width, Index across, Index runs, Index chunk, Index outputs) {
    __shared__ double held[THREADS];
    const int thread = (int)threadIdx.x, lane = thread / (int)width;
    const int lanes = THREADS / (int)width;
    const Index rest = (Index)blockIdx.x / across, tile = (Index)blockIdx.x - rest * across;
    const Index outer = rest / runs, run = rest - outer * runs;
    const Index column = tile * width + thread % (int)width;
    const Index stop = min((run + 1) * chunk, rows);
    double sum = 0;
    if (lane < lanes && column < columns) {
        const T* own = x + outer * rows * columns + column;
#pragma unroll 8
        for (Index r = run * chunk + lane; r < stop; r += lanes) sum += double(A(own[r * columns]));
    }
    held[thread] = sum;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (lane < half && lane + half < lanes) held[thread] += held[thread + half * (int)width];
        __syncthreads();
    }
    if (lane == 0 && column < columns) {
        const Index at = outer * columns + column;
        if (parts)
            parts[run * outputs + at] = held[thread];
        else
            y[at] = T(A(held[thread]));
    }
}

// y[i] = Σ parts[k, i] over `count` of them, a warp each.
extern "C" __global__ void __launch_bounds__(THREADS, 4) sum_parts(
    const double* __restrict__ parts, T* __restrict__ y, Index count, Index outputs) {
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const Index i = (Index)blockIdx.x * (THREADS / WARP) + warp;
    double sum = 0;
    if (i < outputs)
#pragma unroll 4
        for (Index k = lane; k < count; k += WARP) sum += parts[k * outputs + i];
    for (int d = WARP / 2; d > 0; d /= 2) sum += __shfl_xor_sync(ALL_LANES, sum, d);
    if (lane == 0 && i < outputs) y[i] = T(A(sum));
}

// *y = the mean of x, for one block.
extern "C" __global__ void __launch_bounds__(256, 1) mean_of_all(
    const T* __restrict__ x, T* __restrict__ y, Index count) {
    A sum = A(0);
    for (Index i = threadIdx.x; i < count; i += blockDim.x) sum += A(x[i]);
    sum = block_sum(sum);
    if (threadIdx.x == 0) *y = T(sum / A(count));
}
