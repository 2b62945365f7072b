/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded ring of batches filled by worker threads, in order.
 *
 * Workers fill samples one by one, in order of batch and place, up to `depth` batches ahead of the consumer; a batch is
 * handed out when all its samples are done. A sample depends only on its number, so the number of workers changes only
 * the time. */
#ifndef FOVEA_DATA_PREFETCH_H
#define FOVEA_DATA_PREFETCH_H

#include "base/arena.h"
#include "base/status.h"
#include "device/device.h"
#include "ops/ops.h"
#include <stddef.h>
#include <stdint.h>

/* Writes sample `place` of batch `batch` to `out` (sample_bytes of it; NULL where they are 0), the number of the record
 * used to `record` and, where the ring has them (else `crop` or `extra` is NULL), the part of it to show to `crop` and
 * further numbers of the sample to `extra`.
 * Called from worker threads, several at once. A failure ends the ring: prefetch_next() still hands out the batches
 * before the lowest sample that failed; each later call returns that sample's failure. */
typedef Status (*PrefetchFill)(void *context, uint64_t batch, int place, void *out, int64_t *record, Crop *crop,
                               int32_t *extra);

typedef struct {
    PrefetchFill fill;
    void *context;
    uint64_t first_batch; /* number of the first batch */
    int batch_size;       /* samples a batch */
    size_t sample_bytes;  /* 0: samples are records and crops alone */
    bool crops;           /* a Crop beside each sample */
    int extra;            /* numbers beside each sample, for the caller's own use */
    const Device
        *device; /* borrowed; copies samples, crops and extra numbers from the ring, which is its pinned memory */
    int depth;   /* batches in the ring, at least 1 */
    int workers; /* threads, at least 1 */
} PrefetchOptions;

typedef struct {
    uint64_t number;        /* which batch */
    const void *samples;    /* [batch_size][sample_bytes], or NULL */
    const int64_t *records; /* [batch_size] */
    const Crop *crops;      /* [batch_size], or NULL */
    const int32_t *extras;  /* [batch_size][extra], or NULL */
    int ready; /* full batches in the ring when it was requested, this one included; 0: prefetch_next() waited */
} PrefetchBatch;

typedef struct Prefetch Prefetch;

/* The ring's samples, crops, extra numbers and records, added to a measuring arena. */
void prefetch_measure(const PrefetchOptions *options, Arena *host);
/* Allocates the ring and starts the workers. */
Status prefetch_open(const PrefetchOptions *options, Prefetch **prefetch) MUST_USE;
/* Waits for the next batch; it stays valid until its prefetch_done(). The caller may hold up to `depth` batches.
 */
Status prefetch_next(Prefetch *prefetch, PrefetchBatch *batch) MUST_USE;
/* Returns the slot of the oldest batch held to the workers. */
void prefetch_done(Prefetch *prefetch);
/* Hands the batches still held out again, oldest first. */
void prefetch_rewind(Prefetch *prefetch);
/* Stops and joins the workers and frees the ring. NULL is allowed. */
void prefetch_close(Prefetch *prefetch);

#endif
