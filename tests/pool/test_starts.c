/* SPDX-License-Identifier: Apache-2.0 */
/* Who starts where: looks, jobs of several GPUs, who is stopped for them, gaps, and what ends say of GPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/pool/job_node.h"

static const char SLOTS[] = "[node]\nname = n\ngrace = 60\n[gpus]\n0 = cpu\n1 = cpu\n2 = cpu\n3 = cpu\n[lanes]\n"
                            "pool = pool 0-3\n[roles]\nadmin = root\nmember = *\n";
static const char GPUS[] = "[node]\nname = n\nlook_every = 5\nlook_gap = 5\n[gpus]\n0 = GPU-0\n1 = GPU-1\n2 = GPU-2\n"
                           "3 = GPU-3\n[lanes]\npool = pool 0-3\n[roles]\nadmin = root\nmember = *\n";

static JobNode *open_slots(void) {
    return node_new(SLOTS, -1);
}

static int64_t submit(JobNode *node, int gpus, int priority, bool resumable) {
    JobWants wants = node_wants(gpus);
    wants.priority = priority;
    wants.resumable = resumable;
    return node_submit(node, "ann", &wants);
}

/* The signal that the job got; 0: none. */
static int signal_of(JobNode *node, int64_t job) {
    const JobRun *run = node_find(node, job);
    assert_non_null(run);
    return run->signal;
}

static void a_submitted_job_waits_for_two_looks(void **state) {
    (void)state;
    JobNode *node = node_new(GPUS, -1);
    const int64_t job = submit(node, 1, 0, false);
    node_pass(node, 0);
    assert_job(node, job, JOB_WAITING, "");
    node_pass(node, 4.9);
    assert_job(node, job, JOB_WAITING, "");
    node_pass(node, 0.1);
    assert_job(node, job, JOB_RUNNING, "");
    /* A person's job needs a free GPU alone. */
    JobWants wants = node_wants(4);
    wants.foreground = true;
    int64_t id;
    node_end(node, job, 0);
    node_tick(node); /* drained, and looked at once */
    assert_fine(node_try(node, "bob", &wants, true, &id));
    assert_job(node, id, JOB_RUNNING, "");
    node_free(node);
}

static void large_jobs_get_gpus_as_they_come(void **state) {
    (void)state;
    JobNode *node = open_slots();
    const int64_t first = submit(node, 1, 0, false), second = submit(node, 1, 0, false);
    const int64_t large = submit(node, 4, 0, false);
    node_pass(node, 1);
    const int64_t small = submit(node, 1, 0, false);
    node_pass(node, 1);
    assert_job(node, large, JOB_WAITING, "");
    assert_job(node, small, JOB_WAITING, "");
    assert_why(node, large, "kept for it");
    GpuView view;
    schedule_gpu_view(node->schedule, 2, &view);
    assert_int_equal(view.state, GPU_RESERVED);
    assert_string_equal(view.reason, "kept for job 3");
    schedule_gpu_view(node->schedule, 0, &view);
    assert_int_equal(view.state, GPU_HELD);
    /* Not even at once. */
    JobWants wants = node_wants(1);
    wants.foreground = true;
    int64_t id;
    assert_refused(node_try(node, "bob", &wants, true, &id), EXIT_REFUSED, "kept for job 3");
    node_end(node, first, 0);
    node_pass(node, 1);
    schedule_gpu_view(node->schedule, 0, &view);
    assert_int_equal(view.state, GPU_RESERVED);
    node_end(node, second, 0);
    node_pass(node, 1);
    assert_job(node, large, JOB_RUNNING, "");
    node_free(node);
}

static void short_jobs_fill_the_gap(void **state) {
    (void)state;
    JobNode *node = open_slots();
    JobWants wants = node_wants(2);
    wants.time_limit = 1000;
    node_submit(node, "ann", &wants);
    node_pass(node, 1);
    const int64_t large = submit(node, 4, 0, false);
    wants = node_wants(1);
    const int64_t endless = node_submit(node, "ann", &wants);
    wants.time_limit = 1000;
    const int64_t slow = node_submit(node, "ann", &wants);
    wants.time_limit = 900;
    const int64_t quick = node_submit(node, "ann", &wants);
    node_pass(node, 1);
    assert_job(node, large, JOB_WAITING, "");
    assert_job(node, endless, JOB_WAITING, "");
    assert_job(node, slow, JOB_WAITING, "");
    assert_job(node, quick, JOB_RUNNING, "");
    node_end(node, quick, 0);
    node_pass(node, 1);
    assert_job(node, slow, JOB_WAITING, "");
    node_free(node);
}

