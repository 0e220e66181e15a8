// Convolution's columns, as gathers, and what is done to its rows. Images lie as (C, H, W, N),
// columns as (C / r, kh, kw, r, rows, OW, N): of a block of `rows` output rows from `top` on, with
// r channels `together`: all of a group, where a weight lies as (M, kh, kw, C), or one.
//
// A thread takes one position and one pack of V neighbours along N (16 bytes where N and the
// addresses allow), and walks over channels and the window from there: neighbouring threads meet
// neighbouring memory, and an index is taken apart once for all of them. `n` counts packs.

#include "common.cuh"

// Where __launch_bounds__ states how many blocks are to share a multiprocessor, the assembler
// would otherwise spill registers to fit more of them.

constexpr int LANES = 16 / sizeof(T);

template <int V> struct alignas(V * sizeof(T)) Pack { T value[V]; };

template <int V> __device__ __forceinline__ Pack<V> zeros() {
    Pack<V> pack;
#pragma unroll
    for (int v = 0; v < V; ++v) pack.value[v] = T(0.0f);
    return pack;
}

// Whether 0 <= i < size.
__device__ __forceinline__ bool within(Index i, Index size) { return i >= 0 && i < size; }

// columns[c / r, i, j, c % r, oh, ow, :] = x[c, (top + oh) s + i d - p, ow t + j e - q, :], and 0
// outside. p, q, d and e may be negative.
// KH and KW are the window's size where it is known when this is compiled, else 0.
template <int V, int KH, int KW>
__device__ __forceinline__ void gather_columns(
    const T* __restrict__ x, T* __restrict__ columns, Index channels, Index height, Index width,
    Index n, Index kh, Index kw, Index s, Index t, Index p, Index q, Index d, Index e, Index top,
    Index rows, Index across, Index together) {
    const Pack<V>* source = reinterpret_cast<const Pack<V>*>(x);
    Pack<V>* target = reinterpret_cast<Pack<V>*>(columns);
    const Index down_taps = KH ? KH : kh, across_taps = KW ? KW : kw;
    const Index places = rows * across * n, apart = together * places;
    for (Index place = first_item(); place < places; place += item_step()) {
        const Index position = place / n, oh = position / across;
        const Index sample = place - position * n, ow = position - oh * across;
        const Index h = (top + oh) * s - p, w = ow * t - q;
        for (Index c = blockIdx.y; c < channels; c += gridDim.y) {
            const Pack<V>* from = source + c * height * width * n + sample;
            const Index block = c / together * together;
            Pack<V>* to = target + place
                + (block * (down_taps * across_taps) + c - block) * places;
#pragma unroll
            for (Index i = 0; i < down_taps; ++i) {
                const Index row = h + i * d;
#pragma unroll
                for (Index j = 0; j < across_taps; ++j) {
                    const Index column = w + j * e;
                    const bool inside = within(row, height) && within(column, width);
                    *to = inside ? from[(row * width + column) * n] : zeros<V>();
                    to += apart;
                }
            }
        }
    }
}

#define IM2COL(name, V, KH, KW)                                                                \
    extern "C" __global__ void __launch_bounds__(256, 3)                                       \
        name(const T* __restrict__ x, T* __restrict__ columns, Index channels, Index height,   \
             Index width, Index n, Index kh, Index kw, Index s, Index t, Index p, Index q,     \
             Index d, Index e, Index top, Index rows, Index across, Index together) {          \
        gather_columns<V, KH, KW>(x, columns, channels, height, width, n, kh, kw, s, t, p, q,  \
                                  d, e, top, rows, across, together);                          \
    }
IM2COL(im2col, 1, 0, 0)
IM2COL(im2col_pack, LANES, 0, 0)
IM2COL(im2col_pack_3x3, LANES, 3, 3)

