// Pooling. Images lie as (C, H, W, N), results as (C, OH, OW, N), one thread an element, so that
// neighbouring threads read neighbouring samples. Every gradient is a gather: a pixel looks up
// the windows that it is in.
//
// The element (i, j) of the window at (oh, ow) sees the pixel (oh s + i d − p, ow t + j e − q);
// its number is i kw + j, and kh kw stands for none.

#include "common.cuh"

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

// The numbers (c, a, b, n) of element `item` of an array (C, down, across, batch).
struct Place {
    Index c, a, b, n;
};
__device__ __forceinline__ Place place(Index item, Index down, Index across, Index batch) {
    const Index row = item / batch, line = row / across, c = line / down;
    return {c, line - c * down, row - line * across, item - row * batch};
}

// The windows along an axis in which a pixel lies, if any: `last`, `last` − 1, …, `first`. It is
// element (at − o s) / d of window o, if that is whole.
struct Windows {
    Index first, last, at;
};
__device__ __forceinline__ Windows windows(
    Index pixel, Index count, Index k, Index s, Index p, Index d) {
    const Index at = pixel + p, above = at - d * (k - 1);
    return {above > 0 ? (above + s - 1) / s : 0, min(at / s, count - 1), at};
}

extern "C" __global__ void __launch_bounds__(256, 1) max_pool(
    const T* __restrict__ x, T* __restrict__ y, Tap* __restrict__ index, Index count, Index batch,
    Index h, Index w, Index down, Index across, Index kh, Index kw, Index s, Index t, Index p,
    Index q, Index d, Index e) {
    for (Index item = first_item(); item < count; item += item_step()) {
        const Place at = place(item, down, across, batch);
        const Index top = at.a * s - p, left = at.b * t - q;
        const T* image = x + at.c * h * w * batch + at.n;
        A best = A(__uint_as_float(0xff800000u));  // −∞
        Index winner = kh * kw;
        for (Index i = 0; i < kh; i++) {
            const Index row = top + i * d;
            if (row < 0 || row >= h) continue;
            for (Index j = 0; j < kw; j++) {
                const Index column = left + j * e;
                if (column < 0 || column >= w) continue;
                const A seen = A(image[(row * w + column) * batch]);
                // The first of equals, the last NaN, and anything rather than none.
                if (seen > best || seen != seen || winner == kh * kw) {
                    best = seen;
                    winner = i * kw + j;
                }
            }
        }
        y[item] = T(best);
        if (index) index[item] = Tap(winner);
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) max_pool_gradient(
    const T* __restrict__ g, const Tap* __restrict__ index, T* __restrict__ dx, Index count,
    Index batch, Index h, Index w, Index down, Index across, Index kh, Index kw, Index s, Index t,
    Index p, Index q, Index d, Index e) {
    for (Index item = first_item(); item < count; item += item_step()) {
        const Place at = place(item, h, w, batch);
        const Windows rows = windows(at.a, down, kh, s, p, d);
        const Windows columns = windows(at.b, across, kw, t, q, e);
        A sum = A(0);
        for (Index oh = rows.last; oh >= rows.first; oh--) {
            const Index i = (rows.at - oh * s) / d;
            if (i * d != rows.at - oh * s) continue;
            for (Index ow = columns.last; ow >= columns.first; ow--) {
                const Index j = (columns.at - ow * t) / e;
                if (j * e != columns.at - ow * t) continue;
                const Index o = ((at.c * down + oh) * across + ow) * batch + at.n;
                if (Index(index[o]) == i * kw + j) sum += A(g[o]);
            }
        }
        dx[item] = T(sum);
    }
}

// The elements of x where the maxima were; 0 for none.
extern "C" __global__ void __launch_bounds__(256, 1) max_pool_pick(
    const T* __restrict__ x, const Tap* __restrict__ index, T* __restrict__ y, Index count,
    Index batch, Index h, Index w, Index down, Index across, Index kh, Index kw, Index s, Index t,
    Index p, Index q, Index d, Index e) {
    for (Index item = first_item(); item < count; item += item_step()) {
        const Place at = place(item, down, across, batch);
        const Index tap = Index(index[item]), i = tap / kw;
        const Index row = at.a * s - p + i * d, column = at.b * t - q + (tap - i * kw) * e;
        y[item] = tap < kh * kw ? x[((at.c * h + row) * w + column) * batch + at.n] : T(A(0));
    }
}

// How many elements the window that starts at `start` counts along an axis of n.
__device__ __forceinline__ Index counted(Index start, Index k, Index n, Index p, bool border) {
    const Index low = border ? -p : 0, high = border ? n + p : n;
    return min(start + k, high) - max(start, low);
}

// What the sum over the window at (oh, ow) is multiplied with.
__device__ __forceinline__ A share(
    Index oh, Index ow, Index h, Index w, Index kh, Index kw, Index s, Index t, Index p, Index q,
    bool border, Index divisor) {
    if (divisor) return A(1) / A(divisor);
    return A(1) / (A(counted(oh * s - p, kh, h, p, border))
                   * A(counted(ow * t - q, kw, w, q, border)));
}

extern "C" __global__ void __launch_bounds__(256, 1) avg_pool(
    const T* __restrict__ x, T* __restrict__ y, Index count, Index batch, Index h, Index w,
    Index down, Index across, Index kh, Index kw, Index s, Index t, Index p, Index q, Index d,
    Index e, Index border, Index divisor) {
    for (Index item = first_item(); item < count; item += item_step()) {
        const Place at = place(item, down, across, batch);
        const Index top = at.a * s - p, left = at.b * t - q;
        const T* image = x + at.c * h * w * batch + at.n;
        A sum = A(0);
        for (Index i = 0; i < kh; i++) {
            const Index row = top + i * d;
            if (row < 0 || row >= h) continue;
            for (Index j = 0; j < kw; j++) {
                const Index column = left + j * e;
                if (column >= 0 && column < w) sum += A(image[(row * w + column) * batch]);
            }
        }
        y[item] = T(sum * share(at.a, at.b, h, w, kh, kw, s, t, p, q, border, divisor));
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) avg_pool_gradient(
    const T* __restrict__ g, T* __restrict__ dx, Index count, Index batch, Index h, Index w,
    Index down, Index across, Index kh, Index kw, Index s, Index t, Index p, Index q, Index d,
    Index e, Index border, Index divisor) {
    for (Index item = first_item(); item < count; item += item_step()) {
        const Place at = place(item, h, w, batch);
        const Windows rows = windows(at.a, down, kh, s, p, d);
        const Windows columns = windows(at.b, across, kw, t, q, e);
        A sum = A(0);
        for (Index oh = rows.last; oh >= rows.first; oh--) {
            if ((rows.at - oh * s) % d) continue;
            for (Index ow = columns.last; ow >= columns.first; ow--) {
                if ((columns.at - ow * t) % e) continue;
                const A part = share(oh, ow, h, w, kh, kw, s, t, p, q, border, divisor);
                sum += A(g[((at.c * down + oh) * across + ow) * batch + at.n]) * part;
            }
        }
        dx[item] = T(sum);
    }
}

// Adaptive pooling's bin i of `bins` over n pixels: from ⌊i n / bins⌋ to below ⌈(i + 1) n / bins⌉.
// It holds a pixel m from i = ⌊m bins / n⌋ to ⌈(m + 1) bins / n⌉ − 1, the same with roles changed.
__device__ __forceinline__ Index low(Index i, Index n, Index bins) {
    return (Index)((long long)i * n / bins);
}
__device__ __forceinline__ Index high(Index i, Index n, Index bins) {
    return (Index)(((long long)(i + 1) * n + bins - 1) / bins);
}

extern "C" __global__ void __launch_bounds__(256, 1) adaptive_pool(
    const T* __restrict__ x, T* __restrict__ y, Index count, Index batch, Index h, Index w,
    Index down, Index across) {
    for (Index item = first_item(); item < count; item += item_step()) {
        const Place at = place(item, down, across, batch);
        const Index top = low(at.a, h, down), bottom = high(at.a, h, down);
        const Index left = low(at.b, w, across), right = high(at.b, w, across);
        const T* image = x + at.c * h * w * batch + at.n;
        A sum = A(0);
        for (Index row = top; row < bottom; row++)
            for (Index column = left; column < right; column++)
                sum += A(image[(row * w + column) * batch]);
        y[item] = T(sum / (A(bottom - top) * A(right - left)));
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) adaptive_pool_gradient(
    const T* __restrict__ g, T* __restrict__ dx, Index count, Index batch, Index h, Index w,
    Index down, Index across) {
    for (Index item = first_item(); item < count; item += item_step()) {
        const Place at = place(item, h, w, batch);
        A sum = A(0);
        for (Index oh = low(at.a, down, h); oh < high(at.a, down, h); oh++) {
            const A rows = A(high(oh, h, down) - low(oh, h, down));
            for (Index ow = low(at.b, across, w); ow < high(at.b, across, w); ow++) {
                const A area = rows * A(high(ow, w, across) - low(ow, w, across));
                sum += A(g[((at.c * down + oh) * across + ow) * batch + at.n]) / area;
            }
        }
        dx[item] = T(sum);
    }
}
