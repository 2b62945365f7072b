/* SPDX-License-Identifier: Apache-2.0 */
/* Where a data file is that comes with the programs. */
#ifndef FOVEA_BASE_DATA_FILE_H
#define FOVEA_BASE_DATA_FILE_H

#include "base/status.h"

/* The path of `name`, such as "data/pretraining.tsv": in the current folder, else beside the program or where
 * `make install` puts it; the caller's. *path is NULL when it is in none of them. */
Status data_file_find(const char *name, char **path) MUST_USE;

#endif
