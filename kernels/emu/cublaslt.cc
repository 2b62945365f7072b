/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for cuBLASLt: refuses what its documentation does not allow, and computes in the stream's order. Its two
 * algorithms round their sums in other places, as two of the library's do. */
#include "kernels/emu/calls.h"
#include "kernels/emu/memory.h"
#include "kernels/emu/product.h"
#include "kernels/emu/queues.h"

#include <type_traits>

using namespace emu;

namespace {
enum { DEFAULT_ALIGNMENT = 256, WORKSPACE = 256 /* bytes that the second algorithm takes */ };

struct Preference {
    uint64_t workspace;
    uint32_t schemes, alignments[4];
};

/* The first sums over k in one piece, the second in two halves. Its name begins its bytes, so that lists of choices
 * show which one it is. */
struct Algorithm {
    char name[8]; /* "whole", "halves" */
    int32_t id;   /* 1, 2 */
    uint32_t tile, parts, scheme, other[4];
    uint32_t alignment, pointers; /* bytes, of the matrices; of what the description points to */
};
enum { WHOLE = 1, HALVES = 2, OTHERS = 4 };

/* The last refusal's reason. */
std::string &refusal = *new std::string;

cublasStatus_t refuse(cublasStatus_t status, const std::string &why) {
    refusal = why;
    return status;
}

/* What is inside an opaque structure. */
template <typename T, typename Opaque> T &inside(Opaque *opaque) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(Opaque), "");
    return *(T *)opaque->data;
}
template <typename T, typename Opaque> const T &inside(const Opaque *opaque) {
    return inside<T>((Opaque *)opaque);
}

