/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's database gives back what was written, in order, and keeps its promises: leases of one holder, a ledger
 * without overlap, whole transactions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/database/statement.h"
#include "tests/pool/pool_jobs.h"

#include <math.h>

static int open_memory(void **state) {
    Store *store;
    Status status = store_open(&store, ":memory:");
    *state = store;
    return status_code(status);
}

static int close_memory(void **state) {
    store_close(*state);
    return 0;
}

static char *job_text(const Job *job) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_null(print_job(out, job));
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_same_job(const Job *a, const Job *b) {
    char *one = job_text(a), *other = job_text(b);
    assert_string_equal(one, other);
    free(one);
    free(other);
}

static void jobs_come_back_as_they_were(void **state) {
    Store *store = *state;
    for (int i = 1; i <= 13; i++) {
        Job job = make_job(i), read;
        bool found;
        assert_fine(store_add_job(store, &job));
        assert_int_equal(job.id, i);
        assert_fine(store_get_job(store, job.id, &read, &found));
        assert_true(found);
        assert_same_job(&job, &read);
        job_free(&read);
        job.state = (JobState)(i % JOB_STATES);
        job.end = (JobEnd){.exit = i - 2, .signal = i % 3};
        snprintf(job.reason, sizeof job.reason, "reason %d", i);
        job.stop = (JobStop)(i % 5);
        job.stop_at = 3e9 + i / 3.0;
        job.queued += i;
        job.failures = i + 1;
        job.halvings = i + 2;
        job.attempts = i + 3;
        job.micro_batch = 5;
        job.wants.priority = -i;
        assert_fine(store_put_job(store, &job));
        assert_fine(store_get_job(store, job.id, &read, &found));
        assert_same_job(&job, &read);
        job_free(&read);
        job_free(&job);
    }
    Job none;
    bool found = true;
    assert_fine(store_get_job(store, 99, &none, &found));
    assert_false(found);
    Job missing = make_job(1);
    missing.id = 99;
    assert_refused(store_put_job(store, &missing), EXIT_INTERNAL, "no job 99");
    job_free(&missing);
}

static Status note_number(void *context, const Job *job) {
    char *text = context;
    snprintf(text + strlen(text), 8, "%" PRId64 "%s ", job->id, *job->request ? "r" : "");
    return job->id == 999 ? status_error(EXIT_DATA, "stop") : NULL;
}

static void live_jobs_are_told_from_ended_ones(void **state) {
    Store *store = *state;
    char live[64] = "", all[256] = "";
    for (int i = 0; i < 2 * JOB_STATES; i++) {
        Job job = make_job(i);
        job.state = (JobState)(i % JOB_STATES);
        assert_fine(store_add_job(store, &job));
        job_free(&job);
    }
    assert_fine(store_each_job(store, false, false, note_number, live));
    assert_string_equal(live, "1 2 3 4 8 9 10 11 ");
    assert_fine(store_each_job(store, true, true, note_number, all));
    assert_string_equal(all, "1r 2r 3r 4r 5r 6r 7r 8r 9r 10r 11r 12r 13r 14r ");
}

/* A callback may ask the same question again, and end the walk. */
static Status walk_again(void *context, const Job *job) {
    char inner[256] = "";
    assert_fine(store_each_job(context, true, false, note_number, inner));
    assert_string_equal(inner, "1 2 3 ");
    return job->id == 2 ? status_error(EXIT_DATA, "enough") : NULL;
}

static void walks_nest_and_end_early(void **state) {
    Store *store = *state;
    for (int i = 0; i < 3; i++) {
        Job job = make_job(i);
        assert_fine(store_add_job(store, &job));
        job_free(&job);
    }
    assert_refused(store_each_job(store, true, false, walk_again, store), EXIT_DATA, "enough");
    assert_refused(store_each_job(store, true, false, walk_again, store), EXIT_DATA, "enough");
}

static Attempt make_attempt(int64_t job, int number, double from, double to) {
    Attempt attempt = {.job = job, .number = number, .epoch = 10 * job + number, .gpus = {2, 13}, .gpu_count = 2};
    attempt.from = from;
    attempt.to = to;
    attempt.end.exit = -1;
    attempt.pid = 4242 + number;
    attempt.busy = to > 0 ? (to - from) / 2 : 1;
    attempt.joules = 0.1;
    attempt.worked = number == 2;
    snprintf(attempt.why, sizeof attempt.why, "because %d", number);
    return attempt;
}

static Status note_attempt(void *context, const Attempt *attempt) {
    char *text = context;
    snprintf(text + strlen(text), 16, "%" PRId64 ".%d ", attempt->job, attempt->number);
    return NULL;
}

