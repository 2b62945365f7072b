/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals as bars within the cells of a table, all on one scale. */
#ifndef FOVEA_EVAL_SVG_FOREST_H
#define FOVEA_EVAL_SVG_FOREST_H

#include "eval/score/estimate.h"

#include <stdio.h>

typedef struct {
    double low, high; /* of everything that is drawn */
    double reference; /* chance, or no difference; NAN: none */
} Forest;

/* Starts with the reference alone, to be widened by all that will be drawn; forest_close() ends the scale on ticks. */
Forest forest_open(double reference);
void forest_add(Forest *forest, double value, const Interval *interval);
void forest_close(Forest *forest);

/* A value with its interval; nothing where it is NAN. */
void draw_forest_bar(FILE *out, const Forest *forest, double value, const Interval *interval);
/* The scale's ticks and numbers, for the table's foot. */
void draw_forest_axis(FILE *out, const Forest *forest);

#endif
