/* SPDX-License-Identifier: Apache-2.0 */
/* One matrix product as cuBLASLt is asked for it: its rules, and its result by the CPU. */
#ifndef FOVEA_EMU_PRODUCT_H
#define FOVEA_EMU_PRODUCT_H

#include "kernels/emu/cublasLt.h"

#include <string>

namespace emu {
/* Column by column, `stride` elements from one to the next. */
struct Matrix {
    cudaDataType type;
    uint64_t rows, columns;
    int64_t stride;
};

/* What the attributes of a description say. */
struct Description {
    cublasComputeType_t compute;
    cudaDataType scale;
    cublasOperation_t a_operation, b_operation;
    cublasLtEpilogue_t epilogue;
    const void *bias; /* or its gradient */
    int bias_type;    /* -1: d's */
    void *extra;      /* GELU's argument */
    int64_t extra_stride;
    const float *a_scale, *b_scale;
    bool fast;
};

/* d = epilogue(op(a) op(b) + beta c); c is d. */
struct Product {
    Description how;
    Matrix a, b, d;
    const void *a_data, *b_data;
    void *d_data;
    float beta;
    bool halves; /* the sum over k is cut in two parts */
};

size_t type_size(cudaDataType type);
/* Bytes from a matrix' first element to its last. */
size_t matrix_bytes(const Matrix &matrix);

/* What the library's documentation does not allow for Hopper, or this stand-in does not know; "" when it is fine. */
std::string refused_product(const Description &how, const Matrix &a, const Matrix &b, const Matrix &c, const Matrix &d);
/* Which of its tensors is not in device memory, of which `whole` or only their first element is looked at; NULL: all
 * are. */
const char *outside_memory(const Product &product, bool whole);
void compute_product(const Product &product);
} // namespace emu

#endif
