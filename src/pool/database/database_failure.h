/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite reports, as a status. */
#ifndef FOVEA_POOL_DATABASE_DATABASE_FAILURE_H
#define FOVEA_POOL_DATABASE_DATABASE_FAILURE_H

#include "base/status.h"

#include <sqlite3.h>

/* For SQLite's `code` on `file`, the database at `path` or a copy of it: EXIT_IO for a full or failing disk, a file
 * that cannot be written or is locked, EXIT_DATA for a damaged one, EXIT_INTERNAL for what breaks a rule of the schema.
 */
Status database_failure(sqlite3 *database, const char *path, const char *file, int code)
    __attribute__((returns_nonnull)) MUST_USE;
/* EXIT_DATA: the database at `path` is damaged, in the way `what`; names the newest backup and how to use it. */
Status database_damaged(const char *path, const char *what) __attribute__((returns_nonnull)) MUST_USE;

#endif
