/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/pipeline.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/threads.h"
#include "stage/pack/content_index.h"
#include "stage/pack/file_progress.h"
#include "stage/pack/photograph.h"
#include "stage/pack/shard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 2 }; /* shards in work: the one to write next, and the one after it */

typedef struct {
    const PipelineOptions *options;
    PipelineResult *result;
    size_t record_bytes;
    ContentIndex contents;
    FileProgress progress;
    Threads threads;

    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t work;    /* signals workers: a shard was opened, or they must stop */
    pthread_cond_t settled; /* signals the writer: an input is done */
    struct Slot {
        int number; /* of the shard; -1: free */
        int spool;
        int64_t next, done; /* inputs handed out, and finished */
    } slots[SLOTS];
    bool stop;
    Status failure; /* the first one of a worker */
} Pipeline;

static bool is_wanted(const StageInput *input) {
    return !input->exclude_reason && !input->quarantine_reason;
}

/* The oldest shard that has inputs left; call with the lock held. */
static struct Slot *find_open_slot(Pipeline *pipeline) {
    struct Slot *found = NULL;
    for (int i = 0; i < SLOTS; i++) {
        struct Slot *slot = &pipeline->slots[i];
        if (slot->number >= 0 && slot->next < pipeline->result->shards[slot->number].count &&
            (!found || slot->number < found->number))
            found = slot;
    }
    return found;
}

/* Stages input `place` of a shard into the same place of the spool. */
static Status stage_input(Pipeline *pipeline, int number, int spool, int64_t place, uint8_t *record) {
    const PipelineOptions *options = pipeline->options;
    const int64_t at = pipeline->result->shards[number].first + place;
    const StageInput *input = &options->source->inputs[at];
    Outcome *outcome = &pipeline->result->outcomes[at];
    if (!is_wanted(input))
        return NULL;
    TRY(photograph_stage(options->source->root, input, options->source->info.image_size, record, outcome));
    if (!outcome->packed)
        return NULL;
    return files_write_at(spool, "the spool of records", record, pipeline->record_bytes,
                          (uint64_t)place * pipeline->record_bytes);
}

/* Call with the lock held. */
static void count_input(Pipeline *pipeline, int64_t at) {
    const Outcome *outcome = &pipeline->result->outcomes[at];
    if (!outcome->settled)
        return;
    pipeline->progress.done++;
    pipeline->progress.bytes += outcome->bytes;
    pipeline->progress.quarantined += outcome_quarantined(outcome);
}

static void *run_worker(void *argument) {
    Pipeline *pipeline = argument;
    uint8_t *record = malloc(pipeline->record_bytes);
    pthread_mutex_lock(&pipeline->lock);
    if (!record && !pipeline->failure)
        pipeline->failure = status_no_memory("a record", pipeline->record_bytes);
    for (;;) {
        struct Slot *slot;
        while (!(slot = find_open_slot(pipeline)) && !pipeline->stop && !pipeline->failure)
            pthread_cond_wait(&pipeline->work, &pipeline->lock);
        if (pipeline->stop || pipeline->failure)
            break;
        const int number = slot->number, spool = slot->spool;
        const int64_t place = slot->next++;
        pthread_mutex_unlock(&pipeline->lock);
        Status status = stage_input(pipeline, number, spool, place, record);
        pthread_mutex_lock(&pipeline->lock);
        slot->done++;
        count_input(pipeline, pipeline->result->shards[number].first + place);
        if (status && !pipeline->failure)
            pipeline->failure = status;
        else
            status_free(status);
        pthread_cond_signal(&pipeline->settled);
    }
    pthread_cond_signal(&pipeline->settled);
    pthread_cond_broadcast(&pipeline->work);
    pthread_mutex_unlock(&pipeline->lock);
    free(record);
    return NULL;
}

/* Opens shard `number` for the workers. */
static Status open_slot(Pipeline *pipeline, int number) {
    char *path;
    TRY(output_spool(pipeline->options->output, number, &path));
    const int spool = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    Status status = spool < 0 ? status_error(EXIT_IO, "cannot create %s: %s", path, strerror(errno)) : NULL;
    free(path);
    if (status)
        return status;
    pthread_mutex_lock(&pipeline->lock);
    for (int i = 0; i < SLOTS; i++)
        if (pipeline->slots[i].number < 0) {
            pipeline->slots[i] = (struct Slot){.number = number, .spool = spool};
            break;
        }
    pthread_cond_broadcast(&pipeline->work);
    pthread_mutex_unlock(&pipeline->lock);
    return NULL;
}

