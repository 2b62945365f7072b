/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a task's test split: a line for each checkpoint that was tested on it, beside the task file, as
 * TASK.reads.jsonl. Whoever tests until a score pleases leaves a trace. */
#ifndef FOVEA_EVAL_TEST_READS_H
#define FOVEA_EVAL_TEST_READS_H

#include "eval/report/evaluation.h"

/* Before anything is learnt: whether the log of the evaluation's test split can be written and read. An empty one is
 * made where there is none. Fails as below. */
Status test_reads_check(const Evaluation *evaluation) MUST_USE;

/* Adds a line for each checkpoint of the evaluation, whose scores are not looked at yet, in one write that is on the
 * disk on return, and sets its reads_before: how many lines with the same images and labels were there. EXIT_IO when
 * the log cannot be written: nothing may be tested then. EXIT_DATA when it is damaged. */
Status test_reads_add(Evaluation *evaluation) MUST_USE;

/* The log's path, the caller's. */
Status test_reads_path(const char *task_path, char **path) MUST_USE;

#endif
