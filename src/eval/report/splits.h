/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in each split of a task, as reports print it. */
#ifndef FOVEA_EVAL_SPLITS_H
#define FOVEA_EVAL_SPLITS_H

#include "eval/rows.h"

enum { SPLITS = 3 }; /* a ProbeSplit each */

/* Of the images with a known label. */
typedef struct {
    int64_t images, people; /* people: -1 where some are not known */
    int64_t *classes;       /* [class_count]: images of each class; of EVAL_MULTILABEL those with each label;
                               NULL in EVAL_REGRESSION */
    int class_count;
    double mean, deviation; /* of the labels in EVAL_REGRESSION; else NAN */
} Split;

/* Free with splits_free() either way. */
Status splits_count(const EvalRows *rows, Split splits[SPLITS]) MUST_USE;
void splits_free(Split splits[SPLITS]);

/* "train", "val", "test". */
const char *split_name(ProbeSplit split);

#endif
