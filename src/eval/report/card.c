/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report/card.h"

#include "base/clock.h"
#include "base/text_writer.h"
#include "base/version.h"
#include "eval/draw/markup.h"
#include "eval/draw/words.h"
#include "eval/report/card_training.h"
#include "eval/report/splits.h"
#include "eval/report/statements.h"

#include <math.h>
#include <string.h>

static void put_cell(FILE *out, const char *text) {
    fputs(" ", out);
    markup_markdown(out, text);
    fputs(" |", out);
}

/* --- The model and its data --- */

static void put_model(const Evaluation *ev, FILE *out) {
    const Evaluated *shown = evaluation_shown(ev);
    const ModelShape *shape = &shown->encoder.shape;
    char hex[2 * DIGEST_SHA256 + 1];
    digest_to_hex(shown->encoder.sha256, DIGEST_SHA256, hex);
    fputs("# Model card: ", out);
    markup_markdown(out, shown->name);
    fprintf(out, "\n\nWritten %s by fovea %s from an evaluation on the task ", words_date(clock_date()).text,
            FOVEA_VERSION);
    markup_markdown(out, ev->task_name);
    fputs(".\n\n## Model\n\n|  |  |\n|---|---|\n", out);
    card_row(out, "Weights", "%s", shown->name);
    card_row(out, "SHA-256", "%s", hex);
    card_row(out, "Architecture", "ViT, %d blocks, %d wide, %d heads, patches of %d in images of %d px", shape->depth,
             shape->dim, shape->heads, shape->patch_size, shape->image_size);
    if (shown->step >= 0)
        card_row(out, "Step", "%s", words_count(shown->step).text);
    card_row(out, "Adapted by", "%s", shown->adapted);
    card_row(out, "Predicts", "%s (%s)", ev->task->data.label,
             config_choice_name(&task_config, "data.kind", ev->task->data.kind));
    if (ev->task->data.positive_from != 0)
        card_row(out, "Positive", "from %g on", ev->task->data.positive_from);
}

static void put_packs(const Cohort *cohort, const char *use, FILE *out) {
    for (int i = 0; i < cohort->records.part_count; i++) {
        const RecordsPart *part = &cohort->records.parts[i];
        fputs("|", out);
        put_cell(out, part->pack.info.dataset);
        put_cell(out, part->pack.info.dataset_version);
        fprintf(out, " %s | %s | %s |\n", words_count(part->count).text, use,
                part->pack.info.licensed ? "licensed: nothing derived may be passed on beyond its licence"
                                         : "see the data set's own");
    }
}

static void put_data(const Evaluation *ev, const Split splits[SPLITS], FILE *out) {
    fputs("\n## Data\n\n| data set | version | images | use | licence |\n|---|---|---|---|---|\n", out);
    put_packs(ev->cohort, ev->external ? "train, val" : "train, val, test", out);
    if (ev->external)
        put_packs(ev->external, "test", out);
    fputs("\n| split | images | people | labels |\n|---|---|---|---|\n", out);
    for (int i = 0; i < SPLITS; i++) {
        fprintf(out, "| %s | %s | %s |", split_name((ProbeSplit)i), words_count(splits[i].images).text,
                words_count(splits[i].people).text);
        for (int c = 0; c < splits[i].class_count; c++) {
            fputs(c ? ", " : " ", out);
            if (ev->rows->kind == EVAL_BINARY)
                fputs(c ? "positive" : "negative", out);
            else
                markup_markdown(out, words_part(ev->rows, ev->cohort->label_names, c).text);
            fprintf(out, " %s", words_count(splits[i].classes[c]).text);
        }
        if (ev->rows->kind == EVAL_REGRESSION)
            fprintf(out, " mean %s, standard deviation %s", words_number(splits[i].mean).text,
                    words_number(splits[i].deviation).text);
        fputs(" |\n", out);
    }
}

/* --- What was found --- */

static bool is_of_calibration(const Estimate *e) {
    return !strncmp(e->name, "calibration_", 12) || !strcmp(e->name, "ece") || !strcmp(e->name, "brier");
}

