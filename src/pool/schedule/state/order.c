/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/state/order.h"

#include "base/list.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static Turn *find_turn(const Schedule *schedule, uid_t uid) {
    for (int64_t i = 0; i < schedule->turn_count; i++)
        if (schedule->turns[i].uid == uid)
            return &schedule->turns[i];
    return NULL;
}

Status order_know(Schedule *schedule, uid_t uid) {
    if (find_turn(schedule, uid))
        return NULL;
    char name[40];
    snprintf(name, sizeof name, "turn %ju", (uintmax_t)uid);
    double served;
    TRY(store_get_fact(schedule->store, name, &served));
    TRY(list_grow(&schedule->turns, schedule->turn_count, &schedule->turn_capacity, sizeof *schedule->turns,
                  "users of the pool"));
    schedule->turns[schedule->turn_count++] = (Turn){.uid = uid, .served = isnan(served) ? 0 : served};
    return NULL;
}

Status order_serve(Schedule *schedule, uid_t uid) {
    TRY(order_know(schedule, uid));
    find_turn(schedule, uid)->served = schedule->now;
    schedule->ordered = false;
    char name[40];
    snprintf(name, sizeof name, "turn %ju", (uintmax_t)uid);
    return store_put_fact(schedule->store, name, schedule->now);
}

/* Below 0, 0, above 0: `a` is less than, equal to, greater than `b`. */
static int compare_reals(double a, double b) {
    return (a > b) - (a < b);
}

/* Groups within which users take turns: running, waiting by priority and past failures, held. */
static int compare_groups(const ScheduleJob *a, const ScheduleJob *b) {
    static const int rank[JOB_STATES] = {[JOB_WAITING] = 1, [JOB_HELD] = 2};
    if (rank[a->job.state] != rank[b->job.state])
        return rank[a->job.state] - rank[b->job.state];
    if (rank[a->job.state] != 1)
        return 0;
    if (a->job.wants.priority != b->job.wants.priority)
        return a->job.wants.priority > b->job.wants.priority ? -1 : 1;
    if (a->kept != b->kept)
        return a->kept ? -1 : 1;
    return (a->job.failures > 0) - (b->job.failures > 0);
}

static int compare_ages(const ScheduleJob *a, const ScheduleJob *b) {
    const bool runs = a->job.state != JOB_WAITING && a->job.state != JOB_HELD;
    const int ages =
        runs ? compare_reals(a->attempt.from, b->attempt.from) : compare_reals(a->job.queued, b->job.queued);
    return ages ? ages : (a->job.id > b->job.id) - (a->job.id < b->job.id);
}

static int compare_users(const void *a, const void *b) {
    const ScheduleJob *x = *(ScheduleJob *const *)a, *y = *(ScheduleJob *const *)b;
    const int groups = compare_groups(x, y);
    if (groups)
        return groups;
    if (x->job.uid != y->job.uid)
        return x->job.uid < y->job.uid ? -1 : 1;
    return compare_ages(x, y);
}

static int compare_turns(const void *a, const void *b, void *context) {
    const Schedule *schedule = context;
    const ScheduleJob *x = *(ScheduleJob *const *)a, *y = *(ScheduleJob *const *)b;
    const int groups = compare_groups(x, y);
    if (groups)
        return groups;
    if (x->job.state != JOB_WAITING)
        return compare_ages(x, y);
    if (x->turn != y->turn)
        return x->turn < y->turn ? -1 : 1;
    if (x->job.uid != y->job.uid) {
        const Turn *turn_x = find_turn(schedule, x->job.uid), *turn_y = find_turn(schedule, y->job.uid);
        const int served = compare_reals(turn_x ? turn_x->served : 0, turn_y ? turn_y->served : 0);
        if (served)
            return served;
    }
    return compare_ages(x, y);
}

/* Of the same user and group. */
static bool are_of_one_row(const ScheduleJob *a, const ScheduleJob *b) {
    return a->job.uid == b->job.uid && compare_groups(a, b) == 0;
}

/* Moves jobs of several GPUs before those of their row that would be stopped for them, and numbers each row. */
static void number_turns(Schedule *schedule) {
    ScheduleJob **order = schedule->order;
    for (int64_t i = 1; i < schedule->job_count; i++) {
        ScheduleJob *job = order[i];
        if (job->job.state != JOB_WAITING || job->job.wants.gpus < 2)
            continue;
        int64_t to = i;
        while (to > 0 && are_of_one_row(order[to - 1], job) && order[to - 1]->job.wants.resumable &&
               order[to - 1]->job.wants.gpus < job->job.wants.gpus) {
            order[to] = order[to - 1];
            to--;
        }
        order[to] = job;
    }
    for (int64_t i = 0; i < schedule->job_count; i++)
        order[i]->turn = i > 0 && are_of_one_row(order[i - 1], order[i]) ? order[i - 1]->turn + 1 : 0;
}

Status order_jobs(Schedule *schedule) {
    if (schedule->ordered)
        return NULL;
    while (schedule->order_capacity < schedule->job_count)
        TRY(list_grow(&schedule->order, schedule->order_capacity, &schedule->order_capacity, sizeof *schedule->order,
                      "the order of the pool's jobs"));
    for (int64_t i = 0; i < schedule->job_count; i++)
        schedule->order[i] = schedule->jobs[i];
    const size_t count = (size_t)schedule->job_count;
    if (count > 0) {
        qsort(schedule->order, count, sizeof *schedule->order, compare_users);
        number_turns(schedule);
        qsort_r(schedule->order, count, sizeof *schedule->order, compare_turns, schedule);
    }
    schedule->ordered = true;
    return NULL;
}
