/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's life: it starts the job, waits, stops it on request, and removes what the job leaves. */
#ifndef FOVEA_POOL_KEEPER_KEEP_H
#define FOVEA_POOL_KEEPER_KEEP_H

#include "pool/keeper/attempt_files.h"

#include <signal.h>

/* Descriptors that a keeper is started with, beyond the job's 0, 1 and 2. */
enum { KEEP_LOCK = 3, KEEP_CLIENT, KEEP_DESCRIPTORS };

/* SIGTERM to a keeper stops the job, which is killed after the grace. This one kills all of it at once. */
enum { KEEP_KILL = SIGUSR2 };

/* Returns the exit code of this process, which after the fork is also the job's first one: when it could not become the
 * command. */
int keep_attempt(const AttemptName *name);

#endif
