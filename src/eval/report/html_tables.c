/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report/html_tables.h"

#include "eval/draw/markup.h"
#include "eval/draw/svg_forest.h"
#include "eval/draw/words.h"

#include <math.h>
#include <string.h>

enum { MOST_CLASSES = 12, MOST_CONFUSIONS = 12 }; /* beyond that a matrix, or another one, is not readable */

static void put_element(FILE *out, const char *tag, const char *text) {
    fprintf(out, "<%s>", tag);
    markup_html(out, text);
    fprintf(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

static void put_reason(FILE *out, const char *reason) {
    if (reason)
        put_element(out, "small class=\"reason\"", reason);
}

/* A figure with its interval as text and as a bar. */
static void put_bar(FILE *out, const Forest *forest, double value, const Interval *interval, const char *reason) {
    fprintf(out, "<td><span class=\"nowrap\">%s</span>", words_value(value, interval).text);
    if (!isnan(value))
        draw_forest_bar(out, forest, value, interval);
    put_reason(out, reason);
    fputs("</td>", out);
}

static void put_axis(FILE *out, const Forest *forest) {
    fputs("<td>", out);
    draw_forest_axis(out, forest);
    fputs("</td>", out);
}

/* --- Checkpoints --- */

typedef struct {
    Forest score, difference;
    bool compared, controlled, seeds;
} Columns;

static const Estimate *main_of(const ScoreLevel *level) {
    return level->count ? &level->list[level->main] : NULL;
}

static Columns find_columns(const Evaluation *ev) {
    Columns c = {.score = forest_open(ev->metric.chance), .difference = forest_open(0)};
    for (int i = 0; i < ev->count; i++) {
        const Evaluated *checkpoint = &ev->list[i];
        const Estimate *person = main_of(&checkpoint->scores.person), *image = main_of(&checkpoint->scores.image);
        forest_add(&c.score, image->value, &image->interval);
        if (person)
            forest_add(&c.score, person->value, &person->interval);
        if (checkpoint->other)
            forest_add(&c.difference, checkpoint->other->difference, &checkpoint->other->interval);
        c.compared |= checkpoint->other != NULL;
        c.controlled |= checkpoint->controlled;
        c.seeds |= checkpoint->seed_count > 1;
    }
    forest_close(&c.score);
    forest_close(&c.difference);
    return c;
}

static void put_name(const Evaluated *checkpoint, FILE *out) {
    fputs("<th scope=\"row\" class=\"path\">", out);
    markup_html(out, checkpoint->name);
    fputs("<small>", out);
    markup_html(out, checkpoint->adapted);
    if (checkpoint->step >= 0)
        fprintf(out, "; step %s", words_count(checkpoint->step).text);
    if (!isnan(checkpoint->share))
        fprintf(out, "; %s of the training", words_percent(checkpoint->share).text);
    fputs("</small></th>", out);
}

static void put_difference(const Evaluation *ev, const Columns *c, int number, FILE *out) {
    const Comparison *other = ev->list[number].other;
    if (!other) {
        fprintf(out, "<td>%s</td><td></td>", number == evaluation_reference(ev) ? "the baseline" : "n/a");
        return;
    }
    put_bar(out, &c->difference, other->difference, &other->interval, other->reason);
    fprintf(out, "<td class=\"nowrap\">");
    markup_html(out, words_p(other->adjusted).text);
    fputs("</td>", out);
}

static void put_seeds(const Evaluated *checkpoint, FILE *out) {
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < checkpoint->seed_count; i++) {
        low = fmin(low, checkpoint->seed_scores[i]);
        high = fmax(high, checkpoint->seed_scores[i]);
    }
    if (checkpoint->seed_count > 1)
        fprintf(out, "<td class=\"nowrap\">%s to %s<small class=\"reason\">%d seeds</small></td>",
                words_number(low).text, words_number(high).text, checkpoint->seed_count);
    else
        fputs("<td></td>", out);
}

static void put_verdict(const Evaluated *checkpoint, FILE *out) {
    const char *name = checkpoint->controlled ? verdict_name(checkpoint->control.verdict) : NULL;
    if (name)
        fprintf(out, "<td><span class=\"verdict %s\">%s</span></td>", name, name);
    else
        fputs("<td>not run</td>", out);
}

static void put_checkpoint(const Evaluation *ev, const Columns *c, int number, FILE *out) {
    const Evaluated *checkpoint = &ev->list[number];
    const Estimate *person = main_of(&checkpoint->scores.person), *image = main_of(&checkpoint->scores.image);
    fputs("<tr>", out);
    put_name(checkpoint, out);
    put_bar(out, &c->score, image->value, &image->interval, image->reason);
    if (person) {
        put_bar(out, &c->score, person->value, &person->interval, person->reason);
    } else {
        fputs("<td>n/a", out);
        put_reason(out, checkpoint->scores.person.reason);
        fputs("</td>", out);
    }
    if (c->compared)
        put_difference(ev, c, number, out);
    if (c->controlled)
        put_verdict(checkpoint, out);
    if (c->seeds)
        put_seeds(checkpoint, out);
    fputs("</tr>\n", out);
}

void html_checkpoints(const Evaluation *ev, FILE *out) {
    const Columns c = find_columns(ev);
    fputs("<div class=\"wide\"><table>\n<thead><tr><th>Checkpoint</th><th>", out);
    markup_html(out, words_title(ev->metric.name));
    fputs(", by image</th><th>By person</th>", out);
    if (c.compared)
        fputs("<th>Difference from the baseline</th><th>p</th>", out);
    if (c.controlled)
        fputs("<th>Leakage control</th>", out);
    if (c.seeds)
        fputs("<th>Seeds</th>", out);
    fputs("</tr></thead>\n<tfoot><tr><td></td>", out);
    put_axis(out, &c.score);
    put_axis(out, &c.score);
    if (c.compared) {
        put_axis(out, &c.difference);
        fputs("<td></td>", out);
    }
    for (int i = c.controlled + c.seeds; i > 0; i--)
        fputs("<td></td>", out);
    fputs("</tr></tfoot>\n<tbody>\n", out);
    for (int i = 0; i < ev->count; i++)
        put_checkpoint(ev, &c, i, out);
    fputs("</tbody></table></div>\n", out);
}

/* --- Data --- */

void html_splits(const Evaluation *ev, const Split splits[SPLITS], FILE *out) {
    const bool numbers = ev->rows->kind == EVAL_REGRESSION;
    const int classes = splits[0].class_count < MOST_CLASSES ? splits[0].class_count : MOST_CLASSES;
    fputs(
        "<div class=\"wide\"><table>\n<thead><tr><th>Split</th><th class=\"n\">Images</th><th class=\"n\">People</th>",
        out);
    for (int c = 0; c < classes; c++) {
        fputs("<th class=\"n\">", out);
        if (ev->rows->kind == EVAL_BINARY)
            fputs(c ? "Positive" : "Negative", out);
        else
            markup_html(out, words_part(ev->rows, ev->cohort->label_names, c).text);
        fputs("</th>", out);
    }
    fputs(numbers ? "<th class=\"n\">Mean (standard deviation)</th></tr></thead>\n<tbody>\n"
                  : "</tr></thead>\n<tbody>\n",
          out);
    for (int i = 0; i < SPLITS; i++) {
        fprintf(out, "<tr><th scope=\"row\">%s</th><td class=\"n\">%s</td><td class=\"n\">%s</td>",
                split_name((ProbeSplit)i), words_count(splits[i].images).text, words_count(splits[i].people).text);
        for (int c = 0; c < classes; c++)
            fprintf(out, "<td class=\"n\">%s</td>", words_count(splits[i].classes[c]).text);
        if (numbers)
            fprintf(out, "<td class=\"n\">%s (%s)</td>", words_number(splits[i].mean).text,
                    words_number(splits[i].deviation).text);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void put_hash(FILE *out, const char *what, const char *of, const char *hash) {
    fputs("<tr>", out);
    put_element(out, "th scope=\"row\"", what);
    put_element(out, "td class=\"path\"", of);
    fputs("<td>", out);
    put_element(out, "code", hash);
    fputs("</td></tr>\n", out);
}

static void put_cohort(const Cohort *cohort, FILE *out) {
    char hex[24];
    for (int i = 0; i < cohort->records.part_count; i++) {
        const Pack *pack = &cohort->records.parts[i].pack;
        snprintf(hex, sizeof hex, "%016llx", (unsigned long long)pack->hash);
        put_hash(out, "Images of the pack", pack->info.dataset, hex);
        snprintf(hex, sizeof hex, "%016llx", (unsigned long long)pack->split_hash);
        put_hash(out, "Its split", pack->info.dataset, hex);
    }
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)cohort->label_hash);
    put_hash(out, "Labels", cohort->label_names[0], hex);
}

void html_hashes(const Evaluation *ev, FILE *out) {
    char hex[2 * DIGEST_SHA256 + 1];
    fputs("<div class=\"wide\"><table>\n<thead><tr><th>What</th><th>Of</th><th>Hash</th></tr></thead>\n<tbody>\n", out);
    put_hash(out, "Task", ev->task_path, ev->task_hash);
    put_cohort(ev->cohort, out);
    if (ev->external)
        put_cohort(ev->external, out);
    for (int i = 0; i < ev->count; i++) {
        digest_to_hex(ev->list[i].encoder.sha256, DIGEST_SHA256, hex);
        put_hash(out, "Weights (SHA-256)", ev->list[i].name, hex);
    }
    fputs("</tbody></table></div>\n", out);
}

/* --- The checkpoint in full --- */

static void put_figure(const Evaluation *ev, int number, FILE *out) {
    const ScoreLevel *image = &evaluation_shown(ev)->scores.image, *person = &evaluation_shown(ev)->scores.person;
    const Estimate *e = &image->list[number], *other = person->count ? &person->list[number] : NULL;
    const char *reason = e->reason ? e->reason : other ? other->reason : NULL;
    fputs("<tr>", out);
    put_element(out, "th scope=\"row\" class=\"path\"", words_figure(e, ev->rows, ev->cohort->label_names).text);
    fprintf(out, "<td class=\"nowrap\">%s</td>", words_value(e->value, &e->interval).text);
    fprintf(out, "<td class=\"nowrap\">%s</td>", other ? words_value(other->value, &other->interval).text : "n/a");
    put_element(out, "td class=\"note\"", reason ? reason : "");
    fputs("</tr>\n", out);
}

static bool is_of_threshold(const Estimate *e) {
    return strstr(e->name, "youden") != NULL || strstr(e->name, "spec90") != NULL;
}

/* Those of val's thresholds, or the others. */
static void put_figures(const Evaluation *ev, bool thresholds, FILE *out) {
    const ScoreLevel *image = &evaluation_shown(ev)->scores.image;
    fputs("<div class=\"wide\"><table>\n<thead><tr><th>Figure</th><th>By image</th><th>By "
          "person</th><th>Note</th></tr></thead>\n<tbody>\n",
          out);
    for (int i = 0; i < image->count; i++)
        if (is_of_threshold(&image->list[i]) == thresholds)
            put_figure(ev, i, out);
    fputs("</tbody></table></div>\n", out);
}

void html_thresholds(const Evaluation *ev, FILE *out) {
    const ScoreLevel *image = &evaluation_shown(ev)->scores.image;
    bool any = false;
    for (int i = 0; i < image->count; i++)
        any |= is_of_threshold(&image->list[i]);
    if (!any)
        return;
    fputs("<h2>Thresholds chosen on val</h2>\n<p class=\"soft\">A prediction is positive from the threshold "
          "on.</p>\n",
          out);
    put_figures(ev, true, out);
}

void html_figures(const Evaluation *ev, FILE *out) {
    fputs("<h2>Figures</h2>\n", out);
    put_figures(ev, false, out);
}

void html_subgroups(const Evaluation *ev, FILE *out) {
    const Scores *scores = &evaluation_shown(ev)->scores;
    const Estimate *main = main_of(&scores->image);
    Forest forest = forest_open(main->value);
    if (!scores->subgroup_count)
        return;
    for (int i = 0; i < scores->subgroup_count; i++)
        forest_add(&forest, scores->subgroups[i].estimate.value, &scores->subgroups[i].estimate.interval);
    forest_close(&forest);
    fputs("<h2>Subgroups</h2>\n<p class=\"soft\">", out);
    markup_html(out, words_title(ev->metric.name));
    fprintf(out,
            " by image; the dotted line is that of all test images, %s. With fewer than %d people in a class there is "
            "none.</p>\n<div class=\"wide\"><table>\n<thead><tr><th>Column</th><th>Subgroup</th><th>Score</th><th "
            "class=\"n\">People</th><th class=\"n\">Images</th></tr></thead>\n<tfoot><tr><td></td><td></td>",
            words_number(main->value).text, SUBGROUP_LEAST);
    put_axis(out, &forest);
    fputs("<td></td><td></td></tr></tfoot>\n<tbody>\n", out);
    for (int i = 0; i < scores->subgroup_count; i++) {
        const Subgroup *s = &scores->subgroups[i];
        fputs("<tr>", out);
        put_element(out, "th scope=\"row\" class=\"path\"", s->column);
        put_element(out, "td class=\"path\"", s->category);
        put_bar(out, &forest, s->estimate.value, &s->estimate.interval, s->estimate.reason);
        fprintf(out, "<td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n", words_count(s->estimate.people).text,
                words_count(s->estimate.images).text);
    }
    fputs("</tbody></table></div>\n", out);
}

/* --- Confusion matrices --- */

static void put_cells(const Evaluation *ev, const Confusion *c, int label, FILE *out) {
    const char *const calls[] = {"negative", "positive"};
    const int64_t *counts = c->counts + label * c->classes;
    int64_t sum = 0;
    for (int k = 0; k < c->classes; k++)
        sum += counts[k];
    const bool yes_no = ev->rows->kind == EVAL_BINARY || ev->rows->kind == EVAL_MULTILABEL;
    fputs("<tr><th scope=\"row\">", out);
    if (yes_no)
        fputs(calls[label], out);
    else
        fprintf(out, "class %d", label);
    fputs("</th>", out);
    for (int k = 0; k < c->classes; k++) {
        const double share = sum ? (double)counts[k] / (double)sum : 0;
        fprintf(out, "<td class=\"q%d\">%s<small>%s</small></td>", (int)ceil(share * 4), words_count(counts[k]).text,
                words_percent(sum ? share : NAN).text);
    }
    fputs("</tr>\n", out);
}

static void put_confusion(const Evaluation *ev, const Confusion *c, FILE *out) {
    const bool yes_no = ev->rows->kind == EVAL_BINARY || ev->rows->kind == EVAL_MULTILABEL;
    fputs("<figure><figcaption>", out);
    if (c->part >= 0)
        markup_html(out, words_part(ev->rows, ev->cohort->label_names, c->part).text);
    fprintf(out, "%s<span>called by: ", c->part >= 0 ? " " : "Test images");
    markup_html(out, strcmp(c->rule, "most probable") ? strchr(c->rule, '_') ? words_title(c->rule) : c->rule
                                                      : "the most probable class");
    fputs("</span></figcaption>\n<div class=\"wide\"><table class=\"confusion\">\n<thead><tr><th>Label \\ Call</th>",
          out);
    for (int k = 0; k < c->classes; k++)
        if (yes_no)
            fprintf(out, "<th>%s</th>", k ? "positive" : "negative");
        else
            fprintf(out, "<th>class %d</th>", k);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (int label = 0; label < c->classes; label++)
        put_cells(ev, c, label, out);
    fputs("</tbody></table></div></figure>\n", out);
}

void html_confusions(const Evaluation *ev, FILE *out) {
    const Scores *scores = &evaluation_shown(ev)->scores;
    if (!scores->confusion_count)
        return;
    fputs("<h2>Confusion</h2>\n<p class=\"soft\">Images by label and by call; percent of the label's images.</p>\n",
          out);
    if (scores->confusions[0].classes > MOST_CLASSES) {
        fputs("<p>There are more classes than fit here: the matrix is in report.json.</p>\n", out);
        return;
    }
    fputs("<div class=\"charts\">\n", out);
    for (int i = 0; i < scores->confusion_count && i < MOST_CONFUSIONS; i++)
        put_confusion(ev, &scores->confusions[i], out);
    fputs("</div>\n", out);
    if (scores->confusion_count > MOST_CONFUSIONS)
        fputs("<p>The matrices of further labels are in report.json.</p>\n", out);
}
