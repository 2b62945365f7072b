/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products by cuBLASLt; under emulation kernels/emu/cublaslt.cc stands in for it. */
#ifndef FOVEA_MATMUL_CUH
#define FOVEA_MATMUL_CUH

#include "kernels/cuda/cuda.cuh"

/* Opens and closes what the library needs for a device. */
Status matmul_open(Cuda *cuda);
void matmul_close(Cuda *cuda);
/* The library's version number, 130100 for 13.1.0; 0: no library. Its algorithms are valid for that version alone. */
size_t matmul_version();
/* Chooses again from now on; captured work keeps what it was captured with. */
void matmul_forget(Cuda *cuda);

typedef enum { FACTOR_REAL, FACTOR_E4M3, FACTOR_E5M2 } FactorType;

typedef struct Factor {
    const void *data;              /* row-major, rows one after the other */
    bool transposed;               /* whether the product uses its transpose */
    FactorType type = FACTOR_REAL; /* of ops->type, or FP8 codes: both factors or none */
    const float *inverse = NULL;   /* device memory: what codes are multiplied by */
} Factor;

/* What the library does in the same kernel with a product's sums, in FP32 and before they are rounded to c, of
 * c_type. GELU is its tanh form. */
typedef enum {
    FUSION_NONE,
    FUSION_GELU,  /* c = GELU(s), s the product with bias, which is kept rounded, of c_type, in `extra` [m][n] */
    FUSION_SLOPE, /* c = the product times GELU's slope at `extra` [m][n], of c_type */
    FUSION_SUMS   /* extra [m] = sums of a over k, of c_type, never added to what it contains */
} FusionKind;

typedef struct {
    FusionKind kind;
    void *extra;
} Fusion;

/* c [m][n] = a b + bias, or += when `add`, for a [m][k] and b [k][n] as the product uses them; c and bias [n] (NULL:
 * none) of c_type; sums in FP32 (in FP32 without TF32), rounded once. Of FP8 codes: a not transposed, b transposed, c
 * in BF16, k and n multiples of 16; of two E4M3 factors the sums are less precise. Failures go to the table, naming
 * `operation` and the shape. */
void matmul(Ops *ops, const char *operation, Factor a, Factor b, const Real *bias, void *c, RealType c_type, bool add,
            int m, int n, int k);

/* The same with a fusion; GELU and slope with n a multiple of 8 and without `add`. False, with nothing done, when the
 * library cannot, or after a failure. */
bool matmul_fused(Ops *ops, const char *operation, Factor a, Factor b, const Real *bias, Fusion fusion, void *c,
                  RealType c_type, bool add, int m, int n, int k);

#endif
