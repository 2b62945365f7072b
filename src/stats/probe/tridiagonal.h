/* SPDX-License-Identifier: Apache-2.0 */
/* Tridiagonal matrices: a symmetric matrix turned into one (Householder 1958), and their equations. */
#ifndef FOVEA_STATS_TRIDIAGONAL_H
#define FOVEA_STATS_TRIDIAGONAL_H

/* matrix[size][size] = Q T Q', Q orthogonal: turn[size][size] gets Q, diagonal[size] and next[size] T, next[j] standing
 * beside diagonal[j] and diagonal[j + 1], the last 0. The matrix is overwritten. The same bits for any number of
 * threads. */
void tridiagonal_reduce(double *matrix, int size, int threads, double *turn, double *diagonal, double *next);

/* Prepares scale * T + I, T positive semidefinite: pivots[size] of its factors, as their reciprocals. */
void tridiagonal_factor(const double *diagonal, const double *next, int size, double scale, double *pivots);

/* Solves (scale * T + I) x = x in place. */
void tridiagonal_solve(const double *next, const double *pivots, int size, double scale, double *x);

#endif
