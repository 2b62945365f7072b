/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/distribution.h"

#include <float.h>
#include <math.h>

double normal_above(double z) {
    return 0.5 * erfc(z * M_SQRT1_2);
}

/* What Stirling's formula lacks of log Gamma (DLMF 5.11.1); from 20 on the first term left out is below 2e-15. */
static double stirling_rest(double z) {
    const double s = 1 / (z * z);
    return (1. / 12 - s * (1. / 360 - s * (1. / 1260 - s / 1680))) / z;
}

/* log Gamma(a + b) - log Gamma(a): for a large a the two logarithms are too large to be subtracted. */
static double log_gamma_rise(double a, double b) {
    int sign;
    if (a < 20)
        return lgamma_r(a + b, &sign) - lgamma_r(a, &sign);
    return (a + b - 0.5) * log1p(b / a) - b + b * log(a) + stirling_rest(a + b) - stirling_rest(a);
}

/* The continued fraction of DLMF 8.17.22 by Lentz's method (as modified by Thompson and Barnett 1986), for x below
 * (a + 1) / (a + b + 2), where it takes some sqrt(max(a, b)) terms. */
static double beta_fraction(double a, double b, double x) {
    const double tiny = DBL_MIN / DBL_EPSILON;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double fraction = d;
    for (int m = 1; m < 10000; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double factor = 1;
        for (int half = 0; half < 2; half++) {
            const double term = half ? odd : even;
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            factor = c * d;
            fraction *= factor;
        }
        if (fabs(factor - 1) < DBL_EPSILON)
            return fraction;
    }
    return NAN;
}

/* log of x^a y^b / (a B(a, b)); the logarithm of the larger of x and y comes from the smaller, whose digits are all
 * there. */
static double log_front(double a, double b, double x, double y) {
    int sign;
    const double log_x = x < y ? log(x) : log1p(-y), log_y = x < y ? log1p(-x) : log(y);
    const double rise = a > b ? log_gamma_rise(a, b) - lgamma_r(b, &sign) : log_gamma_rise(b, a) - lgamma_r(a, &sign);
    return a * log_x + b * log_y + rise - log(a);
}

double beta_below(double a, double b, double x, double y) {
    if (!(a > 0 && b > 0 && a <= 1e4 && b <= 1e4 && x >= 0 && y >= 0) || fabs(x + y - 1) > 1e-15)
        return NAN;
    if (x == 0 || y == 0)
        return x == 0 ? 0 : 1;
    if (x < (a + 1) / (a + b + 2))
        return exp(log_front(a, b, x, y)) * beta_fraction(a, b, x);
    return 1 - exp(log_front(b, a, y, x)) * beta_fraction(b, a, y);
}

/* From here on Student's distribution is taken as the normal one of a bent t, by Hill's series (Algorithm 395,
 * Communications of the ACM 1970), which leaves less than 1e-13: the fraction above takes 1 - t^2 / freedom as its
 * argument, which loses the digits of t. */
static const double NEARLY_NORMAL = 1e4;

static double bend_student(double t, double freedom) {
    const double a = freedom - 0.5, b = 48 * a * a, square = a * log1p(t * t / freedom);
    const double second = ((-0.4 * square - 3.3) * square - 24) * square - 85.5;
    return copysign(sqrt(square) * (1 + (square + 3 + second / (0.8 * square * square + 100 + b)) / b), t);
}

double student_above(double t, double freedom) {
    if (isnan(t) || !(freedom > 0))
        return NAN;
    if (freedom == INFINITY)
        return normal_above(t);
    if (isinf(t))
        return t > 0 ? 0 : 1;
    if (freedom >= NEARLY_NORMAL)
        return normal_above(bend_student(t, freedom));
    /* The shares that freedom and t^2 have in their sum. */
    const double squared = fabs(t) / freedom * fabs(t), x = 1 / (1 + squared);
    const double y = squared < 1 ? squared / (1 + squared) : 1 - x;
    const double tail = 0.5 * beta_below(freedom / 2, 0.5, x, y);
    return t > 0 ? tail : 1 - tail;
}
