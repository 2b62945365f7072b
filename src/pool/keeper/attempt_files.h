/* SPDX-License-Identifier: Apache-2.0 */
/* The files of an attempt, which keeper.h lists. */
#ifndef FOVEA_POOL_KEEPER_ATTEMPT_FILES_H
#define FOVEA_POOL_KEEPER_ATTEMPT_FILES_H

#include "base/status.h"
#include "pool/job.h"
#include "pool/limits.h"
#include "pool/process_table.h"

#include <stdbool.h>
#include <stdint.h>

/* Which attempt. */
typedef struct {
    const char *state; /* the pool's folder */
    int64_t job;
    int number;
} AttemptName;

/* STATE/jobs/JOB/NUMBER.`kind`, STATE/jobs/JOB/log, STATE/leases/JOB; the caller's. */
Status attempt_file(const AttemptName *name, const char *kind, char **path) MUST_USE;
Status attempt_log(const AttemptName *name, char **path) MUST_USE;
Status attempt_lease(const AttemptName *name, char **path) MUST_USE;
/* Creates the folders: the attempts' for the daemon's user alone, the leases' for all to read. */
Status attempt_folders(const AttemptName *name) MUST_USE;

/* The lease's number, for everybody to read. Dropping it is no error where there is none. */
Status attempt_put_lease(const AttemptName *name, int64_t epoch) MUST_USE;
Status attempt_drop_lease(const AttemptName *name) MUST_USE;

/* The job's first process. *found false: the file is not there, or of another boot. */
Status attempt_put_first(const AttemptName *name, const Process *first) MUST_USE;
Status attempt_get_first(const AttemptName *name, Process *first, bool *found) MUST_USE;

typedef struct {
    JobEnd end;
    double ended;
    char why[POOL_REASON];
} AttemptEnd;
/* *found false: the file is not there. */
Status attempt_put_end(const AttemptName *name, const AttemptEnd *end) MUST_USE;
Status attempt_get_end(const AttemptName *name, AttemptEnd *end, bool *found) MUST_USE;

/* Creates the file that says that a keeper took the attempt; EXIT_INTERNAL: another did before. */
Status attempt_claim(const AttemptName *name) MUST_USE;

#endif
