/* SPDX-License-Identifier: Apache-2.0 */
#include "gauges/gpu_processes.h"

#include "gauges/nvml.h"
#include "gauges/process_list.h"
#include "gauges/sample.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_NAMED = 4, ADDRESS = 32 };

/* How many processes there are, the first GAUGE_PROCESSES in the list; none when the GPU is not found. */
static int list_processes(const Nvml *nvml, const char *pci, GaugeProcess list[GAUGE_PROCESSES]) {
    unsigned part[3];
    char address[ADDRESS];
    NvmlDevice *device;
    int count;
    if (!nvml_read_pci(pci, part))
        return 0;
    snprintf(address, sizeof address, "%08x:%02x:%02x.0", part[0], part[1], part[2]); /* as NVML itself writes it */
    if (NVML_CALL(nvml, device_by_pci, address, &device) != NVML_SUCCESS ||
        process_list_read(nvml, device, list, GAUGE_PROCESSES, &count) != NVML_SUCCESS)
        return 0;
    return count;
}

static void format_processes(const GaugeProcess *list, int count, char *text, size_t size) {
    size_t used = 0;
    int named = 0, others = 0;
    for (int i = 0; i < count; i++) {
        if (i < GAUGE_PROCESSES && list[i].pid == getpid())
            continue;
        if (named == MAX_NAMED) {
            others++;
            continue;
        }
        char bytes[32] = "";
        if (list[i].memory >= 0)
            snprintf(bytes, sizeof bytes, " (%.1f MB)", (double)list[i].memory / 1e6);
        const int length = snprintf(text + used, size - used, "%s pid %" PRId64 "%s",
                                    named++ ? "," : "; its memory is held by", list[i].pid, bytes);
        if (length < 0 || (size_t)length >= size - used)
            return;
        used += (size_t)length;
    }
    if (others)
        snprintf(text + used, size - used, " and %d more", others);
}

void gpu_processes(const char *pci, char *text, size_t size) {
    Nvml nvml;
    GaugeProcess list[GAUGE_PROCESSES];
    char why[GAUGE_WHY];
    text[0] = '\0';
    if (nvml_open(&nvml, why, sizeof why))
        format_processes(list, list_processes(&nvml, pci, list), text, size);
    nvml_close(&nvml);
}
