/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the backups of a database: PATH.bak, and PATH.vN.bak from before an upgrade of schema N. */
#ifndef FOVEA_POOL_DATABASE_NEWEST_BACKUP_H
#define FOVEA_POOL_DATABASE_NEWEST_BACKUP_H

#include <limits.h>
#include <stdbool.h>

/* The newest backup of the database at `path`; false: there is none. */
bool newest_backup(const char *path, char newest[PATH_MAX]);

#endif
