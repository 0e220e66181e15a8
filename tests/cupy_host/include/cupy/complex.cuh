// Complex numbers take a second to compile: for the kernels alone that have any.
#ifdef HOST_COMPLEX
#include_next <cupy/complex.cuh>
#endif
