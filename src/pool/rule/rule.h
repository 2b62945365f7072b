/* SPDX-License-Identifier: Apache-2.0 */
/* The rule: which GPUs there are, in which lanes, and who may use them. docs/pool.md describes the file. */
#ifndef FOVEA_POOL_RULE_RULE_H
#define FOVEA_POOL_RULE_RULE_H

#include "base/status.h"
#include "gauges/gauges.h"
#include "pool/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

typedef enum {
    LANE_POOL,    /* leases and filler, for every member */
    LANE_OWNER,   /* its owner's alone, without filler */
    LANE_SERVICE, /* one server; no job runs there */
} LaneKind;

typedef struct {
    char name[POOL_NAME];
    LaneKind kind;
    char owner[POOL_NAME]; /* of LANE_OWNER */
} Lane;

typedef struct {
    int number;       /* in the rule, and in all that people see */
    char id[POOL_ID]; /* UUID, PCI address or index as the file has it; "" for a slot without a GPU */
    bool cpu;         /* a slot without a GPU */
    int lane;         /* index into lanes; -1: in none, never used */
} RuleGpu;

typedef struct {
    char user[POOL_NAME]; /* "*": all */
    int queued;           /* most jobs of the user that wait at once */
} RuleLimit;

typedef struct {
    char path[4096]; /* of the file; "": the default rule */
    char node[POOL_NAME];
    double loan_from, loan_to; /* seconds since 1970, the second the end of its day; 0: no loan is given */
    double look_every, look_gap, grace, stall;
    double warn_celsius, stop_celsius;
    int64_t host_free;
    char notify[4096];
    RuleGpu gpus[POOL_GPUS]; /* [gpu_count] by number */
    int gpu_count;
    Lane lanes[POOL_LANES];
    int lane_count;
    char admins[POOL_LANES][POOL_NAME], members[POOL_LANES][POOL_NAME]; /* "*": all */
    int admin_count, member_count;
    RuleLimit limits[POOL_LANES];
    int limit_count;
    int service_count; /* sections [service.*] */
} Rule;

/* Reads a rule. Warnings (a GPU named by index) go to `warnings`. EXIT_DATA naming file, line and key: an unknown key,
 * a GPU in two lanes, a lane with a GPU that [gpus] lacks, two names of one GPU, a lane without GPUs. */
Status rule_read(const char *path, FILE *warnings, Rule *rule) MUST_USE;
/* The same from text; `path` is for messages. */
Status rule_parse(const char *text, const char *path, FILE *warnings, Rule *rule) MUST_USE;
/* The rule of a machine without one: every GPU of `gauges` in the lane "pool", or one slot without a GPU. */
void rule_default(const Gauges *gauges, Rule *rule);
/* Sets `devices` [gpu_count] to the index in `gauges` of each GPU of the rule, -1 for slots. EXIT_DATA: a GPU is not
 * there, or two names are one GPU; lists those that are there. */
Status rule_match(const Rule *rule, const Gauges *gauges, int *devices) MUST_USE;

/* Index of the GPU of that number, of the lane of that name; -1: none. */
int rule_gpu(const Rule *rule, int64_t number);
int rule_lane(const Rule *rule, const char *name);
bool rule_is_admin(const Rule *rule, uid_t uid, const char *user);
bool rule_is_member(const Rule *rule, uid_t uid, const char *user);
/* Whether the user may run jobs in that lane. */
bool rule_may_use(const Rule *rule, int lane, uid_t uid, const char *user);
/* Most jobs that may wait for the user; -1: no limit. */
int rule_queued_limit(const Rule *rule, const char *user);

#endif