/* Waits until all inputs of shard `number` are finished, showing progress. *slot is its slot. */
static Status wait_for_shard(Pipeline *pipeline, int number, struct Slot **slot) {
    Status status = NULL;
    pthread_mutex_lock(&pipeline->lock);
    *slot = pipeline->slots;
    while ((*slot)->number != number)
        (*slot)++;
    while ((*slot)->done < pipeline->result->shards[number].count && !pipeline->failure) {
        const struct timespec until = clock_deadline(1);
        pthread_cond_timedwait(&pipeline->settled, &pipeline->lock, &until);
        file_progress_show(&pipeline->progress);
    }
    if (pipeline->failure) {
        status = pipeline->failure;
        pipeline->failure = status_error(status_code(status), "%s", status_message(status));
    }
    pthread_mutex_unlock(&pipeline->lock);
    return status;
}

static Status close_slot(Pipeline *pipeline, struct Slot *slot) {
    pthread_mutex_lock(&pipeline->lock);
    const int number = slot->number, spool = slot->spool;
    slot->number = -1;
    pthread_mutex_unlock(&pipeline->lock);
    close(spool);
    char *path;
    TRY(output_spool(pipeline->options->output, number, &path));
    Status status = files_remove(path);
    free(path);
    return status;
}

static void close_outcomes(Pipeline *pipeline, const ShardState *shard) {
    for (int64_t i = 0; i < shard->count; i++)
        outcome_close(&pipeline->result->outcomes[shard->first + i]);
}

/* Reads the journal of a shard that an earlier call finished, otherwise hands its inputs to the workers. */
static Status prepare_shard(Pipeline *pipeline, int number, bool *finished) {
    const PipelineOptions *options = pipeline->options;
    ShardState *shard = &pipeline->result->shards[number];
    char *journal, *path = NULL;
    Status status = output_journal(options->output, number, &journal);
    if (!status)
        status = output_shard(options->output, number, &path);
    *finished = false;
    if (!status)
        status = journal_read(journal, options->source, shard, pipeline->result->outcomes + shard->first, finished);
    /* Whatever stopped the earlier call may have damaged the disk, too. */
    if (!status && *finished && shard->entry.records) {
        status = shard_is_intact(path, &shard->entry, finished);
        if (!status && !*finished) {
            fprintf(stderr, "%s is damaged or missing and will be rebuilt\n", path);
            close_outcomes(pipeline, shard);
        }
    }
    free(path);
    free(journal);
    return status || *finished ? status : open_slot(pipeline, number);
}

/* Reuses a shard that an earlier call finished; *agrees is false when it must be rebuilt after all. */
static Status reuse_shard(Pipeline *pipeline, int number, bool *agrees) {
    const ShardState *shard = &pipeline->result->shards[number];
    Outcome *outcomes = pipeline->result->outcomes + shard->first;
    TRY(shard_mark_duplicates(pipeline->options->source, shard, outcomes, true, &pipeline->contents, agrees));
    if (!*agrees) {
        close_outcomes(pipeline, shard);
        return open_slot(pipeline, number);
    }
    pthread_mutex_lock(&pipeline->lock);
    for (int64_t i = 0; i < shard->count; i++) {
        pipeline->progress.done += outcomes[i].settled;
        pipeline->progress.skipped += outcomes[i].settled;
        pipeline->progress.quarantined += outcome_quarantined(&outcomes[i]);
        pipeline->result->skipped += outcomes[i].settled;
    }
    pthread_mutex_unlock(&pipeline->lock);
    return NULL;
}

/* Waits for the workers, marks duplicates and writes a shard. */
static Status make_shard(Pipeline *pipeline, int number) {
    const PipelineOptions *options = pipeline->options;
    ShardState *shard = &pipeline->result->shards[number];
    Outcome *outcomes = pipeline->result->outcomes + shard->first;
    struct Slot *slot;
    bool agrees;
    TRY(wait_for_shard(pipeline, number, &slot));
    TRY(output_unpublish(options->output));
    TRY(shard_mark_duplicates(options->source, shard, outcomes, false, &pipeline->contents, &agrees));
    TRY(shard_write(options->output, number, options->source, shard, outcomes, slot->spool));
    return close_slot(pipeline, slot);
}

