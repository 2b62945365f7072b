/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold whatever happens: random events for thousands of ticks; and the same with a daemon that is killed
 * after every commit, before or after it does something about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/pool/job_node.h"

static const char RULE[] =
    "[node]\nname = n\ngrace = 20\nstall = 100\nlook_every = 5\nlook_gap = 2\nhost_free = 8G\n"
    "[gpus]\n0 = GPU-0\n1 = GPU-1\n2 = GPU-2\n3 = cpu\n4 = cpu\n5 = cpu\n[lanes]\npool = pool 0-2\n"
    "slots = pool 3-4\naria = owner 5 ann\n[roles]\nadmin = root\nmember = *\n";
enum { GPUS = 6, JOBS = 2000, KEPT = 25 /* jobs that live at once, about */ };

typedef struct {
    JobNode *node;
    uint64_t random;
    int64_t jobs;              /* that were submitted: their numbers are 1 to this */
    bool well[JOBS + 1];       /* an attempt of it ended with 0 */
    int last_number[JOBS + 1]; /* of the attempts that the host started */
    bool kills;
} World;

/* 0 to below `count`. */
static int draw(World *world, int count) {
    world->random = world->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((world->random >> 33) % (uint64_t)count);
}

static void draw_submission(World *world) {
    static const char *const users[] = {"ann", "bob", "cyd"};
    static const char *const lanes[] = {"pool", "pool", "slots", "aria"};
    const char *user = users[draw(world, 3)];
    JobWants wants = node_wants(1 + draw(world, 3) * (draw(world, 3) == 0));
    wants.priority = draw(world, 3) - 1;
    wants.resumable = draw(world, 2);
    wants.foreground = draw(world, 6) == 0;
    wants.time_limit = draw(world, 3) ? 0 : 20 + draw(world, 200);
    wants.host_memory = draw(world, 4) ? -1 : (int64_t)draw(world, 60) * JOB_NODE_GIB;
    int64_t before[1] = {1 + draw(world, (int)world->jobs + 1)};
    if (world->jobs > 0 && draw(world, 5) == 0) {
        wants.after = before;
        wants.after_count = 1;
    }
    snprintf(wants.lane, sizeof wants.lane, "%s", lanes[draw(world, 4)]);
    int64_t id;
    Status status = node_try(world->node, user, &wants, wants.foreground && draw(world, 2), &id);
    if (status) {
        assert_true(status_code(status) == EXIT_REFUSED || status_code(status) == EXIT_USAGE);
        status_free(status);
        return;
    }
    assert_int_equal(id, world->jobs + 1);
    world->jobs = id;
}

static void draw_act(World *world) {
    const Caller root = node_caller("root");
    if (world->jobs == 0)
        return;
    const int64_t job = 1 + draw(world, (int)world->jobs);
    const JobAct act = (JobAct)draw(world, 4);
    Status status = schedule_act(world->node->schedule, &root, act, job, world->node->now);
    /* Most acts do not fit the job's state. One that was cancelled may have ended well, and may be tried again. */
    if (!status && act == ACT_RETRY)
        world->well[job] = false;
    status_free(status);
}

static JobEnd draw_end(World *world, const JobRun *run) {
    static const int codes[] = {0, 0, 0, 0, 1, 2, 64, 65, 69, 74, 75, 75, 76, 77, 126};
    if (run->signal == SIGKILL)
        return (JobEnd){.exit = -1, .signal = SIGKILL};
    if (run->signal == SIGTERM && draw(world, 3))
        return (JobEnd){.exit = 75};
    if (draw(world, 10) == 0)
        return (JobEnd){.exit = -1, .signal = 11};
    return (JobEnd){.exit = codes[draw(world, (int)(sizeof codes / sizeof *codes))]};
}

static JobRun *draw_run(World *world) {
    JobNode *node = world->node;
    JobRun *live[POOL_GPUS];
    int count = 0;
    for (int i = 0; i < node->run_count && count < POOL_GPUS; i++)
        if (node->runs[i].live)
            live[count++] = &node->runs[i];
    return count > 0 ? live[draw(world, count)] : NULL;
}

static void note_end(World *world, JobRun *run, JobEnd end) {
    run->live = false;
    world->well[run->job] |= end.exit == 0 && !end.signal;
}

/* The daemon is gone; a job may end before the next one comes, and that one may be gone before it knows of all. */
static void kill_daemon(World *world) {
    JobNode *node = world->node;
    bool killed = true;
    while (killed) {
        schedule_close(node->schedule);
        JobRun *run = draw(world, 4) == 0 ? draw_run(world) : NULL;
        if (run) {
            run->end = draw_end(world, run);
            run->owed = true;
            note_end(world, run, run->end);
        }
        node->now += draw(world, 3);
        int64_t open[JOB_NODE_OPEN];
        const int count = node_reopen(node, open);
        killed = draw(world, 4) == 0;
        for (int i = 0; i < count && !(killed && draw(world, 3) == 0); i++) {
            node->deaf = killed && draw(world, 2);
            assert_fine(node_resume(node, open[i]));
            node->deaf = false;
        }
    }
}

