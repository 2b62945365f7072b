/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sim/sim_drawing.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Columns of a row: lane and number, the stretches, percent at work. */
enum { LABEL = 16, CELLS = 58, REASONS = 64 };

typedef struct {
    char reason[POOL_REASON];
    double seconds;
} IdleReason;

typedef struct {
    const Rule *rule;
    double start, end;
    double longest[POOL_GPUS][CELLS]; /* seconds of the stretch that a cell shows */
    char cells[POOL_GPUS][CELLS + 1];
    IdleReason idle[REASONS]; /* [idle_count] of GPUs in lanes of jobs */
    int idle_count;
} Drawing;

static char mark_of(const LedgerLine *line) {
    static const char jobs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    static const char whats[LEDGER_WHATS] = {'?', 'd', '.', 'f', 'q', 'u'};
    return line->what == LEDGER_HELD ? jobs[(line->job - 1) % (int64_t)(sizeof jobs - 1)] : whats[line->what];
}

static void add_reason(Drawing *drawing, const char *reason, double seconds) {
    int i = 0;
    while (i < drawing->idle_count && strcmp(drawing->idle[i].reason, reason) != 0)
        i++;
    if (i == REASONS)
        return;
    if (i == drawing->idle_count) {
        snprintf(drawing->idle[i].reason, POOL_REASON, "%s", reason);
        drawing->idle_count++;
    }
    drawing->idle[i].seconds += seconds;
}

static Status take_line(void *context, const LedgerLine *line) {
    Drawing *drawing = context;
    const int index = rule_gpu(drawing->rule, line->gpu);
    if (index < 0)
        return NULL;
    const double to = line->to > 0 ? line->to : drawing->end, cell = (drawing->end - drawing->start) / CELLS;
    for (int i = 0; i < CELLS; i++) {
        const double begin = drawing->start + i * cell;
        const double seconds = fmin(to, begin + cell) - fmax(line->from, begin);
        if (seconds > drawing->longest[index][i]) {
            drawing->longest[index][i] = seconds;
            drawing->cells[index][i] = mark_of(line);
        }
    }
    const int lane = drawing->rule->gpus[index].lane;
    if (line->what == LEDGER_IDLE && lane >= 0 && drawing->rule->lanes[lane].kind == LANE_POOL)
        add_reason(drawing, line->reason, to - line->from);
    return NULL;
}

static double percent_at_work(const Drawing *drawing, double work, int gpus) {
    const double all = (drawing->end - drawing->start) * gpus;
    return all > 0 ? 100 * work / all : 0;
}

static void draw_rows(const Drawing *drawing, const Node *node, FILE *out) {
    const Rule *rule = drawing->rule;
    double work = 0;
    int pool_gpus = 0;
    for (int i = 0; i < rule->gpu_count; i++) {
        const int lane = rule->gpus[i].lane;
        fprintf(out, "%-11.11s%3d  %s %3.0f %%\n", lane < 0 ? "(no lane)" : rule->lanes[lane].name,
                rule->gpus[i].number, drawing->cells[i], percent_at_work(drawing, node_work(node, i), 1));
        if (lane >= 0 && rule->lanes[lane].kind == LANE_POOL) {
            work += node_work(node, i);
            pool_gpus++;
        }
    }
    fprintf(out, "%-*s%-*s %3.0f %%\n\n", LABEL, "pool lanes", CELLS, "", percent_at_work(drawing, work, pool_gpus));
}

static int compare_reasons(const void *a, const void *b) {
    const IdleReason *one = a, *other = b;
    return (one->seconds < other->seconds) - (one->seconds > other->seconds);
}

static void draw_legend(Drawing *drawing, FILE *out) {
    char cell[CLOCK_TEXT], all[CLOCK_TEXT];
    clock_text((drawing->end - drawing->start) / CELLS, cell);
    clock_text(drawing->end - drawing->start, all);
    fprintf(out, "a column is %s of %s; percent: at work, which a hung job is not\n", cell, all);
    fprintf(out, "A-Z, 0-9 jobs 1 to 36, then from A again; . idle; d draining; q quarantined;\n"
                 "f used by others; u no daemon\n");
    qsort(drawing->idle, (size_t)drawing->idle_count, sizeof drawing->idle[0], compare_reasons);
    for (int i = 0; i < drawing->idle_count && i < 5; i++)
        fprintf(out, "idle %8.2f GPU-hours: %.48s\n", drawing->idle[i].seconds / 3600, drawing->idle[i].reason);
}

Status sim_draw(const Node *node, Store *store, double start, FILE *out) {
    Drawing *drawing = calloc(1, sizeof *drawing);
    if (!drawing)
        return status_no_memory("the drawing", sizeof *drawing);
    drawing->rule = &node->script->rule;
    drawing->start = start;
    drawing->end = node->now;
    for (int i = 0; i < POOL_GPUS; i++)
        memset(drawing->cells[i], ' ', CELLS);
    Status status = store_each_ledger(store, take_line, drawing);
    if (!status) {
        draw_rows(drawing, node, out);
        draw_legend(drawing, out);
    }
    free(drawing);
    return status;
}
