/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/view/view_status.h"

#include "pool/view/view_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ViewStyle view_state_style(const char *state) {
    static const struct {
        const char *state;
        ViewStyle style;
    } styles[] = {{"held", VIEW_GOOD},        {"running", VIEW_GOOD},     {"done", VIEW_GOOD},
                  {"draining", VIEW_WARNING}, {"reserved", VIEW_WARNING}, {"hot", VIEW_WARNING},
                  {"ghost", VIEW_BAD},        {"stopping", VIEW_WARNING}, {"quarantined", VIEW_BAD},
                  {"foreign", VIEW_BAD},      {"unknown", VIEW_BAD},      {"failed", VIEW_BAD},
                  {"cancelled", VIEW_FAINT},  {"waiting", VIEW_PLAIN},    {"free", VIEW_PLAIN}};
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
        if (strcmp(styles[i].state, state) == 0)
            return styles[i].style;
    return VIEW_PLAIN;
}

ViewWord view_memory(const cJSON *gauges) {
    double used = view_real(gauges, "memory_used"), total = view_real(gauges, "memory_total");
    ViewWord word = view_size(used), all = view_size(total);
    if (isfinite(used) && isfinite(total)) {
        strcat(word.text, "/");
        strcat(word.text, all.text);
    }
    return word;
}

ViewStyle view_heat_style(double celsius) {
    return celsius >= 90 ? VIEW_BAD : celsius >= 85 ? VIEW_WARNING : VIEW_PLAIN;
}

/* Whether the row says it all: a reason with a second part says something more ("; then drained by root"). */
static bool is_quiet(const char *state, const char *reason) {
    return strcmp(state, "free") == 0 || (strcmp(state, "held") == 0 && !strchr(reason, ';'));
}

static Status add_gpu(ViewTable *table, const ViewPage *page, const cJSON *gpu) {
    const cJSON *holder = cJSON_GetObjectItemCaseSensitive(gpu, "holder");
    const cJSON *gauges = cJSON_GetObjectItemCaseSensitive(gpu, "gauges");
    const char *state = view_text(gpu, "state"), *reason = view_text(gpu, "reason");
    double since = view_real(cJSON_IsObject(holder) ? holder : gpu, "since");
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(view_real(gpu, "gpu"), 0).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_text(gpu, "lane")));
    TRY(view_cell(table, view_state_style(state), "%s", state));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_text(holder, "user")));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(view_real(holder, "job"), 0).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_duration(page->now - since).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(view_real(gauges, "util"), 0).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_memory(gauges).text));
    double celsius = view_real(gauges, "celsius");
    TRY(view_cell(table, view_heat_style(celsius), "%s", view_number(celsius, 0).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(view_real(gauges, "watts"), 0).text));
    if (!is_quiet(state, reason) && *reason)
        TRY(view_note(table, VIEW_FAINT, "%s", reason));
    return NULL;
}

static Status print_heading(const ViewPage *page, const cJSON *answer) {
    const cJSON *queue = cJSON_GetObjectItemCaseSensitive(answer, "queue");
    double dry = view_real(queue, "dry_in_s");
    const bool waits = view_real(queue, "waiting") > 0 && dry >= 1;
    TRY(view_paragraph(
        page, 0, VIEW_PLAIN, "%s  %s  filler %s  %s running, %s waiting%s%s", view_text(answer, "node"),
        view_time(view_real(answer, "time"), 0).text, strcmp(view_text(answer, "filler"), "off") ? "on" : "off",
        view_number(view_real(queue, "running"), 0).text, view_number(view_real(queue, "waiting"), 0).text,
        waits ? "  dry in " : "", waits ? view_duration(dry).text : ""));
    if (view_known(queue, "paused"))
        TRY(view_paragraph(page, 0, VIEW_BAD, "the waiting list is paused: %s", view_text(queue, "paused")));
    if (view_known(answer, "no_gauges"))
        TRY(view_paragraph(page, 0, VIEW_WARNING, "no gauges: %s", view_text(answer, "no_gauges")));
    return NULL;
}

Status view_status(const ViewPage *page, const cJSON *answer) {
    static const ViewColumn columns[] = {{"GPU", true, 0}, {"LANE", false, 4}, {"STATE", false, 0}, {"USER", false, 4},
                                         {"JOB", true, 0}, {"FOR", true, 0},   {"UTIL", true, 0},   {"MEMORY", true, 0},
                                         {"C", true, 0},   {"W", true, 0}};
    ViewPage then = *page;
    ViewTable table;
    const cJSON *gpu;
    then.now = view_real(answer, "time");
    TRY(print_heading(&then, answer));
    view_table_open(&table, columns, sizeof columns / sizeof *columns);
    Status status = NULL;
    cJSON_ArrayForEach(gpu, view_list(answer, "gpus")) {
        if (!status)
            status = add_gpu(&table, &then, gpu);
    }
    if (!status)
        status = view_table_print(&table, page);
    view_table_close(&table);
    return status;
}
