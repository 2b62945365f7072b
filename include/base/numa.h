/* SPDX-License-Identifier: Apache-2.0 */
/* Which cores are near a device on the PCI bus: on machines with several sockets, memory that the wrong one holds is
 * copied over the link between them. Told by Linux in /sys; where it tells nothing, nothing is bound. */
#ifndef FOVEA_BASE_NUMA_H
#define FOVEA_BASE_NUMA_H

#include <sched.h>
#include <stdbool.h>

/* The node of the device at `pci`, as "0000:3b:00.0"; -1 when there is one node only, or it is not known. `sys` is
 * "/sys" but in tests. */
int numa_node_of_pci(const char *sys, const char *pci);

/* The cores of a node, of those in `allowed`; false when there are none, or they are not known. */
bool numa_cores(const char *sys, int node, const cpu_set_t *allowed, cpu_set_t *cores);

/* Lets the calling thread run on the cores near the device at `pci` only, of those it may run on; memory that it
 * touches first then lies there. `before` gets what it might run on; numa_restore() undoes it. Does nothing where the
 * cores are not known, or `pci` is "". */
void numa_bind(const char *pci, cpu_set_t *before);
void numa_restore(const cpu_set_t *before);

#endif