/* Of what may be stopped, the fewest that are enough, those that ran shortest. */
static void resumable_jobs_stop_for_large_ones(void **state) {
    (void)state;
    JobNode *node = open_slots();
    const int64_t fixed = submit(node, 1, 0, false);
    int64_t small[3];
    for (int i = 0; i < 3; i++) {
        node_pass(node, 10);
        small[i] = submit(node, 1, 0, true);
    }
    node_pass(node, 10);
    const int64_t large = submit(node, 2, 0, false);
    node_pass(node, 1);
    assert_job(node, fixed, JOB_RUNNING, "");
    assert_job(node, small[0], JOB_RUNNING, "");
    assert_job(node, small[1], JOB_STOPPING, "stopped for job 5");
    assert_job(node, small[2], JOB_STOPPING, "stopped for job 5");
    assert_int_equal(signal_of(node, small[1]), SIGTERM);
    assert_int_equal(signal_of(node, small[0]), 0);
    node_end(node, small[1], 75);
    node_pass(node, 1);
    /* It goes back to its old place, and still the large one goes first. */
    assert_job(node, small[1], JOB_WAITING, "stopped for job 5");
    assert_job(node, large, JOB_WAITING, "");
    node_end(node, small[2], 75);
    node_pass(node, 1);
    assert_job(node, large, JOB_RUNNING, "");
    Job job = node_get(node, small[1]);
    assert_int_equal(job.failures, 0);
    job_free(&job);
    /* One of the same size is not stopped for another. */
    submit(node, 1, 0, false);
    node_pass(node, 1);
    assert_job(node, small[0], JOB_RUNNING, "");
    node_free(node);
}

/* The large job waits longer than the user's small ones, which come all the time. */
static void a_stream_of_small_jobs_starves_nobody(void **state) {
    (void)state;
    JobNode *node = open_slots();
    for (int i = 0; i < 20; i++)
        submit(node, 1, 0, true);
    node_pass(node, 10);
    const int64_t large = submit(node, 4, 0, false);
    node_pass(node, 10);
    for (int64_t job = 1; job <= 4; job++)
        node_end(node, job, 75);
    submit(node, 1, 0, true);
    node_pass(node, 1);
    assert_job(node, large, JOB_RUNNING, "");
    node_free(node);
}

/* Nothing is kept for a job that cannot have enough as things are. */
static void what_is_out_of_reach_keeps_nothing(void **state) {
    (void)state;
    JobNode *node = open_slots();
    const Caller root = node_caller("root");
    assert_fine(schedule_gpu(node->schedule, &root, 3, true, node->now));
    const int64_t large = submit(node, 4, 5, false), small = submit(node, 1, 0, false);
    node_pass(node, 1);
    assert_job(node, small, JOB_RUNNING, "");
    assert_why(node, large, "waits for 4 of 4 GPUs of lane pool; gpu 3 is draining: drained by root");
    GpuView view;
    schedule_gpu_view(node->schedule, 1, &view);
    assert_int_equal(view.state, GPU_FREE);
    assert_string_equal(view.reason, "job 1 waits for 4 GPUs");
    assert_fine(schedule_gpu(node->schedule, &root, 3, false, node->now));
    node_pass(node, 1);
    schedule_gpu_view(node->schedule, 1, &view);
    assert_int_equal(view.state, GPU_RESERVED);
    node_end(node, small, 0);
    node_pass(node, 1);
    assert_job(node, large, JOB_RUNNING, "");
    node_free(node);
}

