/* SPDX-License-Identifier: Apache-2.0 */
/* What a device can do at most, measured: the floors of a profile follow from it. */
#ifndef FOVEA_PROFILE_CEILINGS_H
#define FOVEA_PROFILE_CEILINGS_H

#include "profile/profiler.h"

/* The sizes at which it was measured. */
typedef struct {
    size_t copy; /* bytes */
    int product; /* rows, columns and depth */
} CeilingSizes;

/* Times a copy on the device and a matrix product of ops->type, the fastest of a few, of numbers that are not zero.
 * Both grow until they take long enough to be timed, or an eighth of the free memory each. */
Status ceilings_measure(Ops *ops, Ceilings *ceilings, CeilingSizes *sizes) MUST_USE;

#endif
