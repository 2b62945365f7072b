/* SPDX-License-Identifier: Apache-2.0 */
/* What a further training of a masked autoencoder forgot of a set of images: the losses of its weights before and after
 * it, on the same images under the same masks. */
#ifndef FOVEA_EVAL_FORGETTING_H
#define FOVEA_EVAL_FORGETTING_H

#include "data/records.h"
#include "eval/rows.h"
#include "eval/score/estimate.h"

typedef struct {
    const char *old, *new; /* before and after, as in encoder_source_open(); the new one of a run, whose configuration
                            * says what the model, its masks and its loss are */
    char *const *sets;     /* "section.key=value" [set_count] over that configuration, such as train.device */
    int set_count;
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

/* EXIT_USAGE when the new weights are of no run, or either of a training towards labels or random. EXIT_DATA naming the
 * key in which the run before had another model or loss, where it is known; naming file and tensor when weights are an
 * encoder alone, of another shape, patch or image size; when no val or test image can be read, or a loss is not finite.
 */
Status forgetting_measure(const ForgettingInput *input, Forgetting *forgetting) MUST_USE;

#endif
