/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of the pool's own jobs when neither a keeper nor a lease is: processes that were started under a lease
 * which is not valid any more. */
#ifndef FOVEA_POOL_KEEPER_GHOSTS_H
#define FOVEA_POOL_KEEPER_GHOSTS_H

#include "base/status.h"

/* Kills those processes of the pool with the folder `state`, and no others. *killed: how many there were; *left: those
 * that are still there. */
Status ghosts_sweep(const char *state, int *killed, int *left) MUST_USE;

#endif
