// Batch normalisation, with ReLU behind it if asked for.
//
// Element i of channel c lies at c * across + i * along, in x, g and the results alike: rows of
// memory for images (along 1), columns for a matrix with a row for each sample (across 1). Each
// channel's `size` elements are cut into `splits` runs of `chunk`, a block each; a first launch
// leaves what the runs have found in `parts` (channels, splits, 2), and every warp of the second
// adds up its channel's, always in the same order. A channel that is a single run needs the second
// launch alone, which goes over it twice: the second time it is in the cache.

#include "moments.cuh"

// A run is gone through in packs of 16 bytes where the rows begin and end on such.

struct Run {
    Index channel, split, start, stop;
    Index first;  // where the channel starts in memory
};

// The second launch begins where the first ended: the cache holds what was read last.
__device__ __forceinline__ Run this_run(
    Index size, Index across, Index splits, Index chunk, bool second) {
    const Index number = second ? (Index)(gridDim.x - 1 - blockIdx.x) : (Index)blockIdx.x;
    const Index channel = number / splits, split = number - channel * splits;
    const Index start = split * chunk;
    return {channel, split, start, min(start + chunk, size), channel * across};
}

// Whether rows of `size` in these arrays (or null) can be read in packs.
__device__ __forceinline__ bool packed(
    const T* a, const T* b, const T* c, Index size, Index along) {
    return along == 1 && size % PACK == 0 && aligned(a) && aligned(b) && aligned(c);
}