/* A job that waits for another GPU than the free one does not keep it from the next. */
static void avoided_gpus_are_for_others(void **state) {
    (void)state;
    JobNode *node = open_slots();
    int64_t jobs[4];
    for (int i = 0; i < 4; i++)
        jobs[i] = submit(node, 1, 0, false);
    node_pass(node, 60);
    node_end(node, jobs[0], 1);
    node_tick(node);
    assert_int_equal(node_gpu(node, jobs[0]), -1);
    JobWants wants = node_wants(1);
    wants.gpu_ids[0] = 1;
    wants.gpu_id_count = 1;
    const int64_t fresh = node_submit(node, "ann", &wants);
    node_end(node, jobs[1], 1);
    node_tick(node);
    assert_int_equal(node_gpu(node, fresh), 1);
    assert_int_equal(node_gpu(node, jobs[0]), -1);
    assert_int_equal(node_gpu(node, jobs[1]), 0);
    node_free(node);
}

/* While the large one waits for GPUs that nobody is stopped for, the user's small ones do not take them. */
static void small_jobs_of_the_user_wait_behind(void **state) {
    (void)state;
    JobNode *node = open_slots();
    for (int i = 0; i < 4; i++)
        submit(node, 1, 0, false);
    const int64_t small = submit(node, 1, 0, true);
    node_pass(node, 10);
    const int64_t large = submit(node, 2, 0, false);
    node_end(node, 1, 0);
    node_pass(node, 1);
    assert_job(node, small, JOB_WAITING, "");
    node_end(node, 2, 0);
    node_pass(node, 1);
    assert_job(node, large, JOB_RUNNING, "");
    node_free(node);
}

/* GPUs stay with the job that others were stopped for, though its user has been served since. */
static void what_was_stopped_for_a_job_is_its_own(void **state) {
    (void)state;
    JobNode *node = node_new("[node]\nname = n\n[gpus]\n0 = cpu\n1 = cpu\n2 = cpu\n[lanes]\npool = pool 0-1\n"
                             "side = pool 2\n[roles]\nadmin = root\nmember = *\n",
                             -1);
    JobWants wants = node_wants(1);
    wants.resumable = true;
    const int64_t first = node_submit(node, "ann", &wants), second = node_submit(node, "ann", &wants);
    node_pass(node, 10);
    wants = node_wants(2);
    const int64_t large = node_submit(node, "bob", &wants);
    node_pass(node, 1);
    assert_job(node, first, JOB_STOPPING, "stopped for job 3");
    wants = node_wants(1);
    snprintf(wants.lane, sizeof wants.lane, "side");
    const int64_t aside = node_submit(node, "bob", &wants);
    node_pass(node, 1);
    assert_job(node, aside, JOB_RUNNING, "");
    node_end(node, first, 75);
    node_pass(node, 1);
    assert_job(node, first, JOB_WAITING, "");
    node_end(node, second, 75);
    node_pass(node, 1);
    assert_job(node, large, JOB_RUNNING, "");
    node_free(node);
}

/* Nobody is stopped if that is not enough. */
static void no_job_stops_in_vain(void **state) {
    (void)state;
    JobNode *node = open_slots();
    submit(node, 1, 1, false);
    const int64_t small = submit(node, 1, 0, true);
    node_pass(node, 1);
    const int64_t large = submit(node, 4, 0, false);
    node_pass(node, 1);
    assert_job(node, small, JOB_RUNNING, "");
    assert_job(node, large, JOB_WAITING, "");
    node_free(node);
}

/* The lowest goes first, and a large one that is enough alone takes the place of two. */
static void lower_priorities_stop_first(void **state) {
    (void)state;
    JobNode *node = open_slots();
    const int64_t low = submit(node, 1, -5, true), pair = submit(node, 2, -4, true), high = submit(node, 1, 3, true);
    node_pass(node, 1);
    const int64_t one = submit(node, 1, 0, false);
    node_pass(node, 1);
    assert_job(node, low, JOB_STOPPING, "stopped for job 4");
    assert_job(node, pair, JOB_RUNNING, "");
    assert_job(node, high, JOB_RUNNING, "");
    node_end(node, low, 0); /* it was done anyway */
    node_pass(node, 1);
    assert_job(node, low, JOB_DONE, "");
    assert_job(node, one, JOB_RUNNING, "");
    submit(node, 2, 1, false);
    node_pass(node, 1);
    assert_job(node, pair, JOB_STOPPING, "stopped for job 5");
    assert_job(node, high, JOB_RUNNING, "");
    node_free(node);
}

