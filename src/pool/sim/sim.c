/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sim.h"

#include "pool/schedule/schedule.h"
#include "pool/sim/sim_drawing.h"
#include "pool/sim/sim_node.h"
#include "pool/sim/sim_output.h"
#include "pool/sim/sim_script.h"
#include "pool/store/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* When a simulation without a loan begins: a time, since 0 stands for none. A power of two, to round less. */
static const double START = 1 << 20;
/* Rounds of events at one time: jobs of no length may follow each other, but not for ever. */
enum { MOST_ROUNDS = 100000 };

typedef struct {
    Script script;
    Node node;
    Store *store;
    Schedule *schedule;
    Status *refusals; /* [jobs] */
    double start;
    bool *come;       /* [jobs] they were submitted */
    bool filler_done; /* it is switched off */
} Sim;

/* The lane that jobs of the script ask for: the first one for everybody. */
static const char *find_lane(const Rule *rule) {
    for (int i = 0; i < rule->lane_count; i++)
        if (rule->lanes[i].kind == LANE_POOL)
            return rule->lanes[i].name;
    return "";
}

/* Submits a job; a refusal is the job's result. */
static Status submit_job(Sim *sim, int index) {
    const ScriptJob *script = &sim->script.jobs[index];
    const Caller caller = {script->uid, script->user};
    Job job = {.uid = script->uid};
    char *answer = NULL;
    snprintf(job.user, sizeof job.user, "%s", script->user);
    job.name = strdup("");
    job.command = strdup("simulated");
    job.request = strdup("{}");
    job.run_dir = strdup("");
    job.sweep = strdup("");
    job.trial = strdup("");
    job.wants = (JobWants){.gpus = script->gpus,
                           .gpu_memory = -1,
                           .host_memory = -1,
                           .priority = script->priority,
                           .resumable = script->resumable};
    snprintf(job.wants.lane, sizeof job.wants.lane, "%s", find_lane(&sim->script.rule));
    sim->come[index] = true;
    Status status = schedule_submit(sim->schedule, &caller, &job, false, false, &answer, sim->node.now);
    free(answer);
    if (!status) {
        sim->node.ids[index] = job.id;
        return NULL;
    }
    job_free(&job);
    if (status_code(status) != EXIT_REFUSED && status_code(status) != EXIT_USAGE)
        return status;
    sim->refusals[index] = status;
    return NULL;
}

static Status submit_jobs(Sim *sim, double *next) {
    *next = INFINITY;
    for (int i = 0; i < sim->script.job_count; i++) {
        const double at = sim->start + sim->script.jobs[i].at;
        if (!sim->come[i] && at <= sim->node.now)
            TRY(submit_job(sim, i));
        else if (!sim->come[i])
            *next = fmin(*next, at);
    }
    return NULL;
}

static Status switch_filler(Sim *sim, double *next) {
    const double at = sim->script.filler ? sim->start + sim->script.filler_off : sim->start;
    *next = sim->filler_done ? INFINITY : at;
    if (sim->filler_done || at > sim->node.now)
        return NULL;
    const Rule *rule = &sim->script.rule;
    const bool named = rule->admin_count > 0 && strcmp(rule->admins[0], "*") != 0;
    const Caller admin = {0, named ? rule->admins[0] : "root"};
    sim->filler_done = true;
    *next = INFINITY;
    return schedule_filler(sim->schedule, &admin, false, sim->node.now);
}

static Status end_jobs(Sim *sim) {
    JobEnd end;
    int index;
    while ((index = node_take_end(&sim->node, &end)) >= 0)
        TRY(schedule_ended(sim->schedule, sim->node.ids[index], end, "", sim->node.now));
    return NULL;
}

