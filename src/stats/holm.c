/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/holm.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b) {
    const double x = **(double *const *)a, y = **(double *const *)b;
    return x < y ? -1 : x > y;
}

Status holm_adjust(const double *p, int count, double *adjusted) {
    double **order = malloc((size_t)(count + 1) * sizeof *order);
    int tests = 0;
    if (!order)
        return status_no_memory("a list of P values", (size_t)count * sizeof *order);
    for (int i = 0; i < count; i++) {
        adjusted[i] = p[i];
        if (!isnan(p[i]))
            order[tests++] = &adjusted[i];
    }
    qsort(order, (size_t)tests, sizeof *order, by_value);
    double least = 0;
    for (int i = 0; i < tests; i++) {
        least = fmax(least, fmin(1, (tests - i) * *order[i]));
        *order[i] = least;
    }
    free(order);
    return NULL;
}
