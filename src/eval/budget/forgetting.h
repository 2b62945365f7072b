/* SPDX-License-Identifier: Apache-2.0 */
/* What a further training of a masked autoencoder forgot of a set of images: the losses of its weights before and after
 * it, on the same images under the same masks. */
#ifndef FOVEA_EVAL_FORGETTING_H
#define FOVEA_EVAL_FORGETTING_H

#include "data/records.h"
#include "eval/rows.h"
#include "eval/score/estimate.h"
#include "train/config.h"

typedef struct {
    const Config *config;   /* of the further training: the model, its masks and its loss are those of both */
    const Config *before;   /* of the training before, where it is known; else NULL */
    const char *old, *new;  /* files of weights, before and after */
    const EvalRows *rows;   /* of which val and test are looked at, by person; labels are not */
    const Records *records; /* their images */
    const int64_t *record;  /* [rows->count], of each row */
    int bootstraps;         /* at least 2 */
    uint64_t seed;          /* of the people that the bootstrap draws */
    int threads;            /* of the bootstrap, at least 1; changes no number */
} ForgettingInput;

typedef struct {
    double old, new;        /* mean losses of the images */
    double difference;      /* new - old: above 0 it forgot */
    Interval interval;      /* of the difference, paired: both losses of the same draws of people */
    const char *reason;     /* why there is no interval; NULL where there is one */
    int64_t images, people; /* people: -1 where some are not known */
} Forgetting;

/* EXIT_USAGE when `config` is no masked autoencoder's. EXIT_DATA naming the key in which the training before had
 * another model or loss; naming file and tensor when weights are an encoder alone, of another shape, patch or image
 * size; when no val or test image can be read, or a loss is not finite. */
Status forgetting_measure(const ForgettingInput *input, Forgetting *forgetting) MUST_USE;

#endif
