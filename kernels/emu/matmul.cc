/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for kernels/cuda/matmul.cu: products by the CPU's tiles, which the program that opened the library
 * contains. In the stream's order, as by cuBLASLt, and also with several algorithms, whose sums are rounded in other
 * places. */
#include "kernels/cuda/matmul.cuh"
#include "kernels/cuda/autotune.cuh"
#include "kernels/cuda/stopwatch.cuh"
#include "kernels/emu/calls.h"
#include "kernels/emu/cuda_bf16.h"
#include "kernels/emu/memory.h"
#include "kernels/emu/queues.h"

extern "C" {
#include "kernels/cpu/codes.h"
#include "kernels/cpu/gemm.h"
}

#include <math.h>
#include <stdio.h>

using namespace emu;

namespace {
/* The sum over k in one piece, or in two halves. */
enum Algorithm { WHOLE, HALVES, ALGORITHMS };
const char *const algorithms[ALGORITHMS] = {"whole", "halves"};

std::vector<float> widened(RealType type, const void *data, size_t count) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; i++)
        values[i] = type == REAL_FP32 ? ((const float *)data)[i] : __bfloat162float(((const __nv_bfloat16 *)data)[i]);
    return values;
}

size_t element_size(const Factor &factor, RealType type) {
    return factor.type == FACTOR_REAL ? real_size(type) : 1;
}

