/* SPDX-License-Identifier: Apache-2.0 */
/* The database's leases: which GPU is whose. */
#ifndef FOVEA_POOL_STORE_STORE_LEASES_H
#define FOVEA_POOL_STORE_STORE_LEASES_H

#include "pool/database/database.h"

/* Taking a GPU that is leased fails with EXIT_INTERNAL, whatever the caller believes: a unique index. So does an epoch
 * that the GPU had before. */
Status store_take_lease(Store *store, int gpu, int64_t job, int64_t epoch) MUST_USE;
/* A GPU that is not leased stays so. */
Status store_drop_lease(Store *store, int gpu) MUST_USE;
typedef Status (*StoreTakeLease)(void *context, int gpu, int64_t job, int64_t epoch);
/* Those that are held, in ascending order of their GPU. */
Status store_each_lease(Store *store, StoreTakeLease take, void *context) MUST_USE;
/* The number of the next lease, which is then used up. */
Status store_next_epoch(Store *store, int64_t *epoch) MUST_USE;

#endif
