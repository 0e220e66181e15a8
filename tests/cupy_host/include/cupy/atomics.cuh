// One thread runs at a time.
#pragma once
#include "cupy/carray.cuh"
template <class T, class V> T atomicAdd(T* p, V v) { T old = *p; *p = T(old + v); return old; }
template <class T, class V> T atomicMax(T* p, V v) { T old = *p; if (old < T(v)) *p = v; return old; }
template <class T, class V> T atomicMin(T* p, V v) { T old = *p; if (T(v) < old) *p = v; return old; }
