/* SPDX-License-Identifier: Apache-2.0 */
/* Images by label and prediction. */
#ifndef FOVEA_EVAL_CONFUSION_H
#define FOVEA_EVAL_CONFUSION_H

#include "eval/score/selection.h"
#include "stats/threshold.h"

typedef struct {
    const char *rule; /* "most probable", "p >= 0.5", "threshold_youden" or "threshold_spec90"; static */
    int part;         /* of EVAL_MULTILABEL the label; else -1 */
    int classes;
    int64_t *counts; /* [class of the label][class of the prediction] */
} Confusion;

/* One for each rule of the kind and each label; none of EVAL_REGRESSION, nor of a threshold that val did not give. Free
 * with confusions_free() either way. */
Status confusions_measure(const Selection *selection, const ThresholdFigures *thresholds, Confusion **list,
                          int *count) MUST_USE;
void confusions_free(Confusion *list, int count);

#endif
