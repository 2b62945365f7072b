/* SPDX-License-Identifier: Apache-2.0 */
/* Time limits, graces, stalls and the loan's end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/pool/job_node.h"

static const char SLOTS[] =
    "[node]\nname = n\ngrace = 60\nstall = 900\n[gpus]\n0 = cpu\n1 = cpu\n[lanes]\npool = pool 0-1"
    "\n[roles]\nadmin = root\nmember = *\n";
static const char GPUS[] = "[node]\nname = n\nstall = 900\n[gpus]\n0 = GPU-0\n1 = GPU-1\n[lanes]\npool = pool 0-1\n"
                           "[roles]\nadmin = root\nmember = *\n";

static int64_t submit(JobNode *node, double limit, bool foreground) {
    JobWants wants = node_wants(1);
    wants.time_limit = limit;
    wants.foreground = foreground;
    const int64_t id = node_submit(node, "ann", &wants);
    node_pass(node, 10); /* two looks at a GPU */
    assert_job(node, id, JOB_RUNNING, "");
    return id;
}

static int signal_of(JobNode *node, int64_t job) {
    return node_find(node, job)->signal;
}

static void sessions_end_after_a_warning(void **state) {
    (void)state;
    JobNode *node = node_new(SLOTS, -1);
    const int64_t session = submit(node, 7200, true); /* it started 10 s ago */
    node_pass(node, 7200 - 300 - 10 - 1);
    assert_false(node_told(node, "session_ends", session));
    node_pass(node, 1);
    assert_true(node_told(node, "session_ends", session));
    node_pass(node, 299);
    assert_int_equal(signal_of(node, session), 0);
    node_pass(node, 1);
    assert_int_equal(signal_of(node, session), SIGTERM);
    assert_job(node, session, JOB_STOPPING, "its time limit of 2 h is over");
    node_pass(node, 59);
    assert_int_equal(signal_of(node, session), SIGTERM);
    node_pass(node, 1);
    assert_int_equal(signal_of(node, session), SIGKILL);
    node_end_by(node, session, (JobEnd){-1, SIGKILL});
    assert_job(node, session, JOB_FAILED, "its time limit of 2 h is over");
    node_free(node);
}

/* A tenth of a short one. */
static void short_jobs_are_warned_later(void **state) {
    (void)state;
    JobNode *node = node_new(SLOTS, -1);
    const int64_t job = submit(node, 100, false);
    node_pass(node, 79);
    assert_false(node_told(node, "session_ends", job));
    node_pass(node, 1);
    assert_true(node_told(node, "session_ends", job));
    node_pass(node, 10);
    assert_int_equal(signal_of(node, job), SIGTERM);
    /* The daemon is killed in between: the grace is the same. */
    node_pass(node, 30);
    node_restart(node);
    node_pass(node, 29);
    assert_int_equal(signal_of(node, job), SIGTERM);
    node_pass(node, 1);
    assert_int_equal(signal_of(node, job), SIGKILL);
    node_end(node, job, 75);
    assert_job(node, job, JOB_FAILED, "its time limit of 100 s is over; it has a checkpoint: submit it again to go on");
    node_free(node);
}

/* A GPU that is held and reads 0 % is no rest. */
static void stalled_jobs_stop_and_wait_again(void **state) {
    (void)state;
    JobNode *node = node_new(GPUS, -1);
    const int64_t job = submit(node, 0, false);
    node_pass(node, 2000);
    assert_int_equal(signal_of(node, job), 0);
    node->busy = false;
    node_pass(node, 890);
    assert_int_equal(signal_of(node, job), 0);
    node_pass(node, 15);
    assert_int_equal(signal_of(node, job), SIGTERM);
    assert_job(node, job, JOB_STOPPING, "no progress for 15 min");
    assert_true(node_told(node, "stalled", job));
    node_end_by(node, job, (JobEnd){-1, SIGTERM});
    assert_job(node, job, JOB_WAITING, "no progress for 15 min");
    Job again = node_get(node, job);
    assert_int_equal(again.failures, 1);
    job_free(&again);
    /* Metrics are progress, too. */
    node_pass(node, 20);
    assert_job(node, job, JOB_RUNNING, "");
    for (int i = 0; i < 10; i++) {
        node_pass(node, 600);
        assert_fine(schedule_progress(node->schedule, job, node->now));
    }
    assert_int_equal(signal_of(node, job), 0);
    node_free(node);
}

