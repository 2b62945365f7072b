/* SPDX-License-Identifier: Apache-2.0 */
/* Replaces libnvidia-ml.so.1, under whose name a script puts it into LD_LIBRARY_PATH and a program loads it: a GPU
 * whose memory is used by the processes 4242, 77 and this one. FOVEA_NVML_PROCESSES=N: N more. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    unsigned pid;
    unsigned long long bytes;
    unsigned gpu_instance, compute_instance;
} ProcessInfo;

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **device);
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, ProcessInfo *list);

int nvmlInit_v2(void) {
    return 0;
}

int nvmlShutdown(void) {
    return 0;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **device) {
    *device = NULL;
    return strcmp(bus, "00000000:00:00.0") == 0 ? 0 : 2; /* the emulated GPU's; NVML_ERROR_INVALID_ARGUMENT */
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, ProcessInfo *list) {
    (void)device;
    const char *more = getenv("FOVEA_NVML_PROCESSES");
    const unsigned found = 3 + (more ? (unsigned)atoi(more) : 0);
    if (found > *count)
        return 7; /* NVML_ERROR_INSUFFICIENT_SIZE */
    *count = found;
    for (unsigned i = 0; i < found; i++)
        list[i] = (ProcessInfo){.pid = 5000 + i, .bytes = 1000000};
    list[0] = (ProcessInfo){.pid = 4242, .bytes = 61440000000ULL};
    list[1] = (ProcessInfo){.pid = (unsigned)getpid(), .bytes = 5000000};
    list[2] = (ProcessInfo){.pid = 77, .bytes = ~0ULL};
    return 0;
}
