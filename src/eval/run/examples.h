/* SPDX-License-Identifier: Apache-2.0 */
/* A few test images for the report, each with what of it the encoder attends to. */
#ifndef FOVEA_EVAL_EXAMPLES_H
#define FOVEA_EVAL_EXAMPLES_H

#include "eval/run/subject.h"

/* A test row that was predicted rightly or wrongly, and how surely. */
typedef struct {
    int64_t row;
    bool right;
    double label, call; /* a class, or a number */
    double probability; /* of the called class; NAN for numbers */
} ExampleRow;

/* Of the test rows up to EXAMPLES_EACH that are right, those of the most probable calls first, then as many that are
 * wrong; of EVAL_MULTILABEL by the first label. Of numbers: the smallest errors, then the largest. Among equals the
 * first row comes first. Calls are those of the confusion matrices. */
void examples_choose(const EvalRows *rows, const double *predictions, ExampleRow list[EXAMPLES], int *count);

/* Sets the evaluation's examples, those of evaluation_shown(), whose encoder is open; or why there are none: licensed
 * data, an encoder that was fine-tuned. */
Status examples_draw(const Setting *setting, const TestRows *rows, Evaluation *evaluation) MUST_USE;
void examples_free(Evaluation *evaluation);

#endif
