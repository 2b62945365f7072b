/* Matrix products by the library: cuBLASLt in matmul.cu; kernels/emu/matmul.cc stands in for it under emulation. */
#ifndef FOVEA_MATMUL_CUH
#define FOVEA_MATMUL_CUH

#include "cuda.cuh"

/* Opens and closes what the library needs for a device. */
Status matmul_open(Cuda *cuda);
void matmul_close(Cuda *cuda);

typedef enum { FACTOR_REAL, FACTOR_E4M3, FACTOR_E5M2 } FactorType;

typedef struct {
    const void *data;              /* row-major, rows one after the other */
    bool transposed;               /* whether the product takes its transpose */
    FactorType type = FACTOR_REAL; /* of ops->type, or FP8 codes: both factors or none */
    const float *inverse = NULL;   /* device memory: what codes are multiplied by */
} Factor;

/* c [m][n] = a b + bias, or += when `add`, for a [m][k] and b [k][n] as the product takes them; c and bias [n] (NULL:
 * none) of c_type; sums in FP32 (in FP32 without TF32), rounded once. Of FP8 codes: a as it lies, b transposed, c in
 * BF16, k and n multiples of 16; of two E4M3 factors the sums are less precise. Failures go to the table, naming
 * `operation` and the shape. */
void matmul(Ops *ops, const char *operation, Factor a, Factor b, const Real *bias, void *c, RealType c_type, bool add,
            int m, int n, int k);

#endif
