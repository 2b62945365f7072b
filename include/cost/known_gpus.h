/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs that a run can be planned for without having one. */
#ifndef FOVEA_COST_KNOWN_GPUS_H
#define FOVEA_COST_KNOWN_GPUS_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *name, *full_name;
    double gibibytes; /* of memory, as the driver gives it to programs */
    bool unified;     /* it is the host's memory, too */
    int capability;   /* compute capability, 90 for 9.0 */
} KnownGpu;

/* What a program that has opened a GPU finds taken from that memory: CUDA's context and the kernels' code. cuBLASLt's
 * workspace comes on top (GPU_WORKSPACE_BYTES). */
enum { GPU_CONTEXT_BYTES = 768 << 20 };

/* EXIT_USAGE naming the known ones when there is none of that name. */
Status known_gpu_find(const char *name, const KnownGpu **gpu) MUST_USE;

#endif
