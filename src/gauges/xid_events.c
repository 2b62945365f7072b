/* SPDX-License-Identifier: Apache-2.0 */
#include "gauges/xid_events.h"

#include <limits.h>

static const NvmlBytes XID_EVENT = 8;
enum { MOST_EVENTS = 256 }; /* at a time: a GPU may report faster than they are read */

NvmlEventSet *xid_events_open(const Nvml *nvml, NvmlDevice *device) {
    NvmlEventSet *set;
    if (NVML_CALL(nvml, event_set, &set) != NVML_SUCCESS)
        return NULL;
    if (nvml->event_wait && NVML_CALL(nvml, event_register, device, XID_EVENT, set) == NVML_SUCCESS)
        return set;
    (void)NVML_CALL(nvml, event_free, set);
    return NULL;
}

void xid_events_close(const Nvml *nvml, NvmlEventSet *set) {
    if (set)
        (void)NVML_CALL(nvml, event_free, set);
}

int xid_events_take(const Nvml *nvml, NvmlEventSet *set, int *codes, int most) {
    NvmlEvent event = {0};
    int count = 0;
    if (!set)
        return 0;
    for (int i = 0; i < MOST_EVENTS && NVML_CALL(nvml, event_wait, set, &event, 0) == NVML_SUCCESS; i++) {
        if (event.type != XID_EVENT || event.data > INT_MAX)
            continue;
        int same = 0;
        while (same < count && codes[same] != (int)event.data)
            same++;
        if (same == count && count < most)
            codes[count++] = (int)event.data;
    }
    return count;
}
