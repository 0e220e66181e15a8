// Batch normalisation, with ReLU behind it if asked for.
//
// Element i of channel c lies at c * across + i * along, in x, g and the results alike: rows of
// memory for images (along 1), columns for a matrix with a row for each sample (across 1). Each
// channel's `size` elements are cut into `splits` runs of `chunk`, a block each; a first launch
// leaves what the runs have found in `parts` (channels, splits, 2), and every block of the second
// adds up its channel's, always in the same order.

#include "moments.cuh"

struct Run {
    Index channel, split, start, stop;
    Index first;  // where the channel starts in memory
};

__device__ __forceinline__ Run this_run(Index size, Index across, Index splits, Index chunk) {
    const Index channel = (Index)blockIdx.x / splits, split = (Index)blockIdx.x - channel * splits;
    const Index start = split * chunk;
    return {channel, split, start, min(start + chunk, size), channel * across};
}

// y = (x − mean) scale + shift, the very same number in the forward and the backward pass.
struct Affine {
    A mean, scale, shift;
};

__device__ __forceinline__ Affine affine_of(
    Index channel, A mean, A rstd, const A* __restrict__ weight, const A* __restrict__ bias) {
    return {mean, weight ? rstd * weight[channel] : rstd, bias ? bias[channel] : A(0)};
}

__device__ __forceinline__ A result(T x, Affine of) {
    return fma(A(x) - of.mean, of.scale, of.shift);
}

__device__ __forceinline__ A rectified(A y) { return y <= A(0) ? A(0) : y; }  // NaN stays

// g, or 0 where the ReLU behind y had cut it off.
__device__ __forceinline__ A passed(T g, T x, Affine of, bool relu) {
    return relu && A(T(result(x, of))) <= A(0) ? A(0) : A(g);
}

extern "C" __global__ void __launch_bounds__(256) moments(
    const T* __restrict__ x, A* __restrict__ parts, Index size, Index across, Index along,
    Index splits, Index chunk) {
    const Run run = this_run(size, across, splits, chunk);
    const Moments m = block_moments(thread_moments(x + run.first, along, run.start, run.stop));
    if (threadIdx.x == 0) {
        parts[2 * (Index)blockIdx.x] = m.mean;
        parts[2 * (Index)blockIdx.x + 1] = m.m2;
    }
}

// y and the channels' mean, variance (biased) and 1 / √(variance + ε). Without parts (null) a
// channel is a single run, and its block finds the moments itself.
extern "C" __global__ void __launch_bounds__(256) normalise(
    const T* __restrict__ x, const A* __restrict__ parts, const A* __restrict__ weight,
    const A* __restrict__ bias, T* __restrict__ y, A* __restrict__ mean, A* __restrict__ var,
    A* __restrict__ rstd, double eps, Index size, Index across, Index along, Index splits,
    Index chunk, Index relu) {
    const Run run = this_run(size, across, splits, chunk);
    Moments m = {A(0), A(0), A(0)};
    if (parts) {
        const A* own = parts + 2 * run.channel * splits;
        for (Index s = (Index)threadIdx.x; s < splits; s += (Index)blockDim.x) {
            const A count = A(min(chunk, size - s * chunk));
            m = merged(m, {count, own[2 * s], own[2 * s + 1]});
        }
    } else {
        m = thread_moments(x + run.first, along, run.start, run.stop);
    }
    m = block_moments(m);
    const A variance = m.count > A(0) ? m.m2 / m.count : A(0);
    const A r = A(1) / sqrt(variance + A(eps));
    const Affine of = affine_of(run.channel, m.mean, r, weight, bias);
    for (Index i = run.start + (Index)threadIdx.x; i < run.stop; i += (Index)blockDim.x) {
        const Index at = run.first + i * along;
        const A value = result(x[at], of);
        y[at] = T(relu ? rectified(value) : value);
    }
    if (run.split == 0 && threadIdx.x == 0) {
        mean[run.channel] = m.mean;
        var[run.channel] = variance;
        rstd[run.channel] = r;
    }
}

