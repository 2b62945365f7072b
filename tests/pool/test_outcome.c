/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a job, by every exit code and every way in which it may have been asked to stop. */
#include "pool/schedule/jobs/outcome.h"

#include "base/status.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { ENDED = 1000 }; /* as a code: how it ended is not known */

/* Flags of what the outcome has beside the state. */
enum { FAILURE = 1, TURN = 2, HALVE = 4, QUARANTINE = 8, PAUSE = 16, EARLY = 32, BLAMES = 64 };

static Outcome find_outcome(const Job *job, int code, double seconds) {
    JobEnd end = {.exit = code};
    if (code < 0)
        end = (JobEnd){.exit = -1, .signal = -code};
    else if (code == ENDED)
        end = (JobEnd){.exit = -1};
    Outcome outcome;
    outcome_of(job, end, "", seconds, &outcome);
    return outcome;
}

static int flags_of(const Outcome *outcome) {
    return outcome->failure * FAILURE + outcome->keeps_turn * TURN + outcome->halve * HALVE +
           outcome->quarantine * QUARANTINE + outcome->pause * PAUSE + outcome->early * EARLY +
           outcome->blames_gpu * BLAMES;
}

static void check(const Job *job, int code, double seconds, JobState state, int flags, const char *why) {
    const Outcome outcome = find_outcome(job, code, seconds);
    if (outcome.state != state || flags_of(&outcome) != flags || !strstr(outcome.why, why))
        fail_msg("code %d: %s, flags %d, \"%s\"; but %s, %d, \"%s\" were expected", code, job_state_name(outcome.state),
                 flags_of(&outcome), outcome.why, job_state_name(state), flags, why);
}

/* 0 to 255 of a job that nobody asked to stop, after a minute and after a second. */
static void test_codes(void **state) {
    (void)state;
    const Job job = {.id = 7};
    for (int code = 0; code < 256; code++) {
        JobState wanted = JOB_WAITING;
        int flags = FAILURE, early = EARLY | BLAMES;
        switch (code) {
        case 0:
            wanted = JOB_DONE;
            flags = early = 0;
            break;
        case 64:
        case 65:
        case 77:
        case 78:
        case 126:
        case 127:
            wanted = JOB_FAILED;
            flags = 0;
            early = EARLY;
            break;
        case 69:
            flags = FAILURE | QUARANTINE;
            break;
        case 74:
            flags = TURN | PAUSE;
            early = 0;
            break;
        case 75:
            flags = TURN;
            early = 0;
            break;
        case 76:
            early = 0;
            break;
        default:
            break;
        }
        check(&job, code, 60, wanted, flags, "");
        check(&job, code, 1, wanted, flags | early, "");
    }
    check(&job, -SIGKILL, 60, JOB_WAITING, FAILURE, "ended by signal 9");
    check(&job, -SIGSEGV, 29.9, JOB_WAITING, FAILURE | EARLY | BLAMES, "ended by signal 11");
    check(&job, -SIGSEGV, 30, JOB_WAITING, FAILURE, "ended by signal 11");
    check(&job, ENDED, 60, JOB_WAITING, FAILURE, "is not known");
}

/* A job that failed before may be the cause itself: the GPU is not blamed. */
static void test_early_failures(void **state) {
    (void)state;
    Job job = {.id = 7};
    check(&job, 1, 20, JOB_WAITING, FAILURE | EARLY | BLAMES, "");
    job.failures = 1;
    check(&job, 1, 20, JOB_WAITING, FAILURE, "");
    check(&job, 64, 20, JOB_FAILED, 0, "");
}

/* Two retries, then it has failed. */
static void test_retries(void **state) {
    (void)state;
    Job job = {.id = 7, .failures = 1};
    check(&job, 1, 60, JOB_WAITING, FAILURE, "ended with 1");
    job.failures = 2;
    check(&job, 1, 60, JOB_FAILED, FAILURE, "ended with 1; 3 attempts failed");
    check(&job, 69, 60, JOB_FAILED, FAILURE | QUARANTINE, "3 attempts failed");
    check(&job, 75, 60, JOB_WAITING, TURN, "checkpoint");
    check(&job, 74, 60, JOB_WAITING, TURN | PAUSE, "reading or writing");
}

