/* SPDX-License-Identifier: Apache-2.0 */
/* One file of a data set to one record. */
#ifndef FOVEA_STAGE_PHOTOGRAPH_H
#define FOVEA_STAGE_PHOTOGRAPH_H

#include "stage/pack/outcome.h"
#include "stage/source/source.h"

/* Reads, hashes, decodes, frames and resizes `input` into `record` [size][size][3]. What is wrong with the file becomes
 * the outcome's finding; only what is wrong with the machine (want of memory) is a failure. Any thread. */
Status photograph_stage(const char *root, const StageInput *input, int size, uint8_t *record,
                        Outcome *outcome) MUST_USE;

#endif
