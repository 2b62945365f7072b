/* SPDX-License-Identifier: Apache-2.0 */
/* Telling the host what a kernel found wrong with its data, and ids read with care. */
#ifndef FOVEA_FINDING_CUH
#define FOVEA_FINDING_CUH

#include "kernels/cuda/cuda.cuh"

/* Keeps a finding, unless there is one already: whether it did. */
__device__ __forceinline__ bool report(Finding *finding, FindingKind kind, const char *operation, int row, int column,
                                       int value, int limit) {
    if (atomicCAS(&finding->kind, (int)FINDING_NONE, (int)kind) != FINDING_NONE)
        return false;
    finding->operation = operation;
    finding->row = row;
    finding->column = column;
    finding->value = value;
    finding->limit = limit;
    return true;
}

/* Each sample's patches, [batch][patches], and whom to tell of a wrong one. */
typedef struct {
    const int32_t *ids;
    int patches;
    Finding *finding;
    const char *operation;
} Places;

static inline Places places_of(Ops *ops, const char *operation, const int32_t *ids, int patches) {
    Places places;
    places.ids = ids;
    places.patches = patches;
    places.finding = cuda_context(ops)->finding;
    places.operation = operation;
    return places;
}

/* The place of a sample's j-th patch; -1, and a finding, for one that no image has. */
__device__ __forceinline__ int place_at(const Places &places, int sample, int j) {
    const int id = places.ids[(size_t)sample * places.patches + j];
    if (id >= 0 && id < places.patches)
        return id;
    report(places.finding, FINDING_ID, places.operation, sample, j, id, places.patches);
    return -1;
}

/* Whether 0 <= keep <= patches; fails otherwise. */
static inline bool check_keep(Ops *ops, const char *operation, int patches, int keep) {
    if (keep >= 0 && keep <= patches)
        return true;
    cuda_fail(ops, status_error(EXIT_INTERNAL, "%s: %d of %d patches cannot be kept", operation, keep, patches));
    return false;
}

#endif
