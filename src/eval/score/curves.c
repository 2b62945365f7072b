/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score/curves.h"
#include "stats/calibration.h"
#include "stats/ranking.h"
#include "stats/threshold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 200, DECISIONS = 99, TENTHS = 10 };

/* The rows whose label is known; labels are 0 and 1, or numbers. */
typedef struct {
    double *labels, *scores; /* [count] */
    int64_t count, positives;
    Ranking ranking;
} Known;

static void close_known(Known *known) {
    free(known->labels);
    ranking_free(&known->ranking);
}

static Status open_known(const Selection *s, int part, Known *known) {
    const size_t room = (size_t)(2 * s->count + 1);
    *known = (Known){.labels = malloc(room * sizeof(double))};
    if (!known->labels)
        return status_no_memory("a curve", room * sizeof(double));
    known->scores = known->labels + s->count;
    if (part < 0) {
        memcpy(known->labels, s->labels, (size_t)s->count * sizeof(double));
        memcpy(known->scores, s->predictions, (size_t)s->count * sizeof(double));
    } else {
        selection_question(s, part, known->labels, known->scores);
    }
    for (int64_t i = 0; i < s->count; i++) {
        if (isnan(known->labels[i]))
            continue;
        known->labels[known->count] = known->labels[i];
        known->scores[known->count] = known->scores[i];
        known->positives += known->labels[known->count++] == 1;
    }
    return ranking_open(known->scores, 1, known->count, &known->ranking);
}

static Status allocate_part(int part, ScorePart *p) {
    *p = (ScorePart){.part = part,
                     .roc = malloc((POINTS + 2) * sizeof *p->roc),
                     .pr = malloc((POINTS + 2) * sizeof *p->pr),
                     .bins = malloc(CALIBRATION_BINS * sizeof *p->bins),
                     .decision = malloc(DECISIONS * sizeof *p->decision)};
    return p->roc && p->pr && p->bins && p->decision
               ? NULL
               : status_no_memory("a curve", 2 * (POINTS + 2) * sizeof *p->roc + DECISIONS * sizeof *p->decision);
}

/* From the highest score down, a point after the last of equal scores: the first, the last, and between them those
 * that pass another POINTS-th of the rows. */
static void trace_ranking(const Known *known, ScorePart *p) {
    const double positives = (double)known->positives, negatives = (double)known->count - positives;
    if (!(positives > 0) || !(negatives > 0))
        return;
    int64_t hits = 0, alarms = 0, share = -1;
    p->roc[p->roc_count++] = (CurvePoint){0, 0};
    for (int64_t i = known->count - 1; i >= 0; i--) {
        const RankedRow *row = &known->ranking.list[i];
        const int64_t passed = known->count - i, now = passed * POINTS / (known->count + 1);
        if (known->labels[row->row] == 1)
            hits++;
        else
            alarms++;
        if (i > 0 && (row[-1].score == row->score || now == share))
            continue;
        share = now;
        p->roc[p->roc_count++] = (CurvePoint){(double)alarms / negatives, (double)hits / positives};
        p->pr[p->pr_count++] = (CurvePoint){(double)hits / positives, (double)hits / (double)passed};
    }
}

static void fill_bins(const Known *known, ScorePart *p) {
    CalibrationBin bins[CALIBRATION_BINS] = {0};
    for (int64_t i = 0; i < known->count; i++) {
        CalibrationBin *bin = &bins[calibration_bin(known->scores[i])];
        bin->predicted += known->scores[i];
        bin->observed += known->labels[i];
        bin->images++;
    }
    for (int b = 0; b < CALIBRATION_BINS; b++)
        if (bins[b].images)
            p->bins[p->bin_count++] = (CalibrationBin){bins[b].predicted / (double)bins[b].images,
                                                       bins[b].observed / (double)bins[b].images, bins[b].images};
}

/* Tenths of the rows; equal predictions may fall into two of them. */
static void fill_tenths(const Known *known, ScorePart *p) {
    for (int tenth = 0; tenth < TENTHS; tenth++) {
        const int64_t first = known->count * tenth / TENTHS, end = known->count * (tenth + 1) / TENTHS;
        CalibrationBin bin = {.images = end - first};
        for (int64_t i = first; i < end; i++) {
            bin.predicted += known->ranking.list[i].score / (double)bin.images;
            bin.observed += known->labels[known->ranking.list[i].row] / (double)bin.images;
        }
        if (bin.images)
            p->bins[p->bin_count++] = bin;
    }
}

static Status decide(const Known *known, ScorePart *p) {
    for (int i = 0; i < DECISIONS && known->count; i++) {
        const double at = (i + 1) / 100.0;
        NetBenefit benefit;
        TRY(threshold_net_benefit(known->labels, known->scores, NULL, known->count, at, &benefit));
        p->decision[p->decision_count++] = (DecisionPoint){at, benefit.model, benefit.everyone};
    }
    return NULL;
}

static Status measure_part(const Selection *s, int part, ScorePart *p) {
    Known known;
    Status status = open_known(s, part, &known);
    if (!status)
        status = allocate_part(part, p);
    if (!status && part < 0) {
        fill_tenths(&known, p);
    } else if (!status) {
        status = decide(&known, p); /* checks the probabilities */
        if (!status) {
            trace_ranking(&known, p);
            fill_bins(&known, p);
        }
    }
    close_known(&known);
    return status;
}

Status curves_measure(const Selection *selection, ScorePart **list, int *count) {
    int first;
    const int questions = selection_questions(selection, &first), parts = questions ? questions : 1;
    *count = 0;
    *list = calloc((size_t)parts, sizeof **list);
    if (!*list)
        return status_no_memory("curves", (size_t)parts * sizeof **list);
    *count = parts;
    for (int i = 0; i < parts; i++)
        TRY(measure_part(selection, questions ? first + i : -1, &(*list)[i]));
    return NULL;
}

void curves_free(ScorePart *list, int count) {
    for (int i = 0; i < count; i++) {
        free(list[i].roc);
        free(list[i].pr);
        free(list[i].bins);
        free(list[i].decision);
    }
    free(list);
}
