/* SPDX-License-Identifier: Apache-2.0 */
/* What a labelled objective trains towards: the labels of the training and validation images, checked. */
#ifndef FOVEA_TRAIN_TARGETS_H
#define FOVEA_TRAIN_TARGETS_H

#include "data/labels.h"
#include "model/model.h"
#include "train/config.h"

/* All zero for an objective without labels. */
typedef struct {
    Task task;
    int classes;       /* as ModelShape.classes */
    Labels train, val; /* in TASK_REGRESS standardised; val without columns: no validation images */
    float *weights;    /* [outputs] of the loss, see vit_set_weights(); NULL: all 1 */
    double *mean, *sd; /* [classes] in TASK_REGRESS: of the known labels of the training images */
} Targets;

/* Reads data.label of the records, or takes `given` in its place (labels_take(); NULL: none); `val` may have none.
 * Groups the training records, so that those without a label are
 * not shown and, with data.balance, classes equally often. EXIT_DATA naming the label and the remedy: labels that the
 * objective cannot have, classes without a training image, a constant label, a person on both sides. */
Status targets_open(const Config *config, Records *train, const Records *val, const double *given,
                    Targets *targets) MUST_USE;
void targets_close(Targets *targets);

/* Classes as far as the configuration alone says: 2 where the labels decide. */
int targets_classes(const Config *config);
Task targets_task(const Config *config);

#endif
