/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score/estimate.h"
#include "eval/score/measure.h"
#include "stats/bootstrap.h"
#include "stats/interval.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const double NORMAL_95 = 1.96;
static const Interval no_interval = {NULL, NAN, NAN, NAN};

typedef struct {
    const Selection *selection;
    const Resampling *resampling;
    Measure measure;
    int64_t people;     /* -1: some are not known */
    double *values;     /* [figures] */
    double *replicates; /* [figures][bootstraps]; NULL where no figure needs them */
    Estimate *list;     /* [figures] */
} Estimation;

/* Of one yes-or-no label: its error has formulas, and its bootstrap strata. */
static bool is_auroc(const ScoreFigure *figure) {
    return !strcmp(figure->name, "auroc") || figure->source == SOURCE_EACH_CLASS || figure->source == SOURCE_EACH_LABEL;
}

static bool is_drawn(const ScoreFigure *figure) {
    return figure->scale != FIGURE_NONE && !is_auroc(figure);
}

static const char *method_of(FigureScale scale) {
    switch (scale) {
    case FIGURE_LOG:
        return "bootstrap of people, log scale";
    case FIGURE_LOGIT:
        return "bootstrap of people, logit scale";
    case FIGURE_FISHER:
        return "bootstrap of people, Fisher's scale";
    default:
        return "bootstrap of people";
    }
}

/* Why a figure of these rows is not defined. */
static const char *missing_value(const Estimation *e, const ScoreFigure *figure) {
    if (!e->selection->count)
        return "no image has a known label";
    switch (figure->source) {
    case SOURCE_CALIBRATION:
        return "one class only, a probability of 0 or 1, equal ones, or ones that separate the classes";
    case SOURCE_THRESHOLDS:
        return isnan(e->measure.thresholds.threshold_youden) ? "val does not give a threshold"
                                                             : "val does not give a threshold, or a class has no image";
    case SOURCE_LABELS:
    case SOURCE_EACH_LABEL:
        return "a label is known as one value only, or never";
    case SOURCE_NUMBERS:
        return "the labels are equal, or the predictions";
    default:
        return "a class has no image, or all images are of one";
    }
}

/* Why a figure that is defined has no interval. */
static const char *missing_interval(const Estimation *e, const ScoreFigure *figure) {
    if (figure->source == SOURCE_THRESHOLDS && figure->scale == FIGURE_NONE)
        return "it was chosen on val";
    if (figure->scale == FIGURE_NONE)
        return "replicates of it are biased upwards: intervals miss";
    if (e->people < 0)
        return "the people of some images are not known";
    if (e->people < 2)
        return "fewer than 2 people";
    return is_auroc(figure) ? "fewer than 2 people in a class, or an AUROC of 0 or 1"
                            : "a figure at its limit, or replicates that are equal or not defined";
}

/* The images and people of the figure: of one of several labels, those of which it is known. */
static Status count_images(const Estimation *e, Estimate *estimate) {
    const Selection *s = e->selection;
    const bool of_label = s->rows->kind == EVAL_MULTILABEL && estimate->part >= 0;
    Selection known = {.rows = s->rows, .person = malloc((size_t)(s->count + 1) * sizeof(int64_t))};
    if (!known.person)
        return status_no_memory("people", (size_t)s->count * sizeof(int64_t));
    for (int64_t i = 0; i < s->count; i++)
        if (!of_label || !isnan(s->labels[i * s->rows->outputs + estimate->part])) {
            estimate->images += s->images[i];
            known.person[known.count++] = s->person[i];
        }
    Status status = of_label ? selection_count_people(&known, &estimate->people) : NULL;
    free(known.person);
    return status;
}

static Status set_value(Estimation *e, int i) {
    const ScoreFigure *figure = &e->measure.list[i];
    e->list[i] = (Estimate){.name = figure->name,
                            .part = figure->part,
                            .at = figure->at,
                            .better = figure->better,
                            .chance = figure->chance,
                            .value = e->values[i],
                            .interval = no_interval,
                            .beside = {no_interval, no_interval},
                            .images = 0,
                            .people = e->people};
    if (isnan(e->values[i]))
        e->list[i].reason = missing_value(e, figure);
    return count_images(e, &e->list[i]);
}

/* By an error on AUROC's own scale, which on the logit's is 1 / (A (1 - A)) times as large. */
static Interval take_formula(const char *method, double auroc, double error) {
    if (!(error > 0))
        return no_interval;
    const double center = log(auroc / (1 - auroc)), half = NORMAL_95 * error / (auroc * (1 - auroc));
    return (Interval){method, 1 / (1 + exp(half - center)), 1 / (1 + exp(-half - center)), error};
}

