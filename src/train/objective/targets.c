/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/targets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Task targets_task(const Config *config) {
    static const Task tasks[] = {[OBJECTIVE_MAE] = TASK_CLASSIFY, /* it has no head */
                                 [OBJECTIVE_CLASSIFY] = TASK_CLASSIFY,
                                 [OBJECTIVE_MULTILABEL] = TASK_MULTILABEL,
                                 [OBJECTIVE_REGRESS] = TASK_REGRESS,
                                 [OBJECTIVE_ORDINAL] = TASK_ORDINAL};
    return tasks[config->train.objective];
}

/* Each image has one class of several. */
static bool has_classes(Task task) {
    return task == TASK_CLASSIFY || task == TASK_ORDINAL;
}

int targets_classes(const Config *config) {
    int columns = 1;
    for (const char *at = config->data.label; *at; at++)
        columns += *at == ',';
    return !has_classes(targets_task(config)) ? columns : config->data.classes ? (int)config->data.classes : 2;
}

static Status no_memory(const char *what, size_t count) {
    return status_no_memory(what, count * sizeof(double));
}

/* --- What each label may be --- */

static Status refuse_value(const Labels *labels, const Records *records, int64_t record, int column, const char *why) {
    return status_error(EXIT_DATA, "%s: %s is %g for %s, %s (data.label)", labels->text, labels->names[column],
                        (double)labels->values[record * labels->columns + column], records_path(records, record), why);
}

static Status check_values(const Targets *targets, const Labels *labels, const Records *records, int64_t most) {
    for (int64_t r = 0; r < labels->count; r++)
        for (int i = 0; i < labels->columns; i++) {
            const float value = labels->values[r * labels->columns + i];
            if (isnan(value))
                continue;
            if (!isfinite(value))
                return refuse_value(labels, records, r, i, "which is not finite; correct it, or leave it empty");
            if (targets->task == TASK_MULTILABEL && value != 0 && value != 1)
                return refuse_value(labels, records, r, i, "where multilabel takes 0 or 1; use classify or regress");
            if (has_classes(targets->task) && (value < 0 || value != floorf(value)))
                return refuse_value(labels, records, r, i,
                                    "which is no class; number them from 0, or use train.objective = regress");
            if (has_classes(targets->task) && value >= (float)most)
                return refuse_value(labels, records, r, i,
                                    "but the classes end before it; raise data.classes, or label training images so");
        }
    return NULL;
}

/* --- Classes --- */

enum { MOST_CLASSES = 100000 };

static int find_largest_class(const Labels *labels) {
    float largest = 0;
    for (int64_t r = 0; r < labels->count; r++)
        if (labels->values[r] > largest)
            largest = labels->values[r];
    return (int)largest;
}

static void count_classes(const Labels *labels, int64_t *counts) {
    for (int64_t r = 0; r < labels->count; r++)
        if (labels_has(labels, r, 0))
            counts[(int)labels->values[r]]++;
}

static Status check_counts(const Config *config, const Targets *targets, const int64_t *counts) {
    int filled = 0, gap = -1;
    for (int c = 0; c < targets->classes; c++) {
        filled += counts[c] > 0;
        if (!counts[c] && gap < 0)
            gap = c;
    }
    if (filled < 2)
        return status_error(EXIT_DATA,
                            "%s: %s has the same class in all training images, so that there is nothing to learn; use "
                            "another data.label or other images",
                            targets->train.text, targets->train.names[0]);
    if (gap >= 0 && !config->data.classes)
        return status_error(
            EXIT_DATA,
            "%s: no training image has class %d of %s, but one has class %d; number the classes without "
            "gaps, or set data.classes",
            targets->train.text, gap, targets->train.names[0], targets->classes - 1);
    return NULL;
}

/* Rare classes weigh more: classify by images / (classes x images of the class). In ordinal, output k says whether the
 * class exceeds k. */
static void weigh_classes(Targets *targets, const int64_t *counts) {
    double all = 0, above = 0;
    int filled = 0;
    for (int c = 0; c < targets->classes; c++) {
        all += (double)counts[c];
        filled += counts[c] > 0;
    }
    for (int c = targets->classes - 1; c >= 0; c--) {
        if (targets->task == TASK_CLASSIFY)
            targets->weights[c] = counts[c] ? (float)(all / (filled * (double)counts[c])) : 1;
        else if (c < targets->classes - 1)
            targets->weights[c] = above > 0 && above < all ? (float)((all - above) / above) : 1;
        above += (double)counts[c];
    }
}

static Status open_classes(const Config *config, Targets *targets, const Records *records) {
    TRY(check_values(targets, &targets->train, records, config->data.classes ? config->data.classes : MOST_CLASSES));
    targets->classes = config->data.classes ? (int)config->data.classes : 1 + find_largest_class(&targets->train);
    int64_t *counts = calloc((size_t)targets->classes, sizeof *counts);
    if (!counts)
        return no_memory("the counts of classes", (size_t)targets->classes);
    count_classes(&targets->train, counts);
    Status status = check_counts(config, targets, counts);
    if (!status && targets->weights)
        weigh_classes(targets, counts);
    free(counts);
    return status;
}

/* --- Columns of their own --- */

typedef struct {
    double count, sum, least, most;
} ColumnFigures;

static ColumnFigures measure_column(const Labels *labels, int column) {
    ColumnFigures figures = {.least = INFINITY, .most = -INFINITY};
    for (int64_t r = 0; r < labels->count; r++)
        if (labels_has(labels, r, column)) {
            const double value = labels->values[r * labels->columns + column];
            figures.count++;
            figures.sum += value;
            figures.least = value < figures.least ? value : figures.least;
            figures.most = value > figures.most ? value : figures.most;
        }
    return figures;
}

