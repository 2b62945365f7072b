/* SPDX-License-Identifier: Apache-2.0 */
/* The release of AI-READI below a root. */
#ifndef FOVEA_STAGE_VERSION_H
#define FOVEA_STAGE_VERSION_H

#include "base/status.h"

/* The version in dataset_description.json, else the highest in a heading of CHANGELOG.md, else "unknown"; the caller's.
 * EXIT_DATA when dataset_description.json is not JSON. */
Status version_read(const char *root, char **version) MUST_USE;

#endif