static Status estimate_auroc(Estimation *e, int i) {
    const Selection *s = e->selection;
    Estimate *estimate = &e->list[i];
    double *labels = malloc((size_t)(2 * s->count + 1) * sizeof *labels), *scores = labels + s->count;
    if (!labels)
        return status_no_memory("labels", (size_t)(2 * s->count) * sizeof *labels);
    selection_question(s, estimate->part < 0 ? 1 : estimate->part, labels, scores);
    IntervalFigures f;
    Status status = interval_measure(&(IntervalInput){.labels = labels,
                                                      .scores = scores,
                                                      .people = s->person,
                                                      .rows = s->count,
                                                      .bootstraps = e->resampling->bootstraps,
                                                      .seed = e->resampling->seed,
                                                      .threads = e->resampling->threads},
                                     &f);
    free(labels);
    if (status || isnan(f.low))
        return status;
    estimate->interval =
        (Interval){"bootstrap of people within strata of their labels, logit scale", f.low, f.high, f.bootstrap_se};
    estimate->beside[0] = take_formula("Obuchowski's error, logit scale", f.auroc, f.cluster_se);
    if (e->people == s->count)
        estimate->beside[1] = take_formula("DeLong's error, logit scale", f.auroc, f.delong_se);
    return NULL;
}

static void estimate_drawn(Estimation *e, int i) {
    const ScoreFigure *figure = &e->measure.list[i];
    const int count = e->resampling->bootstraps;
    const double rows = (double)e->selection->count;
    /* A quarter of a row from the ends; of a mean of AUROCs, a quarter of a pair of rows in halves. */
    const double edge = !strncmp(figure->name, "auroc", 5) ? 1 / (rows * rows) : 1 / (4 * rows);
    const BootstrapInterval b =
        bootstrap_interval(figure->scale, e->values[i], edge, e->replicates + (int64_t)i * count, count);
    if (!isnan(b.low))
        e->list[i].interval = (Interval){method_of(figure->scale), b.low, b.high, b.error};
}

static Status estimate_interval(Estimation *e, int i) {
    const ScoreFigure *figure = &e->measure.list[i];
    if (isnan(e->values[i]))
        return NULL;
    if (e->people >= 2 && is_auroc(figure))
        TRY(estimate_auroc(e, i));
    if (e->replicates && is_drawn(figure))
        estimate_drawn(e, i);
    if (!e->list[i].interval.method)
        e->list[i].reason = missing_interval(e, figure);
    return NULL;
}

/* All figures of each replicate; of 2,000 replicates and 30 figures these are 0.5 MB. */
static Status draw_replicates(Estimation *e) {
    bool any = false;
    for (int i = 0; i < e->measure.count; i++)
        any |= is_drawn(&e->measure.list[i]) && !isnan(e->values[i]);
    if (!any || e->people < 2)
        return NULL;
    const size_t room = (size_t)e->measure.count * (size_t)e->resampling->bootstraps;
    e->replicates = malloc(room * sizeof *e->replicates);
    if (!e->replicates)
        return status_no_memory("a bootstrap", room * sizeof *e->replicates);
    return bootstrap_run(&(Bootstrap){.people = e->selection->person,
                                      .rows = e->selection->count,
                                      .replicates = e->resampling->bootstraps,
                                      .seed = e->resampling->seed,
                                      .threads = e->resampling->threads},
                         measure_count, &e->measure, e->measure.count, e->replicates);
}

static Status run_estimation(Estimation *e, const ThresholdFigures *thresholds, const char *only) {
    TRY(selection_count_people(e->selection, &e->people));
    TRY(measure_open(e->selection, thresholds, only, &e->measure));
    const size_t count = (size_t)e->measure.count;
    e->values = malloc(count * sizeof *e->values);
    e->list = malloc(count * sizeof *e->list);
    if (!e->values || !e->list)
        return status_no_memory("figures", count * sizeof *e->list);
    TRY(measure_count(&e->measure, NULL, e->values));
    TRY(draw_replicates(e));
    for (int i = 0; i < e->measure.count; i++) {
        TRY(set_value(e, i));
        TRY(estimate_interval(e, i));
    }
    return NULL;
}

Status estimates_measure(const Selection *selection, const ThresholdFigures *thresholds, const char *only,
                         const Resampling *resampling, Estimate **list, int *count) {
    Estimation e = {.selection = selection, .resampling = resampling};
    Status status = run_estimation(&e, thresholds, only);
    *count = e.measure.count;
    *list = e.list;
    if (status) {
        free(e.list);
        *list = NULL;
    }
    free(e.values);
    free(e.replicates);
    measure_close(&e.measure);
    return status;
}