/* Ticks, and where the daemon is killed does so between its commits, too. */
static void tick(World *world) {
    JobNode *node = world->node;
    bool wanted[POOL_GPUS] = {false};
    double next;
    schedule_wants_looks(node->schedule, node->now, wanted, &next);
    for (int i = 0; i < GPUS; i++) {
        if (!wanted[i])
            continue;
        node_observe(node, i);
        if (world->kills)
            kill_daemon(world);
    }
    node->deaf = world->kills && draw(world, 2);
    assert_fine(schedule_tick(node->schedule, node->now));
}

static void draw_end_of_run(World *world) {
    JobRun *run = draw_run(world);
    if (!run)
        return;
    const JobEnd end = draw_end(world, run);
    note_end(world, run, end);
    assert_fine(schedule_ended(world->node->schedule, run->job, end, "", world->node->now));
}

static void draw_event(World *world) {
    JobNode *node = world->node;
    const Caller root = node_caller("root");
    switch (draw(world, 12)) {
    case 0:
    case 1:
        if (schedule_job_count(node->schedule) < KEPT && world->jobs < JOBS)
            draw_submission(world);
        return;
    case 2:
    case 3:
    case 4:
        draw_end_of_run(world);
        return;
    case 5:
        draw_act(world);
        return;
    case 6: {
        ClockView clock;
        assert_fine(schedule_clock(node->schedule, node->now, &clock));
        if (draw(world, 20) == 0 || clock.paused || !clock.filler)
            assert_fine(schedule_filler(node->schedule, &root, clock.paused || !clock.filler, node->now));
        return;
    }
    case 7: {
        const JobRun *run = draw_run(world);
        if (run)
            assert_fine(schedule_job_memory(node->schedule, run->job, (int64_t)draw(world, 60) * JOB_NODE_GIB));
        assert_fine(schedule_host_memory(node->schedule, (int64_t)(7 + draw(world, 60)) * JOB_NODE_GIB, node->now));
        return;
    }
    case 8:
        for (int gpu = 0; gpu < 3 && draw(world, 10) == 0; gpu++)
            assert_fine(schedule_gpu(node->schedule, &root, gpu, draw(world, 2), node->now));
        return;
    case 9: {
        const JobRun *run = draw_run(world);
        if (run)
            assert_fine(schedule_started(node->schedule, run->job, 100 + draw(world, 1000), node->now));
        return;
    }
    default:
        node->busy = draw(world, 50) > 0;
        node->now += draw(world, 8);
        tick(world);
    }
}

/* The database has every job once, and of those that run exactly what the host runs. */
typedef struct {
    World *world;
    int64_t jobs, open;
    bool held[GPUS];
} Check;

static Status check_job(void *context, const Job *job) {
    Check *check = context;
    const bool runs = job->state == JOB_RUNNING || job->state == JOB_STOPPING;
    const bool over = job->state == JOB_DONE || job->state == JOB_FAILED || job->state == JOB_CANCELLED;
    check->jobs++;
    assert_int_equal(job->id, check->jobs);
    assert_true(job->failures <= 3);
    const Job *live = schedule_find(check->world->node->schedule, job->id);
    assert_int_equal(live != NULL, !over);
    assert_int_equal(schedule_attempt(check->world->node->schedule, job->id) != NULL, runs);
    assert_int_equal(node_find(check->world->node, job->id) != NULL, runs);
    if (live)
        assert_int_equal(live->state, job->state);
    if (job->state == JOB_DONE)
        assert_true(check->world->well[job->id]);
    if (check->world->well[job->id])
        assert_true(job->state == JOB_DONE || job->state == JOB_CANCELLED);
    return NULL;
}

static Status check_open(void *context, const Attempt *attempt) {
    Check *check = context;
    const JobRun *run = node_find(check->world->node, attempt->job);
    assert_non_null(run);
    assert_int_equal(run->number, attempt->number);
    check->open++;
    for (int i = 0; i < attempt->gpu_count; i++) {
        assert_false(check->held[attempt->gpus[i]]);
        check->held[attempt->gpus[i]] = true;
    }
    return NULL;
}

static Status check_lease(void *context, int gpu, int64_t job, int64_t epoch) {
    (void)job;
    Check *check = context;
    assert_true(epoch > 0);
    if (gpu >= 3)
        assert_true(check->held[gpu]); /* a slot is free as soon as its job is gone */
    check->held[gpu] = false;
    return NULL;
}

