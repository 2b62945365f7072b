/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/versions.cuh"

#include "kernels/cuda/attention_library.cuh"
#include "kernels/cuda/matmul.cuh"

#include <stdio.h>
#include <string.h>

/* CUDA counts 13000 for 13.0, its libraries 130100 for 13.1.0. */
static void add_cuda(DeviceVersion *versions, int *count, const char *name, int number) {
    versions[*count].name = name;
    snprintf(versions[(*count)++].text, sizeof versions->text, "%d.%d", number / 1000, number % 1000 / 10);
}

static void add_library(DeviceVersion *versions, int *count, const char *name, size_t number) {
    if (!number)
        return;
    versions[*count].name = name;
    snprintf(versions[(*count)++].text, sizeof versions->text, "%zu.%zu.%zu", number / 10000, number / 100 % 100,
             number % 100);
}

/* The kernel module's own version; the runtime only knows which CUDA the driver supports. */
static void add_driver(DeviceVersion *versions, int *count) {
    FILE *file = fopen("/sys/module/nvidia/version", "r");
    if (!file)
        return;
    char *text = versions[*count].text;
    if (fgets(text, sizeof versions->text, file)) {
        text[strcspn(text, "\n")] = '\0';
        versions[(*count)++].name = "driver";
    }
    fclose(file);
}

int cuda_versions(const Device *device, DeviceVersion versions[DEVICE_VERSIONS]) {
    const Cuda *cuda = (const Cuda *)device->context;
    int count = 0, number;
    if (cudaRuntimeGetVersion(&number) == cudaSuccess)
        add_cuda(versions, &count, "cuda_runtime", number);
    if (cudaDriverGetVersion(&number) == cudaSuccess)
        add_cuda(versions, &count, "cuda_driver", number);
    if (strcmp(device->name, "cuda") == 0)
        add_driver(versions, &count);
    add_library(versions, &count, "cublaslt", matmul_version());
    add_library(versions, &count, "cudnn", attention_library_version(cuda));
    return count;
}
