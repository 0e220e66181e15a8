// Convolution without columns in memory: a matrix product on the tensor cores, in TF32, whose
// second factor is read from the image as it is needed. float32 only, whatever T is.
//
// With N innermost, 4 neighbouring positions (oh, ow, n .. n + 3) of a column row (i, j, c) are 16
// neighbouring bytes of the image, or lie outside of it whole: one asynchronous copy, or zeros.
// N and K = kh kw C must be multiples of 4, and all addresses of 16 bytes.
//
// A block computes a tile of 128 positions (or weights' columns) with 8 warps, two by four, each
// `TILES` x 4 products of 16 x 8. Copies run STAGES - 1 steps ahead. Rows of shared memory are
// padded so that the 32 lanes of a fragment meet 32 banks.

#include "common.cuh"
#include "mma.cuh"

#ifndef KERNEL_H
#define KERNEL_H 3
#define KERNEL_W 3
#endif

constexpr int THREADS = 256, WIDE_TILE = 128, STEP = 16, STAGES = 4;
constexpr int BLOCKS = sizeof(Index) == 4 ? 2 : 1;  // of a multiprocessor, by their registers
constexpr int PACK = 4;                  // floats of one copy
constexpr int DEEP_ROW = STEP + 4;       // a row of a tile whose rows go along the sum
constexpr int FLAT_ROW = WIDE_TILE + 8;  // a row of a tile whose columns do

struct Steps { Index s, t, p, q, d, e; };

// The place of a column row (i, j, c) in the image, against a position's first pixel.
struct Tap {
    Index c, i, j;
    __device__ __forceinline__ Tap(Index k, Index channels) {
        const Index tap = k / channels;
        c = k - tap * channels;
        i = tap / KERNEL_W;
        j = tap - i * KERNEL_W;
    }
    // The row of the next step, without a division.
    __device__ __forceinline__ void advance(Index channels) {
        c += STEP;
        while (c >= channels) {
            c -= channels;
            if (++j == KERNEL_W) {
                j = 0;
                ++i;
            }
        }
    }
};

// A position (oh, ow, n): the pixel that the window's first element meets.
struct Place {
    Index h, w, sample;
    __device__ __forceinline__ Place(Index position, Index n, Index across, const Steps& z) {
        const Index pixel = position / n, oh = pixel / across;
        sample = position - pixel * n;
        h = oh * z.s - z.p;
        w = (pixel - oh * across) * z.t - z.q;
    }
};

// Start the copy of 4 elements of a column row.
__device__ __forceinline__ void copy_columns(
    float* to, const float* x, bool valid, const Tap& tap, const Place& place, Index height,
    Index width, Index n, const Steps& z) {
    const Index h = place.h + tap.i * z.d, w = place.w + tap.j * z.e;
    valid = valid && h >= 0 && h < height && w >= 0 && w < width;
    const float* from = x + ((tap.c * height + h) * width + w) * n + place.sample;
    copy_async(to, valid ? from : x, valid);
}

// A warp's products of one step. `a` has DEEP_ROW floats a row; element (k, column) of B is
// b[k * B_DOWN + column * B_ACROSS].
template <int TILES, int B_DOWN, int B_ACROSS>
__device__ __forceinline__ void multiply_step(
    float (&sums)[TILES][4][4], const float* a, const float* b) {
    const int r = threadIdx.x % WARP / 4, q = threadIdx.x % 4;
#pragma unroll
    for (int k = 0; k < STEP; k += 8) {
        unsigned left[TILES][4], right[4][2];
#pragma unroll
        for (int tile = 0; tile < TILES; ++tile) {
            const float* from = a + (tile * 16 + r) * DEEP_ROW + k + q;
            left[tile][0] = to_tf32(from[0]);
            left[tile][1] = to_tf32(from[8 * DEEP_ROW]);
            left[tile][2] = to_tf32(from[4]);
            left[tile][3] = to_tf32(from[8 * DEEP_ROW + 4]);
        }
#pragma unroll
        for (int tile = 0; tile < 4; ++tile) {
            const float* from = b + (k + q) * B_DOWN + (tile * 8 + r) * B_ACROSS;
            right[tile][0] = to_tf32(from[0]);
            right[tile][1] = to_tf32(from[4 * B_DOWN]);
        }
#pragma unroll
        for (int i = 0; i < TILES; ++i)
#pragma unroll
            for (int j = 0; j < 4; ++j) multiply_add(sums[i][j], left[i], right[j]);
    }
}

