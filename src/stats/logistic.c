/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/logistic.h"
#include "stats/dense.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 200, MOST_PRODUCTS = 2000, MOST_HALVINGS = 60 };
static const double CONVERGED = 1e-12; /* of the objective, what the last step promises */
static const double ROUNDING = 1e-11;  /* of the objective: a smaller gain cannot be measured, so it is believed */
static const double ARMIJO = 1e-4;     /* share of the promised gain that a step must bring */

typedef struct {
    const LogisticInput *in;
    double c;
    int64_t size;                                             /* of a vector of weights */
    double *weights;                                          /* [logits][width + 1], the caller's */
    double *logits;                                           /* [rows][logits] */
    double *probability;                                      /* [rows][logits] */
    double *change;                                           /* [rows][logits], what a direction does to the logits */
    double *rows;                                             /* [rows][logits], weights of the rows in a sum */
    double *curvature;                                        /* [logits], sum of p (1 - p) */
    double *gradient, *step, *residual, *direction, *product; /* [size] */
} Fit;

static void free_fit(Fit *f) {
    free(f->logits);
    free(f->curvature);
    free(f->gradient);
}

static Status allocate_fit(Fit *f) {
    const size_t cells = (size_t)f->in->rows * (size_t)f->in->logits, size = (size_t)f->size;
    f->logits = malloc((4 * cells + 1) * sizeof(double));
    f->curvature = malloc((size_t)f->in->logits * sizeof(double));
    f->gradient = malloc(5 * size * sizeof(double));
    if (!f->logits || !f->curvature || !f->gradient)
        return status_no_memory("a logistic regression", (4 * cells + 5 * size) * sizeof(double));
    f->probability = f->logits + cells;
    f->change = f->logits + 2 * cells;
    f->rows = f->logits + 3 * cells;
    f->step = f->gradient + size;
    f->residual = f->gradient + 2 * size;
    f->direction = f->gradient + 3 * size;
    f->product = f->gradient + 4 * size;
    return NULL;
}

/* --- The objective ------------------------------------------------------------------------------------------------ */

/* The sum of log losses of logits + share * change. */
static double sum_losses(const Fit *f, double share) {
    const int count = f->in->logits;
    double sum = 0;
    for (int64_t i = 0; i < f->in->rows; i++) {
        const double *z = f->logits + i * count, *d = f->change + i * count;
        const int label = f->in->labels[i];
        if (count == 1) {
            const double logit = z[0] + share * d[0];
            sum += fmax(logit, 0) + log1p(exp(-fabs(logit))) - (label ? logit : 0);
            continue;
        }
        double most = -INFINITY, total = 0;
        for (int k = 0; k < count; k++)
            most = fmax(most, z[k] + share * d[k]);
        for (int k = 0; k < count; k++)
            total += exp(z[k] + share * d[k] - most);
        sum += most + log(total) - (z[label] + share * d[label]);
    }
    return sum;
}

/* |weights + share * step|^2 without the intercepts. */
static double sum_squares(const Fit *f, double share) {
    const int64_t stride = (int64_t)f->in->width + 1;
    double sum = 0;
    for (int64_t i = 0; i < f->size; i++) {
        const double w = f->weights[i] + share * f->step[i];
        sum += (i + 1) % stride ? w * w : 0;
    }
    return sum;
}

static double measure_objective(const Fit *f, double share) {
    return 0.5 * sum_squares(f, share) + f->c * sum_losses(f, share);
}

void logistic_softmax(const double *logits, int count, double *out) {
    double most = -INFINITY, total = 0;
    for (int k = 0; k < count; k++)
        most = fmax(most, logits[k]);
    for (int k = 0; k < count; k++)
        total += out[k] = exp(logits[k] - most);
    for (int k = 0; k < count; k++)
        out[k] /= total;
}

double logistic_sigmoid(double logit) {
    const double tail = exp(-fabs(logit));
    return logit >= 0 ? 1 / (1 + tail) : tail / (1 + tail);
}

void logistic_probabilities(const double *logits, int64_t rows, int count, double *probabilities) {
    for (int64_t i = 0; i < rows; i++) {
        if (count > 1) {
            logistic_softmax(logits + i * count, count, probabilities + i * count);
            continue;
        }
        probabilities[2 * i] = logistic_sigmoid(-logits[i]);
        probabilities[2 * i + 1] = logistic_sigmoid(logits[i]);
    }
}

/* Logits, probabilities, gradient and curvature at `weights`. */
static void measure_gradient(Fit *f) {
    const LogisticInput *in = f->in;
    const int count = in->logits;
    dense_project(in->features, in->rows, in->width, f->weights, count, in->threads, f->logits);
    memset(f->curvature, 0, (size_t)count * sizeof(double));
    for (int64_t i = 0; i < in->rows; i++) {
        double *p = f->probability + i * count;
        if (count == 1)
            p[0] = logistic_sigmoid(f->logits[i]);
        else
            logistic_softmax(f->logits + i * count, count, p);
        for (int k = 0; k < count; k++) {
            const bool own = count == 1 ? in->labels[i] == 1 : in->labels[i] == k;
            f->rows[i * count + k] = f->c * (p[k] - own);
            f->curvature[k] += f->c * p[k] * (1 - p[k]);
        }
    }
    dense_gather(in->features, in->rows, in->width, f->rows, count, in->threads, f->gradient);
    for (int64_t i = 0; i < f->size; i++)
        f->gradient[i] += (i + 1) % (in->width + 1) ? f->weights[i] : 0;
}

