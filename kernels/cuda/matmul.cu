/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/autotune.cuh"
#include "kernels/cuda/matmul.cuh"
#include "kernels/cuda/matmul_search.cuh"
#include "kernels/cuda/stopwatch.cuh"
#include "ops/gpu_scratch.h"

#include <cublasLt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cudaMalloc()'s memory starts on a multiple of 256, as cuBLASLt requires. The emulator's stand-in needs less. */
#ifdef __CUDACC__
static const size_t WORKSPACE = GPU_WORKSPACE_BYTES;
#else
static const size_t WORKSPACE = 256;
#endif

/* Tensors start on multiples of 16 bytes; by default the library assumes 256. */
static const uint32_t ALIGNMENT = 16;

/* What decides how a product is computed; whether it is added to its result does not. */
typedef struct {
    RealType type, c_type;
    bool a_transposed, b_transposed, biased;
    FusionKind fusion;
    int m, n, k;
    FactorType a_type, b_type;
} Shape;

/* One shape's algorithm and descriptors, kept since finding them takes longer than many products. */
struct Plan {
    Shape shape;
    cublasLtMatmulDescOpaque_t product;
    cublasLtMatrixLayoutOpaque_t a, b, c;
    cublasLtMatmulAlgo_t algorithm;
    bool settled; /* false: first occurred while work was captured, to be timed later */
    Plan *next;
};

/* The algorithms that are timed: of each product those that the library recommends, of the largest six so far others as
 * well. The six of a ViT-L (both products of its MLP, forward and backward) are half of a step. */
enum { BUCKETS = 256, ADVISED = 32, SEARCHED = 256, LARGEST = 6 };

struct Library {
    cublasLtHandle_t handle;
    void *workspace;
    double largest[LARGEST]; /* multiplications of the largest products so far */
    Plan *plans[BUCKETS];    /* by hash of the shape */
};

/* One product's tensors. */
typedef struct {
    Factor a, b;
    const Real *bias;
    void *extra, *c;
    bool add;
} Tensors;

#define TRY_LIBRARY(call)                                                                                              \
    do {                                                                                                               \
        const cublasStatus_t try_status_ = (call);                                                                     \
        if (try_status_ != CUBLAS_STATUS_SUCCESS)                                                                      \
            return try_status_;                                                                                        \
    } while (0)

/* Never NULL. A CUDA error says more than the library's status. */
static Status library_status(const char *what, cublasStatus_t status) {
    const cudaError_t error = cudaGetLastError();
    if (error != cudaSuccess)
        return cuda_status(what, error);
    const char *name = cublasLtGetStatusName(status), *text = cublasLtGetStatusString(status);
    switch (status) {
    case CUBLAS_STATUS_ALLOC_FAILED:
        return status_error(EXIT_NO_MEMORY,
                            "%s: cuBLASLt is out of memory: %s (%s); use a GPU that no other process uses "
                            "(`nvidia-smi` lists them)",
                            what, text, name);
    case CUBLAS_STATUS_NOT_INITIALIZED:
    case CUBLAS_STATUS_ARCH_MISMATCH:
        return status_error(EXIT_MISSING,
                            "%s: cuBLASLt does not run on this GPU with this driver: %s (%s); `nvidia-smi` shows both",
                            what, text, name);
    default:
        return status_error(EXIT_INTERNAL, "%s: cuBLASLt failed: %s (%s)", what, text, name);
    }
}

static const char *factor_name(const Shape *s, FactorType type) {
    return type == FACTOR_E4M3 ? "E4M3" : type == FACTOR_E5M2 ? "E5M2" : s->type == REAL_BF16 ? "BF16" : "FP32";
}

/* What is computed, for messages and as the key of the choice. */
static void describe_shape(const Shape *s, char text[200]) {
    static const char *const fusions[] = {"", ", GELU fused", ", GELU's slope fused", ", bias gradient fused"};
    snprintf(text, 200, "product of m = %d, n = %d, k = %d, %s%s by %s%s%s into %s%s", s->m, s->n, s->k,
             factor_name(s, s->a_type), s->a_transposed ? " transposed" : "", factor_name(s, s->b_type),
             s->b_transposed ? " transposed" : "", s->biased ? " with bias" : "",
             s->c_type == REAL_BF16 ? "BF16" : "FP32", fusions[s->fusion]);
}