// y[:, first : first + 4 tiles of 8] of a warp's rows; two neighbours at a time.
template <int TILES>
__device__ __forceinline__ void store(
    const float (&sums)[TILES][4][4], float* y, const float* bias, Index row, Index rows,
    Index column, Index columns) {
    const int r = threadIdx.x % WARP / 4, q = threadIdx.x % 4;
#pragma unroll
    for (int tile = 0; tile < TILES; ++tile)
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const Index m = row + tile * 16 + half * 8 + r;
            if (m >= rows) continue;
            const float b = bias ? bias[m] : 0.0f;
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                const Index at = column + j * 8 + 2 * q;
                if (at >= columns) continue;
                *reinterpret_cast<float2*>(y + m * columns + at) = make_float2(
                    sums[tile][j][2 * half] + b, sums[tile][j][2 * half + 1] + b);
            }
        }
}

// y (M, OH OW N) = weight (M, K) columns (K, OH OW N) + bias.
template <int ROWS>
__device__ __forceinline__ void convolve(
    const float* __restrict__ x, const float* __restrict__ weight,
    const float* __restrict__ bias, float* __restrict__ y, Index channels, Index height,
    Index width, Index n, Index m, Index across, Index places, const Steps& z) {
    constexpr int TILES = ROWS / 32, SIZE = ROWS * DEEP_ROW + STEP * FLAT_ROW;
    DYNAMIC_SHARED(float, memory);
    const int thread = threadIdx.x, warp = thread / WARP;
    const Index first = (Index)blockIdx.x * WIDE_TILE, row = (Index)blockIdx.y * ROWS;
    const Index depth = channels * KERNEL_H * KERNEL_W, steps = (depth + STEP - 1) / STEP;
    const int pack = thread % WARP * PACK;
    const Index position = first + pack;
    const Place place(position, n, across, z);
    static_assert(STEP == 2 * (THREADS / WARP), "a warp fetches two rows of columns a step");
    Tap taps[2] = {Tap(warp, channels), Tap(warp + STEP / 2, channels)};

    auto fetch = [&](Index step) {  // one step after another
        if (step < steps) {
            float* a = memory + (step % STAGES) * SIZE;
            float* b = a + ROWS * DEEP_ROW;
#pragma unroll
            for (int i = thread; i < ROWS * STEP / PACK; i += THREADS) {
                const int down = i / (STEP / PACK), along = i % (STEP / PACK) * PACK;
                const Index k = step * STEP + along, from = row + down;
                const bool valid = from < m && k < depth;
                copy_async(a + down * DEEP_ROW + along, valid ? weight + from * depth + k : weight,
                           valid);
            }
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int down = warp + half * (STEP / 2);
                const bool valid = position < places && step * STEP + down < depth;
                copy_columns(b + down * FLAT_ROW + pack, x, valid, taps[half], place, height,
                             width, n, z);
                taps[half].advance(channels);
            }
        }
        copies_commit();
    };

    float sums[TILES][4][4] = {};
    for (Index step = 0; step < STAGES - 1; ++step) fetch(step);
    for (Index step = 0; step < steps; ++step) {
        copies_wait<STAGES - 2>();
        __syncthreads();  // all copies of this step have arrived; the step before it is done with
        fetch(step + STAGES - 1);
        const float* a = memory + (step % STAGES) * SIZE;
        multiply_step<TILES, FLAT_ROW, 1>(sums, a + warp / 4 * (ROWS / 2) * DEEP_ROW,
                                          a + ROWS * DEEP_ROW + warp % 4 * 32);
    }
    store<TILES>(sums, y, bias, row + warp / 4 * (ROWS / 2), m, first + warp % 4 * 32, places);
}

