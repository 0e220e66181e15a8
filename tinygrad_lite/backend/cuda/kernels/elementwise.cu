// Elementwise operations on rows of memory of `count` elements, 16 bytes a thread where the
// arrays are aligned to that.

#include "packs.cuh"

// y[i] = f(a[i], b[i]) for all i. `b` may be `a` again.
template <class F>
__device__ __forceinline__ void each(const T* a, const T* b, T* y, Index count, F f) {
    const Index packs = aligned(a) && aligned(b) && aligned(y) ? count / PACK : 0;
    for (Index i = first_item(); i < packs; i += item_step()) {
        const Pack<PACK> p = load<PACK>(a + i * PACK), q = load<PACK>(b + i * PACK);
        Pack<PACK> r;
#pragma unroll
        for (int k = 0; k < PACK; k++) r.value[k] = f(p.value[k], q.value[k]);
        store(y + i * PACK, r);
    }
    for (Index i = packs * PACK + first_item(); i < count; i += item_step()) y[i] = f(a[i], b[i]);
}

// max(0, x); NaN stays NaN.
extern "C" __global__ void __launch_bounds__(256, 4) relu(const T* x, T* y, Index count) {
    each(x, x, y, count, [](T v, T) { return A(v) <= A(0) ? T(A(0)) : v; });
}

// g where y is not 0 (NaN is not), else 0.
extern "C" __global__ void __launch_bounds__(256, 4) relu_gradient(
    const T* g, const T* y, T* dx, Index count) {
    each(g, y, dx, count, [](T c, T v) { return A(v) == A(0) ? T(A(0)) : c; });
}

// 2/√π ∫₀ˣ exp(−t²) dt.
extern "C" __global__ void __launch_bounds__(256, 4) error_function(const T* x, T* y, Index count) {
    each(x, x, y, count, [](T v, T) { return T(erf(A(v))); });
}

// Φ(x) = (1 + erf(x/√2)) / 2.
__device__ __forceinline__ A normal(A x) { return (erf(x * A(0.7071067811865476)) + A(1)) * A(0.5); }

// x Φ(x).
extern "C" __global__ void __launch_bounds__(256, 4) gelu(const T* x, T* y, Index count) {
    each(x, x, y, count, [](T v, T) { return T(A(v) * normal(A(v))); });
}

// g (Φ(x) + x φ(x)), φ = Φ′. (In float64 it takes more than 64 registers.)
extern "C" __global__ void __launch_bounds__(256, 2) gelu_gradient(
    const T* g, const T* x, T* dx, Index count) {
    each(g, x, dx, count, [](T c, T v) {
        const A a = A(v);
        return T(A(c) * (normal(a) + a * exp(a * a * A(-0.5)) * A(0.3989422804014327)));
    });
}

// y[r, c] += bias[c] for rows of `columns`; with `relu`, the larger of that and 0 (NaN stays).
extern "C" __global__ void __launch_bounds__(256, 4) add_to_rows(
    T* __restrict__ y, const T* __restrict__ bias, Index count, Index columns, Index relu) {
    for (Index i = first_item(); i < count; i += item_step()) {
        const T sum = T(A(y[i]) + A(bias[i % columns]));
        y[i] = relu && A(sum) <= A(0) ? T(A(0)) : sum;
    }
}
