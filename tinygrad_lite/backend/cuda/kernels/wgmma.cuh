// Hopper's tensor cores (sm_90a alone), as functions: products of 64 rows by 64 or 128 columns that
// four warps, a *group*, ask for together, with float32 sums. Factors are of the type T: float,
// which is cut to TF32, or 16 bits. A product is over 32 bytes of each row, K numbers. What lies in
// shared memory is read while the threads go on.
//
// Lane l of warp w of the group, with r = l / 4 and q = l % 4, holds of
//   A (64 x K):   float: a[0] = (16w + r, q), a[1] = (16w + r + 8, q), a[2], a[3] the same at q + 4;
//                 16 bits: pairs at 2q and 2q + 1, and at 2q + 8 and 2q + 9;
//   C (64 x N):   c[i] = (16w + r + i / 2 % 2 * 8, i / 4 * 8 + 2q + i % 2).
// A factor in shared memory has its rows (A's 64, B's N) one after another, 128 bytes each, from an
// address that is a multiple of 1024. Of row n the 16 bytes number k lie at number k ^ n % 8
// (`swizzled`), so that reading down a column meets all banks. `+ 2` is the next K of all rows.

#ifndef CUDA_HOST

// An address in shared memory.
using Shared = unsigned;
__device__ __forceinline__ Shared shared_address(const void* memory) {
    Shared at;
    asm("{ .reg .u64 t; cvta.to.shared.u64 t, %1; cvt.u32.u64 %0, t; }" : "=r"(at) : "l"(memory));
    return at;
}

// A factor in shared memory, as products take it; `+ n` is n times 16 bytes further on.
using Factor = unsigned long long;
__device__ __forceinline__ Factor factor_at(Shared at) {
    const Factor eight_rows = 1024, swizzle_128 = 1;
    return at >> 4 | 1ull << 16 | eight_rows >> 4 << 32 | swizzle_128 << 62;
}

// 16 bytes from global to shared memory; zeros if not `valid`.
__device__ __forceinline__ void copy_16(Shared to, const void* from, bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from),
                 "r"(valid ? 16 : 0)
                 : "memory");
}

// Close a group of copies; wait until all groups of this thread but the last N have arrived.
__device__ __forceinline__ void copies_commit() { asm volatile("cp.async.commit_group;"); }
template <int N> __device__ __forceinline__ void copies_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

// What this thread wrote to shared memory may be read by products after the next barrier.
__device__ __forceinline__ void publish() { 
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// Products begin, after all registers that they use are written; they end.
__device__ __forceinline__ void products_begin() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void products_end() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}

// The rows of four 8 x 8 matrices of 16-bit numbers, whose addresses 32 lanes give; of each matrix
// this lane gets (2q, r) and (2q + 1, r), which is a fragment's pair if the matrices are turned.
__device__ __forceinline__ void load_turned(unsigned (&a)[4], Shared row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3])
                 : "r"(row)
                 : "memory");
}

#define JOINED_(a, b) a##b
#define JOINED(a, b) JOINED_(a, b)
#define OF_float "k8.f32.tf32.tf32 "
#define OF_float16 "k16.f32.f16.f16 "
#define OF_bfloat16 "k16.f32.bf16.bf16 "
#define TURNED_float(words) ""
#define TURNED_float16(words) words
#define TURNED_bfloat16(words) words
#define PRODUCT(n)                                                   \
    "{ .reg .pred p; setp.eq.u32 p, 0, 0; "                          \
    "wgmma.mma_async.sync.aligned.m64n" n JOINED(OF_, SCALAR)
#define ONE_TURNED JOINED(TURNED_, SCALAR)(", 0")
#define TWO_TURNED JOINED(TURNED_, SCALAR)(", 0, 0")
#define F4(i) "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3])
#define F8(i) F4(i), F4(i + 4)

// C += A B.
__device__ __forceinline__ void multiply_add(
    float (&c)[32], const unsigned (&a)[4], Factor b) {
    asm volatile(
        PRODUCT("64") "{"
        "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, "
        "%17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, {%32, %33, %34, %35}, %36, p, 1, 1" ONE_TURNED "; }"
        : F8(0), F8(8), F8(16), F8(24)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

__device__ __forceinline__ void multiply_add(
    float (&c)[64], const unsigned (&a)[4], Factor b) {
    asm volatile(
        PRODUCT("128") "{"
        "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, "
        "%17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, "
        "%47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, "
        "%62, %63}, {%64, %65, %66, %67}, %68, p, 1, 1" ONE_TURNED "; }"
        : F8(0), F8(8), F8(16), F8(24), F8(32), F8(40), F8(48), F8(56)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

__device__ __forceinline__ void multiply_add(
    float (&c)[64], Factor a, Factor b) {
    asm volatile(
        PRODUCT("128") "{"
        "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, "
        "%17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, "
        "%47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, "
        "%62, %63}, %64, %65, p, 1, 1" TWO_TURNED "; }"
        : F8(0), F8(8), F8(16), F8(24), F8(32), F8(40), F8(48), F8(56)
        : "l"(a), "l"(b));
}

#endif

// Rounded to the nearest number of TF32, when the hardware has ignored what it does.
__device__ __forceinline__ unsigned nearly_tf32(float x) {
    const unsigned u = __float_as_uint(x);
    return abs(x) < __uint_as_float(0x7f800000u) ? u + 0x1000u : u;
}

// Where, in bytes, 16 bytes of a row of a factor lie.
__device__ __forceinline__ int swizzled(int row, int pack) {
    return row * 128 + (pack ^ row % 8) * 16;
}
