/* SPDX-License-Identifier: Apache-2.0 */
#include "gauges/process_list.h"

#include <stdlib.h>

enum {
    ROOM = 64,           /* entries at first */
    SPARE = 16,          /* that may start between two calls */
    MOST_ENTRIES = 4096, /* more are no list, but garbage */
    ATTEMPTS = 8         /* with a list that grows all the while */
};

typedef int (*ListCall)(NvmlDevice *device, unsigned *count, NvmlProcess *list);

/* The processes of all lists so far. */
typedef struct {
    GaugeProcess *list;
    int count;
} Merged;

static int read_entries(ListCall call, NvmlDevice *device, NvmlProcess **entries, unsigned *count) {
    unsigned room = ROOM;
    for (int attempt = 0; attempt < ATTEMPTS && room <= MOST_ENTRIES; attempt++) {
        NvmlProcess *larger = realloc(*entries, room * sizeof *larger);
        if (!larger)
            return NVML_NO_MEMORY;
        *entries = larger;
        *count = room;
        const int result = call(device, count, larger);
        if (result == NVML_SUCCESS && *count <= room)
            return result;
        if (result != NVML_SUCCESS && result != NVML_INSUFFICIENT_SIZE)
            return result;
        room = (*count > room ? *count : room) + SPARE;
    }
    return NVML_INSUFFICIENT_SIZE;
}

/* A process in two lists uses what the larger entry says: both count the same memory. The list has room. */
static void merge_process(Merged *merged, int64_t pid, int64_t memory) {
    for (int i = 0; i < merged->count; i++) {
        GaugeProcess *process = &merged->list[i];
        if (process->pid != pid)
            continue;
        if (memory > process->memory)
            process->memory = memory;
        return;
    }
    merged->list[merged->count++] = (GaugeProcess){pid, memory};
}

static int merge_entries(Merged *merged, const NvmlProcess *entries, unsigned count) {
    GaugeProcess *larger = realloc(merged->list, ((size_t)merged->count + count + 1) * sizeof *larger);
    if (!larger)
        return NVML_NO_MEMORY;
    merged->list = larger;
    for (unsigned i = 0; i < count; i++)
        merge_process(merged, entries[i].pid,
                      entries[i].memory == NVML_NO_VALUE ? -1 : (int64_t)(entries[i].memory & INT64_MAX));
    return NVML_SUCCESS;
}

static int merge_list(ListCall call, NvmlDevice *device, Merged *merged) {
    NvmlProcess *entries = NULL;
    unsigned count;
    int result = read_entries(call, device, &entries, &count);
    if (result == NVML_SUCCESS)
        result = merge_entries(merged, entries, count);
    free(entries);
    return result;
}

int process_list_read(const Nvml *nvml, NvmlDevice *device, GaugeProcess *list, int most, int *count) {
    const ListCall others[] = {nvml->graphics_processes, nvml->mps_processes};
    Merged merged = {0};
    if (!nvml->compute_processes)
        return NVML_FUNCTION_NOT_FOUND;
    int result = merge_list(nvml->compute_processes, device, &merged);
    /* A GPU without graphics, or a driver without MPS, has no such list. */
    for (int i = 0; i < 2 && result == NVML_SUCCESS; i++)
        if (others[i]) {
            result = merge_list(others[i], device, &merged);
            if (result == NVML_NOT_SUPPORTED || result == NVML_FUNCTION_NOT_FOUND)
                result = NVML_SUCCESS;
        }
    *count = merged.count;
    for (int i = 0; i < merged.count && i < most; i++)
        list[i] = merged.list[i];
    free(merged.list);
    return result;
}
