/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/ridge.h"
#include "stats/dense.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct {
    double *centred;  /* [rows][width] */
    double *means;    /* [width], of the features */
    double *products; /* [width][width], of the centred features */
    double *target;   /* [width], of the centred features with the centred labels */
    double *factor;   /* [width][width], lower triangle */
    double *chunk;    /* [rows][CHUNK], columns of `centred` */
    double *gathered; /* [CHUNK][width + 1] */
    double label_mean;
} Work;

enum { CHUNK = 16 };

static void free_work(Work *w) {
    free(w->centred);
    free(w->means);
    free(w->products);
    free(w->target);
    free(w->factor);
    free(w->chunk);
    free(w->gathered);
}

static Status allocate_work(const RidgeInput *in, Work *w) {
    const size_t rows = (size_t)in->rows, width = (size_t)in->width, real = sizeof(double);
    *w = (Work){.centred = calloc(rows, width * real + 1),
                .means = calloc(width + 1, real),
                .products = calloc(width, width * real + 1),
                .target = calloc(width + 1, real),
                .factor = calloc(width, width * real + 1),
                .chunk = calloc(rows, CHUNK * real),
                .gathered = calloc(width + 1, CHUNK * real)};
    return w->centred && w->means && w->products && w->target && w->factor && w->chunk && w->gathered
               ? NULL
               : status_no_memory("a ridge regression", (rows + 2 * width) * width * real);
}

static void center_rows(const RidgeInput *in, Work *w) {
    const int width = in->width;
    for (int64_t i = 0; i < in->rows; i++) {
        w->label_mean += in->labels[i] / (double)in->rows;
        for (int j = 0; j < width; j++)
            w->means[j] += in->features[i * width + j];
    }
    for (int j = 0; j < width; j++)
        w->means[j] /= (double)in->rows;
    for (int64_t i = 0; i < in->rows; i++)
        for (int j = 0; j < width; j++)
            w->centred[i * width + j] = in->features[i * width + j] - w->means[j];
}

/* Some columns at a time, as weights of all. */
static void multiply_columns(const RidgeInput *in, Work *w) {
    const int width = in->width;
    for (int from = 0; from < width; from += CHUNK) {
        const int count = width - from < CHUNK ? width - from : CHUNK;
        for (int64_t i = 0; i < in->rows; i++)
            for (int k = 0; k < count; k++)
                w->chunk[i * count + k] = w->centred[i * width + from + k];
        dense_gather(w->centred, in->rows, width, w->chunk, count, in->threads, w->gathered);
        for (int k = 0; k < count; k++)
            for (int j = 0; j < width; j++)
                w->products[(int64_t)(from + k) * width + j] = w->gathered[(int64_t)k * (width + 1) + j];
    }
    for (int64_t i = 0; i < in->rows; i++)
        w->chunk[i] = in->labels[i] - w->label_mean;
    dense_gather(w->centred, in->rows, width, w->chunk, 1, in->threads, w->gathered);
    for (int j = 0; j < width; j++)
        w->target[j] = w->gathered[j];
}

/* products + alpha I = L L'; false when that is not positive to rounding. */
static bool factorise(const Work *w, int width, double alpha, int threads) {
    double *factor = w->factor;
    for (int j = 0; j < width; j++) {
        double *row = factor + (int64_t)j * width;
        const double *own = w->products + (int64_t)j * width;
        const double square = own[j] + alpha - dense_dot(row, row, j);
        if (!(square > 0))
            return false;
        row[j] = sqrt(square);
#pragma omp parallel for num_threads(threads) if (width - j > 256)
        for (int i = j + 1; i < width; i++) {
            double *below = factor + (int64_t)i * width;
            below[j] = (own[i] - dense_dot(below, row, j)) / row[j];
        }
    }
    return true;
}

static void solve(const Work *w, int width, double *x) {
    for (int i = 0; i < width; i++) {
        const double *row = w->factor + (int64_t)i * width;
        x[i] = (w->target[i] - dense_dot(row, x, i)) / row[i];
    }
    for (int i = width - 1; i >= 0; i--) {
        const double *row = w->factor + (int64_t)i * width;
        x[i] /= row[i];
        for (int j = 0; j < i; j++)
            x[j] -= row[j] * x[i];
    }
}

static double measure_objective(const RidgeInput *in, Work *w, double alpha, const double *weights) {
    double sum = alpha * dense_dot(weights, weights, in->width);
    dense_project(in->features, in->rows, in->width, weights, 1, in->threads, w->chunk);
    for (int64_t i = 0; i < in->rows; i++)
        sum += (w->chunk[i] - in->labels[i]) * (w->chunk[i] - in->labels[i]);
    return sum;
}

Status ridge_fit(const RidgeInput *in, double *weights, double *objectives) {
    Work w;
    Status status = allocate_work(in, &w);
    if (!status) {
        center_rows(in, &w);
        multiply_columns(in, &w);
    }
    for (int a = 0; a < in->count && !status; a++) {
        double *x = weights + (int64_t)a * (in->width + 1);
        if (!factorise(&w, in->width, in->alphas[a], in->threads)) {
            status = status_error(EXIT_DATA,
                                  "ridge regression at alpha %g: the features are too alike; take a larger "
                                  "alpha",
                                  in->alphas[a]);
            break;
        }
        solve(&w, in->width, x);
        x[in->width] = w.label_mean - dense_dot(w.means, x, in->width);
        objectives[a] = measure_objective(in, &w, in->alphas[a], x);
    }
    free_work(&w);
    return status;
}
