/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report/terminal.h"

#include "base/list.h"
#include "base/text.h"
#include "base/utf8.h"
#include "eval/draw/words.h"
#include "eval/report/splits.h"
#include "eval/report/statements.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 10, NAME_WIDTH = 40 };

/* Cells of lines of equal columns, all to be aligned. The first failure stays. */
typedef struct {
    int columns;
    char **cells;
    int64_t count, capacity;
    Status status;
} Grid;

static void add_cell(Grid *grid, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_cell(Grid *grid, const char *format, ...) {
    va_list arguments;
    if (!grid->status)
        grid->status = list_grow(&grid->cells, grid->count, &grid->capacity, sizeof *grid->cells, "a table");
    if (grid->status)
        return;
    va_start(arguments, format);
    grid->status = text_format_list(&grid->cells[grid->count], "a table", format, arguments);
    va_end(arguments);
    if (!grid->status)
        grid->count++;
}

/* A name may contain anything: what a terminal would obey is printed as "?". */
static void print_plain(const char *text, FILE *out) {
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        const size_t length = utf8_length((const char *)s);
        if (!length || *s < 0x20 || *s == 0x7f)
            fputc('?', out);
        else
            fwrite(s, 1, length, out);
        s += length ? length : 1;
    }
}

/* Characters of a text. */
static int width_of(const char *text) {
    int width = 0;
    for (const char *s = text; *s; width++) {
        const size_t length = utf8_length(s);
        s += length ? length : 1;
    }
    return width;
}

/* Prints the lines and empties the grid. */
static Status print_grid(Grid *grid, FILE *out) {
    int widths[MOST_COLUMNS] = {0};
    for (int64_t i = 0; i < grid->count; i++) {
        const int width = width_of(grid->cells[i]);
        if (width > widths[i % grid->columns])
            widths[i % grid->columns] = width;
    }
    int gap = 0;
    for (int64_t i = 0; i < grid->count && !grid->status; i++) {
        const int column = (int)(i % grid->columns);
        if (*grid->cells[i]) {
            fprintf(out, "%*s", gap, "");
            print_plain(grid->cells[i], out);
            gap = 0;
        }
        gap += widths[column] - width_of(grid->cells[i]) + 2;
        if (column == grid->columns - 1) {
            fputc('\n', out);
            gap = 0;
        }
    }
    for (int64_t i = 0; i < grid->count; i++)
        free(grid->cells[i]);
    free(grid->cells);
    return grid->status;
}

/* A long name keeps its end, which tells checkpoints apart. */
static void add_name(Grid *grid, const char *name) {
    const size_t length = strlen(name);
    if (length <= NAME_WIDTH) {
        add_cell(grid, "%s", name);
        return;
    }
    const char *end = name + length - (NAME_WIDTH - 3);
    while (((unsigned char)*end & 0xC0) == 0x80) /* not within a character */
        end++;
    add_cell(grid, "...%s", end);
}

/* --- The checkpoints --- */

/* Columns that not every evaluation has. */
typedef struct {
    bool share, difference, control, seeds;
    int compared;
} Shown;

static Shown find_columns(const Evaluation *ev) {
    Shown shown = {0};
    for (int i = 0; i < ev->count; i++) {
        shown.share |= !isnan(ev->list[i].share);
        shown.compared += ev->list[i].other != NULL;
        shown.control |= ev->list[i].controlled;
        shown.seeds |= ev->list[i].seed_count > 1;
    }
    shown.difference = shown.compared > 0;
    return shown;
}

static void add_seeds(Grid *grid, const Evaluated *checkpoint) {
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < checkpoint->seed_count; i++) {
        low = fmin(low, checkpoint->seed_scores[i]);
        high = fmax(high, checkpoint->seed_scores[i]);
    }
    if (checkpoint->seed_count > 1)
        add_cell(grid, "%s to %s (%d)", words_number(low).text, words_number(high).text, checkpoint->seed_count);
    else
        add_cell(grid, "-");
}

