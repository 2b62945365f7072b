/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/rule/rule_words.h"
#include "base/quantity.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* "", ", " or " and " before the i-th of `count` things. */
static const char *before_item(int i, int count) {
    return i == 0 ? "" : i + 1 == count ? " and " : ", ";
}

/* Numbers that follow one another, as "2 to 7"; two alone are two. */
typedef struct {
    int first, last;
} Run;

static int find_runs(const Rule *rule, int lane, Run runs[POOL_GPUS]) {
    int count = 0;
    for (const RuleGpu *gpu = rule->gpus; gpu < rule->gpus + rule->gpu_count; gpu++) {
        if (gpu->lane != lane)
            continue;
        if (count && runs[count - 1].last + 1 == gpu->number)
            runs[count - 1].last++;
        else
            runs[count++] = (Run){gpu->number, gpu->number};
    }
    /* A pair is shorter as two numbers. */
    for (int i = 0; i < count && count < POOL_GPUS; i++)
        if (runs[i].last == runs[i].first + 1) {
            memmove(&runs[i + 1], &runs[i], (size_t)(count++ - i) * sizeof *runs);
            runs[i].last = runs[i].first;
            runs[i + 1].first = runs[i + 1].last;
            i++;
        }
    return count;
}

/* "GPU 0", "GPUs 0 and 2 to 4"; "slots" where none of them has a GPU. Returns how many they are. */
static int print_gpus(const Rule *rule, int lane, FILE *out) {
    Run runs[POOL_GPUS];
    int count = 0, cpus = 0;
    for (int i = 0; i < rule->gpu_count; i++) {
        count += rule->gpus[i].lane == lane;
        cpus += rule->gpus[i].lane == lane && rule->gpus[i].cpu;
    }
    const int run_count = find_runs(rule, lane, runs);
    fprintf(out, "%s%s ", cpus == count ? "slot" : "GPU", count == 1 ? "" : "s");
    for (int i = 0; i < run_count; i++) {
        fprintf(out, "%s%d", before_item(i, run_count), runs[i].first);
        if (runs[i].last > runs[i].first)
            fprintf(out, " to %d", runs[i].last);
    }
    if (cpus == count)
        fputs(" without a GPU", out);
    else if (cpus)
        fprintf(out, " (%d without a GPU)", cpus);
    return count;
}

static void print_duration(double seconds, FILE *out) {
    if (seconds >= 2 * 3600 && fmod(seconds, 3600) == 0)
        fprintf(out, "%g hours", seconds / 3600);
    else if (seconds >= 2 * 60 && fmod(seconds, 60) == 0)
        fprintf(out, "%g minutes", seconds / 60);
    else
        fprintf(out, "%g second%s", seconds, seconds == 1 ? "" : "s");
}

static void print_day(double seconds, FILE *out) {
    char text[32] = "";
    const time_t time = (time_t)seconds;
    struct tm day;
    if (localtime_r(&time, &day))
        strftime(text, sizeof text, "%Y-%m-%d", &day);
    fputs(text, out);
}

static void print_node(const Rule *rule, FILE *out) {
    int cpus = 0;
    for (int i = 0; i < rule->gpu_count; i++)
        cpus += rule->gpus[i].cpu;
    const int gpus = rule->gpu_count - cpus;
    fprintf(out, "Node %s has ", rule->node);
    if (gpus)
        fprintf(out, "%d GPU%s", gpus, gpus == 1 ? "" : "s");
    if (cpus)
        fprintf(out, "%s%d slot%s without a GPU", gpus ? " and " : "", cpus, cpus == 1 ? "" : "s");
    fprintf(out, " in %d lane%s.\n", rule->lane_count, rule->lane_count == 1 ? "" : "s");
    if (*rule->path)
        fprintf(out, "The rule is %s.\n", rule->path);
    else
        fputs("There is no rule file: these are the defaults. configs/node.ini is one to start from.\n", out);
    if (rule->loan_to > 0) {
        fputs("The loan lasts from ", out);
        print_day(rule->loan_from, out);
        fputs(" to ", out);
        print_day(rule->loan_to - 1, out);
        fputs("; at its end jobs stop with a checkpoint.\n", out);
    }
}

