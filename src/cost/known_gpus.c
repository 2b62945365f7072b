/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/known_gpus.h"

#include <stdio.h>
#include <string.h>

/* The memory is cudaMemGetInfo()'s total, which is less than the amount sold: the driver reserves some, and error
 * correction takes some on GDDR. It is the smallest "total capacity" found for each GPU in public reports of PyTorch's
 * out-of-memory errors, rounded down to a tenth; not measured by this project. The last column
 * is the number of multiprocessors by NVIDIA's data sheets, of the H100 on the SXM board. */
static const KnownGpu gpus[] = {
    {"a100-40", "NVIDIA A100 40 GB", 39.3, false, 80, 108},
    {"a100-80", "NVIDIA A100 80 GB", 79.1, false, 80, 108},
    {"h100", "NVIDIA H100 80 GB", 79.1, false, 90, 132},
    {"h100-nvl", "NVIDIA H100 NVL 94 GB", 93.0, false, 90, 132},
    {"h200", "NVIDIA H200 141 GB", 139.7, false, 90, 132},
    {"b200", "NVIDIA B200 192 GB", 178.3, false, 100, 148},
    {"l40s", "NVIDIA L40S 48 GB", 44.3, false, 89, 142},
    {"rtx4090", "NVIDIA GeForce RTX 4090 24 GB", 23.5, false, 89, 128},
    {"spark", "NVIDIA DGX Spark 128 GB", 119.1, true, 121, 48},
};
enum { GPUS = sizeof gpus / sizeof *gpus };

Status known_gpu_find(const char *name, const KnownGpu **gpu) {
    char names[256] = "";
    for (int i = 0; i < GPUS; i++) {
        if (strcmp(gpus[i].name, name) == 0) {
            *gpu = &gpus[i];
            return NULL;
        }
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", gpus[i].name);
    }
    return status_error(EXIT_USAGE, "unknown GPU %.60s (known: %s)", name, names);
}
