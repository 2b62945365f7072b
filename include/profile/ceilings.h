/* SPDX-License-Identifier: Apache-2.0 */
/* A device's measured peaks, from which the floors of a profile follow. */
#ifndef FOVEA_PROFILE_CEILINGS_H
#define FOVEA_PROFILE_CEILINGS_H

#include "profile/profiler.h"

/* The sizes at which they were measured. */
typedef struct {
    size_t copy; /* bytes */
    int product; /* rows, columns and depth */
} CeilingSizes;

/* Times a copy on the device and a matrix product of ops->type, the fastest of a few runs, on numbers that are not
 * zero. Each grows until it takes long enough to be timed, or an eighth of the free memory. */
Status ceilings_measure(Ops *ops, Ceilings *ceilings, CeilingSizes *sizes) MUST_USE;

#endif
