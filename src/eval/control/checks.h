/* SPDX-License-Identifier: Apache-2.0 */
/* What a split must be like for a score to mean something, counted over the rows with a label. */
#ifndef FOVEA_EVAL_CHECKS_H
#define FOVEA_EVAL_CHECKS_H

#include "eval/rows.h"

typedef struct {
    int64_t images;                             /* all that follow are among these */
    int64_t people_shared, copies_shared;       /* people, and photographs, on two sides: in two of train, val, test */
    int64_t images_of_nobody;                   /* whose person is not known */
    int64_t test_images, test_people;           /* an image of nobody counts as a person */
    int64_t test_people_in, test_people_beside; /* with a label of the commonest class of test, and with another: of
                                                   several labels, those of the label where the fewer of the two are
                                                   most; of numbers half of everyone each */
} ControlChecks;

Status checks_count(const EvalRows *rows, ControlChecks *checks) MUST_USE;

#endif
