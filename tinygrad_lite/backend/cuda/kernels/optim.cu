// The optimizers' updates, of many parameters in one launch.
//
// A table, passed by value, says where each parameter, its gradient and its state lie; blocks
// share out the parameters' elements. Numbers that change from step to step come by value too,
// or, for a launch that is recorded and repeated, from `live` (null otherwise).

#include "common.cuh"

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

#define EACH(share, i) \
    for (long long i = share.start + threadIdx.x; i < share.stop; i += blockDim.x)

// d = ±g + λ p.
__device__ __forceinline__ A direction(T g, A p, A decay, bool maximize) {
    return decay * p + (maximize ? -A(g) : A(g));
}

extern "C" __global__ void __launch_bounds__(256, 4) sgd(
    Table table, const double* live, double lr, double momentum, double dampening, double decay,
    Index first, Index nesterov, Index maximize) {
    const Share of = share_of(table);
    const A rate = A(live ? live[0] : lr), mu = A(momentum), keep = A(1 - dampening);
    EACH(of, i) {
        A p = A(of.p[i]), d = direction(of.g[i], p, A(decay), maximize);
        if (of.s) {
            const A b = first ? d : mu * A(of.s[i]) + keep * d;
            of.s[i] = T(b);
            d = nesterov ? mu * b + d : b;
        }
        of.p[i] = T(p - rate * d);
    }
}

// `kept` is 1 − γ λ; `size` and `small` are the step size and ε with the bias corrections in
// them. `live` has these three.
extern "C" __global__ void __launch_bounds__(256, 4) adam(
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
    EACH(of, i) {
        const A p = A(of.p[i]) * shrink, d = direction(of.g[i], p, l2, maximize);
        A m = A(of.s[i]), v = A(of.t[i]);
        m += new1 * (d - m);
        v = old2 * v + new2 * (d * d);
        of.s[i] = T(m);
        of.t[i] = T(v);
        if (of.u) {
            const A largest = A(of.u[i]);
            v = v < largest ? largest : v;  // NaN stays
            of.u[i] = T(v);
        }
        of.p[i] = T(p - rate * (m / (sqrt(v) + eps)));
    }
}

extern "C" __global__ void __launch_bounds__(256, 4) rmsprop(
    Table table, const double* live, double lr, double alpha, double small, double decay,
    double momentum, Index maximize) {
    const Share of = share_of(table);
    const A rate = A(live ? live[0] : lr), old = A(alpha), fresh = A(1 - alpha), eps = A(small);
    EACH(of, i) {
        const A p = A(of.p[i]);
        A d = direction(of.g[i], p, A(decay), maximize);
        A v = old * A(of.s[i]) + fresh * (d * d);
        of.s[i] = T(v);
        if (of.t) {
            A m = A(of.t[i]);
            m += fresh * (d - m);
            of.t[i] = T(m);
            v -= m * m;
        }
        d = d / (sqrt(v) + eps);
        if (of.u) {
            d += A(momentum) * A(of.u[i]);
            of.u[i] = T(d);
        }
        of.p[i] = T(p - rate * d);
    }
}

extern "C" __global__ void __launch_bounds__(256, 4) adagrad(
    Table table, const double* live, double lr, double small, double decay, Index maximize) {
    const Share of = share_of(table);
    const A rate = A(live ? live[0] : lr), eps = A(small);
    EACH(of, i) {
        const A p = A(of.p[i]), d = direction(of.g[i], p, A(decay), maximize);
        const A total = A(of.s[i]) + d * d;
        of.s[i] = T(total);
        of.p[i] = T(p - rate * (d / (sqrt(total) + eps)));
    }
}
