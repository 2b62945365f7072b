/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of a pack: which there are, with which values, and which columns became none. */
#ifndef FOVEA_STAGE_LABEL_SUMMARY_H
#define FOVEA_STAGE_LABEL_SUMMARY_H

#include "stage/pack/pipeline.h"
#include "stage/source/source.h"

#include <stdio.h>

/* Writes Markdown tables: for each label the packed photographs that it is known for, by split, those it is unknown
 * for, and its values; columns that are no label, with the reason; and the classes with numbers, photographs and
 * people. */
Status label_summary_write(FILE *out, const StageSource *source, const PipelineResult *result) MUST_USE;

#endif
