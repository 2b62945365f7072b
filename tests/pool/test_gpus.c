/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs of the schedule: which state each is in and why, when it is clear, who may change that, and a ledger that
 * accounts for every second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/pool/gpu_node.h"

#include "pool/schedule/gpus/condition.h"

static const Caller ROOT = {0, "root"}, ANN = {1001, "ann"};

static void states_have_an_order(void **state) {
    GpuNode *node = *state;
    assert_state(node, 2, GPU_UNKNOWN, "not looked at yet");
    node_see_idle(node);
    assert_state(node, 0, GPU_FREE, "kept for the service brain");
    assert_state(node, 2, GPU_FREE, "no job waits");
    assert_state(node, 5, GPU_FREE, "in no lane");
    Observation seen = idle_sight();
    seen.sample.celsius = 86;
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_HOT, "new jobs start below 80 C");
    seen.sample.memory_used = 4 * NODE_GIB;
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_GHOST, "pool ghosts");
    seen = foreign_sight(4242, 4 * NODE_GIB);
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_FOREIGN, "used by ann, pid 4242 (python train.py), with 4.0 GiB, since 19");
    assert_state(node, 2, GPU_FOREIGN, "free once it ends, or is stopped by its user, ann");
    seen.sample.util = NAN;
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_UNKNOWN, "utilisation is not reported");
    seen.sample.util = 0;
    seen.sample.process_count = -1;
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_UNKNOWN, "the list of processes is not reported");
    gauges_unknown(&seen.sample, 0, "timed out");
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_UNKNOWN, "the GPU does not answer: timed out");
    assert_fine(schedule_gpu(node->schedule, &ROOT, 2, true, node->now));
    assert_state(node, 2, GPU_DRAINING, "drained by root");
    assert_false(gpus_may_lease(node->schedule, 2, 0));
    assert_fine(schedule_gpu(node->schedule, &ROOT, 2, false, node->now));
    assert_state(node, 2, GPU_UNKNOWN, "timed out");
}

static void a_job_holds_then_drains(void **state) {
    GpuNode *node = *state;
    bool wanted[NODE_GPUS];
    double next;
    node_see_idle(node);
    node->now = 1001;
    const int64_t job = node_run(node, 3, "pool");
    assert_int_equal(node->starts, 1);
    assert_state(node, 3, GPU_HELD, "held by ann, job 1");
    node->now = 1006;
    node_see(node, 3, busy_sight());
    /* Somebody else comes while it runs. */
    Observation seen = busy_sight();
    seen.sample.process_count = 2;
    seen.foreign = foreign_sight(99, NODE_GIB).foreign;
    node->now = 1011;
    node_see(node, 3, seen);
    assert_state(node, 3, GPU_HELD, "also used by ann, pid 99");
    node->now = 1016;
    node_see(node, 3, busy_sight());
    node_end(node, job, 0);
    assert_state(node, 3, GPU_DRAINING, "job 1 has ended; the GPU is not clear yet");
    schedule_wants_looks(node->schedule, node->now, wanted, &next);
    assert_true(wanted[3]);
    /* What was read before its end does not count, and its processes and memory keep it. */
    seen = idle_sight();
    seen.sample.time = 1015.9;
    node_see(node, 3, seen);
    assert_state(node, 3, GPU_DRAINING, "");
    seen.sample.time = 0;
    seen.sample.process_count = seen.own = 1;
    node_see(node, 3, seen);
    assert_state(node, 3, GPU_DRAINING, "");
    node->now = 1016.5;
    schedule_wants_looks(node->schedule, node->now, wanted, &next);
    assert_true(wanted[3]);
    seen.sample.process_count = seen.own = 0;
    seen.sample.memory_used = NODE_GIB;
    node_see(node, 3, seen);
    assert_state(node, 3, GPU_DRAINING, "");
    node->now = 1017;
    seen = idle_sight();
    seen.sample.util = NAN; /* not needed */
    node_see(node, 3, seen);
    assert_state(node, 3, GPU_UNKNOWN, "");
    node_see(node, 3, idle_sight());
    assert_state(node, 3, GPU_FREE, "");
    assert_ledger(
        node, 3,
        "1000-1001 idle 0 no job waits\n"
        "1001-1011 held 1 held by ann, job 1\n"
        "1011-1016 held 1 held by ann, job 1; also used by ann, pid 99 (python train.py), with 1.0 GiB, since "
        "1970-01-01 00:15, which is no job; free once it ends, or is stopped by its user, ann\n"
        "1016-1017 draining 1 job 1 has ended; the GPU is not clear yet\n"
        "1017-0 idle 0 no job waits\n");
}

