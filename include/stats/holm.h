/* SPDX-License-Identifier: Apache-2.0 */
/* Several tests at once (Holm, Scandinavian Journal of Statistics 1979). */
#ifndef FOVEA_STATS_HOLM_H
#define FOVEA_STATS_HOLM_H

#include "base/status.h"

/* adjusted[count]: below 0.05 in one or more tests of which none should be with a probability of at most 0.05. The
 * smallest of n is n times as large, the next n - 1 times, and so on; none is over 1 or below one before it. NAN is no
 * test and stays. */
Status holm_adjust(const double *p, int count, double *adjusted) MUST_USE;

#endif
