/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the open database, by SQLite's own way to take one. */
#ifndef FOVEA_POOL_DATABASE_DATABASE_COPY_H
#define FOVEA_POOL_DATABASE_DATABASE_COPY_H

#include "base/status.h"

#include <sqlite3.h>

/* Copies the database, which is at `path`, to `to`, mode 0600: written beside, synced, renamed. Not within a
 * transaction. */
Status database_copy(sqlite3 *database, const char *path, const char *to) MUST_USE;

#endif
