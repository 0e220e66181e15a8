// The optimizers' updates, of many parameters in one launch.
//
// A table, passed by value, says where each parameter, its gradient and its state lie; blocks
// share out the parameters' elements. Numbers that change from step to step come by value too,
// or, for a launch that is recorded and repeated, from `live` (null otherwise).

#include "packs.cuh"

constexpr int MOST = 48;  // parameters of one launch
constexpr int ELEMENTS = 1024;  // of one block

struct Entry {
    T* p;
    const T* g;
    T* state[3];  // null: not in use
    long long size, first_block;
};
struct Table {
    long long count;
    Entry entry[MOST];
};

// This block's parameter, and its elements from `start` to below `stop`.
struct Share {
    T* p;
    const T* g;
    T *s, *t, *u;
    long long start, stop;
};
__device__ __forceinline__ Share share_of(const Table& table) {
    int k = 0;
    while (k + 1 < table.count && table.entry[k + 1].first_block <= (long long)blockIdx.x) k++;
    const Entry& e = table.entry[k];
    const long long start = ((long long)blockIdx.x - e.first_block) * ELEMENTS;
    const long long stop = min(start + ELEMENTS, e.size);
    return {e.p, e.g, e.state[0], e.state[1], e.state[2], start, stop};
}

// One element of each array; what is not in use is 0.
struct Element {
    T p, g, s, t, u;
};

// V neighbours from i on: all are read before the first is written.
template <int V, class F>
__device__ __forceinline__ void update(const Share& of, long long i, F f) {
    Pack<V> p = load<V>(of.p + i), s = {}, t = {}, u = {};
    const Pack<V> g = load<V>(of.g + i);
    if (of.s) s = load<V>(of.s + i);
    if (of.t) t = load<V>(of.t + i);
    if (of.u) u = load<V>(of.u + i);
#pragma unroll
    for (int v = 0; v < V; v++) {
        Element e = {p.value[v], g.value[v], s.value[v], t.value[v], u.value[v]};
        f(e);
        p.value[v] = e.p, s.value[v] = e.s, t.value[v] = e.t, u.value[v] = e.u;
    }
    store(of.p + i, p);
    if (of.s) store(of.s + i, s);
    if (of.t) store(of.t + i, t);
    if (of.u) store(of.u + i, u);
}

// Updates this block's elements, f(element) each; in packs where memory allows. The kernels say
// themselves which product is joined with which sum: the compiler would choose differently for the
// elements of a pack, and bits would depend on where an element lies.
template <class F> __device__ __forceinline__ void each(const Share& of, F f) {
    const bool packed = aligned(of.p) && aligned(of.g) && aligned(of.s) && aligned(of.t)
                        && aligned(of.u) && (of.stop - of.start) % PACK == 0;
    if (packed)
        for (long long i = of.start + threadIdx.x * PACK; i < of.stop; i += blockDim.x * PACK)
            update<PACK>(of, i, f);
    else
        for (long long i = of.start + threadIdx.x; i < of.stop; i += blockDim.x)
            update<1>(of, i, f);
}

// d = ±g + λ p.
__device__ __forceinline__ A direction(T g, A p, A decay, bool maximize) {
    return fma(decay, p, maximize ? -A(g) : A(g));
}

// b ← μ b + (1 − dampening) d, b = d at first; p ← p − γ b, or with Nesterov p − γ (d + μ b).
// Without momentum (no s) b is d. `live`, if given, has γ.
extern "C" __global__ void __launch_bounds__(256, 2) sgd(
    Table table, const double* live, double lr, double momentum, double dampening, double decay,
    Index first, Index nesterov, Index maximize) {
    const Share of = share_of(table);
    const A rate = A(live ? live[0] : lr), mu = A(momentum), keep = A(1 - dampening);
    each(of, [&](Element& e) {
        A p = A(e.p), d = direction(e.g, p, A(decay), maximize);
        if (of.s) {
            const A b = first ? d : fma(keep, d, mu * A(e.s));
            e.s = T(b);
            d = nesterov ? fma(mu, b, d) : b;
        }
        e.p = T(fma(-rate, d, p));
    });
}

// `kept` is 1 − γ λ; `size` and `small` are the step size and ε with the bias corrections in
// them. `live` has these three.
extern "C" __global__ void __launch_bounds__(256, 2) adam(
    Table table, const double* live, double kept, double size, double small, double beta1,
    double beta2, double decay, Index decoupled, Index maximize) {
    const Share of = share_of(table);
    if (live) {
        kept = live[0];
        size = live[1];
        small = live[2];
    }
    const A shrink = A(decoupled ? kept : 1.0), l2 = A(decoupled ? 0.0 : decay);
    const A rate = A(size), eps = A(small);
    const A new1 = A(1 - beta1), old2 = A(beta2), new2 = A(1 - beta2);
    each(of, [&](Element& e) {
        const A p = A(e.p) * shrink, d = direction(e.g, p, l2, maximize);
        A m = A(e.s), v = A(e.t);
        m = fma(new1, d - m, m);
        v = fma(new2, d * d, old2 * v);
        e.s = T(m);
        e.t = T(v);
        if (of.u) {
            const A largest = A(e.u);
            v = v < largest ? largest : v;  // NaN stays
            e.u = T(v);
        }
        e.p = T(fma(-rate, m / (sqrt(v) + eps), p));
    });
}

// v ← α v + (1 − α) d²; d / (√v + ε), or centred d / (√(v − m²) + ε) with m ← α m + (1 − α) d, is
// the step: p ← p − γ step, or p ← p − γ b with b ← μ b + step. s, t, u are v, m, b.
extern "C" __global__ void __launch_bounds__(256, 2) rmsprop(
    Table table, const double* live, double lr, double alpha, double small, double decay,
    double momentum, Index maximize) {
    const Share of = share_of(table);
    const A rate = A(live ? live[0] : lr), old = A(alpha), fresh = A(1 - alpha), eps = A(small);
    each(of, [&](Element& e) {
        const A p = A(e.p);
        A d = direction(e.g, p, A(decay), maximize);
        A v = fma(fresh, d * d, old * A(e.s));
        e.s = T(v);
        if (of.t) {
            A m = A(e.t);
            m = fma(fresh, d - m, m);
            e.t = T(m);
            v = fma(-m, m, v);
        }
        d = d / (sqrt(v) + eps);
        if (of.u) {
            d = fma(A(momentum), A(e.u), d);
            e.u = T(d);
        }
        e.p = T(fma(-rate, d, p));
    });
}

// v ← v + d²; p ← p − γ d / (√v + ε).
extern "C" __global__ void __launch_bounds__(256, 2) adagrad(
    Table table, const double* live, double lr, double small, double decay, Index maximize) {
    const Share of = share_of(table);
    const A rate = A(live ? live[0] : lr), eps = A(small);
    each(of, [&](Element& e) {
        const A p = A(e.p), d = direction(e.g, p, A(decay), maximize);
        const A total = fma(d, d, A(e.s));
        e.s = T(total);
        e.p = T(fma(-rate, d / (sqrt(total) + eps), p));
    });
}
