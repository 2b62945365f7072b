/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/outcome/sweep_table.h"

#include "base/text.h"
#include "pool/view/view_table.h"
#include "pool/view/view_words.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* So many columns of at least four characters fit into 80 beside the others; with seeds there are two more of those. */
enum { MAX_PARAMS = 5, MAX_PARAMS_WITH_SEEDS = 3, MAX_COLUMNS = 16 };

typedef struct {
    ViewColumn columns[MAX_COLUMNS];
    int count;
    int params[MAX_PARAMS]; /* numbers of the parameters that differ */
    int param_count;
    bool seeds;
    bool more; /* others differ, too: they are below the row */
} Layout;

static const char *name_state(const Outcome *outcome) {
    return outcome->state == JOB_WAITING && !outcome->job ? "not queued" : job_state_name(outcome->state);
}

static ViewStyle style_state(const Outcome *outcome) {
    static const ViewStyle styles[JOB_STATES] = {
        [JOB_DONE] = VIEW_GOOD,     [JOB_FAILED] = VIEW_BAD,       [JOB_CANCELLED] = VIEW_BAD,
        [JOB_RUNNING] = VIEW_PLAIN, [JOB_STOPPING] = VIEW_WARNING, [JOB_WAITING] = VIEW_FAINT,
        [JOB_HELD] = VIEW_WARNING};
    return styles[outcome->state];
}

static void add_column(Layout *layout, const char *title, bool right, int least) {
    layout->columns[layout->count++] = (ViewColumn){.title = title, .right = right, .least = least};
}

/* Trials of one sweep have the same keys in the same order. */
static bool differs(const Sweep *sweep, int param) {
    for (int64_t i = 1; i < sweep->count; i++)
        if (strcmp(sweep->trials[i].params[param].value, sweep->trials[0].params[param].value) != 0)
            return true;
    return false;
}

static void lay_out(const Sweep *sweep, Layout *layout) {
    *layout = (Layout){0};
    add_column(layout, "TRIAL", false, 0);
    for (int64_t i = 1; i < sweep->count; i++)
        layout->seeds |= sweep->trials[i].seed != sweep->trials[0].seed;
    const int count = sweep->count ? sweep->trials[0].param_count : 0;
    for (int i = 0; i < count; i++) {
        if (!differs(sweep, i))
            continue;
        if (layout->param_count == (layout->seeds ? MAX_PARAMS_WITH_SEEDS : MAX_PARAMS)) {
            layout->more = true;
            break;
        }
        const char *dot = strrchr(sweep->trials[0].params[i].key, '.');
        add_column(layout, dot ? dot + 1 : sweep->trials[0].params[i].key, true, 4);
        layout->params[layout->param_count++] = i;
    }
    if (layout->seeds)
        add_column(layout, "SEED", true, 0);
    add_column(layout, "SCORE", true, 0);
    if (layout->seeds)
        add_column(layout, "MEAN", true, 0);
    add_column(layout, "STEP", true, 0);
    add_column(layout, "TIME", true, 0);
    add_column(layout, "GPU", true, 0);
    add_column(layout, "STATE", false, 0);
}

static Status add_score(ViewTable *table, ViewStyle style, double score) {
    return isfinite(score) ? view_cell(table, style, "%.5g", score) : view_cell(table, style, "-");
}

static Status add_count(ViewTable *table, int64_t count) {
    return count >= 0 ? view_cell(table, VIEW_PLAIN, "%" PRId64, count) : view_cell(table, VIEW_PLAIN, "-");
}

static Status add_row(ViewTable *table, const Layout *layout, const Sweep *sweep, const Outcome *outcomes,
                      int64_t number, bool best) {
    const Trial *trial = &sweep->trials[number];
    const Outcome *outcome = &outcomes[number];
    const ViewStyle style = best ? VIEW_TITLE : VIEW_PLAIN;
    double deviation;
    TRY(view_cell(table, style, "%s", trial->id));
    for (int i = 0; i < layout->param_count; i++)
        TRY(view_cell(table, style, "%s", trial->params[layout->params[i]].value));
    if (layout->seeds)
        TRY(add_count(table, trial->seed));
    TRY(add_score(table, style, outcome->score));
    if (layout->seeds)
        TRY(add_score(table, VIEW_PLAIN, outcome_mean(sweep, outcomes, trial->set, &deviation)));
    TRY(add_count(table, outcome->step));
    TRY(isfinite(outcome->seconds) ? view_cell(table, VIEW_PLAIN, "%s", view_duration(outcome->seconds).text)
                                   : view_cell(table, VIEW_PLAIN, "-"));
    TRY(add_count(table, outcome->gpu));
    TRY(view_cell(table, style_state(outcome), "%s", name_state(outcome)));
    if (layout->more) {
        char *text;
        TRY(trial_describe(trial, &text));
        Status status = view_note(table, VIEW_FAINT, "%s", text);
        free(text);
        TRY(status);
    }
    if (!*outcome->reason || (outcome->live && outcome->state == JOB_RUNNING))
        return NULL;
    return view_note(table, outcome->state == JOB_FAILED ? VIEW_BAD : VIEW_FAINT, "%s", outcome->reason);
}

