/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says of processes, for people: who they are, and which of them have GPUs' device nodes open. */
#ifndef FOVEA_POOL_PROCESS_H
#define FOVEA_POOL_PROCESS_H

#include "base/status.h"
#include "pool/gpu.h"

#include <stdbool.h>

/* The user's name; the number where there is none. */
void process_user(int64_t uid, char user[POOL_NAME]);
/* Fills all but the memory, which becomes -1; the command is "" where it cannot be read, which is also so of a kernel's
 * thread. False: there is no such process. */
bool process_describe(int64_t pid, ForeignProcess *process);

/* A process that has a file open whose path begins with `prefix`; once for each path. */
typedef Status (*ProcessTakeOpen)(void *context, int64_t pid, const char *path);
/* Processes whose descriptors may not be read (another user's, without root) are left out; *hidden says how many. */
Status process_each_open(const char *prefix, ProcessTakeOpen take, void *context, int *hidden) MUST_USE;

#endif
