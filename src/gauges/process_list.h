/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that use a GPU, from the driver's lists of those that compute, draw, and compute through MPS. */
#ifndef FOVEA_GAUGES_PROCESS_LIST_H
#define FOVEA_GAUGES_PROCESS_LIST_H

#include "gauges/nvml.h"
#include "gauges/sample.h"

/* Each process once. Sets *count to how many there are, the first `most` of them in `list`. Another result than
 * NVML_SUCCESS: they are not known. */
int process_list_read(const Nvml *nvml, NvmlDevice *device, GaugeProcess *list, int most, int *count);

#endif