// γ (x − μ) r + β with μ and r as given; μ null stands for 0.
extern "C" __global__ void __launch_bounds__(256) apply(
    const T* __restrict__ x, const A* __restrict__ mean, const A* __restrict__ rstd,
    const A* __restrict__ weight, const A* __restrict__ bias, T* __restrict__ y, Index size,
    Index across, Index along, Index splits, Index chunk, Index relu) {
    const Run run = this_run(size, across, splits, chunk);
    const Index c = run.channel;
    const Affine of = affine_of(c, mean ? mean[c] : A(0), rstd[c], weight, bias);
    for (Index i = run.start + (Index)threadIdx.x; i < run.stop; i += (Index)blockDim.x) {
        const Index at = run.first + i * along;
        const A value = result(x[at], of);
        y[at] = T(relu ? rectified(value) : value);
    }
}

// Σ g and Σ g (x − μ) of every run.
extern "C" __global__ void __launch_bounds__(256) sums(
    const T* __restrict__ g, const T* __restrict__ x, const A* __restrict__ mean,
    const A* __restrict__ rstd, const A* __restrict__ weight, const A* __restrict__ bias,
    A* __restrict__ parts, Index size, Index across, Index along, Index splits, Index chunk,
    Index relu) {
    const Run run = this_run(size, across, splits, chunk);
    const Index c = run.channel;
    const Affine of = affine_of(c, mean[c], rstd[c], weight, bias);
    A total = A(0), moment = A(0);
#pragma unroll 4
    for (Index i = run.start + (Index)threadIdx.x; i < run.stop; i += (Index)blockDim.x) {
        const Index at = run.first + i * along;
        const A h = passed(g[at], x[at], of, relu);
        total += h;
        moment += h * (A(x[at]) - of.mean);
    }
    total = block_sum(total);
    moment = block_sum(moment);
    if (threadIdx.x == 0) {
        parts[2 * (Index)blockIdx.x] = total;
        parts[2 * (Index)blockIdx.x + 1] = moment;
    }
}

// dL/dγ = r Σ g (x − μ) and dL/dβ = Σ g, from the parts.
extern "C" __global__ void __launch_bounds__(256) finish(
    const A* __restrict__ parts, const A* __restrict__ rstd, A* __restrict__ weight_gradient,
    A* __restrict__ bias_gradient, Index channels, Index splits) {
    for (Index c = first_item(); c < channels; c += item_step()) {
        A total = A(0), moment = A(0);
        for (Index s = 0; s < splits; s++) {
            total += parts[2 * (c * splits + s)];
            moment += parts[2 * (c * splits + s) + 1];
        }
        weight_gradient[c] = moment * rstd[c];
        bias_gradient[c] = total;
    }
}

// dL/dx = γ r (g − Σ g / B − (x − μ) r² Σ g (x − μ) / B), B the size, and what `finish` gives.
extern "C" __global__ void __launch_bounds__(256) gradient(
    const T* __restrict__ g, const T* __restrict__ x, const A* __restrict__ mean,
    const A* __restrict__ rstd, const A* __restrict__ weight, const A* __restrict__ bias,
    const A* __restrict__ parts, T* __restrict__ dx, A* __restrict__ weight_gradient,
    A* __restrict__ bias_gradient, Index size, Index across, Index along, Index splits,
    Index chunk, Index relu) {
    const Run run = this_run(size, across, splits, chunk);
    const Index c = run.channel;
    const A r = rstd[c];
    const Affine of = affine_of(c, mean[c], r, weight, bias);
    A total = A(0), moment = A(0);
    for (Index s = (Index)threadIdx.x; s < splits; s += (Index)blockDim.x) {
        total += parts[2 * (c * splits + s)];
        moment += parts[2 * (c * splits + s) + 1];
    }
    total = block_sum(total);
    moment = block_sum(moment);
    const A mean_g = total / A(size), slope = moment * r * r / A(size);
    for (Index i = run.start + (Index)threadIdx.x; i < run.stop; i += (Index)blockDim.x) {
        const Index at = run.first + i * along;
        const A h = passed(g[at], x[at], of, relu);
        dx[at] = T((h - mean_g - (A(x[at]) - of.mean) * slope) * of.scale);
    }
    if (run.split == 0 && threadIdx.x == 0) {
        weight_gradient[c] = moment * r;
        bias_gradient[c] = total;
    }
}