static void attempts_come_back_in_order(void **state) {
    Store *store = *state;
    char all[64] = "", open[64] = "", own[64] = "", own_open[64] = "";
    Attempt attempts[] = {make_attempt(2, 1, 5, 9), make_attempt(1, 2, 30, 0), make_attempt(1, 1, 10, 20),
                          make_attempt(2, 2, 11, 0)};
    for (int i = 0; i < 4; i++)
        assert_fine(store_put_attempt(store, &attempts[i]));
    assert_fine(store_each_attempt(store, 0, false, note_attempt, all));
    assert_string_equal(all, "1.1 1.2 2.1 2.2 ");
    assert_fine(store_each_attempt(store, 0, true, note_attempt, open));
    assert_string_equal(open, "1.2 2.2 ");
    assert_fine(store_each_attempt(store, 2, false, note_attempt, own));
    assert_string_equal(own, "2.1 2.2 ");
    assert_fine(store_each_attempt(store, 2, true, note_attempt, own_open));
    assert_string_equal(own_open, "2.2 ");
    attempts[1].to = 41;
    attempts[1].end.exit = 75;
    assert_fine(store_put_attempt(store, &attempts[1]));
    char *text = print_store(store);
    assert_non_null(strstr(text, "attempt 1.2 epoch 12 gpus 2 13 30 41 exit 75 signal 0 (because 2) pid 4244 busy 1 "
                                 "joules 0.10000000000000001 1\n"));
    free(text);
}

static void usual_seconds_are_the_median_of_what_was_done(void **state) {
    Store *store = *state;
    double seconds;
    assert_fine(store_usual_seconds(store, &seconds));
    assert_true(isnan(seconds));
    /* 150 that were done take 1, 2, ... 150 s: the newest 100 are 51 to 150. The failed and the open one do not count.
     */
    for (int i = 1; i <= 152; i++) {
        Job job = make_job(1);
        job.state = i <= 150 ? JOB_DONE : i == 151 ? JOB_FAILED : JOB_RUNNING;
        assert_fine(store_add_job(store, &job));
        Attempt attempt = make_attempt(job.id, 1, 1000 * i, i == 152 ? 0 : 1000 * i + i);
        assert_fine(store_put_attempt(store, &attempt));
        job_free(&job);
    }
    assert_fine(store_usual_seconds(store, &seconds));
    assert_true(seconds == 100.5);
}

static void busy_seconds_are_those_of_the_time_asked_for(void **state) {
    Store *store = *state;
    double seconds;
    Attempt attempts[] = {make_attempt(1, 1, 10, 20), make_attempt(2, 1, 90, 110), make_attempt(3, 1, 120, 140),
                          make_attempt(4, 1, 50, 200), make_attempt(5, 1, 150, 0)};
    attempts[3].busy = 60;
    attempts[4].busy = 7;
    for (int i = 0; i < 5; i++) {
        Job job = make_job(i + 1);
        snprintf(job.wants.lane, sizeof job.wants.lane, "%s", i == 2 ? "aria" : "pool");
        assert_fine(store_add_job(store, &job));
        job_free(&job);
        assert_fine(store_put_attempt(store, &attempts[i]));
    }
    /* None of 10-20, half of 10 of 90-110, and of 60 over 50-200 the share from 100 on; what runs is not over. */
    assert_fine(store_sum_busy(store, "pool", 100, &seconds));
    assert_true(fabs(seconds - (5 + 40)) < 1e-9); /* rounding of two sums */
    assert_fine(store_sum_busy(store, "aria", 100, &seconds));
    assert_true(fabs(seconds - 10) < 1e-9);
    assert_fine(store_sum_busy(store, "pool", 0, &seconds));
    assert_true(fabs(seconds - (5 + 10 + 60)) < 1e-9);
    assert_fine(store_sum_busy(store, "pool", 300, &seconds));
    assert_true(seconds == 0);
}

static void a_gpu_has_one_lease(void **state) {
    Store *store = *state;
    int64_t epochs[3];
    for (int i = 0; i < 3; i++)
        assert_fine(store_next_epoch(store, &epochs[i]));
    assert_true(epochs[0] == 1 && epochs[1] == 2 && epochs[2] == 3);
    assert_fine(store_take_lease(store, 3, 17, 1));
    assert_fine(store_take_lease(store, 2, 17, 1));
    assert_refused(store_take_lease(store, 3, 18, 2), EXIT_INTERNAL, "UNIQUE");
    assert_fine(store_drop_lease(store, 3));
    assert_fine(store_drop_lease(store, 3));
    assert_refused(store_take_lease(store, 3, 18, 1), EXIT_INTERNAL, "UNIQUE"); /* its epochs only grow */
    assert_fine(store_take_lease(store, 3, 18, 2));
    char *text = print_store(store);
    assert_string_equal(text, "lease 2 17 1\nlease 3 18 2\n");
    free(text);
}

