/* SPDX-License-Identifier: Apache-2.0 */
#include "gauges/gauges.h"

#include "base/clock.h"
#include "gauges/nvml.h"
#include "gauges/readings.h"
#include "gauges/xid_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct {
    GaugeGpu gpu;
    NvmlDevice *device;
    NvmlEventSet *events; /* NULL: none */
    ReadingsBefore before;
} Gpu;

struct Gauges {
    Nvml nvml;
    Gpu *gpus; /* [count] */
    int count;
    char missing[256];
    char driver[GAUGE_UUID];
};

static void describe_gpu(const Nvml *nvml, Gpu *gpu) {
    NvmlPci pci;
    unsigned minor;
    if (NVML_CALL(nvml, uuid, gpu->device, gpu->gpu.uuid, sizeof gpu->gpu.uuid) != NVML_SUCCESS)
        gpu->gpu.uuid[0] = '\0';
    if (NVML_CALL(nvml, name, gpu->device, gpu->gpu.name, sizeof gpu->gpu.name) != NVML_SUCCESS)
        gpu->gpu.name[0] = '\0';
    if (NVML_CALL(nvml, pci, gpu->device, &pci) == NVML_SUCCESS)
        snprintf(gpu->gpu.pci, sizeof gpu->gpu.pci, "%04x:%02x:%02x.0", pci.domain, pci.bus, pci.device);
    gpu->gpu.minor = NVML_CALL(nvml, minor, gpu->device, &minor) == NVML_SUCCESS ? (int)minor : -1;
}

static Status list_gpus(Gauges *gauges) {
    const Nvml *nvml = &gauges->nvml;
    unsigned found = 0;
    int result = NVML_CALL(nvml, device_count, &found);
    if (result == NVML_SUCCESS && !found) {
        snprintf(gauges->missing, sizeof gauges->missing, "NVIDIA's driver finds no GPU");
        return NULL;
    }
    gauges->gpus = result == NVML_SUCCESS ? calloc(found, sizeof *gauges->gpus) : NULL;
    if (result == NVML_SUCCESS && !gauges->gpus)
        return status_no_memory("the list of GPUs", found * sizeof *gauges->gpus);
    for (unsigned i = 0; gauges->gpus && i < found; i++) {
        Gpu *gpu = &gauges->gpus[gauges->count];
        const int opened = NVML_CALL(nvml, device_by_index, i, &gpu->device);
        if (opened != NVML_SUCCESS) {
            result = opened; /* such as one that is lost already, or another user's */
            continue;
        }
        describe_gpu(nvml, gpu);
        gpu->events = xid_events_open(nvml, gpu->device);
        gauges->count++;
    }
    if (!gauges->count)
        nvml_explain(nvml, result, gauges->missing, sizeof gauges->missing);
    return NULL;
}

Status gauges_open(Gauges **gauges) {
    Gauges *opened = *gauges = calloc(1, sizeof *opened);
    if (!opened)
        return status_no_memory("the gauges of GPUs", sizeof *opened);
    if (!nvml_open(&opened->nvml, opened->missing, sizeof opened->missing))
        return NULL;
    if (NVML_CALL(&opened->nvml, driver_version, opened->driver, sizeof opened->driver) != NVML_SUCCESS)
        opened->driver[0] = '\0';
    Status status = list_gpus(opened);
    if (status) {
        gauges_close(opened);
        *gauges = NULL;
    }
    return status;
}

void gauges_close(Gauges *gauges) {
    if (!gauges)
        return;
    for (int i = 0; i < gauges->count; i++)
        xid_events_close(&gauges->nvml, gauges->gpus[i].events);
    nvml_close(&gauges->nvml);
    free(gauges->gpus);
    free(gauges);
}

int gauges_count(const Gauges *gauges) {
    return gauges->count;
}

const char *gauges_missing(const Gauges *gauges) {
    return gauges->missing;
}

const char *gauges_driver(const Gauges *gauges) {
    return gauges->driver;
}

const GaugeGpu *gauges_gpu(const Gauges *gauges, int index) {
    return &gauges->gpus[index].gpu;
}

int gauges_find(const Gauges *gauges, const char *name) {
    unsigned wanted[3], own[3];
    const bool address = nvml_read_pci(name, wanted);
    for (int i = 0; i < gauges->count && *name; i++) {
        const GaugeGpu *gpu = &gauges->gpus[i].gpu;
        if (strcasecmp(name, gpu->uuid) == 0 ||
            (address && nvml_read_pci(gpu->pci, own) && memcmp(wanted, own, sizeof own) == 0))
            return i;
    }
    return -1;
}

void gauges_sample(Gauges *gauges, int index, GaugeSample *sample) {
    Gpu *gpu = &gauges->gpus[index];
    gauges_unknown(sample, clock_date(), "");
    readings_take(&gauges->nvml, gpu->device, &gpu->before, sample);
    sample->xid_count = xid_events_take(&gauges->nvml, gpu->events, sample->xids, GAUGE_XIDS);
}
