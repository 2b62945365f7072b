/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/threshold.h"
#include "stats/binary.h"
#include "stats/ranking.h"

#include <math.h>
#include <stdbool.h>

#define FIGURE_ROW(name, better, scale) FIGURE_OF(ThresholdFigures, name, better, scale)
const Figure threshold_figures[] = {THRESHOLD_FIGURES(FIGURE_ROW){0}};

/* How many rows a threshold calls positive. */
typedef struct {
    int64_t hits, alarms;         /* rightly, wrongly */
    int64_t positives, negatives; /* of all rows */
} Called;

typedef struct {
    Binary binary;
    Ranking ranking;
    int64_t negatives;
} Sorted;

static void close_sorted(Sorted *sorted) {
    ranking_free(&sorted->ranking);
    binary_free(&sorted->binary);
}

static Status open_sorted(const double *labels, const double *scores, int64_t rows, Sorted *sorted) {
    *sorted = (Sorted){0};
    TRY(binary_open(labels, scores, 1, rows, &sorted->binary));
    sorted->negatives = sorted->binary.count - sorted->binary.positives;
    return ranking_open(sorted->binary.scores, 1, sorted->binary.count, &sorted->ranking);
}

/* Lowers the threshold to the next score below; *place starts at the ranking's count. False below the last. */
static bool lower_threshold(const Sorted *sorted, int64_t *place, double *threshold, Called *called) {
    const RankedRow *list = sorted->ranking.list;
    if (*place == 0)
        return false;
    *threshold = list[*place - 1].score;
    while (*place > 0 && list[*place - 1].score == *threshold) {
        const bool positive = sorted->binary.positive[list[--*place].row];
        called->hits += positive;
        called->alarms += !positive;
    }
    return true;
}

/* Compared in integers: J = hits / positives - alarms / negatives, so that equals are equal. */
static double find_youden(const Sorted *sorted) {
    double best = NAN, threshold;
    int64_t most = 0, place = sorted->ranking.count;
    Called called = {0};
    if (!sorted->binary.positives || !sorted->negatives)
        return NAN;
    while (lower_threshold(sorted, &place, &threshold, &called)) {
        const int64_t index = called.hits * sorted->negatives - called.alarms * sorted->binary.positives;
        if (isnan(best) || index > most) {
            best = threshold;
            most = index;
        }
    }
    return best;
}

static double find_specificity(const Sorted *sorted, int percent) {
    double best = NAN, threshold;
    int64_t place = sorted->ranking.count;
    Called called = {0};
    if (!sorted->negatives)
        return NAN;
    while (lower_threshold(sorted, &place, &threshold, &called) &&
           (sorted->negatives - called.alarms) * 100 >= percent * sorted->negatives)
        best = threshold;
    return best;
}

Status threshold_youden(const double *labels, const double *scores, int64_t rows, double *threshold) {
    Sorted sorted;
    Status status = open_sorted(labels, scores, rows, &sorted);
    *threshold = status ? NAN : find_youden(&sorted);
    close_sorted(&sorted);
    return status;
}

Status threshold_specificity(const double *labels, const double *scores, int64_t rows, int percent, double *threshold) {
    Sorted sorted;
    Status status = open_sorted(labels, scores, rows, &sorted);
    *threshold = status ? NAN : find_specificity(&sorted, percent);
    close_sorted(&sorted);
    return status;
}

static Status count_called(const double *labels, const double *scores, const int32_t *times, int64_t rows,
                           double threshold, Called *called) {
    *called = (Called){0};
    for (int64_t row = 0; row < rows; row++) {
        if (isnan(labels[row]))
            continue;
        if (labels[row] != 0 && labels[row] != 1)
            return binary_wrong_label(labels[row], row);
        const int64_t weight = times ? times[row] : 1, above = scores[row] >= threshold ? weight : 0;
        const bool positive = labels[row] == 1;
        *(positive ? &called->positives : &called->negatives) += weight;
        *(positive ? &called->hits : &called->alarms) += above;
    }
    return NULL;
}

static double share(int64_t part, int64_t whole) {
    return whole ? (double)part / (double)whole : NAN;
}

Status threshold_measure(const double *labels, const double *scores, const int32_t *times, int64_t rows,
                         double threshold, OperatingPoint *point) {
    Called called;
    *point = (OperatingPoint){NAN, NAN};
    TRY(count_called(labels, scores, times, rows, threshold, &called));
    if (!isnan(threshold))
        *point = (OperatingPoint){share(called.hits, called.positives),
                                  share(called.negatives - called.alarms, called.negatives)};
    return NULL;
}

Status thresholds_choose(const double *labels, const double *scores, int64_t rows, ThresholdFigures *figures) {
    figures_clear(figures, threshold_figures);
    TRY(threshold_youden(labels, scores, rows, &figures->threshold_youden));
    return threshold_specificity(labels, scores, rows, 90, &figures->threshold_spec90);
}

Status thresholds_measure(const double *labels, const double *scores, const int32_t *times, int64_t rows,
                          ThresholdFigures *figures) {
    OperatingPoint youden, spec90;
    TRY(threshold_measure(labels, scores, times, rows, figures->threshold_youden, &youden));
    TRY(threshold_measure(labels, scores, times, rows, figures->threshold_spec90, &spec90));
    figures->sensitivity_youden = youden.sensitivity;
    figures->specificity_youden = youden.specificity;
    figures->balanced_accuracy_youden = (youden.sensitivity + youden.specificity) / 2;
    figures->sensitivity_spec90 = spec90.sensitivity;
    figures->specificity_spec90 = spec90.specificity;
    return NULL;
}

Status threshold_net_benefit(const double *labels, const double *probabilities, const int32_t *times, int64_t rows,
                             double t, NetBenefit *benefit) {
    if (!(t > 0 && t < 1))
        return status_error(EXIT_DATA, "the threshold probability is %g: it must be between 0 and 1", t);
    TRY(binary_check_probabilities(probabilities, rows, 1));
    Called called;
    TRY(count_called(labels, probabilities, times, rows, t, &called));
    const int64_t count = called.positives + called.negatives;
    const double odds = t / (1 - t);
    benefit->model = share(called.hits, count) - share(called.alarms, count) * odds;
    benefit->everyone = share(called.positives, count) - share(called.negatives, count) * odds;
    return NULL;
}
