/* SPDX-License-Identifier: Apache-2.0 */
/* report.json: an evaluation for other programs. docs/report.md describes the fields. */
#ifndef FOVEA_EVAL_JSON_H
#define FOVEA_EVAL_JSON_H

#include "eval/report/evaluation.h"

/* Figures in full, no row of a person. EXIT_IO when `path` cannot be written. */
Status report_write_json(const Evaluation *evaluation, const char *path) MUST_USE;

#endif
