/* SPDX-License-Identifier: Apache-2.0 */
/* The waiting list: who may submit what, in which order jobs start, and what people do to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/pool/job_node.h"

/* Two slots for all, one of the engine's, one of a service. */
static const char RULE[] = "[node]\nname = n\nhost_free = 8G\n[gpus]\n0 = cpu\n1 = cpu\n2 = cpu\n3 = cpu\n[lanes]\n"
                           "pool = pool 0-1\naria = owner 2 engine\nbrain = service 3\n[roles]\nadmin = root\n"
                           "member = ann, bob, engine\n[limits]\nbob = queued 2\n";

static JobNode *open_node(void) {
    return node_new(RULE, 128 * JOB_NODE_GIB);
}

/* A job that holds both slots, so that others wait. */
static int64_t fill_pool(JobNode *node) {
    const JobWants both = node_wants(2);
    const int64_t id = node_submit(node, "zoe", &both);
    node_tick(node);
    assert_job(node, id, JOB_RUNNING, "");
    return id;
}

static const char *order_of(const JobNode *node) {
    static char text[256];
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < schedule_job_count(node->schedule); i++) {
        const Job *job = schedule_job(node->schedule, i);
        if (job->state == JOB_WAITING)
            length += (size_t)snprintf(text + length, sizeof text - length, "%" PRId64 " ", job->id);
    }
    return text;
}

static void order_is_priority_users_age(void **state) {
    (void)state;
    JobNode *node = open_node();
    snprintf(node->rule.members[3], POOL_NAME, "zoe");
    node->rule.member_count = 4;
    JobWants one = node_wants(1);
    fill_pool(node); /* 1 */
    for (int i = 0; i < 3; i++)
        node_submit(node, "ann", &one); /* 2, 3, 4 */
    node_submit(node, "bob", &one);     /* 5 */
    one.priority = 1;
    node_submit(node, "ann", &one); /* 6 */
    one.priority = -1;
    node_submit(node, "engine", &one); /* 7 */
    assert_string_equal(order_of(node), "6 2 5 3 4 7 ");
    /* Bob was served last: ann is first, then he. */
    node_end(node, 1, 0);
    node_act(node, "ann", ACT_CANCEL, 6);
    node->now += 1;
    node_tick(node);
    assert_job(node, 2, JOB_RUNNING, "");
    assert_job(node, 5, JOB_RUNNING, "");
    node_end(node, 5, 0);
    node->now += 1;
    one.priority = 0;
    node_submit(node, "bob", &one); /* 8 */
    node_tick(node);
    assert_job(node, 3, JOB_RUNNING, "");
    node_end(node, 3, 0);
    node->now += 1;
    node_tick(node);
    assert_job(node, 8, JOB_RUNNING, "");
    node_free(node);
}

static void failed_jobs_wait_behind_others(void **state) {
    (void)state;
    JobNode *node = open_node();
    const JobWants one = node_wants(1);
    for (int i = 0; i < 4; i++)
        node_submit(node, "ann", &one);
    node_tick(node);
    node->now += 60;
    node_end(node, 1, 1);
    node_end(node, 2, 75);
    assert_job(node, 1, JOB_WAITING, "ended with 1");
    node_submit(node, "ann", &one); /* later than all */
    assert_string_equal(order_of(node), "2 3 4 5 1 ");
    node_free(node);
}

