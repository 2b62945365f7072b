/* SPDX-License-Identifier: Apache-2.0 */
/* Locks that keep a second process from writing to the same folder. */
#ifndef FOVEA_BASE_FILE_LOCK_H
#define FOVEA_BASE_FILE_LOCK_H

#include <stdbool.h>
#include <stdio.h>

/* Takes flock(2)'s exclusive lock on an open file or folder, until `descriptor` is closed, without waiting. False when
 * another process holds it. Some network file systems have no locks: then it prints a warning that names `path` on
 * `warnings`, and the caller goes on without one. */
bool file_lock(int descriptor, const char *path, FILE *warnings);

/* The same, but waits while another process holds it, and says nothing where there are no locks: for what takes a
 * moment. */
void file_lock_wait(int descriptor);

#endif
