/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/scores.h"

#include "base/random.h"
#include "stats/classification.h"
#include "stats/logistic.h"
#include "stats/multilabel.h"
#include "stats/regression.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Names --- */

static const Figure *figures_of(Task task) {
    static const Figure *const tables[] = {[TASK_CLASSIFY] = classification_figures,
                                           [TASK_ORDINAL] = classification_figures,
                                           [TASK_MULTILABEL] = multilabel_figures,
                                           [TASK_REGRESS] = regression_figures};
    return tables[task];
}

static const char PROBE[] = "probe_";

bool scores_of_probe(const char *name) {
    return strncmp(name, PROBE, strlen(PROBE)) == 0;
}

bool scores_falls(const Config *config) {
    const char *metric = config->val.metric;
    const bool probe = scores_of_probe(metric);
    const Figure *table = figures_of(probe ? config->probe.kind : targets_task(config));
    const Figure *figure = figure_find(table, metric + (probe ? strlen(PROBE) : 0));
    return figure && figure->better == FIGURE_LOWER;
}

static void add_figure(const Scored *scored, const char *name, const char *column, double value,
                       Validation *validation) {
    if (validation->count == VALIDATION_FIGURES)
        return;
    MetricsFigure *figure = &validation->figures[validation->count++];
    snprintf(figure->name, sizeof figure->name, "%s%s%s%s", scored->probed ? PROBE : "", name, *column ? "_" : "",
             column);
    figure->value = value;
}

static void add_table(const Scored *scored, const void *figures, const Figure *table, const char *column,
                      Validation *validation) {
    for (const Figure *figure = table; figure->name; figure++)
        add_figure(scored, figure->name, column, figure_value(figures, figure), validation);
}

/* --- Probabilities --- */

/* Class c has the probability of exceeding c - 1, less that of exceeding c. The outputs are trained apart, so that the
 * second can be larger: the class then has none, and the others make up for it. */
static void from_ordered(const float *logits, int classes, double *p) {
    double sum = 0;
    for (int c = 0; c < classes; c++) {
        const double above = c < classes - 1 ? logistic_sigmoid(logits[c]) : 0,
                     least = c ? logistic_sigmoid(logits[c - 1]) : 1;
        p[c] = least > above ? least - above : 0;
        sum += p[c];
    }
    for (int c = 0; c < classes; c++)
        p[c] /= sum;
}

/* --- The tasks --- */

static Status score_classes(const Scored *scored, Validation *validation) {
    ClassificationFigures figures;
    TRY(classification_measure(scored->labels, scored->outputs, scored->rows, scored->classes, &figures, scored->each));
    add_table(scored, &figures, classification_figures, "", validation);
    return NULL;
}

static Status score_labels(const Scored *scored, Validation *validation) {
    MultilabelFigures figures;
    TRY(multilabel_measure(scored->labels, scored->outputs, scored->rows, scored->classes, &figures, scored->each));
    add_table(scored, &figures, multilabel_figures, "", validation);
    for (int i = 0; i < scored->columns; i++)
        add_figure(scored, "auroc", scored->names[i], scored->each[i], validation);
    return NULL;
}

static Status score_column(const Scored *scored, int column, RegressionFigures *figures) {
    double *rows = malloc(2 * (size_t)scored->rows * sizeof *rows), *predictions = rows + scored->rows;
    if (!rows)
        return status_no_memory("the labels of a validation", 2 * (size_t)scored->rows * sizeof *rows);
    for (int r = 0; r < scored->rows; r++) {
        rows[r] = scored->labels[r * scored->columns + column];
        predictions[r] = scored->outputs[r * scored->columns + column];
    }
    Status status = regression_measure(rows, predictions, scored->rows, figures);
    free(rows);
    return status;
}

static Status score_numbers(const Scored *scored, Validation *validation) {
    RegressionFigures *own = calloc((size_t)scored->columns, sizeof *own);
    Status status = own ? NULL : status_no_memory("the figures of labels", (size_t)scored->columns * sizeof *own);
    for (int i = 0; !status && i < scored->columns; i++)
        status = score_column(scored, i, &own[i]);
    for (const Figure *figure = regression_figures; !status && figure->name; figure++) {
        double sum = 0;
        for (int i = 0; i < scored->columns; i++)
            sum += figure_value(&own[i], figure);
        add_figure(scored, figure->name, "", sum / scored->columns, validation);
    }
    for (int i = 0; !status && scored->columns > 1 && i < scored->columns; i++)
        add_table(scored, &own[i], regression_figures, scored->names[i], validation);
    free(own);
    return status;
}

Status scores_add(const Scored *scored, Validation *validation) {
    return scored->task == TASK_MULTILABEL ? score_labels(scored, validation)
           : scored->task == TASK_REGRESS  ? score_numbers(scored, validation)
                                           : score_classes(scored, validation);
}

