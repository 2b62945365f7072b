/* SPDX-License-Identifier: Apache-2.0 */
/* AI-READI (fairhub.io), releases 1 to 3. */
#ifndef FOVEA_STAGE_SOURCE_AIREADI_H
#define FOVEA_STAGE_SOURCE_AIREADI_H

#include "stage/source/findings.h"
#include "stage/source/source.h"

/* Reads the tables and the tree below options->root. A problem with a single file rejects the input and becomes a
 * finding. A problem that makes the whole data set untrustworthy (a person on two sides of a split, a path that leads
 * outside the root) fails with EXIT_DATA after all of them have been entered into `findings`. Missing files or columns:
 * EXIT_DATA naming file, line and column. */
Status source_aireadi(const SourceOptions *options, StageSource *source, Findings *findings) MUST_USE;

#endif
