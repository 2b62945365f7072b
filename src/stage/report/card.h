/* SPDX-License-Identifier: Apache-2.0 */
/* card.md: the data card of a pack, for people. */
#ifndef FOVEA_STAGE_CARD_H
#define FOVEA_STAGE_CARD_H

#include "stage/pack/pipeline.h"
#include "stage/source/findings.h"
#include "stage/source/source.h"

/* Writes Markdown: data set, licence, processing, and counts of records and people by split, camera, kind of image and
 * eye, and of known labels. The text does not depend on time or machine. */
Status card_write(const char *path, const StageSource *source, const PipelineResult *result,
                  const Findings *findings) MUST_USE;

#endif