static void add_checkpoint(Grid *grid, const Evaluation *ev, const Shown *shown, int number) {
    const Evaluated *checkpoint = &ev->list[number];
    const ScoreLevel *image = &checkpoint->scores.image, *person = &checkpoint->scores.person;
    const Estimate *main = &image->list[image->main];
    add_name(grid, checkpoint->name);
    if (shown->share)
        add_cell(grid, "%s", words_percent(checkpoint->share).text);
    add_cell(grid, "%s", words_value(main->value, &main->interval).text);
    if (person->count)
        add_cell(grid, "%s", words_value(person->list[person->main].value, &person->list[person->main].interval).text);
    else
        add_cell(grid, "n/a");
    if (shown->difference && !checkpoint->other) {
        add_cell(grid, number == evaluation_reference(ev) ? "baseline" : "n/a");
        add_cell(grid, "-");
    } else if (shown->difference) {
        add_cell(grid, "%s", words_value(checkpoint->other->difference, &checkpoint->other->interval).text);
        add_cell(grid, "%s", words_p(checkpoint->other->adjusted).text);
    }
    if (shown->control)
        add_cell(grid, "%s", checkpoint->controlled ? verdict_name(checkpoint->control.verdict) : "-");
    if (shown->seeds)
        add_seeds(grid, checkpoint);
    add_cell(grid, "%s", checkpoint->adapted);
}

static Status print_checkpoints(const Evaluation *ev, FILE *out) {
    const Shown shown = find_columns(ev);
    Grid grid = {.columns = 4 + shown.share + 2 * shown.difference + shown.control + shown.seeds};
    add_cell(&grid, "checkpoint");
    if (shown.share)
        add_cell(&grid, "trained");
    add_cell(&grid, "%s", ev->metric.name);
    add_cell(&grid, "by person");
    if (shown.difference) {
        add_cell(&grid, "difference");
        add_cell(&grid, shown.compared > 1 ? "p (Holm)" : "p");
    }
    if (shown.control)
        add_cell(&grid, "control");
    if (shown.seeds)
        add_cell(&grid, "seeds");
    add_cell(&grid, "adapted by");
    for (int i = 0; i < ev->count; i++)
        add_checkpoint(&grid, ev, &shown, i);
    return print_grid(&grid, out);
}

enum { REASONS = 3 }; /* for which a cell may lack something */

static const char *reason_of(const Evaluated *checkpoint, int which) {
    const ScoreLevel *image = &checkpoint->scores.image, *person = &checkpoint->scores.person;
    switch (which) {
    case 0:
        return image->list[image->main].reason;
    case 1:
        return person->count ? person->list[person->main].reason : person->reason;
    default:
        return checkpoint->other ? checkpoint->other->reason : NULL;
    }
}

/* Why cells are what they are: once where all checkpoints have the reason. */
static void print_missing(const Evaluation *ev, int which, const char *cell, FILE *out) {
    const char *first = reason_of(&ev->list[0], which);
    bool equal = first && ev->count > 1;
    for (int i = 1; i < ev->count; i++) {
        const char *reason = reason_of(&ev->list[i], which);
        equal = equal && reason && !strcmp(reason, first);
    }
    for (int i = 0; i < (equal ? 1 : ev->count); i++)
        if (reason_of(&ev->list[i], which)) {
            if (!equal) {
                print_plain(ev->list[i].name, out);
                fputs(": ", out);
            }
            fprintf(out, "%s: %s\n", cell, reason_of(&ev->list[i], which));
        }
}

static void print_reasons(const Evaluation *ev, FILE *out) {
    const char *const cells[REASONS] = {ev->metric.name, "by person", "difference"};
    for (int which = 0; which < REASONS; which++)
        print_missing(ev, which, cells[which], out);
    for (int i = 0; i < ev->count; i++) {
        const Evaluated *checkpoint = &ev->list[i];
        for (int64_t n = 0; checkpoint->controlled && n < checkpoint->control.reason_count; n++) {
            print_plain(checkpoint->name, out);
            fprintf(out, ": %s: ", verdict_name(checkpoint->control.verdict));
            print_plain(checkpoint->control.reasons[n], out);
            fputc('\n', out);
        }
    }
}

/* --- The checkpoint in full --- */

