/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/write.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/lease.h"
#include "base/safetensors_write.h"
#include "base/threads.h"
#include "checkpoint/checksums.h"
#include "checkpoint/copy.h"
#include "checkpoint/directory.h"
#include "checkpoint/fp8.h"
#include "checkpoint/state.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { IDLE, COPYING, WRITING } Phase;

struct CheckpointWriter {
    char *dir;
    const Params *params;
    CheckpointKeep keep;

    CheckpointCopy copy;
    Arena arena; /* both lists, and the state of FP8 */
    char (*names)[96];
    Tensor *tensors;
    CheckpointFp8 fp8;

    Threads thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    Phase phase;
    double begun, seconds; /* clock_now() of the last write, and how long the last complete one took */
    bool stopping;
    TrainState state;
    bool best;
    Status failure;  /* of the last write, until it is reported */
    Status unlinked; /* why links were not made, the first time */
    bool told;       /* a caller has taken `unlinked` */
};

/* The first time with a measuring arena. The list of tensors is used for one file after the other: weights, then m and
 * v.
 */
static void lay_out_lists(CheckpointWriter *writer, Arena *arena) {
    size_t names = 2 * (size_t)writer->params->count;
    arena_group(arena, "lists of tensors");
    writer->names = arena_take(arena, names * sizeof *writer->names);
    writer->tensors = arena_take(arena, names * sizeof *writer->tensors);
    checkpoint_fp8_place(&writer->fp8, writer->params, arena);
}

void checkpoint_writer_measure(const Params *params, Arena *host) {
    CheckpointWriter writer = {.params = params};
    lay_out_lists(&writer, host);
    checkpoint_copy_measure(params, host);
}

static Status write_weights(CheckpointWriter *writer, const char *path) {
    static const TensorNote note = {"format", "pt"}; /* readers on the PyTorch side require it */
    int count = params_views(writer->params, writer->copy.value, false, "", writer->names, writer->tensors);
    return safetensors_write(path, writer->tensors, count, &note, 1);
}

static Status write_optimizer(CheckpointWriter *writer, const char *path) {
    int count = params_views(writer->params, writer->copy.m, true, "m.", writer->names, writer->tensors);
    count += params_views(writer->params, writer->copy.v, true, "v.", writer->names + count, writer->tensors + count);
    return safetensors_write(path, writer->tensors, count, NULL, 0);
}

static Status write_fp8(CheckpointWriter *writer, const char *path) {
    return checkpoint_fp8_write(&writer->fp8, path);
}

static Status write_state(CheckpointWriter *writer, const char *path) {
    char *text;
    TRY(checkpoint_state_print(&writer->state, &text));
    Status status = files_write_new(path, text, strlen(text));
    free(text);
    return status;
}

/* Hashes the contents of the files, not of the buffers: this verifies what was written. */
static Status write_checksums(const char *part) {
    char text[CHECKPOINT_CHECKSUMS_TEXT], *path;
    TRY(checkpoint_checksums(part, NULL, text));
    TRY(files_path(&path, "%s/" CHECKPOINT_CHECKSUMS, part));
    Status status = files_write_new(path, text, strlen(text));
    free(path);
    return status;
}

typedef Status (*FileWriter)(CheckpointWriter *writer, const char *path);

static Status write_file(CheckpointWriter *writer, const char *part, const char *name, FileWriter write_contents) {
    char *path;
    TRY(files_path(&path, "%s/%s", part, name));
    Status status = write_contents(writer, path);
    free(path);
    return status;
}

static Status write_files(CheckpointWriter *writer, const char *part) {
    TRY(files_remove(part));
    TRY(files_make_directory(part));
    TRY(write_file(writer, part, CHECKPOINT_WEIGHTS, write_weights));
    TRY(write_file(writer, part, CHECKPOINT_OPTIMIZER, write_optimizer));
    if (writer->fp8.layers)
        TRY(write_file(writer, part, CHECKPOINT_FP8, write_fp8));
    TRY(write_file(writer, part, CHECKPOINT_STATE, write_state));
    TRY(write_checksums(part));
    return files_sync_directory(part);
}

/* A lease can be lost while the files are written: that it is valid is the last thing to be checked before they get
 * their name. */
static Status write_checkpoint(CheckpointWriter *writer, Status *unlinked) {
    const TrainState *state = &writer->state;
    char *part;
    TRY(checkpoint_part(writer->dir, state->step, &part));
    Status status = write_files(writer, part);
    if (!status)
        status = lease_check();
    if (!status)
        status = checkpoint_publish(writer->dir, state->step, writer->best ? state->step : state->best_step,
                                    &writer->keep, unlinked);
    if (status)
        status_free(files_remove(part)); /* frees the space; the first failure is the one to report */
    free(part);
    return status;
}

