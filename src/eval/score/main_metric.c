/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score/main_metric.h"
#include "eval/score/selection.h"

#include "stats/classification.h"
#include "stats/multilabel.h"
#include "stats/regression.h"
#include "stats/threshold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES = 2 };

/* The tables with figures of a kind; NULL: no further one. */
static void find_tables(EvalKind kind, const Figure *tables[TABLES]) {
    tables[0] = kind == EVAL_REGRESSION   ? regression_figures
                : kind == EVAL_MULTILABEL ? multilabel_figures
                                          : classification_figures;
    tables[1] = kind == EVAL_BINARY ? threshold_figures : NULL;
}

/* auroc, auprc and brier are of two classes only. */
static bool is_defined(const EvalRows *rows, const Figure *figure) {
    static const char *const of_two[] = {"auroc", "auprc", "brier"};
    if (figure->better == FIGURE_NEITHER)
        return false;
    for (size_t i = 0; i < sizeof of_two / sizeof *of_two && rows->kind != EVAL_BINARY; i++)
        if (!strcmp(figure->name, of_two[i]))
            return false;
    return true;
}

static double chance_of(const EvalRows *rows, const char *name) {
    static const char *const of_none[] = {"kappa", "kappa_quadratic", "mcc", "r2", "pearson", "spearman"};
    if (!strncmp(name, "auroc", 5))
        return 0.5;
    if (!strcmp(name, "balanced_accuracy") || !strcmp(name, "recall_macro"))
        return 1.0 / rows->classes;
    if (!strcmp(name, "balanced_accuracy_youden"))
        return 0.5;
    for (size_t i = 0; i < sizeof of_none / sizeof *of_none; i++)
        if (!strcmp(name, of_none[i]))
            return 0;
    return NAN;
}

static Status no_metric(const EvalRows *rows, const char *name) {
    const Figure *tables[TABLES];
    find_tables(rows->kind, tables);
    Status status = status_error(EXIT_USAGE, "there is no metric %s of this kind of task; choose one of", name);
    const char *comma = " ";
    for (int t = 0; t < TABLES; t++)
        for (const Figure *figure = tables[t]; figure && figure->name; figure++)
            if (is_defined(rows, figure)) {
                status = status_append(status, "%s%s", comma, figure->name);
                comma = ", ";
            }
    return status;
}

Status main_metric_find(const EvalRows *rows, const char *name, MainMetric *metric) {
    const Figure *tables[TABLES];
    find_tables(rows->kind, tables);
    for (int t = 0; t < TABLES; t++) {
        const Figure *figure = tables[t] ? figure_find(tables[t], name) : NULL;
        if (!figure || !is_defined(rows, figure))
            continue;
        *metric = (MainMetric){figure->name, chance_of(rows, figure->name), figure->better == FIGURE_HIGHER ? 1 : -1};
        return NULL;
    }
    return no_metric(rows, name);
}

typedef union {
    ClassificationFigures classification;
    MultilabelFigures multilabel;
    RegressionFigures regression;
} Figures;

/* Probabilities of both classes, the caller's. */
static Status add_other_class(const Selection *s, double **both) {
    *both = malloc((size_t)(2 * s->count + 1) * sizeof **both);
    if (!*both)
        return status_no_memory("probabilities", (size_t)(2 * s->count) * sizeof **both);
    for (int64_t i = 0; i < s->count; i++) {
        (*both)[2 * i] = 1 - s->predictions[i];
        (*both)[2 * i + 1] = s->predictions[i];
    }
    return NULL;
}

static Status measure_figures(const Selection *s, Figures *figures, double *of_each) {
    if (s->rows->kind == EVAL_REGRESSION)
        return regression_measure(s->labels, s->predictions, s->count, &figures->regression);
    if (s->rows->kind == EVAL_MULTILABEL)
        return multilabel_measure(s->labels, s->predictions, s->count, s->rows->outputs, &figures->multilabel, of_each);
    if (s->rows->kind != EVAL_BINARY)
        return classification_measure(s->labels, s->predictions, s->count, s->rows->classes, &figures->classification,
                                      of_each);
    double *both;
    TRY(add_other_class(s, &both));
    Status status = classification_measure(s->labels, both, s->count, 2, &figures->classification, of_each);
    free(both);
    return status;
}

static Status measure_figure(const Figure *figure, const Selection *s, double *value) {
    Figures figures;
    double *of_each = malloc((size_t)(s->rows->classes + s->rows->outputs) * sizeof *of_each);
    if (!of_each)
        return status_no_memory("figures of classes", (size_t)(s->rows->classes + s->rows->outputs) * sizeof *of_each);
    Status status = measure_figures(s, &figures, of_each);
    if (!status)
        *value = figure_value(&figures, figure);
    free(of_each);
    return status;
}

/* One whose threshold is chosen on val. */
static Status measure_threshold(const Figure *figure, const double *labels, const double *predictions,
                                const Selection *s, double *value) {
    Selection val;
    ThresholdFigures figures;
    Status status = selection_open(s->rows, labels, predictions, PROBE_VAL, NULL, &val);
    if (!status)
        status = thresholds_choose(val.labels, val.predictions, val.count, &figures);
    if (!status)
        status = thresholds_measure(s->labels, s->predictions, NULL, s->count, &figures);
    if (!status)
        *value = figure_value(&figures, figure);
    selection_free(&val);
    return status;
}

Status main_metric_measure(const MainMetric *metric, const EvalRows *rows, const double *labels,
                           const double *predictions, ProbeSplit split, double *value) {
    const Figure *tables[TABLES], *figure = NULL;
    find_tables(rows->kind, tables);
    int table = -1;
    while (!figure && ++table < TABLES && tables[table])
        figure = figure_find(tables[table], metric->name);
    if (!figure)
        return no_metric(rows, metric->name);
    Selection s;
    *value = NAN;
    Status status = selection_open(rows, labels, predictions, split, NULL, &s);
    if (!status && tables[table] == threshold_figures)
        status = measure_threshold(figure, labels, predictions, &s, value);
    else if (!status)
        status = measure_figure(figure, &s, value);
    selection_free(&s);
    return status;
}