void scores_predict(const Targets *targets, const float *logits, double *prediction) {
    const int classes = targets->classes;
    if (targets->task == TASK_CLASSIFY) {
        for (int c = 0; c < classes; c++)
            prediction[c] = logits[c];
        logistic_softmax(prediction, classes, prediction);
    } else if (targets->task == TASK_ORDINAL)
        from_ordered(logits, classes, prediction);
    else
        for (int c = 0; c < classes; c++)
            prediction[c] = targets->task == TASK_REGRESS ? logits[c] * targets->sd[c] + targets->mean[c]
                                                          : logistic_sigmoid(logits[c]);
}

static void fill_row(const Targets *targets, const float *logits, int64_t record, Scored *scored, int row) {
    const Labels *labels = &targets->val;
    const int classes = scored->classes, outputs = targets->task == TASK_ORDINAL ? classes - 1 : classes;
    for (int i = 0; i < labels->columns; i++) {
        const double value = labels->values[record * labels->columns + i];
        scored->labels[row * labels->columns + i] =
            targets->task == TASK_REGRESS ? value * targets->sd[i] + targets->mean[i] : value;
    }
    scores_predict(targets, logits + (size_t)row * (size_t)outputs, scored->outputs + (size_t)row * (size_t)classes);
}

Status scores_add_logits(const Targets *targets, const float *logits, const int64_t *records, int rows,
                         Validation *validation) {
    const size_t classes = (size_t)targets->classes, columns = (size_t)targets->val.columns;
    const size_t count = (size_t)rows * (classes + columns) + classes;
    double *memory = malloc(count * sizeof *memory);
    if (!memory)
        return status_no_memory("the outputs of a validation", count * sizeof *memory);
    Scored scored = {.task = targets->task,
                     .names = targets->val.names,
                     .labels = memory,
                     .outputs = memory + (size_t)rows * columns,
                     .each = memory + (size_t)rows * (columns + classes),
                     .rows = rows,
                     .classes = (int)classes,
                     .columns = (int)columns};
    for (int row = 0; row < rows; row++)
        fill_row(targets, logits, records[row], &scored, row);
    Status status = scores_add(&scored, validation);
    free(memory);
    return status;
}

/* --- val.metric --- */

/* EXIT_USAGE when val.metric, less `prefix`, is no figure of the task, which the key `key` asks for by `value`. */
static Status check_name(const Config *config, Task task, const char *prefix, const char *key, int value) {
    const char *metric = config->val.metric + strlen(prefix);
    char names[600] = "";
    size_t used = 0;
    for (const Figure *figure = figures_of(task); figure->name && used < sizeof names; figure++) {
        if (figure->better == FIGURE_NEITHER)
            continue;
        if (strcmp(figure->name, metric) == 0)
            return NULL;
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s%s", used ? ", " : "", prefix, figure->name);
    }
    return status_error(EXIT_USAGE, "val.metric = %s is no figure of %s = %s; it has %s", config->val.metric, key,
                        config_choice_name(&train_config, key, value), names);
}

Status scores_check_probe(const Config *config) {
    return scores_of_probe(config->val.metric)
               ? check_name(config, config->probe.kind, PROBE, "probe.kind", (int)config->probe.kind)
               : NULL;
}

/* The figures that these images would have with outputs that are all different. */
static Status measure_guesses(const Targets *targets, int rows, Validation *validation) {
    const size_t outputs = (size_t)targets->classes;
    float *logits = malloc((size_t)rows * outputs * sizeof *logits);
    int64_t *records = malloc((size_t)rows * sizeof *records);
    Status status = logits && records ? NULL : status_no_memory("a trial validation", (size_t)rows * sizeof *records);
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (int r = 0; !status && r < rows; r++) {
        records[r] = r;
        for (size_t i = 0; i < outputs; i++)
            logits[(size_t)r * outputs + i] = random_uniform(&random);
    }
    if (!status)
        status = scores_add_logits(targets, logits, records, rows, validation);
    free(logits);
    free(records);
    return status;
}

Status scores_check(const Config *config, const Targets *targets) {
    const char *metric = config->val.metric;
    if (!*metric || scores_of_probe(metric))
        return NULL;
    if (!config->data.val[0] || !config->val.every)
        return status_error(EXIT_USAGE, "val.metric = %s needs validations: set data.val and val.every", metric);
    TRY(check_name(config, targets->task, "", "train.objective", (int)config->train.objective));
    if (!targets->val.columns) /* only planned */
        return NULL;
    Validation guesses = {0};
    const int64_t rows = config->val.images < targets->val.count ? config->val.images : targets->val.count;
    TRY(measure_guesses(targets, (int)rows, &guesses));
    if (!isnan(validation_figure(&guesses, metric)))
        return NULL;
    return status_error(EXIT_DATA,
                        "%s: val.metric = %s is not defined for the first %lld validation images: a class or label "
                        "occurs in none of them, or they are all alike%s; raise val.images, give other images, or "
                        "choose another figure",
                        targets->val.text, metric, (long long)rows,
                        targets->classes > 2 && figures_of(targets->task) == classification_figures
                            ? ", or it is for two classes alone"
                            : "");
}
