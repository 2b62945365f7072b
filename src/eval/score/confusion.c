/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score/confusion.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Of all classes; of equal probabilities the first. */
static void count_classes(const Selection *s, Confusion *c) {
    for (int64_t i = 0; i < s->count; i++) {
        const double *p = s->predictions + i * c->classes;
        int best = 0;
        for (int k = 1; k < c->classes; k++)
            if (p[k] > p[best])
                best = k;
        c->counts[(int)s->labels[i] * c->classes + best]++;
    }
}

/* Of a label of yes or no; `above`: a prediction is positive only above the threshold. */
static void count_calls(const Selection *s, int column, double threshold, bool above, Confusion *c) {
    const int outputs = s->rows->outputs;
    for (int64_t i = 0; i < s->count; i++) {
        const double label = s->labels[i * outputs + column], p = s->predictions[i * outputs + column];
        if (!isnan(label))
            c->counts[(label == 1) * 2 + (above ? p > threshold : p >= threshold)]++;
    }
}

static Status add_confusion(Confusion *list, int *count, const char *rule, int part, int classes) {
    Confusion *c = &list[(*count)++];
    *c = (Confusion){rule, part, classes, calloc((size_t)classes * (size_t)classes, sizeof *c->counts)};
    return c->counts ? NULL : status_no_memory("a confusion matrix", (size_t)classes * (size_t)classes * 8);
}

static Status count_binary(const Selection *s, const ThresholdFigures *thresholds, Confusion *list, int *count) {
    TRY(add_confusion(list, count, "most probable", -1, 2));
    count_calls(s, 0, 0.5, true, &list[0]);
    const struct {
        const char *rule;
        double at;
    } chosen[] = {{"threshold_youden", thresholds->threshold_youden},
                  {"threshold_spec90", thresholds->threshold_spec90}};
    for (int i = 0; i < 2; i++) {
        if (isnan(chosen[i].at))
            continue;
        TRY(add_confusion(list, count, chosen[i].rule, -1, 2));
        count_calls(s, 0, chosen[i].at, false, &list[*count - 1]);
    }
    return NULL;
}

Status confusions_measure(const Selection *s, const ThresholdFigures *thresholds, Confusion **list, int *count) {
    const int room = s->rows->outputs > 3 ? s->rows->outputs : 3;
    *count = 0;
    *list = calloc((size_t)room, sizeof **list);
    if (!*list)
        return status_no_memory("confusion matrices", (size_t)room * sizeof **list);
    switch (s->rows->kind) {
    case EVAL_BINARY:
        return count_binary(s, thresholds, *list, count);
    case EVAL_MULTICLASS:
    case EVAL_ORDINAL:
        TRY(add_confusion(*list, count, "most probable", -1, s->rows->classes));
        count_classes(s, &(*list)[0]);
        return NULL;
    case EVAL_MULTILABEL:
        for (int output = 0; output < s->rows->outputs; output++) {
            TRY(add_confusion(*list, count, "p >= 0.5", output, 2));
            count_calls(s, output, 0.5, false, &(*list)[output]);
        }
        return NULL;
    case EVAL_REGRESSION:
        break;
    }
    return NULL;
}

void confusions_free(Confusion *list, int count) {
    for (int i = 0; i < count; i++)
        free(list[i].counts);
    free(list);
}