static void *run_writer(void *argument) {
    CheckpointWriter *writer = argument;
    pthread_mutex_lock(&writer->mutex);
    for (;;) {
        /* The thread that drives the device makes the device's copy. */
        while ((writer->phase == IDLE && !writer->stopping) || (writer->phase == COPYING && writer->copy.pinned))
            pthread_cond_wait(&writer->changed, &writer->mutex);
        if (writer->phase == IDLE)
            break;
        if (writer->phase == COPYING) {
            pthread_mutex_unlock(&writer->mutex);
            checkpoint_copy_make(&writer->copy);
            pthread_mutex_lock(&writer->mutex);
            writer->phase = WRITING;
            pthread_cond_broadcast(&writer->changed);
        }
        pthread_mutex_unlock(&writer->mutex);
        Status unlinked = NULL, failure = write_checkpoint(writer, &unlinked);
        pthread_mutex_lock(&writer->mutex);
        writer->failure = failure;
        if (!failure)
            writer->seconds = clock_now() - writer->begun;
        if (writer->unlinked || writer->told)
            status_free(unlinked);
        else
            writer->unlinked = unlinked;
        writer->phase = IDLE;
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

/* Allocates all memory before the writer's thread starts. */
static Status prepare_writer(CheckpointWriter *writer, const char *dir) {
    Arena measure = {0};
    lay_out_lists(writer, &measure);
    TRY(arena_open(&writer->arena, measure.used, "the checkpoint's list of tensors"));
    lay_out_lists(writer, &writer->arena);
    TRY(checkpoint_copy_open(&writer->copy, writer->params));
    TRY(files_path(&writer->dir, "%s", dir));
    return checkpoint_prepare(dir);
}

static void release_writer(CheckpointWriter *writer) {
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->mutex);
    checkpoint_copy_close(&writer->copy);
    arena_close(&writer->arena);
    free(writer->dir);
    free(writer);
}

Status checkpoint_writer_open(const char *dir, const Params *params, const CheckpointKeep *keep,
                              CheckpointWriter **result) {
    *result = NULL;
    CheckpointWriter *writer = calloc(1, sizeof *writer);
    if (!writer)
        return status_no_memory("the checkpoint writer", sizeof *writer);
    writer->params = params;
    writer->keep = *keep;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->changed, NULL);
    Status status = prepare_writer(writer, dir);
    if (!status)
        status = threads_start(&writer->thread, 1, "the checkpoint writer", run_writer, writer);
    if (status) {
        threads_join(&writer->thread);
        release_writer(writer);
        return status;
    }
    *result = writer;
    return NULL;
}

Status checkpoint_writer_begin(CheckpointWriter *writer, const TrainState *state, bool best, bool *started) {
    pthread_mutex_lock(&writer->mutex);
    Status failure = writer->failure;
    writer->failure = NULL;
    *started = !failure && writer->phase == IDLE;
    if (*started) { /* now: the next step changes the scales before it waits for the copy */
        failure = checkpoint_fp8_take(&writer->fp8, writer->params->fp8);
        *started = !failure;
    }
    if (*started && writer->copy.pinned) {
        failure = checkpoint_copy_start(&writer->copy);
        *started = !failure;
    }
    if (*started) {
        writer->state = *state;
        writer->best = best;
        writer->begun = clock_now();
        writer->phase = COPYING;
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->mutex);
    return failure;
}

/* Called with the mutex locked; returns when the copy is complete. A copy that failed is not written. */
static void finish_copy(CheckpointWriter *writer) {
    if (writer->phase == COPYING && writer->copy.pinned) {
        writer->failure = checkpoint_copy_finish(&writer->copy);
        writer->phase = writer->failure ? IDLE : WRITING;
        pthread_cond_broadcast(&writer->changed);
    }
    while (writer->phase == COPYING)
        pthread_cond_wait(&writer->changed, &writer->mutex);
}

void checkpoint_writer_copied(CheckpointWriter *writer) {
    pthread_mutex_lock(&writer->mutex);
    finish_copy(writer);
    pthread_mutex_unlock(&writer->mutex);
}

Status checkpoint_writer_wait(CheckpointWriter *writer) {
    pthread_mutex_lock(&writer->mutex);
    finish_copy(writer);
    while (writer->phase != IDLE)
        pthread_cond_wait(&writer->changed, &writer->mutex);
    Status failure = writer->failure;
    writer->failure = NULL;
    pthread_mutex_unlock(&writer->mutex);
    return failure;
}

double checkpoint_writer_seconds(CheckpointWriter *writer) {
    pthread_mutex_lock(&writer->mutex);
    const double seconds = writer->seconds;
    pthread_mutex_unlock(&writer->mutex);
    return seconds;
}

Status checkpoint_writer_unlinked(CheckpointWriter *writer) {
    pthread_mutex_lock(&writer->mutex);
    Status unlinked = writer->unlinked;
    writer->unlinked = NULL;
    writer->told |= unlinked != NULL;
    pthread_mutex_unlock(&writer->mutex);
    return unlinked;
}

void checkpoint_writer_close(CheckpointWriter *writer) {
    if (!writer)
        return;
    pthread_mutex_lock(&writer->mutex);
    finish_copy(writer);
    writer->stopping = true;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
    threads_join(&writer->thread);
    if (writer->failure) /* no caller has asked for it: report the checkpoint that was not written */
        fprintf(stderr, "%s\n", status_message(writer->failure));
    status_free(writer->failure);
    status_free(writer->unlinked);
    release_writer(writer);
}
