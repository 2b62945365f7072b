/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this process still holds the GPUs that a pool leased to it. The pool sets FOVEA_LEASE=FILE:EPOCH, and FILE
 * contains the number of the lease that is valid. A job whose lease was taken away, and which has not ended yet, writes
 * no checkpoint: another process may be writing to the same run. */
#ifndef FOVEA_BASE_LEASE_H
#define FOVEA_BASE_LEASE_H

#include "base/status.h"

/* NULL: no lease is set, or it is valid. EXIT_REFUSED naming the file: it is gone, unreadable or contains another
 * number. EXIT_USAGE: FOVEA_LEASE is malformed. */
Status lease_check(void) MUST_USE;

#endif
