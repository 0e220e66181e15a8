// Pooling. Images lie as (C, H, W, N), results as (C, OH, OW, N). A thread takes one position (of
// the result; of the image in a gradient) and a pack of V neighbours along N, and walks over
// channels from there: neighbouring threads meet neighbouring memory, an index is taken apart once
// for all channels, and what windows share stays in the cache, so that memory is read and written
// once. Every gradient is a gather: a pixel looks up the windows that it is in. `n` counts packs.
//
// The element (i, j) of the window at (oh, ow) sees the pixel (oh s + i d − p, ow t + j e − q);
// its number is i kw + j, and kh kw stands for none.
//
// With -DPACKED a thread takes 16 bytes, and the window is known when this is compiled
// (WIN_KH … WIN_E), so that loops over it have no counter and divisions by a stride are shifts.

#include "packs.cuh"

#ifndef TAP_BYTES
#define TAP_BYTES 1
#endif
#if TAP_BYTES == 1
using Tap = unsigned char;
#elif TAP_BYTES == 2
using Tap = unsigned short;
#else
using Tap = int;
#endif

#ifdef PACKED
constexpr int V = PACK;
#else
constexpr int V = 1;
#endif
#ifdef WIN_KH
constexpr int TURNS = 32;  // of a loop over a window's axis that are unrolled: all
#else
constexpr int TURNS = 1;
#endif

struct alignas(V * sizeof(Tap)) Taps {
    Tap value[V];
};

struct Window {
    Index kh, kw, s, t, p, q, d, e;
};

// What a kernel was given, or was compiled for.
__device__ __forceinline__ Window known(Window given) {
#ifdef WIN_KH
    return {WIN_KH, WIN_KW, WIN_S, WIN_T, WIN_P, WIN_Q, WIN_D, WIN_E};
#else
    return given;
#endif
}

#define WINDOW Index kh, Index kw, Index s, Index t, Index p, Index q, Index d, Index e
#define GIVEN known({kh, kw, s, t, p, q, d, e})

// The sizes of an image and of the result: what of an array lies in one channel.
struct Sizes {
    Index channels, n, h, w, down, across;
    __device__ __forceinline__ Index image() const { return h * w * n; }
    __device__ __forceinline__ Index result() const { return down * across * n; }
};

#define SIZES Index channels, Index n, Index h, Index w, Index down, Index across
#define OF_ALL {channels, n, h, w, down, across}

// Calls f(item, a, b, sample) for the elements (a, b, sample) of arrays (…, across, n) that are
// this thread's; `item` is where they lie.
template <class F>
__device__ __forceinline__ void each_place(Index count, Index across, Index n, F f) {
    for (Index item = first_item(); item < count; item += item_step()) {
        const Index position = item / n, a = position / across;
        f(item, a, position - a * across, item - position * n);
    }
}

// Calls f(c) for this block's channels.
template <class F> __device__ __forceinline__ void each_channel(Index channels, F f) {
    for (Index c = blockIdx.y; c < channels; c += gridDim.y) f(c);
}

// Calls f(tap, where in a channel of the image) for the elements of the window at (oh, ow) that
// lie inside the image, by rising number.
template <class F>
__device__ __forceinline__ void each_pixel(
    const Sizes& z, const Window& k, Index oh, Index ow, Index sample, F f) {
    const Index top = oh * k.s - k.p, left = ow * k.t - k.q;
#pragma unroll TURNS
    for (Index i = 0; i < k.kh; i++) {
        const Index row = top + i * k.d;
        const bool inside = row >= 0 && row < z.h;
#pragma unroll TURNS
        for (Index j = 0; j < k.kw; j++) {
            const Index column = left + j * k.e;
            if (inside && column >= 0 && column < z.w)
                f(i * k.kw + j, (row * z.w + column) * z.n + sample);
        }
    }
}

// The windows along an axis in which a pixel lies, if any: `last`, `last` − 1, …, `first`, `most`
// of them at most. It is element (at − o s) / d of window o, if that is whole.
struct Windows {
    Index first, last, at, most;
};
__device__ __forceinline__ Windows windows(
    Index pixel, Index count, Index k, Index s, Index p, Index d) {
    const Index at = pixel + p, above = at - d * (k - 1);
    return {above > 0 ? (above + s - 1) / s : 0, min(at / s, count - 1), at, d * (k - 1) / s + 1};
}

// Calls f(tap, oh, ow) for the windows in which the pixel (row, column) lies.
template <class F>
__device__ __forceinline__ void each_window(
    const Sizes& z, const Window& k, Index row, Index column, F f) {
    const Windows rows = windows(row, z.down, k.kh, k.s, k.p, k.d);
    const Windows columns = windows(column, z.across, k.kw, k.t, k.q, k.e);
#pragma unroll TURNS
    for (Index a = 0; a < rows.most; a++) {
        const Index oh = rows.last - a, i = (rows.at - oh * k.s) / k.d;
        const bool met = oh >= rows.first && i * k.d == rows.at - oh * k.s;
#pragma unroll TURNS
        for (Index b = 0; b < columns.most; b++) {
            const Index ow = columns.last - b, j = (columns.at - ow * k.t) / k.e;
            if (met && ow >= columns.first && j * k.e == columns.at - ow * k.t)
                f(i * k.kw + j, oh, ow);
        }
    }
}

