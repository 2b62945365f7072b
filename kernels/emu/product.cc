/* SPDX-License-Identifier: Apache-2.0 */
/* Products by the CPU's tiles, which the program that opened the library contains. */
#include "kernels/emu/product.h"
#include "kernels/emu/cuda_bf16.h"

extern "C" {
#include "kernels/cpu/codes.h"
#include "kernels/cpu/gemm.h"
}

#include <math.h>
#include <vector>

namespace emu {
namespace {
float load(cudaDataType type, const void *data, size_t i, float factor) {
    switch (type) {
    case CUDA_R_32F:
        return ((const float *)data)[i];
    case CUDA_R_16BF:
        return __bfloat162float(((const __nv_bfloat16 *)data)[i]);
    default:
        return code_value(type == CUDA_R_8F_E4M3 ? FP8_E4M3 : FP8_E5M2, ((const uint8_t *)data)[i], factor);
    }
}

void store(cudaDataType type, void *data, size_t i, float value) {
    if (type == CUDA_R_32F)
        ((float *)data)[i] = value;
    else
        ((__nv_bfloat16 *)data)[i] = __float2bfloat16_rn(value);
}

std::vector<float> widened(const Matrix &matrix, const void *data, const float *scale) {
    std::vector<float> values((size_t)matrix.stride * matrix.columns);
    for (size_t column = 0; column < matrix.columns; column++)
        for (size_t i = column * matrix.stride; i < column * matrix.stride + matrix.rows; i++)
            values[i] = load(matrix.type, data, i, scale ? *scale : 1);
    return values;
}

/* GELU's tanh form, and its slope. */
float gelu(float x) {
    return 0.5f * x * (1 + tanhf(0.797884561f * (x + 0.044715f * x * x * x)));
}
float gelu_slope(float x) {
    const float t = tanhf(0.797884561f * (x + 0.044715f * x * x * x));
    return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.797884561f * (1 + 3 * 0.044715f * x * x);
}

/* Row by row it is the product of the transposes in the other order: op(b)^T [m][k] by op(a)^T [k][n]. */
struct Rows {
    int m, n, k;
    bool left_transposed, right_transposed;
    std::vector<float> left, right;
    size_t left_stride, right_stride;

    explicit Rows(const Product &p)
        : m((int)p.d.columns), n((int)p.d.rows), k((int)(p.how.a_operation == CUBLAS_OP_N ? p.a.columns : p.a.rows)),
          left_transposed(p.how.b_operation == CUBLAS_OP_T), right_transposed(p.how.a_operation == CUBLAS_OP_T),
          left(widened(p.b, p.b_data, p.how.b_scale)), right(widened(p.a, p.a_data, p.how.a_scale)),
          left_stride((size_t)p.b.stride), right_stride((size_t)p.a.stride) {
    }

    std::vector<float> multiply(int middle) const {
        const Tile *tile = tile_best();
        std::vector<float> panel((size_t)tile->columns * k), product((size_t)m * n);
        const size_t row = left_transposed ? 1 : left_stride, column = left_transposed ? left_stride : 1;
        for (int j = 0; j < n; j += tile->columns) {
            const int width = n - j < tile->columns ? n - j : tile->columns;
            if (right_transposed)
                tile_pack_transposed(tile, right.data(), right_stride, k, n, j, panel.data());
            else
                tile_pack(tile, right.data(), right_stride, k, n, j, panel.data());
            tile_multiply(tile, left.data(), row, column, panel.data(), nullptr, product.data() + j, n, m, width,
                          middle, false);
            if (middle < k)
                tile_multiply(tile, left.data() + middle * column, row, column,
                              panel.data() + (size_t)middle * tile->columns, nullptr, product.data() + j, n, m, width,
                              k - middle, true);
        }
        return product;
    }

    float left_sum(int i) const {
        float sum = 0;
        for (int p = 0; p < k; p++)
            sum += left[left_transposed ? p * left_stride + i : i * left_stride + p];
        return sum;
    }
};

void apply_epilogue(const Product &p, const Rows &rows, std::vector<float> &product) {
    const Description &how = p.how;
    const cudaDataType bias_type = how.bias_type < 0 ? p.d.type : (cudaDataType)how.bias_type;
    const bool biased = how.epilogue == CUBLASLT_EPILOGUE_BIAS || how.epilogue == CUBLASLT_EPILOGUE_GELU_AUX_BIAS;
    for (int i = 0; i < rows.m; i++)
        for (int j = 0; j < rows.n; j++) {
            float &value = product[(size_t)i * rows.n + j];
            const size_t beside = (size_t)i * how.extra_stride + j;
            if (biased)
                value += load(bias_type, how.bias, j, 1);
            if (how.epilogue == CUBLASLT_EPILOGUE_GELU_AUX || how.epilogue == CUBLASLT_EPILOGUE_GELU_AUX_BIAS) {
                store(p.d.type, how.extra, beside, value);
                value = gelu(value);
            }
            if (how.epilogue == CUBLASLT_EPILOGUE_DGELU)
                value *= gelu_slope(load(p.d.type, how.extra, beside, 1));
        }
    for (int i = 0; how.epilogue == CUBLASLT_EPILOGUE_BGRADB && i < rows.m; i++)
        store(bias_type, (void *)how.bias, i, rows.left_sum(i));
}
} // namespace

size_t type_size(cudaDataType type) {
    return type == CUDA_R_32F ? 4 : type == CUDA_R_16BF ? 2 : 1;
}

size_t matrix_bytes(const Matrix &matrix) {
    return ((size_t)matrix.stride * (matrix.columns - 1) + matrix.rows) * type_size(matrix.type);
}

void compute_product(const Product &p) {
    const Rows rows(p);
    std::vector<float> product = rows.multiply(p.halves ? rows.k / 2 : rows.k);
    apply_epilogue(p, rows, product);
    for (int i = 0; i < rows.m; i++)
        for (int j = 0; j < rows.n; j++) {
            const size_t at = (size_t)i * p.d.stride + j;
            const float value = product[(size_t)i * rows.n + j];
            store(p.d.type, p.d_data, at, p.beta != 0 ? p.beta * load(p.d.type, p.d_data, at, 1) + value : value);
        }
}
} // namespace emu
