// Convolution's columns, as gathers. Images lie as (C, H, W, N), columns as
// (C, kh, kw, rows, OW, N): a block of `rows` output rows from `top` on, neighbouring threads on
// neighbouring elements of both.

#include "common.cuh"

// columns[c, i, j, oh, ow, n] = x[c, (top + oh) s + i d - p, ow t + j e - q, n], 0 outside.
extern "C" __global__ void __launch_bounds__(256) im2col(
    const T* __restrict__ x, T* __restrict__ columns, Index count, Index n, Index height,
    Index width, Index kh, Index kw, Index s, Index t, Index p, Index q, Index d, Index e,
    Index top, Index rows, Index across) {
    for (Index item = first_item(); item < count; item += item_step()) {
        Index rest = item / n;
        const Index sample = item - rest * n;
        const Index ow = rest % across;
        rest /= across;
        const Index oh = rest % rows;
        rest /= rows;
        const Index j = rest % kw;
        rest /= kw;
        const Index i = rest % kh, c = rest / kh;
        const Index h = (top + oh) * s + i * d - p, w = ow * t + j * e - q;
        const bool inside = h >= 0 && h < height && w >= 0 && w < width;
        columns[item] = inside ? x[((c * height + h) * width + w) * n + sample] : T(0);
    }
}
