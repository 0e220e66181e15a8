// The running statistics of batch normalisation, after a batch of training.

#include "common.cuh"

// r <- kept r + share s, with s the mean (and the shift that x was given without) or the variance;
// a null pointer leaves its part out. The first thread counts the batch.
extern "C" __global__ void __launch_bounds__(256) track(
    const T* mean, const T* var, const T* shift, T* running_mean, T* running_var,
    long long* tracked, Index count, double kept, double mean_share, double var_share) {
    const A old = A(kept), of_mean = A(mean_share), of_var = A(var_share);
    for (Index i = first_item(); i < count; i += item_step()) {
        if (running_mean) {
            const A s = shift ? A(mean[i]) + A(shift[i]) : A(mean[i]);
            running_mean[i] = T(old * A(running_mean[i]) + of_mean * s);
        }
        if (running_var) running_var[i] = T(old * A(running_var[i]) + of_var * A(var[i]));
    }
    if (tracked && first_item() == 0) *tracked += 1;
}
