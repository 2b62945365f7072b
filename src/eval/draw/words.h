/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as people read them: the texts that all reports share. What is not defined is "n/a". */
#ifndef FOVEA_EVAL_WORDS_H
#define FOVEA_EVAL_WORDS_H

#include "eval/score/estimate.h"

enum { WORDS_TEXT = 320 };

typedef struct {
    char text[WORDS_TEXT];
} Words;

Words words_number(double value);                                     /* three decimals, fewer from 10 on */
Words words_count(int64_t count);                                     /* 12,345; below 0: n/a */
Words words_plural(int64_t count, const char *one, const char *many); /* "1 person", "12,345 people" */
Words words_percent(double share);                                    /* of 0 to 1 */
Words words_p_is(double p);                                           /* "p = 0.012", "p < 0.001" */
Words words_p(double p);                                              /* "< 0.001" below that */
Words words_range(const Interval *interval);                          /* "0.770 to 0.851" */
Words words_value(double value, const Interval *interval);            /* "0.812 (0.770 to 0.851)" */
Words words_date(double seconds);                                     /* since 1970; UTC */

/* What a figure is called in a sentence, "AUROC"; its own name where it has no other. */
const char *words_title(const char *name);

/* What a part of the task is called: the label of EVAL_BINARY and EVAL_MULTILABEL, or "class 2". */
Words words_part(const EvalRows *rows, char *const *labels, int part);
/* A figure with what it is of: "AUROC of one against the rest, class 2", "Net benefit at 0.2". */
Words words_figure(const Estimate *estimate, const EvalRows *rows, char *const *labels);

#endif
