/* SPDX-License-Identifier: Apache-2.0 */
/* The first images of a data set as evaluation sees them, held in memory: for validation and reconstructions. */
#ifndef FOVEA_DATA_EVALUATION_IMAGES_H
#define FOVEA_DATA_EVALUATION_IMAGES_H

#include "data/loader.h"
#include "rundir/unreadable.h"

typedef struct {
    int count, image_size;
    uint8_t *pixels;  /* [count][image_size][image_size][3] */
    int64_t *records; /* [count], ascending */
} EvaluationImages;

/* Reads the first `wanted` readable images of options->records, fewer when it holds fewer; `options` as for training,
 * what differs is set here. Unreadable ones on the way are passed over, noted in `unreadable`, and borne up to max_bad.
 */
Status evaluation_images_open(EvaluationImages *images, LoaderOptions options, int64_t wanted,
                              UnreadableList *unreadable) MUST_USE;
void evaluation_images_close(EvaluationImages *images);

#endif
