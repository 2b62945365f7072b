/* SPDX-License-Identifier: Apache-2.0 */
/* Checking a whole pack for damage. */
#ifndef FOVEA_PACK_VERIFY_H
#define FOVEA_PACK_VERIFY_H

#include "base/status.h"

#include <stdio.h>

/* Reads every record against its checksum and every shard against its SHA-256, `threads` shards at a time (0: one for
 * each available core). Prints a line to `out` for each damaged piece, and one with the result. EXIT_DATA when there
 * was any, or no pack. */
Status pack_verify(const char *directory, int threads, FILE *out) MUST_USE;

#endif