extern "C" __global__ void __launch_bounds__(256, BLOCKS) implicit_64(
    const float* x, const float* weight, const float* bias, float* y, Index channels,
    Index height, Index width, Index n, Index m, Index across, Index places, Index s, Index t,
    Index p, Index q, Index d, Index e) {
    convolve<64>(x, weight, bias, y, channels, height, width, n, m, across, places,
                 {s, t, p, q, d, e});
}

extern "C" __global__ void __launch_bounds__(256, BLOCKS) implicit_128(
    const float* x, const float* weight, const float* bias, float* y, Index channels,
    Index height, Index width, Index n, Index m, Index across, Index places, Index s, Index t,
    Index p, Index q, Index d, Index e) {
    convolve<128>(x, weight, bias, y, channels, height, width, n, m, across, places,
                  {s, t, p, q, d, e});
}

// parts[z] (M, K) = g (M, P) columns (K, P)^T over the positions of share z, `share` steps each.
extern "C" __global__ void __launch_bounds__(256, BLOCKS) implicit_weight(
    const float* __restrict__ x, const float* __restrict__ g, float* __restrict__ parts,
    Index channels, Index height, Index width, Index n, Index m, Index across, Index places,
    Index share, Index s, Index t, Index p, Index q, Index d, Index e) {
    constexpr int ROWS = 64, TILES = ROWS / 32, SIZE = (ROWS + WIDE_TILE) * DEEP_ROW;
    DYNAMIC_SHARED(float, memory);
    const Steps z = {s, t, p, q, d, e};
    const int thread = threadIdx.x, warp = thread / WARP;
    const Index first = (Index)blockIdx.x * WIDE_TILE, row = (Index)blockIdx.y * ROWS;
    const Index depth = channels * KERNEL_H * KERNEL_W;
    const Index begin = (Index)blockIdx.z * share;
    const Index end = min(begin + share, (places + STEP - 1) / STEP);
    const int down = thread / (STEP / PACK), along = thread % (STEP / PACK) * PACK;
    const Index k = first + down, other = k + WIDE_TILE / 2;  // the rows that this thread fetches
    const Tap tap(k, channels), other_tap(other, channels);

    auto fetch = [&](Index step) {
        if (step < end) {
            float* a = memory + (step % STAGES) * SIZE;
            float* b = a + ROWS * DEEP_ROW + down * DEEP_ROW + along;
            const Index position = step * STEP + along;
            const bool valid = position < places, here = valid && row + down < m;
            copy_async(a + down * DEEP_ROW + along,
                       here ? g + (row + down) * places + position : g, here);
            const Place place(position, n, across, z);
            copy_columns(b, x, valid && k < depth, tap, place, height, width, n, z);
            copy_columns(b + WIDE_TILE / 2 * DEEP_ROW, x, valid && other < depth, other_tap, place,
                         height, width, n, z);
        }
        copies_commit();
    };

    float sums[TILES][4][4] = {};
    for (Index step = begin; step < begin + STAGES - 1; ++step) fetch(step);
    for (Index step = begin; step < end; ++step) {
        copies_wait<STAGES - 2>();
        __syncthreads();
        fetch(step + STAGES - 1);
        const float* a = memory + (step % STAGES) * SIZE;
        multiply_step<TILES, 1, DEEP_ROW>(sums, a + warp / 4 * (ROWS / 2) * DEEP_ROW,
                                          a + (ROWS + warp % 4 * 32) * DEEP_ROW);
    }
    store<TILES>(sums, parts + (Index)blockIdx.z * m * depth, nullptr,
                 row + warp / 4 * (ROWS / 2), m, first + warp % 4 * 32, depth);
}

// y[i] = the sum of parts[:, i], in order.
extern "C" __global__ void __launch_bounds__(256)
    implicit_total(const float* __restrict__ parts, float* __restrict__ y, Index count,
                   Index shares) {
    for (Index i = first_item(); i < count; i += item_step()) {
        float sum = 0;
        for (Index z = 0; z < shares; ++z) sum += parts[z * count + i];
        y[i] = sum;
    }
}