static Status product_status(const char *operation, const Shape *s, cublasStatus_t status) {
    char shape[200], what[300];
    describe_shape(s, shape);
    snprintf(what, sizeof what, "%s: %s", operation, shape);
    return library_status(what, status);
}

Status matmul_open(Cuda *cuda) {
    cuda->library = (Library *)calloc(1, sizeof *cuda->library);
    if (!cuda->library)
        return status_no_memory("cuBLASLt's state", sizeof *cuda->library);
    const cublasStatus_t status = cublasLtCreate(&cuda->library->handle);
    if (status != CUBLAS_STATUS_SUCCESS)
        return library_status("opening cuBLASLt", status);
    return cuda_status("cuBLASLt's workspace", cudaMalloc(&cuda->library->workspace, WORKSPACE));
}

void matmul_forget(Cuda *cuda) {
    for (Plan *&first : cuda->library->plans)
        while (first) {
            Plan *next = first->next;
            free(first);
            first = next;
        }
}

void matmul_close(Cuda *cuda) {
    Library *library = cuda->library;
    if (!library)
        return;
    matmul_forget(cuda);
    (void)cudaFree(library->workspace);
    if (library->handle)
        (void)cublasLtDestroy(library->handle);
    free(library);
    cuda->library = NULL;
}

size_t matmul_version() {
    return cublasLtGetVersion();
}

/* The bias gradient, like bias, is of the result's type by default: FP32 for a weight's gradient, as ops.h requires of
 * dbias. So is GELU's auxiliary matrix. */
static cublasStatus_t describe_epilogue(Plan *plan, cudaDataType c_type) {
    const Shape *s = &plan->shape;
    static const cublasLtEpilogue_t plain[] = {CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_GELU_AUX,
                                               CUBLASLT_EPILOGUE_DGELU, CUBLASLT_EPILOGUE_BGRADB};
    const cublasLtEpilogue_t epilogue = !s->biased                 ? plain[s->fusion]
                                        : s->fusion == FUSION_GELU ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS
                                                                   : CUBLASLT_EPILOGUE_BIAS;
    TRY_LIBRARY(
        cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue));
    if (s->biased || s->fusion == FUSION_SUMS)
        TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &c_type,
                                                   sizeof c_type));
    if (s->fusion == FUSION_GELU || s->fusion == FUSION_SLOPE) {
        const int64_t stride = s->n;
        TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, &stride,
                                                   sizeof stride));
    }
    return CUBLAS_STATUS_SUCCESS;
}

static cudaDataType data_type(const Shape *s, FactorType type) {
    return type == FACTOR_E4M3    ? CUDA_R_8F_E4M3
           : type == FACTOR_E5M2  ? CUDA_R_8F_E5M2
           : s->type == REAL_BF16 ? CUDA_R_16BF
                                  : CUDA_R_32F;
}

static cudaDataType result_type(const Shape *s) {
    return s->c_type == REAL_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

/* The library's matrices are column-major: it sees the transpose of each of ours and computes c^T = b^T a^T, so that b
 * is its first factor. */
static cublasStatus_t describe_product(Plan *plan) {
    const Shape *s = &plan->shape;
    const cudaDataType a_type = data_type(s, s->a_type), b_type = data_type(s, s->b_type);
    const cudaDataType c_type = result_type(s);
    const int32_t first = s->b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    const int32_t second = s->a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    TRY_LIBRARY(cublasLtMatmulDescInit(&plan->product, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof first));
    TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof second));
    TRY_LIBRARY(describe_epilogue(plan, c_type));
    /* Sums of the forward product keep fewer bits between the tensor cores' steps, which makes it fast; gradients,
     * whose values cover a wider range, are summed in FP32. */
    const int8_t fast = s->a_type == FACTOR_E4M3 && s->b_type == FACTOR_E4M3;
    TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_FAST_ACCUM, &fast, sizeof fast));
    TRY_LIBRARY(s->b_transposed ? cublasLtMatrixLayoutInit(&plan->b, b_type, s->k, s->n, s->k)
                                : cublasLtMatrixLayoutInit(&plan->b, b_type, s->n, s->k, s->n));
    TRY_LIBRARY(s->a_transposed ? cublasLtMatrixLayoutInit(&plan->a, a_type, s->m, s->k, s->m)
                                : cublasLtMatrixLayoutInit(&plan->a, a_type, s->k, s->m, s->k));
    return cublasLtMatrixLayoutInit(&plan->c, c_type, s->n, s->m, s->n);
}

