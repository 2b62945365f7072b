/* SPDX-License-Identifier: Apache-2.0 */
/* The charts of a report's page, each with its heading, only where there is something to draw. */
#ifndef FOVEA_EVAL_HTML_CHARTS_H
#define FOVEA_EVAL_HTML_CHARTS_H

#include "eval/report/evaluation.h"

#include <stdio.h>

/* ROC, precision and recall, calibration, decision curve: of checkpoints where the task is one yes-or-no label or a
 * number, else of evaluation_shown()'s classes or labels. */
void html_curves(const Evaluation *ev, FILE *out);
/* The score over the share of a training. */
Status html_budget(const Evaluation *ev, FILE *out) MUST_USE;
/* The verdicts with their reasons, and the scrambled scores. */
void html_control(const Evaluation *ev, FILE *out);

#endif
