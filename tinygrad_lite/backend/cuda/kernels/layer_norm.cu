// Layer normalisation of rows of `size` neighbouring elements, a block each.

#include "moments.cuh"

// y = γ (x − μ) r + β with r = 1 / √(σ² + ε), for the mean μ and the variance σ² of each row, which
// are found in one pass (moments.cuh). γ and β may be null. Ba, Kiros, Hinton 2016.
extern "C" __global__ void __launch_bounds__(256, 4) normalise(
    const T* __restrict__ x, const A* __restrict__ weight, const A* __restrict__ bias,
    T* __restrict__ y, A* __restrict__ mean, A* __restrict__ rstd, double eps, Index size) {
    const Index row = (Index)blockIdx.x, first = row * size;
    const Moments m = block_moments(thread_moments<1>(x + first, 1, 0, size));
    const A r = A(1) / sqrt(m.m2 / A(size) + A(eps));
    for (Index i = (Index)threadIdx.x; i < size; i += (Index)blockDim.x) {
        A value = (A(x[first + i]) - m.mean) * r;
        if (weight) value *= weight[i];
        if (bias) value += bias[i];
        y[first + i] = T(value);
    }
    if (threadIdx.x == 0) {
        mean[row] = m.mean;
        rstd[row] = r;
    }
}

// dL/dx = r (ĝ − mean ĝ − x̂ mean(ĝ x̂)), ĝ = γ g.
extern "C" __global__ void __launch_bounds__(256, 4) gradient(
    const T* __restrict__ g, const T* __restrict__ x, const A* __restrict__ mean,
    const A* __restrict__ rstd, const A* __restrict__ weight, T* __restrict__ dx, Index size) {
    const Index row = (Index)blockIdx.x, first = row * size;
    const A centre = mean[row], r = rstd[row];
    A total = A(0), moment = A(0);
    for (Index i = (Index)threadIdx.x; i < size; i += (Index)blockDim.x) {
        const A h = weight ? A(g[first + i]) * weight[i] : A(g[first + i]);
        total += h;
        moment += h * ((A(x[first + i]) - centre) * r);
    }
    total = block_sum(total) / A(size);
    moment = block_sum(moment) / A(size);
    for (Index i = (Index)threadIdx.x; i < size; i += (Index)blockDim.x) {
        const A h = weight ? A(g[first + i]) * weight[i] : A(g[first + i]);
        const A normal = (A(x[first + i]) - centre) * r;
        dx[first + i] = T((h - total - normal * moment) * r);
    }
}

// Σ g x̂ and Σ g down the columns of a run of `chunk` rows, in parts (runs, 2, size). A block has
// 32 columns; 8 threads share each.
extern "C" __global__ void __launch_bounds__(256, 4) sums(
    const T* __restrict__ g, const T* __restrict__ x, const A* __restrict__ mean,
    const A* __restrict__ rstd, A* __restrict__ parts, Index rows, Index size, Index chunk) {
    __shared__ double totals[8][WARP], moments[8][WARP];
    const Index across = (size + WARP - 1) / WARP;
    const Index run = (Index)blockIdx.x / across;
    const int lane = threadIdx.x % WARP, team = threadIdx.x / WARP;
    const Index column = ((Index)blockIdx.x - run * across) * WARP + lane;
    const Index stop = min((run + 1) * chunk, rows);
    double total = 0, moment = 0;  // rows may be many, and float32 would lose digits
    if (column < size) {
        for (Index row = run * chunk + team; row < stop; row += 8) {
            const A h = A(g[row * size + column]);
            total += h;
            moment += h * ((A(x[row * size + column]) - mean[row]) * rstd[row]);
        }
    }
    totals[team][lane] = total;
    moments[team][lane] = moment;
    __syncthreads();
    if (team == 0 && column < size) {
        for (int k = 1; k < 8; k++) {
            total += totals[k][lane];
            moment += moments[k][lane];
        }
        parts[2 * run * size + column] = A(moment);
        parts[(2 * run + 1) * size + column] = A(total);
    }
}

// dL/dγ and dL/dβ: the sums over all runs of what `sums` has left of each, in a fixed order.
extern "C" __global__ void __launch_bounds__(256, 4) finish(
    const A* __restrict__ parts, A* __restrict__ weight_gradient, A* __restrict__ bias_gradient,
    Index size, Index runs) {
    for (Index i = first_item(); i < size; i += item_step()) {
        double total = 0, moment = 0;
        for (Index run = 0; run < runs; run++) {
            moment += parts[2 * run * size + i];
            total += parts[(2 * run + 1) * size + i];
        }
        weight_gradient[i] = A(moment);
        bias_gradient[i] = A(total);
    }
}
