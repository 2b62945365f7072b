/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/cuda/matmul.cu against the emulator's stand-in for cuBLASLt, which refuses what NVIDIA's documentation does:
 * the products of every model at every size, described and not computed; small ones computed; and that the stand-in
 * does refuse. */
#include "kernels/cuda/autotune.cuh"
#include "kernels/cuda/matmul.cuh"
#include "kernels/cuda/matmul_search.cuh"
#include "kernels/emu/cublasLt.h"
#include "ops/gpu_scratch.h"
#include "tests/emu/emulated.h"

/* Nothing is chosen by timing. */
bool autotune_is_timed(const Ops *) {
    return false;
}
bool autotune_may_time(const Ops *) {
    return false;
}
const char *autotune_choice(const Ops *, const char *) {
    return nullptr;
}
void autotune_record(Ops *, const char *, const char *, double) {
}
void *autotune_allocate(const Ops *, size_t) {
    return nullptr;
}
bool stopwatch_run(Ops *, const char *, int, bool (*)(const void *), const void *, double *) {
    return false;
}
Status cuda_status(const char *what, cudaError_t error) {
    return error == cudaSuccess ? NULL : status_error(EXIT_INTERNAL, "%s: %s", what, cudaGetErrorString(error));
}
void cuda_fail(Ops *table, Status status) {
    if (table->error)
        status_free(status);
    else
        table->error = status;
}

static void expect_fine(Status status) {
    if (status)
        fail_msg("%s", status_message(status));
}

/* What is done between both is recorded and never runs: its tensors need no memory. */
static void begin_capture() {
    assert_int_equal(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeRelaxed), cudaSuccess);
}
static void end_capture() {
    cudaGraph_t graph;
    assert_int_equal(cudaStreamEndCapture(stream(), &graph), cudaSuccess);
    assert_int_equal(cudaGraphDestroy(graph), cudaSuccess);
}

/* All tensors begin here, on a multiple of 16 bytes that is none of 32, as in the middle of a model's memory. */
struct Place {
    char *at;
    const float *inverse() const {
        return (const float *)(at + 64);
    }
    Factor factor(bool transposed, FactorType type = FACTOR_REAL) const {
        return Factor{at, transposed, type, type == FACTOR_REAL ? NULL : inverse()};
    }
};

/* The products of a layer in one type: forward with bias, backward to its input and to its weights. */
static void describe_layer(const Place &p, RealType type, int rows, int in, int out) {
    ops->type = type;
    Real *const tensor = (Real *)p.at;
    matmul(ops, "forward", p.factor(false), p.factor(true), tensor, tensor, type, false, rows, out, in);
    matmul(ops, "input", p.factor(false), p.factor(false), NULL, tensor, type, false, rows, in, out);
    for (const bool add : {false, true})
        matmul(ops, "weight", p.factor(true), p.factor(false), NULL, tensor, REAL_FP32, add, out, in, rows);
    expect_fine(ops->error);
    if (type == REAL_FP32)
        return;
    /* With 8 or more outputs, as every layer with an activation has, the library has the fused forms. */
    if (out % 8 == 0)
        assert_true(matmul_fused(ops, "forward", p.factor(false), p.factor(true), tensor, Fusion{FUSION_GELU, p.at},
                                 tensor, type, false, rows, out, in));
    if (in % 8 == 0)
        assert_true(matmul_fused(ops, "input", p.factor(false), p.factor(false), NULL, Fusion{FUSION_SLOPE, p.at},
                                 tensor, type, false, rows, in, out));
    for (const bool add : {false, true})
        assert_true(matmul_fused(ops, "weight", p.factor(true), p.factor(false), NULL, Fusion{FUSION_SUMS, p.at},
                                 tensor, REAL_FP32, add, out, in, rows));
    if (gpu_fp8_fits(in, out)) {
        matmul(ops, "forward", p.factor(false, FACTOR_E4M3), p.factor(true, FACTOR_E4M3), tensor, tensor, type, false,
               rows, out, in);
        matmul(ops, "input", p.factor(false, FACTOR_E5M2), p.factor(true, FACTOR_E4M3), NULL, tensor, type, false, rows,
               in, out);
    }
    expect_fine(ops->error);
}

/* ViT-T to ViT-H with patches of 16 and 14, their decoder of 512, and heads of some classes; images of 50 to 257
 * tokens; from one image to the 1,008 of a GPU's largest batch. */