/* A person at a prompt is told, and not thrown out. */
static void quiet_sessions_are_reported_once(void **state) {
    (void)state;
    JobNode *node = node_new(GPUS, -1);
    node->busy = false;
    const int64_t session = submit(node, 0, true);
    node_pass(node, 5000);
    assert_int_equal(signal_of(node, session), 0);
    char told[32];
    snprintf(told, sizeof told, "stalled %" PRId64 "; ", session);
    assert_string_equal(node->notices, told);
    node_free(node);
}

/* Nothing shows whether a job on a slot works, unless it writes metrics. */
static void slots_stall_by_metrics_alone(void **state) {
    (void)state;
    JobNode *node = node_new(SLOTS, -1);
    const int64_t silent = submit(node, 0, false);
    const Caller ann = node_caller("ann");
    const JobWants wants = node_wants(1);
    Job job = node_job(&wants);
    char *answer;
    free(job.run_dir);
    assert_non_null(job.run_dir = strdup("runs/a"));
    assert_fine(schedule_submit(node->schedule, &ann, &job, false, false, &answer, node->now));
    node_pass(node, 899);
    assert_int_equal(signal_of(node, job.id), 0);
    node_pass(node, 1);
    assert_int_equal(signal_of(node, job.id), SIGTERM);
    node_pass(node, 10000);
    assert_int_equal(signal_of(node, silent), 0);
    node_free(node);
}

static void jobs_stop_before_the_loan_ends(void **state) {
    (void)state;
    JobNode *node = node_new(SLOTS, -1);
    node->rule.loan_from = 2000;
    node->rule.loan_to = 10000;
    JobWants wants = node_wants(1);
    wants.time_limit = 5000;
    const int64_t fits = node_submit(node, "ann", &wants);
    wants.time_limit = 9000;
    const int64_t late = node_submit(node, "ann", &wants);
    node_pass(node, 999);
    assert_job(node, fits, JOB_WAITING, "");
    assert_why(node, fits, "the loan begins at");
    GpuView view;
    schedule_gpu_view(node->schedule, 0, &view);
    node_pass(node, 1);
    assert_job(node, fits, JOB_RUNNING, "");
    assert_job(node, late, JOB_WAITING, "");
    assert_why(node, late, "its 2.5 h are not over before the loan is");
    ClockView clock;
    assert_fine(schedule_clock(node->schedule, node->now, &clock));
    assert_int_equal(clock.late_count, 1);
    assert_int_equal(clock.late[0], late);
    wants.time_limit = 0;
    const int64_t endless = node_submit(node, "ann", &wants);
    node_pass(node, 4000);
    node_end(node, fits, 0);
    node_pass(node, 9940 - 300 - node->now - 1);
    assert_false(node_told(node, "session_ends", endless));
    node_pass(node, 1);
    assert_true(node_told(node, "session_ends", endless));
    node_pass(node, 299);
    assert_int_equal(signal_of(node, endless), 0);
    node_pass(node, 1);
    assert_int_equal(signal_of(node, endless), SIGTERM);
    assert_true(node_told(node, "loan_ends", endless));
    node_end(node, endless, 75);
    assert_job(node, endless, JOB_WAITING, "the loan ends at");
    node_pass(node, 1000);
    assert_job(node, endless, JOB_WAITING, "");
    assert_why(node, endless, "the loan has ended");
    node_submit(node, "ann", &wants);
    schedule_gpu_view(node->schedule, 0, &view);
    assert_non_null(strstr(view.reason, "the loan has ended"));
    node_free(node);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_end_after_a_warning),     cmocka_unit_test(short_jobs_are_warned_later),
        cmocka_unit_test(stalled_jobs_stop_and_wait_again), cmocka_unit_test(quiet_sessions_are_reported_once),
        cmocka_unit_test(slots_stall_by_metrics_alone),     cmocka_unit_test(jobs_stop_before_the_loan_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
