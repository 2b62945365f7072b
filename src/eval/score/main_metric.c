/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score/main_metric.h"
#include "eval/score/figures.h"
#include "eval/score/measure.h"
#include "eval/score/selection.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* One number for all of a task, of which one value is better than another. */
static bool can_judge(const ScoreFigure *figure) {
    return figure->better != FIGURE_NEITHER && figure->part < 0;
}

static Status no_metric(const ScoreFigure *list, int count, const char *name) {
    Status status = status_error(EXIT_USAGE, "there is no metric %s of this kind of task; choose one of", name);
    const char *comma = " ";
    for (int i = 0; i < count; i++)
        if (can_judge(&list[i])) {
            status = status_append(status, "%s%s", comma, list[i].name);
            comma = ", ";
        }
    return status;
}

Status main_metric_find(const EvalRows *rows, const char *name, MainMetric *metric) {
    ScoreFigure *list;
    int count, i = 0;
    TRY(figures_list(rows, &list, &count));
    while (i < count && (strcmp(list[i].name, name) || !can_judge(&list[i])))
        i++;
    Status status = i == count ? no_metric(list, count, name) : NULL;
    if (!status)
        *metric = (MainMetric){list[i].name, list[i].chance, list[i].better == FIGURE_HIGHER ? 1 : -1};
    free(list);
    return status;
}

static Status choose_thresholds(const EvalRows *rows, const double *labels, const double *predictions,
                                ThresholdFigures *thresholds) {
    Selection val;
    Status status = selection_open(rows, labels, predictions, PROBE_VAL, NULL, &val);
    if (!status)
        status = measure_thresholds(&val, thresholds);
    selection_free(&val);
    return status;
}

Status main_metric_measure(const MainMetric *metric, const EvalRows *rows, const double *labels,
                           const double *predictions, ProbeSplit split, double *value) {
    Selection selection;
    Measure measure = {0};
    ThresholdFigures thresholds;
    *value = NAN;
    Status status = selection_open(rows, labels, predictions, split, NULL, &selection);
    if (!status)
        status = measure_open(&selection, NULL, metric->name, &measure);
    if (!status && measure.list[0].source == SOURCE_THRESHOLDS) {
        status = choose_thresholds(rows, labels, predictions, &thresholds);
        if (!status)
            measure.thresholds = thresholds;
    }
    if (!status)
        status = measure_count(&measure, NULL, value);
    measure_close(&measure);
    selection_free(&selection);
    return status;
}
