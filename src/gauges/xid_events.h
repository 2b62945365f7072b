/* SPDX-License-Identifier: Apache-2.0 */
/* The error codes (XIDs) that a GPU's driver reports as they occur. */
#ifndef FOVEA_GAUGES_XID_EVENTS_H
#define FOVEA_GAUGES_XID_EVENTS_H

#include "gauges/nvml.h"

/* Asks for a GPU's events from now on; NULL: the driver has none of it. */
NvmlEventSet *xid_events_open(const Nvml *nvml, NvmlDevice *device);
void xid_events_close(const Nvml *nvml, NvmlEventSet *set);
/* The codes since the call before, without waiting, each once; returns how many of `most` were written. */
int xid_events_take(const Nvml *nvml, NvmlEventSet *set, int *codes, int most);

#endif
