/* SPDX-License-Identifier: Apache-2.0 */
#include "gauges/gpu_processes.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* NVML comes with the driver, its header with neither driver nor toolkit: declared here as in NVIDIA's "NVML API
 * Reference". */
typedef struct {
    unsigned pid;
    unsigned long long bytes; /* UNKNOWN: the driver does not report it */
    unsigned gpu_instance, compute_instance;
} ProcessInfo;

static const unsigned long long UNKNOWN = ~0ull;
enum { MAX_PROCESSES = 64, MAX_NAMED = 4, BUS_ID = 32 };

typedef struct {
    void *library;
    int (*init)(void);
    int (*shutdown)(void);
    int (*device_by_bus_id)(const char *bus_id, void **device);
    int (*compute_processes)(void *device, unsigned *count, ProcessInfo *list);
} Nvml;

/* False: NVML is not to be used, though its library may be open. */
static bool open_nvml(Nvml *nvml) {
    nvml->library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!nvml->library)
        return false;
    nvml->init = (int (*)(void))dlsym(nvml->library, "nvmlInit_v2");
    nvml->shutdown = (int (*)(void))dlsym(nvml->library, "nvmlShutdown");
    nvml->device_by_bus_id = (int (*)(const char *, void **))dlsym(nvml->library, "nvmlDeviceGetHandleByPciBusId_v2");
    nvml->compute_processes =
        (int (*)(void *, unsigned *, ProcessInfo *))dlsym(nvml->library, "nvmlDeviceGetComputeRunningProcesses_v3");
    return nvml->init && nvml->shutdown && nvml->device_by_bus_id && nvml->compute_processes && nvml->init() == 0;
}

/* How many processes were written to the list; none when the GPU is not found or has more than fit. */
static unsigned list_processes(const Nvml *nvml, const char *pci, ProcessInfo list[MAX_PROCESSES]) {
    unsigned domain, bus, slot, count = MAX_PROCESSES;
    char bus_id[BUS_ID];
    void *device;
    if (sscanf(pci, "%x:%x:%x", &domain, &bus, &slot) != 3)
        return 0;
    snprintf(bus_id, sizeof bus_id, "%08x:%02x:%02x.0", domain, bus, slot); /* as NVML itself writes it */
    if (nvml->device_by_bus_id(bus_id, &device) != 0 || nvml->compute_processes(device, &count, list) != 0)
        return 0;
    return count;
}

static void format_processes(const ProcessInfo *list, unsigned count, char *text, size_t size) {
    size_t used = 0;
    unsigned named = 0, others = 0;
    for (unsigned i = 0; i < count; i++) {
        if (list[i].pid == (unsigned)getpid())
            continue;
        if (named == MAX_NAMED) {
            others++;
            continue;
        }
        char bytes[32] = "";
        if (list[i].bytes != UNKNOWN)
            snprintf(bytes, sizeof bytes, " (%.1f MB)", (double)list[i].bytes / 1e6);
        const int length = snprintf(text + used, size - used, "%s pid %u%s", named++ ? "," : "; its memory is held by",
                                    list[i].pid, bytes);
        if (length < 0 || (size_t)length >= size - used)
            return;
        used += (size_t)length;
    }
    if (others)
        snprintf(text + used, size - used, " and %u more", others);
}

void gpu_processes(const char *pci, char *text, size_t size) {
    Nvml nvml = {0};
    ProcessInfo list[MAX_PROCESSES];
    text[0] = '\0';
    if (open_nvml(&nvml)) {
        format_processes(list, list_processes(&nvml, pci, list), text, size);
        (void)nvml.shutdown();
    }
    if (nvml.library)
        dlclose(nvml.library);
}