static Status look_at_gpus(Sim *sim, double *next) {
    bool wanted[POOL_GPUS] = {0};
    Observation seen;
    /* Without a gap the second look of a round is due at the time of the first. */
    for (int pass = 0; pass < 2 && schedule_wants_looks(sim->schedule, sim->node.now, wanted, next) > 0; pass++)
        for (int i = 0; i < sim->script.rule.gpu_count; i++)
            if (wanted[i]) {
                node_observe(&sim->node, i, &seen);
                TRY(schedule_observe(sim->schedule, i, &seen, sim->node.now));
            }
    schedule_wants_looks(sim->schedule, sim->node.now, wanted, next);
    return NULL;
}

/* Everything that is due now; *next is when something is due again. */
static Status play_moment(Sim *sim, double *next) {
    double arrivals, filler, looks;
    TRY(switch_filler(sim, &filler));
    TRY(end_jobs(sim));
    TRY(submit_jobs(sim, &arrivals));
    TRY(look_at_gpus(sim, &looks));
    TRY(schedule_tick(sim->schedule, sim->node.now));
    *next = fmin(fmin(arrivals, looks), fmin(filler, fmin(node_next(&sim->node), schedule_next(sim->schedule))));
    return NULL;
}

static Status play(Sim *sim) {
    const double end = sim->start + sim->script.until;
    int rounds = 0;
    while (sim->node.now < end) {
        double next;
        TRY(play_moment(sim, &next));
        rounds = next > sim->node.now ? 0 : rounds + 1;
        if (rounds > MOST_ROUNDS)
            return status_error(EXIT_INTERNAL, "pool sim: something is due at %g s for ever",
                                sim->node.now - sim->start);
        sim->node.now = fmin(fmax(next, sim->node.now), end);
    }
    return NULL;
}

static Status open_sim(Sim *sim, const char *in) {
    TRY(script_open(in, &sim->script));
    const size_t count = (size_t)sim->script.job_count + 1;
    sim->refusals = calloc(count, sizeof *sim->refusals);
    sim->come = calloc(count, sizeof *sim->come);
    if (!sim->refusals || !sim->come)
        return status_no_memory("the simulation", count * (sizeof *sim->refusals + sizeof *sim->come));
    /* With a loan the first day of the node is the first of the simulation. */
    sim->start = sim->script.rule.loan_from > 0 ? sim->script.rule.loan_from : START;
    TRY(node_open(&sim->node, &sim->script, sim->start));
    TRY(store_open(&sim->store, ":memory:"));
    const ScheduleHost host = node_host(&sim->node);
    return schedule_open(&sim->schedule, &sim->script.rule, sim->store, &host, -1, sim->start);
}

static Status show_sim(Sim *sim, const char *out, FILE *drawing) {
    if (!out)
        return sim_draw(&sim->node, sim->store, sim->start, drawing);
    const char *uuids[POOL_GPUS];
    for (int i = 0; i < POOL_GPUS; i++)
        uuids[i] = "";
    const AnswerSource source = {.schedule = sim->schedule,
                                 .store = sim->store,
                                 .rule = &sim->script.rule,
                                 .uuids = uuids,
                                 .gauges_missing = "",
                                 .now = sim->node.now};
    return sim_write(&sim->node, &source, sim->refusals, sim->start, out);
}

static void close_sim(Sim *sim) {
    if (sim->schedule)
        schedule_close(sim->schedule);
    if (sim->store)
        store_close(sim->store);
    for (int i = 0; sim->refusals && i < sim->script.job_count; i++)
        status_free(sim->refusals[i]);
    free(sim->refusals);
    free(sim->come);
    node_close(&sim->node);
    script_close(&sim->script);
}

Status pool_sim(const char *in, const char *out, FILE *drawing) {
    Sim *sim = calloc(1, sizeof *sim);
    if (!sim)
        return status_no_memory("the simulation", sizeof *sim);
    Status status = open_sim(sim, in);
    if (!status)
        status = play(sim);
    if (!status)
        status = show_sim(sim, out, drawing);
    close_sim(sim);
    free(sim);
    return status;
}
