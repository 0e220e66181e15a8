// bfloat16 as CuPy's bfloat16.cuh wants it.
#pragma once
struct __nv_bfloat16 {
    unsigned short bits = 0;
    __nv_bfloat16() = default;
    __nv_bfloat16(float x) {
        const unsigned u = __float_as_uint(x);
        bits = x != x ? 0x7fff : (unsigned short)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
    }
    operator float() const { return __uint_as_float((unsigned)bits << 16); }
};
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 x) { return x.bits; }
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short u) {
    __nv_bfloat16 x;
    x.bits = u;
    return x;
}
inline bool __hisnan(__nv_bfloat16 x) { return (float)x != (float)x; }
inline int __hisinf(__nv_bfloat16 x) { return (x.bits & 0x7fff) == 0x7f80; }
