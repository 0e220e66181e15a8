// Convolution without columns in memory, on Hopper's tensor cores: a matrix product in TF32 whose
// columns are read from the image as they are needed. float32 only, whatever T is.
//
// With N innermost, 4 neighbouring positions (oh, ow, n .. n + 3) of a column row (i, j, c) are 16
// neighbouring bytes of the image, or lie outside of it whole: one asynchronous copy, or zeros.
// N must be a multiple of 4, channels of 32, and all addresses of 16 bytes: so a step of the sum is
// 32 channels of one element of the window.
//
// A block has two groups of four warps. Copies run STAGES - 1 steps ahead.

#include "common.cuh"
#include "mma.cuh"
#include "wgmma.cuh"

#ifndef KERNEL_H
#define KERNEL_H 3
#define KERNEL_W 3
#endif

constexpr int THREADS = 256, TILE = 128, STEP = 32, STAGES = 3;
constexpr int FLAT_ROW = TILE + 8;  // a row of columns, padded: a fragment's lanes meet all banks

struct Steps { Index s, t, p, q, d, e; };
struct Image { Index height, width, n; };

// Whether 0 <= i < size.
__device__ __forceinline__ bool within(Index i, Index size) {
    return (unsigned long long)i < (unsigned long long)size;
}

// A position (oh, ow, n): the pixel that the window's first element meets.
struct Place {
    Index h, w, sample;
    __device__ __forceinline__ Place(Index position, Index n, Index across, const Steps& z) {
        const Index pixel = position / n, oh = pixel / across;
        sample = position - pixel * n;
        h = oh * z.s - z.p;
        w = (pixel - oh * across) * z.t - z.q;
    }
    // Where channel 0 of element (i, j) lies; negative if outside of the image.
    __device__ __forceinline__ Index pixel(Index i, Index j, const Image& x, const Steps& z) const {
        const Index row = h + i * z.d, column = w + j * z.e;
        return within(row, x.height) && within(column, x.width) ? (row * x.width + column) * x.n + sample : -1;
    }
};

// Dynamic shared memory from a multiple of 1024 on; the launch gives as much more.
__device__ __forceinline__ float* aligned_shared() {
    DYNAMIC_SHARED(float, memory);
    return memory + (1024 - ((size_t)memory & 1023)) % 1024 / 4;
}

// y (M, P) = weight (M, kh kw C) columns (kh kw C, P) + bias; with several shares of the sum (the
// grid's z) each its own part of y. Rows of 64 positions are a group's, COLUMNS channels of y.
template <int COLUMNS>
__device__ __forceinline__ void convolve(
    const float* __restrict__ x, const float* __restrict__ weight,
    const float* __restrict__ bias, float* __restrict__ y, Index channels, const Image& image,
    Index m, Index across, Index places, Index share, const Steps& z) {
    constexpr int WEIGHTS = COLUMNS * STEP, SIZE = WEIGHTS + STEP * FLAT_ROW;
    static_assert(WEIGHTS % 256 == 0 && SIZE % 256 == 0, "matrices begin at multiples of 1024");
    const float* memory = aligned_shared();
    const Shared shared = shared_address(memory);
    const Factor weights = factor_at(shared);
    const int thread = threadIdx.x, warp = thread / WARP, lane = thread % WARP;
    const Index first = (Index)blockIdx.x * TILE, top = (Index)blockIdx.y * COLUMNS;
    const Index depth = channels * KERNEL_H * KERNEL_W, plane = image.height * image.width * image.n;
    const Index begin = (Index)blockIdx.z * share, end = min(begin + share, depth / STEP);
    const Index position = first + lane * 4;
    const Place place(position, image.n, across, z);
    const Index start = begin * STEP, tap = start / channels;
    Index c = start - tap * channels, i = tap / KERNEL_W, j = tap - i * KERNEL_W;

    int slot = 0;  // that is fetched next
    auto fetch = [&](Index step) {  // one step after another
        if (step < end) {
            const Shared b = shared + slot * SIZE * 4;
            const Shared columns =
                b + (WEIGHTS + warp * (STEP / 8) * FLAT_ROW + lane * 4) * 4;
#pragma unroll
            for (int part = 0; part < COLUMNS / 32; ++part) {
                const int row = part * 32 + thread / 8, pack = thread % 8;
                const bool valid = top + row < m;
                copy_16(b + swizzled(row, pack),
                        weight + (valid ? (top + row) * depth + step * STEP + pack * 4 : 0),
                        valid);
            }
            const Index pixel = position < places ? place.pixel(i, j, image, z) : -1;
            const float* from = x + (pixel < 0 ? 0 : (c + warp * (STEP / 8)) * plane + pixel);
#pragma unroll
            for (int row = 0; row < STEP / 8; ++row)
                copy_16(columns + row * FLAT_ROW * 4, from + (pixel < 0 ? 0 : row * plane),
                        pixel >= 0);
            c += STEP;
            if (c == channels) {
                c = 0;
                if (++j == KERNEL_W) {
                    j = 0;
                    ++i;
                }
            }
        }
        slot = slot == STAGES - 1 ? 0 : slot + 1;
        copies_commit();
    };

    int now = 0;  // the slot that is multiplied
    float sums[COLUMNS / 2] = {};
    const int r = lane / 4, q = lane % 4, own = warp * 16 + r;
    for (Index ahead = 0; ahead < STAGES - 1; ++ahead) fetch(begin + ahead);
    for (Index step = begin; step < end; ++step) {
        copies_wait<STAGES - 2>();
        publish();
        __syncthreads();  // all copies of this step have arrived; the step before it is done with
        fetch(step + STAGES - 1);
        const Factor b = weights + now * (SIZE / 4);
        const float* columns = memory + now * SIZE + WEIGHTS + q * FLAT_ROW + own;
        unsigned a[STEP / 8][4];
#pragma unroll
        for (int k = 0; k < STEP / 8; ++k)
#pragma unroll
            for (int part = 0; part < 4; ++part)
                a[k][part] =
                    nearly_tf32(columns[(k * 8 + part / 2 * 4) * FLAT_ROW + part % 2 * 8]);
        products_begin();
#pragma unroll
        for (int k = 0; k < STEP / 8; ++k) multiply_add(sums, a[k], b + 2 * k);
        products_end();
        now = now == STAGES - 1 ? 0 : now + 1;
    }
    y += (Index)blockIdx.z * m * places;
#pragma unroll
    for (int k = 0; k < COLUMNS / 2; ++k) {
        const Index row = top + k / 4 * 8 + 2 * q + k % 2, at = first + own + k / 2 % 2 * 8;
        if (row < m && at < places) y[row * places + at] = sums[k] + (bias ? bias[row] : 0.0f);
    }
}

