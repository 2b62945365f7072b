/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report/statements.h"

#include "base/list.h"
#include "base/text.h"
#include "base/version.h"
#include "eval/draw/words.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

void statements_free(Statements *s) {
    for (int64_t i = 0; i < s->count; i++)
        free(s->list[i]);
    free(s->list);
}

static Status say(Statements *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static Status say(Statements *s, const char *format, ...) {
    va_list arguments;
    TRY(list_grow(&s->list, s->count, &s->capacity, sizeof *s->list, "a report's sentences"));
    va_start(arguments, format);
    Status status = text_format_list(&s->list[s->count], "a report's sentence", format, arguments);
    va_end(arguments);
    if (!status)
        s->count++;
    return status;
}

/* --- Methods --- */

static Status say_adaptation(const Evaluation *ev, Statements *s) {
    const char *tokens = config_choice_name(&task_config, "features.tokens", (int)ev->task->features.tokens);
    const char *view = config_choice_name(&task_config, "features.view", (int)ev->task->features.view);
    switch (ev->task->adapt.method) {
    case TASK_LINEAR:
        return say(s,
                   "A linear model on frozen features (tokens: %s, view: %s), standardised by the train images, learnt "
                   "from train; its penalty was chosen on val, and what learnt from train alone predicts.",
                   tokens, view);
    case TASK_KNN:
        return say(s, "The nearest train images by the angle between frozen features (tokens: %s, view: %s) vote.",
                   tokens, view);
    case TASK_FINETUNE:
        return say(s, "All weights were trained on train; of the checkpoints the best on val predicts.");
    }
    return NULL;
}

static Status say_intervals(const Evaluation *ev, Statements *s) {
    TRY(say(
        s,
        "Intervals enclose a figure with 95 %% confidence. They are from %s bootstraps of people, who are drawn with "
        "all their images (seed %llu), each figure on the scale on which it is nearest to normal.",
        words_count(ev->resampling.bootstraps).text, (unsigned long long)ev->resampling.seed));
    if (ev->rows->kind != EVAL_REGRESSION)
        TRY(say(s,
                "For the AUROC of one label people are drawn within three strata: none, some and all of their images "
                "are positive."));
    return say(s, "By person, a prediction is the mean of those of the person's images.");
}

static Status say_comparisons(const Evaluation *ev, Statements *s) {
    int compared = 0;
    for (int i = 0; i < ev->count; i++)
        compared += ev->list[i].other != NULL;
    if (!compared)
        return NULL;
    TRY(say(s, "A difference is the checkpoint's score less the baseline's, by image; its interval is paired: both are "
               "measured on the same draws of people. p is two-sided."));
    return compared > 1 ? say(s, "p is adjusted for %d comparisons by Holm's method.", compared) : NULL;
}

static const ControlResult *first_control(const Evaluation *ev) {
    for (int i = 0; i < ev->count; i++)
        if (ev->list[i].controlled)
            return &ev->list[i].control;
    return NULL;
}

static Status say_control(const Evaluation *ev, Statements *s) {
    const ControlResult *control = first_control(ev);
    if (!control)
        return NULL;
    return say(
        s,
        "For the leakage control the labels of each person moved as a block to another person of the same split "
        "with as many images, %d times, and all that sees labels ran again. p is (c + 1) / (%d + 1), c scrambled "
        "scores being as good as the true one.",
        control->b, control->b);
}

static Status say_seeds(const Evaluation *ev, Statements *s) {
    for (int i = 0; i < ev->count; i++)
        if (ev->list[i].seed_count > 1)
            return say(s, "The spread over seeds is that of training again with other random numbers; it is in no "
                          "interval.");
    return NULL;
}

Status statements_methods(const Evaluation *ev, Statements *s) {
    *s = (Statements){0};
    TRY(say_adaptation(ev, s));
    TRY(say(s, "Test images were predicted once, after everything was chosen; thresholds are those of val."));
    TRY(say_intervals(ev, s));
    TRY(say_comparisons(ev, s));
    TRY(say_control(ev, s));
    TRY(say_seeds(ev, s));
    return say(s, "Made by fovea %s in %s seconds.", FOVEA_VERSION, words_number(ev->seconds).text);
}

/* --- Limits --- */

static Status say_reads(const Evaluation *ev, Statements *s) {
    if (!ev->reads_before)
        return say(s, "This test split had not been read before.");
    return say(s,
               "This test split had been read %s before: the more often, the more scores owe to the choice among them.",
               words_plural(ev->reads_before, "time", "times").text);
}

static Status say_data(const Evaluation *ev, Statements *s) {
    const ScoreLevel *person = &evaluation_shown(ev)->scores.person;
    if (ev->external)
        TRY(say(s, "Test images are of another set, %s, on which nothing was chosen.", ev->external_path));
    if (ev->unreadable)
        TRY(say(s, "%s could not be read and count nowhere.", words_plural(ev->unreadable, "image", "images").text));
    if (person->mixed)
        TRY(say(s, "%s whose images have different labels count by image only.",
                words_plural(person->mixed, "person", "people").text));
    if (evaluation_shown(ev)->scores.image.people < 0)
        TRY(say(s, "The people of some test images are not known, so that there are neither figures by person nor "
                   "intervals."));
    return NULL;
}

static Status say_subgroups(const Scores *scores, Statements *s) {
    int64_t without = 0;
    for (int i = 0; i < scores->subgroup_count; i++)
        without += isnan(scores->subgroups[i].estimate.value);
    if (!without)
        return NULL;
    return say(s,
               "%s without a score, most often for fewer than %d people in a class: nothing is known of those people.",
               words_plural(without, "subgroup is", "subgroups are").text, SUBGROUP_LEAST);
}

static Status say_licence(const Cohort *cohort, Statements *s) {
    for (int i = 0; cohort && i < cohort->records.part_count; i++)
        if (cohort->records.parts[i].pack.info.licensed)
            TRY(say(s, "%s is licensed data, from which this is derived: see its licence before passing it on.",
                    cohort->records.parts[i].pack.info.dataset));
    return NULL;
}

Status statements_limits(const Evaluation *ev, Statements *s) {
    const ControlResult *control = first_control(ev);
    *s = (Statements){0};
    TRY(say_reads(ev, s));
    TRY(say_data(ev, s));
    TRY(say_subgroups(&evaluation_shown(ev)->scores, s));
    TRY(say_licence(ev->cohort, s));
    TRY(say_licence(ev->external, s));
    if (control)
        return say(s, "The leakage control cannot see everything. %s", control->unseen);
    return say(s, "The leakage control did not run: nothing is known of leaks.");
}
