/* SPDX-License-Identifier: Apache-2.0 */
/* The job's first process, from the keeper's fork to the command. */
#ifndef FOVEA_POOL_KEEPER_LAUNCH_H
#define FOVEA_POOL_KEEPER_LAUNCH_H

#include "pool/keeper/keeper_plan.h"

typedef struct {
    const AttemptName *name;
    const KeeperPlan *plan;
    int alive; /* inherited by the job; everything else above 2 is closed by the command's start */
    int go;    /* a byte comes when the keeper has noted this process; its end means that the keeper is gone */
    int why;   /* takes the reason for a failure */
} Launch;

/* Becomes the command. Returns only when that is not possible, the exit code: 126 and 127 as a shell has them, 65 for a
 * file that changed since the submission. The reason is written to `why` and to the job's standard error. */
int launch_job(const Launch *launch);

#endif
