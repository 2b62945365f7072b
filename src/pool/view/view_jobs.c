/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/view/view_jobs.h"

#include "pool/view/view_status.h"
#include "pool/view/view_table.h"
#include "pool/view/view_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *word, const char *first, const char *second) {
    return strcmp(word, first) == 0 || strcmp(word, second) == 0;
}

static const cJSON *last_attempt(const cJSON *job) {
    const cJSON *attempts = view_list(job, "attempts");
    return cJSON_GetArrayItem(attempts, cJSON_GetArraySize(attempts) - 1);
}

/* Since when it waits or runs; for how long it ran. */
static double job_seconds(const ViewPage *page, const cJSON *job, const cJSON *attempt) {
    const char *state = view_text(job, "state");
    if (is_one_of(state, "waiting", "held"))
        return page->now - view_real(job, "submitted");
    double to = view_real(attempt, "to");
    return (isfinite(to) ? to : page->now) - view_real(attempt, "from");
}

/* The GPUs that it runs or last ran on; "x2" for a job that waits for two. */
static Status add_gpus(ViewTable *table, const cJSON *job, const cJSON *attempt) {
    char *text;
    double wanted = view_real(job, "gpus");
    if (!attempt || is_one_of(view_text(job, "state"), "waiting", "held"))
        return view_cell(table, VIEW_FAINT, "%s%s", isfinite(wanted) ? "x" : "", view_number(wanted, 0).text);
    TRY(view_numbers(view_list(attempt, "gpus"), ",", &text));
    Status status = view_cell(table, VIEW_PLAIN, "%s", text);
    free(text);
    return status;
}

/* Name and command of another's job are not known. */
static Status add_command(ViewTable *table, const cJSON *job) {
    const char *name = view_text(job, "name"), *command = view_text(job, "command");
    return view_cell(table, VIEW_PLAIN, "%s%s%s", name, *name && *command ? ": " : "", command);
}

static Status add_job(ViewTable *table, const ViewPage *page, const cJSON *job) {
    const cJSON *attempt = last_attempt(job);
    const char *state = view_text(job, "state"), *reason = view_text(job, "reason");
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(view_real(job, "job"), 0).text));
    TRY(view_cell(table, view_state_style(state), "%s", state));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_text(job, "user")));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_text(job, "lane")));
    TRY(add_gpus(table, job, attempt));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_duration(job_seconds(page, job, attempt)).text));
    TRY(view_cell(table, VIEW_PLAIN, "%d", cJSON_GetArraySize(view_list(job, "attempts"))));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(view_real(job, "exit"), 0).text));
    TRY(add_command(table, job));
    if (*reason)
        TRY(view_note(table, VIEW_FAINT, "%s", reason));
    return NULL;
}

Status view_jobs(const ViewPage *page, const cJSON *answer) {
    static const ViewColumn columns[] = {{"JOB", true, 0},   {"STATE", false, 0}, {"USER", false, 4},
                                         {"LANE", false, 4}, {"GPU", false, 4},   {"FOR", true, 0},
                                         {"RUNS", true, 0},  {"EXIT", true, 0},   {"COMMAND", false, 12}};
    ViewTable table;
    const cJSON *job;
    if (!cJSON_GetArraySize(answer))
        return view_paragraph(page, 0, VIEW_PLAIN, "no jobs");
    view_table_open(&table, columns, sizeof columns / sizeof *columns);
    Status status = NULL;
    cJSON_ArrayForEach(job, answer) {
        if (!status)
            status = add_job(&table, page, job);
    }
    if (!status)
        status = view_table_print(&table, page);
    view_table_close(&table);
    return status;
}

/* "WHAT: REASON." with one full stop; a reason that begins with a verb goes on without the colon. */
static Status print_sentence(const ViewPage *page, const char *what, const char *reason) {
    int length = (int)strlen(reason);
    while (length && reason[length - 1] == '.')
        length--;
    const char *between = !length ? "" : strncmp(reason, "waits ", 6) == 0 ? " " : ": ";
    return view_paragraph(page, 0, VIEW_PLAIN, "%s%s%.*s.", what, between, length, reason);
}

static Status print_expected(const ViewPage *page, const cJSON *answer, const char *what, bool starts) {
    double expected = view_real(answer, "expected"), gpu = view_real(answer, "gpu");
    if (!isfinite(expected))
        return NULL;
    double now = view_real(answer, "time");
    char when[3 * VIEW_WORD] = " soon", where[VIEW_WORD + 16] = "";
    if (expected - now >= 1)
        snprintf(when, sizeof when, " at %s, in %s", view_time(expected, now).text, view_duration(expected - now).text);
    if (starts && isfinite(gpu))
        snprintf(where, sizeof where, ", on gpu %s", view_number(gpu, 0).text);
    return view_paragraph(page, 0, VIEW_PLAIN, "%s%s%s.", what, when, where);
}

