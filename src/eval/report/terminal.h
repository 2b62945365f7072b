/* SPDX-License-Identifier: Apache-2.0 */
/* An evaluation as text: a line a checkpoint, then the figures and subgroups of evaluation_shown(), then what to know
 * of them. */
#ifndef FOVEA_EVAL_TERMINAL_H
#define FOVEA_EVAL_TERMINAL_H

#include "eval/report/evaluation.h"

#include <stdio.h>

Status report_print(const Evaluation *evaluation, FILE *out) MUST_USE;

#endif
