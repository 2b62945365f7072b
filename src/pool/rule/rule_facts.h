/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule says, and questions to it. */
#ifndef FOVEA_POOL_RULE_RULE_FACTS_H
#define FOVEA_POOL_RULE_RULE_FACTS_H

#include "pool/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum {
    LANE_POOL,    /* leases and filler, for every member */
    LANE_OWNER,   /* its owner's alone, without filler */
    LANE_SERVICE, /* one server; no job runs there */
} LaneKind;

enum { LANE_KINDS = LANE_SERVICE + 1 };

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
    int line;         /* of the file; 0: the default rule */
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

const char *lane_kind_name(LaneKind kind);
/* Index of the GPU of that number, of the lane of that name; -1: none. */
int rule_gpu(const Rule *rule, int64_t number);
int rule_lane(const Rule *rule, const char *name);
/* Root always is an admin, and an admin always is a member. */
bool rule_is_admin(const Rule *rule, uid_t uid, const char *user);
bool rule_is_member(const Rule *rule, uid_t uid, const char *user);
/* Whether the user may run jobs in that lane: a member in the pool's, an owner in the own one, nobody in a service's.
 */
bool rule_may_use(const Rule *rule, int lane, uid_t uid, const char *user);
/* Most jobs that may wait for the user: that of the user's own line, else that of "*"; -1: no limit. */
int rule_queued_limit(const Rule *rule, const char *user);

#endif