/* Those of calibration, or the others. */
static void put_figures(const Evaluation *ev, bool calibration, FILE *out) {
    const ScoreLevel *image = &evaluation_shown(ev)->scores.image, *person = &evaluation_shown(ev)->scores.person;
    fputs("\n| figure | by image | by person | note |\n|---|---|---|---|\n", out);
    for (int i = 0; i < image->count; i++) {
        const Estimate *e = &image->list[i], *other = person->count ? &person->list[i] : NULL;
        const char *reason = e->reason ? e->reason : other ? other->reason : person->reason;
        if (is_of_calibration(e) != calibration)
            continue;
        fputs("|", out);
        put_cell(out, words_figure(e, ev->rows, ev->cohort->label_names).text);
        put_cell(out, words_value(e->value, &e->interval).text);
        put_cell(out, other ? words_value(other->value, &other->interval).text : "n/a");
        put_cell(out, reason ? reason : "");
        fputs("\n", out);
    }
}

static void put_scores(const Evaluation *ev, FILE *out) {
    const Evaluated *shown = evaluation_shown(ev);
    const Estimate *main = &shown->scores.image.list[shown->scores.image.main];
    fprintf(out, "\n## Scores\n\nThe task is judged by %s, by image: **%s**", words_title(ev->metric.name),
            words_value(main->value, &main->interval).text);
    if (shown->other) {
        fputs(". The difference from ", out);
        markup_markdown(out, ev->list[evaluation_reference(ev)].name);
        fprintf(out, " is %s, ", words_value(shown->other->difference, &shown->other->interval).text);
        markup_markdown(out, words_p_is(shown->other->adjusted).text);
    }
    fputs(". In brackets are 95 % intervals.\n", out);
    put_figures(ev, false, out);
    fputs("\n## Calibration\n", out);
    put_figures(ev, true, out);
}

static void put_subgroups(const Evaluation *ev, FILE *out) {
    const Scores *scores = &evaluation_shown(ev)->scores;
    if (!scores->subgroup_count)
        return;
    fprintf(out, "\n## Subgroups\n\n| column | subgroup | %s | people | images | note |\n|---|---|---|---|---|---|\n",
            words_title(ev->metric.name));
    for (int i = 0; i < scores->subgroup_count; i++) {
        const Estimate *e = &scores->subgroups[i].estimate;
        fputs("|", out);
        put_cell(out, scores->subgroups[i].column);
        put_cell(out, scores->subgroups[i].category);
        put_cell(out, words_value(e->value, &e->interval).text);
        fprintf(out, " %s | %s |", words_count(e->people).text, words_count(e->images).text);
        put_cell(out, e->reason ? e->reason : "");
        fputs("\n", out);
    }
}

static void put_control(const Evaluation *ev, FILE *out) {
    const ControlResult *c = &evaluation_shown(ev)->control;
    fputs("\n## Leakage control\n\n", out);
    if (!evaluation_shown(ev)->controlled) {
        fputs("It did not run for this checkpoint.\n", out);
        return;
    }
    fprintf(out, "**%s**, ", verdict_name(c->verdict));
    markup_markdown(out, words_p_is(c->p).text);
    fprintf(out, ", from %d scrambled sets of labels.\n\n", c->b);
    for (int64_t i = 0; i < c->reason_count; i++) {
        fputs("- ", out);
        markup_markdown(out, c->reasons[i]);
        fputs("\n", out);
    }
}

static void put_statements(FILE *out, const char *title, const Statements *statements) {
    fprintf(out, "\n## %s\n\n", title);
    for (int64_t i = 0; i < statements->count; i++) {
        fputs("- ", out);
        markup_markdown(out, statements->list[i]);
        fputs("\n", out);
    }
}

static Status put_card(const Evaluation *ev, const Split splits[SPLITS], FILE *out) {
    Statements methods, limits = {0};
    put_model(ev, out);
    TRY(card_training(evaluation_shown(ev), out));
    put_data(ev, splits, out);
    put_scores(ev, out);
    put_subgroups(ev, out);
    put_control(ev, out);
    Status status = statements_methods(ev, &methods);
    if (!status)
        status = statements_limits(ev, &limits);
    if (!status) {
        put_statements(out, "Methods", &methods);
        put_statements(out, "Limits", &limits);
    }
    statements_free(&methods);
    statements_free(&limits);
    return status;
}

Status report_write_card(const Evaluation *ev, const char *path) {
    Split splits[SPLITS];
    TextWriter writer = {0};
    Status status = splits_count(ev->rows, splits);
    if (!status)
        status = text_writer_open(&writer, "a model card");
    if (!status)
        status = put_card(ev, splits, writer.out);
    if (!status)
        status = text_writer_save(&writer, path);
    text_writer_discard(&writer);
    splits_free(splits);
    return status;
}