static void a_large_victim_spares_small_ones(void **state) {
    (void)state;
    JobNode *node = open_slots();
    const int64_t pair = submit(node, 2, 0, true);
    node_pass(node, 10);
    const int64_t last = submit(node, 1, 0, true);
    node_pass(node, 10);
    submit(node, 3, 1, false); /* one slot is free, two more are needed */
    node_pass(node, 1);
    assert_job(node, pair, JOB_STOPPING, "stopped for job 3");
    assert_job(node, last, JOB_RUNNING, "");
    node_free(node);
}

static void named_gpus_are_waited_for(void **state) {
    (void)state;
    JobNode *node = open_slots();
    JobWants wants = node_wants(1);
    wants.gpu_ids[0] = 2;
    wants.gpu_id_count = 1;
    const int64_t first = node_submit(node, "ann", &wants), second = node_submit(node, "ann", &wants);
    const int64_t other = submit(node, 1, 0, false);
    node_pass(node, 1);
    assert_int_equal(node_gpu(node, first), 2);
    assert_job(node, second, JOB_WAITING, "");
    assert_why(node, second, "gpu 2 is held by ann, job 1");
    assert_int_equal(node_gpu(node, other), 0);
    GpuView view;
    schedule_gpu_view(node->schedule, 1, &view);
    assert_string_equal(view.reason, "no job waits");
    node_end(node, first, 0);
    node_pass(node, 1);
    assert_int_equal(node_gpu(node, second), 2);
    node_free(node);
}

/* Goes elsewhere, and the GPU on which a device is missing is given to nobody. */
static void missing_devices_quarantine(void **state) {
    (void)state;
    JobNode *node = node_new(GPUS, -1);
    const int64_t job = submit(node, 1, 0, false);
    node_pass(node, 5);
    assert_int_equal(node_gpu(node, job), 0);
    node_pass(node, 60);
    node_end(node, job, 69);
    node_pass(node, 20);
    assert_int_equal(node_gpu(node, job), 1);
    GpuView view;
    schedule_gpu_view(node->schedule, 0, &view);
    assert_int_equal(view.state, GPU_QUARANTINED);
    assert_string_equal(view.reason, "job 1 ended with 69: a needed device is missing");
    assert_true(node_told(node, "quarantine", 0));
    node_free(node);
}

/* A slot as well, but for the last one of its lane: there nothing is elsewhere. */
static void missing_devices_leave_a_slot(void **state) {
    (void)state;
    JobNode *node = node_new("[node]\nname = n\n[gpus]\n0 = cpu\n1 = cpu\n[lanes]\npool = pool 0-1\n", -1);
    const int64_t job = submit(node, 1, 0, false);
    GpuView view;
    for (int slot = 0; slot < 2; slot++) {
        node_pass(node, 5);
        assert_int_equal(node_gpu(node, job), slot);
        node_end(node, job, 69);
        schedule_gpu_view(node->schedule, slot, &view);
        assert_int_equal(view.state == GPU_QUARANTINED, slot == 0);
    }
    node_free(node);
}

static void three_jobs_in_a_row_quarantine(void **state) {
    (void)state;
    JobNode *node = node_new(GPUS, -1);
    JobWants wants = node_wants(1);
    wants.gpu_ids[0] = 3;
    wants.gpu_id_count = 1;
    for (int i = 0; i < 3; i++) {
        const int64_t job = node_submit(node, "ann", &wants);
        node_pass(node, 20);
        assert_int_equal(node_gpu(node, job), 3);
        node_end(node, job, i + 1);
        node_act(node, "ann", ACT_CANCEL, job);
    }
    node_pass(node, 20);
    GpuView view;
    schedule_gpu_view(node->schedule, 3, &view);
    assert_int_equal(view.state, GPU_QUARANTINED);
    assert_string_equal(view.reason, "jobs 1, 2 and 3, three in a row, failed soon after their start here");
    /* Wrong configurations, and what people do by hand, say nothing of the GPU; nor does a job that outlives it. */
    for (int i = 0; i < 12; i++) {
        wants.gpu_ids[0] = 2;
        wants.foreground = i < 4;
        const int64_t job = node_submit(node, "ann", &wants);
        node_pass(node, 10);
        assert_int_equal(node_gpu(node, job), 2);
        if (i % 2 == 0 && i >= 8)
            node_pass(node, 30);
        node_end(node, job, i < 4 || i >= 8 ? 1 : 64);
        Job ended = node_get(node, job);
        if (ended.state == JOB_WAITING)
            node_act(node, "ann", ACT_CANCEL, job);
        job_free(&ended);
        node_filler(node, true);
    }
    schedule_gpu_view(node->schedule, 2, &view);
    assert_int_not_equal(view.state, GPU_QUARANTINED);
    node_free(node);
}