static void retries_avoid_the_gpu_for_a_while(void **state) {
    (void)state;
    JobNode *node = open_node();
    const JobWants one = node_wants(1);
    const int64_t first = node_submit(node, "ann", &one), other = node_submit(node, "ann", &one);
    node_tick(node);
    assert_int_equal(node_gpu(node, first), 0);
    assert_int_equal(node_gpu(node, other), 1);
    node->now += 60;
    node_end(node, first, 1);
    node_tick(node);
    assert_int_equal(node_gpu(node, first), -1); /* slot 0 is free, and is avoided */
    GpuView view;
    schedule_gpu_view(node->schedule, 0, &view);
    assert_string_equal(view.reason, "job 1 failed here and waits for another GPU");
    node_pass(node, 60);
    node_end(node, other, 0);
    node_tick(node);
    assert_int_equal(node_gpu(node, first), 1);
    /* Failed on both: it takes what there is. */
    node->now += 60;
    node_end(node, first, 1);
    node_tick(node);
    assert_int_equal(node_gpu(node, first), 0);
    node->now += 60;
    node_end(node, first, 1);
    assert_job(node, first, JOB_FAILED, "3 attempts failed");
    assert_true(node_told(node, "failed", first));
    Job ended = node_get(node, first);
    assert_int_equal(ended.end.exit, 1);
    job_free(&ended);
    /* Whoever retries it begins from the first. */
    node_act(node, "ann", ACT_RETRY, first);
    node_tick(node);
    node->now += 60;
    node_end(node, first, 1);
    assert_job(node, first, JOB_WAITING, "ended with 1");
    node_act(node, "ann", ACT_CANCEL, first);
    /* While none of the others is free it waits for two minutes. */
    const int64_t second = node_submit(node, "ann", &one), long_one = node_submit(node, "ann", &one);
    node_tick(node);
    node->now += 60;
    node_end(node, second, 1);
    node_restart(node); /* which forgets nothing of that */
    node_tick(node);
    assert_true(schedule_next(node->schedule) == node->now + 120);
    node_pass(node, 119);
    assert_int_equal(node_gpu(node, second), -1);
    node_pass(node, 1);
    assert_int_equal(node_gpu(node, second), 0);
    assert_int_equal(node_gpu(node, long_one), 1);
    node_free(node);
}

static void jobs_come_after_others(void **state) {
    (void)state;
    JobNode *node = open_node();
    JobWants one = node_wants(1);
    const int64_t first = node_submit(node, "ann", &one);
    one.after = (int64_t[]){first};
    one.after_count = 1;
    const int64_t second = node_submit(node, "ann", &one);
    one.after = (int64_t[]){second};
    const int64_t third = node_submit(node, "ann", &one);
    node_pass(node, 1);
    assert_job(node, second, JOB_WAITING, "");
    assert_why(node, second, "comes after job 1");
    node_end(node, first, 0);
    node_pass(node, 1);
    assert_job(node, second, JOB_RUNNING, "");
    node_end(node, second, 77);
    assert_job(node, third, JOB_FAILED, "job 2, which it comes after, failed");
    assert_true(node_told(node, "failed", third));
    int64_t id;
    assert_refused(node_try(node, "ann", &one, false, &id), EXIT_REFUSED,
                   "job 2, which the job is to come after, failed");
    one.after = (int64_t[]){99};
    assert_refused(node_try(node, "ann", &one, false, &id), EXIT_USAGE, "there is no job 99,");
    one.after = (int64_t[]){first};
    id = node_submit(node, "ann", &one); /* that one is done */
    node_tick(node);
    assert_job(node, id, JOB_RUNNING, "");
    /* Retried, the chain goes on from where it broke. */
    assert_refused(schedule_act(node->schedule, &(Caller){1097, "ann"}, ACT_RETRY, third, node->now), EXIT_REFUSED,
                   "job 2");
    node_act(node, "ann", ACT_RETRY, second);
    node_act(node, "ann", ACT_RETRY, third);
    node_tick(node);
    assert_job(node, second, JOB_RUNNING, "");
    node_act(node, "ann", ACT_CANCEL, second);
    node_end(node, second, 75);
    assert_job(node, second, JOB_CANCELLED, "cancelled by ann");
    assert_job(node, third, JOB_FAILED, "job 2, which it comes after, was cancelled");
    node_free(node);
}