static void every_models_products_are_allowed(void **) {
    static const int dims[] = {192, 384, 512, 768, 1024, 1280}, tokens[] = {50, 65, 197, 257};
    static const int batches[] = {1,  2,  3,  4,   5,   6,   7,   8,   9,    15,   16,
                                  31, 33, 64, 100, 127, 252, 256, 504, 1000, 1007, 1008};
    Place place = {(char *)device_bytes(4096) + 16};
    expect_fine(matmul_open(cuda_context(ops)));
    for (const int dim : dims) {
        begin_capture();
        for (const int batch : batches)
            for (const int length : tokens)
                for (const RealType type : {REAL_FP32, REAL_BF16}) {
                    const int rows = batch * length, patches = batch * (length - 1);
                    describe_layer(place, type, rows, dim, 3 * dim);
                    describe_layer(place, type, rows, dim, dim);
                    describe_layer(place, type, rows, dim, 4 * dim);
                    describe_layer(place, type, rows, 4 * dim, dim);
                    describe_layer(place, type, rows, dim, 512);
                    for (const int pixels : {768, 588}) {
                        describe_layer(place, type, patches, pixels, dim);
                        describe_layer(place, type, rows, dim, pixels);
                    }
                    for (const int classes : {1, 2, 5, 1000})
                        describe_layer(place, type, batch, dim, classes);
                }
        end_capture();
        matmul_forget(cuda_context(ops));
    }
    matmul_close(cuda_context(ops));
}

/* Small products of every shape, so many that plans share their places in the table; whole numbers, so that sums are
 * exact. */
static void every_shape_has_a_plan_of_its_own(void **) {
    enum { MOST = 9 };
    std::vector<float> values(MOST * MOST), got;
    for (size_t i = 0; i < values.size(); i++)
        values[i] = (float)(i * 5 % 13) - 6;
    float *const a = device_copy_of(values), *const b = device_copy_of(values), *const c = device_copy_of(values);
    expect_fine(matmul_open(cuda_context(ops)));
    ops->type = REAL_FP32;
    for (int way = 0; way < 16; way++)
        for (int m = 1; m <= MOST; m++)
            for (int n = 1; n <= MOST; n++)
                for (int k = 1; k <= MOST; k++) {
                    const bool left = way & 1, right = way & 2, biased = way & 4, add = way & 8;
                    upload(c, values.data(), values.size() * sizeof(float));
                    matmul(ops, "a test", Factor{a, left}, Factor{b, right}, biased ? b : NULL, c, REAL_FP32, add, m, n,
                           k);
                    expect_fine(ops->error);
                    got = host_copy_of(c, m * n);
                    for (int i = 0; i < m * n; i++) {
                        const int row = i / n, column = i % n;
                        float want = (add ? values[i] : 0) + (biased ? values[column] : 0);
                        for (int p = 0; p < k; p++)
                            want += values[left ? p * m + row : row * k + p] *
                                    values[right ? column * k + p : p * n + column];
                        if (got[i] != want)
                            fail_msg("%d x %d of %d, way %d: %g, not %g", m, n, k, way, got[i], want);
                    }
                }
    assert_string_equal(wait_for_all().c_str(), "");
    matmul_close(cuda_context(ops));
}

/* A product that the library has, 32 x 64 of sums over 48, to be changed. */
struct Asked {
    cudaDataType a = CUDA_R_16BF, b = CUDA_R_16BF, d = CUDA_R_16BF;
    cublasOperation_t a_operation = CUBLAS_OP_T, b_operation = CUBLAS_OP_N;
    int m = 32, n = 64, k = 48, b_k = 48, a_stride = 48, b_stride = 48, d_stride = 32;
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    char *bias = nullptr, *extra = nullptr, *a_scale = nullptr, *b_scale = nullptr;
    int bias_type = -1, compute = CUBLAS_COMPUTE_32F;
    int64_t extra_stride = 0;
    int8_t fast = 0;
    uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, alignment = 16;
    size_t a_offset = 0, workspace = 0;
    bool second = false; /* the second algorithm */
};