static ClockView clock_of(const JobNode *node) {
    ClockView clock;
    assert_fine(schedule_clock(node->schedule, node->now, &clock));
    return clock;
}

/* One bad disk must not eat a night's jobs. */
static void the_same_failure_thrice_stops_the_filler(void **state) {
    (void)state;
    JobNode *node = open_slots();
    for (int i = 0; i < 8; i++)
        submit(node, 1, 0, false);
    node_tick(node);
    node_end(node, 1, 65);
    node_end(node, 2, 77);
    node_end(node, 3, 65);
    node_end(node, 4, 65);
    assert_false(clock_of(node).paused); /* the second one was another */
    node_tick(node);
    node_end(node, 5, 65); /* on slot 0: the third */
    assert_true(clock_of(node).paused);
    assert_string_equal(
        clock_of(node).paused_why,
        "jobs 3, 4 and 5 ended with 65: input data missing or damaged soon after their start, on three GPUs");
    assert_true(node_told(node, "filler_stopped", 5));
    node_restart(node); /* it lasts */
    node_pass(node, 100);
    assert_int_equal(node_gpu(node, 8), 3); /* what runs goes on */
    node_end(node, 8, 0);
    const int64_t waits = submit(node, 1, 0, false);
    node_pass(node, 100);
    assert_job(node, waits, JOB_WAITING, "");
    assert_why(node, waits, "the queue is paused: jobs 3, 4 and 5");
    node_filler(node, true);
    node_tick(node);
    assert_job(node, waits, JOB_RUNNING, "");
    assert_false(clock_of(node).paused);
    node_free(node);
}

/* Three failures of one job are the job's, three on one GPU the GPU's. */
static void retries_on_one_gpu_or_of_one_job_stop_nothing(void **state) {
    (void)state;
    JobNode *node = open_slots();
    const int64_t job = submit(node, 1, 0, false);
    for (int slot = 0; slot < 3; slot++) {
        node_tick(node);
        assert_int_equal(node_gpu(node, job), slot);
        node_end(node, job, 1);
    }
    assert_job(node, job, JOB_FAILED, "3 attempts failed");
    assert_false(clock_of(node).paused);
    JobWants wants = node_wants(1);
    wants.gpu_ids[0] = 3;
    wants.gpu_id_count = 1;
    for (int i = 0; i < 3; i++) {
        const int64_t other = node_submit(node, "ann", &wants);
        node_tick(node);
        node_end(node, other, 65);
    }
    assert_false(clock_of(node).paused);
    node_free(node);
}

/* The daemon is killed before the signal is sent: the next one sends it. */
static void cancelled_while_it_stops(void **state) {
    (void)state;
    JobNode *node = open_slots();
    const int64_t small = submit(node, 4, 0, true);
    node_pass(node, 10);
    submit(node, 4, 1, false);
    node->deaf = true;
    node_tick(node);
    assert_job(node, small, JOB_STOPPING, "stopped for job 2");
    assert_int_equal(signal_of(node, small), 0);
    node_restart(node);
    assert_int_equal(signal_of(node, small), SIGTERM);
    node_act(node, "ann", ACT_CANCEL, small);
    assert_job(node, small, JOB_STOPPING, "cancelled by ann");
    node_end(node, small, 75);
    assert_job(node, small, JOB_CANCELLED, "cancelled by ann");
    node_free(node);
}

