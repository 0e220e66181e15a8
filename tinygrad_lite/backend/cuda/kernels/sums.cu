// Sums over the rows of a matrix, for the gradient of what was added to each of them; a short mean.

#include "common.cuh"

// y[c] = the sum of x[:, c]. A block takes 32 columns, its warps share out the rows; the warps'
// sums are added up in order.
extern "C" __global__ void __launch_bounds__(1024, 1) sum_rows(
    const T* __restrict__ x, T* __restrict__ y, Index rows, Index columns) {
    __shared__ A parts[WARP][WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const Index c = (Index)blockIdx.x * WARP + lane;
    A sum = A(0);
    if (c < columns)
#pragma unroll 8
        for (Index r = warp; r < rows; r += WARP) sum += A(x[r * columns + c]);
    parts[warp][lane] = sum;
    __syncthreads();
    sum = warp_sum(parts[lane][warp]);
    const Index mine = (Index)blockIdx.x * WARP + warp;
    if (lane == 0 && mine < columns) y[mine] = T(sum);
}

// *y = the mean of x, for one block.
extern "C" __global__ void __launch_bounds__(256, 1) mean_of_all(
    const T* __restrict__ x, T* __restrict__ y, Index count) {
    A sum = A(0);
    for (Index i = threadIdx.x; i < count; i += blockDim.x) sum += A(x[i]);
    sum = block_sum(sum);
    if (threadIdx.x == 0) *y = T(sum / A(count));
}