// Sums of packs.
struct Sums {
    A value[V];
    __device__ __forceinline__ Sums() {
#pragma unroll
        for (int v = 0; v < V; v++) value[v] = A(0);
    }
    __device__ __forceinline__ void add(const T* from, A factor) {
        const Pack<V> part = load<V>(from);
#pragma unroll
        for (int v = 0; v < V; v++) value[v] += A(part.value[v]) * factor;
    }
    __device__ __forceinline__ void write(T* to, A factor) const {
        Pack<V> pack;
#pragma unroll
        for (int v = 0; v < V; v++) pack.value[v] = T(value[v] * factor);
        store(to, pack);
    }
};

// y = the maximum of each window's pixels, and the number of the tap that has it, row by row: the
// first of equal ones, kh·kw for a window with none. NaN counts as the largest, the last one wins.
extern "C" __global__ void __launch_bounds__(256, 2) max_pool(
    const T* __restrict__ x, T* __restrict__ y, Tap* __restrict__ index, SIZES, WINDOW) {
    const Sizes z = OF_ALL;
    const Window k = GIVEN;
    const int none = (int)(k.kh * k.kw);
    each_place(z.result(), across, n, [&](Index item, Index oh, Index ow, Index sample) {
        each_channel(channels, [&](Index c) {
            A best[V];
            int winner[V];
#pragma unroll
            for (int v = 0; v < V; v++) {
                best[v] = A(__uint_as_float(0xff800000u));  // −∞
                winner[v] = none;
            }
            each_pixel(z, k, oh, ow, sample, [&](Index tap, Index pixel) {
                const Pack<V> seen = load<V>(x + (c * z.image() + pixel) * V);
#pragma unroll
                for (int v = 0; v < V; v++) {
                    const A a = A(seen.value[v]);
                    // The first of equals, the last NaN, and anything rather than none.
                    if (a > best[v] || a != a || winner[v] == none) {
                        best[v] = a;
                        winner[v] = (int)tap;
                    }
                }
            });
            Pack<V> maxima;
            Taps taps;
#pragma unroll
            for (int v = 0; v < V; v++) {
                maxima.value[v] = T(best[v]);
                taps.value[v] = Tap(winner[v]);
            }
            const Index at = c * z.result() + item;
            store(y + at * V, maxima);
            if (index) ((Taps*)index)[at] = taps;
        });
    });
}

// Each pixel gathers g of the windows that it won: no atomics, and one order of the sum.
extern "C" __global__ void __launch_bounds__(256, 2) max_pool_gradient(
    const T* __restrict__ g, const Tap* __restrict__ index, T* __restrict__ dx, SIZES, WINDOW) {
    const Sizes z = OF_ALL;
    const Window k = GIVEN;
    each_place(z.image(), w, n, [&](Index item, Index row, Index column, Index sample) {
        each_channel(channels, [&](Index c) {
            Sums sum;
            each_window(z, k, row, column, [&](Index tap, Index oh, Index ow) {
                const Index at = c * z.result() + (oh * across + ow) * n + sample;
                const Pack<V> part = load<V>(g + at * V);
                const Taps taps = ((const Taps*)index)[at];
#pragma unroll
                for (int v = 0; v < V; v++)
                    if (Index(taps.value[v]) == tap) sum.value[v] += A(part.value[v]);
            });
            sum.write(dx + (c * z.image() + item) * V, A(1));
        });
    });
}

// The elements of x where the maxima were; 0 for none.
extern "C" __global__ void __launch_bounds__(256, 2) max_pool_pick(
    const T* __restrict__ x, const Tap* __restrict__ index, T* __restrict__ y, SIZES, WINDOW) {
    const Sizes z = OF_ALL;
    const Window k = GIVEN;
    each_place(z.result(), across, n, [&](Index item, Index oh, Index ow, Index sample) {
        const Index top = oh * k.s - k.p, left = ow * k.t - k.q;
        each_channel(channels, [&](Index c) {
            const Index at = c * z.result() + item;
            const Taps taps = ((const Taps*)index)[at];
            Pack<V> picked;
#pragma unroll
            for (int v = 0; v < V; v++) {
                const Index tap = Index(taps.value[v]), i = tap / k.kw;
                const Index row = top + i * k.d, column = left + (tap - i * k.kw) * k.e;
                const Index pixel = c * z.image() + (row * w + column) * n + sample;
                picked.value[v] = tap < k.kh * k.kw ? x[pixel * V + v] : T(A(0));
            }
            store(y + at * V, picked);
        });
    });
}

