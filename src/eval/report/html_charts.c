/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report/html_charts.h"

#include "eval/draw/markup.h"
#include "eval/draw/svg_budget.h"
#include "eval/draw/svg_calibration.h"
#include "eval/draw/svg_null.h"
#include "eval/draw/words.h"

#include <math.h>
#include <stdlib.h>

static void open_chart(FILE *out, const char *title, const char *what) {
    fputs("<figure><figcaption>", out);
    markup_html(out, title);
    fputs("<span>", out);
    markup_html(out, what);
    fputs("</span></figcaption>\n", out);
}

static void close_chart(FILE *out) {
    fputs("</figure>\n", out);
}

/* --- Curves --- */

typedef struct {
    CurveSeries list[PLOT_STYLES];
    Words names[PLOT_STYLES];
    int count;
    bool checkpoints; /* else the parts of that one */
    bool all;         /* there are no more than these */
} SeriesList;

static void add_checkpoint(const Evaluation *ev, int number, SeriesList *s) {
    s->list[s->count] = (CurveSeries){.name = ev->list[number].name,
                                      .part = &ev->list[number].scores.parts[0],
                                      .style = number == ev->baseline ? PLOT_BASELINE : s->count};
    s->count++;
}

/* That which is shown in full, as many others as there is room for, and the baseline. */
static void list_checkpoints(const Evaluation *ev, SeriesList *s) {
    const int shown = (int)(evaluation_shown(ev) - ev->list), room = PLOT_STYLES - (ev->baseline >= 0);
    s->all = ev->count <= PLOT_STYLES;
    add_checkpoint(ev, shown, s);
    for (int i = 0; i < ev->count && s->count < room; i++)
        if (i != shown && i != ev->baseline)
            add_checkpoint(ev, i, s);
    if (ev->baseline >= 0)
        add_checkpoint(ev, ev->baseline, s);
}

static void list_parts(const Evaluation *ev, SeriesList *s) {
    const Scores *scores = &evaluation_shown(ev)->scores;
    s->all = scores->part_count <= PLOT_STYLES;
    for (int i = 0; i < scores->part_count && i < PLOT_STYLES; i++) {
        s->names[i] = words_part(ev->rows, ev->cohort->label_names, scores->parts[i].part);
        s->list[s->count++] = (CurveSeries){.name = s->names[i].text, .part = &scores->parts[i], .style = i};
    }
}

static Words describe(const Evaluation *ev, const SeriesList *s) {
    Words words;
    const Scores *scores = &evaluation_shown(ev)->scores;
    char positive[40] = "";
    if (ev->rows->kind == EVAL_BINARY) {
        const int64_t *counts = scores->confusions[0].counts;
        snprintf(positive, sizeof positive, ", %lld positive", (long long)(counts[2] + counts[3]));
    }
    snprintf(words.text, sizeof words.text, "%.100s%s%s%s",
             words_plural(scores->image.images, "test image", "test images").text, positive,
             s->checkpoints ? "" : ", the checkpoint that is shown in full",
             s->all           ? ""
             : s->checkpoints ? "; further checkpoints are in report.json"
                              : "; further classes or labels are in report.json");
    return words;
}

/* Of more than two checkpoints lines through bins would hide each other. */
static void put_calibration(const SeriesList *s, const char *what, bool numbers, FILE *out) {
    const CurveSeries pair[] = {s->list[0], s->list[s->count - 1]};
    const bool baseline = pair[1].style == PLOT_BASELINE;
    open_chart(out, "Calibration", what);
    draw_calibration(out, s->checkpoints ? pair : s->list, s->checkpoints ? 1 + baseline : s->count, numbers);
    fprintf(out, "<p class=\"soft\">%s The bars are the bins of the first line, with their images.</p>\n",
            numbers ? "A bin is a tenth of the images." : "Larger circles stand for more images.");
    close_chart(out);
}

