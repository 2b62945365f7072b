/* SPDX-License-Identifier: Apache-2.0 */
/* The configurations of cuBLASLt's algorithms beyond those that it recommends. Its advice comes from a model of the
 * chip, not from the chip: for the few products in which a step spends most of its time, others are worth timing. */
#ifndef FOVEA_MATMUL_SEARCH_CUH
#define FOVEA_MATMUL_SEARCH_CUH

#include <cublasLt.h>
#include <stdint.h>

/* As the library sees it. */
typedef struct {
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t first, second, result;
    cudaDataType first_type, second_type, result_type;
    size_t workspace;   /* bytes that there are */
    uint32_t alignment; /* bytes, of each matrix */
} SearchedProduct;

/* The values that an attribute of an algorithm takes; the library stores some of them in 16 bits. */
typedef struct {
    cublasLtMatmulAlgoConfigAttributes_t attribute;
    bool narrow;
    int count;
    uint32_t values[128];
} SearchAxis;

/* A check takes microseconds: of an algorithm with more configurations than this, some at equal distances are checked.
 */
enum { SEARCH_AXES = 6, SEARCH_CHECKS = 20000 };

/* The number that a capability is; 0 when the library does not know it. */
static inline uint32_t search_number(const cublasLtMatmulAlgo_t *algorithm, cublasLtMatmulAlgoCapAttributes_t which) {
    uint32_t number = 0;
    size_t written;
    const cublasStatus_t status = cublasLtMatmulAlgoCapGetAttribute(algorithm, which, &number, sizeof number, &written);
    return status == CUBLAS_STATUS_SUCCESS ? number : 0;
}

/* An axis of the values in a list; of 0 alone, which leaves the choice to the algorithm, when the list is empty. */
static inline void search_list(const cublasLtMatmulAlgo_t *algorithm, cublasLtMatmulAlgoCapAttributes_t which,
                               cublasLtMatmulAlgoConfigAttributes_t attribute, SearchAxis *axis) {
    size_t bytes = 0;
    *axis = SearchAxis{attribute, false, 1, {0}};
    if (cublasLtMatmulAlgoCapGetAttribute(algorithm, which, NULL, 0, &bytes) != CUBLAS_STATUS_SUCCESS || !bytes ||
        bytes > sizeof axis->values ||
        cublasLtMatmulAlgoCapGetAttribute(algorithm, which, axis->values, bytes, &bytes) != CUBLAS_STATUS_SUCCESS)
        return;
    axis->count = (int)(bytes / sizeof *axis->values);
}

static inline void search_range(cublasLtMatmulAlgoConfigAttributes_t attribute, uint32_t last, SearchAxis *axis) {
    *axis = SearchAxis{attribute, false, 0, {0}};
    while (axis->count < (int)(sizeof axis->values / sizeof *axis->values) && (uint32_t)axis->count <= last) {
        axis->values[axis->count] = (uint32_t)axis->count;
        axis->count++;
    }
}

static inline void search_axes(const cublasLtMatmulAlgo_t *algorithm, SearchAxis axes[SEARCH_AXES]) {
    search_list(algorithm, CUBLASLT_ALGO_CAP_TILE_IDS, CUBLASLT_ALGO_CONFIG_TILE_ID, &axes[0]);
    search_list(algorithm, CUBLASLT_ALGO_CAP_STAGES_IDS, CUBLASLT_ALGO_CONFIG_STAGES_ID, &axes[1]);
    search_range(CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION, search_number(algorithm, CUBLASLT_ALGO_CAP_CUSTOM_OPTION_MAX),
                 &axes[2]);
    search_range(CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING,
                 search_number(algorithm, CUBLASLT_ALGO_CAP_CTA_SWIZZLING_SUPPORT) ? 1 : 0, &axes[3]);
    /* Two blocks that share an operand's tiles, one above or beside the other, or none; larger clusters leave
     * multiprocessors of a chip of 132 idle. */
    axes[4] = SearchAxis{CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID,
                         true,
                         4,
                         {CUBLASLT_CLUSTER_SHAPE_AUTO, CUBLASLT_CLUSTER_SHAPE_1x1x1, CUBLASLT_CLUSTER_SHAPE_2x1x1,
                          CUBLASLT_CLUSTER_SHAPE_1x2x1}};
    const bool splits =
        search_number(algorithm, CUBLASLT_ALGO_CAP_SPLITK_SUPPORT) &&
        search_number(algorithm, CUBLASLT_ALGO_CAP_REDUCTION_SCHEME_MASK) & CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    axes[5] = SearchAxis{CUBLASLT_ALGO_CONFIG_SPLITK_NUM, false, splits ? 6 : 1, {1, 2, 3, 4, 6, 8}};
}

