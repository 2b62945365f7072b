/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/known_gpus.h"

#include <stdio.h>
#include <string.h>

/* The memory is cudaMemGetInfo()'s total, which is less than the amount sold: the driver reserves some, and error
 * correction takes some on GDDR. It is the smallest "total capacity" found for each GPU in public reports of PyTorch's
 * out-of-memory errors, rounded down to a tenth; not measured by this project. The last column
 * is the number of multiprocessors by NVIDIA's data sheets, of the H100 on the SXM board. */
static const KnownGpu gpus[] = {
    {"a100-40", "NVIDIA A100 40 GB", {"NVIDIA A100-SXM4-40GB", "NVIDIA A100-PCIE-40GB"}, 39.3, false, 80, 108},
    {"a100-80", "NVIDIA A100 80 GB", {"NVIDIA A100-SXM4-80GB", "NVIDIA A100 80GB PCIe"}, 79.1, false, 80, 108},
    {"h100", "NVIDIA H100 80 GB", {"NVIDIA H100 80GB HBM3"}, 79.1, false, 90, 132},
    {"h100-nvl", "NVIDIA H100 NVL 94 GB", {"NVIDIA H100 NVL"}, 93.0, false, 90, 132},
    {"h200", "NVIDIA H200 141 GB", {"NVIDIA H200"}, 139.7, false, 90, 132},
    {"b200", "NVIDIA B200 192 GB", {"NVIDIA B200"}, 178.3, false, 100, 148},
    {"l40s", "NVIDIA L40S 48 GB", {"NVIDIA L40S"}, 44.3, false, 89, 142},
    {"rtx4090", "NVIDIA GeForce RTX 4090 24 GB", {"NVIDIA GeForce RTX 4090"}, 23.5, false, 89, 128},
    {"spark", "NVIDIA DGX Spark 128 GB", {"NVIDIA GB10"}, 119.1, true, 121, 48},
};
enum { GPUS = sizeof gpus / sizeof *gpus };

static bool is_called(const KnownGpu *gpu, const char *name) {
    bool called = strcmp(gpu->name, name) == 0;
    for (int i = 0; i < 2 && gpu->reported[i]; i++)
        called |= strcmp(gpu->reported[i], name) == 0;
    return called;
}

Status known_gpu_find(const char *name, const KnownGpu **gpu) {
    char names[256] = "";
    for (int i = 0; i < GPUS; i++) {
        if (is_called(&gpus[i], name)) {
            *gpu = &gpus[i];
            return NULL;
        }
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", gpus[i].name);
    }
    return status_error(EXIT_USAGE, "unknown GPU %.60s (known: %s)", name, names);
}
