/* SPDX-License-Identifier: Apache-2.0 */
/* The list of MD5 sums of a download: lines as md5sum or azcopy print them (md5_lines.h), or a table, whose columns are
 * undocumented and therefore recognised by their contents. */
#ifndef FOVEA_STAGE_MD5_LIST_H
#define FOVEA_STAGE_MD5_LIST_H

#include "base/status.h"
#include "stage/checksums/md5_lines.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *path; /* below the root */
    char *md5;        /* [MD5_TEXT], "" before; receives the sum in lower-case digits */
    bool whole;       /* only its whole path in the list matches, not its name alone */
} Md5File;

/* Enters the sums that the list at `path` has for these files, ignoring other files in it. EXIT_DATA naming file and
 * line when a line is malformed, may mean two of the files, or contradicts an earlier sum; also when the list has no
 * sum for any of the files. */
Status md5_list_read(const char *path, Md5File *files, int64_t count) MUST_USE;

#endif
