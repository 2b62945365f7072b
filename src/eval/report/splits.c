/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report/splits.h"
#include "eval/score/selection.h"

#include <math.h>
#include <stdlib.h>

const char *split_name(ProbeSplit split) {
    return split == PROBE_TRAIN ? "train" : split == PROBE_VAL ? "val" : "test";
}

/* Counts a row's labels; false where none is known. */
static bool take_labels(const EvalRows *rows, int64_t row, Split *split) {
    bool known = false;
    for (int output = 0; output < rows->outputs; output++) {
        const double label = rows->labels[row * rows->outputs + output];
        if (isnan(label))
            continue;
        known = true;
        if (rows->kind == EVAL_REGRESSION) {
            /* Welford's: stable for values far from 0. */
            const double step = label - split->mean, n = (double)(split->images + 1);
            split->mean += step / n;
            split->deviation += step * (label - split->mean);
        } else if (rows->kind == EVAL_MULTILABEL) {
            split->classes[output] += label == 1;
        } else {
            split->classes[(int)label]++;
        }
    }
    return known;
}

static Status count_split(const EvalRows *rows, ProbeSplit which, int64_t *person, Split *split) {
    const bool numbers = rows->kind == EVAL_REGRESSION;
    if (!numbers) {
        split->class_count = rows->kind == EVAL_MULTILABEL ? rows->outputs : rows->classes;
        split->classes = calloc((size_t)split->class_count, sizeof *split->classes);
        if (!split->classes)
            return status_no_memory("a split's classes", (size_t)split->class_count * sizeof *split->classes);
    }
    for (int64_t row = 0; row < rows->count; row++)
        if (rows->split[row] == which && take_labels(rows, row, split))
            person[split->images++] = rows->person[row];
    split->mean = numbers && split->images ? split->mean : NAN;
    split->deviation = numbers && split->images > 1 ? sqrt(split->deviation / (double)(split->images - 1)) : NAN;
    return selection_count_people(&(Selection){.rows = rows, .count = split->images, .person = person}, &split->people);
}

Status splits_count(const EvalRows *rows, Split splits[SPLITS]) {
    const size_t room = (size_t)(rows->count + 1) * sizeof(int64_t);
    int64_t *person = malloc(room);
    Status status = person ? NULL : status_no_memory("the people of a split", room);
    for (int i = 0; i < SPLITS; i++) {
        splits[i] = (Split){0};
        if (!status)
            status = count_split(rows, (ProbeSplit)i, person, &splits[i]);
    }
    free(person);
    return status;
}

void splits_free(Split splits[SPLITS]) {
    for (int i = 0; i < SPLITS; i++)
        free(splits[i].classes);
}
