/* Stands in for kernels/cuda/matmul.cu: products by the CPU's tiles, which are found in the program that opened the
 * library. In the stream's order, as cuBLASLt works. */
#include "../cuda/matmul.cuh"
#include "calls.h"
#include "cuda_bf16.h"
#include "memory.h"
#include "streams.h"

extern "C" {
#include "../cpu/codes.h"
#include "../cpu/gemm.h"
}

using namespace emu;

namespace {
std::vector<float> widened(RealType type, const void *data, size_t count) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; i++)
        values[i] = type == REAL_FP32 ? ((const float *)data)[i] : __bfloat162float(((const __nv_bfloat16 *)data)[i]);
    return values;
}

size_t size_of(const Factor &factor, RealType type) {
    return factor.type == FACTOR_REAL ? real_size(type) : 1;
}

std::vector<float> values_of(const Factor &factor, RealType type, size_t count) {
    if (factor.type == FACTOR_REAL)
        return widened(type, factor.data, count);
    const Fp8Format format = factor.type == FACTOR_E4M3 ? FP8_E4M3 : FP8_E5M2;
    std::vector<float> values(count);
    for (size_t i = 0; i < count; i++)
        values[i] = code_value(format, ((const uint8_t *)factor.data)[i], *factor.inverse);
    return values;
}

/* cuBLASLt's rules for Hopper. */
bool fp8_allowed(const Factor &a, const Factor &b, RealType c_type, int n, int k) {
    const bool formats = a.type && b.type && !(a.type == FACTOR_E5M2 && b.type == FACTOR_E5M2);
    return formats && a.inverse && b.inverse && !a.transposed && b.transposed && c_type == REAL_BF16 && n % 16 == 0 &&
           k % 16 == 0;
}

struct MatmulWork : Work {
    Factor a, b;
    const Real *bias;
    void *c;
    RealType type, c_type;
    bool add;
    int m, n, k;

    /* Which of the three does not lie in device memory; NULL: none. */
    const char *outside() const {
        return !memory_holds(a.data, (size_t)m * k * size_of(a, type))    ? "its first factor"
               : !memory_holds(b.data, (size_t)k * n * size_of(b, type))  ? "its second factor"
               : a.inverse && !memory_holds(a.inverse, sizeof *a.inverse) ? "its first factor's scale"
               : b.inverse && !memory_holds(b.inverse, sizeof *b.inverse) ? "its second factor's scale"
               : bias && !memory_holds(bias, n * real_size(c_type))       ? "its bias"
               : !memory_holds(c, (size_t)m * n * real_size(c_type))      ? "its result"
                                                                          : nullptr;
    }

    void run() override {
        if (const char *what = outside()) {
            collapse(cudaErrorIllegalAddress, std::string("a product: ") + what + " was freed before it was made");
            return;
        }
        const Tile *tile = tile_best();
        const std::vector<float> left = values_of(a, type, (size_t)m * k);
        const std::vector<float> right = values_of(b, type, (size_t)k * n);
        const std::vector<float> added = bias ? widened(c_type, bias, n) : std::vector<float>(n);
        std::vector<float> panel((size_t)tile->columns * k), product((size_t)m * n);
        for (int j = 0; j < n; j += tile->columns) {
            if (b.transposed)
                tile_pack_transposed(tile, right.data(), k, k, n, j, panel.data());
            else
                tile_pack(tile, right.data(), n, k, n, j, panel.data());
            tile_multiply(tile, left.data(), a.transposed ? 1 : k, a.transposed ? m : 1, panel.data(), nullptr,
                          product.data() + j, n, m, n - j < tile->columns ? n - j : tile->columns, k, false);
        }
        float *c32 = (float *)c;
        __nv_bfloat16 *c16 = (__nv_bfloat16 *)c;
        for (size_t i = 0; i < product.size(); i++)
            product[i] += added[i % n];
        for (size_t i = 0; i < product.size(); i++)
            if (c_type == REAL_FP32)
                c32[i] = add ? c32[i] + product[i] : product[i];
            else
                c16[i] = __float2bfloat16_rn(add ? __bfloat162float(c16[i]) + product[i] : product[i]);
    }
};
} // namespace

Status matmul_open(Cuda *) {
    return NULL;
}

void matmul_close(Cuda *) {
}

void matmul(Ops *ops, const char *operation, Factor a, Factor b, const Real *bias, void *c, RealType c_type, bool add,
            int m, int n, int k) {
    if (ops->error || m == 0 || n == 0)
        return;
    const Call call("a product");
    if (!cuda_check(ops, operation, call.error))
        return;
    if ((a.type || b.type) && !fp8_allowed(a, b, c_type, n, k)) {
        cuda_fail(ops, status_error(EXIT_INTERNAL, "%s: not an FP8 product that cuBLASLt makes", operation));
        return;
    }
    const auto work = std::make_shared<MatmulWork>();
    work->a = a;
    work->b = b;
    work->bias = bias;
    work->c = c;
    work->type = ops->type;
    work->c_type = c_type;
    work->add = add;
    work->m = m;
    work->n = n;
    work->k = k;
    if (const char *what = work->outside())
        cuda_check(ops, operation,
                   collapse(cudaErrorIllegalAddress, std::string("a product: ") + what + " is not device memory"));
    else
        give(*queue_of(cuda_context(ops)->stream), work);
}
