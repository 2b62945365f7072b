/* SPDX-License-Identifier: Apache-2.0 */
#include "data/prefetch.h"
#include "base/numa.h"
#include "base/threads.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 }; /* a cache line */

struct Prefetch {
    PrefetchOptions options;
    size_t batch_bytes; /* from one batch to the next in the ring */
    uint8_t *samples;   /* [depth][batch_bytes] */
    int64_t *records;   /* [depth][batch_size] */
    Crop *crops;        /* [depth][batch_size], or NULL */
    int32_t *extras;    /* [depth][batch_size][extra], or NULL */
    Threads threads;

    /* What follows is guarded by the lock; samples and records are written outside it, each by the one worker that
     * claimed it, and published by counting it in `filled`. Samples and batches count from the ring's start. */
    pthread_mutex_t lock;
    pthread_cond_t space; /* signals workers: a batch was returned, or they must stop */
    pthread_cond_t ready; /* signals the consumer: a batch is full, or all workers rest after a failure */
    int *filled;          /* [depth] samples that are done */
    uint64_t claimed;     /* samples handed to workers */
    uint64_t consumed;    /* batches returned */
    int busy;             /* workers inside fill */
    int held;             /* batches that the consumer has */
    bool stop;
    Status error;    /* of the lowest sample that failed */
    uint64_t failed; /* that sample */
};

static int slot_of(const Prefetch *prefetch, uint64_t batch) {
    return (int)(batch % (uint64_t)prefetch->options.depth);
}

static uint8_t *samples_of(const Prefetch *prefetch, size_t slot) {
    return prefetch->samples ? prefetch->samples + slot * prefetch->batch_bytes : NULL;
}

static Status fill_sample(Prefetch *prefetch, uint64_t sample) {
    const PrefetchOptions *options = &prefetch->options;
    uint64_t batch = sample / (uint64_t)options->batch_size;
    size_t place = (size_t)(sample % (uint64_t)options->batch_size), slot = (size_t)slot_of(prefetch, batch);
    const size_t at = slot * (size_t)options->batch_size + place;
    uint8_t *out = samples_of(prefetch, slot);
    return options->fill(options->context, options->first_batch + batch, (int)place,
                         out ? out + place * options->sample_bytes : NULL, prefetch->records + at,
                         prefetch->crops ? prefetch->crops + at : NULL,
                         prefetch->extras ? prefetch->extras + at * (size_t)options->extra : NULL);
}

/* Records the outcome of a sample; the caller has the lock. The consumer is woken only for a full batch or a failure:
 * waking it for each sample would take more processor time than copying one from a pack. */
static void enter_result(Prefetch *prefetch, uint64_t sample, Status status) {
    bool full = false;
    prefetch->busy--;
    if (!status) {
        int *filled = &prefetch->filled[slot_of(prefetch, sample / (uint64_t)prefetch->options.batch_size)];
        full = ++*filled == prefetch->options.batch_size;
    } else if (!prefetch->error || sample < prefetch->failed) {
        status_free(prefetch->error);
        prefetch->error = status;
        prefetch->failed = sample;
    } else {
        status_free(status);
    }
    if (full || prefetch->error)
        pthread_cond_signal(&prefetch->ready);
}

static void *run_worker(void *argument) {
    Prefetch *prefetch = argument;
    cpu_set_t everywhere;
    numa_bind(prefetch->options.device->pci, &everywhere);
    uint64_t batch_size = (uint64_t)prefetch->options.batch_size, depth = (uint64_t)prefetch->options.depth;
    pthread_mutex_lock(&prefetch->lock);
    for (;;) {
        while (!prefetch->stop && !prefetch->error && prefetch->claimed / batch_size >= prefetch->consumed + depth)
            pthread_cond_wait(&prefetch->space, &prefetch->lock);
        if (prefetch->stop || prefetch->error)
            break;
        uint64_t sample = prefetch->claimed++;
        prefetch->busy++;
        pthread_mutex_unlock(&prefetch->lock);
        Status status = fill_sample(prefetch, sample);
        pthread_mutex_lock(&prefetch->lock);
        enter_result(prefetch, sample, status);
    }
    pthread_mutex_unlock(&prefetch->lock);
    return NULL;
}

