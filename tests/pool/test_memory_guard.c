/* SPDX-License-Identifier: Apache-2.0 */
/* The host's memory: what may start beside what runs, and who stops before the host runs out. GPUs' memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/pool/job_node.h"

static const char SLOTS[] = "[node]\nname = n\nhost_free = 8G\n[gpus]\n0 = cpu\n1 = cpu\n2 = cpu\n[lanes]\n"
                            "pool = pool 0-2\n[roles]\nadmin = root\nmember = *\n";
static const char GPUS[] = "[node]\nname = n\nhost_free = 8G\n[gpus]\n0 = GPU-0\n1 = GPU-1\n[lanes]\npool = pool 0-1\n"
                           "[roles]\nadmin = root\nmember = *\n";

static JobWants host(int64_t gib, bool foreground) {
    JobWants wants = node_wants(1);
    wants.host_memory = gib * JOB_NODE_GIB;
    wants.foreground = foreground;
    return wants;
}

static void claims_of_all_running_jobs_count(void **state) {
    (void)state;
    JobNode *node = node_new(SLOTS, 128 * JOB_NODE_GIB);
    JobWants wants = host(70, false);
    const int64_t first = node_submit(node, "ann", &wants);
    node_tick(node);
    const int64_t second = node_submit(node, "ann", &wants);
    wants = host(50, false);
    const int64_t third = node_submit(node, "bob", &wants);
    node_pass(node, 10);
    assert_job(node, first, JOB_RUNNING, "");
    assert_job(node, second, JOB_WAITING, "");
    assert_job(node, third, JOB_RUNNING, "");
    assert_why(node, second, "wants 70 GiB of the host's memory; running jobs leave 0 MiB");
    GpuView view;
    schedule_gpu_view(node->schedule, 2, &view);
    assert_string_equal(view.reason, "job 2 wants 70 GiB of the host's memory; running jobs leave 0 MiB");
    int64_t id;
    wants = host(1, true);
    assert_refused(node_try(node, "bob", &wants, true, &id), EXIT_REFUSED,
                   "wants 1 GiB of the host's memory; running jobs leave 0 MiB");
    wants.host_memory = 121 * JOB_NODE_GIB;
    assert_refused(node_try(node, "bob", &wants, false, &id), EXIT_REFUSED,
                   "asks for 121 GiB of the host's memory, and jobs may use 120 GiB");
    wants.host_memory = INT64_MAX;
    assert_refused(node_try(node, "bob", &wants, false, &id), EXIT_REFUSED, "jobs may use 120 GiB");
    node_end(node, first, 0);
    node_pass(node, 1);
    assert_job(node, second, JOB_RUNNING, "");
    node_free(node);
}

/* The one that grew most, and no second one before it has ended. */
static void the_job_that_grew_most_stops(void **state) {
    (void)state;
    JobNode *node = node_new(SLOTS, 128 * JOB_NODE_GIB);
    const JobWants wants = node_wants(1);
    for (int i = 0; i < 3; i++)
        node_submit(node, "ann", &wants);
    node_tick(node);
    const int64_t before[] = {60, 20, 10}, after[] = {61, 40, 15};
    for (int64_t job = 1; job <= 3; job++)
        assert_fine(schedule_job_memory(node->schedule, job, before[job - 1] * JOB_NODE_GIB));
    assert_fine(schedule_host_memory(node->schedule, 8 * JOB_NODE_GIB, node->now));
    for (int64_t job = 1; job <= 3; job++) {
        assert_int_equal(node_find(node, job)->signal, 0);
        assert_fine(schedule_job_memory(node->schedule, job, after[job - 1] * JOB_NODE_GIB));
    }
    assert_fine(schedule_host_memory(node->schedule, 8 * JOB_NODE_GIB - 1, node->now));
    assert_int_equal(node_find(node, 1)->signal, 0);
    assert_int_equal(node_find(node, 2)->signal, SIGTERM);
    assert_int_equal(node_find(node, 3)->signal, 0);
    assert_job(node, 2, JOB_STOPPING, "the host had 8 GiB left of 8 GiB to keep free");
    assert_true(node_told(node, "host_memory", 2));
    assert_fine(schedule_host_memory(node->schedule, JOB_NODE_GIB, node->now));
    assert_int_equal(node_find(node, 1)->signal, 0);
    node_end(node, 2, 75);
    Job job = node_get(node, 2);
    assert_int_equal(job.state, JOB_WAITING);
    assert_int_equal(job.failures, 1);
    job_free(&job);
    assert_fine(schedule_host_memory(node->schedule, 6 * JOB_NODE_GIB / 5, node->now));
    assert_job(node, 3, JOB_STOPPING, "the host had 1.2 GiB left of 8 GiB to keep free");
    assert_int_equal(node_find(node, 1)->signal, 0);
    node_free(node);
}

