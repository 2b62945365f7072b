/* SPDX-License-Identifier: Apache-2.0 */
/* What all reports say in words: how figures were made, and what they cannot show. */
#ifndef FOVEA_EVAL_STATEMENTS_H
#define FOVEA_EVAL_STATEMENTS_H

#include "eval/report/evaluation.h"

typedef struct {
    char **list; /* [count], sentences without markup */
    int64_t count, capacity;
} Statements;

/* How the figures were made, from features to intervals. */
Status statements_methods(const Evaluation *evaluation, Statements *statements) MUST_USE;
/* What weakens them, of this evaluation and of any. */
Status statements_limits(const Evaluation *evaluation, Statements *statements) MUST_USE;
/* Free with this either way. */
void statements_free(Statements *statements);

#endif