static void what_does_not_clear_is_quarantined(void **state) {
    GpuNode *node = *state;
    WhyView why;
    node_see_idle(node);
    const int64_t job = node_run(node, 2, "pool");
    node_end(node, job, 0);
    Observation seen = idle_sight();
    seen.sample.memory_used = 9 * NODE_GIB;
    for (; node->now < 1060; node->now += 0.5)
        node_see(node, 2, seen);
    assert_state(node, 2, GPU_DRAINING, "");
    schedule_why_gpu(node->schedule, 2, 1030, &why);
    assert_non_null(
        strstr(why.reason, "no process shows, and memory is used; quarantined if that lasts for 30 s more"));
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_QUARANTINED, "60 s after job 1 ended: no process shows, and memory is used");
    assert_string_equal(node->notices, "quarantine ");
    node->now = 1100;
    node_see(node, 2, idle_sight());
    assert_state(node, 2, GPU_QUARANTINED, "");
    schedule_why_gpu(node->schedule, 2, node->now, &why);
    assert_non_null(strstr(why.reason, "pool gpu 2 clear"));
    assert_refused(schedule_gpu(node->schedule, &ANN, 2, false, node->now), EXIT_REFUSED, "an admin may (root)");
    assert_refused(schedule_gpu(node->schedule, &ROOT, 12, false, node->now), EXIT_USAGE, "the rule has no GPU 12;");
    assert_state(node, 2, GPU_QUARANTINED, "");
    assert_fine(schedule_gpu(node->schedule, &ROOT, 2, false, node->now));
    assert_state(node, 2, GPU_FREE, "");
    assert_true(gpus_may_lease(node->schedule, 2, 0));
}

static void what_gauges_do_not_show_is_quarantined(void **state) {
    GpuNode *node = *state;
    node_see_idle(node);
    node_end(node, node_run(node, 2, "pool"), 0);
    node_end(node, node_run(node, 3, "pool"), 0);
    Observation seen = idle_sight();
    gauges_unknown(&seen.sample, 0, "timed out");
    node_see(node, 3, seen);
    node->now += 60;
    node_see(node, 4, idle_sight());
    assert_state(node, 2, GPU_QUARANTINED, "60 s after job 1 ended: it was not looked at since");
    assert_state(node, 3, GPU_QUARANTINED, "60 s after job 2 ended: the GPU does not answer: timed out");
}

static void a_baseline_is_learned(void **state) {
    GpuNode *node = *state;
    Observation seen = idle_sight();
    /* 3 % of 80 GiB is 2.4 GiB; of a small GPU 2 GiB are the most. */
    seen.sample.memory_used = (int64_t)(2.39 * (double)NODE_GIB);
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_FREE, "");
    seen.sample.memory_used = (int64_t)(2.41 * (double)NODE_GIB);
    node_see(node, 3, seen);
    assert_state(node, 3, GPU_GHOST, "");
    seen.sample.memory_total = 16 * NODE_GIB;
    seen.sample.memory_used = 2 * NODE_GIB + 1;
    node_see(node, 4, seen);
    assert_state(node, 4, GPU_GHOST, "");
    /* The smallest counts from then on, with a tolerance of 256 MiB. */
    seen = idle_sight();
    node_see(node, 2, seen);
    seen.sample.memory_used += NODE_GIB / 4;
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_FREE, "");
    seen.sample.memory_used += 1;
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_GHOST, "");
    /* An admin takes what is there for the baseline; a daemon after this one knows it. */
    assert_fine(schedule_gpu(node->schedule, &ROOT, 4, false, node->now));
    assert_state(node, 4, GPU_FREE, "");
    schedule_close(node->schedule);
    node_begin(node);
    seen.sample.memory_used = 2 * NODE_GIB + 1;
    node_see(node, 4, seen);
    assert_state(node, 4, GPU_FREE, "");
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_GHOST, "");
}

