/* SPDX-License-Identifier: Apache-2.0 */
/* Stages raw photographs into a pack: ./stage aireadi and ./stage folder (docs/stage.md). */
#ifndef FOVEA_STAGE_H
#define FOVEA_STAGE_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    const char *layout; /* "aireadi" or "folder" */
    const char *root, *out;
    const char *modalities;                                      /* aireadi: a part of "cfp,ir,faf"; NULL: cfp */
    const char *device;                                          /* aireadi: only this camera; NULL: all */
    const char *labels, *person, *kind, *splits, *md5, *exclude; /* as in SourceOptions (stage/source/source.h) */
    int size;                                                    /* pixels a side of a record */
    double max_bad;                                              /* share of the files that may be quarantined */
    double max_unlabelled;                                       /* share of the images that may be in no table's row */
    int threads;                                                 /* 0: one for each available core */
    int64_t shard_bytes;                                         /* of records, at most */
} StageOptions;

/* Stages a data set into options->out, or resumes an earlier call of the same. Progress on stderr, a summary on stdout.
 * EXIT_DATA when more files are quarantined than max_bad allows, when more are in no row of the tables than
 * max_unlabelled allows, or when a finding is refused (findings.tsv has the reasons); EXIT_IO when the disk is full or
 * `out` cannot be written: run again to resume. */
Status stage_run(const StageOptions *options) MUST_USE;

#endif
