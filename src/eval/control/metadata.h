/* SPDX-License-Identifier: Apache-2.0 */
/* What can be predicted without looking at an image: from the camera, the site and whatever else rows->columns say of a
 * photograph, and from the order of the rows. A score that such a model reaches, too, is no evidence that images were
 * read. */
#ifndef FOVEA_EVAL_METADATA_H
#define FOVEA_EVAL_METADATA_H

#include "eval/rows.h"

/* A linear probe on an indicator for each category, the numbers (the train rows' mean where one is not known) and the
 * row's place. predictions[rows->count][eval_values()] as those of Adapter.run(). */
Status metadata_predict(const EvalRows *rows, int threads, double *predictions) MUST_USE;

#endif
