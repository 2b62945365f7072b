/* SPDX-License-Identifier: Apache-2.0 */
/* The first images of a data set as evaluation sees them, in memory: for validation and reconstructions. */
#ifndef FOVEA_DATA_EVALUATION_IMAGES_H
#define FOVEA_DATA_EVALUATION_IMAGES_H

#include "data/loader.h"
#include "rundir/unreadable.h"

typedef struct {
    int count, image_size;
    uint8_t *pixels;  /* [count][image_size][image_size][3] */
    int64_t *records; /* [count], ascending */
} EvaluationImages;

/* Reads the first `wanted` readable images of options.records, fewer when there are fewer. `options` as for training;
 * this call sets what differs. Unreadable images are skipped and added to `unreadable`, up to max_unreadable of them.
 */
Status evaluation_images_open(EvaluationImages *images, LoaderOptions options, int64_t wanted,
                              UnreadableList *unreadable) MUST_USE;
void evaluation_images_close(EvaluationImages *images);

#endif
