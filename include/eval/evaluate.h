/* SPDX-License-Identifier: Apache-2.0 */
/* ./eval: checkpoints on a held-out task. docs/eval.md explains what is done in which order, and why. */
#ifndef FOVEA_EVAL_EVALUATE_H
#define FOVEA_EVAL_EVALUATE_H

#include "base/status.h"
#include "eval/options.h"

/* Prints the report and writes report.json, report.html and a model card where one is asked for. EXIT_USAGE and
 * EXIT_DATA as the options, the task file, its packs and the checkpoints deserve; EXIT_DATA, too, for a task whose
 * control finds it suspect or leaking, after the report is written. */
Status eval_run(const EvalOptions *options) MUST_USE;

#endif
