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
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __shared__ static __attribute__((section("shared_memory")))
#define __grid_constant__

// Shared memory lies in one section of the library, so that it can be found and filled.
__attribute__((section("shared_memory"), used)) static char host_first_shared[16];
extern "C" char __start_shared_memory[], __stop_shared_memory[];

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

namespace host {

inline std::string error;  // the first one
inline void fail(const std::string& what) {
    if (error.empty()) error = what;
}

struct Copy { void* to; const void* from; int bytes; };  // cp.async, under way

struct Thread {
    dim3 index;
    unsigned number;
    std::deque<std::vector<Copy>> groups;  // of cp.async; the last one is open
};

struct Fibre {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    Thread thread;
    bool done = false;
};

struct Barrier { unsigned arrived = 0, generation = 0; std::vector<Fibre*> waiting; };
using Slot = std::array<unsigned char, 128>;
struct Exchange { Barrier barrier; Slot slots[2][32]; };

constexpr size_t STACK = 96 << 10;
inline ucontext_t scheduler;
inline Fibre* current = nullptr;
inline bool broken = false;  // the block is to be left as it is
inline dim3 grid, block, block_index;
inline std::function<void()> body;
inline unsigned threads, started, finished;
inline std::deque<Fibre*> ready;
inline Barrier block_barrier;
inline std::map<std::pair<unsigned, unsigned>, Exchange> exchanges;  // by warp and mask
inline std::vector<std::unique_ptr<Fibre>> fibres;
inline std::vector<unsigned char> dynamic;

inline void* dynamic_shared() {
    return (void*)(((uintptr_t)dynamic.data() + 127) / 128 * 128);
}

inline void run_threads() {  // one fibre: threads one after another, until one of them waits
    while (started < threads) {
        Thread& t = current->thread;
        t = Thread();
        t.number = started++;
        t.index = {t.number % block.x, t.number / block.x % block.y, t.number / block.x / block.y};
        body();
        ++finished;
    }
    current->done = true;
    Fibre* self = current;
    swapcontext(&self->context, &scheduler);
}

inline void wait(Barrier& barrier, unsigned count) {
    if (++barrier.arrived == count) {
        barrier.arrived = 0;
        ++barrier.generation;
        for (Fibre* f : barrier.waiting) ready.push_back(f);
        barrier.waiting.clear();
        return;
    }
    barrier.waiting.push_back(current);
    Fibre* self = current;
    swapcontext(&self->context, &scheduler);
}

inline void resume(Fibre* fibre) {
    current = fibre;
    swapcontext(&scheduler, &fibre->context);
}

inline bool run_block() {
    started = finished = 0;
    ready.clear();
    block_barrier = Barrier();
    exchanges.clear();
    std::vector<Fibre*> idle;
    for (auto& f : fibres) idle.push_back(f.get());
    broken = false;
    while (true) {
        if (broken) return false;
        if (!ready.empty()) {
#ifdef HOST_LAST_FIRST  // a warp runs ahead of the others as far as barriers let it
            Fibre* next = ready.back();
            ready.pop_back();
#else
            Fibre* next = ready.front();
            ready.pop_front();
#endif
            resume(next);
        } else if (started < threads) {
            if (idle.empty()) {
                fibres.push_back(std::make_unique<Fibre>());
                fibres.back()->stack.reset(new char[STACK]);  // pages that are used alone cost
                idle.push_back(fibres.back().get());
            }
            Fibre* f = idle.back();
            idle.pop_back();
            f->done = false;
            getcontext(&f->context);
            f->context.uc_stack.ss_sp = f->stack.get();
            f->context.uc_stack.ss_size = STACK;
            f->context.uc_link = nullptr;
            makecontext(&f->context, (void (*)())run_threads, 0);
            resume(f);
#ifdef HOST_ENDED_THREADS_COUNT  // as on a GPU, where only CuPy's own kernels rely on it
        } else if (block_barrier.arrived && block_barrier.arrived + finished == threads) {
            wait(block_barrier, block_barrier.arrived + 1);
#endif
        } else {
            break;
        }
    }
    if (finished == threads) return true;
    fail("a barrier that " + std::to_string(threads - finished) + " of " +
         std::to_string(threads) + " threads of the block wait at is never reached by the rest");
    return false;
}

// What each lane of a warp's mask gives, seen by all of them.
template <class V> inline const Slot* exchange(unsigned mask, const V& value) {
    static_assert(sizeof(V) <= sizeof(Slot));
    const unsigned lane = current->thread.number % 32, warp = current->thread.number / 32;
    if (!(mask >> lane & 1)) fail("a lane is not in the mask that it gives");
    Exchange& e = exchanges[{warp, mask}];
    Slot* slots = e.slots[e.barrier.generation % 2];
    std::memcpy(slots[lane].data(), &value, sizeof(V));
    wait(e.barrier, __builtin_popcount(mask));
    return slots;
}

template <class V> inline V pick(const Slot* slots, unsigned lane) {
    V value;
    std::memcpy(&value, slots[lane % 32].data(), sizeof(V));
    return value;
}

template <class V> inline V shuffle(unsigned mask, V value, int source) {
    const unsigned own = current->thread.number % 32;
    const Slot* slots = exchange(mask, value);
    if (source < 0 || source > 31) return value;
    if (!(mask >> source & 1)) fail("a shuffle reads a lane that is not in the mask");
    return pick<V>(slots, own == (unsigned)source ? own : source);
}

template <class... P, size_t... I>
void call(void (*f)(P...), void** a, std::index_sequence<I...>) {
    f(*(std::remove_cv_t<P>*)a[I]...);
}

template <class P> std::string kind() {
    using U = std::remove_cv_t<std::remove_pointer_t<P>>;
    std::string pointer = std::is_pointer_v<P> ? "*" : "";
    if (std::is_pointer_v<P> && std::is_const_v<std::remove_pointer_t<P>>) pointer = "const*";
    if constexpr (std::is_void_v<U>) return "v0" + pointer;
    else {
        char k = std::is_floating_point_v<U> ? 'f' : std::is_same_v<U, bool> ? 'b'
                 : std::is_integral_v<U> ? (std::is_signed_v<U> ? 'i' : 'u') : 's';
        return k + std::to_string(sizeof(U)) + pointer;
    }
}

template <class... P> const char* signature(void (*)(P...)) {
    static std::string text;
    text.clear();
    ((text += kind<P>() + " "), ...);
    return text.c_str();
}

template <class... P>
const char* launch(void (*f)(P...), const unsigned* sizes, unsigned shared, void** arguments) {
    error.clear();
    grid = {sizes[0], sizes[1], sizes[2]};
    block = {sizes[3], sizes[4], sizes[5]};
    threads = block.x * block.y * block.z;
    body = [&] { call(f, arguments, std::index_sequence_for<P...>()); };
    bool good = true;
    for (unsigned z = 0; z < grid.z && good; ++z)
        for (unsigned y = 0; y < grid.y && good; ++y)
            for (unsigned x = 0; x < grid.x && good; ++x) {
                std::memset(__start_shared_memory, 0xff,
                            __stop_shared_memory - __start_shared_memory);
                dynamic.assign(shared + 256, 0xff);
                block_index = {x, y, z};
                good = run_block();
            }
    if (!good) fibres.clear();
    return error.c_str();
}

inline void sanitizer(const void* data, const char* what) {
    struct Place { const char* file; uint32_t line, column; };
    const Place* p = (const Place*)data;
    fail(std::string(what) + " at " + (p->file ? p->file : "?") + ":" + std::to_string(p->line));
    broken = true;  // going on may kill the process
    swapcontext(&current->context, &scheduler);
}

}  // namespace host