static void people_act_on_their_own_jobs(void **state) {
    (void)state;
    JobNode *node = open_node();
    snprintf(node->rule.members[3], POOL_NAME, "zoe");
    node->rule.member_count = 4;
    const JobWants one = node_wants(1);
    const int64_t runs = fill_pool(node), waits = node_submit(node, "ann", &one);
    const Caller ann = node_caller("ann"), bob = node_caller("bob");
    assert_refused(schedule_act(node->schedule, &bob, ACT_CANCEL, waits, node->now), EXIT_REFUSED, "ann's");
    assert_refused(schedule_act(node->schedule, &bob, ACT_RETRY, waits, node->now), EXIT_REFUSED, "ann's");
    assert_refused(schedule_filler(node->schedule, &bob, false, node->now), EXIT_REFUSED, "admin");
    assert_refused(schedule_act(node->schedule, &ann, ACT_RELEASE, waits, node->now), EXIT_USAGE, "is waiting");
    assert_refused(schedule_act(node->schedule, &ann, ACT_RETRY, waits, node->now), EXIT_USAGE, "is waiting");
    assert_refused(schedule_act(node->schedule, &ann, ACT_CANCEL, 99, node->now), EXIT_USAGE, "there is no job 99;");
    node_act(node, "ann", ACT_HOLD, waits);
    assert_job(node, waits, JOB_HELD, "held by ann");
    assert_refused(schedule_act(node->schedule, &ann, ACT_HOLD, waits, node->now), EXIT_USAGE, "is held");
    node_end(node, runs, 0);
    node_pass(node, 10);
    assert_job(node, waits, JOB_HELD, "held by ann");
    node_restart(node);
    node_act(node, "root", ACT_RELEASE, waits);
    node_tick(node);
    assert_job(node, waits, JOB_RUNNING, "");
    assert_refused(schedule_act(node->schedule, &ann, ACT_HOLD, waits, node->now), EXIT_USAGE, "is running");
    node_act(node, "ann", ACT_CANCEL, waits);
    assert_job(node, waits, JOB_STOPPING, "cancelled by ann");
    assert_int_equal(node_find(node, waits)->signal, SIGTERM);
    node_pass(node, 59);
    assert_int_equal(node_find(node, waits)->signal, SIGTERM);
    node_pass(node, 1);
    assert_int_equal(node_find(node, waits)->signal, SIGKILL);
    node_end_by(node, waits, (JobEnd){-1, SIGKILL});
    assert_job(node, waits, JOB_CANCELLED, "cancelled by ann");
    assert_refused(schedule_act(node->schedule, &ann, ACT_CANCEL, waits, node->now), EXIT_USAGE, "has ended");
    node_act(node, "ann", ACT_RETRY, waits);
    node_tick(node);
    assert_job(node, waits, JOB_RUNNING, "");
    node_free(node);
}

static Status print_audit(void *context, const AuditLine *line) {
    fprintf(context, "%s %s %s (%s)\n", line->user, line->action, line->what, line->detail);
    return NULL;
}

static void every_act_is_audited(void **state) {
    (void)state;
    JobNode *node = open_node();
    JobWants one = node_wants(1);
    const Caller bob = node_caller("bob");
    int64_t id = node_submit(node, "ann", &one);
    assert_refused(schedule_act(node->schedule, &bob, ACT_CANCEL, id, node->now), EXIT_REFUSED, "");
    one.gpus = 3;
    assert_refused(node_try(node, "bob", &one, false, &id), EXIT_REFUSED, "");
    node_act(node, "ann", ACT_HOLD, 1);
    node_act(node, "root", ACT_RELEASE, 1);
    node_act(node, "ann", ACT_CANCEL, 1);
    node_act(node, "ann", ACT_RETRY, 1);
    node_filler(node, false);
    node_filler(node, true);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_fine(store_each_audit(node->store, print_audit, out));
    fclose(out);
    assert_string_equal(text, "ann submit job 1 (./a)\n"
                              "bob cancel job 1 (refused: it is another user's)\n"
                              "bob refuse a job (./a: the job asks for 3 GPUs, and lane pool has 2)\n"
                              "ann hold job 1 ()\n"
                              "root release job 1 ()\n"
                              "ann cancel job 1 ()\n"
                              "ann retry job 1 ()\n"
                              "root off filler ()\n"
                              "root on filler ()\n");
    free(text);
    node_free(node);
}

static void what_cannot_be_had_is_refused(void **state) {
    (void)state;
    JobNode *node = open_node();
    JobWants wants = node_wants(1);
    int64_t id;
    snprintf(wants.lane, sizeof wants.lane, "none");
    assert_refused(node_try(node, "ann", &wants, false, &id), EXIT_USAGE, "lane none");
    snprintf(wants.lane, sizeof wants.lane, "brain");
    assert_refused(node_try(node, "root", &wants, false, &id), EXIT_REFUSED, "kept for a service");
    snprintf(wants.lane, sizeof wants.lane, "aria");
    assert_refused(node_try(node, "ann", &wants, false, &id), EXIT_REFUSED, "engine's alone");
    node_submit(node, "engine", &wants);
    wants.lane[0] = '\0';
    assert_refused(node_try(node, "eve", &wants, false, &id), EXIT_REFUSED, "eve");
    wants.gpu_ids[0] = 9;
    wants.gpu_id_count = 1;
    assert_refused(node_try(node, "ann", &wants, false, &id), EXIT_USAGE, "the rule has no GPU 9;");
    wants.gpu_ids[0] = 2;
    assert_refused(node_try(node, "ann", &wants, false, &id), EXIT_REFUSED, "engine's alone");
    wants.gpu_ids[0] = wants.gpu_ids[1] = 1;
    wants.gpu_id_count = 2;
    assert_refused(node_try(node, "ann", &wants, false, &id), EXIT_USAGE, "named twice");
    wants = node_wants(3);
    assert_refused(node_try(node, "ann", &wants, false, &id), EXIT_REFUSED, "asks for 3 GPUs, and lane pool has 2");
    wants = node_wants(1);
    wants.host_memory = 260 * JOB_NODE_GIB;
    assert_refused(node_try(node, "ann", &wants, false, &id), EXIT_REFUSED, "260 GiB");
    assert_refused(node_try(node, "ann", &wants, false, &id), EXIT_REFUSED, "120 GiB");
    wants = node_wants(1);
    node_filler(node, false);
    node_submit(node, "bob", &wants);
    node_submit(node, "bob", &wants);
    assert_refused(node_try(node, "bob", &wants, false, &id), EXIT_REFUSED,
                   "2 jobs of bob wait, and the rule allows 2");
    node_free(node);
}