// x[c, h, w, :] = the sum of the elements of columns[c / r, :, :, c % r, :, :, :] that were taken
// from it.
template <int V>
__device__ __forceinline__ void gather_image(
    const T* __restrict__ columns, T* __restrict__ x, Index channels, Index height, Index width,
    Index n, Index kh, Index kw, Index s, Index t, Index p, Index q, Index d, Index e, Index down,
    Index across, Index together) {
    const Pack<V>* source = reinterpret_cast<const Pack<V>*>(columns);
    Pack<V>* target = reinterpret_cast<Pack<V>*>(x);
    const Index size = height * width * n, places = down * across * n;
    for (Index item = first_item(); item < size; item += item_step()) {
        const Index pixel = item / n, h = pixel / width;
        const Index sample = item - pixel * n, w = pixel - h * width;
        for (Index c = blockIdx.y; c < channels; c += gridDim.y) {
            const Index block = c / together * together;
            A sum[V];
#pragma unroll
            for (int v = 0; v < V; ++v) sum[v] = 0;
            for (Index i = 0; i < kh; ++i) {
                const Index top = h + p - i * d, oh = top / s;
                if (top < 0 || oh >= down || oh * s != top) continue;
                for (Index j = 0; j < kw; ++j) {
                    const Index left = w + q - j * e, ow = left / t;
                    if (left < 0 || ow >= across || ow * t != left) continue;
                    const Index row = block * kh * kw + (i * kw + j) * together + c - block;
                    const Pack<V> part = source[row * places + (oh * across + ow) * n + sample];
#pragma unroll
                    for (int v = 0; v < V; ++v) sum[v] += A(part.value[v]);
                }
            }
            Pack<V> result;
#pragma unroll
            for (int v = 0; v < V; ++v) result.value[v] = sum[v];
            target[c * size + item] = result;
        }
    }
}

#define COL2IM(name, V)                                                                        \
    extern "C" __global__ void __launch_bounds__(256, 1)                                       \
        name(const T* __restrict__ columns, T* __restrict__ x, Index channels, Index height,   \
             Index width, Index n, Index kh, Index kw, Index s, Index t, Index p, Index q,     \
             Index d, Index e, Index down, Index across, Index together) {                     \
        gather_image<V>(columns, x, channels, height, width, n, kh, kw, s, t, p, q, d, e,      \
                        down, across, together);                                               \
    }
COL2IM(col2im, 1)
COL2IM(col2im_pack, LANES)

// y[m, start : start + count] += bias[m] for rows of `length` packs.
template <int V>
__device__ __forceinline__ void add_to_rows(
    T* __restrict__ y, const T* __restrict__ bias, Index rows, Index length, Index start,
    Index count) {
    Pack<V>* target = reinterpret_cast<Pack<V>*>(y);
    for (Index m = blockIdx.y; m < rows; m += gridDim.y) {
        const A b = bias[m];
        Pack<V>* row = target + m * length + start;
        for (Index i = first_item(); i < count; i += item_step()) {
            Pack<V> pack = row[i];
#pragma unroll
            for (int v = 0; v < V; ++v) pack.value[v] = A(pack.value[v]) + b;
            row[i] = pack;
        }
    }
}

#define ADD_BIAS(name, V)                                                                      \
    extern "C" __global__ void __launch_bounds__(256)                                          \
        name(T* __restrict__ y, const T* __restrict__ bias, Index rows, Index length,          \
             Index start, Index count) {                                                       \
        add_to_rows<V>(y, bias, rows, length, start, count);                                   \
    }
ADD_BIAS(add_bias, 1)
ADD_BIAS(add_bias_pack, LANES)

// parts[m, b] = the sum of block b's share of row m; then y[m] = the sum of parts[m, :].
extern "C" __global__ void __launch_bounds__(256)
    row_parts(const T* __restrict__ x, A* __restrict__ parts, Index rows, Index length) {
    for (Index m = blockIdx.y; m < rows; m += gridDim.y) {
        A sum = 0;
        for (Index i = first_item(); i < length; i += item_step()) sum += A(x[m * length + i]);
        sum = block_sum(sum);
        if (threadIdx.x == 0) parts[m * (Index)gridDim.x + (Index)blockIdx.x] = sum;
    }
}

// y[m] = the sum of row m of parts (rows, length), in a fixed order; a block a row.
extern "C" __global__ void __launch_bounds__(256)
    row_totals(const A* __restrict__ parts, T* __restrict__ y, Index length) {
    const Index m = blockIdx.x;
    A sum = 0;
    for (Index i = threadIdx.x; i < length; i += blockDim.x) sum += parts[m * length + i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) y[m] = sum;
}