static void test_memory(void **state) {
    (void)state;
    Job job = {.id = 7, .micro_batch = 48, .failures = 2};
    check(&job, 76, 5, JOB_WAITING, TURN | HALVE, "micro-batch of 24");
    job.halvings = 4;
    check(&job, 76, 5, JOB_WAITING, TURN | HALVE, "micro-batch of 1");
    job.halvings = 5;
    check(&job, 76, 5, JOB_FAILED, 0, "micro-batch is 1 already");
    job.halvings = 1000;
    check(&job, 76, 5, JOB_FAILED, 0, "micro-batch is 1 already");
    job.micro_batch = 0;
    check(&job, 76, 60, JOB_FAILED, FAILURE, "out of memory; 3 attempts failed");
}

static void set_stop(Job *job, JobStop stop, const char *why) {
    job->stop = stop;
    snprintf(job->reason, sizeof job->reason, "%s", why);
}

static void test_stops(void **state) {
    (void)state;
    static const int codes[] = {1, 64, 74, 75, 76, 77, -SIGTERM, -SIGKILL, ENDED};
    Job job = {.id = 7, .micro_batch = 8};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        job.failures = 0;
        set_stop(&job, STOP_CANCEL, "cancelled by ann");
        check(&job, codes[i], 5, JOB_CANCELLED, 0, "cancelled by ann");
        set_stop(&job, STOP_YIELD, "stopped for job 9");
        check(&job, codes[i], 5, JOB_WAITING, TURN, "stopped for job 9");
        set_stop(&job, STOP_FAILURE, "no progress for 15 min");
        check(&job, codes[i], 5, JOB_WAITING, FAILURE, "no progress for 15 min");
        job.failures = 2;
        check(&job, codes[i], 5, JOB_FAILED, FAILURE, "no progress for 15 min; 3 attempts failed");
        set_stop(&job, STOP_LIMIT, "its time limit of 2 h");
        check(&job, codes[i], 5, JOB_FAILED, 0,
              codes[i] == 75 ? "its time limit of 2 h; it has a checkpoint: submit it again" : "its time limit of 2 h");
    }
    set_stop(&job, STOP_CANCEL, "cancelled by ann");
    check(&job, 0, 5, JOB_CANCELLED, 0, "cancelled by ann");
    for (JobStop stop = STOP_YIELD; stop <= STOP_LIMIT; stop++) {
        set_stop(&job, stop, "why");
        check(&job, 0, 5, JOB_DONE, 0, "");
    }
}

/* Whoever waits for it sees the code; it is never started again, and says nothing of GPUs or disks. */
static void test_foreground(void **state) {
    (void)state;
    Job job = {.id = 7, .micro_batch = 8, .wants.foreground = true, .wants.resumable = true};
    for (int code = 0; code < 256; code++)
        check(&job, code, 1, code ? JOB_FAILED : JOB_DONE, 0, code ? "ended with" : "");
    check(&job, -SIGKILL, 1, JOB_FAILED, 0, "ended by signal 9");
    set_stop(&job, STOP_YIELD, "the loan ends");
    check(&job, 75, 1, JOB_FAILED, 0, "the loan ends");
}

static void test_host_knows(void **state) {
    (void)state;
    const Job job = {.id = 7};
    Outcome outcome;
    outcome_of(&job, (JobEnd){.exit = -1, .signal = 9}, "its keeper was killed", 60, &outcome);
    assert_string_equal(outcome.why, "ended by signal 9; its keeper was killed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),      cmocka_unit_test(test_early_failures), cmocka_unit_test(test_retries),
        cmocka_unit_test(test_memory),     cmocka_unit_test(test_stops),          cmocka_unit_test(test_foreground),
        cmocka_unit_test(test_host_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
