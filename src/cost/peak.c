/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/peak.h"

#include <math.h>
#include <string.h>

/* By the name that the driver gives, whole: "NVIDIA H100 80GB HBM3" is the SXM form, and a slice of it (MIG), a
 * laptop's or an export variant of a chip has a longer name and another peak. The figures are those of NVIDIA's
 * datasheets, for the RTX 4090 of the Ada architecture's white paper with sums in FP32; where a datasheet gives the
 * figure with sparsity (Hopper, Blackwell), half of it. Chips that name a power limit or several forms with one name
 * are left out. */
static const struct {
    const char *name;
    double teraflops;
} chips[] = {
    {"NVIDIA A100-SXM4-40GB", 312},   {"NVIDIA A100-SXM4-80GB", 312}, {"NVIDIA A100-PCIE-40GB", 312},
    {"NVIDIA A100 80GB PCIe", 312},   {"NVIDIA H100 80GB HBM3", 989}, {"NVIDIA H100 PCIe", 756},
    {"NVIDIA H100 NVL", 835},         {"NVIDIA H200", 989},           {"NVIDIA H200 NVL", 835},
    {"NVIDIA GH200 480GB", 989},      {"NVIDIA B200", 2250},          {"NVIDIA L40S", 362},
    {"NVIDIA GeForce RTX 4090", 165},
};
enum { CHIPS = sizeof chips / sizeof *chips };

/* Whether `model`, as in Device, is the chip of that name: "NAME, 79.1 GiB". */
static bool is_chip(const char *model, const char *name) {
    const size_t length = strlen(name);
    return strncmp(model, name, length) == 0 && model[length] == ',';
}

double peak_flops(const Device *device, RealType type, const char **why) {
    *why = NULL;
    if (device->host_memory) {
        *why = "the peak of this CPU is not known";
        return NAN;
    }
    for (int i = 0; i < CHIPS; i++) {
        if (strcmp(device->name, "cuda") != 0 || !is_chip(device->model, chips[i].name))
            continue;
        if (type == REAL_BF16)
            return chips[i].teraflops * 1e12;
        *why = "FP32 products do not use the tensor cores, and MFU is relative to their BF16 peak";
        return NAN;
    }
    *why = "the peak of this GPU is not known";
    return NAN;
}
