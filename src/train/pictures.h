/* The first pictures of a data set as evaluation sees them, held in memory: for validation and reconstructions. */
#ifndef FOVEA_PICTURES_H
#define FOVEA_PICTURES_H

#include "bad_list.h"
#include "loader.h"

typedef struct {
    int count, image_size;
    uint8_t *pixels;  /* [count][image_size][image_size][3] */
    int64_t *records; /* [count], ascending */
} Pictures;

/* Reads the first `wanted` readable pictures of options->records, fewer when it holds fewer; `options` as for training,
 * what differs is set here. Unreadable ones on the way are passed over, noted in `bad`, and borne up to max_bad. */
Status pictures_open(Pictures *pictures, LoaderOptions options, int64_t wanted, BadList *bad) MUST_USE;
void pictures_close(Pictures *pictures);

#endif