// How many elements the window that starts at `start` counts along an axis of n.
__device__ __forceinline__ Index counted(Index start, Index k, Index n, Index p, bool border) {
    const Index low = border ? -p : 0, high = border ? n + p : n;
    return min(start + k, high) - max(start, low);
}

// What the sum over the window at (oh, ow) is multiplied with.
__device__ __forceinline__ A share(
    const Sizes& z, const Window& k, Index oh, Index ow, bool border, Index divisor) {
    if (divisor) return A(1) / A(divisor);
    return A(1) / (A(counted(oh * k.s - k.p, k.kh, z.h, k.p, border))
                   * A(counted(ow * k.t - k.q, k.kw, z.w, k.q, border)));
}

// y = the sum of each window's pixels times its share (see above).
extern "C" __global__ void __launch_bounds__(256, 2) avg_pool(
    const T* __restrict__ x, T* __restrict__ y, SIZES, WINDOW, Index border, Index divisor) {
    const Sizes z = OF_ALL;
    const Window k = GIVEN;
    each_place(z.result(), across, n, [&](Index item, Index oh, Index ow, Index sample) {
        const A part = share(z, k, oh, ow, border, divisor);
        each_channel(channels, [&](Index c) {
            Sums sum;
            each_pixel(z, k, oh, ow, sample, [&](Index, Index pixel) {
                sum.add(x + (c * z.image() + pixel) * V, A(1));
            });
            sum.write(y + (c * z.result() + item) * V, part);
        });
    });
}

// Each pixel gathers g times its share from the windows in which it lies.
extern "C" __global__ void __launch_bounds__(256, 2) avg_pool_gradient(
    const T* __restrict__ g, T* __restrict__ dx, SIZES, WINDOW, Index border, Index divisor) {
    const Sizes z = OF_ALL;
    const Window k = GIVEN;
    each_place(z.image(), w, n, [&](Index item, Index row, Index column, Index sample) {
        each_channel(channels, [&](Index c) {
            Sums sum;
            each_window(z, k, row, column, [&](Index, Index oh, Index ow) {
                const Index at = c * z.result() + (oh * across + ow) * n + sample;
                sum.add(g + at * V, share(z, k, oh, ow, border, divisor));
            });
            sum.write(dx + (c * z.image() + item) * V, A(1));
        });
    });
}

// Adaptive pooling's bin i of `bins` over n pixels: from ⌊i n / bins⌋ to below ⌈(i + 1) n / bins⌉.
// It holds a pixel m from i = ⌊m bins / n⌋ to ⌈(m + 1) bins / n⌉ − 1, the same with roles changed.
__device__ __forceinline__ Index low(Index i, Index n, Index bins) {
    return (Index)((long long)i * n / bins);
}
__device__ __forceinline__ Index high(Index i, Index n, Index bins) {
    return (Index)(((long long)(i + 1) * n + bins - 1) / bins);
}

// y = the mean of each bin's pixels.
extern "C" __global__ void __launch_bounds__(256, 2) adaptive_pool(
    const T* __restrict__ x, T* __restrict__ y, SIZES) {
    const Sizes z = OF_ALL;
    each_place(z.result(), across, n, [&](Index item, Index oh, Index ow, Index sample) {
        const Index top = low(oh, h, down), bottom = high(oh, h, down);
        const Index left = low(ow, w, across), right = high(ow, w, across);
        const A part = A(1) / (A(bottom - top) * A(right - left));
        each_channel(channels, [&](Index c) {
            Sums sum;
            for (Index row = top; row < bottom; row++)
                for (Index column = left; column < right; column++)
                    sum.add(x + (c * z.image() + (row * w + column) * n + sample) * V, A(1));
            sum.write(y + (c * z.result() + item) * V, part);
        });
    });
}

// Each pixel gathers g / (the bin's pixels) from the bins in which it lies.
extern "C" __global__ void __launch_bounds__(256, 2) adaptive_pool_gradient(
    const T* __restrict__ g, T* __restrict__ dx, SIZES) {
    const Sizes z = OF_ALL;
    each_place(z.image(), w, n, [&](Index item, Index row, Index column, Index sample) {
        const Index top = low(row, down, h), bottom = high(row, down, h);
        const Index left = low(column, across, w), right = high(column, across, w);
        each_channel(channels, [&](Index c) {
            Sums sum;
            for (Index oh = top; oh < bottom; oh++) {
                const A rows = A(high(oh, h, down) - low(oh, h, down));
                for (Index ow = left; ow < right; ow++) {
                    const A area = rows * A(high(ow, w, across) - low(ow, w, across));
                    const Index at = c * z.result() + (oh * across + ow) * n + sample;
                    sum.add(g + at * V, A(1) / area);
                }
            }
            sum.write(dx + (c * z.image() + item) * V, A(1));
        });
    });
}
