/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/jobs/audit.h"

#include <inttypes.h>
#include <stdio.h>

Status audit_add(Schedule *schedule, const Caller *caller, const char *action, int64_t job, const char *what,
                 const char *detail) {
    char name[32], most[POOL_REASON]; /* command lines can be long */
    snprintf(name, sizeof name, "job %" PRId64, job);
    snprintf(most, sizeof most, "%s", detail);
    return store_add_audit(schedule->store, &(AuditLine){.time = schedule->now,
                                                         .uid = caller->uid,
                                                         .user = caller->user,
                                                         .action = action,
                                                         .what = job ? name : what,
                                                         .detail = most});
}