/* product = Hessian * direction. */
static void multiply_hessian(Fit *f) {
    const LogisticInput *in = f->in;
    const int count = in->logits;
    dense_project(in->features, in->rows, in->width, f->direction, count, in->threads, f->rows);
    for (int64_t i = 0; i < in->rows; i++) {
        const double *p = f->probability + i * count;
        double *t = f->rows + i * count, mean = 0;
        for (int k = 0; k < count; k++)
            mean += p[k] * t[k];
        for (int k = 0; k < count; k++)
            t[k] = f->c * p[k] * (count == 1 ? (1 - p[k]) * t[k] : t[k] - mean);
    }
    dense_gather(in->features, in->rows, in->width, f->rows, count, in->threads, f->product);
    for (int64_t i = 0; i < f->size; i++)
        f->product[i] += (i + 1) % (in->width + 1) ? f->direction[i] : 0;
}

/* --- A step ------------------------------------------------------------------------------------------------------- */

/* A diagonal near the Hessian's, exact for features of variance 1 that do not depend on p: the intercept, which has no
 * penalty, is the one that differs much when C is small. */
static double scale_of(const Fit *f, int64_t i) {
    const int64_t stride = (int64_t)f->in->width + 1;
    const double curvature = f->curvature[i / stride];
    return (i + 1) % stride ? 1 + curvature : curvature + 1e-12;
}

/* Conjugate gradients for Hessian * step = -gradient until the residual is `share` of the gradient; any number of
 * rounds gives a direction in which the objective falls. */
static void find_step(Fit *f, double share) {
    double gain = 0;
    memset(f->step, 0, (size_t)f->size * sizeof(double));
    for (int64_t i = 0; i < f->size; i++) {
        f->residual[i] = -f->gradient[i];
        f->direction[i] = f->residual[i] / scale_of(f, i);
        gain += f->residual[i] * f->direction[i];
    }
    const double enough = share * share * gain;
    for (int round = 0; round < MOST_PRODUCTS && gain > enough; round++) {
        multiply_hessian(f);
        const double bend = dense_dot(f->direction, f->product, f->size);
        if (!(bend > 0))
            return;
        const double length = gain / bend, before = gain;
        gain = 0;
        for (int64_t i = 0; i < f->size; i++) {
            f->step[i] += length * f->direction[i];
            f->residual[i] -= length * f->product[i];
            gain += f->residual[i] * f->residual[i] / scale_of(f, i);
        }
        for (int64_t i = 0; i < f->size; i++)
            f->direction[i] = f->residual[i] / scale_of(f, i) + gain / before * f->direction[i];
    }
}

/* The share of the step to take; 0: none brings what it must. */
static double find_share(Fit *f, double objective, double promised) {
    const LogisticInput *in = f->in;
    dense_project(in->features, in->rows, in->width, f->step, in->logits, in->threads, f->change);
    double share = 1;
    for (int halving = 0; halving < MOST_HALVINGS; halving++, share /= 2)
        if (measure_objective(f, share) <= objective - ARMIJO * share * promised)
            return share;
    return 0;
}

static void center_intercepts(const Fit *f) {
    const int count = f->in->logits;
    const int64_t stride = (int64_t)f->in->width + 1;
    double mean = 0;
    for (int k = 0; k < count; k++)
        mean += f->weights[k * stride + f->in->width] / count;
    for (int k = 0; k < count && count > 1; k++)
        f->weights[k * stride + f->in->width] -= mean;
}

static Status minimise(Fit *f, double *objective) {
    double share = 0.1, first = 0;
    memset(f->change, 0, (size_t)f->in->rows * (size_t)f->in->logits * sizeof(double));
    for (int step = 0; step < MOST_STEPS; step++) {
        measure_gradient(f);
        *objective = measure_objective(f, 0);
        find_step(f, share);
        const double promised = -dense_dot(f->gradient, f->step, f->size);
        first = step ? first : promised;
        const double length = promised > ROUNDING * *objective ? find_share(f, *objective, promised) : 1;
        if (length == 0)
            break;
        for (int64_t i = 0; i < f->size; i++)
            f->weights[i] += length * f->step[i];
        if (promised <= CONVERGED * *objective) {
            center_intercepts(f);
            return NULL;
        }
        /* Nearer to the minimum a step is worth more rounds. What it leaves of the gain is the square of this. */
        share = fmin(0.1, fmax(1e-3, sqrt(promised / first)));
    }
    return status_error(EXIT_DATA, "logistic regression at C %g: no minimum in %d steps; take a smaller C", f->c,
                        MOST_STEPS);
}

Status logistic_fit(const LogisticInput *input, double c, double *weights, double *objective) {
    Fit f = {.in = input, .c = c, .size = (int64_t)input->logits * (input->width + 1), .weights = weights};
    Status status = allocate_fit(&f);
    if (!status)
        status = minimise(&f, objective);
    free_fit(&f);
    return status;
}
