/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/probe/tridiagonal.h"
#include "stats/probe/product.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Elements of a matrix from which on a second thread saves more than its start, some ten microseconds, costs; and
 * columns that one thread reflects. */
enum { WORTH_THREADS = 40000, COLUMNS = 64 };

/* Turns x[count] into v with v[0] = 1, for which (I - factor v v') x is (length, 0, 0, ...): returns the factor. */
static double find_reflection(double *x, int count, double *length) {
    const double rest = product_dot(x + 1, x + 1, count - 1), first = x[0];
    if (rest == 0) {
        *length = first;
        x[0] = 1;
        return 0;
    }
    /* Of the two reflections the one in whose first element nothing cancels. */
    *length = -copysign(sqrt(first * first + rest), first);
    const double v = first - *length;
    for (int i = 1; i < count; i++)
        x[i] /= v;
    x[0] = 1;
    return -v / *length;
}

/* matrix[from..][from..] = H matrix H, H = I - factor v v'; change[size] is scratch. */
static void reflect_both(double *matrix, int size, int from, const double *v, double factor, int threads,
                         double *change) {
    const int count = size - from;
    double *corner = matrix + (int64_t)from * size + from;
#pragma omp parallel for num_threads(threads) if (count * count > WORTH_THREADS)
    for (int i = 0; i < count; i++)
        change[i] = factor * product_dot(corner + (int64_t)i * size, v, count);
    const double share = factor / 2 * product_dot(change, v, count);
    for (int i = 0; i < count; i++)
        change[i] -= share * v[i];
#pragma omp parallel for num_threads(threads) if (count * count > WORTH_THREADS)
    for (int i = 0; i < count; i++) {
        double *row = corner + (int64_t)i * size;
        const double mine = v[i], other = change[i];
        for (int j = 0; j < count; j++)
            row[j] -= mine * change[j] + other * v[j];
    }
}

/* Some columns of turn = H_0 H_1 ... I, the last reflection first; that of column k of the matrix stands there. */
static void reflect_columns(const double *reflections, int size, const double *factors, int first, double *turn) {
    const int count = size - first < COLUMNS ? size - first : COLUMNS;
    for (int k = size - 3; k >= 0; k--) {
        const double *v = reflections + (int64_t)k * size;
        double sums[COLUMNS] = {0};
        for (int i = k + 1; i < size; i++)
            for (int j = 0; j < count; j++)
                sums[j] += v[i] * turn[(int64_t)i * size + first + j];
        for (int i = k + 1; i < size; i++) {
            const double share = factors[k] * v[i];
            for (int j = 0; j < count; j++)
                turn[(int64_t)i * size + first + j] -= share * sums[j];
        }
    }
}

/* The matrix is symmetric: its row k is its column k, and what is left of either once it was reduced keeps the
 * reflection. */
void tridiagonal_reduce(double *matrix, int size, int threads, double *turn, double *diagonal, double *next) {
    double *factors = diagonal; /* until the diagonal is read */
    double *change = turn;
    for (int k = 0; k < size - 2; k++) {
        double *v = matrix + (int64_t)k * size + k + 1;
        factors[k] = find_reflection(v, size - k - 1, &next[k]);
        if (factors[k] != 0)
            reflect_both(matrix, size, k + 1, v, factors[k], threads, change);
    }
    memset(turn, 0, (size_t)size * (size_t)size * sizeof *turn);
    for (int i = 0; i < size; i++)
        turn[(int64_t)i * size + i] = 1;
#pragma omp parallel for num_threads(threads) if (size * size > WORTH_THREADS)
    for (int first = 0; first < size; first += COLUMNS)
        reflect_columns(matrix, size, factors, first, turn);
    for (int k = 0; k < size; k++)
        diagonal[k] = matrix[(int64_t)k * size + k];
    if (size > 1)
        next[size - 2] = matrix[(int64_t)(size - 2) * size + size - 1];
    next[size - 1] = 0;
}

/* Rounding may leave T an eigenvalue a little under 0, so a pivot is kept positive: what is solved then is another
 * matrix, but a positive one. */
void tridiagonal_factor(const double *diagonal, const double *next, int size, double scale, double *pivots) {
    double before = 0, beside = 0;
    for (int j = 0; j < size; j++) {
        const double own = scale * diagonal[j] + 1, pivot = own - beside * beside * before;
        pivots[j] = 1 / fmax(pivot, 1e-12 * own);
        before = pivots[j];
        beside = scale * next[j];
    }
}

void tridiagonal_solve(const double *next, const double *pivots, int size, double scale, double *x) {
    for (int j = 1; j < size; j++)
        x[j] -= scale * next[j - 1] * pivots[j - 1] * x[j - 1];
    for (int j = size - 1; j >= 0; j--)
        x[j] = pivots[j] * (x[j] - (j + 1 < size ? scale * next[j] * x[j + 1] : 0));
}
