/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that use a GPU's memory, as its driver reports them through NVML, which is opened for each call. */
#ifndef FOVEA_GAUGES_GPU_PROCESSES_H
#define FOVEA_GAUGES_GPU_PROCESSES_H

#include <stddef.h>

/* The other processes that use the memory of the GPU at the PCI address `pci` ("0000:3b:00.0"), formatted to follow how
 * much of it is free: "; its memory is held by pid 4242 (61440.0 MB), pid 77 and 3 more". "" when there are none, or
 * the driver does not report them. */
void gpu_processes(const char *pci, char *text, size_t size);

#endif