static void add_figure(Grid *grid, const Evaluation *ev, int number) {
    const ScoreLevel *image = &evaluation_shown(ev)->scores.image, *person = &evaluation_shown(ev)->scores.person;
    const Estimate *e = &image->list[number], *other = person->count ? &person->list[number] : NULL;
    char at[32] = "";
    if (!isnan(e->at))
        snprintf(at, sizeof at, " %g", e->at);
    add_cell(grid, "%s%s%s%s", e->name, at, e->part < 0 ? "" : " ",
             e->part < 0 ? "" : words_part(ev->rows, ev->cohort->label_names, e->part).text);
    add_cell(grid, "%s", words_value(e->value, &e->interval).text);
    add_cell(grid, "%s", other ? words_value(other->value, &other->interval).text : "n/a");
    add_cell(grid, "%s", e->reason ? e->reason : other && other->reason ? other->reason : "");
}

static Status print_figures(const Evaluation *ev, FILE *out) {
    Grid grid = {.columns = 4};
    fputs("\n", out);
    print_plain(evaluation_shown(ev)->name, out);
    fputs(":\n", out);
    add_cell(&grid, "figure");
    add_cell(&grid, "by image");
    add_cell(&grid, "by person");
    add_cell(&grid, "%s", "");
    for (int i = 0; i < evaluation_shown(ev)->scores.image.count; i++)
        add_figure(&grid, ev, i);
    return print_grid(&grid, out);
}

static Status print_subgroups(const Evaluation *ev, FILE *out) {
    const Scores *scores = &evaluation_shown(ev)->scores;
    Grid grid = {.columns = 5};
    if (!scores->subgroup_count)
        return NULL;
    fputc('\n', out);
    add_cell(&grid, "subgroup");
    add_cell(&grid, "%s", ev->metric.name);
    add_cell(&grid, "people");
    add_cell(&grid, "images");
    add_cell(&grid, "%s", "");
    for (int i = 0; i < scores->subgroup_count; i++) {
        const Estimate *e = &scores->subgroups[i].estimate;
        add_cell(&grid, "%s: %s", scores->subgroups[i].column, scores->subgroups[i].category);
        add_cell(&grid, "%s", words_value(e->value, &e->interval).text);
        add_cell(&grid, "%s", words_count(e->people).text);
        add_cell(&grid, "%s", words_count(e->images).text);
        add_cell(&grid, "%s", e->reason ? e->reason : "");
    }
    return print_grid(&grid, out);
}

/* --- In words --- */

static Status print_words(const Evaluation *ev, const Split splits[SPLITS], FILE *out) {
    Statements limits;
    fputc('\n', out);
    for (int i = 0; i < SPLITS; i++)
        fprintf(out, "%s%s: %s of %s", i ? "; " : "", split_name((ProbeSplit)i),
                words_plural(splits[i].images, "image", "images").text,
                words_plural(splits[i].people, "person", "people").text);
    fprintf(out, ".\nIntervals are of 95 %%, from %s bootstraps of people, seed %llu.\n",
            words_count(ev->resampling.bootstraps).text, (unsigned long long)ev->resampling.seed);
    for (int i = 0; i < ev->count; i++)
        if (ev->list[i].controlled) {
            print_plain(ev->list[i].name, out);
            fprintf(out, ": p of the control is %s, from %d scrambled sets of labels.\n",
                    words_p(ev->list[i].control.p).text, ev->list[i].control.b);
        }
    Status status = statements_limits(ev, &limits);
    for (int64_t i = 0; i < limits.count && !status; i++) {
        print_plain(limits.list[i], out);
        fputc('\n', out);
    }
    statements_free(&limits);
    return status;
}

Status report_print(const Evaluation *ev, FILE *out) {
    Split splits[SPLITS];
    Status status = splits_count(ev->rows, splits);
    print_plain(ev->task_name, out);
    fprintf(out, ": %s of ", config_choice_name(&task_config, "data.kind", ev->task->data.kind));
    print_plain(ev->task->data.label, out);
    fprintf(out, ", test images %s\n", words_count(splits[PROBE_TEST].images).text);
    if (!status)
        status = print_checkpoints(ev, out);
    if (!status) {
        print_reasons(ev, out);
        status = print_figures(ev, out);
    }
    if (!status)
        status = print_subgroups(ev, out);
    if (!status)
        status = print_words(ev, splits, out);
    splits_free(splits);
    return status;
}
