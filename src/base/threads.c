/* SPDX-License-Identifier: Apache-2.0 */
#include "base/threads.h"

#include <stdlib.h>
#include <unistd.h>

void threads_wait_passively(char **arguments) {
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY"))
        return;
    /* Some microseconds: longer than the gap between two kernels of a step, shorter than a scheduler's slice. */
    if (setenv("GOMP_SPINCOUNT", "1000", 1) == 0)
        execv("/proc/self/exe", arguments); /* where it fails the program is only slower */
}
