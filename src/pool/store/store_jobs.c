/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/store/store_jobs.h"
#include "base/list.h"
#include "base/text_writer.h"
#include "pool/database/statement.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *text_or_none(const char *text) {
    return text ? text : "";
}

/* "3,5", the caller's. */
static Status print_after(const JobWants *wants, char **text) {
    TextWriter writer;
    *text = NULL;
    TRY(text_writer_open(&writer, "a job's dependencies"));
    for (int i = 0; i < wants->after_count; i++)
        fprintf(writer.out, "%s%" PRId64, i ? "," : "", wants->after[i]);
    return text_writer_take(&writer, text);
}

static Status parse_after(const char *text, JobWants *wants) {
    int64_t capacity = 0;
    while (*text) {
        char *end;
        const int64_t job = strtoll(text, &end, 10);
        TRY(list_grow(&wants->after, wants->after_count, &capacity, sizeof *wants->after, "a job's dependencies"));
        wants->after[wants->after_count++] = job;
        text = *end == ',' ? end + 1 : "";
    }
    return NULL;
}

static void put_wants(Statement *statement, const JobWants *wants, const char *after) {
    statement_put_integer(statement, wants->gpus);
    statement_put_gpus(statement, wants->gpu_ids, wants->gpu_id_count);
    statement_put_text(statement, wants->lane);
    statement_put_integer(statement, wants->gpu_memory);
    statement_put_integer(statement, wants->host_memory);
    statement_put_real(statement, wants->time_limit);
    statement_put_text(statement, after);
    statement_put_integer(statement, wants->resumable);
    statement_put_integer(statement, wants->foreground);
}

/* Columns that change while a job lives; their order is that of the two statements below. */
static void put_changes(Statement *statement, const Job *job) {
    statement_put_integer(statement, job->wants.priority);
    statement_put_text(statement, text_or_none(job->run_dir));
    statement_put_integer(statement, job->micro_batch);
    statement_put_text(statement, job_state_name(job->state));
    statement_put_integer(statement, job->end.exit);
    statement_put_integer(statement, job->end.signal);
    statement_put_text(statement, job->reason);
    statement_put_integer(statement, job->stop);
    statement_put_real(statement, job->stop_at);
    statement_put_real(statement, job->queued);
    statement_put_integer(statement, job->failures);
    statement_put_integer(statement, job->halvings);
    statement_put_integer(statement, job->attempts);
}

#define CHANGES                                                                                                        \
    "priority, run_dir, micro_batch, state, exit, signal, reason, stop, stop_at, queued, failures, halvings, attempts"

