/* SPDX-License-Identifier: Apache-2.0 */
/* The database's tables. Upgrade N, counted from 1, takes a database of version N - 1 to N; a new one has version 0 and
 * goes through all of them. What was released is never changed: a change is one more upgrade. */
#ifndef FOVEA_POOL_DATABASE_SCHEMA_H
#define FOVEA_POOL_DATABASE_SCHEMA_H

#include "pool/database/statement.h"

typedef struct {
    const char *const *upgrades; /* [version] texts of SQL */
    int version;
} Schema;

/* That of this program. */
extern const Schema schema_of_pool;

/* The version of the open database, 0 for an empty one. EXIT_DATA: it is newer than `schema`, or another program's. */
Status schema_read(Store *store, const Schema *schema, int *version) MUST_USE;
/* Upgrades it from `version`, in one transaction. */
Status schema_upgrade(Store *store, const Schema *schema, int version) MUST_USE;

#endif
