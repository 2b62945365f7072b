/* SPDX-License-Identifier: Apache-2.0 */
/* Runs another program to its end and keeps what it prints. */
#ifndef FOVEA_POOL_SWEEP_CHILD_H
#define FOVEA_POOL_SWEEP_CHILD_H

#include "base/status.h"

typedef struct {
    char *output; /* what it printed on standard output, up to CHILD_OUTPUT bytes; owned */
    char *errors; /* on standard error; owned */
    int exit;     /* 128 + n after signal n */
} Child;

enum { CHILD_OUTPUT = 4 << 20 };

/* Runs `arguments` (ending in NULL; the program is looked up in PATH) in `folder` (NULL: this one) with `environment`
 * (ending in NULL), and without standard input. Code 127 when the program is not there, 126 when it cannot be run.
 * Thread-safe. Free with child_free() either way. */
Status child_run(char *const *arguments, const char *folder, char *const *environment, Child *child) MUST_USE;
void child_free(Child *child);

#endif
