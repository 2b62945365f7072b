/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs for which a run can be planned on another machine. */
#ifndef FOVEA_COST_KNOWN_GPUS_H
#define FOVEA_COST_KNOWN_GPUS_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *name, *full_name;
    const char *reported[2]; /* by the driver; NULL: no other */
    double gibibytes;        /* of memory that the driver gives to programs */
    bool unified;            /* the memory is the host's, too */
    int capability;          /* compute capability, 90 for 9.0 */
    int multiprocessors;
} KnownGpu;

/* The part of that memory that a program which has opened a GPU finds taken: CUDA's context and the kernels' code.
 * cuBLASLt's workspace comes on top (GPU_WORKSPACE_BYTES). */
enum { GPU_CONTEXT_BYTES = 768 << 20 };

/* By its own name, or as the driver reports it ("NVIDIA H100 80GB HBM3"). EXIT_USAGE naming the known ones when the
 * name is none of theirs. */
Status known_gpu_find(const char *name, const KnownGpu **gpu) MUST_USE;

#endif