typedef struct {
    int index;
    int64_t job;
} Failure;

static Status fail_early(Schedule *schedule, void *context) {
    const Failure *failure = context;
    return gpus_early_failure(schedule, failure->index, failure->job);
}

static Status work(Schedule *schedule, void *context) {
    gpus_worked(schedule, ((const Failure *)context)->index);
    return NULL;
}

static void three_jobs_that_fail_at_once_quarantine(void **state) {
    GpuNode *node = *state;
    node_see_idle(node);
    const int64_t jobs[] = {5, 6, 5, 6};
    for (int i = 0; i < 4; i++)
        assert_fine(schedule_transaction(node->schedule, node->now, fail_early, &(Failure){2, jobs[i]}));
    assert_fine(schedule_transaction(node->schedule, node->now, fail_early, &(Failure){3, 7}));
    assert_state(node, 2, GPU_FREE, "");
    assert_fine(schedule_transaction(node->schedule, node->now, work, &(Failure){2, 0}));
    assert_fine(schedule_transaction(node->schedule, node->now, fail_early, &(Failure){2, 7}));
    assert_fine(schedule_transaction(node->schedule, node->now, fail_early, &(Failure){2, 8}));
    assert_state(node, 2, GPU_FREE, "");
    assert_fine(schedule_transaction(node->schedule, node->now, fail_early, &(Failure){2, 9}));
    assert_state(node, 2, GPU_QUARANTINED, "jobs 7, 8 and 9, three in a row, failed soon after their start here");
    assert_string_equal(node->notices, "quarantine ");
    /* The next daemon knows. */
    schedule_close(node->schedule);
    node_begin(node);
    assert_state(node, 2, GPU_QUARANTINED, "jobs 7, 8 and 9");
    assert_fine(schedule_gpu(node->schedule, &ROOT, 2, false, node->now));
    node_see_idle(node);
    assert_state(node, 2, GPU_FREE, "");
}

static Status reserve(Schedule *schedule, void *context) {
    const Failure *kept = context;
    gpus_reserve(schedule, kept->index, kept->job);
    return NULL;
}

static void a_kept_gpu_is_for_its_job_alone(void **state) {
    GpuNode *node = *state;
    node_see_idle(node);
    assert_fine(schedule_transaction(node->schedule, node->now, reserve, &(Failure){2, 7}));
    assert_state(node, 2, GPU_RESERVED, "kept for job 7");
    assert_true(gpus_may_lease(node->schedule, 2, 7));
    assert_false(gpus_may_lease(node->schedule, 2, 8));
    assert_ledger(node, 2, "1000-0 idle 0 kept for job 7\n");
    /* Anything in its way comes first. */
    node_see(node, 2, foreign_sight(4242, NODE_GIB));
    assert_state(node, 2, GPU_FOREIGN, "");
    assert_false(gpus_may_lease(node->schedule, 2, 7));
}

static void heat_pauses_then_stops(void **state) {
    GpuNode *node = *state;
    node_see_idle(node);
    node_run(node, 2, "pool");
    Observation seen = busy_sight();
    static const double ramp[] = {84.9, 85, 89, 89.9};
    for (int i = 0; i < 4; i++) {
        seen.sample.celsius = ramp[i];
        node_see(node, 2, seen);
    }
    assert_string_equal(node->notices, "gpu_hot ");
    assert_int_equal(node->stops, 0);
    seen.sample.celsius = 90;
    node_see(node, 2, seen);
    node_see(node, 2, seen);
    assert_int_equal(node->stops, 1);
    assert_int_equal(node->last_signal, SIGTERM);
    assert_string_equal(queue_find(node->schedule, 1)->job.reason, "GPU 2 is at 90 C");
    node_end(node, 1, 75);
    seen = idle_sight();
    static const double cools[] = {89, 84, 80};
    for (int i = 0; i < 3; i++) {
        seen.sample.celsius = cools[i];
        node_see(node, 2, seen);
        assert_state(node, 2, GPU_HOT, "at or above 85 C");
    }
    seen.sample.celsius = 79.9;
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_FREE, "");
    assert_string_equal(node->notices, "gpu_hot ");
}

