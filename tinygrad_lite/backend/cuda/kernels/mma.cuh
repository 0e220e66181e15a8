// Tensor cores and asynchronous copies (compute capability 8.0 and newer), as functions.
//
// A fragment is what one lane of a warp holds of a matrix; with r = lane / 4 and q = lane % 4:
//   A (16 x 8):  a[0] = (r, q), a[1] = (r + 8, q), a[2] = (r, q + 4), a[3] = (r + 8, q + 4)
//   B (8 x 8):   b[0] = (q, r), b[1] = (q + 4, r)
//   C (16 x 8):  c[0] = (r, 2q), c[1] = (r, 2q + 1), c[2] = (r + 8, 2q), c[3] = (r + 8, 2q + 1)

#ifndef CUDA_HOST

// 16 bytes from global to shared memory, both aligned to as many; zeros if not `valid`.
__device__ __forceinline__ void copy_async(void* shared, const void* global, bool valid) {
    unsigned to;
    asm("{ .reg .u64 t; cvta.to.shared.u64 t, %1; cvt.u32.u64 %0, t; }" : "=r"(to) : "l"(shared));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global),
                 "r"(valid ? 16 : 0)
                 : "memory");
}

// Close a group of copies; wait until all groups of this thread but the last N have arrived.
__device__ __forceinline__ void copies_commit() { asm volatile("cp.async.commit_group;"); }
template <int N> __device__ __forceinline__ void copies_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

// To the nearest number of TF32 (10 bits of mantissa).
__device__ __forceinline__ unsigned to_tf32(float x) {
    unsigned u;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(u) : "f"(x));
    return u;
}

// C += A B for one warp.
__device__ __forceinline__ void multiply_add(
    float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#endif