static void the_filler_starts_what_waits(void **state) {
    (void)state;
    JobNode *node = open_node();
    JobWants wants = node_wants(1);
    node_filler(node, false);
    const int64_t waits = node_submit(node, "ann", &wants);
    node_pass(node, 100);
    assert_job(node, waits, JOB_WAITING, "");
    assert_why(node, waits, "the filler is off");
    GpuView view;
    schedule_gpu_view(node->schedule, 0, &view);
    assert_string_equal(view.reason, "the filler is off");
    /* A person's job does not need it, and the engine's lane has none. */
    wants.foreground = true;
    int64_t id;
    assert_fine(node_try(node, "bob", &wants, true, &id));
    assert_job(node, id, JOB_RUNNING, "");
    wants.foreground = false;
    snprintf(wants.lane, sizeof wants.lane, "aria");
    id = node_submit(node, "engine", &wants);
    node_restart(node); /* it stays off */
    node_tick(node);
    assert_job(node, waits, JOB_WAITING, "");
    assert_job(node, id, JOB_RUNNING, "");
    node_filler(node, true);
    node_tick(node);
    assert_job(node, waits, JOB_RUNNING, "");
    node_free(node);
}

static void now_or_never_names_the_holder(void **state) {
    (void)state;
    JobNode *node = open_node();
    JobWants wants = node_wants(1);
    wants.foreground = true;
    int64_t first, second, id;
    assert_fine(node_try(node, "ann", &wants, true, &first));
    assert_fine(schedule_started(node->schedule, first, 4242, node->now));
    assert_fine(node_try(node, "bob", &wants, true, &second));
    assert_refused(node_try(node, "bob", &wants, true, &id), EXIT_REFUSED,
                   "gpu 0 is held by ann, pid 4242, job 1, since ");
    wants.gpu_ids[0] = 1;
    wants.gpu_id_count = 1;
    assert_refused(node_try(node, "bob", &wants, true, &id), EXIT_REFUSED,
                   "1 GPU of lane pool is not available now: gpu 1 is held by bob, job 2");
    /* Never started twice, whatever it ends with. */
    node_end(node, first, 75);
    assert_job(node, first, JOB_FAILED, "ended with 75");
    node_end_by(node, second, (JobEnd){-1, 9});
    assert_job(node, second, JOB_FAILED, "ended by signal 9");
    /* One that waits starts as soon as it can, and is gone with the daemon. */
    assert_fine(node_try(node, "ann", &wants, true, &first));
    second = node_submit(node, "bob", &wants);
    node_tick(node);
    assert_job(node, second, JOB_WAITING, "");
    node_restart(node);
    assert_job(node, second, JOB_CANCELLED, "its client is gone");
    assert_job(node, first, JOB_RUNNING, "");
    node_free(node);
}

static char *dry_run(JobNode *node, const JobWants *wants) {
    const Caller ann = node_caller("ann");
    Job job = node_job(wants);
    char *answer;
    assert_fine(schedule_submit(node->schedule, &ann, &job, false, true, &answer, node->now));
    job_free(&job);
    assert_non_null(answer);
    return answer;
}

