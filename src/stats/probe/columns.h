/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of labels, an output of a label set each, over the same rows: each fitted at each strength, its predictions
 * made and scored. */
#ifndef FOVEA_STATS_COLUMNS_H
#define FOVEA_STATS_COLUMNS_H

#include "stats/probe/rows.h"

#include <stdbool.h>

/* A column at a strength. */
typedef struct {
    int set, output, strength;
    double objective;
    double score;              /* on val */
    bool best;                 /* whether it is better than those of the strengths before */
    const double *predictions; /* [vals + tests][values], as ProbeResult's */
    int fitted;                /* logits: fewer than classes where train lacks some */
    const int *class_of;       /* [fitted], the class that a logit stands for; NULL for one logit */
    const double *turned;      /* [fitted][depth], weights of the turned rows, see columns_turn_back() */
    double mean;               /* of the train labels that were subtracted; 0 for classes */
} ColumnSolution;

/* Called for each column and strength, the strengths of a column in their order; of different columns at the same time,
 * from different threads. */
typedef Status (*ColumnKeep)(void *context, const Rows *rows, const ColumnSolution *solution);

/* EXIT_DATA when sizes, grid or split cannot be. */
Status columns_check(const ProbeInput *input) MUST_USE;

/* Of an input that was checked. labels[sets][rows][outputs]; the input's are not looked at. EXIT_DATA as probe_run().
 */
Status columns_run(const ProbeInput *input, const double *labels, int sets, ColumnKeep keep, void *context) MUST_USE;

/* weights[fitted][width] of standardised features, and intercepts[fitted], those of several logits with the mean 0. */
void columns_turn_back(const Rows *rows, const ColumnSolution *solution, double *weights, double *intercepts);

#endif
