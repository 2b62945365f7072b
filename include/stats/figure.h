/* SPDX-License-Identifier: Apache-2.0 */
/* Figures: named numbers that a measurement gives, NAN where one is not defined. Each kind of measurement lists its
 * figures once, as X(name); its struct and its table of names are made from that list. docs/metrics.md defines each. */
#ifndef FOVEA_STATS_FIGURE_H
#define FOVEA_STATS_FIGURE_H

#include <math.h>
#include <stddef.h>

typedef struct {
    const char *name;
    size_t offset; /* of its double in the struct */
} Figure;

#define FIGURE_FIELD(name) double name;

/* Sets every figure of `table`, which a row without a name ends, to not defined. */
static inline void figures_clear(void *figures, const Figure *table) {
    for (const Figure *figure = table; figure->name; figure++)
        *(double *)((char *)figures + figure->offset) = NAN;
}

/* The value of `figure` in the struct that its table belongs to. */
static inline double figure_value(const void *figures, const Figure *figure) {
    return *(const double *)((const char *)figures + figure->offset);
}

#endif