/* One that works in between shows that it is not the disk. */
static void a_job_that_works_clears_the_others(void **state) {
    (void)state;
    JobNode *node = open_slots();
    for (int i = 0; i < 4; i++)
        submit(node, 1, 0, false);
    node_tick(node);
    node_end(node, 1, 65);
    node_end(node, 2, 65);
    node_pass(node, 30);
    node_end(node, 3, 65);
    node_tick(node);
    JobWants wants = node_wants(1);
    wants.gpu_ids[0] = 2;
    wants.gpu_id_count = 1;
    node_submit(node, "ann", &wants); /* it would be the third */
    node_tick(node);
    node_end(node, 5, 65);
    assert_false(clock_of(node).paused);
    node_free(node);
}

static void an_io_error_pauses_the_queue(void **state) {
    (void)state;
    JobNode *node = open_slots();
    const int64_t job = submit(node, 1, 0, false);
    node_pass(node, 60);
    node_end(node, job, 74);
    assert_job(node, job, JOB_WAITING, "ended with 74");
    assert_true(clock_of(node).paused);
    assert_string_equal(clock_of(node).paused_why, "job 1 ended with 74: reading or writing failed");
    node_pass(node, 100);
    assert_job(node, job, JOB_WAITING, "");
    node_filler(node, true);
    node_tick(node);
    assert_job(node, job, JOB_RUNNING, "");
    Job again = node_get(node, job);
    assert_int_equal(again.failures, 0);
    assert_int_equal(again.attempts, 2);
    job_free(&again);
    node_free(node);
}

/* What the database refuses has not happened: nothing is done about it, and the next event begins from there. */
static void a_failed_event_changes_nothing(void **state) {
    (void)state;
    JobNode *node = open_slots();
    const int64_t first = submit(node, 1, 0, false);
    node_tick(node);
    assert_fine(schedule_job_memory(node->schedule, first, JOB_NODE_GIB));
    const int64_t job = submit(node, 1, 0, false), other = submit(node, 1, 0, false);
    int64_t epoch;
    assert_fine(store_next_epoch(node->store, &epoch));
    assert_fine(store_take_lease(node->store, 2, 99, epoch)); /* somebody writes to the database */
    assert_refused(schedule_tick(node->schedule, node->now), EXIT_INTERNAL, "");
    assert_null(node_find(node, job)); /* its own start went well, and is undone with the other's */
    assert_null(node_find(node, other));
    assert_job(node, job, JOB_WAITING, "");
    assert_fine(store_drop_lease(node->store, 2));
    node_tick(node);
    assert_non_null(node_find(node, other));
    assert_non_null(node_find(node, job));
    assert_int_equal(node_find(node, job)->number, 1);
    assert_job(node, job, JOB_RUNNING, "");
    assert_job(node, first, JOB_RUNNING, "");
    node_end(node, first, 0);
    assert_job(node, first, JOB_DONE, "");
    node_free(node);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_submitted_job_waits_for_two_looks),
        cmocka_unit_test(large_jobs_get_gpus_as_they_come),
        cmocka_unit_test(short_jobs_fill_the_gap),
        cmocka_unit_test(resumable_jobs_stop_for_large_ones),
        cmocka_unit_test(a_stream_of_small_jobs_starves_nobody),
        cmocka_unit_test(small_jobs_of_the_user_wait_behind),
        cmocka_unit_test(what_is_out_of_reach_keeps_nothing),
        cmocka_unit_test(avoided_gpus_are_for_others),
        cmocka_unit_test(what_was_stopped_for_a_job_is_its_own),
        cmocka_unit_test(no_job_stops_in_vain),
        cmocka_unit_test(retries_on_one_gpu_or_of_one_job_stop_nothing),
        cmocka_unit_test(cancelled_while_it_stops),
        cmocka_unit_test(lower_priorities_stop_first),
        cmocka_unit_test(a_large_victim_spares_small_ones),
        cmocka_unit_test(named_gpus_are_waited_for),
        cmocka_unit_test(missing_devices_quarantine),
        cmocka_unit_test(missing_devices_leave_a_slot),
        cmocka_unit_test(three_jobs_in_a_row_quarantine),
        cmocka_unit_test(the_same_failure_thrice_stops_the_filler),
        cmocka_unit_test(a_job_that_works_clears_the_others),
        cmocka_unit_test(an_io_error_pauses_the_queue),
        cmocka_unit_test(a_failed_event_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
