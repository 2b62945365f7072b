/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/view/view_top.h"

#include "pool/view/view_status.h"
#include "pool/view/view_table.h"
#include "pool/view/view_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "412/700"; "-" without a reading. */
static ViewWord watts_word(const cJSON *gauges) {
    double watts = view_real(gauges, "watts"), cap = view_real(gauges, "watts_cap");
    ViewWord word = view_number(watts, 0);
    if (isfinite(watts) && isfinite(cap)) {
        strcat(word.text, "/");
        strcat(word.text, view_number(cap, 0).text);
    }
    return word;
}

static Status add_speed(ViewTable *table, const cJSON *speed) {
    double mfu = view_real(speed, "mfu"), wait = view_real(speed, "data_wait");
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(view_real(speed, "images_per_s"), 0).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(100 * mfu, 0).text));
    return view_cell(table, wait >= 0.2 ? VIEW_WARNING : VIEW_PLAIN, "%s", view_number(100 * wait, 0).text);
}

static Status add_warnings(ViewTable *table, const cJSON *gpu) {
    const cJSON *warning;
    cJSON_ArrayForEach(warning, view_list(gpu, "warnings"))
        TRY(view_note(table, VIEW_WARNING, "gpu %s %s", view_number(view_real(gpu, "gpu"), 0).text,
                      cJSON_IsString(warning) ? warning->valuestring : ""));
    return NULL;
}

static Status add_top_gpu(ViewTable *table, const cJSON *gpu) {
    const cJSON *gauges = cJSON_GetObjectItemCaseSensitive(gpu, "gauges");
    double celsius = view_real(gauges, "celsius"), memory_celsius = view_real(gauges, "memory_celsius");
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(view_real(gpu, "gpu"), 0).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(view_real(gpu, "job"), 0).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(view_real(gauges, "util"), 0).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_memory(gauges).text));
    TRY(view_cell(table, view_heat_style(celsius), "%s", view_number(celsius, 0).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(memory_celsius, 0).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", watts_word(gauges).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_size(view_real(gauges, "pcie_to_gpu")).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_size(view_real(gauges, "pcie_from_gpu")).text));
    TRY(add_speed(table, cJSON_GetObjectItemCaseSensitive(gpu, "speed")));
    return add_warnings(table, gpu);
}

Status view_top(const ViewPage *page, const cJSON *answer) {
    static const ViewColumn columns[] = {{"GPU", true, 0},    {"JOB", true, 0},  {"UTIL", true, 0},
                                         {"MEMORY", true, 0}, {"C", true, 0},    {"MC", true, 0},
                                         {"WATT", true, 0},   {"TO/s", true, 0}, {"FROM/s", true, 0},
                                         {"IMG/s", true, 0},  {"MFU", true, 0},  {"WAIT", true, 0}};
    ViewTable table;
    const cJSON *gpu;
    const bool gauges = !view_known(answer, "no_gauges");
    if (!gauges)
        TRY(view_paragraph(page, 0, VIEW_WARNING, "no gauges: %s", view_text(answer, "no_gauges")));
    view_table_open(&table, columns, sizeof columns / sizeof *columns);
    Status status = NULL;
    cJSON_ArrayForEach(gpu, view_list(answer, "gpus")) {
        if (!status && (gauges || view_known(gpu, "speed")))
            status = add_top_gpu(&table, gpu);
    }
    if (!status)
        status = view_table_print(&table, page);
    if (!status && table.cell_count)
        status = view_paragraph(page, 0, VIEW_FAINT,
                                "C: temperature, MC: of the memory, of the VRM: n/a. TO/s, FROM/s: over PCIe. MFU: "
                                "%% of the peak. WAIT: %% of the time for data.");
    view_table_close(&table);
    return status;
}

static Status print_ghost(const ViewPage *page, const cJSON *ghost) {
    return view_paragraph(page, 0, VIEW_BAD, "gpu %s: %s of memory in use, %s: %s",
                          view_number(view_real(ghost, "gpu"), 0).text, view_size(view_real(ghost, "memory")).text,
                          view_text(ghost, "state"), view_text(ghost, "reason"));
}

static Status add_node(ViewTable *table, const ViewPage *page, const cJSON *node) {
    double job = view_real(node, "job");
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_text(node, "path")));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_number(view_real(node, "pid"), 0).text));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_text(node, "user")));
    TRY(view_cell(table, VIEW_PLAIN, "%s", view_duration(page->now - view_real(node, "since")).text));
    TRY(view_cell(table, isfinite(job) ? VIEW_PLAIN : VIEW_WARNING, "%s", view_number(job, 0).text));
    return view_cell(table, VIEW_PLAIN, "%s", view_text(node, "command"));
}

