/* SPDX-License-Identifier: Apache-2.0 */
/* A pass over the rows, which answers several descents at once. */
#ifndef FOVEA_STATS_PASS_H
#define FOVEA_STATS_PASS_H

#include "stats/probe/descent.h"

/* One of those that ask. */
typedef struct {
    Descent *descent;
    double *guesses; /* [vals + tests][logits], gets the logits of these rows at asked[]; NULL: not wanted. Those that
                        are wanted come first */
} Asking;

/* Memory of passes, kept from one to the next. */
typedef struct Pass Pass;

Status pass_open(const Rows *rows, int threads, Pass **pass) MUST_USE;
void pass_close(Pass *pass);

/* Fills answer[] of each descent, `sums` of those that asked for a measurement, and the wanted guesses. The same bits
 * for any number of threads and whoever else asks: rows are summed in slices that depend on their number alone. */
Status pass_run(Pass *pass, const Asking *asking, int count) MUST_USE;

#endif
