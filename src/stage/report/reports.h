/* SPDX-License-Identifier: Apache-2.0 */
/* The tables that staging leaves beside the shards: findings.tsv, quarantine.tsv, manifest-sha256.txt. */
#ifndef FOVEA_STAGE_REPORTS_H
#define FOVEA_STAGE_REPORTS_H

#include "stage/pack/output.h"
#include "stage/pack/pipeline.h"
#include "stage/source/findings.h"
#include "stage/source/source.h"

/* Enters the rejected outcomes, and records that look alike, into `findings`. */
Status reports_gather(const Output *output, const StageSource *source, const PipelineResult *result,
                      Findings *findings) MUST_USE;
/* Writes findings.tsv and quarantine.tsv (path, SHA-256 of a readable file, stage, reason). `result` may be empty,
 * before any file was opened. */
Status reports_write(const Output *output, const StageSource *source, const PipelineResult *result,
                     Findings *findings) MUST_USE;
/* Writes the shards' SHA-256 for sha256sum -c. */
Status reports_write_hashes(const Output *output, const PipelineResult *result) MUST_USE;

#endif