static void the_ledger_has_no_gap_and_no_overlap(void **state) {
    Store *store = *state;
    LedgerLine line;
    bool found;
    put_ledger(store, 3, 10, LEDGER_IDLE, 0, 0);
    put_ledger(store, 2, 10, LEDGER_IDLE, 0, 0);
    put_ledger(store, 3, 12.5, LEDGER_HELD, 17, 1);
    put_ledger(store, 3, 20, LEDGER_DRAINING, 17, 1);
    put_ledger(store, 3, 20, LEDGER_IDLE, 0, 0); /* the draining took no time */
    assert_fine(store_open_ledger(store, 3, &line, &found));
    assert_true(found && line.from == 20 && line.to == 0 && line.what == LEDGER_IDLE);
    assert_fine(store_open_ledger(store, 4, &line, &found));
    assert_false(found);
    line = (LedgerLine){.gpu = 3, .from = 19, .what = LEDGER_HELD};
    assert_refused(store_put_ledger(store, &line), EXIT_INTERNAL, "overlap");
    /* A line that is over from the start; the next one must not begin before its end. */
    line = (LedgerLine){.gpu = 2, .from = 30, .to = 35, .what = LEDGER_UNSEEN, .uid = -1};
    assert_fine(store_put_ledger(store, &line));
    line = (LedgerLine){.gpu = 2, .from = 34, .what = LEDGER_HELD};
    assert_refused(store_put_ledger(store, &line), EXIT_INTERNAL, "overlap");
    put_ledger(store, 2, 35, LEDGER_FOREIGN, 0, 0);
    char *text = print_store(store);
    assert_string_equal(text, "ledger 2 10 30 idle 0 0 -1 (idle at 10)\n"
                              "ledger 3 10 12.5 idle 0 0 -1 (idle at 10)\n"
                              "ledger 3 12.5 20 held 17 1 7 (held at 12.5)\n"
                              "ledger 3 20 0 idle 0 0 -1 (idle at 20)\n"
                              "ledger 2 30 35 unseen 0 0 -1 ()\n"
                              "ledger 2 35 0 foreign 0 0 -1 (foreign at 35)\n");
    free(text);
    double seconds[LEDGER_WHATS];
    assert_fine(store_sum_ledger(store, (int[]){3, 2}, 2, 11, 40, seconds));
    assert_true(seconds[LEDGER_IDLE] == 1.5 + 20 + 19 && seconds[LEDGER_HELD] == 7.5 && seconds[LEDGER_UNSEEN] == 5);
    assert_true(seconds[LEDGER_FOREIGN] == 5 && seconds[LEDGER_DRAINING] == 0 && seconds[LEDGER_QUARANTINED] == 0);
    assert_fine(store_sum_ledger(store, (int[]){3}, 1, 15, 40, seconds));
    assert_true(seconds[LEDGER_IDLE] == 20 && seconds[LEDGER_HELD] == 5);
}

static void looks_and_audit_come_back(void **state) {
    Store *store = *state;
    LookRound round = {.gpu = 2, .verdict = LOOK_UNKNOWN, .why = "util is not reported"};
    round.first = (Look){.time = 1.25, .util = NAN, .memory = -1, .processes = 0, .known = true, .unified = true};
    round.second = (Look){.time = 6.25, .util = 98, .memory = INT64_C(80) << 30, .processes = 3, .known = true};
    assert_fine(store_add_look(store, &round));
    round.verdict = LOOK_IDLE;
    assert_fine(store_add_look(store, &round));
    const AuditLine line = {.time = 3.5, .uid = -1, .user = "pool", .action = "stop", .what = "gpu 3", .detail = "'"};
    assert_fine(store_add_audit(store, &line));
    char *text = print_store(store);
    assert_string_equal(text, "look 2 1.25 nan -1 0 1 1 6.25 98 85899345920 3 1 0 unknown (util is not reported)\n"
                              "look 2 1.25 nan -1 0 1 1 6.25 98 85899345920 3 1 0 idle (util is not reported)\n"
                              "audit 3.5 -1 pool|stop|gpu 3|'\n");
    free(text);
}

static Status count_look(void *context, const LookRound *round) {
    double *first = context; /* gpu of the first, and how many */
    if (first[1]++ == 0)
        first[0] = round->first.time;
    return NULL;
}