static void damage_quarantines(void **state) {
    GpuNode *node = *state;
    node_see_idle(node);
    node_run(node, 2, "pool");
    node_run(node, 3, "pool");
    Observation seen = busy_sight();
    seen.sample.ecc_uncorrected = 2;
    node_see(node, 3, seen);
    assert_state(node, 3, GPU_QUARANTINED, "2 errors of its memory could not be corrected");
    assert_int_equal(node->stops, 1);
    gauges_unknown(&seen.sample, 0, "GPU is lost");
    seen.sample.lost = true;
    node_see(node, 2, seen);
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_QUARANTINED, "it is lost: GPU is lost");
    assert_int_equal(node->stops, 2);
    assert_string_equal(node->notices, "quarantine gpu_lost quarantine ");
    seen = idle_sight();
    seen.sample.remap_failed = true;
    node_see(node, 4, seen);
    assert_state(node, 4, GPU_QUARANTINED, "a damaged row of its memory could not be replaced");
    /* Its job gone, it holds no lease; errors that an admin has seen do not come back. */
    node_end(node, 2, 1);
    seen = idle_sight();
    seen.sample.ecc_uncorrected = 2;
    node_see(node, 3, seen);
    assert_fine(schedule_gpu(node->schedule, &ROOT, 3, false, node->now));
    node_see(node, 3, seen);
    assert_state(node, 3, GPU_FREE, "");
    seen.sample.ecc_uncorrected = 3;
    node_see(node, 3, seen);
    assert_state(node, 3, GPU_QUARANTINED, "1 errors");
}

static void errors_of_the_driver_quarantine_by_the_table(void **state) {
    GpuNode *node = *state;
    XidTable xids;
    assert_fine(xid_table_open(NULL, &xids));
    node_see_idle(node);
    Observation seen = idle_sight();
    seen.sample.xids[0] = 31;
    seen.sample.xids[1] = 79;
    seen.sample.xid_count = 2;
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_FREE, "");
    schedule_use_xids(node->schedule, &xids);
    seen.sample.xid_count = 1; /* a program's fault */
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_FREE, "");
    seen.sample.xid_count = 2;
    node_see(node, 2, seen);
    assert_state(node, 2, GPU_QUARANTINED, "XID 79: ");
    schedule_use_xids(node->schedule, NULL);
    xid_table_close(&xids);
}

static void work_is_counted(void **state) {
    GpuNode *node = *state;
    Observation seen = idle_sight();
    seen.sample.joules = 1000;
    node_see(node, 2, seen);
    node_run(node, 2, "pool");
    seen = busy_sight();
    static const double utils[] = {50, 0, 1, NAN};
    for (int i = 0; i < 4; i++) {
        node->now += 5;
        seen.sample.util = utils[i];
        seen.sample.joules = 1000 + 500 * (i + 1);
        node_see(node, 2, seen);
    }
    const ScheduleJob *job = queue_find(node->schedule, 1);
    assert_true(job->attempt.busy == 10);
    assert_true(job->attempt.joules == 2000);
    assert_true(job->progress == 1015);
    /* A slot is at work as long as it is held. */
    node_run(node, 6, "slots");
    node->now += 30;
    node_see(node, 2, seen);
    assert_true(queue_find(node->schedule, 2)->attempt.busy == 30);
    node_end(node, 2, 0);
    assert_state(node, 6, GPU_FREE, "");
}

static void figures_make_no_lines(void **state) {
    GpuNode *node = *state;
    for (int i = 0; i < 20; i++) {
        node->now += 5;
        node_see(node, 2, foreign_sight(4242, (20 + i) * NODE_GIB));
    }
    assert_ledger(
        node, 2,
        "1000-1005 idle 0 not looked at yet\n"
        "1005-0 foreign 0 used by ann, pid 4242 (python train.py), with 20.0 GiB, since 1970-01-01 00:15, which "
        "is no job; free once it ends, or is stopped by its user, ann\n");
}

