/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/holders.cuh"

#include <cuda_runtime.h>
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

/* NVML comes with the driver, its header with neither driver nor toolkit: what is used of it, as NVIDIA's "NVML API
 * Reference" has it. */
struct ProcessInfo {
    unsigned pid;
    unsigned long long bytes; /* UNKNOWN: the driver does not tell */
    unsigned gpu_instance, compute_instance;
};

static const unsigned long long UNKNOWN = ~0ull;
enum { PROCESSES_MOST = 64, NAMED_MOST = 4 };

struct Nvml {
    void *library;
    int (*init)();
    int (*shutdown)();
    int (*by_bus)(const char *bus, void **device);
    int (*processes)(void *device, unsigned *count, ProcessInfo *list);
};

static bool open_nvml(Nvml *nvml) {
    nvml->library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!nvml->library)
        return false;
    nvml->init = (decltype(nvml->init))dlsym(nvml->library, "nvmlInit_v2");
    nvml->shutdown = (decltype(nvml->shutdown))dlsym(nvml->library, "nvmlShutdown");
    nvml->by_bus = (decltype(nvml->by_bus))dlsym(nvml->library, "nvmlDeviceGetHandleByPciBusId_v2");
    nvml->processes = (decltype(nvml->processes))dlsym(nvml->library, "nvmlDeviceGetComputeRunningProcesses_v3");
    return nvml->init && nvml->shutdown && nvml->by_bus && nvml->processes && nvml->init() == 0;
}

/* How many processes the list got. */
static unsigned ask(const Nvml *nvml, int index, ProcessInfo list[PROCESSES_MOST]) {
    cudaDeviceProp properties;
    char bus[32];
    void *device;
    unsigned count = PROCESSES_MOST;
    if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) {
        (void)cudaGetLastError(); /* the failure at hand is what is told */
        return 0;
    }
    snprintf(bus, sizeof bus, "%08x:%02x:%02x.0", (unsigned)properties.pciDomainID, (unsigned)properties.pciBusID,
             (unsigned)properties.pciDeviceID);
    if (nvml->by_bus(bus, &device) != 0 || nvml->processes(device, &count, list) != 0)
        return 0;
    return count;
}

static void write_list(const ProcessInfo *list, unsigned count, char *text, size_t room) {
    size_t used = 0;
    unsigned named = 0, others = 0;
    for (unsigned i = 0; i < count; i++) {
        if (list[i].pid == (unsigned)getpid())
            continue;
        if (named == NAMED_MOST) {
            others++;
            continue;
        }
        char size[32] = "";
        if (list[i].bytes != UNKNOWN)
            snprintf(size, sizeof size, " (%.1f MB)", (double)list[i].bytes / 1e6);
        const int length = snprintf(text + used, room - used, "%s pid %u%s", named++ ? "," : "; its memory is held by",
                                    list[i].pid, size);
        if (length < 0 || (size_t)length >= room - used)
            return;
        used += (size_t)length;
    }
    if (others)
        snprintf(text + used, room - used, " and %u more", others);
}

void gpu_holders(int index, char *text, size_t room) {
    Nvml nvml = {};
    ProcessInfo list[PROCESSES_MOST];
    text[0] = '\0';
    if (open_nvml(&nvml)) {
        write_list(list, ask(&nvml, index, list), text, room);
        (void)nvml.shutdown();
    }
    if (nvml.library)
        dlclose(nvml.library);
}
