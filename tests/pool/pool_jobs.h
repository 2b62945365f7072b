/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, attempts and lines of the ledger for tests, and a database as text. Include after cmocka.h. */
#ifndef FOVEA_TESTS_POOL_POOL_JOBS_H
#define FOVEA_TESTS_POOL_POOL_JOBS_H

#include "pool/store/store.h"
#include "tests/fixtures/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A job that differs from others of another `number` in every member. Free with job_free(). */
static inline Job make_job(int number) {
    Job job = {.uid = (uid_t)(1000 + number), .state = JOB_WAITING, .submitted = 100.125 + number};
    snprintf(job.user, sizeof job.user, "user%d", number);
    assert_true(asprintf(&job.name, "name \"%d\"\n", number) > 0);
    assert_true(asprintf(&job.command, "./train configs/%d.ini", number) > 0);
    assert_true(asprintf(&job.request, "{\"arguments\": [\"%d\"]}", number) > 0);
    assert_true(asprintf(&job.run_dir, "runs/%d", number) > 0);
    assert_true(asprintf(&job.sweep, "sweep%d", number) > 0);
    assert_true(asprintf(&job.trial, "trial%d", number) > 0);
    job.wants = (JobWants){.gpus = 1 + number % 6, .gpu_memory = number % 2 ? -1 : 1 << 30, .host_memory = -1};
    job.wants.time_limit = 60.5 * number;
    job.wants.priority = number - 3;
    job.wants.resumable = number % 2;
    job.wants.foreground = number % 3 == 0;
    snprintf(job.wants.lane, sizeof job.wants.lane, "lane%d", number);
    job.wants.gpu_id_count = number % 3;
    for (int i = 0; i < job.wants.gpu_id_count; i++)
        job.wants.gpu_ids[i] = 10 * number + i;
    job.wants.after_count = number % 4;
    job.wants.after = calloc((size_t)job.wants.after_count + 1, sizeof *job.wants.after);
    assert_non_null(job.wants.after);
    for (int i = 0; i < job.wants.after_count; i++)
        job.wants.after[i] = INT64_C(5000000000) + i;
    job.queued = job.submitted + 1;
    job.micro_batch = 8 * number;
    job.end.exit = -1;
    return job;
}

static inline Status print_job(void *context, const Job *job) {
    FILE *out = context;
    const JobWants *wants = &job->wants;
    fprintf(out, "job %" PRId64 " uid %u %s [%s] [%s] [%s] [%s] [%s] [%s] gpus %d ids", job->id, (unsigned)job->uid,
            job->user, job->name, job->command, job->request, job->run_dir, job->sweep, job->trial, wants->gpus);
    for (int i = 0; i < wants->gpu_id_count; i++)
        fprintf(out, " %d", wants->gpu_ids[i]);
    fprintf(out, " lane %s memory %" PRId64 " %" PRId64 " limit %.17g priority %d after", wants->lane,
            wants->gpu_memory, wants->host_memory, wants->time_limit, wants->priority);
    for (int i = 0; i < wants->after_count; i++)
        fprintf(out, " %" PRId64, wants->after[i]);
    fprintf(out, " %d %d %s exit %d signal %d (%s) stop %d %.17g times %.17g %.17g %d %d %d %" PRId64 "\n",
            wants->resumable, wants->foreground, job_state_name(job->state), job->end.exit, job->end.signal,
            job->reason, job->stop, job->stop_at, job->submitted, job->queued, job->failures, job->halvings,
            job->attempts, job->micro_batch);
    return NULL;
}

static inline Status print_attempt(void *context, const Attempt *attempt) {
    FILE *out = context;
    fprintf(out, "attempt %" PRId64 ".%d epoch %" PRId64 " gpus", attempt->job, attempt->number, attempt->epoch);
    for (int i = 0; i < attempt->gpu_count; i++)
        fprintf(out, " %d", attempt->gpus[i]);
    fprintf(out, " %.17g %.17g exit %d signal %d (%s) pid %" PRId64 " busy %.17g joules %.17g %d\n", attempt->from,
            attempt->to, attempt->end.exit, attempt->end.signal, attempt->why, attempt->pid, attempt->busy,
            attempt->joules, attempt->worked);
    return NULL;
}

static inline Status print_lease(void *context, int gpu, int64_t job, int64_t epoch) {
    fprintf(context, "lease %d %" PRId64 " %" PRId64 "\n", gpu, job, epoch);
    return NULL;
}

static inline Status print_ledger(void *context, const LedgerLine *line) {
    fprintf(context, "ledger %d %.17g %.17g %s %" PRId64 " %" PRId64 " %" PRId64 " (%s)\n", line->gpu, line->from,
            line->to, ledger_what_name(line->what), line->job, line->epoch, line->uid, line->reason);
    return NULL;
}

static inline void print_look_half(FILE *out, const Look *look) {
    fprintf(out, " %.17g %.17g %" PRId64 " %d %d %d", look->time, look->util, look->memory, look->processes,
            look->known, look->unified);
}

static inline Status print_look(void *context, const LookRound *round) {
    fprintf(context, "look %d", round->gpu);
    print_look_half(context, &round->first);
    print_look_half(context, &round->second);
    fprintf(context, " %s (%s)\n", look_verdict_name(round->verdict), round->why);
    return NULL;
}

static inline Status print_audit(void *context, const AuditLine *line) {
    fprintf(context, "audit %.17g %" PRId64 " %s|%s|%s|%s\n", line->time, line->uid, line->user, line->action,
            line->what, line->detail);
    return NULL;
}

/* All that the database contains, one row a line; the caller's. */
static inline char *print_store(Store *store) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_fine(store_each_job(store, true, true, print_job, out));
    assert_fine(store_each_attempt(store, 0, false, print_attempt, out));
    assert_fine(store_each_lease(store, print_lease, out));
    assert_fine(store_each_ledger(store, print_ledger, out));
    assert_fine(store_each_look(store, print_look, out));
    assert_fine(store_each_audit(store, print_audit, out));
    assert_int_equal(fclose(out), 0);
    return text;
}

static inline void put_ledger(Store *store, int gpu, double from, LedgerWhat what, int64_t job, int64_t epoch) {
    LedgerLine line = {.gpu = gpu, .from = from, .what = what, .job = job, .epoch = epoch, .uid = job ? 7 : -1};
    snprintf(line.reason, sizeof line.reason, "%s at %g", ledger_what_name(what), from);
    assert_fine(store_put_ledger(store, &line));
}

#endif
