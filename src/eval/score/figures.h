/* SPDX-License-Identifier: Apache-2.0 */
/* The figures that a kind of task has. */
#ifndef FOVEA_EVAL_FIGURES_H
#define FOVEA_EVAL_FIGURES_H

#include "eval/rows.h"
#include "stats/figure.h"

/* What measures a figure. */
typedef enum {
    SOURCE_CLASSES,        /* classification.h */
    SOURCE_EACH_CLASS,     /* the same, auroc_of_class */
    SOURCE_CALIBRATION,    /* calibration.h, of EVAL_BINARY */
    SOURCE_THRESHOLDS,     /* threshold.h, of EVAL_BINARY */
    SOURCE_BENEFIT,        /* threshold.h's net benefit of the model, */
    SOURCE_BENEFIT_OF_ALL, /* of calling everyone positive */
    SOURCE_LABELS,         /* multilabel.h */
    SOURCE_EACH_LABEL,     /* the same, auroc_of_label */
    SOURCE_NUMBERS         /* regression.h */
} FigureSource;

typedef struct {
    const char *name;
    FigureSource source;
    size_t offset; /* of its double in the source's struct */
    FigureBetter better;
    FigureScale scale;
    double chance; /* as in main_metric.h */
    int part;      /* the class or label that it is of; -1: of all together */
    double at;     /* the threshold probability of a net benefit; else NAN */
} ScoreFigure;

/* All figures of that kind of task, the caller's. */
Status figures_list(const EvalRows *rows, ScoreFigure **list, int *count) MUST_USE;

#endif
