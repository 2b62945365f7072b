/* Matrix products by the library: cuBLASLt in matmul.cu; kernels/emu/matmul.cc stands in for it under emulation. */
#ifndef FOVEA_MATMUL_CUH
#define FOVEA_MATMUL_CUH

#include "cuda.cuh"

/* Opens and closes what the library needs for a device. */
Status matmul_open(Cuda *cuda);
void matmul_close(Cuda *cuda);

typedef struct {
    const Real *data; /* row-major, rows one after the other */
    bool transposed;  /* whether the product takes its transpose */
} Factor;

/* c [m][n] = a b + bias, or += when `add`, for a [m][k] and b [k][n] as the product takes them, both of ops->type; c
 * and bias [n] (NULL: none) of c_type; sums in FP32 (in FP32 without TF32), rounded once. Failures go to the table,
 * naming `operation` and the shape. */
void matmul(Ops *ops, const char *operation, Factor a, Factor b, const Real *bias, void *c, RealType c_type, bool add,
            int m, int n, int k);

#endif
