/* SPDX-License-Identifier: Apache-2.0 */
/* What trained weights make of images, one by one. */
#ifndef FOVEA_TRAIN_EVALUATE_H
#define FOVEA_TRAIN_EVALUATE_H

#include "data/records.h"
#include "train/config.h"

typedef struct {
    const Config *config;   /* of the training; in FP8 it is evaluated in BF16 */
    const double *labels;   /* as TrainOptions.labels: their scale and classes; NULL where there are none */
    const char *weights;    /* a file, as init.from takes it */
    const Records *records; /* the images */
    const bool *wanted;     /* [records->count] which of them */
} EvaluateInput;

/* For each record, as validations see it, values [records->count][width], the caller's: of objective mae (width 1) the
 * loss under its fixed mask, which depends on its number and the patches alone; of the labelled objectives the
 * predictions, probabilities of classes or labels, or numbers in the labels' unit. NAN where a record is not wanted or
 * cannot be read. EXIT_DATA naming the tensor when the weights are not whole, of another shape or image size. */
Status evaluate_images(const EvaluateInput *input, double **values, int *width) MUST_USE;

#endif
