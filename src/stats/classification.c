/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/classification.h"
#include "stats/binary.h"
#include "stats/calibration.h"
#include "stats/ranking.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define FIGURE_ROW(name, better, scale) FIGURE_OF(ClassificationFigures, name, better, scale)
const Figure classification_figures[] = {CLASSIFICATION_FIGURES(FIGURE_ROW){0}};

/* The rows whose class is known. */
struct Classification {
    int64_t rows;
    int classes;
    int *label, *predicted; /* [rows] */
    int64_t *source;        /* [rows], their numbers in the input */
    double *confidence;     /* [rows], of class 1 of two, of more that of the predicted class */
    double *loss, *miss;    /* [rows], of log_loss and, of two classes, of brier */
    uint8_t *right;         /* [rows], whether the prediction is right, which `confidence` is compared with */
    uint8_t *positive;      /* [classes][rows] */
    Ranking *rankings;      /* [classes], by that class's probability */
};

/* One way of counting the rows. */
typedef struct {
    const Classification *of;
    int32_t *times;              /* [rows]; NULL: each once */
    int64_t rows;                /* as counted */
    int64_t *confusion;          /* [label][predicted] */
    int64_t *labelled, *guessed; /* [classes], the sums of its rows and columns */
} Count;

void classification_free(Classification *r) {
    if (!r)
        return;
    for (int c = 0; r->rankings && c < r->classes; c++)
        ranking_free(&r->rankings[c]);
    free(r->label);
    free(r->predicted);
    free(r->source);
    free(r->confidence);
    free(r->loss);
    free(r->miss);
    free(r->right);
    free(r->positive);
    free(r->rankings);
    free(r);
}

static Status allocate_rows(Classification *r, int64_t rows, int classes) {
    const size_t n = (size_t)(rows ? rows : 1), k = (size_t)classes;
    *r = (Classification){.classes = classes,
                          .label = malloc(n * sizeof(int)),
                          .predicted = malloc(n * sizeof(int)),
                          .source = malloc(n * sizeof(int64_t)),
                          .confidence = malloc(n * sizeof(double)),
                          .loss = malloc(n * sizeof(double)),
                          .miss = malloc(n * sizeof(double)),
                          .right = malloc(n),
                          .positive = calloc(n, k),
                          .rankings = calloc(k, sizeof(Ranking))};
    return r->label && r->predicted && r->source && r->confidence && r->loss && r->miss && r->right && r->positive &&
                   r->rankings
               ? NULL
               : status_no_memory("a classifier's figures", n * (k + 50) + k * sizeof(Ranking));
}

/* -log p of the row's class. Probabilities are kept from 0 by a double's rounding error, so that one certain mistake is
 * not infinite. */
static double loss_of(const double *probabilities, int classes, int label) {
    double sum = 0, own = 0;
    for (int c = 0; c < classes; c++) {
        const double p = fmin(fmax(probabilities[c], DBL_EPSILON), 1 - DBL_EPSILON);
        sum += p;
        own = c == label ? p : own;
    }
    return -log(own / sum);
}

static void read_row(Classification *r, int64_t i, int label, const double *p) {
    const int classes = r->classes;
    int best = 0;
    for (int c = 0; c < classes; c++)
        if (p[c] > p[best])
            best = c;
    r->label[i] = label;
    r->predicted[i] = best;
    r->loss[i] = loss_of(p, classes, label);
    r->confidence[i] = classes == 2 ? p[1] : p[best];
    r->right[i] = classes == 2 ? label == 1 : label == best;
    r->miss[i] = classes == 2 ? (p[1] - label) * (p[1] - label) : NAN;
}

/* Each class against the rest. The order of rows is by that class's probability. */
static Status rank_rows(Classification *r, const double *probabilities) {
    double *own = malloc((size_t)(r->rows ? r->rows : 1) * sizeof *own);
    Status status = own ? NULL : status_no_memory("a class's probabilities", (size_t)r->rows * sizeof *own);
    for (int c = 0; c < r->classes && !status; c++) {
        for (int64_t i = 0; i < r->rows; i++) {
            own[i] = probabilities[r->source[i] * r->classes + c];
            r->positive[c * r->rows + i] = r->label[i] == c;
        }
        status = ranking_open(own, 1, r->rows, &r->rankings[c]);
    }
    free(own);
    return status;
}

static Status read_rows(Classification *r, const double *labels, const double *probabilities, int64_t rows) {
    for (int64_t row = 0; row < rows; row++) {
        const double label = labels[row];
        if (isnan(label))
            continue;
        if (!(label >= 0 && label < r->classes) || label != floor(label))
            return status_error(EXIT_DATA, "the label of row %lld is %g: the classes are 0 to %d", (long long)row,
                                label, r->classes - 1);
        r->source[r->rows] = row;
        read_row(r, r->rows++, (int)label, probabilities + row * r->classes);
    }
    return rank_rows(r, probabilities);
}

Status classification_open(const double *labels, const double *probabilities, int64_t rows, int classes,
                           Classification **classification) {
    *classification = NULL;
    if (classes < 2)
        return status_error(EXIT_DATA, "%d classes: a classifier has at least 2", classes);
    TRY(binary_check_probabilities(probabilities, rows * classes, classes));
    Classification *r = malloc(sizeof *r);
    if (!r)
        return status_no_memory("a classifier's figures", sizeof *r);
    Status status = allocate_rows(r, rows, classes);
    if (!status)
        status = read_rows(r, labels, probabilities, rows);
    if (status)
        classification_free(r);
    else
        *classification = r;
    return status;
}

