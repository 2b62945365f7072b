/* SPDX-License-Identifier: Apache-2.0 */
/* How far staging has come, on stderr: rewritten in place on a terminal, otherwise a line every half minute. */
#ifndef FOVEA_STAGE_PROGRESS_H
#define FOVEA_STAGE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t total, done; /* files wanted, and looked at in this call or before */
    int64_t skipped;     /* of `done`, by an earlier call */
    int64_t quarantined;
    uint64_t bytes; /* read by this call */
    double started, shown;
    bool terminal;
} Progress;

void progress_begin(Progress *progress, int64_t total);
/* Shows where things stand if the last time is long enough ago; `last`: in any case, and ends the line. */
void progress_show(Progress *progress, bool last);

#endif