static void a_drained_gpu_finishes_its_job(void **state) {
    GpuNode *node = *state;
    node_see_idle(node);
    const int64_t job = node_run(node, 2, "pool");
    assert_fine(schedule_gpu(node->schedule, &ROOT, 2, true, node->now));
    assert_state(node, 2, GPU_HELD, "held by ann, job 1; then drained by root");
    assert_int_equal(node->stops, 0);
    node->now += 10;
    node_end(node, job, 0);
    node_see(node, 2, idle_sight());
    assert_state(node, 2, GPU_DRAINING, "drained by root");
    schedule_close(node->schedule);
    node_begin(node);
    assert_state(node, 2, GPU_DRAINING, "drained by root");
}

static void nobody_saw_the_time_between_daemons(void **state) {
    GpuNode *node = *state;
    node_see_idle(node);
    node_run(node, 2, "pool");
    node_run(node, 3, "pool");
    node->now = 1020;
    node_see(node, 2, busy_sight());
    schedule_close(node->schedule);
    node->now = 1500;
    node_begin(node);
    assert_fine(schedule_adopt(node->schedule, 1, node->now));
    node->now = 1501;
    node_end(node, 2, 0);
    assert_state(node, 2, GPU_HELD, "job 1");
    assert_ledger(node, 2, "1000-0 held 1 held by ann, job 1\n");
    assert_ledger(node, 3,
                  "1000-1020 held 2 held by ann, job 2\n"
                  "1020-1501 unseen 0 no daemon ran\n"
                  "1501-0 draining 2 job 2 has ended; the GPU is not clear yet\n");
    assert_ledger(node, 4,
                  "1000-1020 idle 0 no job waits\n"
                  "1020-1500 unseen 0 no daemon ran\n"
                  "1500-0 idle 0 not looked at yet\n");
}

static Status fail_after_change(Schedule *schedule, void *context) {
    (void)context;
    const Status status = gpus_quarantine(schedule, 2, "for a test");
    status_free(status);
    return status_error(EXIT_IO, "the disk is full");
}

static void a_failed_event_changes_nothing(void **state) {
    GpuNode *node = *state;
    node_idle_twice(node);
    const int64_t job = node_run(node, 3, "pool");
    node->now += 1;
    assert_refused(schedule_transaction(node->schedule, node->now, fail_after_change, NULL), EXIT_IO, "full");
    assert_string_equal(node->notices, "");
    node->now += 1;
    node_see(node, 2, idle_sight());
    assert_state(node, 2, GPU_FREE, "");
    assert_state(node, 3, GPU_HELD, "held by ann, job 1");
    node_end(node, job, 0);
    node_see(node, 3, idle_sight());
    assert_state(node, 3, GPU_FREE, "");
    /* What it would have told people stays untold. */
    assert_string_equal(node->notices, "");
}

static void refusals_name_the_holder(void **state) {
    GpuNode *node = *state;
    char text[512];
    node_see_idle(node);
    node_run(node, 2, "pool");
    assert_fine(schedule_started(node->schedule, 1, 4711, node->now));
    gpus_describe(node->schedule, 2, text, sizeof text);
    assert_string_equal(text, "gpu 2 is held by ann, pid 4711, job 1, since 1970-01-01 00:16");
    node_see(node, 3, foreign_sight(4242, NODE_GIB));
    gpus_describe(node->schedule, 3, text, sizeof text);
    assert_non_null(strstr(text, "gpu 3 is foreign: used by ann, pid 4242"));
}

#define WITH_NODE(name) cmocka_unit_test_setup_teardown(name, node_open, node_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_NODE(states_have_an_order),
        WITH_NODE(a_job_holds_then_drains),
        WITH_NODE(what_does_not_clear_is_quarantined),
        WITH_NODE(what_gauges_do_not_show_is_quarantined),
        WITH_NODE(a_baseline_is_learned),
        WITH_NODE(three_jobs_that_fail_at_once_quarantine),
        WITH_NODE(a_kept_gpu_is_for_its_job_alone),
        WITH_NODE(heat_pauses_then_stops),
        WITH_NODE(damage_quarantines),
        WITH_NODE(errors_of_the_driver_quarantine_by_the_table),
        WITH_NODE(work_is_counted),
        WITH_NODE(figures_make_no_lines),
        WITH_NODE(a_drained_gpu_finishes_its_job),
        WITH_NODE(nobody_saw_the_time_between_daemons),
        WITH_NODE(a_failed_event_changes_nothing),
        WITH_NODE(refusals_name_the_holder),
    };
    /* Dates in reasons are local ones. */
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
