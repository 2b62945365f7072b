/* SPDX-License-Identifier: Apache-2.0 */
/* What NVIDIA's documentation of cublasLtMatmul() requires on Hopper, as far as kernels/cuda could break it. */
#include "kernels/emu/memory.h"
#include "kernels/emu/product.h"

namespace emu {
namespace {
bool is_fp8(cudaDataType type) {
    return type == CUDA_R_8F_E4M3 || type == CUDA_R_8F_E5M2;
}

bool is_biased(cublasLtEpilogue_t epilogue) {
    return epilogue == CUBLASLT_EPILOGUE_BIAS || epilogue == CUBLASLT_EPILOGUE_GELU_AUX_BIAS;
}

bool has_gelu(cublasLtEpilogue_t epilogue) {
    return epilogue == CUBLASLT_EPILOGUE_GELU_AUX || epilogue == CUBLASLT_EPILOGUE_GELU_AUX_BIAS ||
           epilogue == CUBLASLT_EPILOGUE_DGELU;
}

std::string refused_matrix(const char *name, const Matrix &matrix) {
    if (!matrix.rows || !matrix.columns)
        return std::string(name) + " is empty";
    if (matrix.stride < (int64_t)matrix.rows)
        return std::string(name) + "'s leading dimension, " + std::to_string(matrix.stride) + ", is below its " +
               std::to_string(matrix.rows) + " rows";
    return "";
}

std::string refused_shapes(const Description &how, const Matrix &a, const Matrix &b, const Matrix &c, const Matrix &d) {
    const uint64_t m = how.a_operation == CUBLAS_OP_N ? a.rows : a.columns;
    const uint64_t k = how.a_operation == CUBLAS_OP_N ? a.columns : a.rows;
    const uint64_t other_k = how.b_operation == CUBLAS_OP_N ? b.rows : b.columns;
    const uint64_t n = how.b_operation == CUBLAS_OP_N ? b.columns : b.rows;
    if (k != other_k)
        return "a and b are not summed over the same length";
    if (d.rows != m || d.columns != n)
        return "d has not the shape of the product";
    if (c.type != d.type || c.rows != d.rows || c.columns != d.columns || c.stride != d.stride)
        return "c is another matrix than d";
    return "";
}

/* The combinations of the documentation's tables; scales of tensors by a pointer to one float each. */
std::string refused_types(const Description &how, const Matrix &a, const Matrix &b, const Matrix &d) {
    if (how.compute != CUBLAS_COMPUTE_32F || how.scale != CUDA_R_32F)
        return "sums are not in FP32";
    if (is_fp8(a.type) || is_fp8(b.type)) {
        if (!is_fp8(a.type) || !is_fp8(b.type) || (a.type == CUDA_R_8F_E5M2 && b.type == CUDA_R_8F_E5M2))
            return "no product of these FP8 types";
        if (how.a_operation != CUBLAS_OP_T || how.b_operation != CUBLAS_OP_N)
            return "FP8's first factor must be transposed, the second not";
        if (d.type != CUDA_R_16BF)
            return "a result of FP8 factors that is not BF16";
        if (d.rows % 16 || a.rows % 16 || a.stride % 16 || b.stride % 16 || d.stride % 8)
            return "FP8 matrices whose sides are not multiples of 16 bytes";
        return how.a_scale && how.b_scale ? "" : "FP8 without scales";
    }
    if (how.a_scale || how.b_scale)
        return "a scale of a factor that is not FP8";
    if (how.fast)
        return "fast sums of factors that are not FP8";
    if (a.type != b.type || (a.type == CUDA_R_32F && d.type != CUDA_R_32F))
        return "no product of these types";
    return "";
}

std::string refused_epilogue(const Description &how, const Matrix &a, const Matrix &d) {
    if ((is_biased(how.epilogue) || how.epilogue == CUBLASLT_EPILOGUE_BGRADB) && !how.bias)
        return "a bias or its gradient without a pointer";
    if (how.bias_type >= 0 && how.bias_type != d.type)
        return "a bias whose type is not the result's";
    if (has_gelu(how.epilogue) && (!how.extra || how.extra_stride % 8 || how.extra_stride < (int64_t)d.rows))
        return "GELU's argument without a pointer, or with a leading dimension that is not a multiple of 8 or too "
               "short";
    if (is_fp8(a.type) && how.epilogue != CUBLASLT_EPILOGUE_DEFAULT && how.epilogue != CUBLASLT_EPILOGUE_BIAS)
        return "an epilogue that FP8 factors do not have";
    return "";
}
} // namespace

std::string refused_product(const Description &how, const Matrix &a, const Matrix &b, const Matrix &c,
                            const Matrix &d) {
    for (const std::string &why :
         {refused_matrix("a", a), refused_matrix("b", b), refused_matrix("d", d), refused_shapes(how, a, b, c, d),
          refused_types(how, a, b, d), refused_epilogue(how, a, d)})
        if (!why.empty())
            return why;
    return "";
}

const char *outside_memory(const Product &p, bool whole) {
    const auto outside = [=](const void *at, size_t bytes) { return at && !memory_holds(at, whole ? bytes : 0); };
    const bool sums = p.how.epilogue == CUBLASLT_EPILOGUE_BGRADB;
    const size_t bias = is_biased(p.how.epilogue) ? p.d.rows : sums ? p.d.columns : 0;
    const size_t extra = has_gelu(p.how.epilogue) ? p.how.extra_stride * (p.d.columns - 1) + p.d.rows : 0;
    return outside(p.a_data, matrix_bytes(p.a))                         ? "its first factor"
           : outside(p.b_data, matrix_bytes(p.b))                       ? "its second factor"
           : outside(p.how.a_scale, sizeof(float))                      ? "its first factor's scale"
           : outside(p.how.b_scale, sizeof(float))                      ? "its second factor's scale"
           : outside(p.d_data, matrix_bytes(p.d))                       ? "its result"
           : bias && outside(p.how.bias, bias * type_size(p.d.type))    ? "its bias"
           : extra && outside(p.how.extra, extra * type_size(p.d.type)) ? "what its epilogue reads or writes"
                                                                        : nullptr;
}
} // namespace emu