Status view_ghosts(const ViewPage *page, const cJSON *answer) {
    static const ViewColumn columns[] = {{"DEVICE", false, 8}, {"PID", true, 0}, {"USER", false, 4},
                                         {"FOR", true, 0},     {"JOB", true, 0}, {"COMMAND", false, 12}};
    const cJSON *ghosts = view_list(answer, "ghosts"), *nodes = view_list(answer, "nodes"), *item;
    cJSON_ArrayForEach(item, ghosts) TRY(print_ghost(page, item));
    if (!cJSON_GetArraySize(ghosts))
        TRY(view_paragraph(page, 0, VIEW_PLAIN, "no memory without a process"));
    double hidden = view_real(answer, "hidden");
    if (hidden > 0)
        TRY(view_paragraph(page, 0, VIEW_WARNING, "%s processes of others cannot be looked at without root.",
                           view_number(hidden, 0).text));
    if (!cJSON_GetArraySize(nodes))
        return view_paragraph(page, 0, VIEW_PLAIN, "no process has a GPU's device open");
    ViewTable table;
    view_table_open(&table, columns, sizeof columns / sizeof *columns);
    Status status = NULL;
    cJSON_ArrayForEach(item, nodes) {
        if (!status)
            status = add_node(&table, page, item);
    }
    if (!status)
        status = view_table_print(&table, page);
    view_table_close(&table);
    return status;
}

/* A share of the loan as a bar, per cent and GPU-hours. */
static void print_bar(const ViewPage *page, const char *name, double seconds, double total, ViewStyle style) {
    enum { WORDS = 35, MOST = 60 };
    int width = page->columns - WORDS < MOST ? page->columns - WORDS : MOST;
    double share = total > 0 ? seconds / total : NAN;
    int full = isfinite(share) ? (int)fmin(width, fmax(0, round(share * width))) : 0;
    fprintf(page->out, "%s  ", name);
    view_style(page, style);
    for (int i = 0; i < full; i++)
        fputc('#', page->out);
    view_style(page, VIEW_PLAIN);
    for (int i = full; i < width; i++)
        fputc('.', page->out);
    fprintf(page->out, " %5s%%  %9s\n", view_number(100 * share, 1).text, view_number(seconds / 3600, 1).text);
}

static Status print_late(const ViewPage *page, const cJSON *answer) {
    const cJSON *late = view_list(answer, "late");
    char *text;
    if (!cJSON_GetArraySize(late))
        return NULL;
    TRY(view_numbers(late, ", ", &text));
    Status status = view_paragraph(page, 0, VIEW_BAD, "Jobs that wait and cannot end before the loan does: %s.", text);
    free(text);
    return status;
}

Status view_clock(const ViewPage *page, const cJSON *answer) {
    double total = view_real(answer, "total_s"), left = view_real(answer, "left_s");
    double dry = view_real(answer, "dry_in_s");
    const bool loan = isfinite(left);
    if (loan)
        TRY(view_paragraph(page, 0, VIEW_TITLE, "loan %.10s to %.10s: %s GPU-hours",
                           view_time(view_real(answer, "from"), 0).text, view_time(view_real(answer, "to") - 1, 0).text,
                           view_number(total / 3600, 1).text));
    else
        TRY(view_paragraph(page, 0, VIEW_PLAIN, "The rule gives no loan: GPU-hours since the ledger began."));
    print_bar(page, "at work", view_real(answer, "busy_s"), total, VIEW_GOOD);
    print_bar(page, "held   ", view_real(answer, "held_s"), total, VIEW_WARNING);
    print_bar(page, "idle   ", view_real(answer, "idle_s"), total, VIEW_BAD);
    if (loan)
        print_bar(page, "left   ", left, total, VIEW_FAINT);
    if (dry > 0)
        TRY(view_paragraph(page, 0, VIEW_PLAIN, "The waiting list runs dry in %s.", view_duration(dry).text));
    else if (isfinite(dry))
        TRY(view_paragraph(page, 0, VIEW_WARNING, "The waiting list is empty."));
    return print_late(page, answer);
}
