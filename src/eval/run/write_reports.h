/* SPDX-License-Identifier: Apache-2.0 */
/* Where the reports of an evaluation go. */
#ifndef FOVEA_EVAL_WRITE_REPORTS_H
#define FOVEA_EVAL_WRITE_REPORTS_H

#include "eval/options.h"
#include "eval/report/evaluation.h"

/* Before anything is learnt: makes the folders that the reports will go to. EXIT_IO; EXIT_USAGE when a card is no file.
 */
Status evaluation_report_check(const Evaluation *evaluation, const EvalOptions *options) MUST_USE;

/* Prints the report, writes its files into options->out, or by default beside the features of the first checkpoint, and
 * the card where options->card asks for one; prints their paths. EXIT_IO. */
Status evaluation_report(const Evaluation *evaluation, const EvalOptions *options) MUST_USE;

#endif
