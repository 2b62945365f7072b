/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/classification.h"
#include "stats/binary.h"
#include "stats/calibration.h"
#include "stats/ranking.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define FIGURE_ROW(name, better) FIGURE_OF(ClassificationFigures, name, better)
const Figure classification_figures[] = {CLASSIFICATION_FIGURES(FIGURE_ROW){0}};

/* The rows whose class is known. */
typedef struct {
    int64_t rows;
    int classes;
    int *label, *predicted;      /* [rows] */
    double *probabilities;       /* [rows][classes] */
    double *confidence;          /* [rows], of the predicted class */
    uint8_t *positive;           /* [rows], scratch */
    int64_t *confusion;          /* [label][predicted] */
    int64_t *labelled, *guessed; /* [classes], the sums of its rows and columns */
} Rows;

static void free_rows(Rows *r) {
    free(r->label);
    free(r->predicted);
    free(r->probabilities);
    free(r->confidence);
    free(r->positive);
    free(r->confusion);
    free(r->labelled);
    free(r->guessed);
}

static Status allocate_rows(Rows *r, int64_t rows, int classes) {
    const size_t n = (size_t)(rows ? rows : 1), k = (size_t)classes;
    *r = (Rows){.classes = classes,
                .label = malloc(n * sizeof(int)),
                .predicted = malloc(n * sizeof(int)),
                .probabilities = calloc(n, k * sizeof(double)),
                .confidence = malloc(n * sizeof(double)),
                .positive = malloc(n),
                .confusion = calloc(k, k * sizeof(int64_t)),
                .labelled = calloc(k, sizeof(int64_t)),
                .guessed = calloc(k, sizeof(int64_t))};
    return r->label && r->predicted && r->probabilities && r->confidence && r->positive && r->confusion &&
                   r->labelled && r->guessed
               ? NULL
               : status_no_memory("a classifier's figures", n * k * sizeof(double) + k * k * sizeof(int64_t));
}

static Status read_rows(Rows *r, const double *labels, const double *probabilities, int64_t rows) {
    const int classes = r->classes;
    for (int64_t row = 0; row < rows; row++) {
        const double label = labels[row], *p = probabilities + row * classes;
        if (isnan(label))
            continue;
        if (!(label >= 0 && label < classes) || label != floor(label))
            return status_error(EXIT_DATA, "the label of row %lld is %g: the classes are 0 to %d", (long long)row,
                                label, classes - 1);
        const int64_t i = r->rows++;
        int best = 0;
        for (int c = 0; c < classes; c++) {
            r->probabilities[i * classes + c] = p[c];
            if (p[c] > p[best])
                best = c;
        }
        r->label[i] = (int)label;
        r->predicted[i] = best;
        r->confidence[i] = p[best];
        r->confusion[r->label[i] * classes + best]++;
        r->labelled[r->label[i]]++;
        r->guessed[best]++;
    }
    return NULL;
}

/* Means over the classes. A class without rows has no recall, and so no macro figure is defined, except
 * balanced_accuracy, which leaves it out. A class that is never predicted has precision 0. */
static void measure_means(const Rows *r, ClassificationFigures *f) {
    double precision = 0, recall = 0, f1 = 0, jaccard = 0;
    int64_t right = 0;
    int with_rows = 0;
    for (int c = 0; c < r->classes; c++) {
        const double hit = (double)r->confusion[c * r->classes + c];
        const double labelled = (double)r->labelled[c], guessed = (double)r->guessed[c];
        right += r->confusion[c * r->classes + c];
        if (!r->labelled[c])
            continue;
        with_rows++;
        precision += r->guessed[c] ? hit / guessed : 0;
        recall += hit / labelled;
        f1 += 2 * hit / (labelled + guessed);
        jaccard += hit / (labelled + guessed - hit);
    }
    f->accuracy = (double)right / (double)r->rows;
    f->hamming = (double)(r->rows - right) / (double)r->rows;
    f->balanced_accuracy = recall / with_rows;
    if (with_rows < r->classes)
        return;
    f->precision_macro = precision / with_rows;
    f->recall_macro = recall / with_rows;
    f->f1_macro = f1 / with_rows;
    f->jaccard_macro = jaccard / with_rows;
}

/* 1 - observed / expected disagreement, weighted by (a - b)^2 or by a != b. */
static double measure_kappa(const Rows *r, bool quadratic) {
    double observed = 0, expected = 0;
    for (int a = 0; a < r->classes; a++)
        for (int b = 0; b < r->classes; b++) {
            const double weight = quadratic ? (double)(a - b) * (a - b) : a != b;
            observed += weight * (double)r->confusion[a * r->classes + b];
            expected += weight * (double)r->labelled[a] * (double)r->guessed[b] / (double)r->rows;
        }
    return expected > 0 ? 1 - observed / expected : NAN;
}

