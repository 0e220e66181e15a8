// Softmax and cross entropy, one block for each row of logits (…, columns).

#include "common.cuh"

// A NaN need not win here: it makes the sum of exponentials NaN.
__device__ __forceinline__ A larger(A a, A b) { return a < b ? b : a; }

// The largest value of a block's threads, in every thread.
__device__ __forceinline__ A block_max(A value) {
    __shared__ A parts[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    for (int d = WARP / 2; d > 0; d /= 2)
        value = larger(value, __shfl_xor_sync(ALL_LANES, value, d));
    __syncthreads();
    if (lane == 0) parts[warp] = value;
    __syncthreads();
    value = parts[lane < (int)blockDim.x / WARP ? lane : 0];
    for (int d = WARP / 2; d > 0; d /= 2)
        value = larger(value, __shfl_xor_sync(ALL_LANES, value, d));
    return value;
}

// A row of logits x and where its elements lie: at first + c * along.
struct Row {
    A highest, total;  // max x and Σ exp(x − max x)
};
__device__ __forceinline__ Row softmax_row(
    const T* __restrict__ x, Index first, Index along, Index columns) {
    A highest = A(__uint_as_float(0xff800000u));  // −∞
    for (Index c = (Index)threadIdx.x; c < columns; c += (Index)blockDim.x)
        highest = larger(highest, A(x[first + c * along]));
    highest = block_max(highest);
    A total = A(0);
    for (Index c = (Index)threadIdx.x; c < columns; c += (Index)blockDim.x)
        total += exp(A(x[first + c * along]) - highest);
    return {highest, block_sum(total)};
}

// losses[s] = −ln p[s, target[s]], p = softmax(x). A class out of range is never looked up: its
// loss is NaN, and `mark` (if given) becomes 1.
extern "C" __global__ void __launch_bounds__(256, 4) cross_entropy(
    const T* __restrict__ x, const long long* __restrict__ target, T* __restrict__ losses,
    T* __restrict__ p, int* mark, Index columns) {
    const Index row = (Index)blockIdx.x, first = row * columns;
    const Row of = softmax_row(x, first, 1, columns);
    for (Index c = (Index)threadIdx.x; c < columns; c += (Index)blockDim.x)
        p[first + c] = T(exp(A(x[first + c]) - of.highest) / of.total);
    if (threadIdx.x == 0) {
        const long long t = target[row];
        const bool known = t >= 0 && t < (long long)columns;
        const A picked = known ? A(x[first + (Index)t]) - of.highest : A(0);
        losses[row] = T(known ? log(of.total) - picked : A(__uint_as_float(0x7fc00000u)));
        if (mark && !known) *mark = 1;
    }
}

// dL/dx = (p − one-hot) g share for cotangents (rows): g[row * g_step], a step of 0 for one for all.
extern "C" __global__ void __launch_bounds__(256, 4) cross_entropy_gradient(
    const T* __restrict__ g, const T* __restrict__ p, const long long* __restrict__ target,
    T* __restrict__ dx, Index count, Index columns, Index g_step, double share) {
    for (Index i = first_item(); i < count; i += item_step()) {
        const Index row = i / columns, c = i - row * columns;
        const A hit = target[row] == (long long)c ? A(1) : A(0);
        dx[i] = T((A(p[i]) - hit) * (A(g[row * g_step]) * A(share)));
    }
}

// losses = −Σ_c q ln p for logits and weights q (outer, columns, inner), a block for each row.
extern "C" __global__ void __launch_bounds__(256, 4) cross_entropy_probabilities(
    const T* __restrict__ x, const T* __restrict__ q, T* __restrict__ losses, T* __restrict__ p,
    Index columns, Index inner) {
    const Index row = (Index)blockIdx.x, sample = row / inner;
    const Index first = sample * columns * inner + (row - sample * inner);
    const Row of = softmax_row(x, first, inner, columns);
    const A log_total = log(of.total);
    A loss = A(0);
    for (Index c = (Index)threadIdx.x; c < columns; c += (Index)blockDim.x) {
        const Index at = first + c * inner;
        const A z = A(x[at]) - of.highest;
        p[at] = T(exp(z) / of.total);
        loss -= (z - log_total) * A(q[at]);
    }
    loss = block_sum(loss);
    if (threadIdx.x == 0) losses[row] = T(loss);
}

// dL/dx = (p Σ q − q) g.
extern "C" __global__ void __launch_bounds__(256, 4) cross_entropy_probabilities_gradient(
    const T* __restrict__ g, const T* __restrict__ p, const T* __restrict__ q,
    T* __restrict__ dx, Index columns, Index inner, Index g_step) {
    const Index row = (Index)blockIdx.x, sample = row / inner;
    const Index first = sample * columns * inner + (row - sample * inner);
    A total = A(0);
    for (Index c = (Index)threadIdx.x; c < columns; c += (Index)blockDim.x)
        total += A(q[first + c * inner]);
    total = block_sum(total);
    const A cotangent = A(g[row * g_step]);
    for (Index c = (Index)threadIdx.x; c < columns; c += (Index)blockDim.x) {
        const Index at = first + c * inner;
        dx[at] = T((A(p[at]) * total - A(q[at])) * cotangent);
    }
}

// Sets *flag to 1 if a class is not in [0, n); leaves it alone otherwise. All writers write 1.
extern "C" __global__ void __launch_bounds__(256, 4) check_classes(
    const long long* __restrict__ target, int* __restrict__ flag, Index count, Index n) {
    for (Index i = first_item(); i < count; i += item_step())
        if (target[i] < 0 || target[i] >= (long long)n) *flag = 1;
}