static inline bool search_set(cublasLtMatmulAlgo_t *algorithm, const SearchAxis *axis, uint32_t value) {
    const uint16_t narrow = (uint16_t)value;
    return cublasLtMatmulAlgoConfigSetAttribute(algorithm, axis->attribute,
                                                axis->narrow ? (const void *)&narrow : &value,
                                                axis->narrow ? sizeof narrow : sizeof value) == CUBLAS_STATUS_SUCCESS;
}

/* The configuration of that number; false when the library refuses it for this product. */
static inline bool search_check(const SearchedProduct *p, cublasLtMatmulAlgo_t algorithm,
                                const SearchAxis axes[SEARCH_AXES], size_t number,
                                cublasLtMatmulHeuristicResult_t *result) {
    for (int i = 0; i < SEARCH_AXES; number /= (size_t)axes[i++].count)
        if (!search_set(&algorithm, &axes[i], axes[i].values[number % (size_t)axes[i].count]))
            return false;
    /* The parts of a cut sum are kept in FP32 and added in order: see list_algorithms(). */
    uint32_t parts = 1;
    size_t written;
    if (cublasLtMatmulAlgoConfigGetAttribute(&algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &parts, sizeof parts,
                                             &written) != CUBLAS_STATUS_SUCCESS)
        return false;
    const SearchAxis scheme = {CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, false, 1, {0}};
    if (!search_set(&algorithm, &scheme,
                    parts > 1 ? CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE : CUBLASLT_REDUCTION_SCHEME_NONE))
        return false;
    *result = cublasLtMatmulHeuristicResult_t{};
    result->state =
        cublasLtMatmulAlgoCheck(p->handle, p->product, p->first, p->second, p->result, p->result, &algorithm, result);
    result->algo = algorithm;
    return result->state == CUBLAS_STATUS_SUCCESS && result->workspaceSize <= p->workspace;
}

/* Whether the algorithm reads and writes matrices of the product's alignment, which a check does not see. */
static inline bool search_is_aligned(const SearchedProduct *p, const cublasLtMatmulAlgo_t *algorithm) {
    for (const auto which : {CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_A_BYTES, CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_B_BYTES,
                             CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_C_BYTES, CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_D_BYTES})
        if (search_number(algorithm, which) > p->alignment)
            return false;
    return true;
}

/* Calls found(result) for each configuration of the algorithm that computes the product with the same bits from run to
 * run. */
template <typename Found> static inline void search_algorithm(const SearchedProduct *p, int id, const Found &found) {
    cublasLtMatmulAlgo_t algorithm;
    cublasLtMatmulHeuristicResult_t result;
    SearchAxis axes[SEARCH_AXES];
    if (cublasLtMatmulAlgoInit(p->handle, CUBLAS_COMPUTE_32F, CUDA_R_32F, p->first_type, p->second_type, p->result_type,
                               p->result_type, id, &algorithm) != CUBLAS_STATUS_SUCCESS ||
        !search_is_aligned(p, &algorithm))
        return;
    search_axes(&algorithm, axes);
    size_t count = 1;
    for (const SearchAxis &axis : axes)
        count *= (size_t)axis.count;
    const size_t checked = count < SEARCH_CHECKS ? count : (size_t)SEARCH_CHECKS;
    for (size_t i = 0; i < checked; i++)
        if (search_check(p, algorithm, axes, i * count / checked, &result))
            found(result);
}

/* Adds configurations of the algorithms that the library recommends in results[0 .. advised - 1], up to `most` results
 * in all: of more, some at equal distances. Returns how many results there are then. The library does not recommend
 * algorithms made for older chips, which cannot win. */
static inline int matmul_search(const SearchedProduct *p, cublasLtMatmulHeuristicResult_t *results, int advised,
                                int most) {
    int ids[32], algorithms = 0, taken = advised;
    size_t seen = 0, total = 0, written;
    for (int i = 0; i < advised && algorithms < (int)(sizeof ids / sizeof *ids); i++) {
        int known = 0;
        if (cublasLtMatmulAlgoConfigGetAttribute(&results[i].algo, CUBLASLT_ALGO_CONFIG_ID, &ids[algorithms],
                                                 sizeof *ids, &written) != CUBLAS_STATUS_SUCCESS)
            continue;
        while (ids[known] != ids[algorithms])
            known++;
        algorithms += known == algorithms;
    }
    for (int i = 0; i < algorithms; i++)
        search_algorithm(p, ids[i], [&](const cublasLtMatmulHeuristicResult_t &) { total++; });
    const size_t room = (size_t)(most - advised);
    for (int i = 0; i < algorithms; i++)
        search_algorithm(p, ids[i], [&](const cublasLtMatmulHeuristicResult_t &result) {
            if (total <= room || seen * room / total != (seen + 1) * room / total)
                results[taken++] = result;
            seen++;
        });
    return taken;
}

#endif