// What g++'s sanitizers call; defined here, so that no library of theirs is needed.
#define HOST_HANDLER(name, what) \
    extern "C" void __ubsan_handle_##name(void* d, ...) { host::sanitizer(d, what); }
HOST_HANDLER(type_mismatch_v1, "misaligned or null access")
HOST_HANDLER(out_of_bounds, "index out of bounds")
HOST_HANDLER(add_overflow, "integer overflow")
HOST_HANDLER(sub_overflow, "integer overflow")
HOST_HANDLER(mul_overflow, "integer overflow")
HOST_HANDLER(negate_overflow, "integer overflow")
HOST_HANDLER(divrem_overflow, "division by zero")
HOST_HANDLER(shift_out_of_bounds, "shift out of bounds")

#define EXPORT(kernel)                                                                      \
    extern "C" const char* host_launch_##kernel(const unsigned* sizes, unsigned shared,     \
                                                void** arguments) {                         \
        return host::launch(kernel, sizes, shared, arguments);                              \
    }                                                                                       \
    extern "C" const char* host_signature_##kernel() { return host::signature(kernel); }

#define threadIdx (host::current->thread.index)
#define blockIdx (host::block_index)
#define blockDim (host::block)
#define gridDim (host::grid)
#define warpSize 32

inline void __syncthreads() { host::wait(host::block_barrier, host::threads); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { host::exchange(mask, 0); }
inline void __threadfence() {}

template <class V> V __shfl_sync(unsigned mask, V v, int lane, int width = 32) {
    const int own = host::current->thread.number % 32;
    return host::shuffle(mask, v, own / width * width + lane % width);
}
template <class V> V __shfl_xor_sync(unsigned mask, V v, int bits, int width = 32) {
    const int own = host::current->thread.number % 32, other = own ^ bits;
    return host::shuffle(mask, v, other / width <= own / width ? other : own);
}
template <class V> V __shfl_down_sync(unsigned mask, V v, int by, int width = 32) {
    const int own = host::current->thread.number % 32;
    return host::shuffle(mask, v, own % width + by < width ? own + by : own);
}
template <class V> V __shfl_up_sync(unsigned mask, V v, int by, int width = 32) {
    const int own = host::current->thread.number % 32;
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
inline void copy_16(Shared shared, const void* global, bool valid) {
    if (shared % 16 || (valid && (uintptr_t)global % 16))
        host::fail("an asynchronous copy is not aligned to 16 bytes");
    auto& groups = host::current->thread.groups;
    if (groups.empty()) groups.emplace_back();
    groups.back().push_back({(void*)shared, valid ? global : nullptr, 16});
}
inline void copies_commit() {
    auto& groups = host::current->thread.groups;
    if (groups.empty()) groups.emplace_back();
    groups.emplace_back();
}
template <int N> void copies_wait() {
    auto& groups = host::current->thread.groups;
    while (groups.size() > N + 1) {
        for (const host::Copy& c : groups.front()) {
            if (c.from) std::memcpy(c.to, c.from, c.bytes);
            else std::memset(c.to, 0, c.bytes);
        }
        groups.pop_front();
    }
}

// Every warp of a group computes its 16 rows by itself.
using Factor = unsigned long long;  // in units of 16 bytes, as on the GPU
inline Factor factor_at(Shared at) { return at >> 4; }
inline void publish() {}
inline void products_begin() {}
inline void products_end() {}

inline void load_turned(unsigned (&a)[4], Shared row) {
    if (row % 16) host::fail("a row of a matrix is not aligned to 16 bytes");
    const host::Slot* slots = host::exchange(0xffffffffu, row);
    const unsigned lane = host::current->thread.number % 32;
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
    const unsigned lane = current->thread.number % 32;
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
    const unsigned warp = host::current->thread.number / 32 % 4;
    host::wide_product<T>(c, [&](unsigned row, unsigned k) {
        return host::of_factor<T>(a, warp * 16 + row, k);
    }, b);
}
#define multiply_add(c, a, b) multiply_add_as<T>(c, a, b)