static Status check_quarantined(const Pipeline *pipeline, int64_t quarantined) {
    const PipelineOptions *options = pipeline->options;
    if (quarantined <= options->max_quarantined)
        return NULL;
    return status_error(EXIT_DATA,
                        "%" PRId64 " file%s quarantined so far, more than --max-bad allows (%" PRId64
                        "): %s/quarantine.tsv lists each with its reason; repair or exclude them, or raise --max-bad",
                        quarantined, quarantined == 1 ? " is" : "s are", options->max_quarantined,
                        options->output->path);
}

static Status make_shards(Pipeline *pipeline) {
    PipelineResult *result = pipeline->result;
    int64_t quarantined = pipeline->options->quarantined_before;
    bool finished[SLOTS];
    TRY(check_quarantined(pipeline, quarantined));
    for (int number = 0, prepared = 0; number < result->shard_count; number++) {
        for (; prepared < result->shard_count && prepared < number + SLOTS; prepared++)
            TRY(prepare_shard(pipeline, prepared, &finished[prepared % SLOTS]));
        bool agrees = false;
        if (finished[number % SLOTS])
            TRY(reuse_shard(pipeline, number, &agrees));
        if (!agrees)
            TRY(make_shard(pipeline, number));
        const ShardState *shard = &result->shards[number];
        for (int64_t i = 0; i < shard->count; i++)
            quarantined += outcome_quarantined(&result->outcomes[shard->first + i]);
        TRY(check_quarantined(pipeline, quarantined));
    }
    return NULL;
}

static Status start_workers(Pipeline *pipeline) {
    Status status = threads_start(&pipeline->threads, pipeline->options->threads, "staging", run_worker, pipeline);
    return status_append(status, ", or lower --threads");
}

static void stop_workers(Pipeline *pipeline) {
    pthread_mutex_lock(&pipeline->lock);
    pipeline->stop = true;
    pthread_cond_broadcast(&pipeline->work);
    pthread_mutex_unlock(&pipeline->lock);
    threads_join(&pipeline->threads);
    for (int i = 0; i < SLOTS; i++)
        if (pipeline->slots[i].number >= 0)
            close(pipeline->slots[i].spool);
    status_free(pipeline->failure);
}

static Status allocate_result(const PipelineOptions *options, PipelineResult *result) {
    const int64_t count = options->source->count, each = options->shard_inputs;
    result->shard_count = (int)((count + each - 1) / each);
    result->outcomes = calloc((size_t)count + 1, sizeof *result->outcomes);
    result->shards = calloc((size_t)result->shard_count + 1, sizeof *result->shards);
    if (!result->outcomes || !result->shards)
        return status_no_memory("the list of files", (unsigned long long)count * sizeof *result->outcomes);
    for (int i = 0; i < result->shard_count; i++) {
        ShardState *shard = &result->shards[i];
        shard->first = i * each;
        shard->count = count - shard->first < each ? count - shard->first : each;
        shard->key = journal_key(options->source, options->recipe, shard->first, shard->count);
    }
    return NULL;
}

Status pipeline_run(const PipelineOptions *options, PipelineResult *result) {
    *result = (PipelineResult){0};
    TRY(allocate_result(options, result));
    const size_t side = (size_t)options->source->info.image_size;
    Pipeline pipeline = {.options = options,
                         .result = result,
                         .record_bytes = side * side * 3,
                         .lock = PTHREAD_MUTEX_INITIALIZER,
                         .work = PTHREAD_COND_INITIALIZER,
                         .settled = PTHREAD_COND_INITIALIZER};
    for (int i = 0; i < SLOTS; i++)
        pipeline.slots[i].number = -1;
    int64_t wanted = 0;
    for (int64_t i = 0; i < options->source->count; i++)
        wanted += is_wanted(&options->source->inputs[i]);
    file_progress_begin(&pipeline.progress, wanted);
    Status status = content_index_open(&pipeline.contents, options->source->count);
    if (!status)
        status = start_workers(&pipeline);
    if (!status)
        status = make_shards(&pipeline);
    stop_workers(&pipeline);
    file_progress_end(&pipeline.progress);
    content_index_close(&pipeline.contents);
    return status;
}

void pipeline_result_close(PipelineResult *result, int64_t count) {
    for (int64_t i = 0; i < count && result->outcomes; i++)
        outcome_close(&result->outcomes[i]);
    free(result->outcomes);
    free(result->shards);
    *result = (PipelineResult){0};
}