static double deviation(const Labels *labels, int column, double mean, double count) {
    double squares = 0;
    for (int64_t r = 0; r < labels->count; r++)
        if (labels_has(labels, r, column)) {
            const double difference = labels->values[r * labels->columns + column] - mean;
            squares += difference * difference;
        }
    return sqrt(squares / count);
}

static void standardise(Labels *labels, const Targets *targets) {
    for (int64_t r = 0; r < labels->count; r++)
        for (int i = 0; i < labels->columns; i++) {
            float *value = &labels->values[r * labels->columns + i];
            *value = (float)((*value - targets->mean[i]) / targets->sd[i]);
        }
}

static Status open_columns(Targets *targets, const Records *records) {
    Labels *labels = &targets->train;
    targets->classes = labels->columns;
    TRY(check_values(targets, labels, records, 0));
    for (int i = 0; i < labels->columns; i++) {
        const ColumnFigures figures = measure_column(labels, i);
        if (!(figures.least < figures.most))
            return status_error(EXIT_DATA,
                                "%s: %s is %s in all training images, so that there is nothing to learn; leave it out "
                                "of data.label",
                                labels->text, labels->names[i], figures.count ? "the same" : "not known");
        targets->mean[i] = figures.sum / figures.count;
        targets->sd[i] = deviation(labels, i, targets->mean[i], figures.count);
        if (targets->weights)
            targets->weights[i] = (float)((figures.count - figures.sum) / figures.sum);
    }
    return NULL;
}

/* --- All of it --- */

static Status balance_classes(const Targets *targets, Records *records) {
    const Labels *labels = &targets->train;
    int32_t *group_of = malloc((size_t)labels->count * sizeof *group_of);
    if (!group_of)
        return no_memory("the groups of records", (size_t)labels->count);
    for (int64_t r = 0; r < labels->count; r++)
        group_of[r] = labels_has_any(labels, r) ? (int32_t)labels->values[r] : -1;
    Status status = records_group(records, group_of, targets->classes);
    free(group_of);
    return status;
}

static Status leave_out_unknown(const Targets *targets, Records *records) {
    const Labels *labels = &targets->train;
    bool all = true, *shown = malloc((size_t)labels->count * sizeof *shown);
    if (!shown)
        return no_memory("which records are shown", (size_t)labels->count);
    for (int64_t r = 0; r < labels->count; r++)
        all &= shown[r] = labels_has_any(labels, r);
    Status status = all ? NULL : records_leave_out(records, shown);
    free(shown);
    return status_code(status) == EXIT_USAGE ? status_append(status, " (data.weights)") : status;
}

/* A validation takes the first images alone. */
static Status check_seen(const Config *config, const Labels *val) {
    const int64_t seen = config->val.images < val->count ? config->val.images : val->count;
    for (int64_t r = 0; r < seen; r++)
        if (labels_has_any(val, r))
            return NULL;
    return status_error(
        EXIT_DATA,
        "%s: none of the first %lld validation images has a label %s; raise val.images, or label some of "
        "them",
        val->text, (long long)seen, val->names[0]);
}

static Status read_labels(const Config *config, const Records *records, const double *given, Labels *labels) {
    return given ? labels_take(records, config->data.label, given, labels)
                 : labels_open(records, config->data.label, labels);
}

static Status open_val(const Config *config, const Records *val, const double *given, Targets *targets) {
    if (!val->count)
        return NULL;
    TRY(status_append(read_labels(config, val, given, &targets->val), " (data.label, data.val)"));
    TRY(check_values(targets, &targets->val, val, targets->classes));
    TRY(check_seen(config, &targets->val));
    return labels_check_disjoint(&targets->train, &targets->val);
}

static Status open_targets(const Config *config, Records *train, const Records *val, const double *given,
                           Targets *targets) {
    TRY(status_append(read_labels(config, train, given, &targets->train), " (data.label, data.train)"));
    const size_t columns = (size_t)targets->train.columns;
    const size_t outputs = has_classes(targets->task) ? (size_t)MOST_CLASSES : columns;
    targets->mean = calloc(columns, sizeof *targets->mean);
    targets->sd = calloc(columns, sizeof *targets->sd);
    if (config->train.class_weights && targets->task != TASK_REGRESS)
        targets->weights = calloc(outputs, sizeof *targets->weights);
    if (!targets->mean || !targets->sd ||
        (config->train.class_weights && targets->task != TASK_REGRESS && !targets->weights))
        return no_memory("the labels' figures", outputs);
    if (has_classes(targets->task))
        TRY(open_classes(config, targets, train));
    else
        TRY(open_columns(targets, train));
    TRY(open_val(config, val, given, targets));
    TRY(config->data.balance ? balance_classes(targets, train) : leave_out_unknown(targets, train));
    if (targets->task != TASK_REGRESS)
        return NULL;
    standardise(&targets->train, targets);
    standardise(&targets->val, targets);
    return NULL;
}

Status targets_open(const Config *config, Records *train, const Records *val, const double *given, Targets *targets) {
    *targets = (Targets){.task = targets_task(config)};
    Status status = open_targets(config, train, val, given, targets);
    if (status)
        targets_close(targets);
    return status;
}

void targets_close(Targets *targets) {
    labels_close(&targets->train);
    labels_close(&targets->val);
    free(targets->weights);
    free(targets->mean);
    free(targets->sd);
    *targets = (Targets){0};
}