/* The correlation of label and prediction (Gorodkin 2004); 0 where either has one value only, by convention. */
static double measure_mcc(const Rows *r) {
    const double n = (double)r->rows;
    double both = 0, labels = n * n, guesses = n * n;
    for (int c = 0; c < r->classes; c++) {
        const double labelled = (double)r->labelled[c], guessed = (double)r->guessed[c];
        both += (double)r->confusion[c * r->classes + c] * n - labelled * guessed;
        labels -= labelled * labelled;
        guesses -= guessed * guessed;
    }
    return labels > 0 && guesses > 0 ? both / sqrt(labels * guesses) : 0;
}

/* Probabilities are kept from 0 by a double's rounding error, so that one certain mistake is not infinite. */
static double measure_log_loss(const Rows *r) {
    double loss = 0;
    for (int64_t row = 0; row < r->rows; row++) {
        double sum = 0, own = 0;
        for (int c = 0; c < r->classes; c++) {
            const double p = fmin(fmax(r->probabilities[row * r->classes + c], DBL_EPSILON), 1 - DBL_EPSILON);
            sum += p;
            own = c == r->label[row] ? p : own;
        }
        loss -= log(own / sum);
    }
    return loss / (double)r->rows;
}

/* Class 1 of two. */
static double measure_brier(const Rows *r) {
    double sum = 0;
    for (int64_t row = 0; row < r->rows; row++) {
        const double miss = r->probabilities[row * 2 + 1] - r->label[row];
        sum += miss * miss;
    }
    return sum / (double)r->rows;
}

/* Each class against the rest. The order of rows is by that class's probability. */
static Status measure_ranking(const Rows *r, ClassificationFigures *f, double *auroc_of_class) {
    double auroc = 0, auprc = 0;
    for (int c = 0; c < r->classes; c++) {
        Ranking ranking;
        Status status = ranking_open(r->probabilities + c, r->classes, r->rows, &ranking);
        for (int64_t row = 0; row < r->rows && !status; row++)
            r->positive[row] = r->label[row] == c;
        if (!status) {
            auroc_of_class[c] = ranking_auroc(&ranking, r->positive, NULL);
            const double precision = ranking_average_precision(&ranking, r->positive);
            auroc += auroc_of_class[c];
            auprc += precision;
            if (r->classes == 2 && c == 1) {
                f->auroc = auroc_of_class[c];
                f->auprc = precision;
            }
        }
        ranking_free(&ranking);
        TRY(status);
    }
    f->auroc_macro_ovr = auroc / r->classes;
    f->auprc_macro = auprc / r->classes;
    return NULL;
}

static Status measure_rows(Rows *r, ClassificationFigures *f, double *auroc_of_class) {
    measure_means(r, f);
    f->mcc = measure_mcc(r);
    f->kappa = measure_kappa(r, false);
    f->kappa_quadratic = measure_kappa(r, true);
    f->log_loss = measure_log_loss(r);
    TRY(measure_ranking(r, f, auroc_of_class));
    /* Two classes: class 1's probability against class 1; more: the largest one against being right. */
    for (int64_t row = 0; row < r->rows; row++) {
        const int label = r->label[row];
        r->positive[row] = r->classes == 2 ? label == 1 : label == r->predicted[row];
        if (r->classes == 2)
            r->confidence[row] = r->probabilities[row * 2 + 1];
    }
    f->ece = calibration_error(r->confidence, r->positive, r->rows);
    if (r->classes == 2)
        f->brier = measure_brier(r);
    return NULL;
}

Status classification_measure(const double *labels, const double *probabilities, int64_t rows, int classes,
                              ClassificationFigures *figures, double *auroc_of_class) {
    if (classes < 2)
        return status_error(EXIT_DATA, "%d classes: a classifier has at least 2", classes);
    figures_clear(figures, classification_figures);
    for (int c = 0; c < classes; c++)
        auroc_of_class[c] = NAN;
    TRY(binary_check_probabilities(probabilities, rows * classes, classes));
    Rows r;
    Status status = allocate_rows(&r, rows, classes);
    if (!status)
        status = read_rows(&r, labels, probabilities, rows);
    if (!status && r.rows)
        status = measure_rows(&r, figures, auroc_of_class);
    free_rows(&r);
    return status;
}