static void check_world(World *world) {
    JobNode *node = world->node;
    Check check = {.world = world};
    int runs = 0;
    assert_fine(store_each_job(node->store, true, false, check_job, &check));
    assert_int_equal(check.jobs, world->jobs);
    assert_fine(store_each_attempt(node->store, 0, true, check_open, &check));
    assert_fine(store_each_lease(node->store, check_lease, &check));
    for (int i = 0; i < GPUS; i++)
        assert_false(check.held[i]); /* a lease for each GPU of an attempt */
    for (int i = 0; i < node->run_count; i++)
        runs += node->runs[i].live;
    assert_int_equal(runs, check.open);
}

/* No attempt starts twice, and nothing that has gone well. */
static void check_starts(World *world, int from) {
    for (int i = from; i < world->node->run_count; i++) {
        const JobRun *run = &world->node->runs[i];
        assert_true(run->number > world->last_number[run->job]);
        assert_false(world->well[run->job] && run->live);
        world->last_number[run->job] = run->number;
    }
}

typedef struct {
    double to[GPUS];
    int64_t epoch[GPUS];
} Lines;

static Status check_line(void *context, const LedgerLine *line) {
    Lines *lines = context;
    if (lines->to[line->gpu] != 0)
        assert_true(line->from == lines->to[line->gpu]);
    lines->to[line->gpu] = line->to;
    if (line->epoch) {
        assert_true(line->epoch >= lines->epoch[line->gpu]);
        lines->epoch[line->gpu] = line->epoch;
    }
    return NULL;
}

static void play(World *world, int steps) {
    JobNode *node = world->node;
    for (int step = 0; step < steps; step++) {
        const int runs = node->run_count;
        node->deaf = world->kills && draw(world, 2);
        draw_event(world);
        if (world->kills)
            kill_daemon(world);
        node->deaf = false;
        check_starts(world, runs);
        check_world(world);
        /* Room for more runs: those that are over are forgotten. */
        if (node->run_count > JOB_NODE_RUNS / 2) {
            int kept = 0;
            for (int i = 0; i < node->run_count; i++)
                if (node->runs[i].live)
                    node->runs[kept++] = node->runs[i];
            node->run_count = kept;
        }
    }
}

/* In the end everything ends. */
static void finish(World *world) {
    JobNode *node = world->node;
    for (int round = 0; round < 400 && schedule_job_count(node->schedule) > 0; round++) {
        const int runs = node->run_count;
        node_filler(node, true);
        for (int gpu = 0; gpu < 3; gpu++)
            assert_fine(schedule_gpu(node->schedule, &(Caller){0, "root"}, gpu, false, node->now));
        for (int i = schedule_job_count(node->schedule) - 1; i >= 0; i--)
            if (schedule_job(node->schedule, i)->state == JOB_HELD)
                node_act(node, "root", ACT_RELEASE, schedule_job(node->schedule, i)->id);
        node_pass(node, 15);
        check_starts(world, runs);
        for (JobRun *run; (run = draw_run(world));) {
            note_end(world, run, (JobEnd){0});
            assert_fine(schedule_ended(node->schedule, run->job, (JobEnd){0}, "", node->now));
        }
        check_world(world);
    }
    assert_int_equal(schedule_job_count(node->schedule), 0);
    Lines lines = {{0}, {0}};
    assert_fine(store_each_ledger(node->store, check_line, &lines));
    for (int i = 0; i < GPUS; i++)
        assert_true(lines.to[i] == 0); /* the last line is open */
}

static void run_world(uint64_t seed, bool kills, int steps) {
    World *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->node = node_new(RULE, 128 * JOB_NODE_GIB);
    world->random = seed;
    world->kills = kills;
    play(world, steps);
    finish(world);
    int64_t counts[JOB_STATES];
    node_count(world->node, counts);
    print_message("# %d jobs: %d done, %d failed, %d cancelled\n", (int)world->jobs, (int)counts[JOB_DONE],
                  (int)counts[JOB_FAILED], (int)counts[JOB_CANCELLED]);
    assert_true(counts[JOB_DONE] > 2 && counts[JOB_FAILED] > 2 && counts[JOB_CANCELLED] > 2);
    node_free(world->node);
    free(world);
}

static void anything_may_happen(void **state) {
    (void)state;
    run_world(1, false, getenv("FOVEA_LONG") ? 6000 : 700);
    run_world(2, false, getenv("FOVEA_LONG") ? 6000 : 700);
}

static void the_daemon_is_killed_after_every_commit(void **state) {
    (void)state;
    run_world(3, true, getenv("FOVEA_LONG") ? 6000 : 700);
    run_world(4, true, getenv("FOVEA_LONG") ? 6000 : 700);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_may_happen),
        cmocka_unit_test(the_daemon_is_killed_after_every_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
