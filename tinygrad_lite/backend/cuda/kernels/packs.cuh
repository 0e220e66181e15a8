// Neighbouring elements that one thread reads or writes at once, up to 16 bytes.

#include "common.cuh"

constexpr int PACK = 16 / (int)sizeof(T);

template <int V> struct alignas(V * sizeof(T)) Pack {
    T value[V];
};

template <int V> __device__ __forceinline__ Pack<V> load(const T* p) { return *(const Pack<V>*)p; }
template <int V> __device__ __forceinline__ void store(T* p, Pack<V> pack) { *(Pack<V>*)p = pack; }

// Whether memory can be read in packs of 16 bytes; null can.
__device__ __forceinline__ bool aligned(const T* p) { return ((size_t)p & 15) == 0; }
