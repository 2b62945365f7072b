/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score/measure.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What the sources gave for one way of counting. */
typedef struct {
    ClassificationFigures classes;
    CalibrationFigures calibration;
    ThresholdFigures thresholds;
    MultilabelFigures labels;
    RegressionFigures numbers;
    double *of_each; /* [classes or labels] */
    NetBenefit benefit;
    double benefit_at; /* where it was measured last; 0: nowhere */
} Sources;

static bool needs(const Measure *m, FigureSource source) {
    for (int i = 0; i < m->count; i++)
        if (m->list[i].source == source)
            return true;
    return false;
}

/* Leaves the figure called `only` in the list. */
static Status choose_figure(Measure *m, const char *only) {
    for (int i = 0; i < m->count; i++)
        if (!strcmp(m->list[i].name, only)) {
            m->list[0] = m->list[i];
            m->count = 1;
            return NULL;
        }
    return status_error(EXIT_INTERNAL, "there is no figure %s of this kind of task", only);
}

static Status add_other_class(Measure *m) {
    const Selection *s = m->selection;
    m->both = malloc((size_t)(2 * s->count + 1) * sizeof *m->both);
    if (!m->both)
        return status_no_memory("probabilities", (size_t)(2 * s->count) * sizeof *m->both);
    for (int64_t i = 0; i < s->count; i++) {
        m->both[2 * i] = 1 - s->predictions[i];
        m->both[2 * i + 1] = s->predictions[i];
    }
    return NULL;
}

static Status open_sources(Measure *m) {
    const Selection *s = m->selection;
    if (needs(m, SOURCE_CLASSES) || needs(m, SOURCE_EACH_CLASS)) {
        if (s->rows->kind == EVAL_BINARY)
            TRY(add_other_class(m));
        TRY(classification_open(s->labels, m->both ? m->both : s->predictions, s->count, s->rows->classes,
                                &m->classification));
    }
    if (needs(m, SOURCE_CALIBRATION))
        TRY(calibration_open(s->labels, s->predictions, s->count, &m->calibration));
    if (needs(m, SOURCE_LABELS) || needs(m, SOURCE_EACH_LABEL))
        TRY(multilabel_open(s->labels, s->predictions, s->count, s->rows->outputs, &m->multilabel));
    if (needs(m, SOURCE_NUMBERS))
        TRY(regression_open(s->labels, s->predictions, s->count, &m->regression));
    return NULL;
}

Status measure_open(const Selection *selection, const ThresholdFigures *thresholds, const char *only, Measure *m) {
    *m = (Measure){.selection = selection};
    figures_clear(&m->thresholds, threshold_figures);
    if (thresholds)
        m->thresholds = *thresholds;
    TRY(figures_list(selection->rows, &m->list, &m->count));
    if (only)
        TRY(choose_figure(m, only));
    return open_sources(m);
}

void measure_close(Measure *m) {
    classification_free(m->classification);
    calibration_free(m->calibration);
    multilabel_free(m->multilabel);
    regression_free(m->regression);
    free(m->both);
    free(m->list);
    *m = (Measure){0};
}

static Status count_sources(const Measure *m, const int32_t *times, Sources *sources) {
    const Selection *s = m->selection;
    if (m->classification)
        TRY(classification_count(m->classification, times, &sources->classes, sources->of_each));
    if (m->calibration)
        TRY(calibration_count(m->calibration, times, &sources->calibration));
    if (m->multilabel)
        TRY(multilabel_count(m->multilabel, times, &sources->labels, sources->of_each));
    if (m->regression)
        TRY(regression_count(m->regression, times, &sources->numbers));
    sources->thresholds = m->thresholds;
    if (needs(m, SOURCE_THRESHOLDS))
        TRY(thresholds_measure(s->labels, s->predictions, times, s->count, &sources->thresholds));
    return NULL;
}

static double value_at(const void *figures, const ScoreFigure *figure) {
    return *(const double *)((const char *)figures + figure->offset);
}

/* The model's and everyone's are listed side by side: both come from one count. */
static Status count_benefit(const Measure *m, double at, const int32_t *times, Sources *sources) {
    const Selection *s = m->selection;
    if (sources->benefit_at == at)
        return NULL;
    sources->benefit_at = at;
    return threshold_net_benefit(s->labels, s->predictions, times, s->count, at, &sources->benefit);
}

static Status take_value(const Measure *m, const ScoreFigure *figure, const int32_t *times, Sources *sources,
                         double *value) {
    switch (figure->source) {
    case SOURCE_CLASSES:
        *value = value_at(&sources->classes, figure);
        break;
    case SOURCE_CALIBRATION:
        *value = value_at(&sources->calibration, figure);
        break;
    case SOURCE_THRESHOLDS:
        *value = value_at(&sources->thresholds, figure);
        break;
    case SOURCE_LABELS:
        *value = value_at(&sources->labels, figure);
        break;
    case SOURCE_NUMBERS:
        *value = value_at(&sources->numbers, figure);
        break;
    case SOURCE_EACH_CLASS:
    case SOURCE_EACH_LABEL:
        *value = sources->of_each[figure->part];
        break;
    case SOURCE_BENEFIT:
    case SOURCE_BENEFIT_OF_ALL:
        TRY(count_benefit(m, figure->at, times, sources));
        *value = figure->source == SOURCE_BENEFIT ? sources->benefit.model : sources->benefit.everyone;
        break;
    }
    return NULL;
}

Status measure_count(const void *context, const int32_t *times, double *values) {
    const Measure *m = context;
    const size_t parts = (size_t)(m->selection->rows->classes + m->selection->rows->outputs);
    Sources sources = {.of_each = malloc(parts * sizeof(double))};
    Status status = sources.of_each ? count_sources(m, times, &sources)
                                    : status_no_memory("figures of classes", parts * sizeof(double));
    for (int i = 0; i < m->count && !status; i++)
        status = take_value(m, &m->list[i], times, &sources, &values[i]);
    free(sources.of_each);
    return status;
}

Status measure_thresholds(const Selection *val, ThresholdFigures *thresholds) {
    figures_clear(thresholds, threshold_figures);
    return val->rows->kind == EVAL_BINARY ? thresholds_choose(val->labels, val->predictions, val->count, thresholds)
                                          : NULL;
}
