#include "matmul.cuh"

#include <cublasLt.h>
#include <stdio.h>
#include <stdlib.h>

/* What NVIDIA advises for Hopper; cudaMalloc's memory lies on multiples of 256, as cuBLASLt wants it. */
static const size_t WORKSPACE = 32 << 20;

/* Tensors start on multiples of 16 bytes; the library assumes 256. */
static const uint32_t ALIGNMENT = 16;

/* What decides how a product is computed. */
typedef struct {
    RealType type, c_type;
    bool a_transposed, b_transposed, biased, add;
    int m, n, k;
    FactorType a_type, b_type;
} Shape;

/* One shape's algorithm and descriptions, kept since finding them takes longer than many products. */
struct Plan {
    Shape shape;
    cublasLtMatmulDescOpaque_t product;
    cublasLtMatrixLayoutOpaque_t a, b, c;
    cublasLtMatmulAlgo_t algorithm;
    Plan *next;
};

struct Library {
    cublasLtHandle_t handle;
    void *workspace;
    Plan *plans;
};

#define TRY_LIBRARY(call)                                                                                              \
    do {                                                                                                               \
        const cublasStatus_t try_status_ = (call);                                                                     \
        if (try_status_ != CUBLAS_STATUS_SUCCESS)                                                                      \
            return try_status_;                                                                                        \
    } while (0)

/* Never NULL. A CUDA error tells more than the library's status. */
static Status library_status(const char *what, cublasStatus_t status) {
    const cudaError_t error = cudaGetLastError();
    if (error != cudaSuccess)
        return cuda_status(what, error);
    const char *name = cublasLtGetStatusName(status), *text = cublasLtGetStatusString(status);
    switch (status) {
    case CUBLAS_STATUS_ALLOC_FAILED:
        return status_error(EXIT_NO_MEMORY,
                            "%s: cuBLASLt is out of memory: %s (%s); lower train.micro_batch, or take a GPU that no "
                            "one else uses (nvidia-smi shows them)",
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

static Status product_status(const char *operation, const Shape *s, cublasStatus_t status) {
    char what[200];
    snprintf(what, sizeof what, "%s: product of m = %d, n = %d, k = %d, %s%s by %s%s%s %s %s", operation, s->m, s->n,
             s->k, factor_name(s, s->a_type), s->a_transposed ? " transposed" : "", factor_name(s, s->b_type),
             s->b_transposed ? " transposed" : "", s->biased ? " with bias" : "", s->add ? "added to" : "into",
             s->c_type == REAL_BF16 ? "BF16" : "FP32");
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

void matmul_close(Cuda *cuda) {
    Library *library = cuda->library;
    if (!library)
        return;
    while (library->plans) {
        Plan *next = library->plans->next;
        free(library->plans);
        library->plans = next;
    }
    (void)cudaFree(library->workspace);
    if (library->handle)
        (void)cublasLtDestroy(library->handle);
    free(library);
    cuda->library = NULL;
}

static cudaDataType data_type(const Shape *s, FactorType type) {
    return type == FACTOR_E4M3    ? CUDA_R_8F_E4M3
           : type == FACTOR_E5M2  ? CUDA_R_8F_E5M2
           : s->type == REAL_BF16 ? CUDA_R_16BF
                                  : CUDA_R_32F;
}

/* The library's matrices are column-major: it sees the transpose of each of ours and computes c^T = b^T a^T, so that b
 * is its first factor. */
static cublasStatus_t describe(Plan *plan) {
    const Shape *s = &plan->shape;
    const cudaDataType a_type = data_type(s, s->a_type), b_type = data_type(s, s->b_type);
    const cudaDataType c_type = s->c_type == REAL_BF16 ? CUDA_R_16BF : CUDA_R_32F;
    const int32_t first = s->b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    const int32_t second = s->a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    TRY_LIBRARY(cublasLtMatmulDescInit(&plan->product, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof first));
    TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof second));
    if (s->biased) {
        const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
        TRY_LIBRARY(
            cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue));
        TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &c_type,
                                                   sizeof c_type));
    }
    /* Sums of the forward product are kept to fewer bits between the tensor cores' steps, which is what makes it fast;
     * gradients, whose values lie further apart, are summed in FP32. */
    const int8_t fast = s->a_type == FACTOR_E4M3 && s->b_type == FACTOR_E4M3;
    TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_FAST_ACCUM, &fast, sizeof fast));
    TRY_LIBRARY(s->b_transposed ? cublasLtMatrixLayoutInit(&plan->b, b_type, s->k, s->n, s->k)
                                : cublasLtMatrixLayoutInit(&plan->b, b_type, s->n, s->k, s->n));
    TRY_LIBRARY(s->a_transposed ? cublasLtMatrixLayoutInit(&plan->a, a_type, s->m, s->k, s->m)
                                : cublasLtMatrixLayoutInit(&plan->a, a_type, s->k, s->m, s->k));
    return cublasLtMatrixLayoutInit(&plan->c, c_type, s->n, s->m, s->n);
}