void html_curves(const Evaluation *ev, FILE *out) {
    const bool numbers = ev->rows->kind == EVAL_REGRESSION;
    SeriesList s = {.checkpoints = numbers || ev->rows->kind == EVAL_BINARY};
    if (s.checkpoints)
        list_checkpoints(ev, &s);
    else
        list_parts(ev, &s);
    bool ranked = false, decided = false;
    for (int i = 0; i < s.count; i++) {
        ranked |= s.list[i].part->roc_count > 0;
        decided |= s.list[i].part->decision_count > 0;
    }
    const Words what = describe(ev, &s);
    fprintf(out, "<h2>%s</h2>\n<div class=\"charts\">\n", numbers ? "Calibration" : "Curves");
    if (ranked) {
        open_chart(out, "ROC", what.text);
        draw_roc(out, s.list, s.count);
        close_chart(out);
        open_chart(out, "Precision and recall", what.text);
        draw_precision(out, s.list, s.count, s.checkpoints);
        close_chart(out);
    }
    put_calibration(&s, what.text, numbers, out);
    if (decided) {
        open_chart(out, "Decision curve", what.text);
        draw_benefit(out, s.list, s.count, s.checkpoints);
        close_chart(out);
    }
    fputs("</div>\n", out);
    if (!ranked && !numbers)
        fputs("<p>There is no ROC: all images are of one class.</p>\n", out);
}

/* --- The budget --- */

static int by_share(const void *a, const void *b) {
    const BudgetPoint *x = a, *y = b;
    return x->share < y->share ? -1 : x->share > y->share;
}

Status html_budget(const Evaluation *ev, FILE *out) {
    BudgetPoint *points = malloc((size_t)ev->count * sizeof *points);
    int count = 0;
    if (!points)
        return status_no_memory("a curve", (size_t)ev->count * sizeof *points);
    for (int i = 0; i < ev->count; i++) {
        const ScoreLevel *image = &ev->list[i].scores.image;
        if (!isnan(ev->list[i].share))
            points[count++] = (BudgetPoint){ev->list[i].share, ev->list[i].step, &image->list[image->main]};
    }
    qsort(points, (size_t)count, sizeof *points, by_share);
    if (count) {
        const ScoreLevel *baseline = ev->baseline >= 0 ? &ev->list[ev->baseline].scores.image : NULL;
        const bool beside = baseline && isnan(ev->list[ev->baseline].share);
        fputs("<h2>Training</h2>\n<div class=\"charts\">\n", out);
        open_chart(out, "Score over training",
                   words_plural(evaluation_shown(ev)->scores.image.images, "test image", "test images").text);
        draw_budget(out, points, count, beside ? &baseline->list[baseline->main] : NULL, words_title(ev->metric.name));
        close_chart(out);
        fputs("</div>\n", out);
    }
    free(points);
    return NULL;
}

/* --- The control --- */

static void put_verdict(const Evaluated *checkpoint, FILE *out) {
    const ControlResult *c = &checkpoint->control;
    const char *verdict = verdict_name(c->verdict);
    fputs("<p><b>", out);
    markup_html(out, checkpoint->name);
    fprintf(out, "</b>: <span class=\"verdict %s\">%s</span> ", verdict, verdict);
    markup_html(out, words_p_is(c->p).text);
    fputs("</p>\n<ul class=\"words\">\n", out);
    for (int64_t i = 0; i < c->reason_count; i++) {
        fputs("<li>", out);
        markup_html(out, c->reasons[i]);
        fputs("</li>\n", out);
    }
    fprintf(out, "<li>Scrambled labels score %s on average, and %s by chance; the true ones %s.</li>\n",
            words_number(c->null_mean).text, words_number(c->null_chance).text, words_number(c->score).text);
    fprintf(out, "<li>Without the images, from metadata and order alone, it is %s (%s to %s).</li>\n",
            words_number(c->metadata).text, words_number(c->metadata_low).text, words_number(c->metadata_high).text);
    fprintf(out, "<li>On two sides of the split: %s, %s as copies.</li>\n</ul>\n",
            words_plural(c->checks.people_shared, "person", "people").text,
            words_plural(c->checks.copies_shared, "photograph", "photographs").text);
}

void html_control(const Evaluation *ev, FILE *out) {
    bool any = false;
    for (int i = 0; i < ev->count; i++)
        any |= ev->list[i].controlled;
    fputs("<h2>Leakage control</h2>\n", out);
    if (!any) {
        fputs("<p>It did not run: nothing is known of leaks.</p>\n", out);
        return;
    }
    fputs("<div class=\"charts\">\n", out);
    for (int i = 0; i < ev->count; i++) {
        const ControlResult *c = &ev->list[i].control;
        if (!ev->list[i].controlled)
            continue;
        fputs("<div>", out);
        put_verdict(&ev->list[i], out);
        open_chart(out, "Scores with scrambled labels", words_plural(c->b, "set of labels", "sets of labels").text);
        draw_null(out, c->null, c->b, c->score, c->null_chance, words_title(ev->metric.name));
        close_chart(out);
        fputs("</div>\n", out);
    }
    fputs("</div>\n", out);
}
