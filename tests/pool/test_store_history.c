/* SPDX-License-Identifier: Apache-2.0 */
/* A long history makes the pool's questions no slower: the work of SQLite's machine is counted, not timed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/database/statement.h"
#include "tests/pool/pool_jobs.h"

enum { SMALL = 200, LARGE = 1600, LIVE = 4, REQUEST = 9000 };

/* A database in memory with so many jobs, all but the last LIVE of them ended. Each held one of four GPUs for 5 s. */
static Store *make_history(int jobs) {
    Store *store;
    assert_fine(store_open(&store, ":memory:"));
    assert_fine(store_begin(store));
    for (int i = 0; i < jobs; i++) {
        const bool live = i >= jobs - LIVE;
        Job job = make_job(i % 50);
        free(job.request);
        job.request = calloc(1, REQUEST);
        assert_non_null(job.request);
        memset(job.request, 'r', REQUEST - 1);
        job.state = live ? JOB_RUNNING : JOB_DONE;
        assert_fine(store_add_job(store, &job));
        Attempt attempt = {.job = job.id, .number = 1, .epoch = i + 1, .gpus = {i % 4}, .gpu_count = 1};
        attempt.from = 10 * i;
        attempt.to = live ? 0 : 10 * i + 5;
        assert_fine(store_put_attempt(store, &attempt));
        assert_fine(store_take_lease(store, i % 4, job.id, i + 1));
        put_ledger(store, i % 4, 10 * i, LEDGER_HELD, job.id, i + 1);
        if (!live) {
            assert_fine(store_drop_lease(store, i % 4));
            put_ledger(store, i % 4, 10 * i + 5, LEDGER_IDLE, 0, 0);
        }
        job_free(&job);
    }
    assert_fine(store_commit(store));
    return store;
}

static Status skip_job(void *context, const Job *job) {
    *(int64_t *)context += job->id > 0;
    return NULL;
}

static Status skip_attempt(void *context, const Attempt *attempt) {
    *(int64_t *)context += attempt->job > 0;
    return NULL;
}

static Status skip_lease(void *context, int gpu, int64_t job, int64_t epoch) {
    *(int64_t *)context += gpu >= 0 && job > 0 && epoch > 0;
    return NULL;
}

/* What a daemon does all day, and what status asks for; the history ends at 10 * jobs. */
static void ask_questions(Store *store, int jobs) {
    int64_t seen = 0;
    double seconds, sums[LEDGER_WHATS];
    LedgerLine line;
    bool found;
    assert_fine(store_each_job(store, false, false, skip_job, &seen));
    assert_fine(store_each_attempt(store, 0, true, skip_attempt, &seen));
    assert_fine(store_each_lease(store, skip_lease, &seen));
    assert_int_equal(seen, 3 * LIVE);
    assert_fine(store_each_attempt(store, jobs, false, skip_attempt, &seen));
    assert_fine(store_usual_seconds(store, &seconds));
    assert_true(seconds == 5);
    assert_fine(store_open_ledger(store, 1, &line, &found));
    assert_true(found);
    assert_fine(store_sum_ledger(store, (int[]){0, 1}, 2, 10 * jobs - 200, 10 * jobs, sums));
    assert_true(sums[LEDGER_HELD] > 0);
}

static void write_more(Store *store, int jobs) {
    Job job = make_job(1);
    const LookRound round = {.gpu = 1};
    Attempt attempt = {.number = 1, .epoch = jobs + 1, .gpus = {1}, .gpu_count = 1, .from = 10 * jobs};
    assert_fine(store_begin(store));
    assert_fine(store_add_job(store, &job));
    attempt.job = job.id;
    assert_fine(store_put_job(store, &job));
    assert_fine(store_put_attempt(store, &attempt));
    assert_fine(store_drop_lease(store, 1));
    assert_fine(store_take_lease(store, 1, job.id, jobs + 1));
    put_ledger(store, 1, 10 * jobs, LEDGER_HELD, job.id, jobs + 1);
    assert_fine(store_add_look(store, &round));
    assert_fine(store_commit(store));
    job_free(&job);
}

/* Steps of the statements since the last call. */
static int64_t take_steps(Store *store) {
    int64_t steps = 0;
    for (int64_t i = 0; i < store->prepared_count; i++)
        steps += sqlite3_stmt_status(store->prepared[i].handle, SQLITE_STMTSTATUS_VM_STEP, 1);
    return steps;
}

static void questions_do_not_walk_through_the_history(void **state) {
    (void)state;
    int64_t steps[2];
    for (int i = 0; i < 2; i++) {
        const int jobs = i ? LARGE : SMALL;
        Store *store = make_history(jobs);
        take_steps(store);
        ask_questions(store, jobs);
        write_more(store, jobs);
        steps[i] = take_steps(store);
        store_close(store);
    }
    assert_true(steps[0] > 1000);
    assert_true(steps[1] < steps[0] + steps[0] / 20); /* of a walk it would be up to eight times as many */
}

static int64_t take_pages(Store *store) {
    int hits = 0, misses = 0, highest;
    assert_int_equal(sqlite3_db_status(store->database, SQLITE_DBSTATUS_CACHE_HIT, &hits, &highest, 1), SQLITE_OK);
    assert_int_equal(sqlite3_db_status(store->database, SQLITE_DBSTATUS_CACHE_MISS, &misses, &highest, 1), SQLITE_OK);
    return hits + misses;
}

/* Requests are most of the database: what does not ask for them does not pass over them. */
static void requests_are_read_only_when_asked_for(void **state) {
    (void)state;
    Store *store = make_history(SMALL);
    int64_t seen = 0;
    double seconds;
    take_pages(store);
    assert_fine(store_sum_busy(store, "lane1", 0, &seconds));
    assert_fine(store_each_job(store, true, false, skip_job, &seen));
    assert_true(take_pages(store) < SMALL / 4);
    assert_fine(store_each_job(store, true, true, skip_job, &seen));
    assert_true(take_pages(store) > SMALL * (REQUEST / 4096));
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_do_not_walk_through_the_history),
        cmocka_unit_test(requests_are_read_only_when_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
