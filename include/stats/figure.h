/* SPDX-License-Identifier: Apache-2.0 */
/* Figures: named numbers that a measurement gives, NAN where one is not defined. Each kind of measurement lists its
 * figures once, as X(name, HIGHER), LOWER or NEITHER, which value of it is the better one; its struct and its table are
 * made from that list. docs/metrics.md defines each. */
#ifndef FOVEA_STATS_FIGURE_H
#define FOVEA_STATS_FIGURE_H

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Which of two values is the better one. */
typedef enum { FIGURE_HIGHER, FIGURE_LOWER, FIGURE_NEITHER } FigureBetter;

typedef struct {
    const char *name;
    size_t offset; /* of its double in the struct */
    FigureBetter better;
} Figure;

#define FIGURE_FIELD(name, better) double name;
#define FIGURE_OF(Figures, name, better) {#name, offsetof(Figures, name), FIGURE_##better},

/* The row with that name; NULL when there is none. */
static inline const Figure *figure_find(const Figure *table, const char *name) {
    for (const Figure *figure = table; figure->name; figure++)
        if (strcmp(figure->name, name) == 0)
            return figure;
    return NULL;
}

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
