/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the pool's database, its transactions and its backups. */
#ifndef FOVEA_POOL_DATABASE_DATABASE_H
#define FOVEA_POOL_DATABASE_DATABASE_H

#include "base/status.h"
#include "pool/database/schema.h"

typedef struct Store Store;

/* Opens or creates `path`, mode 0600, for this process alone. An older schema is backed up beside as PATH.vN.bak and
 * upgraded in place; a damaged one is left alone, EXIT_DATA naming the newest backup. */
Status store_open(Store **store, const char *path) MUST_USE;
/* The same for another list of upgrades than that of this program: for tests of upgrades. */
Status store_open_schema(Store **store, const char *path, const Schema *schema) MUST_USE;
void store_close(Store *store);
/* Copies the database to PATH.bak, atomically; the daemon does it once a day. Not within a transaction. */
Status store_backup(Store *store) MUST_USE;

/* Transactions do not nest. The first failure inside is kept, and every further call gets it, too: store_commit() rolls
 * back and returns it. */
Status store_begin(Store *store) MUST_USE;
Status store_commit(Store *store) MUST_USE;
void store_rollback(Store *store);

/* For calls that write more than one row: joins the transaction that is open, or begins one of its own; and then ends
 * that one, rolled back when `status` is a failure. Returns the first failure. */
Status store_join(Store *store, bool *own) MUST_USE;
Status store_leave(Store *store, bool own, Status status) MUST_USE;

#endif
