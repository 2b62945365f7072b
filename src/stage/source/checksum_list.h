/* SPDX-License-Identifier: Apache-2.0 */
/* The download's list of MD5 sums (--md5). */
#ifndef FOVEA_STAGE_CHECKSUM_LIST_H
#define FOVEA_STAGE_CHECKSUM_LIST_H

#include "stage/source/source.h"

#include <stdio.h>

/* Enters the sums of the list at `list` (NULL: none was given) into the inputs, and checks the tables (below the root,
 * ends with NULL; or NULL) against theirs. Files without a sum are reported as a warning. EXIT_DATA as md5_list_read(),
 * and for a table that differs from the list. */
Status checksum_list_apply(const char *list, const char *const *tables, StageSource *source, FILE *notes) MUST_USE;

#endif
