/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/follow.h"

#include "base/clock.h"
#include "pool/sweep/outcome/prune.h"
#include "pool/sweep/outcome/sweep_table.h"
#include "pool/sweep/sweep_jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds that the daemon may be away, and after which one of one's own is started: whoever ended it may be about to
 * start another one, with its own rule. */
static const double PATIENCE = 60, START_AFTER = 10;
enum { LOOK_MS = 500, SHOWN = 18 /* rows of trials: a terminal has 24 lines */ };

Status follow_open(Follow *follow, const Sweep *sweep, const char *state, PoolClient *client) {
    *follow = (Follow){.sweep = sweep, .state = state, .client = client};
    follow->outcomes = calloc((size_t)sweep->count + 1, sizeof *follow->outcomes);
    if (!follow->outcomes)
        return status_no_memory("the trials", (size_t)sweep->count * sizeof *follow->outcomes);
    if (client)
        TRY(sweep_jobs_read(client, true, &follow->all));
    return follow_look(follow);
}

void follow_close(Follow *follow) {
    pool_client_close(follow->client);
    cJSON_Delete(follow->live);
    cJSON_Delete(follow->all);
    free(follow->outcomes);
    *follow = (Follow){0};
}

static bool is_listed(const cJSON *jobs, int64_t number) {
    const cJSON *job;
    cJSON_ArrayForEach(job, jobs) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(job, "job");
        if (cJSON_IsNumber(item) && (int64_t)item->valuedouble == number)
            return true;
    }
    return false;
}

/* Of a job that is no longer live only the list of all jobs says how it ended. */
static Status read_jobs(Follow *follow) {
    cJSON *live, *all = NULL;
    bool gone = false;
    TRY(sweep_jobs_read(follow->client, false, &live));
    for (int64_t i = 0; i < follow->sweep->count; i++)
        gone |= follow->outcomes[i].live && !is_listed(live, follow->outcomes[i].job);
    cJSON_Delete(follow->live);
    follow->live = live;
    if (!gone)
        return NULL;
    TRY(sweep_jobs_read(follow->client, true, &all));
    cJSON_Delete(follow->all);
    follow->all = all;
    return NULL;
}

Status follow_look(Follow *follow) {
    if (follow->client)
        TRY(read_jobs(follow));
    const cJSON *jobs[] = {follow->live, follow->all};
    return outcome_read_all(follow->sweep, jobs, 2, clock_date(), follow->outcomes);
}

/* The same across a restart of the daemon. */
static Status look_patiently(Follow *follow) {
    const double since = clock_now();
    for (bool warned = false;; warned = true) {
        const double away = clock_now() - since;
        Status status = follow->client ? NULL : pool_client_open(follow->state, away > START_AFTER, &follow->client);
        if (!status)
            status = follow_look(follow);
        const ExitCode code = status_code(status);
        if (!status || (code != EXIT_MISSING && code != EXIT_IO) || away > PATIENCE)
            return status_append(status, "; the jobs go on, and the same call goes on with them");
        if (!warned)
            fprintf(stderr, "%s; waiting for the daemon\n", status_message(status));
        status_free(status);
        pool_client_close(follow->client);
        follow->client = NULL;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
}

static bool any_live(const Follow *follow) {
    for (int64_t i = 0; i < follow->sweep->count; i++)
        if (follow->outcomes[i].live)
            return true;
    return false;
}

/* Draws the table in place of the last one, of `lines` lines. */
static Status redraw(const Follow *follow, int *lines) {
    ViewPage page;
    char *text;
    size_t size;
    view_page(&page, stdout);
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return status_no_memory("the table", 0);
    page.out = memory;
    Status status = sweep_table_print(follow->sweep, follow->outcomes, SHOWN, &page);
    if (fclose(memory) != 0 && !status)
        status = status_no_memory("the table", size);
    if (!status) {
        if (*lines)
            printf("\033[%dA\033[J", *lines);
        *lines = 0;
        for (const char *c = text; *c; c++)
            *lines += *c == '\n';
        fputs(text, stdout);
        fflush(stdout);
    }
    free(text);
    return status;
}

/* A line for each trial that stands otherwise than before. */
static Status print_changes(const Follow *follow, Outcome *before) {
    for (int64_t i = 0; i < follow->sweep->count; i++) {
        const Outcome *now = &follow->outcomes[i];
        if (now->state == before[i].state && now->job == before[i].job && strcmp(now->reason, before[i].reason) == 0)
            continue;
        char *line;
        TRY(sweep_table_line(follow->sweep, follow->outcomes, i, &line));
        printf("%s\n", line);
        free(line);
    }
    fflush(stdout);
    memcpy(before, follow->outcomes, (size_t)follow->sweep->count * sizeof *before);
    return NULL;
}

Status follow_until_over(Follow *follow) {
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    int lines = 0;
    Outcome *before = calloc((size_t)follow->sweep->count + 1, sizeof *before);
    if (!before)
        return status_no_memory("the trials", (size_t)follow->sweep->count * sizeof *before);
    for (int64_t i = 0; i < follow->sweep->count; i++)
        before[i].job = -1; /* each is printed once */
    if (isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "Ctrl-C leaves the jobs running; the same call goes on with them\n");
    Status status = NULL;
    for (bool over = false; !over && !status;) {
        status = look_patiently(follow);
        if (!status)
            status = terminal ? redraw(follow, &lines) : print_changes(follow, before);
        if (!status)
            status = prune_losers(follow->sweep, follow->outcomes);
        over = !any_live(follow);
        if (!over && !status)
            nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
    if (terminal && lines)
        printf("\033[%dA\033[J", lines);
    free(before);
    return status;
}