template <typename T> cublasStatus_t take(T &to, const void *value, size_t bytes) {
    if (!value || bytes != sizeof(T))
        return refuse(CUBLAS_STATUS_INVALID_VALUE, "an attribute of another size");
    memcpy(&to, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

template <typename T> cublasStatus_t take_code(T &to, const void *value, size_t bytes) {
    int32_t code = 0;
    const cublasStatus_t status = take(code, value, bytes);
    to = (T)code;
    return status;
}

template <typename T> cublasStatus_t give_value(T from, void *value, size_t bytes, size_t *written) {
    *written = sizeof(T);
    if (bytes && (!value || bytes != sizeof(T)))
        return refuse(CUBLAS_STATUS_INVALID_VALUE, "an attribute of another size");
    if (bytes)
        memcpy(value, &from, sizeof(T));
    return CUBLAS_STATUS_SUCCESS;
}

/* The alignment that a pointer is known to have, as far as it matters. */
uint32_t alignment_of(const void *at) {
    const uint32_t most = 16;
    uint32_t alignment = most;
    while ((uintptr_t)at % alignment)
        alignment /= 2;
    return alignment;
}

uint32_t pointers_of(const Description &how) {
    return std::min(alignment_of(how.bias), alignment_of(how.extra));
}

Algorithm algorithm_of(int id, uint32_t alignment, const Description &how) {
    Algorithm algorithm = {};
    strcpy(algorithm.name, id == WHOLE ? "whole" : "halves");
    algorithm.id = id;
    algorithm.tile = 1;
    algorithm.parts = id == WHOLE ? 1 : 2;
    algorithm.scheme = id == WHOLE ? CUBLASLT_REDUCTION_SCHEME_NONE : CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    algorithm.alignment = alignment;
    algorithm.pointers = pointers_of(how);
    return algorithm;
}

std::string refused_algorithm(const Algorithm &a) {
    const bool whole = a.id == WHOLE && a.parts == 1 && a.scheme == CUBLASLT_REDUCTION_SCHEME_NONE && a.tile <= 2;
    const bool halves =
        a.id == HALVES && a.parts == 2 && a.scheme == CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE && a.tile <= 1;
    if (strcmp(a.name, a.id == WHOLE ? "whole" : "halves") || !(whole || halves))
        return "no such algorithm";
    for (const uint32_t other : a.other)
        if (other)
            return "a configuration that the algorithm does not have";
    return "";
}

void fill_result(const Algorithm &algorithm, cublasLtMatmulHeuristicResult_t *result) {
    *result = {};
    inside<Algorithm>(&result->algo) = algorithm;
    result->workspaceSize = algorithm.id == HALVES ? WORKSPACE : 0;
}

struct ProductWork : Work {
    Product product;
    void run() override {
        if (const char *what = outside_memory(product, true))
            collapse(cudaErrorIllegalAddress, std::string("a product: ") + what + " was freed before the product ran");
        else
            compute_product(product);
    }
};
} // namespace

struct cublasLtContext {
    int unused;
};

/* 0: there is no library. */
size_t cublasLtGetVersion() {
    return 0;
}

const char *cublasLtGetStatusName(cublasStatus_t status) {
    return status == CUBLAS_STATUS_NOT_SUPPORTED   ? "CUBLAS_STATUS_NOT_SUPPORTED"
           : status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE"
           : status == CUBLAS_STATUS_ALLOC_FAILED  ? "CUBLAS_STATUS_ALLOC_FAILED"
                                                   : "CUBLAS_STATUS_EXECUTION_FAILED";
}

const char *cublasLtGetStatusString(cublasStatus_t) {
    return refusal.c_str();
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
    *handle = new cublasLtContext();
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescInit(cublasLtMatmulDesc_t product, cublasComputeType_t compute, cudaDataType scale) {
    *product = {};
    Description &how = inside<Description>(product);
    how.compute = compute;
    how.scale = scale;
    how.epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    how.bias_type = -1;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t attribute,
                                              const void *value, size_t bytes) {
    Description &how = inside<Description>(product);
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
        return take_code(how.a_operation, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
        return take_code(how.b_operation, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
        return take_code(how.epilogue, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        return take(how.bias, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER:
        return take(how.extra, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD:
        return take(how.extra_stride, value, bytes);
    case CUBLASLT_MATMUL_DESC_A_SCALE_POINTER:
        return take(how.a_scale, value, bytes);
    case CUBLASLT_MATMUL_DESC_B_SCALE_POINTER:
        return take(how.b_scale, value, bytes);
    case CUBLASLT_MATMUL_DESC_FAST_ACCUM:
        return take(how.fast, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
        return take(how.bias_type, value, bytes);
    }
    return refuse(CUBLAS_STATUS_INVALID_VALUE, "an unknown attribute of a product");
}

cublasStatus_t cublasLtMatrixLayoutInit(cublasLtMatrixLayout_t matrix, cudaDataType type, uint64_t rows,
                                        uint64_t columns, int64_t stride) {
    *matrix = {};
    inside<Matrix>(matrix) = {type, rows, columns, stride};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceInit(cublasLtMatmulPreference_t preference) {
    *preference = {};
    Preference &wanted = inside<Preference>(preference);
    wanted.schemes = CUBLASLT_REDUCTION_SCHEME_MASK;
    for (uint32_t &alignment : wanted.alignments)
        alignment = DEFAULT_ALIGNMENT;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void *value,
                                                    size_t bytes) {
    Preference &wanted = inside<Preference>(preference);
    switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
        return take(wanted.workspace, value, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
        return take(wanted.schemes, value, bytes);
    default:
        return take(wanted.alignments[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, bytes);
    }
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t product, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                              cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t preference, int most,
                                              cublasLtMatmulHeuristicResult_t results[], int *found) {
    const Description &how = inside<Description>(product);
    const Preference &wanted = inside<Preference>(preference);
    *found = 0;
    const std::string why =
        refused_product(how, inside<Matrix>(a), inside<Matrix>(b), inside<Matrix>(c), inside<Matrix>(d));
    if (!why.empty())
        return refuse(CUBLAS_STATUS_NOT_SUPPORTED, why);
    /* The library would recommend algorithms whose results differ from run to run. */
    if (wanted.schemes & (CUBLASLT_REDUCTION_SCHEME_INPLACE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE))
        return refuse(CUBLAS_STATUS_NOT_SUPPORTED, "sums whose order nothing guarantees");
    uint32_t alignment = DEFAULT_ALIGNMENT;
    for (const uint32_t each : wanted.alignments)
        alignment = std::min(alignment, each);
    for (const int id : {WHOLE, HALVES})
        if (*found < most &&
            (id == WHOLE || (wanted.workspace >= WORKSPACE && wanted.schemes & CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE)))
            fill_result(algorithm_of(id, alignment, how), &results[(*found)++]);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t, cublasLtMatmulDesc_t product, cublasLtMatrixLayout_t a,
                                       cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                       const cublasLtMatmulAlgo_t *algorithm, cublasLtMatmulHeuristicResult_t *result) {
    std::string why = refused_product(inside<Description>(product), inside<Matrix>(a), inside<Matrix>(b),
                                      inside<Matrix>(c), inside<Matrix>(d));
    if (why.empty())
        why = refused_algorithm(inside<Algorithm>(algorithm));
    if (!why.empty())
        return refuse(CUBLAS_STATUS_NOT_SUPPORTED, why);
    fill_result(inside<Algorithm>(algorithm), result);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoInit(cublasLtHandle_t, cublasComputeType_t, cudaDataType, cudaDataType, cudaDataType,
                                      cudaDataType, cudaDataType, int id, cublasLtMatmulAlgo_t *algorithm) {
    if (id != WHOLE && id != HALVES)
        return refuse(CUBLAS_STATUS_INVALID_VALUE, "no algorithm of this number");
    *algorithm = {};
    inside<Algorithm>(algorithm) = algorithm_of(id, 1, {});
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCapGetAttribute(const cublasLtMatmulAlgo_t *algorithm,
                                                 cublasLtMatmulAlgoCapAttributes_t attribute, void *value, size_t bytes,
                                                 size_t *written) {
    struct Tiles {
        uint32_t ids[2];
    };
    const bool halves = inside<Algorithm>(algorithm).id == HALVES;
    switch (attribute) {
    case CUBLASLT_ALGO_CAP_SPLITK_SUPPORT:
        return give_value<int32_t>(halves, value, bytes, written);
    case CUBLASLT_ALGO_CAP_REDUCTION_SCHEME_MASK:
        return give_value<uint32_t>(CUBLASLT_REDUCTION_SCHEME_MASK, value, bytes, written);
    case CUBLASLT_ALGO_CAP_TILE_IDS:
        return halves ? give_value<uint32_t>(1, value, bytes, written)
                      : give_value<Tiles>({{1, 2}}, value, bytes, written);
    case CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_D_BYTES:
        return give_value<uint32_t>(1, value, bytes, written);
    default:
        return give_value<int32_t>(0, value, bytes, written);
    }
}

cublasStatus_t cublasLtMatmulAlgoConfigSetAttribute(cublasLtMatmulAlgo_t *algorithm,
                                                    cublasLtMatmulAlgoConfigAttributes_t attribute, const void *value,
                                                    size_t bytes) {
    Algorithm &a = inside<Algorithm>(algorithm);
    uint16_t narrow = 0;
    switch (attribute) {
    case CUBLASLT_ALGO_CONFIG_TILE_ID:
        return take(a.tile, value, bytes);
    case CUBLASLT_ALGO_CONFIG_SPLITK_NUM:
        return take(a.parts, value, bytes);
    case CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME:
        return take(a.scheme, value, bytes);
    case CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING:
        return take(a.other[0], value, bytes);
    case CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION:
        return take(a.other[1], value, bytes);
    case CUBLASLT_ALGO_CONFIG_STAGES_ID:
        return take(a.other[2], value, bytes);
    case CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID:
        a.other[3] = 0;
        if (const cublasStatus_t status = take(narrow, value, bytes))
            return status;
        a.other[3] = narrow;
        return CUBLAS_STATUS_SUCCESS;
    default:
        return refuse(CUBLAS_STATUS_INVALID_VALUE, "an unknown setting of an algorithm");
    }
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algorithm,
                                                    cublasLtMatmulAlgoConfigAttributes_t attribute, void *value,
                                                    size_t bytes, size_t *written) {
    const Algorithm &a = inside<Algorithm>(algorithm);
    switch (attribute) {
    case CUBLASLT_ALGO_CONFIG_ID:
        return give_value(a.id, value, bytes, written);
    case CUBLASLT_ALGO_CONFIG_SPLITK_NUM:
        return give_value(a.parts, value, bytes, written);
    default:
        return refuse(CUBLAS_STATUS_INVALID_VALUE, "an unknown setting of an algorithm");
    }
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t product, const void *alpha, const void *a,
                              cublasLtMatrixLayout_t a_layout, const void *b, cublasLtMatrixLayout_t b_layout,
                              const void *beta, const void *c, cublasLtMatrixLayout_t c_layout, void *d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t *algorithm, void *workspace,
                              size_t workspace_bytes, cudaStream_t stream) {
    const Call call("cublasLtMatmul");
    if (call.error)
        return refuse(CUBLAS_STATUS_EXECUTION_FAILED, cudaGetErrorString(call.error));
    const Algorithm &chosen = inside<Algorithm>(algorithm);
    cublasLtMatmulHeuristicResult_t result;
    if (const cublasStatus_t status =
            cublasLtMatmulAlgoCheck(nullptr, product, a_layout, b_layout, c_layout, d_layout, algorithm, &result))
        return status;
    if (!a || !b || c != d || *(const float *)alpha != 1 || (*(const float *)beta != 0 && *(const float *)beta != 1))
        return refuse(CUBLAS_STATUS_INVALID_VALUE, "a product that this stand-in does not compute");
    auto work = std::make_shared<ProductWork>();
    work->product = {inside<Description>(product),
                     inside<Matrix>(a_layout),
                     inside<Matrix>(b_layout),
                     inside<Matrix>(d_layout),
                     a,
                     b,
                     d,
                     *(const float *)beta,
                     chosen.id == HALVES};
    for (const void *at : {a, b, (const void *)d})
        if ((uintptr_t)at % chosen.alignment)
            return refuse(CUBLAS_STATUS_INVALID_VALUE, "a matrix less aligned than the algorithm was chosen for");
    if (pointers_of(work->product.how) < chosen.pointers)
        return refuse(CUBLAS_STATUS_INVALID_VALUE, "a bias less aligned than the algorithm was chosen for");
    if (result.workspaceSize > workspace_bytes || (uintptr_t)workspace % DEFAULT_ALIGNMENT ||
        (result.workspaceSize && !memory_holds(workspace, result.workspaceSize)))
        return refuse(CUBLAS_STATUS_INVALID_VALUE, "too little workspace");
    if (const char *what = outside_memory(work->product, false)) {
        collapse(cudaErrorIllegalAddress, std::string("a product: ") + what + " is not device memory");
        return refuse(CUBLAS_STATUS_EXECUTION_FAILED, what);
    }
    const std::shared_ptr<Queue> queue = queue_of(stream);
    if (!queue)
        return refuse(CUBLAS_STATUS_INVALID_VALUE, "no such stream");
    give(*queue, work);
    return CUBLAS_STATUS_SUCCESS;
}
