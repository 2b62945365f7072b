/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/rule/rule_facts.h"

#include <string.h>

const char *lane_kind_name(LaneKind kind) {
    static const char *const names[LANE_KINDS] = {"pool", "owner", "service"};
    return names[kind];
}

int rule_gpu(const Rule *rule, int64_t number) {
    for (int i = 0; i < rule->gpu_count; i++)
        if (rule->gpus[i].number == number)
            return i;
    return -1;
}

int rule_lane(const Rule *rule, const char *name) {
    for (int i = 0; i < rule->lane_count; i++)
        if (strcmp(rule->lanes[i].name, name) == 0)
            return i;
    return -1;
}

static bool is_listed(const char users[POOL_LANES][POOL_NAME], int count, const char *user) {
    for (int i = 0; i < count; i++)
        if (strcmp(users[i], "*") == 0 || strcmp(users[i], user) == 0)
            return true;
    return false;
}

bool rule_is_admin(const Rule *rule, uid_t uid, const char *user) {
    return uid == 0 || is_listed(rule->admins, rule->admin_count, user);
}

bool rule_is_member(const Rule *rule, uid_t uid, const char *user) {
    return rule_is_admin(rule, uid, user) || is_listed(rule->members, rule->member_count, user);
}

bool rule_may_use(const Rule *rule, int lane, uid_t uid, const char *user) {
    switch (rule->lanes[lane].kind) {
    case LANE_POOL:
        return rule_is_member(rule, uid, user);
    case LANE_OWNER:
        return strcmp(rule->lanes[lane].owner, user) == 0;
    case LANE_SERVICE:
        break;
    }
    return false;
}

int rule_queued_limit(const Rule *rule, const char *user) {
    int limit = -1;
    for (int i = 0; i < rule->limit_count; i++) {
        if (strcmp(rule->limits[i].user, user) == 0)
            return rule->limits[i].queued;
        if (strcmp(rule->limits[i].user, "*") == 0)
            limit = rule->limits[i].queued;
    }
    return limit;
}