/* What the library says, when it is asked for algorithms or, at the latest, for the product. */
static cublasStatus_t ask(const Asked &asked, char *at, void *workspace) {
    cublasLtMatmulDescOpaque_t how;
    cublasLtMatrixLayoutOpaque_t a, b, d;
    cublasLtMatmulPreferenceOpaque_t preference;
    cublasLtMatmulHeuristicResult_t results[2];
    int found = 0;
    cublasLtMatmulDescInit(&how, (cublasComputeType_t)asked.compute, CUDA_R_32F);
    const auto set = [&](cublasLtMatmulDescAttributes_t attribute, auto value) {
        assert_int_equal(cublasLtMatmulDescSetAttribute(&how, attribute, &value, sizeof value), CUBLAS_STATUS_SUCCESS);
    };
    set(CUBLASLT_MATMUL_DESC_TRANSA, (int32_t)asked.a_operation);
    set(CUBLASLT_MATMUL_DESC_TRANSB, (int32_t)asked.b_operation);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, asked.epilogue);
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, asked.bias);
    set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, asked.bias_type);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, asked.extra);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, asked.extra_stride);
    set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, asked.a_scale);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, asked.b_scale);
    set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, asked.fast);
    const bool a_transposed = asked.a_operation == CUBLAS_OP_T, b_transposed = asked.b_operation == CUBLAS_OP_T;
    cublasLtMatrixLayoutInit(&a, asked.a, a_transposed ? asked.k : asked.m, a_transposed ? asked.m : asked.k,
                             asked.a_stride);
    cublasLtMatrixLayoutInit(&b, asked.b, b_transposed ? asked.n : asked.b_k, b_transposed ? asked.b_k : asked.n,
                             asked.b_stride);
    cublasLtMatrixLayoutInit(&d, asked.d, asked.m, asked.n, asked.d_stride);
    cublasLtMatmulPreferenceInit(&preference);
    const size_t enough = 1 << 20;
    cublasLtMatmulPreferenceSetAttribute(&preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &enough, sizeof enough);
    cublasLtMatmulPreferenceSetAttribute(&preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &asked.schemes,
                                         sizeof asked.schemes);
    for (const auto which : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                             CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
        cublasLtMatmulPreferenceSetAttribute(&preference, which, &asked.alignment, sizeof asked.alignment);
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(nullptr, &how, &a, &b, &d, &d, &preference, 2, results, &found);
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    assert_int_equal(found, 2);
    const float one = 1, none = 0;
    return cublasLtMatmul(nullptr, &how, &one, at + asked.a_offset, &a, at, &b, &none, at, &d, at, &d,
                          &results[asked.second].algo, workspace, asked.workspace, stream());
}

static void make_fp8(Asked &asked, char *at) {
    asked.a = CUDA_R_8F_E4M3;
    asked.b = CUDA_R_8F_E5M2;
    asked.a_scale = asked.b_scale = at;
}

static void make_gelu(Asked &asked, char *at) {
    asked.epilogue = CUBLASLT_EPILOGUE_GELU_AUX_BIAS;
    asked.bias = asked.extra = at;
    asked.extra_stride = 32;
}

/* Each changes what is fine before. */
static void what_the_documentation_forbids_is_refused(void **) {
    static const struct {
        const char *what;
        void (*prepare)(Asked &, char *at); /* NULL: nothing */
        void (*change)(Asked &, char *at);
    } rules[] = {
        {"sums in another type", NULL, [](Asked &x, char *) { x.compute = CUBLAS_COMPUTE_32F + 1; }},
        {"a leading dimension below the rows", NULL, [](Asked &x, char *) { x.a_stride = 47; }},
        {"a result whose columns overlap", NULL, [](Asked &x, char *) { x.d_stride = 31; }},
        {"nothing to sum", NULL, [](Asked &x, char *) { x.k = x.b_k = 0; }},
        {"sums over different lengths", NULL, [](Asked &x, char *) { x.b_k = x.b_stride = 32; }},
        {"factors of two types", NULL, [](Asked &x, char *) { x.a = CUDA_R_32F; }},
        {"FP32 into BF16", NULL, [](Asked &x, char *) { x.a = x.b = CUDA_R_32F; }},
        {"a scale of BF16", NULL, [](Asked &x, char *at) { x.b_scale = at; }},
        {"fast sums of BF16", NULL, [](Asked &x, char *) { x.fast = 1; }},
        {"a bias without a pointer", NULL, [](Asked &x, char *) { x.epilogue = CUBLASLT_EPILOGUE_BIAS; }},
        {"a bias gradient without a pointer", NULL, [](Asked &x, char *) { x.epilogue = CUBLASLT_EPILOGUE_BGRADB; }},
        {"a bias of another type", make_gelu, [](Asked &x, char *) { x.bias_type = CUDA_R_32F; }},
        {"GELU without its argument", make_gelu, [](Asked &x, char *) { x.extra = nullptr; }},
        {"GELU's argument too narrow", make_gelu, [](Asked &x, char *) { x.extra_stride = 24; }},
        {"GELU's argument of odd width", make_gelu, [](Asked &x, char *) { x.extra_stride = 36; }},
        {"FP8 not transposed", make_fp8, [](Asked &x, char *) { x.a_operation = CUBLAS_OP_N, x.a_stride = 32; }},
        {"both FP8 factors transposed", make_fp8,
         [](Asked &x, char *) { x.b_operation = CUBLAS_OP_T, x.b_stride = 64; }},
        {"two factors in E5M2", make_fp8, [](Asked &x, char *) { x.a = CUDA_R_8F_E5M2; }},
        {"FP8 and BF16", make_fp8, [](Asked &x, char *) { x.a = CUDA_R_16BF; }},
        {"FP8 into FP32", make_fp8, [](Asked &x, char *) { x.d = CUDA_R_32F; }},
        {"FP8 without a scale", make_fp8, [](Asked &x, char *) { x.a_scale = nullptr; }},
        {"FP8 sums of odd length", make_fp8, [](Asked &x, char *) { x.k = x.b_k = 40; }},
        {"FP8 rows of odd length", make_fp8, [](Asked &x, char *) { x.b_stride = 56; }},
        {"FP8 with GELU", make_fp8, make_gelu},
        {"parts added in any order", NULL, [](Asked &x, char *) { x.schemes = CUBLASLT_REDUCTION_SCHEME_MASK; }},
        {"less alignment than promised", NULL, [](Asked &x, char *) { x.a_offset = 8; }},
        {"the default alignment", NULL, [](Asked &x, char *) { x.alignment = 256; }},
        {"less workspace than needed", [](Asked &x, char *) { x.second = true, x.workspace = 256; },
         [](Asked &x, char *) { x.workspace = 255; }},
    };
    char *const at = (char *)device_bytes(4096) + 16;
    void *const workspace = device_bytes(256);
    begin_capture();
    for (const auto &rule : rules) {
        Asked asked;
        if (rule.prepare)
            rule.prepare(asked, at);
        if (ask(asked, at, workspace) != CUBLAS_STATUS_SUCCESS)
            fail_msg("before %s: %s", rule.what, cublasLtGetStatusString(CUBLAS_STATUS_NOT_SUPPORTED));
        rule.change(asked, at);
        if (ask(asked, at, workspace) == CUBLAS_STATUS_SUCCESS)
            fail_msg("%s was accepted", rule.what);
    }
    end_capture();
}