static void gpu_memory_is_the_gpus(void **state) {
    (void)state;
    JobNode *node = node_new(GPUS, 128 * JOB_NODE_GIB);
    node_pass(node, 10); /* 80 GiB each */
    JobWants wants = node_wants(1);
    int64_t id;
    wants.gpu_memory = 81 * JOB_NODE_GIB;
    assert_refused(node_try(node, "ann", &wants, false, &id), EXIT_REFUSED,
                   "asks for 81 GiB on 1 GPU; 0 of lane pool have that, the largest has 80 GiB");
    wants.gpu_memory = 80 * JOB_NODE_GIB;
    id = node_submit(node, "ann", &wants);
    node_pass(node, 10);
    assert_job(node, id, JOB_RUNNING, "");
    node_free(node);
}

/* A GPU without memory of its own takes the host's, for all its jobs together. */
static void unified_memory_is_the_hosts(void **state) {
    (void)state;
    JobNode *node = node_new(GPUS, 128 * JOB_NODE_GIB);
    Observation seen = {0};
    gauges_unknown(&seen.sample, node->now, "");
    seen.sample.known = true;
    seen.sample.util = 0;
    seen.sample.process_count = 0;
    for (int look = 0; look < 2; look++, node->now += 5)
        for (int i = 0; i < 2; i++)
            assert_fine(schedule_observe(node->schedule, i, &seen, node->now));
    JobWants wants = node_wants(1);
    int64_t id;
    wants.gpu_memory = 260 * JOB_NODE_GIB;
    assert_refused(node_try(node, "ann", &wants, false, &id), EXIT_REFUSED, "260 GiB");
    wants.gpu_memory = 60 * JOB_NODE_GIB;
    wants.host_memory = 30 * JOB_NODE_GIB;
    const int64_t first = node_submit(node, "ann", &wants), second = node_submit(node, "ann", &wants);
    assert_fine(schedule_tick(node->schedule, node->now));
    assert_job(node, first, JOB_RUNNING, "");
    assert_job(node, second, JOB_WAITING, "");
    assert_why(node, second, "wants 90 GiB of the host's memory; running jobs leave 30 GiB");
    node_free(node);
}

/* A slot has no memory but the host's. */
static void slots_use_the_hosts_memory(void **state) {
    (void)state;
    JobNode *node = node_new(SLOTS, 128 * JOB_NODE_GIB);
    JobWants wants = node_wants(2);
    int64_t id;
    wants.gpu_memory = 61 * JOB_NODE_GIB;
    assert_refused(node_try(node, "ann", &wants, false, &id), EXIT_REFUSED,
                   "asks for 122 GiB of the host's memory, and jobs may use 120 GiB");
    wants.gpu_memory = 60 * JOB_NODE_GIB;
    id = node_submit(node, "ann", &wants);
    node_tick(node);
    assert_job(node, id, JOB_RUNNING, "");
    wants = host(1, false);
    id = node_submit(node, "ann", &wants);
    node_tick(node);
    assert_job(node, id, JOB_WAITING, "");
    node_free(node);
}

/* The same program with half the micro-batch, until there is nothing to halve. */
static void micro_batches_are_halved(void **state) {
    (void)state;
    JobNode *node = node_new(SLOTS, -1);
    const Caller ann = node_caller("ann");
    const JobWants wants = node_wants(1);
    Job job = node_job(&wants);
    char *answer;
    job.micro_batch = 4;
    assert_fine(schedule_submit(node->schedule, &ann, &job, false, false, &answer, node->now));
    for (int halvings = 0; halvings < 3; halvings++) {
        node_tick(node);
        const Job *live = schedule_find(node->schedule, job.id);
        assert_int_equal(live->halvings, halvings);
        assert_int_equal(live->micro_batch, 4);
        node_end(node, job.id, 76);
    }
    assert_job(node, job.id, JOB_FAILED, "out of memory; its micro-batch is 1 already");
    node_free(node);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_of_all_running_jobs_count), cmocka_unit_test(the_job_that_grew_most_stops),
        cmocka_unit_test(gpu_memory_is_the_gpus),           cmocka_unit_test(unified_memory_is_the_hosts),
        cmocka_unit_test(micro_batches_are_halved),         cmocka_unit_test(slots_use_the_hosts_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
