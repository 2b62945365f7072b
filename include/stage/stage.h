/* SPDX-License-Identifier: Apache-2.0 */
/* Raw photographs to a pack: what ./stage does. */
#ifndef FOVEA_STAGE_H
#define FOVEA_STAGE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *layout; /* "aireadi" or "folder" */
    const char *root, *out;
    const char *modalities; /* aireadi: a part of "cfp,ir,faf"; NULL: cfp */
    const char *device;     /* aireadi: only this camera's, as "topcon_triton"; NULL: all */
    const char *labels, *person, *kind, *splits, *md5, *exclude; /* see SourceOptions in stage/source.h */
    int size;                                                    /* pixels a side of a record */
    double max_bad;                                              /* share of the wanted files that may be quarantined */
    int threads;                                                 /* 0: one for each core */
    int64_t shard_bytes;                                         /* of records, at most */
} StageOptions;

/* Stages a data set into options->out, or goes on where an earlier call of the same was stopped. Progress on stderr,
 * what was done on stdout. EXIT_DATA when more is quarantined than max_bad allows or something is refused (findings.tsv
 * tells); EXIT_IO when the disk is full or `out` cannot be written: run again to go on. */
Status stage_run(const StageOptions *options) MUST_USE;

/* Reads every record and shard of a pack against its checksums. EXIT_DATA naming what is damaged. */
Status stage_verify(const char *pack, int threads) MUST_USE;
/* Prints what a pack holds; `sheet` writes a contact sheet of it there, refused for a licensed one unless `anyway`. */
Status stage_info(const char *pack, const char *sheet, bool anyway) MUST_USE;
/* Gives a pack another split of its people: shares of them, keyed by the seed; files of equal content stay on one side.
 * val and test 0: prints the present one. */
Status stage_split(const char *pack, double val, double test, uint64_t seed) MUST_USE;
/* Lists every file that was derived into `pack`; with `remove` removes them. */
Status stage_forget(const char *pack, bool remove) MUST_USE;

#endif
