/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of a pool: who may enter it, and that one daemon has it. */
#ifndef FOVEA_POOL_DAEMON_PARTS_STATE_FOLDER_H
#define FOVEA_POOL_DAEMON_PARTS_STATE_FOLDER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes the folder and those in it, with their modes: a root daemon's lets everybody reach the socket and the leases,
 * and nothing else. Takes its lock, which is held until *lock is closed and contains this process's number.
 * `rule` (NULL: none) is the rule that the daemon serves: kept in FOLDER/rule.path, which keeps clients from starting
 * this folder's daemon without it. EXIT_REFUSED naming the process that has the lock; EXIT_USAGE: the
 * folder is something else's. */
Status state_folder_open(const char *folder, const char *rule, bool root, int *lock) MUST_USE;
/* The highest number of a job that has files in the folder; 0: none. */
int64_t state_folder_last_job(const char *folder);

#endif
