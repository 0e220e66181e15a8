// Means and squared deviations of numbers, without the loss of digits of Σx² − (Σx)²/n.

#include "packs.cuh"

struct Moments {
    A count, mean, m2;  // m2 = Σ (x − mean)²
};

// The moments of two sets of numbers together (Chan, Golub & LeVeque 1979).
__device__ __forceinline__ Moments merged(Moments a, Moments b) {
    const A count = a.count + b.count;
    if (count == A(0)) return a;
    const A share = b.count / count, d = b.mean - a.mean;
    return {count, a.mean + d * share, a.m2 + b.m2 + d * d * a.count * share};
}

// This thread's share of the moments of row[i * along] for start <= i < stop, V neighbours at a
// time (which along is 1 for, and that start and stop are multiples of). A few numbers are loaded,
// all before the first is used, and their own mean is taken off.
template <int V>
__device__ __forceinline__ Moments thread_moments(
    const T* __restrict__ row, Index along, Index start, Index stop) {
    constexpr int LOADS = V < 4 ? 8 / V : 4;
    const Index step = (Index)blockDim.x * V;
    Moments total = {A(0), A(0), A(0)};
    for (Index first = start + (Index)threadIdx.x * V; first < stop; first += LOADS * step) {
        Pack<V> held[LOADS] = {};
        A sum = A(0), m2 = A(0);
        int loaded = 0;
#pragma unroll
        for (int k = 0; k < LOADS; k++) {
            const Index i = first + k * step;
            if (i < stop) held[k] = load<V>(row + i * along);
            loaded += i < stop;
        }
#pragma unroll
        for (int k = 0; k < LOADS; k++)
#pragma unroll
            for (int v = 0; v < V; v++) sum += A(held[k].value[v]);
        const A mean = sum / A(loaded * V);
#pragma unroll
        for (int k = 0; k < LOADS; k++)
#pragma unroll
            for (int v = 0; v < V; v++) {
                const A d = A(held[k].value[v]) - mean;
                m2 += k < loaded ? d * d : A(0);
            }
        total = merged(total, {A(loaded * V), mean, m2});
    }
    return total;
}

__device__ __forceinline__ Moments warp_moments(Moments m) {
    for (int d = WARP / 2; d > 0; d /= 2) {
        const Moments other = {
            __shfl_down_sync(ALL_LANES, m.count, d), __shfl_down_sync(ALL_LANES, m.mean, d),
            __shfl_down_sync(ALL_LANES, m.m2, d)};
        m = merged(m, other);
    }
    return m;  // whole in lane 0
}

// The same, in every lane.
__device__ __forceinline__ Moments every_lane(Moments m) {
    m = warp_moments(m);
    return {__shfl_sync(ALL_LANES, m.count, 0), __shfl_sync(ALL_LANES, m.mean, 0),
            __shfl_sync(ALL_LANES, m.m2, 0)};
}

// The moments of a block's threads together, in every thread; always in the same order.
__device__ __forceinline__ Moments block_moments(Moments m) {
    __shared__ A counts[WARP], means[WARP], squares[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const int warps = (int)blockDim.x / WARP;
    m = warp_moments(m);
    __syncthreads();
    if (lane == 0) {
        counts[warp] = m.count;
        means[warp] = m.mean;
        squares[warp] = m.m2;
    }
    __syncthreads();
    if (warp == 0) {
        const bool used = lane < warps;
        m = {used ? counts[lane] : A(0), used ? means[lane] : A(0), used ? squares[lane] : A(0)};
        m = warp_moments(m);
        if (lane == 0) {
            counts[0] = m.count;
            means[0] = m.mean;
            squares[0] = m.m2;
        }
    }
    __syncthreads();
    return {counts[0], means[0], squares[0]};
}
