/* SPDX-License-Identifier: Apache-2.0 */
/* What a pack is, for people: card.md. */
#ifndef FOVEA_STAGE_CARD_H
#define FOVEA_STAGE_CARD_H

#include "stage/pack/pipeline.h"
#include "stage/source/findings.h"
#include "stage/source/source.h"

/* Markdown: data set, licence, what was done, and counts of records and people by split, camera, kind of image, eye,
 * and of known labels. Nothing in it depends on time or machine. */
Status card_write(const char *path, const StageSource *source, const PipelineResult *result,
                  const Findings *findings) MUST_USE;

#endif
