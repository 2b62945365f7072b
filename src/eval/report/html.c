/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report/html.h"

#include "base/clock.h"
#include "base/text_writer.h"
#include "base/version.h"
#include "eval/draw/markup.h"
#include "eval/draw/words.h"
#include "eval/report/html_charts.h"
#include "eval/report/html_examples.h"
#include "eval/report/html_style.h"
#include "eval/report/html_tables.h"
#include "eval/report/statements.h"

static void put_head(const Evaluation *ev, FILE *out) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta "
          "charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>",
          out);
    markup_html(out, ev->task_name);
    fprintf(out, ": evaluation</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<header>\n<h1>", html_style);
    markup_html(out, ev->task_name);
    fprintf(out, "</h1>\n<p>A %s task: <b>", config_choice_name(&task_config, "data.kind", ev->task->data.kind));
    markup_html(out, ev->task->data.label);
    fputs("</b>", out);
    if (ev->task->data.positive_from != 0)
        fprintf(out, ", positive from %g on", ev->task->data.positive_from);
    fputs(", judged by <b>", out);
    markup_html(out, words_title(ev->metric.name));
    fprintf(out, "</b>, by image; %s is better.</p>\n", ev->metric.sign > 0 ? "higher" : "lower");
    fprintf(out, "<p class=\"soft\">Written %s by fovea %s.</p>\n</header>\n", words_date(clock_date()).text,
            FOVEA_VERSION);
}

static void put_tile(FILE *out, const char *what, const char *value, const char *more) {
    fputs("<div><span>", out);
    markup_html(out, what);
    fputs("</span><b>", out);
    markup_html(out, value);
    fputs("</b><span>", out);
    markup_html(out, more);
    fputs("</span></div>\n", out);
}

/* What there is to know at a glance. */
static void put_tiles(const Evaluation *ev, const Split splits[SPLITS], FILE *out) {
    const Evaluated *shown = evaluation_shown(ev);
    const Estimate *main = &shown->scores.image.list[shown->scores.image.main];
    char text[2 * WORDS_TEXT + 64];
    if (ev->count > 1) {
        fputs("<p>In short, of <b>", out);
        markup_html(out, shown->name);
        fputs("</b>:</p>\n", out);
    }
    fputs("<div class=\"tiles\">\n", out);
    snprintf(text, sizeof text, "95 %% interval %s", words_range(&main->interval).text);
    put_tile(out, words_title(ev->metric.name), words_number(main->value).text, text);
    if (shown->other) {
        snprintf(text, sizeof text, "95 %% interval %s; %s", words_range(&shown->other->interval).text,
                 words_p_is(shown->other->adjusted).text);
        put_tile(out, "Difference from the baseline", words_number(shown->other->difference).text, text);
    }
    put_tile(out, "Leakage control", shown->controlled ? verdict_name(shown->control.verdict) : "not run",
             shown->controlled ? shown->control.reason_count ? shown->control.reasons[0] : "no objection"
                               : "nothing is known of leaks");
    snprintf(text, sizeof text, "images of %s", words_plural(splits[PROBE_TEST].people, "person", "people").text);
    put_tile(out, "Tested on", words_count(splits[PROBE_TEST].images).text, text);
    put_tile(out, "Test split read before",
             ev->reads_before ? words_plural(ev->reads_before, "time", "times").text : "never",
             ev->reads_before ? "choices among scores may flatter" : "nothing was chosen by it");
    fputs("</div>\n", out);
}

static void put_statements(FILE *out, const char *title, const Statements *statements) {
    fprintf(out, "<h2>%s</h2>\n<ul class=\"words\">\n", title);
    for (int64_t i = 0; i < statements->count; i++) {
        fputs("<li>", out);
        markup_html(out, statements->list[i]);
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

static Status put_page(const Evaluation *ev, const Split splits[SPLITS], const Statements *methods,
                       const Statements *limits, FILE *out) {
    put_head(ev, out);
    put_tiles(ev, splits, out);
    fputs("<h2>Scores</h2>\n", out);
    html_checkpoints(ev, out);
    put_statements(out, "Limits", limits);
    html_control(ev, out);
    TRY(html_budget(ev, out));
    html_curves(ev, out);
    if (ev->count > 1) {
        fputs("<p>What follows is of <b>", out);
        markup_html(out, evaluation_shown(ev)->name);
        fputs("</b>; the others' is in report.json.</p>\n", out);
    }
    html_confusions(ev, out);
    html_thresholds(ev, out);
    html_subgroups(ev, out);
    html_figures(ev, out);
    html_examples(ev, out);
    fputs("<h2>Data</h2>\n", out);
    html_splits(ev, splits, out);
    put_statements(out, "Methods", methods);
    html_hashes(ev, out);
    fputs("</main>\n</body>\n</html>\n", out);
    return NULL;
}

static Status write_page(const Evaluation *ev, const Split splits[SPLITS], const char *path) {
    Statements methods, limits = {0};
    TextWriter writer = {0};
    Status status = statements_methods(ev, &methods);
    if (!status)
        status = statements_limits(ev, &limits);
    if (!status)
        status = text_writer_open(&writer, "a report");
    if (!status)
        status = put_page(ev, splits, &methods, &limits, writer.out);
    if (!status)
        status = text_writer_save(&writer, path);
    text_writer_discard(&writer);
    statements_free(&methods);
    statements_free(&limits);
    return status;
}

Status report_write_html(const Evaluation *ev, const char *path) {
    Split splits[SPLITS];
    Status status = splits_count(ev->rows, splits);
    if (!status)
        status = write_page(ev, splits, path);
    splits_free(splits);
    return status;
}
