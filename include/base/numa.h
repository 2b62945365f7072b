/* SPDX-License-Identifier: Apache-2.0 */
/* Which cores are near a device on the PCI bus: on machines with several sockets, memory at the wrong one is copied
 * over the link between them. Linux lists the cores in /sys; where it does not, threads are not bound. */
#ifndef FOVEA_BASE_NUMA_H
#define FOVEA_BASE_NUMA_H

#include <sched.h>
#include <stdbool.h>

/* The node of the device at `pci`, such as "0000:3b:00.0"; -1 when there is only one node, or it is not known. `sys` is
 * "/sys" except in tests. */
int numa_node_of_pci(const char *sys, const char *pci);

/* The cores of a node that are in `allowed`; false when there are none, or they are not known. */
bool numa_cores(const char *sys, int node, const cpu_set_t *allowed, cpu_set_t *cores);

/* The cores that this process may run on; none where that is not known. */
void numa_allowed(cpu_set_t *cores);

/* Binds the calling thread to those of its cores that are near the device at `pci`; memory that it touches first is
 * then allocated there. `before` gets its cores until now; numa_restore() sets them again. Does nothing where the cores
 * are not known, or `pci` is "". */
void numa_bind(const char *pci, cpu_set_t *before);
void numa_restore(const cpu_set_t *before);

#endif
