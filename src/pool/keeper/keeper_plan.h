/* SPDX-License-Identifier: Apache-2.0 */
/* N.start.json: what a keeper needs to know of its attempt. */
#ifndef FOVEA_POOL_KEEPER_KEEPER_PLAN_H
#define FOVEA_POOL_KEEPER_KEEPER_PLAN_H

#include "pool/keeper/attempt_files.h"
#include "pool/request.h"

/* The daemon fills all but `request` and `json`; a plan that was read owns those two, to which its texts belong. */
typedef struct {
    int64_t epoch, uid, micro_batch; /* micro_batch 0: as the command says */
    int gpus[POOL_GPUS];             /* [gpu_count] numbers of the rule */
    int gpu_count;
    const char *uuids;
    int *cores; /* [core_count] */
    int core_count;
    bool terminal, client, as_submitter, resume;
    double grace; /* seconds */
    Request request;
    cJSON *json;
} KeeperPlan;

/* `request` is its JSON. */
Status keeper_plan_write(const AttemptName *name, const KeeperPlan *plan, const char *request) MUST_USE;
/* EXIT_DATA: the file is damaged. Free with keeper_plan_free() either way. */
Status keeper_plan_read(const AttemptName *name, KeeperPlan *plan) MUST_USE;
void keeper_plan_free(KeeperPlan *plan);

#endif