/* The algorithms that the library recommends, best first, at most `most`. Of those that split the sum over k, only the
 * ones that keep the parts in FP32 and add them in a separate step, in either mode: the others round the parts to the
 * result's type, or let blocks add to the result as they finish, in an order that nothing guarantees. So any choice
 * gives the same bits from run to run. */
static cublasStatus_t list_algorithms(cublasLtHandle_t handle, Plan *plan, int most,
                                      cublasLtMatmulHeuristicResult_t *results, int *found) {
    const uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    const cublasLtMatmulPreferenceAttributes_t aligned[] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    cublasLtMatmulPreferenceOpaque_t preference;
    TRY_LIBRARY(cublasLtMatmulPreferenceInit(&preference));
    TRY_LIBRARY(cublasLtMatmulPreferenceSetAttribute(&preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &WORKSPACE,
                                                     sizeof WORKSPACE));
    TRY_LIBRARY(cublasLtMatmulPreferenceSetAttribute(&preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes,
                                                     sizeof schemes));
    for (const auto attribute : aligned)
        TRY_LIBRARY(cublasLtMatmulPreferenceSetAttribute(&preference, attribute, &ALIGNMENT, sizeof ALIGNMENT));
    TRY_LIBRARY(cublasLtMatmulAlgoGetHeuristic(handle, &plan->product, &plan->b, &plan->a, &plan->c, &plan->c,
                                               &preference, most, results, found));
    if (!*found)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    return results[0].state;
}

/* What differs from one product of a shape to the next. */
static cublasStatus_t set_pointers(Plan *plan, const Tensors *t) {
    const Shape *s = &plan->shape;
    const void *const vector = s->fusion == FUSION_SUMS ? t->extra : t->bias;
    if (vector)
        TRY_LIBRARY(
            cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &vector, sizeof vector));
    if (s->fusion == FUSION_GELU || s->fusion == FUSION_SLOPE)
        TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, &t->extra,
                                                   sizeof t->extra));
    if (s->a_type == FACTOR_REAL)
        return CUBLAS_STATUS_SUCCESS;
    /* The library's first factor is our second. */
    TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &t->b.inverse,
                                               sizeof t->b.inverse));
    TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &t->a.inverse,
                                               sizeof t->a.inverse));
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t launch_product(const Cuda *cuda, Plan *plan, const cublasLtMatmulAlgo_t *algorithm,
                                     const Tensors *t) {
    const float one = 1, kept = t->add ? 1 : 0;
    return cublasLtMatmul(cuda->library->handle, &plan->product, &one, t->b.data, &plan->b, t->a.data, &plan->a, &kept,
                          t->c, &plan->c, t->c, &plan->c, algorithm, cuda->library->workspace, WORKSPACE, cuda->stream);
}

/* Algorithms as text: their bytes, which the library says may be stored, in hexadecimal. */
enum { HEX = 2 * sizeof(cublasLtMatmulAlgo_t) + 1 };