static void a_dry_run_changes_nothing(void **state) {
    (void)state;
    JobNode *node = open_node();
    JobWants wants = node_wants(2);
    wants.time_limit = 3600;
    wants.host_memory = 5 * JOB_NODE_GIB;
    char *answer = dry_run(node, &wants);
    assert_string_equal(answer, "it would start on gpu 0; starts at once; its memory "
                                "fits: any of each GPU, 5 GiB of the host");
    free(answer);
    assert_int_equal(schedule_job_count(node->schedule), 0);
    const int64_t first = node_submit(node, "ann", &wants), second = node_submit(node, "ann", &wants);
    node_tick(node);
    node->now += 600;
    wants.after = (int64_t[]){first};
    wants.after_count = 1;
    answer = dry_run(node, &wants);
    assert_non_null(strstr(answer, "comes after job 1; behind job 2;"));
    free(answer);
    wants.after_count = 0;
    answer = dry_run(node, &wants);
    assert_non_null(strstr(answer,
                           "it would start on gpu 0, in about 110 min; waits for 2 of 2 GPUs of lane pool; gpu 0 "
                           "is held by ann, job 1, since "));
    assert_non_null(strstr(answer, "; behind job 2; its memory"));
    free(answer);
    assert_job(node, second, JOB_WAITING, "");
    int64_t counts[JOB_STATES];
    node_count(node, counts);
    assert_int_equal(counts[JOB_WAITING] + counts[JOB_RUNNING], 2);
    node_free(node);
}

/* The rule has changed with the daemon. */
static void a_lane_may_be_gone(void **state) {
    (void)state;
    JobNode *node = open_node();
    JobWants wants = node_wants(1);
    snprintf(wants.lane, sizeof wants.lane, "aria");
    wants.gpu_ids[0] = 2;
    wants.gpu_id_count = 1;
    const int64_t runs = node_submit(node, "engine", &wants);
    node_tick(node);
    const int64_t waits = node_submit(node, "engine", &wants);
    snprintf(node->rule.lanes[1].name, sizeof node->rule.lanes[1].name, "other");
    node_restart(node);
    assert_job(node, runs, JOB_RUNNING, "");
    node_end(node, runs, 0);
    node_tick(node);
    assert_job(node, waits, JOB_WAITING, "");
    assert_why(node, waits, "is for lane aria, which the rule has no longer");
    node_act(node, "engine", ACT_CANCEL, waits);
    node_free(node);
}

/* Thousands of waiting jobs of one user leave the other's next turn alone; every one has its place. */
static void long_lists_keep_their_order(void **state) {
    (void)state;
    JobNode *node = open_node();
    const JobWants one = node_wants(1);
    for (int i = 0; i < 1000; i++)
        node_submit(node, "ann", &one);
    node_tick(node);
    const int64_t late = node_submit(node, "bob", &one);
    node->now += 1;
    node_end(node, 1, 0);
    node_tick(node);
    assert_job(node, late, JOB_RUNNING, "");
    assert_int_equal(schedule_job_count(node->schedule), 1000);
    for (int i = 3; i < 1000; i++)
        assert_int_equal(schedule_job(node->schedule, i)->id, i + 1);
    node_free(node);
}

static void people_hear_once_that_the_queue_is_dry(void **state) {
    (void)state;
    JobNode *node = open_node();
    const JobWants wants = node_wants(1);
    node_pass(node, 20);
    assert_string_equal(node->notices, "");
    const int64_t first = node_submit(node, "ann", &wants);
    node_pass(node, 20); /* the other slot is free now */
    assert_true(node_told(node, "dry", 0));
    node->notices[0] = '\0';
    node_end(node, first, 0);
    node_pass(node, 20);
    assert_string_equal(node->notices, "");
    node_submit(node, "ann", &wants);
    node_pass(node, 20);
    assert_true(node_told(node, "dry", 0));
    node_free(node);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_priority_users_age),
        cmocka_unit_test(failed_jobs_wait_behind_others),
        cmocka_unit_test(retries_avoid_the_gpu_for_a_while),
        cmocka_unit_test(jobs_come_after_others),
        cmocka_unit_test(people_act_on_their_own_jobs),
        cmocka_unit_test(every_act_is_audited),
        cmocka_unit_test(what_cannot_be_had_is_refused),
        cmocka_unit_test(the_filler_starts_what_waits),
        cmocka_unit_test(now_or_never_names_the_holder),
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(a_lane_may_be_gone),
        cmocka_unit_test(long_lists_keep_their_order),
        cmocka_unit_test(people_hear_once_that_the_queue_is_dry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
