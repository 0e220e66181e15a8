// Convolution without columns in memory, on Hopper's tensor cores: a matrix product, in TF32 or 16
// bits, whose columns are read from the image as they are needed. Sums are float32. Not for double.
//
// With N innermost, a pack of neighbouring positions (oh, ow, n …) of a column row (i, j, c) is 16
// neighbouring bytes of the image, or lies outside of it whole: one asynchronous copy, or zeros.
// N must be made of whole packs, channels of whole steps (128 bytes), and all addresses be multiples
// of 16: so a step of the sum is channels of one element of the window.
//
// A block has two groups of four warps. Copies run STAGES - 1 steps ahead.

#include "common.cuh"
#include "wgmma.cuh"

#ifndef KERNEL_H
#define KERNEL_H 3
#define KERNEL_W 3
#endif

constexpr int SIZE_OF = sizeof(T), PACK = 16 / SIZE_OF, STEP = 128 / SIZE_OF;
constexpr int TILE = 128, STAGES = 3, PRODUCTS = 4;  // of a step: each over 32 bytes
constexpr int BLOCKS = sizeof(Index) == 4 ? 2 : 1;  // of a multiprocessor, by their registers
// Bytes of a row of columns, padded so that a fragment's lanes meet all banks.
constexpr int FLAT_ROW = TILE * SIZE_OF + (SIZE_OF == 4 ? 32 : 16);

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
__device__ __forceinline__ char* aligned_shared() {
    DYNAMIC_SHARED(char, memory);
    return memory + (1024 - ((size_t)memory & 1023)) % 1024;
}

// This lane's part of 16 positions from `own` on by 32 bytes' worth of column rows, as a factor.
__device__ __forceinline__ void take(unsigned (&a)[4], const char* columns, int own) {
    const int lane = threadIdx.x % WARP;
    if constexpr (SIZE_OF == 4) {
        const char* at = columns + lane % 4 * FLAT_ROW + (own + lane / 4) * 4;
#pragma unroll
        for (int part = 0; part < 4; ++part)
            a[part] = nearly_tf32(*(const float*)(at + part / 2 * 4 * FLAT_ROW + part % 2 * 32));
    } else {
        const int row = lane / 16 * 8 + lane % 8, position = own + lane / 8 % 2 * 8;
        load_turned(a, shared_address(columns) + row * FLAT_ROW + position * SIZE_OF);
    }
}

