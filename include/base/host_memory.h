/* SPDX-License-Identifier: Apache-2.0 */
/* The host's memory as this process may use it: the machine's, or less where a control group limits it. What files are
 * cached in is available: it gives way. */
#ifndef FOVEA_BASE_HOST_MEMORY_H
#define FOVEA_BASE_HOST_MEMORY_H

#include <stdint.h>

typedef struct {
    int64_t total, available; /* bytes; -1: not known */
} HostMemory;

void host_memory_read(HostMemory *memory);
/* The same, with /proc and /sys read below `root`. */
void host_memory_read_in(const char *root, HostMemory *memory);

#endif
