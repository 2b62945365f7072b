/* SPDX-License-Identifier: Apache-2.0 */
/* Following a sweep's jobs until all have ended. */
#ifndef FOVEA_POOL_SWEEP_FOLLOW_H
#define FOVEA_POOL_SWEEP_FOLLOW_H

#include "pool/client.h"
#include "pool/sweep/outcome/trial_outcome.h"

/* What is known of a sweep's trials. */
typedef struct {
    const Sweep *sweep;
    const char *state;  /* the pool's folder */
    PoolClient *client; /* NULL: not connected */
    cJSON *live, *all;  /* jobs that have not ended now; all jobs as they were when one last ended */
    Outcome *outcomes;  /* [sweep->count] */
} Follow;

/* `client` is taken over; NULL: without a daemon, from the run directories alone. follow_close() either way. */
Status follow_open(Follow *follow, const Sweep *sweep, const char *state, PoolClient *client) MUST_USE;
void follow_close(Follow *follow);
/* Reads jobs and run directories again. */
Status follow_look(Follow *follow) MUST_USE;
/* Shows how the trials stand until none is live: a table that is redrawn on a terminal, elsewhere a line for each
 * change. Removes checkpoints of losers on the way. A daemon that goes away is waited for, a minute. */
Status follow_until_over(Follow *follow) MUST_USE;

#endif
