/* SPDX-License-Identifier: Apache-2.0 */
/* The made-up node of a simulation: jobs that run as the script says, and what gauges show of them. */
#ifndef FOVEA_POOL_SIM_SIM_NODE_H
#define FOVEA_POOL_SIM_SIM_NODE_H

#include "pool/schedule/schedule.h"
#include "pool/sim/sim_script.h"

/* An attempt under way. */
typedef struct {
    bool live, hangs;
    int gpus[POOL_GPUS]; /* [gpu_count] numbers of the rule */
    int gpu_count;
    double from, end; /* INFINITY: it does not end by itself */
    JobEnd how;
    bool kept;   /* what it has done is not lost with its end */
    double done; /* seconds of the job that attempts before this one did and kept */
} NodeRun;

typedef struct {
    const Script *script;
    double start, now;      /* of the simulation; of the moment */
    NodeRun *runs;          /* [jobs of the script] */
    int64_t *ids;           /* [jobs of the script] the pool's numbers of them; 0: not submitted, or refused */
    double work[POOL_GPUS]; /* seconds at work, by index in the rule; of attempts that have ended */
} Node;

Status node_open(Node *node, const Script *script, double start) MUST_USE;
void node_close(Node *node);
/* Callbacks for the schedule, whose context is the node. */
ScheduleHost node_host(Node *node);
/* When the next attempt ends; INFINITY: none does. */
double node_next(const Node *node);
/* Ends an attempt that is due, and returns the job's index in the script; -1: none is due. */
int node_take_end(Node *node, JobEnd *end);
/* What is seen of the GPU of that index in the rule. */
void node_observe(const Node *node, int index, Observation *seen);
/* Seconds at work of the GPU of that index, up to now. */
double node_work(const Node *node, int index);

#endif