static Status print_behind(const ViewPage *page, const cJSON *answer) {
    const cJSON *behind = view_list(answer, "behind");
    char *text;
    if (!cJSON_GetArraySize(behind))
        return NULL;
    TRY(view_numbers(behind, ", ", &text));
    Status status = view_paragraph(page, 0, VIEW_PLAIN, "Before it %s %s.",
                                   cJSON_GetArraySize(behind) == 1 ? "comes job" : "come jobs", text);
    free(text);
    return status;
}

Status view_why_job(const ViewPage *page, const cJSON *answer) {
    const char *state = view_text(answer, "state"), *name = view_text(answer, "name");
    const char *reason = view_text(answer, "reason");
    const bool waits = is_one_of(state, "waiting", "held");
    char head[512];
    const char *verb = strcmp(state, "held") == 0 ? " is held back" : "";
    if (strcmp(state, "waiting") == 0 && strncmp(reason, "waits ", 6) != 0)
        verb = " waits";
    snprintf(head, sizeof head, "Job %s%s%.100s%s of %.64s%s", view_number(view_real(answer, "job"), 0).text,
             *name ? " (" : "", name, *name ? ")" : "", view_text(answer, "user"), verb);
    TRY(print_sentence(page, head, waits || *reason ? reason : state)); /* of others the reason begins with the state */
    if (waits)
        TRY(print_behind(page, answer));
    return print_expected(page, answer, waits ? "Its start is expected" : "Its time ends", waits);
}

/* A process without a lease is in the reason. */
static Status print_holder(const ViewPage *page, const cJSON *answer) {
    const cJSON *holder = cJSON_GetObjectItemCaseSensitive(answer, "holder");
    const char *command = view_text(holder, "command");
    double now = view_real(answer, "time"), job = view_real(holder, "job"), since = view_real(holder, "since");
    if (!isfinite(job))
        return NULL;
    return view_paragraph(page, 0, VIEW_PLAIN, "It is leased to %.64s, pid %s, job %s, since %s (%s)%s%.200s.",
                          view_text(holder, "user"), view_number(view_real(holder, "pid"), 0).text,
                          view_number(job, 0).text, view_time(since, now).text, view_duration(now - since).text,
                          *command ? ": " : "", command);
}

/* What makes a GPU free again, where the reason does not say it. */
static const char *state_advice(const char *state) {
    static const char *const advice[][2] = {
        {"held", "It is free when the job's processes have ended and its gauges show it clear."},
        {"reserved", "It is free when that job has started elsewhere or is cancelled."},
        {"ghost", "It is free when the memory is. An admin who knows that nothing runs there takes it as it is: pool "
                  "gpu N clear."},
        {"unknown", "It takes jobs again when its gauges answer."}};
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
        if (strcmp(advice[i][0], state) == 0)
            return advice[i][1];
    return "";
}

/* Without "held by ann, job 17", which the next sentence says, too. */
static const char *reason_of_gpu(const cJSON *answer) {
    const char *reason = view_text(answer, "reason"), *more = strchr(reason, ';');
    if (strcmp(view_text(answer, "state"), "held") != 0 || strncmp(reason, "held by ", 8) != 0)
        return reason;
    return more ? more + strspn(more, "; ") : "";
}

Status view_why_gpu(const ViewPage *page, const cJSON *answer) {
    const char *lane = view_text(answer, "lane");
    double now = view_real(answer, "time"), since = view_real(answer, "since"), look = view_real(answer, "next_look");
    char head[512];
    snprintf(head, sizeof head, "gpu %s%s%.64s is %.32s since %s (%s)", view_number(view_real(answer, "gpu"), 0).text,
             *lane ? " of lane " : "", lane, view_text(answer, "state"), view_time(since, now).text,
             view_duration(now - since).text);
    TRY(print_sentence(page, head, reason_of_gpu(answer)));
    TRY(print_holder(page, answer));
    const char *advice = state_advice(view_text(answer, "state"));
    if (*advice)
        TRY(view_paragraph(page, 0, VIEW_PLAIN, "%s", advice));
    if (isfinite(look) && strcmp(view_text(answer, "state"), "held") != 0)
        TRY(view_paragraph(page, 0, VIEW_PLAIN, "Its next look is in %s.", view_duration(look - now).text));
    double expected = view_real(answer, "expected");
    if (!isfinite(expected))
        return NULL;
    return view_paragraph(page, 0, VIEW_PLAIN, "A change is expected at %s, in %s.", view_time(expected, now).text,
                          view_duration(expected - now).text);
}
