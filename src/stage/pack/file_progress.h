/* SPDX-License-Identifier: Apache-2.0 */
/* How far staging has come, on stderr: rewritten in place on a terminal, otherwise a line every half minute. */
#ifndef FOVEA_STAGE_FILE_PROGRESS_H
#define FOVEA_STAGE_FILE_PROGRESS_H

#include "base/progress.h"

#include <stdint.h>

typedef struct {
    Progress line;
    int64_t total, done; /* files to stage, and those staged by this call or an earlier one */
    int64_t skipped;     /* of `done`, by an earlier call */
    int64_t quarantined;
    uint64_t bytes; /* read by this call */
    double started;
} FileProgress;

void file_progress_begin(FileProgress *progress, int64_t total);
/* Shows the counts if they were last shown long enough ago. */
void file_progress_show(FileProgress *progress);
/* Shows the final counts and ends the line. */
void file_progress_end(FileProgress *progress);

#endif
