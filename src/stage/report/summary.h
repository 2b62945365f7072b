/* SPDX-License-Identifier: Apache-2.0 */
/* What decided about the records of a pack: counts by split, labels, classes, findings and warnings. */
#ifndef FOVEA_STAGE_SUMMARY_H
#define FOVEA_STAGE_SUMMARY_H

#include "stage/pack/pipeline.h"
#include "stage/source/findings.h"
#include "stage/source/source.h"

/* Markdown, the caller's: how the tables were read; packed photographs and people by split, camera, kind and eye;
 * labels with their values, columns that are none and why, classes with their numbers; findings and warnings. It does
 * not depend on time or machine. The card and the end of a call are this text. */
Status summary_print(const StageSource *source, const PipelineResult *result, const Findings *findings,
                     char **summary) MUST_USE;
/* Writes card.md, the data card of a pack: data set, licence, processing and the summary. */
Status summary_write_card(const char *path, const StageSource *source, const PipelineResult *result,
                          const char *summary) MUST_USE;

#endif
