// CUDA C++ on the host, for tests of values: enough of the language for ../../tinygrad_lite's
// kernels to be compiled by g++ and run, one block after another.
//
// A block's threads are fibres. One runs until it meets a barrier (__syncthreads, or a shuffle
// for the lanes of its mask), then another, in the order of their numbers. What would be
// undefined on a GPU is an error here: a barrier that some threads never reach, and (with the
// sanitizers that the build asks for) misaligned access, an index outside a fixed array, integer
// overflow. Shared memory is filled with NaNs before each block.
#pragma once
#define CUDA_HOST 1
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __shared__ static __attribute__((section("shared_memory")))
#define __grid_constant__

struct dim3 { unsigned x, y, z; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

// What runs a block: runtime.cpp, compiled once, because that takes longer than most kernels.
namespace host {

struct Thread { dim3 index; unsigned number; };
struct Slot { unsigned char bytes[128]; };

extern Thread* thread;  // the one that runs
extern dim3 grid, block, block_index;
extern unsigned threads;  // of a block
void fail(const char* what);
void* dynamic_shared();
void wait_for_block();
const Slot* exchange_bytes(unsigned mask, const void* value, unsigned size);
const char* run(void (*body)(void*), void* context, const unsigned* sizes, unsigned shared);
char* write_kind(char* text, char letter, unsigned size, int pointer);  // 2: to what is const

// What each lane of a warp's mask gives, seen by all of them.
template <class V> inline const Slot* exchange(unsigned mask, const V& value) {
    static_assert(sizeof(V) <= sizeof(Slot));
    return exchange_bytes(mask, &value, sizeof(V));
}

template <class V> inline V pick(const Slot* slots, unsigned lane) {
    V value;
    std::memcpy(&value, slots[lane % 32].bytes, sizeof(V));
    return value;
}

template <class V> inline V shuffle(unsigned mask, V value, int source) {
    const unsigned own = thread->number % 32;
    const Slot* slots = exchange(mask, value);
    if (source < 0 || source > 31) return value;
    if (!(mask >> source & 1)) fail("a shuffle reads a lane that is not in the mask");
    return pick<V>(slots, own == (unsigned)source ? own : source);
}

// A launch: the kernel, and where its arguments lie.
template <class... P> struct Call {
    void (*kernel)(P...);
    void** arguments;

    template <size_t... I> void with(std::index_sequence<I...>) {
        kernel(*(std::remove_cv_t<P>*)arguments[I]...);
    }
    static void thread(void* self) { ((Call*)self)->with(std::index_sequence_for<P...>()); }
};

template <class P> char* kind(char* text) {
    using V = std::remove_pointer_t<P>;
    using U = std::remove_cv_t<V>;
    constexpr int pointer = !std::is_pointer_v<P> ? 0 : std::is_const_v<V> ? 2 : 1;
    if constexpr (std::is_void_v<U>) return write_kind(text, 'v', 0, pointer);
    else {
        constexpr char letter = std::is_floating_point_v<U> ? 'f'
                                : std::is_same_v<U, bool>   ? 'b'
                                : !std::is_integral_v<U>    ? 's'
                                : std::is_signed_v<U>       ? 'i'
                                                            : 'u';
        return write_kind(text, letter, sizeof(U), pointer);
    }
}

template <class... P> const char* signature(void (*)(P...)) {
    static char text[4096];
    char* end = text;
    ((end = kind<P>(end)), ...);
    *end = 0;
    return text;
}

template <class... P>
const char* launch(void (*f)(P...), const unsigned* sizes, unsigned shared, void** arguments) {
    Call<P...> call{f, arguments};
    return run(Call<P...>::thread, &call, sizes, shared);
}

}  // namespace host

#define EXPORT(kernel)                                                                      \
    extern "C" const char* host_launch_##kernel(const unsigned* sizes, unsigned shared,     \
                                                void** arguments) {                         \
        return host::launch(kernel, sizes, shared, arguments);                              \
    }                                                                                       \
    extern "C" const char* host_signature_##kernel() { return host::signature(kernel); }

#define threadIdx (host::thread->index)
#define blockIdx (host::block_index)
#define blockDim (host::block)
#define gridDim (host::grid)
#define warpSize 32

