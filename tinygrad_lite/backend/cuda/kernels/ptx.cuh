// Instructions that CUDA C++ has no name for without its headers.
//
// The kernels include no CUDA header, so that NVRTC alone compiles them. The tests compile them
// for the host, with CUDA_HOST and forms of their own of what follows.

#ifdef CUDA_HOST
#define DYNAMIC_SHARED(type, name) type* name = (type*)host::dynamic_shared()
#else

// Shared memory whose size the launch states.
#define DYNAMIC_SHARED(type, name)                             \
    extern __shared__ __align__(16) unsigned char raw_##name[]; \
    type* name = reinterpret_cast<type*>(raw_##name)

__device__ __forceinline__ unsigned short half_bits(float x) {
    unsigned short h;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(x));
    return h;
}
__device__ __forceinline__ float half_value(unsigned short h) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(h));
    return x;
}

#endif