/* The first algorithm that the library advises, of those that add parts of the sum over k in FP32 and in order. */
static cublasStatus_t choose(cublasLtHandle_t handle, Plan *plan) {
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
    cublasLtMatmulHeuristicResult_t result;
    int found = 0;
    TRY_LIBRARY(cublasLtMatmulAlgoGetHeuristic(handle, &plan->product, &plan->b, &plan->a, &plan->c, &plan->c,
                                               &preference, 1, &result, &found));
    if (!found)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    plan->algorithm = result.algo;
    return result.state;
}

static bool same(const Shape *a, const Shape *b) {
    return a->type == b->type && a->c_type == b->c_type && a->a_transposed == b->a_transposed &&
           a->b_transposed == b->b_transposed && a->biased == b->biased && a->add == b->add && a->m == b->m &&
           a->n == b->n && a->k == b->k && a->a_type == b->a_type && a->b_type == b->b_type;
}

static cublasStatus_t set_bias(Plan *plan, const Real *bias) {
    return plan->shape.biased
               ? cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias)
               : CUBLAS_STATUS_SUCCESS;
}

/* The library's first factor is our second. */
static cublasStatus_t set_scales(Plan *plan, const Factor *a, const Factor *b) {
    if (plan->shape.a_type == FACTOR_REAL)
        return CUBLAS_STATUS_SUCCESS;
    TRY_LIBRARY(cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &b->inverse,
                                               sizeof b->inverse));
    return cublasLtMatmulDescSetAttribute(&plan->product, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &a->inverse,
                                          sizeof a->inverse);
}

static Plan *plan_of(Ops *ops, const char *operation, const Shape *shape, const Factor *a, const Factor *b,
                     const Real *bias) {
    Library *library = cuda_context(ops)->library;
    for (Plan *plan = library->plans; plan; plan = plan->next)
        if (same(&plan->shape, shape))
            return plan;
    Plan *plan = (Plan *)calloc(1, sizeof *plan);
    if (!plan) {
        cuda_fail(ops, status_no_memory("a product's algorithm", sizeof *plan));
        return NULL;
    }
    plan->shape = *shape;
    cublasStatus_t status = describe(plan);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set_bias(plan, bias);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set_scales(plan, a, b);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = choose(library->handle, plan);
    if (status != CUBLAS_STATUS_SUCCESS) {
        cuda_fail(ops, product_status(operation, shape, status));
        free(plan);
        return NULL;
    }
    plan->next = library->plans;
    library->plans = plan;
    return plan;
}

void matmul(Ops *ops, const char *operation, Factor a, Factor b, const Real *bias, void *c, RealType c_type, bool add,
            int m, int n, int k) {
    if (ops->error || m == 0 || n == 0)
        return;
    Cuda *cuda = cuda_context(ops);
    if (k == 0 && !bias) {
        if (!add)
            cuda_check(ops, operation, cudaMemsetAsync(c, 0, (size_t)m * n * real_size(c_type), cuda->stream));
        return;
    }
    const Shape shape = {ops->type, c_type, a.transposed, b.transposed, bias != NULL, add, m, n, k, a.type, b.type};
    Plan *plan = plan_of(ops, operation, &shape, &a, &b, bias);
    if (!plan)
        return;
    const float one = 1, kept = add ? 1 : 0;
    cuda->last = operation;
    cublasStatus_t status = set_bias(plan, bias);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set_scales(plan, &a, &b);
    if (status == CUBLAS_STATUS_SUCCESS)
        status =
            cublasLtMatmul(cuda->library->handle, &plan->product, &one, b.data, &plan->b, a.data, &plan->a, &kept, c,
                           &plan->c, c, &plan->c, &plan->algorithm, cuda->library->workspace, WORKSPACE, cuda->stream);
    if (status != CUBLAS_STATUS_SUCCESS)
        cuda_fail(ops, product_status(operation, &shape, status));
}
