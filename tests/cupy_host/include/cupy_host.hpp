// What CuPy's kernels use of CUDA C++ besides what ours do.
#include "../../cuda_host/cuda_host.hpp"
#include <assert.h>
#include <math.h>
#include <stddef.h>
#define __CUDACC_VER_MAJOR__ 9  // for float16.cuh
#define __noinline__
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
#if !__GLIBC_PREREQ(2, 41)  // which has it
inline double sinpi(double x) {
    int quarters;
    double rest = M_PI * remquo(x, 0.5, &quarters);
    double y = quarters & 1 ? cos(rest) : sin(rest);
    return quarters & 2 ? -y : y;
}
#endif
