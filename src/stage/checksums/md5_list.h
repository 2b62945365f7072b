/* SPDX-License-Identifier: Apache-2.0 */
/* The list of MD5 sums that comes with a download: lines as md5sum or azcopy print them (md5_lines.h), or a table whose
 * columns nobody has documented, so they are found by what they hold. */
#ifndef FOVEA_STAGE_MD5_LIST_H
#define FOVEA_STAGE_MD5_LIST_H

#include "base/status.h"
#include "stage/checksums/md5_text.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *path; /* below the root */
    char *md5;        /* [MD5_TEXT], "" before: takes the sum in lower case digits */
    bool whole;       /* a path of the list that is shorter, such as the name alone, is of another file */
} Md5File;

/* Enters the sums that the list at `path` has of these files; others in it are passed over. EXIT_DATA naming file and
 * line when a line cannot be understood, may be of two of the files, or gives one another sum; when it has none. */
Status md5_list_read(const char *path, Md5File *files, int64_t count) MUST_USE;

#endif