static void the_oldest_looks_go(void **state) {
    Store *store = *state;
    LookRound round = {.gpu = 1};
    double seen[2] = {0};
    char fill[512];
    /* As many as are kept, at once: one by one they take seconds. */
    snprintf(fill, sizeof fill,
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO looks SELECT "
             "NULL, 1, i, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'idle', '' FROM n",
             STORE_LOOKS - 1);
    assert_fine(statement_execute(store, fill));
    for (int i = 0; i < 5; i++) {
        round.first.time = STORE_LOOKS + i;
        assert_fine(store_add_look(store, &round));
    }
    assert_fine(store_each_look(store, count_look, seen));
    assert_true(seen[0] == 5 && seen[1] == STORE_LOOKS);
}

static void facts_have_one_value(void **state) {
    Store *store = *state;
    double value;
    char *text;
    assert_fine(store_get_fact(store, "seen", &value));
    assert_true(isnan(value));
    assert_fine(store_put_fact(store, "seen", 1.0 / 3));
    assert_fine(store_get_fact(store, "seen", &value));
    assert_true(value == 1.0 / 3);
    assert_fine(store_get_fact_text(store, "seen", &text));
    assert_string_equal(text, "");
    free(text);
    assert_fine(store_put_fact_text(store, "seen", "yes"));
    assert_fine(store_get_fact_text(store, "seen", &text));
    assert_string_equal(text, "yes");
    free(text);
    assert_fine(store_get_fact(store, "seen", &value));
    assert_true(isnan(value));
    assert_fine(store_put_fact(store, "seen", -INFINITY));
    assert_fine(store_get_fact(store, "seen", &value));
    assert_true(value == -INFINITY);
}

static void numbers_of_other_databases_are_skipped(void **state) {
    Store *store = *state;
    Job job = make_job(1);
    assert_fine(store_skip_jobs(store, 7)); /* without any job yet */
    assert_fine(store_add_job(store, &job));
    assert_int_equal(job.id, 8);
    assert_fine(store_skip_jobs(store, 3));
    assert_fine(store_add_job(store, &job));
    assert_int_equal(job.id, 9);
    assert_fine(store_skip_jobs(store, 20));
    assert_fine(store_add_job(store, &job));
    assert_int_equal(job.id, 21);
    job_free(&job);
}

static void transactions_are_whole(void **state) {
    Store *store = *state;
    Job job = make_job(1);
    assert_fine(store_begin(store));
    assert_refused(store_begin(store), EXIT_INTERNAL, "within a transaction");
    assert_fine(store_add_job(store, &job));
    put_ledger(store, 1, 5, LEDGER_IDLE, 0, 0);
    store_rollback(store);
    char *text = print_store(store);
    assert_string_equal(text, "");
    free(text);
    /* A failure inside: all later calls get it, and nothing of the transaction stays. */
    assert_fine(store_begin(store));
    assert_fine(store_take_lease(store, 1, 1, 1));
    assert_refused(store_take_lease(store, 1, 2, 2), EXIT_INTERNAL, "UNIQUE");
    assert_refused(store_take_lease(store, 2, 2, 2), EXIT_INTERNAL, "UNIQUE");
    assert_refused(store_put_fact(store, "a", 1), EXIT_INTERNAL, "UNIQUE");
    assert_refused(store_commit(store), EXIT_INTERNAL, "UNIQUE");
    text = print_store(store);
    assert_string_equal(text, "");
    free(text);
    assert_refused(store_commit(store), EXIT_INTERNAL, "outside a transaction");
    assert_fine(store_begin(store));
    assert_fine(store_take_lease(store, 1, 2, 2));
    assert_fine(store_commit(store));
    text = print_store(store);
    assert_string_equal(text, "lease 1 2 2\n");
    free(text);
    job_free(&job);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(jobs_come_back_as_they_were),
        STORE_TEST(live_jobs_are_told_from_ended_ones),
        STORE_TEST(walks_nest_and_end_early),
        STORE_TEST(attempts_come_back_in_order),
        STORE_TEST(usual_seconds_are_the_median_of_what_was_done),
        STORE_TEST(busy_seconds_are_those_of_the_time_asked_for),
        STORE_TEST(a_gpu_has_one_lease),
        STORE_TEST(the_ledger_has_no_gap_and_no_overlap),
        STORE_TEST(looks_and_audit_come_back),
        STORE_TEST(the_oldest_looks_go),
        STORE_TEST(facts_have_one_value),
        STORE_TEST(numbers_of_other_databases_are_skipped),
        STORE_TEST(transactions_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
