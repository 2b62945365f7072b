/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score/comparison.h"
#include "eval/score/measure.h"
#include "stats/bootstrap.h"
#include "stats/distribution.h"
#include "stats/holm.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Two predictions of the same images; thresholds are chosen on val for each by itself. */
typedef struct {
    Selection images[2], val[2];
    Measure measure[2];
} Pair;

static void close_pair(Pair *pair) {
    for (int i = 0; i < 2; i++) {
        measure_close(&pair->measure[i]);
        selection_free(&pair->images[i]);
        selection_free(&pair->val[i]);
    }
}

static Status open_pair(const ScoresInput *in, const double *other, Pair *pair) {
    *pair = (Pair){0};
    for (int i = 0; i < 2; i++) {
        const double *predictions = i ? other : in->predictions;
        ThresholdFigures thresholds;
        TRY(selection_open(in->rows, in->rows->labels, predictions, PROBE_TEST, NULL, &pair->images[i]));
        TRY(selection_open(in->rows, in->rows->labels, predictions, PROBE_VAL, NULL, &pair->val[i]));
        TRY(measure_thresholds(&pair->val[i], &thresholds));
        TRY(measure_open(&pair->images[i], &thresholds, in->metric->name, &pair->measure[i]));
    }
    return NULL;
}

/* A bootstrap's replicate. */
static Status measure_difference(const void *context, const int32_t *times, double *values) {
    const Pair *pair = context;
    double first, other;
    TRY(measure_count(&pair->measure[0], times, &first));
    TRY(measure_count(&pair->measure[1], times, &other));
    *values = other - first;
    return NULL;
}

/* An AUROC of one label is drawn within strata, as its own interval is; NULL for others. */
static Status find_strata(const ScoresInput *in, const Selection *s, uint8_t **positive) {
    *positive = NULL;
    if (strcmp(in->metric->name, "auroc"))
        return NULL;
    *positive = malloc((size_t)s->count + 1);
    if (!*positive)
        return status_no_memory("labels", (size_t)s->count);
    for (int64_t i = 0; i < s->count; i++)
        (*positive)[i] = s->labels[i] == 1;
    return NULL;
}

static bool are_zero(const double *values, int count) {
    for (int i = 0; i < count; i++)
        if (values[i] != 0 && !isnan(values[i]))
            return false;
    return true;
}

static void take_interval(double *replicates, int count, Comparison *c) {
    static const char *const method = "bootstrap of people, paired";
    if (c->difference == 0 && are_zero(replicates, count)) {
        c->interval = (Interval){method, 0, 0, 0};
        c->p = 1;
        return;
    }
    const BootstrapInterval b = bootstrap_interval(FIGURE_PLAIN, c->difference, 0, replicates, count);
    if (isnan(b.low)) {
        c->reason = "replicates that are equal or not defined";
        return;
    }
    c->interval = (Interval){method, b.low, b.high, b.error};
    c->p = 2 * normal_above(fabs(c->difference) / b.error);
}

static Status draw_differences(const ScoresInput *in, const Pair *pair, Comparison *c) {
    const Selection *s = &pair->images[0];
    const int count = in->resampling.bootstraps;
    uint8_t *positive;
    TRY(find_strata(in, s, &positive));
    double *replicates = malloc((size_t)count * sizeof *replicates);
    Status status = replicates ? NULL : status_no_memory("a bootstrap", (size_t)count * sizeof *replicates);
    if (!status)
        status = bootstrap_run(&(Bootstrap){.people = s->person,
                                            .positive = positive,
                                            .rows = s->count,
                                            .replicates = count,
                                            .seed = in->resampling.seed,
                                            .threads = in->resampling.threads},
                               measure_difference, pair, 1, replicates);
    if (!status)
        take_interval(replicates, count, c);
    free(positive);
    free(replicates);
    return status;
}

/* Why the people do not allow an interval; NULL: they do. */
static Status check_people(const ScoresInput *in, const Selection *s, int64_t people, const char **reason) {
    int64_t of_class[2];
    *reason = people < 0 ? "the people of some images are not known" : people < 2 ? "fewer than 2 people" : NULL;
    if (*reason || strcmp(in->metric->name, "auroc"))
        return NULL;
    TRY(selection_count_classes(s, 1, of_class));
    if (of_class[0] < 2 || of_class[1] < 2)
        *reason = "fewer than 2 people in a class";
    return NULL;
}

static Status compare_pair(const ScoresInput *in, const Pair *pair, Comparison *c) {
    TRY(measure_count(&pair->measure[0], NULL, &c->first));
    TRY(measure_count(&pair->measure[1], NULL, &c->other));
    c->difference = c->other - c->first;
    c->images = pair->images[0].count;
    TRY(selection_count_people(&pair->images[0], &c->people));
    if (isnan(c->difference)) {
        c->reason = "the metric is not defined of these images";
        return NULL;
    }
    TRY(check_people(in, &pair->images[0], c->people, &c->reason));
    return c->reason ? NULL : draw_differences(in, pair, c);
}

Status comparison_measure(const ScoresInput *input, const double *other, Comparison *comparison) {
    *comparison = (Comparison){NAN, NAN, NAN, {NULL, NAN, NAN, NAN}, NAN, NAN, NULL, 0, 0};
    Pair pair;
    Status status = open_pair(input, other, &pair);
    if (!status)
        status = compare_pair(input, &pair, comparison);
    comparison->adjusted = comparison->p;
    close_pair(&pair);
    return status;
}

Status comparisons_adjust(Comparison *list, int count) {
    double *p = calloc((size_t)(2 * count + 1), sizeof *p), *adjusted = p + count;
    if (!p)
        return status_no_memory("a list of P values", (size_t)(2 * count) * sizeof *p);
    for (int i = 0; i < count; i++)
        p[i] = list[i].p;
    Status status = holm_adjust(p, count, adjusted);
    for (int i = 0; i < count && !status; i++)
        list[i].adjusted = adjusted[i];
    free(p);
    return status;
}
