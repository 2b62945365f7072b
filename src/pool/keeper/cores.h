/* SPDX-License-Identifier: Apache-2.0 */
/* Which cores a job gets: the machine's, shared among the GPUs of the rule, so that jobs neither take each other's nor
 * read their data over the link between two sockets. */
#ifndef FOVEA_POOL_KEEPER_CORES_H
#define FOVEA_POOL_KEEPER_CORES_H

#include "pool/limits.h"

#include <sched.h>

/* Shares `allowed` among `count` GPUs. A GPU gets its part of the cores near its PCI address; slots, whose address is
 * "", GPUs of an address that the machine does not know, and cores that are near no GPU are spread evenly. Two threads
 * of a core go to one GPU. With fewer cores than GPUs some share one. `sys` is "/sys" except in tests. */
void cores_share(const char *sys, const cpu_set_t *allowed, const char *const *pci, int count,
                 cpu_set_t shares[POOL_GPUS]);
/* The cores of the GPUs with these indices, ascending; returns how many. */
int cores_list(const cpu_set_t *shares, const int *indices, int count, int cores[CPU_SETSIZE]);

#endif