// Calls f(where in memory) for each pack of V elements of a run that is this thread's.
template <int V, class F>
__device__ __forceinline__ void each(const Run& run, Index along, F f) {
    const Index step = (Index)blockDim.x * V;
#pragma unroll 4
    for (Index i = run.start + (Index)threadIdx.x * V; i < run.stop; i += step)
        f(run.first + i * along);
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

__device__ __forceinline__ Moments moments_of(const T* x, const Run& run, Index size, Index along) {
    const T* row = x + run.first;
    return packed(x, x, x, size, along) ? thread_moments<PACK>(row, along, run.start, run.stop)
                                        : thread_moments<1>(row, along, run.start, run.stop);
}

// y = (x − mean) scale + shift over a run.
template <int V>
__device__ __forceinline__ void transform(
    const T* __restrict__ x, T* __restrict__ y, const Run& run, Index along, Affine of,
    bool relu) {
    each<V>(run, along, [&](Index at) {
        const Pack<V> in = load<V>(x + at);
        Pack<V> out;
#pragma unroll
        for (int v = 0; v < V; v++) {
            const A value = result(in.value[v], of);
            out.value[v] = T(relu ? rectified(value) : value);
        }
        store(y + at, out);
    });
}

// Of each run its mean and the sum of squared differences from it, side by side in parts.
extern "C" __global__ void __launch_bounds__(512, 2) moments(
    const T* __restrict__ x, A* __restrict__ parts, Index size, Index across, Index along,
    Index splits, Index chunk) {
    const Run run = this_run(size, across, splits, chunk, false);
    const Moments m = block_moments(moments_of(x, run, size, along));
    if (threadIdx.x == 0) {
        parts[2 * (Index)blockIdx.x] = m.mean;
        parts[2 * (Index)blockIdx.x + 1] = m.m2;
    }
}

// y and the channels' mean, variance (biased; null to leave it out) and 1 / √(variance + ε). Without
// parts (null) a channel is a single run, and its block finds the moments itself.
//
// The running statistics (null to leave one out) move towards the batch's, r <- kept r + share s,
// with s the mean and `offset`, which x was given without, or the variance; `tracked` counts it.
extern "C" __global__ void __launch_bounds__(512, 2) normalise(
    const T* __restrict__ x, const A* __restrict__ parts, const A* __restrict__ weight,
    const A* __restrict__ bias, T* __restrict__ y, A* __restrict__ mean, A* __restrict__ var,
    A* __restrict__ rstd, const A* __restrict__ offset, A* __restrict__ running_mean,
    A* __restrict__ running_var, long long* __restrict__ tracked, double eps, double kept,
    double mean_share, double var_share, Index size, Index across, Index along, Index splits,
    Index chunk, Index relu) {
    const Run run = this_run(size, across, splits, chunk, true);
    Moments m = {A(0), A(0), A(0)};
    if (parts) {
        const A* own = parts + 2 * run.channel * splits;
        for (Index s = (Index)(threadIdx.x % WARP); s < splits; s += WARP) {
            const A count = A(min(chunk, size - s * chunk));
            m = merged(m, {count, own[2 * s], own[2 * s + 1]});
        }
        m = every_lane(m);
    } else {
        m = block_moments(moments_of(x, run, size, along));
    }
    const A variance = m.count > A(0) ? m.m2 / m.count : A(0);
    const A r = A(1) / sqrt(variance + A(eps));
    const Affine of = affine_of(run.channel, m.mean, r, weight, bias);
    if (packed(x, x, y, size, along))
        transform<PACK>(x, y, run, along, of, relu);
    else
        transform<1>(x, y, run, along, of, relu);
    if (run.split == 0 && threadIdx.x == 0) {
        const Index c = run.channel;
        mean[c] = m.mean;
        if (var) var[c] = variance;
        rstd[c] = r;
        if (running_mean) {
            const A s = offset ? m.mean + offset[c] : m.mean;
            running_mean[c] = A(kept) * running_mean[c] + A(mean_share) * s;
        }
        if (running_var) running_var[c] = A(kept) * running_var[c] + A(var_share) * variance;
        if (tracked && c == 0) *tracked += 1;
    }
}

// γ (x − μ) r + β with μ and r as given; μ null stands for 0.
extern "C" __global__ void __launch_bounds__(512, 2) apply(
    const T* __restrict__ x, const A* __restrict__ mean, const A* __restrict__ rstd,
    const A* __restrict__ weight, const A* __restrict__ bias, T* __restrict__ y, Index size,
    Index across, Index along, Index splits, Index chunk, Index relu) {
    const Run run = this_run(size, across, splits, chunk, true);
    const Index c = run.channel;
    const Affine of = affine_of(c, mean ? mean[c] : A(0), rstd[c], weight, bias);
    if (packed(x, x, y, size, along))
        transform<PACK>(x, y, run, along, of, relu);
    else
        transform<1>(x, y, run, along, of, relu);
}

template <int V>
__device__ __forceinline__ void add_up(
    const T* __restrict__ g, const T* __restrict__ x, const Run& run, Index along, Affine of,
    bool relu, A& total, A& moment) {
    each<V>(run, along, [&](Index at) {
        const Pack<V> c = load<V>(g + at), in = load<V>(x + at);
#pragma unroll
        for (int v = 0; v < V; v++) {
            const A h = passed(c.value[v], in.value[v], of, relu);
            total += h;
            moment += h * (A(in.value[v]) - of.mean);
        }
    });
}

// Σ g and Σ g (x − μ) of a run, in every thread of its block.
__device__ __forceinline__ void sums_of(
    const T* __restrict__ g, const T* __restrict__ x, const Run& run, Index size, Index along,
    Affine of, bool relu, A& total, A& moment) {
    if (packed(g, x, x, size, along))
        add_up<PACK>(g, x, run, along, of, relu, total, moment);
    else
        add_up<1>(g, x, run, along, of, relu, total, moment);
    total = block_sum(total);
    moment = block_sum(moment);
}

// Σ g and Σ g (x − μ) of every run.
extern "C" __global__ void __launch_bounds__(512, 2) sums(
    const T* __restrict__ g, const T* __restrict__ x, const A* __restrict__ mean,
    const A* __restrict__ rstd, const A* __restrict__ weight, const A* __restrict__ bias,
    A* __restrict__ parts, Index size, Index across, Index along, Index splits, Index chunk,
    Index relu) {
    const Run run = this_run(size, across, splits, chunk, false);
    const Index c = run.channel;
    const Affine of = affine_of(c, mean[c], rstd[c], weight, bias);
    A total = A(0), moment = A(0);
    sums_of(g, x, run, size, along, of, relu, total, moment);
    if (threadIdx.x == 0) {
        parts[2 * (Index)blockIdx.x] = total;
        parts[2 * (Index)blockIdx.x + 1] = moment;
    }
}

// dL/dγ = r Σ g (x − μ) and dL/dβ = Σ g, from the parts.
extern "C" __global__ void __launch_bounds__(512, 2) finish(
    const A* __restrict__ parts, const A* __restrict__ rstd, A* __restrict__ weight_gradient,
    A* __restrict__ bias_gradient, Index channels, Index splits) {
    for (Index c = first_item(); c < channels; c += item_step()) {
        double total = 0, moment = 0;
        for (Index s = 0; s < splits; s++) {
            total += parts[2 * (c * splits + s)];
            moment += parts[2 * (c * splits + s) + 1];
        }
        weight_gradient[c] = A(moment) * rstd[c];
        bias_gradient[c] = A(total);
    }
}

template <int V>
__device__ __forceinline__ void backward(
    const T* __restrict__ g, const T* __restrict__ x, T* __restrict__ dx, const Run& run,
    Index along, Affine of, bool relu, A mean_g, A slope) {
    each<V>(run, along, [&](Index at) {
        const Pack<V> c = load<V>(g + at), in = load<V>(x + at);
        Pack<V> out;
#pragma unroll
        for (int v = 0; v < V; v++) {
            const A h = passed(c.value[v], in.value[v], of, relu);
            out.value[v] = T((h - mean_g - (A(in.value[v]) - of.mean) * slope) * of.scale);
        }
        store(dx + at, out);
    });
}

// dL/dx = γ r (g − Σ g / B − (x − μ) r² Σ g (x − μ) / B), B the size, and what `finish` gives.
// Without parts (null) a channel is a single run, and its block finds the sums itself. `zeros`, if
// given, becomes that: the gradient of what the mean takes away.
extern "C" __global__ void __launch_bounds__(512, 2) gradient(
    const T* __restrict__ g, const T* __restrict__ x, const A* __restrict__ mean,
    const A* __restrict__ rstd, const A* __restrict__ weight, const A* __restrict__ bias,
    const A* __restrict__ parts, T* __restrict__ dx, A* __restrict__ weight_gradient,
    A* __restrict__ bias_gradient, A* __restrict__ zeros, Index size, Index across, Index along,
    Index splits, Index chunk, Index relu) {
    const Run run = this_run(size, across, splits, chunk, true);
    const Index c = run.channel;
    const A r = rstd[c];
    const Affine of = affine_of(c, mean[c], r, weight, bias);
    A total = A(0), moment = A(0);
    if (parts) {
        for (Index s = (Index)(threadIdx.x % WARP); s < splits; s += WARP) {
            total += parts[2 * (c * splits + s)];
            moment += parts[2 * (c * splits + s) + 1];
        }
        total = warp_sum(total);
        moment = warp_sum(moment);
    } else {
        sums_of(g, x, run, size, along, of, relu, total, moment);
    }
    const A mean_g = total / A(size), slope = moment * r * r / A(size);
    if (packed(g, x, dx, size, along))
        backward<PACK>(g, x, dx, run, along, of, relu, mean_g, slope);
    else
        backward<1>(g, x, dx, run, along, of, relu, mean_g, slope);
    if (run.split == 0 && threadIdx.x == 0) {
        weight_gradient[c] = moment * r;
        bias_gradient[c] = total;
        if (zeros) zeros[c] = A(0);
    }
}