/* Beyond the two that are recommended the stand-in has three configurations of them: the first algorithm with either
 * tile, and the second, which cuts the sums in two and needs 256 bytes. It refuses all others that are tried. */
static void other_configurations_are_found(void **) {
    const Asked asked;
    cublasLtMatmulDescOpaque_t how;
    cublasLtMatrixLayoutOpaque_t a, b, d;
    cublasLtMatmulPreferenceOpaque_t preference;
    cublasLtMatmulHeuristicResult_t results[8];
    const int32_t transposed = CUBLAS_OP_T;
    const size_t enough = 256;
    int advised = 0;
    cublasLtMatmulDescInit(&how, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    cublasLtMatmulDescSetAttribute(&how, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed);
    cublasLtMatrixLayoutInit(&a, asked.a, asked.k, asked.m, asked.a_stride);
    cublasLtMatrixLayoutInit(&b, asked.b, asked.k, asked.n, asked.b_stride);
    cublasLtMatrixLayoutInit(&d, asked.d, asked.m, asked.n, asked.d_stride);
    cublasLtMatmulPreferenceInit(&preference);
    cublasLtMatmulPreferenceSetAttribute(&preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &enough, sizeof enough);
    cublasLtMatmulPreferenceSetAttribute(&preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &asked.schemes,
                                         sizeof asked.schemes);
    assert_int_equal(cublasLtMatmulAlgoGetHeuristic(nullptr, &how, &a, &b, &d, &d, &preference, 8, results, &advised),
                     CUBLAS_STATUS_SUCCESS);
    assert_int_equal(advised, 2);
    SearchedProduct product = {nullptr, &how, &a, &b, &d, asked.a, asked.b, asked.d, enough, 16};
    assert_int_equal(matmul_search(&product, results, advised, 8), advised + 3);
    for (int i = advised; i < advised + 3; i++) {
        cublasLtMatmulHeuristicResult_t checked;
        assert_int_equal(cublasLtMatmulAlgoCheck(nullptr, &how, &a, &b, &d, &d, &results[i].algo, &checked),
                         CUBLAS_STATUS_SUCCESS);
        assert_int_equal(results[i].state, CUBLAS_STATUS_SUCCESS);
        for (int j = advised; j < i; j++)
            assert_memory_not_equal(&results[i].algo, &results[j].algo, sizeof results[i].algo);
    }
    /* As many as there is room for, and none that needs more memory than there is. */
    assert_int_equal(matmul_search(&product, results, advised, advised + 2), advised + 2);
    product.workspace = enough - 1;
    assert_int_equal(matmul_search(&product, results, advised, 8), advised + 2);
    product.alignment = 0;
    assert_int_equal(matmul_search(&product, results, advised, 8), advised);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_models_products_are_allowed, prepare, finish),
        cmocka_unit_test_setup_teardown(every_shape_has_a_plan_of_its_own, prepare, finish),
        cmocka_unit_test_setup_teardown(what_the_documentation_forbids_is_refused, prepare, finish),
        cmocka_unit_test_setup_teardown(other_configurations_are_found, prepare, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