static Status insert_job(Store *store, const Job *job, const char *after) {
    Statement statement;
    TRY(statement_open(&statement, store,
                       "INSERT INTO jobs (uid, user, name, command, sweep, trial, submitted, gpus, gpu_ids, lane, "
                       "gpu_memory, host_memory, time_limit, waits_for, resumable, foreground, " CHANGES ") VALUES "
                       "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    statement_put_integer(&statement, job->uid);
    statement_put_text(&statement, job->user);
    statement_put_text(&statement, text_or_none(job->name));
    statement_put_text(&statement, text_or_none(job->command));
    statement_put_text(&statement, text_or_none(job->sweep));
    statement_put_text(&statement, text_or_none(job->trial));
    statement_put_real(&statement, job->submitted);
    put_wants(&statement, &job->wants, after);
    put_changes(&statement, job);
    return statement_run(&statement);
}

static Status insert_request(Store *store, int64_t job, const char *request) {
    Statement statement;
    TRY(statement_open(&statement, store, "INSERT INTO requests (job, request) VALUES (?, ?)"));
    statement_put_integer(&statement, job);
    statement_put_text(&statement, text_or_none(request));
    return statement_run(&statement);
}

Status store_add_job(Store *store, Job *job) {
    char *after;
    bool own;
    TRY(print_after(&job->wants, &after));
    Status status = store_join(store, &own);
    if (!status) {
        status = insert_job(store, job, after);
        const int64_t id = sqlite3_last_insert_rowid(store->database);
        if (!status)
            status = insert_request(store, id, job->request);
        status = store_leave(store, own, status);
        if (!status)
            job->id = id;
    }
    free(after);
    return status;
}

static Status run_with(Store *store, const char *words, int64_t last) {
    Statement statement;
    TRY(statement_open(&statement, store, words));
    statement_put_integer(&statement, last);
    return statement_run(&statement);
}

Status store_skip_jobs(Store *store, int64_t last) {
    bool own;
    TRY(store_join(store, &own));
    /* SQLite makes the row with the first job. */
    Status status = run_with(store,
                             "INSERT INTO sqlite_sequence (name, seq) SELECT 'jobs', ? WHERE NOT EXISTS (SELECT * FROM "
                             "sqlite_sequence WHERE name = 'jobs')",
                             last);
    if (!status)
        status = run_with(store, "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'jobs'", last);
    return store_leave(store, own, status);
}

Status store_put_job(Store *store, const Job *job) {
    Statement statement;
    TRY(statement_open(&statement, store,
                       "UPDATE jobs SET (" CHANGES ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?"));
    put_changes(&statement, job);
    statement_put_integer(&statement, job->id);
    TRY(statement_run(&statement));
    if (sqlite3_changes(store->database) == 1)
        return NULL;
    return statement_fail(store, status_error(EXIT_INTERNAL, "%s: there is no job %" PRId64, store->path, job->id));
}

#define COLUMNS                                                                                                        \
    "id, uid, user, name, command, sweep, trial, submitted, gpus, gpu_ids, lane, gpu_memory, host_memory, "            \
    "time_limit, waits_for, resumable, foreground, " CHANGES

static Status take_wants(Statement *statement, JobWants *wants) {
    char *after;
    wants->gpus = (int)statement_take_integer(statement);
    wants->gpu_id_count = statement_take_gpus(statement, wants->gpu_ids, POOL_GPUS);
    statement_take_name(statement, wants->lane, sizeof wants->lane);
    wants->gpu_memory = statement_take_integer(statement);
    wants->host_memory = statement_take_integer(statement);
    wants->time_limit = statement_take_real(statement);
    TRY(statement_take_text(statement, &after));
    Status status = parse_after(after, wants);
    free(after);
    wants->resumable = statement_take_integer(statement);
    wants->foreground = statement_take_integer(statement);
    return status;
}

static Status take_changes(Statement *statement, Job *job) {
    char state[16];
    job->wants.priority = (int)statement_take_integer(statement);
    TRY(statement_take_text(statement, &job->run_dir));
    job->micro_batch = statement_take_integer(statement);
    statement_take_name(statement, state, sizeof state);
    job->state = job_state_of(state);
    if (job->state == (JobState)JOB_STATES)
        return status_error(EXIT_DATA, "%s: job %" PRId64 " has an unknown state, %s", statement->store->path, job->id,
                            state);
    job->end.exit = (int)statement_take_integer(statement);
    job->end.signal = (int)statement_take_integer(statement);
    statement_take_name(statement, job->reason, sizeof job->reason);
    job->stop = (JobStop)statement_take_integer(statement);
    job->stop_at = statement_take_real(statement);
    job->queued = statement_take_real(statement);
    job->failures = (int)statement_take_integer(statement);
    job->halvings = (int)statement_take_integer(statement);
    job->attempts = (int)statement_take_integer(statement);
    return NULL;
}

static Status take_job(Statement *statement, Job *job) {
    *job = (Job){.id = statement_take_integer(statement)};
    job->uid = (uid_t)statement_take_integer(statement);
    statement_take_name(statement, job->user, sizeof job->user);
    TRY(statement_take_text(statement, &job->name));
    TRY(statement_take_text(statement, &job->command));
    TRY(statement_take_text(statement, &job->sweep));
    TRY(statement_take_text(statement, &job->trial));
    job->submitted = statement_take_real(statement);
    TRY(take_wants(statement, &job->wants));
    TRY(take_changes(statement, job));
    return statement_take_text(statement, &job->request);
}

Status store_get_job(Store *store, int64_t id, Job *job, bool *found) {
    Statement statement;
    *job = (Job){0};
    *found = false;
    TRY(statement_open(&statement, store,
                       "SELECT " COLUMNS ", request FROM jobs LEFT JOIN requests ON job = id WHERE id = ?"));
    statement_put_integer(&statement, id);
    Status status = statement_next(&statement, found);
    if (!status && *found)
        status = take_job(&statement, job);
    return statement_close(&statement, status);
}

#define EACH_JOB(where, request) "SELECT " COLUMNS ", " request " FROM jobs " where " ORDER BY id"
#define LIVE "WHERE state IN ('waiting', 'held', 'running', 'stopping')"
#define REQUEST "(SELECT request FROM requests WHERE job = id)"

Status store_each_job(Store *store, bool ended, bool requests, StoreTakeJob take, void *context) {
    static const char *const texts[2][2] = {{EACH_JOB(LIVE, "''"), EACH_JOB(LIVE, REQUEST)},
                                            {EACH_JOB("", "''"), EACH_JOB("", REQUEST)}};
    Statement statement;
    bool row = true;
    TRY(statement_open(&statement, store, texts[ended][requests]));
    Status status = statement_next(&statement, &row);
    while (!status && row) {
        Job job;
        status = take_job(&statement, &job);
        if (!status)
            status = take(context, &job);
        job_free(&job);
        if (!status)
            status = statement_next(&statement, &row);
    }
    return statement_close(&statement, status);
}
