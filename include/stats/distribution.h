/* SPDX-License-Identifier: Apache-2.0 */
/* Tail probabilities. They keep their digits where they are tiny: P(T > 20) is as good as P(T > 1). */
#ifndef FOVEA_STATS_DISTRIBUTION_H
#define FOVEA_STATS_DISTRIBUTION_H

/* P(N > z) of the standard normal distribution, to 3e-14 of its value. */
double normal_above(double z);

/* P(T > t) of Student's distribution, to 1e-12 of its value; `freedom` above 0, need not be whole; INFINITY: the normal
 * distribution. NAN for other values. */
double student_above(double t, double freedom);

/* The regularised incomplete beta function I_x(a, b) for a, b > 0, up to 1e4 each, and x in [0, 1], to 1e-11 of its
 * value; `y` is 1 - x, given beside it because the difference would lose the digits of the smaller one. NAN for other
 * values. */
double beta_below(double a, double b, double x, double y);

#endif
