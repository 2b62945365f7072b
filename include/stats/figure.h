/* SPDX-License-Identifier: Apache-2.0 */
/* Figures: named numbers that a measurement gives, NAN where one is not defined. Each kind of measurement lists its
 * figures once, as X(name, HIGHER, LOGIT): which value of it is the better one (LOWER, NEITHER), and the scale of its
 * interval; its struct and its table are made from that list. docs/metrics.md defines each. */
#ifndef FOVEA_STATS_FIGURE_H
#define FOVEA_STATS_FIGURE_H

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Which of two values is the better one. */
typedef enum { FIGURE_HIGHER, FIGURE_LOWER, FIGURE_NEITHER } FigureBetter;

/* The scale on which a figure is nearest to normal from one draw of people to the next. */
typedef enum {
    FIGURE_PLAIN,  /* its own */
    FIGURE_LOG,    /* log, of figures above 0 */
    FIGURE_LOGIT,  /* log(x / (1 - x)), of figures from 0 to 1 */
    FIGURE_FISHER, /* atanh, of figures from -1 to 1 */
    FIGURE_NONE    /* no interval of it is right */
} FigureScale;

typedef struct {
    const char *name;
    size_t offset; /* of its double in the struct */
    FigureBetter better;
    FigureScale scale;
} Figure;

#define FIGURE_FIELD(name, better, scale) double name;
#define FIGURE_OF(Figures, name, better, scale) {#name, offsetof(Figures, name), FIGURE_##better, FIGURE_##scale},

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
