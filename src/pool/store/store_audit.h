/* SPDX-License-Identifier: Apache-2.0 */
/* The database's record of what was done, by whom. */
#ifndef FOVEA_POOL_STORE_STORE_AUDIT_H
#define FOVEA_POOL_STORE_STORE_AUDIT_H

#include "pool/database/database.h"

#include <stdint.h>

/* `what` is the object ("job 7", "gpu 3", "filler"), `detail` a sentence or "". */
typedef struct {
    double time;
    int64_t uid; /* -1: the pool itself */
    const char *user, *action, *what, *detail;
} AuditLine;

Status store_add_audit(Store *store, const AuditLine *line) MUST_USE;
typedef Status (*StoreTakeAudit)(void *context, const AuditLine *line);
/* In the order in which they were added. */
Status store_each_audit(Store *store, StoreTakeAudit take, void *context) MUST_USE;

#endif