static Status print_counts(const Sweep *sweep, const Outcome *outcomes, const ViewPage *page) {
    int64_t counts[JOB_STATES] = {0};
    char *text;
    size_t size;
    for (int64_t i = 0; i < sweep->count; i++)
        counts[outcomes[i].state]++;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return status_no_memory("a line", 256);
    fprintf(out, "sweep %s: %" PRId64 " trials", sweep->name, sweep->count);
    for (int i = 0; i < JOB_STATES; i++)
        if (counts[i])
            fprintf(out, ", %" PRId64 " %s", counts[i], job_state_name((JobState)i));
    fprintf(out, "; the %s %s is the best", sweep->max ? "largest" : "smallest", sweep->metric);
    if (fclose(out) != 0)
        return status_no_memory("a line", 256);
    Status status = view_paragraph(page, 0, VIEW_PLAIN, "%s", text);
    free(text);
    return status;
}

static Status add_rows(ViewTable *table, const Layout *layout, const Sweep *sweep, const Outcome *outcomes,
                       const int64_t *order, int64_t rows) {
    for (int64_t i = 0; i < rows; i++)
        TRY(add_row(table, layout, sweep, outcomes, order[i], i == 0 && isfinite(outcomes[order[i]].score)));
    return NULL;
}

Status sweep_table_print(const Sweep *sweep, const Outcome *outcomes, int64_t rows, const ViewPage *page) {
    Layout layout;
    ViewTable table;
    int64_t *order = calloc((size_t)sweep->count + 1, sizeof *order);
    if (!order)
        return status_no_memory("the trials", (size_t)sweep->count * sizeof *order);
    const int64_t shown = rows && rows < sweep->count ? rows : sweep->count;
    lay_out(sweep, &layout);
    outcome_order(sweep, outcomes, order);
    view_table_open(&table, layout.columns, layout.count);
    Status status = print_counts(sweep, outcomes, page);
    if (!status)
        status = add_rows(&table, &layout, sweep, outcomes, order, shown);
    if (!status)
        status = view_table_print(&table, page);
    if (!status && shown < sweep->count)
        status = view_paragraph(page, 0, VIEW_FAINT, "and %" PRId64 " more", sweep->count - shown);
    view_table_close(&table);
    free(order);
    return status;
}

/* A number where the text is one. */
static void write_value(Json *json, const TrialParam *param) {
    char *end;
    const double value = strtod(param->value, &end);
    if (*end || end == param->value || !isfinite(value))
        json_string(json, param->key, param->value);
    else if (value == floor(value) && fabs(value) < 0x1p53)
        json_integer(json, param->key, (int64_t)value);
    else
        json_double(json, param->key, value);
}

static void write_known(Json *json, const char *key, int64_t number, bool known) {
    if (known)
        json_integer(json, key, number);
    else
        json_null(json, key);
}

static void write_trial(Json *json, const Sweep *sweep, const Outcome *outcomes, int64_t number) {
    const Trial *trial = &sweep->trials[number];
    const Outcome *outcome = &outcomes[number];
    double deviation;
    const double mean = outcome_mean(sweep, outcomes, trial->set, &deviation);
    json_object(json, NULL, JSON_LINE);
    json_string(json, "id", trial->id);
    json_object(json, "params", JSON_LINE);
    for (int i = 0; i < trial->param_count; i++)
        write_value(json, &trial->params[i]);
    json_end(json);
    json_integer(json, "seed", trial->seed);
    json_string(json, "state", job_state_name(outcome->state));
    json_double(json, "score", outcome->score);
    json_double(json, "mean", mean);
    json_double(json, "deviation", deviation);
    write_known(json, "step", outcome->step, outcome->step >= 0);
    json_real(json, "seconds", outcome->seconds);
    write_known(json, "gpu", outcome->gpu, outcome->gpu >= 0);
    json_string(json, "run_dir", trial->same_as < 0 ? trial->run_dir : sweep->trials[trial->same_as].run_dir);
    write_known(json, "job", outcome->job, outcome->job > 0);
    if (*outcome->reason)
        json_string(json, "reason", outcome->reason);
    else
        json_null(json, "reason");
    json_string(json, "identity", trial->identity);
    json_end(json);
}

void sweep_table_json(const Sweep *sweep, const Outcome *outcomes, Json *json) {
    int64_t *order = calloc((size_t)sweep->count + 1, sizeof *order);
    if (order)
        outcome_order(sweep, outcomes, order);
    json_object(json, NULL, JSON_INDENT);
    json_string(json, "name", sweep->name);
    json_string(json, "metric", sweep->metric);
    json_string(json, "direction", sweep->max ? "max" : "min");
    json_string(json, "base", sweep->base);
    json_array(json, "trials", JSON_INDENT);
    for (int64_t i = 0; i < sweep->count; i++)
        write_trial(json, sweep, outcomes, order ? order[i] : i);
    json_end(json);
    json_end(json);
    json_newline(json);
    free(order);
}

Status sweep_table_line(const Sweep *sweep, const Outcome *outcomes, int64_t trial, char **line) {
    const Outcome *outcome = &outcomes[trial];
    char place[64] = "", score[64] = "";
    if (outcome->live && outcome->gpu >= 0 && outcome->state == JOB_RUNNING)
        snprintf(place, sizeof place, " on GPU %d", outcome->gpu);
    if (outcome->state == JOB_DONE && isfinite(outcome->score))
        snprintf(score, sizeof score, ": %.5g", outcome->score);
    char *text;
    TRY(text_format(&text, "%s  %s%s%s%s%s", sweep->trials[trial].id, name_state(outcome), place, score,
                    *outcome->reason ? ": " : "", outcome->reason));
    Status status = view_safe(text, line); /* a reason is a text of another program */
    free(text);
    return status;
}