#define CONVOLVE(name, COLUMNS)                                                                \
    extern "C" __global__ void __launch_bounds__(256, 2)                                       \
        name(const float* x, const float* weight, const float* bias, float* y, Index channels, \
             Index height, Index width, Index n, Index m, Index across, Index places,          \
             Index share, Index s, Index t, Index p, Index q, Index d, Index e) {              \
        convolve<COLUMNS>(x, weight, bias, y, channels, {height, width, n}, m, across, places, \
                          share, {s, t, p, q, d, e});                                          \
    }
CONVOLVE(hopper_64, 64)
CONVOLVE(hopper_128, 128)

// parts[z] (M, kh kw C) = g (M, P) columns (kh kw C, P)^T over the positions of share z, `share`
// steps of 32 each. A block computes 128 channels of g by 128 column rows.
extern "C" __global__ void __launch_bounds__(256, 2) hopper_weight(
    const float* __restrict__ x, const float* __restrict__ g, float* __restrict__ parts,
    Index channels, Index height, Index width, Index n, Index m, Index across, Index places,
    Index share, Index s, Index t, Index p, Index q, Index d, Index e) {
    constexpr int SIZE = 2 * TILE * STEP;
    const Steps z = {s, t, p, q, d, e};
    const Shared shared = shared_address(aligned_shared());
    const int thread = threadIdx.x, warp = thread / WARP, lane = thread % WARP;
    const Index top = (Index)blockIdx.y * TILE, first = (Index)blockIdx.x * TILE;
    const Index depth = channels * KERNEL_H * KERNEL_W, plane = height * width * n;
    const Index begin = (Index)blockIdx.z * share;
    const Index end = min(begin + share, (places + STEP - 1) / STEP);
    const int down = thread / 8, pack = thread % 8;
    // The 32 column rows of a part are of one element of the window: what it adds to a position's
    // row, column and address is the same for the whole block.
    Index rows[TILE / 32], columns[TILE / 32], offsets[TILE / 32];
#pragma unroll
    for (int part = 0; part < TILE / 32; ++part) {
        const Index k = first + part * 32, tap = k / channels;
        const Index i = tap / KERNEL_W, j = tap - i * KERNEL_W;
        rows[part] = k < depth ? i * z.d : -2 * height - z.p;  // outside of the image
        columns[part] = j * z.e;
        offsets[part] = (k - tap * channels) * plane + (i * z.d * width + j * z.e) * n;
    }
    // This thread's position of the next step to be fetched.
    Index position = begin * STEP + pack * 4, ow = position / n, sample = position - ow * n;
    Index oh = ow / across;
    ow -= oh * across;
    const float* own_g = g + (top + down) * places;
    const float* own_x = x + down * plane;
    int slot = 0;  // that is fetched next

    auto fetch = [&](Index step) {  // one step after another
        if (step < end) {
            const Shared a = shared + slot * SIZE * 4, b = a + TILE * STEP * 4;
            const Index h = oh * s - p, w = ow * t - q, pixel = (h * width + w) * n + sample;
            const bool inside = position < places;
#pragma unroll
            for (int part = 0; part < TILE / 32; ++part) {
                const int to = swizzled(part * 32 + down, pack);
                const bool valid = inside && top + part * 32 + down < m;
                copy_16(a + to, valid ? own_g + (part * 32 * places + position) : g, valid);
                const bool here = inside && within(h + rows[part], height)
                                  && within(w + columns[part], width);
                copy_16(b + to, here ? own_x + (pixel + offsets[part]) : x, here);
            }
            position += STEP;
            sample += STEP;
            while (sample >= n) {
                sample -= n;
                if (++ow == across) {
                    ow = 0;
                    ++oh;
                }
            }
        }
        slot = slot == STAGES - 1 ? 0 : slot + 1;
        copies_commit();
    };

    const Factor left = factor_at(shared + warp / 4 * 64 * STEP * 4);
    const Factor right = factor_at(shared + TILE * STEP * 4);
    int now = 0;  // the slot that is multiplied
    float sums[TILE / 2] = {};
    for (Index ahead = 0; ahead < STAGES - 1; ++ahead) fetch(begin + ahead);
    for (Index step = begin; step < end; ++step) {
        copies_wait<STAGES - 2>();
        publish();
        __syncthreads();
        fetch(step + STAGES - 1);
        const Factor a = left + now * (SIZE / 4), b = right + now * (SIZE / 4);
        products_begin();
#pragma unroll
        for (int k = 0; k < STEP / 8; ++k) multiply_add(sums, a + 2 * k, b + 2 * k);
        products_end();
        now = now == STAGES - 1 ? 0 : now + 1;
    }
    parts += (Index)blockIdx.z * m * depth;
    const int r = lane / 4;
#pragma unroll
    for (int k = 0; k < TILE / 2; k += 2) {
        const Index row = top + warp * 16 + r + k / 2 % 2 * 8;
        const Index at = first + k / 4 * 8 + 2 * (lane % 4);
        if (row < m && at < depth)
            *reinterpret_cast<float2*>(parts + row * depth + at) =
                make_float2(sums[k], sums[k + 1]);
    }
}