// y (M, P) = weight (M, kh kw C) columns (kh kw C, P) + bias, COLUMNS channels of y a block, 64
// positions a group. With several shares of the sum (the grid's z) each into its own part of `parts`.
template <int COLUMNS>
__device__ __forceinline__ void convolve(
    const T* __restrict__ x, const T* __restrict__ weight, const T* __restrict__ bias,
    T* __restrict__ y, float* __restrict__ parts, Index channels, const Image& image, Index m,
    Index across, Index places, Index share, const Steps& z) {
    constexpr int WEIGHTS = COLUMNS * 128, SIZE = WEIGHTS + STEP * FLAT_ROW;
    constexpr int ACROSS = TILE / PACK, DOWN = 256 / ACROSS;  // packs of a row; rows at a time
    static_assert(SIZE % 1024 == 0, "factors begin at multiples of 1024");
    const char* memory = aligned_shared();
    const Shared shared = shared_address(memory);
    const Factor weights = factor_at(shared);
    const int thread = threadIdx.x, warp = thread / WARP, lane = thread % WARP;
    const Index first = (Index)blockIdx.x * TILE, top = (Index)blockIdx.y * COLUMNS;
    const Index depth = channels * KERNEL_H * KERNEL_W, plane = image.height * image.width * image.n;
    const Index begin = (Index)blockIdx.z * share, end = min(begin + share, depth / STEP);
    const int flat = thread % ACROSS * PACK, down = thread / ACROSS;
    const Index position = first + flat;
    const Place place(position, image.n, across, z);
    const Index start = begin * STEP, tap = start / channels;
    Index c = start - tap * channels, i = tap / KERNEL_W, j = tap - i * KERNEL_W;

    int slot = 0;  // that is fetched next
    auto fetch = [&](Index step) {  // one step after another
        if (step < end) {
            const Shared b = shared + slot * SIZE;
            const Shared columns = b + WEIGHTS + down * FLAT_ROW + flat * SIZE_OF;
#pragma unroll
            for (int part = 0; part < COLUMNS / 32; ++part) {
                const int row = part * 32 + thread / 8, pack = thread % 8;
                const bool valid = top + row < m;
                copy_16(b + swizzled(row, pack),
                        weight + (valid ? (top + row) * depth + step * STEP + pack * PACK : 0),
                        valid);
            }
            const Index pixel = position < places ? place.pixel(i, j, image, z) : -1;
            const T* from = x + (pixel < 0 ? 0 : (c + down) * plane + pixel);
#pragma unroll
            for (int row = 0; row < STEP; row += DOWN)
                copy_16(columns + row * FLAT_ROW, from + (pixel < 0 ? 0 : row * plane),
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
    for (Index ahead = 0; ahead < STAGES - 1; ++ahead) fetch(begin + ahead);
    for (Index step = begin; step < end; ++step) {
        copies_wait<STAGES - 2>();
        publish();
        __syncthreads();  // all copies of this step have arrived; the step before it is done with
        fetch(step + STAGES - 1);
        const Factor b = weights + now * (SIZE / 16);
        const char* columns = memory + now * SIZE + WEIGHTS;
        unsigned a[PRODUCTS][4];
#pragma unroll
        for (int k = 0; k < PRODUCTS; ++k)
            take(a[k], columns + k * (STEP / PRODUCTS) * FLAT_ROW, warp * 16);
        products_begin();
#pragma unroll
        for (int k = 0; k < PRODUCTS; ++k) multiply_add(sums, a[k], b + 2 * k);
        products_end();
        now = now == STAGES - 1 ? 0 : now + 1;
    }
    if (parts) parts += (Index)blockIdx.z * m * places;
#pragma unroll
    for (int k = 0; k < COLUMNS / 2; ++k) {
        const Index row = top + k / 4 * 8 + lane % 4 * 2 + k % 2;
        const Index at = first + warp * 16 + lane / 4 + k / 2 % 2 * 8;
        if (row >= m || at >= places) continue;
        if (parts)
            parts[row * places + at] = sums[k];
        else
            y[row * places + at] = T(sums[k] + (bias ? float(bias[row]) : 0.0f));
    }
}

#define CONVOLVE(name, COLUMNS)                                                                \
    extern "C" __global__ void __launch_bounds__(256, BLOCKS)                                  \
        name(const T* x, const T* weight, const T* bias, T* y, float* parts, Index channels,   \
             Index height, Index width, Index n, Index m, Index across, Index places,          \
             Index share, Index s, Index t, Index p, Index q, Index d, Index e) {              \
        convolve<COLUMNS>(x, weight, bias, y, parts, channels, {height, width, n}, m, across,  \
                          places, share, {s, t, p, q, d, e});                                  \
    }
CONVOLVE(hopper_64, 64)
CONVOLVE(hopper_128, 128)

// dw (M, kh kw C) = g (M, P) columns (kh kw C, P)^T, 128 channels of g by 128 column rows a block.
// The grid's z are shares of the positions, `share` steps each; several go into `parts`.
extern "C" __global__ void __launch_bounds__(256, BLOCKS) hopper_weight(
    const T* __restrict__ x, const T* __restrict__ g, T* __restrict__ dw,
    float* __restrict__ parts, Index channels, Index height, Index width, Index n, Index m, Index across, Index places,
    Index share, Index s, Index t, Index p, Index q, Index d, Index e) {
    constexpr int SIZE = 2 * TILE * 128;
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
    Index position = begin * STEP + pack * PACK, ow = position / n, sample = position - ow * n;
    Index oh = ow / across;
    ow -= oh * across;
    const T* own_g = g + (top + down) * places;
    const T* own_x = x + down * plane;
    int slot = 0;  // that is fetched next

    auto fetch = [&](Index step) {  // one step after another
        if (step < end) {
            const Shared a = shared + slot * SIZE, b = a + TILE * 128;
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

    const Factor left = factor_at(shared + warp / 4 * 64 * 128);
    const Factor right = factor_at(shared + TILE * 128);
    int now = 0;  // the slot that is multiplied
    float sums[TILE / 2] = {};
    for (Index ahead = 0; ahead < STAGES - 1; ++ahead) fetch(begin + ahead);
    for (Index step = begin; step < end; ++step) {
        copies_wait<STAGES - 2>();
        publish();
        __syncthreads();
        fetch(step + STAGES - 1);
        const Factor a = left + now * (SIZE / 16), b = right + now * (SIZE / 16);
        products_begin();
#pragma unroll
        for (int k = 0; k < PRODUCTS; ++k) multiply_add(sums, a + 2 * k, b + 2 * k);
        products_end();
        now = now == STAGES - 1 ? 0 : now + 1;
    }
    if (parts) parts += (Index)blockIdx.z * m * depth;
#pragma unroll
    for (int k = 0; k < TILE / 2; k += 2) {
        const Index row = top + warp * 16 + lane / 4 + k / 2 % 2 * 8;
        const Index at = first + k / 4 * 8 + 2 * (lane % 4);
        if (row >= m || at >= depth) continue;
        if (parts) {
            *(float2*)(parts + row * depth + at) = make_float2(sums[k], sums[k + 1]);
        } else {
            dw[row * depth + at] = T(sums[k]);
            dw[row * depth + at + 1] = T(sums[k + 1]);
        }
    }
}

// y[i] = the sum of parts[:, i], in order, plus the bias of i's row of `length`, if there is one.
extern "C" __global__ void __launch_bounds__(256) hopper_total(
    const float* __restrict__ parts, const T* __restrict__ bias, T* __restrict__ y, Index count,
    Index shares, Index length) {
    for (Index i = first_item() * 4; i < count; i += item_step() * 4) {
        float4 sum = *(const float4*)(parts + i);
        for (Index share = 1; share < shares; ++share) {
            const float4 part = *(const float4*)(parts + share * count + i);
            sum = make_float4(sum.x + part.x, sum.y + part.y, sum.z + part.z, sum.w + part.w);
        }
        const float b = bias ? float(bias[i / length]) : 0.0f;
        struct alignas(4 * sizeof(T)) Four { T x, y, z, w; };
        *(Four*)(y + i) = {T(sum.x + b), T(sum.y + b), T(sum.z + b), T(sum.w + b)};
    }
}

// turned (C, kh kw, M) = weight (M, kh kw, C), 32 by 32 at a time through shared memory.
extern "C" __global__ void __launch_bounds__(256) hopper_turn(
    const T* __restrict__ weight, T* __restrict__ turned, Index m, Index taps, Index c) {
    __shared__ T held[32][33];
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
