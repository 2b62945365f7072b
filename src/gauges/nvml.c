/* SPDX-License-Identifier: Apache-2.0 */
#include "gauges/nvml.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libnvidia-ml.so.1"

_Static_assert(sizeof(NvmlPci) == 68 && offsetof(NvmlPci, address) == 36, "nvmlPciInfo_t");
_Static_assert(sizeof(NvmlProcess) == 24, "nvmlProcessInfo_v2_t");
_Static_assert(NVML_VERSION(NvmlMemory2, 2) == 0x2000028, "nvmlMemory_v2_t");
_Static_assert(NVML_VERSION(NvmlTemperature, 1) == 0x100000c, "nvmlTemperature_v1_t");
_Static_assert(NVML_VERSION(NvmlMargin, 1) == 0x1000008, "nvmlMarginTemperature_v1_t");
_Static_assert(sizeof(NvmlField) == 40 && offsetof(NvmlField, result) == 28 && offsetof(NvmlField, value) == 32,
               "nvmlFieldValue_t");
_Static_assert(sizeof(NvmlEvent) == 32, "nvmlEventData_t");

static const struct {
    const char *name;
    size_t offset; /* of the function's pointer in Nvml */
} symbols[] = {
    {"nvmlInit_v2", offsetof(Nvml, init)},
    {"nvmlShutdown", offsetof(Nvml, shutdown)},
    {"nvmlErrorString", offsetof(Nvml, error_string)},
    {"nvmlSystemGetDriverVersion", offsetof(Nvml, driver_version)},
    {"nvmlDeviceGetCount_v2", offsetof(Nvml, device_count)},
    {"nvmlDeviceGetHandleByIndex_v2", offsetof(Nvml, device_by_index)},
    {"nvmlDeviceGetHandleByPciBusId_v2", offsetof(Nvml, device_by_pci)},
    {"nvmlDeviceGetUUID", offsetof(Nvml, uuid)},
    {"nvmlDeviceGetName", offsetof(Nvml, name)},
    {"nvmlDeviceGetPciInfo_v3", offsetof(Nvml, pci)},
    {"nvmlDeviceGetMinorNumber", offsetof(Nvml, minor)},
    {"nvmlDeviceGetUtilizationRates", offsetof(Nvml, utilization)},
    {"nvmlDeviceGetComputeRunningProcesses_v3", offsetof(Nvml, compute_processes)},
    {"nvmlDeviceGetGraphicsRunningProcesses_v3", offsetof(Nvml, graphics_processes)},
    {"nvmlDeviceGetMPSComputeRunningProcesses_v3", offsetof(Nvml, mps_processes)},
    {"nvmlDeviceGetMemoryInfo", offsetof(Nvml, memory)},
    {"nvmlDeviceGetMemoryInfo_v2", offsetof(Nvml, memory2)},
    {"nvmlDeviceGetTemperature", offsetof(Nvml, temperature)},
    {"nvmlDeviceGetTemperatureV", offsetof(Nvml, temperature2)},
    {"nvmlDeviceGetTemperatureThreshold", offsetof(Nvml, threshold)},
    {"nvmlDeviceGetMarginTemperature", offsetof(Nvml, margin)},
    {"nvmlDeviceGetPowerUsage", offsetof(Nvml, power)},
    {"nvmlDeviceGetEnforcedPowerLimit", offsetof(Nvml, power_limit)},
    {"nvmlDeviceGetPcieThroughput", offsetof(Nvml, pcie_throughput)},
    {"nvmlDeviceGetCurrentClocksEventReasons", offsetof(Nvml, event_reasons)},
    {"nvmlDeviceGetCurrentClocksThrottleReasons", offsetof(Nvml, throttle_reasons)},
    {"nvmlDeviceGetRemappedRows", offsetof(Nvml, remapped_rows)},
    {"nvmlDeviceGetFieldValues", offsetof(Nvml, fields)},
    {"nvmlEventSetCreate", offsetof(Nvml, event_set)},
    {"nvmlDeviceRegisterEvents", offsetof(Nvml, event_register)},
    {"nvmlEventSetWait_v2", offsetof(Nvml, event_wait)},
    {"nvmlEventSetFree", offsetof(Nvml, event_free)},
};

bool nvml_open(Nvml *nvml, char *why, size_t size) {
    *nvml = (Nvml){.library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL)};
    if (!nvml->library) {
        const char *reason = dlerror();
        if (strstr(reason, "cannot open shared object file: No such file"))
            snprintf(why, size, LIBRARY " is not installed");
        else
            snprintf(why, size, LIBRARY " cannot be loaded: %s", reason);
        return false;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(nvml->library, symbols[i].name);
        memcpy((char *)nvml + symbols[i].offset, &symbol, sizeof symbol);
    }
    const int result = NVML_CALL(nvml, init);
    nvml->started = result == NVML_SUCCESS;
    if (!nvml->started)
        nvml_explain(nvml, result, why, size);
    return nvml->started;
}

void nvml_close(Nvml *nvml) {
    if (nvml->started)
        (void)NVML_CALL(nvml, shutdown);
    if (nvml->library)
        dlclose(nvml->library);
    *nvml = (Nvml){0};
}

void nvml_explain(const Nvml *nvml, int result, char *text, size_t size) {
    static const struct {
        int result;
        const char *text;
    } reasons[] = {
        {NVML_NOT_SUPPORTED, "the GPU does not report it"},
        {NVML_NO_PERMISSION, "this user may not read it"},
        {NVML_NO_DRIVER, "NVIDIA's driver is not loaded"},
        {NVML_FUNCTION_NOT_FOUND, "the driver is too old to report it"},
        {NVML_GPU_IS_LOST, "the GPU has fallen off the bus"},
        {NVML_RESET_REQUIRED, "the GPU needs a reset"},
        {NVML_VERSION_MISMATCH, "the driver that is loaded and " LIBRARY " are of different versions; reboot"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].result == result) {
            snprintf(text, size, "%s", reasons[i].text);
            return;
        }
    snprintf(text, size, "NVML fails with code %d, %s", result,
             nvml->error_string ? nvml->error_string(result) : "without a reason");
}

bool nvml_read_pci(const char *text, unsigned address[3]) {
    int end = 0;
    unsigned function = 0;
    if (sscanf(text, "%8x:%2x:%2x%n", &address[0], &address[1], &address[2], &end) != 3) {
        address[0] = 0;
        if (sscanf(text, "%2x:%2x%n", &address[1], &address[2], &end) != 2)
            return false;
    }
    if (text[end] == '.' && sscanf(text + end, ".%1x", &function) == 1)
        end += 2;
    return !text[end];
}