/* From one batch to the next in the ring; SIZE_MAX where the ring exceeds the address space. */
static size_t batch_stride(const PrefetchOptions *options) {
    size_t bytes;
    if (__builtin_mul_overflow((size_t)options->batch_size, options->sample_bytes, &bytes) ||
        bytes > SIZE_MAX / (size_t)options->depth - ALIGNMENT)
        return SIZE_MAX;
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void prefetch_measure(const PrefetchOptions *options, Arena *host) {
    size_t depth = (size_t)options->depth, stride = batch_stride(options);
    arena_group(host, "ring of batches");
    arena_take(host, stride == SIZE_MAX ? SIZE_MAX : depth * stride);
    arena_take(host, depth * (size_t)options->batch_size * sizeof(int64_t));
    arena_take(host, options->crops ? depth * (size_t)options->batch_size * sizeof(Crop) : 0);
    arena_take(host, depth * (size_t)options->batch_size * (size_t)options->extra * sizeof(int32_t));
}

static Status allocate_ring(Prefetch *prefetch) {
    const PrefetchOptions *options = &prefetch->options;
    size_t depth = (size_t)options->depth, batch_size = (size_t)options->batch_size;
    prefetch->batch_bytes = batch_stride(options);
    if (prefetch->batch_bytes == SIZE_MAX)
        return status_error(EXIT_NO_MEMORY, "%zu batches of %zu samples of %zu bytes exceed the address space", depth,
                            batch_size, options->sample_bytes);
    /* The thread that allocates pinned memory decides where its pages are: near the device, as the workers are. */
    cpu_set_t everywhere;
    numa_bind(options->device->pci, &everywhere);
    Status taken = NULL;
    if (options->sample_bytes)
        taken = options->device->allocate_pinned(options->device, depth * prefetch->batch_bytes, "the ring of batches",
                                                 (void **)&prefetch->samples);
    numa_restore(&everywhere);
    TRY(taken);
    if (options->crops)
        TRY(options->device->allocate_pinned(options->device, depth * batch_size * sizeof *prefetch->crops,
                                             "the ring's crops", (void **)&prefetch->crops));
    if (options->extra)
        TRY(options->device->allocate_pinned(options->device,
                                             depth * batch_size * (size_t)options->extra * sizeof *prefetch->extras,
                                             "the ring's extra numbers", (void **)&prefetch->extras));
    prefetch->records = calloc(depth * batch_size, sizeof *prefetch->records);
    prefetch->filled = calloc(depth, sizeof *prefetch->filled);
    if (!prefetch->records || !prefetch->filled)
        return status_no_memory("the ring of batches", depth * prefetch->batch_bytes);
    return NULL;
}

Status prefetch_open(const PrefetchOptions *options, Prefetch **out) {
    *out = NULL;
    if (options->batch_size < 1 || options->depth < 1 || options->workers < 1)
        return status_error(EXIT_INTERNAL, "a ring cannot have %d batches of %d samples and %d workers", options->depth,
                            options->batch_size, options->workers);
    Prefetch *prefetch = calloc(1, sizeof *prefetch);
    if (!prefetch)
        return status_no_memory("the ring of batches", sizeof *prefetch);
    prefetch->options = *options;
    pthread_mutex_init(&prefetch->lock, NULL);
    pthread_cond_init(&prefetch->space, NULL);
    pthread_cond_init(&prefetch->ready, NULL);
    Status status = allocate_ring(prefetch);
    if (!status)
        status = threads_start(&prefetch->threads, options->workers, "decoding", run_worker, prefetch);
    if (status)
        prefetch_close(prefetch);
    else
        *out = prefetch;
    return status;
}

/* Full batches in a row from `next` on; the caller has the lock. */
static int count_ready(const Prefetch *prefetch, uint64_t next) {
    const int most = prefetch->options.depth - prefetch->held;
    int ready = 0;
    while (ready < most && prefetch->filled[slot_of(prefetch, next + (uint64_t)ready)] == prefetch->options.batch_size)
        ready++;
    return ready;
}

Status prefetch_next(Prefetch *prefetch, PrefetchBatch *batch) {
    const PrefetchOptions *options = &prefetch->options;
    Status status = NULL;
    pthread_mutex_lock(&prefetch->lock);
    const uint64_t next = prefetch->consumed + (uint64_t)prefetch->held;
    if (prefetch->held == options->depth) {
        pthread_mutex_unlock(&prefetch->lock);
        return status_error(EXIT_INTERNAL, "a batch was requested while all %d of the ring were held", options->depth);
    }
    size_t slot = (size_t)slot_of(prefetch, next);
    const int ready = count_ready(prefetch, next);
    /* After a failure the workers have filled every batch before it: those are still handed out, so that the step at
     * which a run stops does not depend on the workers' speed. */
    while (prefetch->filled[slot] < options->batch_size && !(prefetch->error && !prefetch->busy))
        pthread_cond_wait(&prefetch->ready, &prefetch->lock);
    if (prefetch->filled[slot] == options->batch_size) {
        prefetch->held++;
        const size_t first = slot * (size_t)options->batch_size;
        *batch = (PrefetchBatch){.number = options->first_batch + next,
                                 .samples = samples_of(prefetch, slot),
                                 .records = prefetch->records + first,
                                 .crops = prefetch->crops ? prefetch->crops + first : NULL,
                                 .extras = prefetch->extras ? prefetch->extras + first * (size_t)options->extra : NULL,
                                 .ready = ready};
    } else {
        status = status_error(status_code(prefetch->error), "%s", status_message(prefetch->error));
    }
    pthread_mutex_unlock(&prefetch->lock);
    return status;
}

void prefetch_done(Prefetch *prefetch) {
    pthread_mutex_lock(&prefetch->lock);
    if (prefetch->held) {
        prefetch->held--;
        prefetch->filled[slot_of(prefetch, prefetch->consumed)] = 0;
        prefetch->consumed++;
        pthread_cond_broadcast(&prefetch->space);
    }
    pthread_mutex_unlock(&prefetch->lock);
}

void prefetch_rewind(Prefetch *prefetch) {
    pthread_mutex_lock(&prefetch->lock);
    prefetch->held = 0;
    pthread_mutex_unlock(&prefetch->lock);
}

void prefetch_close(Prefetch *prefetch) {
    if (!prefetch)
        return;
    pthread_mutex_lock(&prefetch->lock);
    prefetch->stop = true;
    pthread_cond_broadcast(&prefetch->space);
    pthread_mutex_unlock(&prefetch->lock);
    threads_join(&prefetch->threads);
    pthread_cond_destroy(&prefetch->ready);
    pthread_cond_destroy(&prefetch->space);
    pthread_mutex_destroy(&prefetch->lock);
    status_free(prefetch->error);
    free(prefetch->filled);
    free(prefetch->records);
    prefetch->options.device->release_pinned(prefetch->options.device, prefetch->extras);
    prefetch->options.device->release_pinned(prefetch->options.device, prefetch->crops);
    prefetch->options.device->release_pinned(prefetch->options.device, prefetch->samples);
    free(prefetch);
}
