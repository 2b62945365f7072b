/* SPDX-License-Identifier: Apache-2.0 */
/* What a validation finds. */
#ifndef FOVEA_TRAIN_VALIDATION_H
#define FOVEA_TRAIN_VALIDATION_H

#include "rundir/metrics.h"
#include <math.h>
#include <string.h>

enum { VALIDATION_FIGURES = 128 };

typedef struct {
    double loss;
    MetricsFigure figures[VALIDATION_FIGURES]; /* [count]; NAN: not defined for these images */
    int count;
} Validation;

/* The figure with that name; NAN when there is none. */
static inline double validation_figure(const Validation *validation, const char *name) {
    for (int i = 0; i < validation->count; i++)
        if (strcmp(validation->figures[i].name, name) == 0)
            return validation->figures[i].value;
    return NAN;
}

#endif