static Status open_count(const Classification *r, const int32_t *times, Count *count) {
    const size_t k = (size_t)r->classes, n = (size_t)(r->rows ? r->rows : 1);
    *count = (Count){.of = r,
                     .times = times ? malloc(n * sizeof(int32_t)) : NULL,
                     .confusion = calloc(k * (k + 2), sizeof(int64_t))};
    if ((times && !count->times) || !count->confusion)
        return status_no_memory("a classifier's counts", k * (k + 2) * sizeof(int64_t) + n * sizeof(int32_t));
    count->labelled = count->confusion + k * k;
    count->guessed = count->labelled + k;
    for (int64_t i = 0; i < r->rows; i++) {
        const int32_t weight = times ? count->times[i] = times[r->source[i]] : 1;
        count->confusion[r->label[i] * r->classes + r->predicted[i]] += weight;
        count->rows += weight;
    }
    for (int a = 0; a < r->classes; a++)
        for (int b = 0; b < r->classes; b++) {
            count->labelled[a] += count->confusion[a * r->classes + b];
            count->guessed[b] += count->confusion[a * r->classes + b];
        }
    return NULL;
}

static void close_count(Count *count) {
    free(count->times);
    free(count->confusion);
}

/* Means over the classes. A class without rows has no recall, and so no macro figure is defined, except
 * balanced_accuracy, which leaves it out. A class that is never predicted has precision 0. */
static void measure_means(const Count *r, ClassificationFigures *f) {
    const int classes = r->of->classes;
    double precision = 0, recall = 0, f1 = 0, jaccard = 0;
    int64_t right = 0;
    int with_rows = 0;
    for (int c = 0; c < classes; c++) {
        const double hit = (double)r->confusion[c * classes + c];
        const double labelled = (double)r->labelled[c], guessed = (double)r->guessed[c];
        right += r->confusion[c * classes + c];
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
    if (with_rows < classes)
        return;
    f->precision_macro = precision / with_rows;
    f->recall_macro = recall / with_rows;
    f->f1_macro = f1 / with_rows;
    f->jaccard_macro = jaccard / with_rows;
}

/* 1 - observed / expected disagreement, weighted by (a - b)^2 or by a != b. */
static double measure_kappa(const Count *r, bool quadratic) {
    const int classes = r->of->classes;
    double observed = 0, expected = 0;
    for (int a = 0; a < classes; a++)
        for (int b = 0; b < classes; b++) {
            const double weight = quadratic ? (double)(a - b) * (a - b) : a != b;
            observed += weight * (double)r->confusion[a * classes + b];
            expected += weight * (double)r->labelled[a] * (double)r->guessed[b] / (double)r->rows;
        }
    return expected > 0 ? 1 - observed / expected : NAN;
}

/* The correlation of label and prediction (Gorodkin 2004); 0 where either has one value only, by convention. */
static double measure_mcc(const Count *r) {
    const int classes = r->of->classes;
    const double n = (double)r->rows;
    double both = 0, labels = n * n, guesses = n * n;
    for (int c = 0; c < classes; c++) {
        const double labelled = (double)r->labelled[c], guessed = (double)r->guessed[c];
        both += (double)r->confusion[c * classes + c] * n - labelled * guessed;
        labels -= labelled * labelled;
        guesses -= guessed * guessed;
    }
    return labels > 0 && guesses > 0 ? both / sqrt(labels * guesses) : 0;
}

static double mean_of(const Count *r, const double *values) {
    double sum = 0;
    for (int64_t i = 0; i < r->of->rows; i++)
        sum += r->times ? r->times[i] * values[i] : values[i];
    return sum / (double)r->rows;
}

static void measure_rankings(const Count *r, ClassificationFigures *f, double *auroc_of_class) {
    const int classes = r->of->classes;
    double auroc = 0, auprc = 0;
    for (int c = 0; c < classes; c++) {
        const uint8_t *positive = r->of->positive + c * r->of->rows;
        auroc_of_class[c] = ranking_auroc(&r->of->rankings[c], positive, r->times);
        const double precision = ranking_average_precision(&r->of->rankings[c], positive, r->times);
        auroc += auroc_of_class[c];
        auprc += precision;
        if (classes == 2 && c == 1) {
            f->auroc = auroc_of_class[c];
            f->auprc = precision;
        }
    }
    f->auroc_macro_ovr = auroc / classes;
    f->auprc_macro = auprc / classes;
}

static void measure_count(const Count *r, ClassificationFigures *f, double *auroc_of_class) {
    const Classification *of = r->of;
    measure_means(r, f);
    f->mcc = measure_mcc(r);
    f->kappa = measure_kappa(r, false);
    f->kappa_quadratic = measure_kappa(r, true);
    f->log_loss = mean_of(r, of->loss);
    f->ece = calibration_error(of->confidence, of->right, r->times, of->rows);
    if (of->classes == 2)
        f->brier = mean_of(r, of->miss);
    measure_rankings(r, f, auroc_of_class);
}

Status classification_count(const Classification *classification, const int32_t *times, ClassificationFigures *figures,
                            double *auroc_of_class) {
    figures_clear(figures, classification_figures);
    for (int c = 0; c < classification->classes; c++)
        auroc_of_class[c] = NAN;
    Count count;
    Status status = open_count(classification, times, &count);
    if (!status && count.rows)
        measure_count(&count, figures, auroc_of_class);
    close_count(&count);
    return status;
}

Status classification_measure(const double *labels, const double *probabilities, int64_t rows, int classes,
                              ClassificationFigures *figures, double *auroc_of_class) {
    Classification *classification;
    TRY(classification_open(labels, probabilities, rows, classes, &classification));
    Status status = classification_count(classification, NULL, figures, auroc_of_class);
    classification_free(classification);
    return status;
}
