// Sums into places that repeat, always in the same order: the places are sorted (stably) first,
// and whoever is first at a place adds up all that go there.

#include "common.cuh"

// y[places[m]] += g[m] for rows of `width` elements, into zeros. `order` sorts the places.
extern "C" __global__ void __launch_bounds__(256, 4) scatter_rows(
    const T* __restrict__ g, const long long* __restrict__ places,
    const long long* __restrict__ order, T* __restrict__ y, Index count, Index items,
    Index width) {
    for (Index i = first_item(); i < count; i += item_step()) {
        const Index m = i / width, column = i - m * width;
        const long long place = places[order[m]];
        if (m > 0 && places[order[m - 1]] == place) continue;
        A sum = A(0);
        for (Index k = m; k < items && places[order[k]] == place; k++)
            sum += A(g[(Index)order[k] * width + column]);
        y[(Index)place * width + column] = T(sum);
    }
}

// y[o, v, i] = Σ g[o, k, i] over the k with index[o, k, i] = v (or v − size, from the end), for
// g and index (outer, length, inner) and y (outer, size, inner).
extern "C" __global__ void __launch_bounds__(256, 4) scatter_along(
    const T* __restrict__ g, const long long* __restrict__ index, T* __restrict__ y, Index count,
    Index length, Index size, Index inner) {
    for (Index item = first_item(); item < count; item += item_step()) {
        const Index row = item / inner, i = item - row * inner;
        const Index o = row / size, v = row - o * size;
        A sum = A(0);
        for (Index k = 0; k < length; k++) {
            const Index at = (o * length + k) * inner + i;
            const long long seen = index[at];
            if (seen == (long long)v || seen + (long long)size == (long long)v) sum += A(g[at]);
        }
        y[item] = T(sum);
    }
}