// y[i] = the sum of parts[:, i], in order, plus the bias of i's row of `length`, if there is one.
extern "C" __global__ void __launch_bounds__(256) hopper_total(
    const float* __restrict__ parts, const float* __restrict__ bias, float* __restrict__ y,
    Index count, Index shares, Index length) {
    for (Index i = first_item() * 4; i < count; i += item_step() * 4) {
        float4 sum = *(const float4*)(parts + i);
        for (Index share = 1; share < shares; ++share) {
            const float4 part = *(const float4*)(parts + share * count + i);
            sum = make_float4(sum.x + part.x, sum.y + part.y, sum.z + part.z, sum.w + part.w);
        }
        const float b = bias ? bias[i / length] : 0.0f;
        *(float4*)(y + i) = make_float4(sum.x + b, sum.y + b, sum.z + b, sum.w + b);
    }
}

// turned (C, kh kw, M) = weight (M, kh kw, C), 32 by 32 at a time through shared memory.
extern "C" __global__ void __launch_bounds__(256) hopper_turn(
    const float* __restrict__ weight, float* __restrict__ turned, Index m, Index taps, Index c) {
    __shared__ float held[32][33];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const Index column = (Index)blockIdx.x * 32, row = (Index)blockIdx.y * 32, tap = blockIdx.z;
#pragma unroll
    for (int i = warp; i < 32; i += 8)
        if (row + i < m && column + lane < c)
            held[i][lane] = weight[((row + i) * taps + tap) * c + column + lane];
    __syncthreads();
#pragma unroll
    for (int i = warp; i < 32; i += 8)
        if (column + i < c && row + lane < m)
            turned[((column + i) * taps + tap) * m + row + lane] = held[lane][i];
}
