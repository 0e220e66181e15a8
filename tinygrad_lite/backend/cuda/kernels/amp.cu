// The loss scaler. `inverse`, `found`, `scale` and `tracker` are single numbers.

#include "common.cuh"

// g ← g · inverse; found ← 1 if that is not finite anywhere (all who write it write the same).
extern "C" __global__ void __launch_bounds__(256) unscale(
    T* g, const float* inverse, float* found, Index count) {
    const A factor = A(*inverse);
    bool bad = false;
    for (Index i = first_item(); i < count; i += item_step()) {
        const T value = T(A(g[i]) * factor);
        g[i] = value;
        bad |= A(value) - A(value) != A(0);  // of an infinity or a NaN it is NaN
    }
    if (bad) *found = 1.0f;
}

// Lower the scale if a gradient was not finite; raise it after `interval` good steps in a row,
// unless that overflows.
extern "C" __global__ void __launch_bounds__(256) update(
    float* scale, float* tracker, const float* found, double growth, double backoff,
    Index interval) {
    if (first_item() > 0) return;
    if (*found > 0.0f) {
        *scale = *scale * (float)backoff;
        *tracker = 0.0f;
        return;
    }
    const float counted = *tracker + 1.0f;
    const bool due = counted >= (float)interval;
    const float grown = *scale * (float)growth;
    if (due && grown - grown == 0.0f) *scale = grown;
    *tracker = due ? 0.0f : counted;
}