inline void __syncthreads() { host::wait_for_block(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { host::exchange(mask, 0); }
inline void __threadfence() {}

template <class V> V __shfl_sync(unsigned mask, V v, int lane, int width = 32) {
    const int own = host::thread->number % 32;
    return host::shuffle(mask, v, own / width * width + lane % width);
}
template <class V> V __shfl_xor_sync(unsigned mask, V v, int bits, int width = 32) {
    const int own = host::thread->number % 32, other = own ^ bits;
    return host::shuffle(mask, v, other / width <= own / width ? other : own);
}
template <class V> V __shfl_down_sync(unsigned mask, V v, int by, int width = 32) {
    const int own = host::thread->number % 32;
    return host::shuffle(mask, v, own % width + by < width ? own + by : own);
}
template <class V> V __shfl_up_sync(unsigned mask, V v, int by, int width = 32) {
    const int own = host::thread->number % 32;
    return host::shuffle(mask, v, own % width >= by ? own - by : own);
}
inline unsigned __ballot_sync(unsigned mask, int value) {
    const host::Slot* slots = host::exchange(mask, value);
    unsigned votes = 0;
    for (unsigned i = 0; i < 32; ++i)
        if (mask >> i & 1 && host::pick<int>(slots, i)) votes |= 1u << i;
    return votes;
}
inline int __any_sync(unsigned mask, int value) { return __ballot_sync(mask, value) != 0; }
inline int __all_sync(unsigned mask, int value) { return __ballot_sync(mask, value) == mask; }
inline unsigned __activemask() { return 0xffffffffu; }

template <class V> V __ldg(const V* p) { return *p; }
inline unsigned __float_as_uint(float x) { unsigned u; std::memcpy(&u, &x, 4); return u; }
inline float __uint_as_float(unsigned u) { float x; std::memcpy(&x, &u, 4); return x; }
inline int __float_as_int(float x) { return (int)__float_as_uint(x); }
inline float __int_as_float(int u) { return __uint_as_float((unsigned)u); }
inline long long __double_as_longlong(double x) { long long u; std::memcpy(&u, &x, 8); return u; }
inline double __longlong_as_double(long long u) { double x; std::memcpy(&x, &u, 8); return x; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }
using std::abs, std::ceil, std::erf, std::exp, std::floor, std::fma, std::fmax, std::fmin;
using std::isfinite, std::isinf, std::isnan, std::log, std::max, std::min, std::pow, std::sqrt;
using std::tanh, std::erfc, std::log1p, std::expm1;
inline float rsqrt(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dmul_rn(double x, double y) { return x * y; }

// Half precision, rounded to nearest, ties to even.
inline float half_value(unsigned short h) {
    const unsigned sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31, m = h & 0x3ff;
    if (exponent == 31) return __uint_as_float(sign | 0x7f800000u | m << 13);
    const float magnitude =
        exponent ? std::ldexp(1024.f + m, (int)exponent - 25) : std::ldexp((float)m, -24);
    return sign ? -magnitude : magnitude;
}
inline unsigned short half_bits(float x) {
    const unsigned sign = __float_as_uint(x) >> 16 & 0x8000u;
    const float a = std::fabs(x);
    if (a != a) return 0x7fff;
    if (a >= 65520.f) return (unsigned short)(sign | 0x7c00u);
    int exponent;
    std::frexp(a, &exponent);
    exponent = std::max(exponent - 1, -14);
    const unsigned m = (unsigned)std::nearbyint(std::ldexp(a, 10 - exponent));
    return (unsigned short)(sign | (m < 1024 ? m : ((unsigned)(exponent + 14) << 10) + m));
}

// What kernels/wgmma.cuh has for the GPU. A copy is done when it is waited for and no sooner, so
// that a wait too few is seen.
using Shared = uintptr_t;
inline Shared shared_address(const void* memory) { return (Shared)memory; }
void copy_16(Shared shared, const void* global, bool valid);
void copies_commit();
void copies_wait_to(unsigned left);
template <int N> void copies_wait() { copies_wait_to(N); }

// Every warp of a group computes its 16 rows by itself.
using Factor = unsigned long long;  // in units of 16 bytes, as on the GPU
inline Factor factor_at(Shared at) { return at >> 4; }
inline void publish() {}
inline void products_begin() {}
inline void products_end() {}

inline void load_turned(unsigned (&a)[4], Shared row) {
    if (row % 16) host::fail("a row of a matrix is not aligned to 16 bytes");
    const host::Slot* slots = host::exchange(0xffffffffu, row);
    const unsigned lane = host::thread->number % 32;
    for (unsigned i = 0; i < 4; ++i) {
        unsigned short pair[2];
        for (unsigned k = 0; k < 2; ++k)
            pair[k] = ((const unsigned short*)host::pick<Shared>(
                slots, i * 8 + lane % 4 * 2 + k))[lane / 4];
        a[i] = pair[0] | (unsigned)pair[1] << 16;
    }
}

namespace host {

// A factor's number from its bits: cut to TF32, or of 16 bits.
template <class T> float number(const void* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return sizeof(T) == 4 ? __uint_as_float(__float_as_uint((float)value) & ~0x1fffu) : (float)value;
}

// Number k of row n of a factor in shared memory, 128 bytes a row, as the hardware finds it.
template <class T> float of_factor(Factor matrix, unsigned n, unsigned k) {
    uintptr_t at = (uintptr_t)(matrix << 4) + n * 128 + k * sizeof(T);
    if ((matrix << 4) % 1024 >= 128) fail("a factor in shared memory does not begin at 1024");
    at ^= (at >> 7 & 7) << 4;
    return number<T>((const void*)at);
}

template <class T, int SUMS, class Left>
void wide_product(float (&c)[SUMS], Left left, Factor b) {
    const unsigned lane = thread->number % 32;
    for (unsigned i = 0; i < SUMS; ++i) {
        const unsigned row = lane / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + lane % 4 * 2 + i % 2;
        for (unsigned k = 0; k < 32 / sizeof(T); ++k)
            c[i] += left(row, k) * of_factor<T>(b, column, k);
    }
}

}  // namespace host

template <class T, int SUMS>
void multiply_add_as(float (&c)[SUMS], const unsigned (&a)[4], Factor b) {
    struct Fragment { unsigned a[4]; } mine;
    std::memcpy(mine.a, a, sizeof a);
    const host::Slot* slots = host::exchange(0xffffffffu, mine);
    host::wide_product<T>(c, [&](unsigned row, unsigned k) {
        const unsigned byte = k * sizeof(T);  // 16 of a register's four lanes, then 16 more
        const auto held = host::pick<Fragment>(slots, row % 8 * 4 + byte % 16 / 4);
        return host::number<T>((const char*)&held.a[row / 8 + byte / 16 * 2] + byte % 4);
    }, b);
}
template <class T, int SUMS> void multiply_add_as(float (&c)[SUMS], Factor a, Factor b) {
    const unsigned warp = host::thread->number / 32 % 4;
    host::wide_product<T>(c, [&](unsigned row, unsigned k) {
        return host::of_factor<T>(a, warp * 16 + row, k);
    }, b);
}
#define multiply_add(c, a, b) multiply_add_as<T>(c, a, b)
