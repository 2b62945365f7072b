/* SPDX-License-Identifier: Apache-2.0 */
/* Turns one file of a data set into one record. */
#ifndef FOVEA_STAGE_PHOTOGRAPH_H
#define FOVEA_STAGE_PHOTOGRAPH_H

#include "stage/pack/outcome.h"
#include "stage/source/source.h"

/* Reads, hashes, decodes, frames and resizes `input` into `record` [size][size][3]. A problem with the file becomes the
 * outcome's finding; only a problem of the machine, such as a lack of memory, is a failure. Any thread. */
Status photograph_stage(const char *root, const StageInput *input, int size, uint8_t *record,
                        Outcome *outcome) MUST_USE;

#endif