std::vector<float> factor_values(const Factor &factor, RealType type, size_t count) {
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

/* GELU's tanh form, and its slope. */
float gelu(float x) {
    return 0.5f * x * (1 + tanhf(0.797884561f * (x + 0.044715f * x * x * x)));
}
float gelu_slope(float x) {
    const float t = tanhf(0.797884561f * (x + 0.044715f * x * x * x));
    return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.797884561f * (1 + 3 * 0.044715f * x * x);
}

struct MatmulWork : Work {
    Factor a, b;
    const Real *bias;
    Fusion fusion;
    void *c;
    RealType type, c_type;
    bool add;
    int m, n, k;
    Algorithm algorithm;

    size_t extra_count() const {
        return fusion.kind == FUSION_NONE ? 0 : fusion.kind == FUSION_SUMS ? m : (size_t)m * n;
    }

    /* What is outside device memory; NULL: nothing. */
    const char *find_outside() const {
        return !memory_holds(a.data, (size_t)m * k * element_size(a, type))   ? "its first factor"
               : !memory_holds(b.data, (size_t)k * n * element_size(b, type)) ? "its second factor"
               : a.inverse && !memory_holds(a.inverse, sizeof *a.inverse)     ? "its first factor's scale"
               : b.inverse && !memory_holds(b.inverse, sizeof *b.inverse)     ? "its second factor's scale"
               : bias && !memory_holds(bias, n * real_size(c_type))           ? "its bias"
               : !memory_holds(c, (size_t)m * n * real_size(c_type))          ? "its result"
               : extra_count() && !memory_holds(fusion.extra, extra_count() * real_size(c_type))
                   ? "what its fusion reads or writes"
                   : nullptr;
    }

    void run() override {
        if (const char *what = find_outside()) {
            collapse(cudaErrorIllegalAddress, std::string("a product: ") + what + " was freed before the product ran");
            return;
        }
        const std::vector<float> left = factor_values(a, type, (size_t)m * k);
        std::vector<float> product = multiply(left, factor_values(b, type, (size_t)k * n));
        if (bias) {
            const std::vector<float> added = widened(c_type, bias, n);
            for (size_t i = 0; i < product.size(); i++)
                product[i] += added[i % n];
        }
        fuse(left, product);
        for (size_t i = 0; i < product.size(); i++)
            store(c, i, add ? widened(c_type, (char *)c + i * real_size(c_type), 1)[0] + product[i] : product[i]);
    }

    void store(void *to, size_t i, float value) const {
        if (c_type == REAL_FP32)
            ((float *)to)[i] = value;
        else
            ((__nv_bfloat16 *)to)[i] = __float2bfloat16_rn(value);
    }

    std::vector<float> multiply(const std::vector<float> &left, const std::vector<float> &right) const {
        const Tile *tile = tile_best();
        std::vector<float> panel((size_t)tile->columns * k), product((size_t)m * n);
        const size_t row = a.transposed ? 1 : k, column = a.transposed ? m : 1;
        const int middle = algorithm == HALVES ? k / 2 : k;
        for (int j = 0; j < n; j += tile->columns) {
            const int width = n - j < tile->columns ? n - j : tile->columns;
            if (b.transposed)
                tile_pack_transposed(tile, right.data(), k, k, n, j, panel.data());
            else
                tile_pack(tile, right.data(), n, k, n, j, panel.data());
            tile_multiply(tile, left.data(), row, column, panel.data(), nullptr, product.data() + j, n, m, width,
                          middle, false);
            if (middle < k)
                tile_multiply(tile, left.data() + middle * column, row, column,
                              panel.data() + (size_t)middle * tile->columns, nullptr, product.data() + j, n, m, width,
                              k - middle, true);
        }
        return product;
    }

    void fuse(const std::vector<float> &left, std::vector<float> &product) const {
        if (fusion.kind == FUSION_GELU)
            for (size_t i = 0; i < product.size(); i++) {
                store(fusion.extra, i, product[i]);
                product[i] = gelu(product[i]);
            }
        if (fusion.kind == FUSION_SLOPE) {
            const std::vector<float> input = widened(c_type, fusion.extra, product.size());
            for (size_t i = 0; i < product.size(); i++)
                product[i] *= gelu_slope(input[i]);
        }
        for (int i = 0; fusion.kind == FUSION_SUMS && i < m; i++) {
            float sum = 0;
            for (int p = 0; p < k; p++)
                sum += left[a.transposed ? (size_t)p * m + i : (size_t)i * k + p];
            store(fusion.extra, i, sum);
        }
    }
};

bool queue_product(Ops *ops, const char *operation, const MatmulWork &work) {
    const Call call("a product");
    if (!cuda_check(ops, operation, call.error))
        return false;
    if (const char *what = work.find_outside())
        return cuda_check(
            ops, operation,
            collapse(cudaErrorIllegalAddress, std::string("a product: ") + what + " is not device memory"));
    give(*queue_of(cuda_context(ops)->stream), std::make_shared<MatmulWork>(work));
    return true;
}

/* As matmul.cu does. */
void choose_algorithm(Ops *ops, const char *operation, MatmulWork &work) {
    static const char *const types[] = {"FP32", "BF16"}, *const codes[] = {"", " in E4M3", " in E5M2"};
    char key[200];
    snprintf(key, sizeof key, "product of m = %d, n = %d, k = %d, %s%s%s by %s%s%s%s into %s, fusion %d", work.m,
             work.n, work.k, types[work.type], work.a.transposed ? " transposed" : "", codes[work.a.type],
             types[work.type], work.b.transposed ? " transposed" : "", codes[work.b.type],
             work.bias ? " with bias" : "", types[work.c_type], work.fusion.kind);
    if (const char *choice = autotune_choice(ops, key))
        for (int i = 0; i < ALGORITHMS; i++)
            if (!strcmp(choice, algorithms[i])) {
                work.algorithm = (Algorithm)i;
                return;
            }
    if (!autotune_may_time(ops))
        return;
    MatmulWork trial = work;
    if (work.add)
        trial.c = autotune_allocate(ops, (size_t)work.m * work.n * real_size(work.c_type));
    trial.add = false;
    double best = INFINITY;
    for (int i = 0; trial.c && i < ALGORITHMS; i++) {
        double seconds = best;
        trial.algorithm = (Algorithm)i;
        if (stopwatch(
                ops, key, i, [&] { return queue_product(ops, operation, trial); }, &seconds) &&
            seconds < best) {
            best = seconds;
            work.algorithm = trial.algorithm;
        }
    }
    if (work.add)
        ops->device->release(ops->device, trial.c);
    if (best < INFINITY)
        autotune_record(ops, key, algorithms[work.algorithm], best);
}

bool run_product(Ops *ops, const char *operation, Factor a, Factor b, const Real *bias, Fusion fusion, void *c,
                 RealType c_type, bool add, int m, int n, int k) {
    if ((a.type || b.type) && !fp8_allowed(a, b, c_type, n, k)) {
        cuda_fail(ops, status_error(EXIT_INTERNAL, "%s: not an FP8 product that cuBLASLt has", operation));
        return false;
    }
    MatmulWork work;
    work.a = a;
    work.b = b;
    work.bias = bias;
    work.fusion = fusion;
    work.c = c;
    work.type = ops->type;
    work.c_type = c_type;
    work.add = add;
    work.m = m;
    work.n = n;
    work.k = k;
    work.algorithm = WHOLE;
    if (autotune_is_timed(ops) && k)
        choose_algorithm(ops, operation, work);
    return !ops->error && queue_product(ops, operation, work);
}
} // namespace

Status matmul_open(Cuda *) {
    return NULL;
}

size_t matmul_version() {
    return 0;
}

void matmul_close(Cuda *) {
}

void matmul_forget(Cuda *) {
}

void matmul(Ops *ops, const char *operation, Factor a, Factor b, const Real *bias, void *c, RealType c_type, bool add,
            int m, int n, int k) {
    if (!ops->error && m && n)
        run_product(ops, operation, a, b, bias, Fusion{FUSION_NONE, NULL}, c, c_type, add, m, n, k);
}

bool matmul_fused(Ops *ops, const char *operation, Factor a, Factor b, const Real *bias, Fusion fusion, void *c,
                  RealType c_type, bool add, int m, int n, int k) {
    return !ops->error && m && n && k && run_product(ops, operation, a, b, bias, fusion, c, c_type, add, m, n, k);
}
