/* SPDX-License-Identifier: Apache-2.0 */
/* How kernels report wrong data to the host, and checked reading of ids. */
#ifndef FOVEA_KERNEL_ERROR_CUH
#define FOVEA_KERNEL_ERROR_CUH

#include "kernels/cuda/cuda.cuh"

/* Reports an error, unless there is one already; returns whether it did. */
__device__ __forceinline__ bool report_error(KernelError *error, KernelErrorKind kind, const char *operation, int row,
                                             int column, int value, int limit) {
    if (atomicCAS(&error->kind, (int)KERNEL_ERROR_NONE, (int)kind) != KERNEL_ERROR_NONE)
        return false;
    error->operation = operation;
    error->row = row;
    error->column = column;
    error->value = value;
    error->limit = limit;
    return true;
}

/* Each sample's patches, [batch][patches], and where to report a wrong one. */
typedef struct {
    const int32_t *ids;
    int patches;
    KernelError *error;
    const char *operation;
} Places;

static inline Places places_of(Ops *ops, const char *operation, const int32_t *ids, int patches) {
    Places places;
    places.ids = ids;
    places.patches = patches;
    places.error = cuda_context(ops)->reported;
    places.operation = operation;
    return places;
}

/* The place of a sample's j-th patch; -1, after reporting it, for one that no image has. */
__device__ __forceinline__ int place_at(const Places &places, int sample, int j) {
    const int id = places.ids[(size_t)sample * places.patches + j];
    if (id >= 0 && id < places.patches)
        return id;
    report_error(places.error, KERNEL_ERROR_ID, places.operation, sample, j, id, places.patches);
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