static void print_lane(const Rule *rule, int index, FILE *out) {
    const Lane *lane = &rule->lanes[index];
    fprintf(out, "Lane %s, ", lane->name);
    const bool one = print_gpus(rule, index, out) == 1;
    switch (lane->kind) {
    case LANE_POOL:
        fprintf(out, ": the pool of all members.\n  Members lease %s, and waiting jobs start when %s.\n",
                one ? "it" : "them", one ? "it is idle" : "one is idle");
        break;
    case LANE_OWNER:
        fprintf(out, ": %s's alone.\n  Only %s leases %s, and no waiting job starts there by itself.\n", lane->owner,
                lane->owner, one ? "it" : "them");
        break;
    case LANE_SERVICE:
        fputs(": a service.\n  One server is kept up there, and no job runs there.\n", out);
        break;
    }
}

static void print_lanes(const Rule *rule, FILE *out) {
    bool unused = false;
    for (int i = 0; i < rule->lane_count; i++)
        print_lane(rule, i, out);
    for (int i = 0; i < rule->gpu_count; i++)
        unused = unused || rule->gpus[i].lane < 0;
    if (unused) {
        fputs("In no lane, so that no job runs there: ", out);
        print_gpus(rule, -1, out);
        fputs(".\n", out);
    }
}

static void print_times(const Rule *rule, FILE *out) {
    fputs("A GPU is idle when two looks at it, ", out);
    print_duration(rule->look_gap, out);
    fputs(" apart, show no work and no process.\n", out);
    fputs("A job that is asked to stop has ", out);
    print_duration(rule->grace, out);
    fputs(" for its checkpoint.\nA job without progress for ", out);
    print_duration(rule->stall, out);
    fputs(" is stopped and queued again.\n", out);
    fprintf(out, "From %g C on a GPU gets no new job; at %g C its job stops with a checkpoint.\n", rule->warn_celsius,
            rule->stop_celsius);
    fprintf(out, "%s of the machine's memory stays free of jobs.\n", quantity_size(rule->host_free).text);
    if (*rule->notify)
        fprintf(out, "Events go to the program %s.\n", rule->notify);
}

static void print_users(const char *title, const char users[POOL_LANES][POOL_NAME], int count, const char *what,
                        FILE *out) {
    fprintf(out, "%s: ", title);
    for (int i = 0; i < count; i++)
        fprintf(out, "%s%s", before_item(i, count), strcmp(users[i], "*") == 0 ? "everybody" : users[i]);
    fprintf(out, "%s. %s\n", count ? "" : "nobody", what);
}

static void print_limits(const Rule *rule, FILE *out) {
    for (int i = 0; i < rule->limit_count; i++) {
        const RuleLimit *limit = &rule->limits[i];
        const bool all = strcmp(limit->user, "*") == 0;
        fprintf(out, "At most %d job%s of %s wait%s at once.\n", limit->queued, limit->queued == 1 ? "" : "s",
                all ? "any other user" : limit->user, limit->queued == 1 ? "s" : "");
    }
}

static void print_asker(const Rule *rule, uid_t uid, const char *user, FILE *out) {
    const bool admin = rule_is_admin(rule, uid, user), member = rule_is_member(rule, uid, user);
    const int limit = rule_queued_limit(rule, user);
    int count = 0, shown = 0;
    for (int i = 0; i < rule->lane_count; i++)
        count += rule_may_use(rule, i, uid, user);
    fprintf(out, "You are %s, %s: you may use ", user, admin ? "an admin" : member ? "a member" : "no member");
    for (int i = 0; i < rule->lane_count; i++)
        if (rule_may_use(rule, i, uid, user)) {
            fprintf(out, "%slane %s, ", shown == 0 ? "" : shown + 1 == count ? ", and " : ", ", rule->lanes[i].name);
            print_gpus(rule, i, out);
            shown++;
        }
    fputs(count ? ".\n" : "no lane.\n", out);
    if (limit >= 0)
        fprintf(out, "At most %d of your jobs may wait at once.\n", limit);
}

void rule_print(const Rule *rule, uid_t uid, const char *user, FILE *out) {
    print_node(rule, out);
    fputc('\n', out);
    print_lanes(rule, out);
    fputc('\n', out);
    print_times(rule, out);
    fputc('\n', out);
    print_users("Admins", rule->admins, rule->admin_count, "They act on everybody's jobs, and on GPUs.", out);
    print_users("Members", rule->members, rule->member_count, "They act on their own jobs.", out);
    print_limits(rule, out);
    fputc('\n', out);
    print_asker(rule, uid, user, out);
}
