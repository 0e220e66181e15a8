// float16 as CuPy's float16.cuh wants it, which takes this file when __CUDACC_VER_MAJOR__ is 9.
#pragma once
struct __half_raw { unsigned short x; };
struct half {
    unsigned short bits;
    half() = default;
    half(float x) : bits(half_bits(x)) {}
    explicit half(bool x) : half(float(x)) {}
    explicit half(double x) : half(float(x)) {}
    explicit half(int x) : half(float(x)) {}
    explicit half(unsigned x) : half(float(x)) {}
    explicit half(long long x) : half(float(x)) {}
    explicit half(unsigned long long x) : half(float(x)) {}
    explicit half(__half_raw x) : bits(x.x) {}
    operator float() const { return half_value(bits); }
    operator __half_raw() const { return {bits}; }
};
inline unsigned short __half_as_ushort(half x) { return x.bits; }
inline half __ushort_as_half(unsigned short u) {
    half x;
    x.bits = u;
    return x;
}