static void algorithm_to_text(const cublasLtMatmulAlgo_t *algorithm, char text[HEX]) {
    unsigned char bytes[sizeof *algorithm];
    memcpy(bytes, algorithm, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static bool algorithm_from_text(const char *text, cublasLtMatmulAlgo_t *algorithm) {
    unsigned char bytes[sizeof *algorithm];
    if (strlen(text) != HEX - 1 || strspn(text, "0123456789abcdef") != HEX - 1)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++) {
        const char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
        bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    memcpy(algorithm, bytes, sizeof bytes);
    return true;
}

/* Uses an algorithm chosen before, if it is one for this product. */
static bool use_chosen_algorithm(const Cuda *cuda, Plan *plan, const char *choice) {
    cublasLtMatmulAlgo_t algorithm;
    cublasLtMatmulHeuristicResult_t result;
    if (!algorithm_from_text(choice, &algorithm) ||
        cublasLtMatmulAlgoCheck(cuda->library->handle, &plan->product, &plan->b, &plan->a, &plan->c, &plan->c,
                                &algorithm, &result) != CUBLAS_STATUS_SUCCESS ||
        result.workspaceSize > WORKSPACE)
        return false;
    plan->algorithm = algorithm;
    return true;
}

/* Times the algorithms on the product's own tensors and keeps the fastest. A result that is added to must not be
 * spoilt: then they write elsewhere, and do not add, which is the same work for each. */
static cublasStatus_t time_algorithms(Ops *ops, Plan *plan, const Tensors *tensors, const char *key,
                                      const cublasLtMatmulHeuristicResult_t *results, int count) {
    const Cuda *cuda = cuda_context(ops);
    const Shape *s = &plan->shape;
    Tensors t = *tensors;
    if (t.add) {
        t.c = autotune_allocate(ops, (size_t)s->m * s->n * real_size(s->c_type));
        t.add = false;
        if (!t.c)
            return CUBLAS_STATUS_SUCCESS; /* the first recommended, and tried again the next time */
    }
    double best = INFINITY;
    cublasStatus_t failure = CUBLAS_STATUS_NOT_SUPPORTED; /* the last one's, used when none can be run */
    for (int i = 0; i < count && !ops->error; i++) {
        const cublasLtMatmulAlgo_t *algorithm = &results[i].algo;
        double seconds = best;
        const auto work = [&] {
            const cublasStatus_t status = launch_product(cuda, plan, algorithm, &t);
            failure = status == CUBLAS_STATUS_SUCCESS ? failure : status;
            return status == CUBLAS_STATUS_SUCCESS;
        };
        if (results[i].state == CUBLAS_STATUS_SUCCESS && stopwatch(ops, key, i, work, &seconds) && seconds < best) {
            best = seconds;
            plan->algorithm = *algorithm;
        }
    }
    if (tensors->add)
        ops->device->release(ops->device, t.c);
    if (ops->error || best == INFINITY)
        return failure;
    char choice[HEX];
    algorithm_to_text(&plan->algorithm, choice);
    autotune_record(ops, key, choice, best);
    plan->settled = true;
    return CUBLAS_STATUS_SUCCESS;
}

/* Whether the product is one of the largest so far. */
static bool take_among_largest(Library *library, const Shape *s) {
    const double size = (double)s->m * s->n * s->k;
    double *least = &library->largest[0];
    for (double &other : library->largest)
        least = other < *least ? &other : least;
    if (size < *least)
        return false;
    *least = size;
    return true;
}

/* The algorithms to be timed, the first recommended first. */
static cublasStatus_t list_candidates(Library *library, Plan *plan, cublasLtMatmulHeuristicResult_t *results,
                                      int *found) {
    const Shape *s = &plan->shape;
    TRY_LIBRARY(list_algorithms(library->handle, plan, ADVISED, results, found));
    if (!take_among_largest(library, s))
        return CUBLAS_STATUS_SUCCESS;
    const SearchedProduct product = {
        library->handle,         &plan->product,          &plan->b,       &plan->a,  &plan->c,
        data_type(s, s->b_type), data_type(s, s->a_type), result_type(s), WORKSPACE, ALIGNMENT};
    *found = matmul_search(&product, results, *found, SEARCHED);
    return CUBLAS_STATUS_SUCCESS;
}

/* The algorithm chosen before, the fastest, or the first recommended where nothing is timed. */
static cublasStatus_t choose_algorithm(Ops *ops, Plan *plan, const Tensors *t) {
    const Cuda *cuda = cuda_context(ops);
    char key[200];
    describe_shape(&plan->shape, key);
    const char *choice = autotune_choice(ops, key);
    plan->settled = !autotune_is_timed(ops) || (choice && use_chosen_algorithm(cuda, plan, choice));
    if (choice && plan->settled)
        return CUBLAS_STATUS_SUCCESS;
    const bool timing = autotune_may_time(ops);
    cublasLtMatmulHeuristicResult_t *results =
        (cublasLtMatmulHeuristicResult_t *)calloc(timing ? SEARCHED : 1, sizeof *results);
    if (!results)
        return CUBLAS_STATUS_ALLOC_FAILED;
    int found = 0;
    cublasStatus_t status = timing ? list_candidates(cuda->library, plan, results, &found)
                                   : list_algorithms(cuda->library->handle, plan, 1, results, &found);
    if (status == CUBLAS_STATUS_SUCCESS)
        plan->algorithm = results[0].algo;
    if (status == CUBLAS_STATUS_SUCCESS && timing)
        status = time_algorithms(ops, plan, t, key, results, found);
    free(results);
    return status;
}

static bool same_shape(const Shape *a, const Shape *b) {
    return a->type == b->type && a->c_type == b->c_type && a->a_transposed == b->a_transposed &&
           a->b_transposed == b->b_transposed && a->biased == b->biased && a->fusion == b->fusion && a->m == b->m &&
           a->n == b->n && a->k == b->k && a->a_type == b->a_type && a->b_type == b->b_type;
}

static Plan **find_bucket(Library *library, const Shape *s) {
    const uint32_t kind = s->type | s->c_type << 4 | s->a_transposed << 8 | s->b_transposed << 9 | s->biased << 10 |
                          s->fusion << 11 | s->a_type << 14 | s->b_type << 16;
    uint32_t hash = kind;
    for (const int part : {s->m, s->n, s->k})
        hash = (hash ^ (uint32_t)part) * 0x9e3779b1u;
    return &library->plans[hash >> 24];
}

/* The shape's plan, with this product's pointers in it. */
static cublasStatus_t find_plan(Ops *ops, const Shape *shape, const Tensors *t, Plan **found) {
    Plan **bucket = find_bucket(cuda_context(ops)->library, shape);
    Plan *plan = *bucket;
    while (plan && !same_shape(&plan->shape, shape))
        plan = plan->next;
    *found = plan;
    if (plan) {
        TRY_LIBRARY(set_pointers(plan, t));
        return plan->settled || !autotune_may_time(ops) ? CUBLAS_STATUS_SUCCESS : choose_algorithm(ops, plan, t);
    }
    plan = (Plan *)calloc(1, sizeof *plan);
    if (!plan)
        return CUBLAS_STATUS_ALLOC_FAILED;
    plan->shape = *shape;
    cublasStatus_t status = describe_product(plan);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set_pointers(plan, t);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = choose_algorithm(ops, plan, t);
    if (status != CUBLAS_STATUS_SUCCESS) {
        free(plan);
        return status;
    }
    plan->next = *bucket;
    *bucket = *found = plan;
    return status;
}

static cublasStatus_t run_product(Ops *ops, const char *operation, const Shape *shape, const Tensors *t) {
    Plan *plan;
    Cuda *cuda = cuda_context(ops);
    cuda->last = operation;
    TRY_LIBRARY(find_plan(ops, shape, t, &plan));
    return ops->error ? CUBLAS_STATUS_SUCCESS : launch_product(cuda, plan, &plan->algorithm, t);
}

void matmul(Ops *ops, const char *operation, Factor a, Factor b, const Real *bias, void *c, RealType c_type, bool add,
            int m, int n, int k) {
    if (ops->error || m == 0 || n == 0)
        return;
    if (k == 0 && !bias) {
        if (!add)
            cuda_check(ops, operation,
                       cudaMemsetAsync(c, 0, (size_t)m * n * real_size(c_type), cuda_context(ops)->stream));
        return;
    }
    const Shape shape = {ops->type, c_type, a.transposed, b.transposed, bias != NULL, FUSION_NONE, m,
                         n,         k,      a.type,       b.type};
    const Tensors tensors = {a, b, bias, NULL, c, add};
    const cublasStatus_t status = run_product(ops, operation, &shape, &tensors);
    if (status != CUBLAS_STATUS_SUCCESS)
        cuda_fail(ops, product_status(operation, &shape, status));
}

bool matmul_fused(Ops *ops, const char *operation, Factor a, Factor b, const Real *bias, Fusion fusion, void *c,
                  RealType c_type, bool add, int m, int n, int k) {
    if (ops->error || m == 0 || n == 0 || k == 0)
        return false;
    const Shape shape = {ops->type, c_type, a.transposed, b.transposed, bias != NULL, fusion.kind, m,
                         n,         k,      a.type,       b.type};
    const Tensors tensors = {a, b, bias, fusion.extra, c, add};
    const cublasStatus_t status = run_product(ops, operation, &shape, &tensors);
    switch (status) {
    case CUBLAS_STATUS_SUCCESS:
        return !ops->error;
    case CUBLAS_STATUS_NOT_SUPPORTED: /* by the library, for these types or sizes */
    case CUBLAS_STATUS_INVALID_VALUE:
    case CUBLAS_STATUS_ARCH_MISMATCH:
        return false;
    default:
        cuda_fail(ops, product_status(operation, &shape, status));
        return false;
    }
}
