/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score/figures.h"
#include "stats/calibration.h"
#include "stats/classification.h"
#include "stats/multilabel.h"
#include "stats/regression.h"
#include "stats/threshold.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Net benefits are listed at these; curves show them everywhere. */
static const double benefit_at[] = {0.1, 0.2, 0.3, 0.5};
enum { BENEFITS = sizeof benefit_at / sizeof *benefit_at };

typedef struct {
    const EvalRows *rows;
    ScoreFigure *list; /* NULL: only counted */
    int count;
} Listing;

static bool is_among(const char *name, const char *const *names) {
    while (*names && strcmp(name, *names))
        names++;
    return *names != NULL;
}

static double chance_of(const EvalRows *rows, const char *name) {
    if (!strncmp(name, "auroc", 5) || !strcmp(name, "balanced_accuracy_youden"))
        return 0.5;
    if (is_among(name, (const char *const[]){"balanced_accuracy", "recall_macro", NULL}))
        return 1.0 / rows->classes;
    return is_among(name, (const char *const[]){"kappa", "kappa_quadratic", "mcc", "r2", "pearson", "spearman", NULL})
               ? 0
               : NAN;
}

static void add_figure(Listing *listing, ScoreFigure figure) {
    figure.chance = chance_of(listing->rows, figure.name);
    if (listing->list)
        listing->list[listing->count] = figure;
    listing->count++;
}

/* All of a table but those named. */
static void add_table(Listing *listing, const Figure *table, FigureSource source, const char *const *without) {
    for (const Figure *figure = table; figure->name; figure++)
        if (!is_among(figure->name, without))
            add_figure(listing, (ScoreFigure){.name = figure->name,
                                              .source = source,
                                              .offset = figure->offset,
                                              .better = figure->better,
                                              .scale = figure->scale,
                                              .part = -1,
                                              .at = NAN});
}

static void add_parts(Listing *listing, const char *name, FigureSource source, int parts) {
    for (int part = 0; part < parts; part++)
        add_figure(listing, (ScoreFigure){.name = name,
                                          .source = source,
                                          .better = FIGURE_HIGHER,
                                          .scale = FIGURE_LOGIT,
                                          .part = part,
                                          .at = NAN});
}

static void add_binary(Listing *listing) {
    add_table(listing, classification_figures, SOURCE_CLASSES,
              (const char *const[]){"auroc_macro_ovr", "auprc_macro", NULL}); /* of both classes: auroc once more */
    add_table(listing, calibration_figures, SOURCE_CALIBRATION, (const char *const[]){"ece", "brier", NULL});
    add_table(listing, threshold_figures, SOURCE_THRESHOLDS, (const char *const[]){NULL});
    for (int i = 0; i < BENEFITS; i++) {
        add_figure(listing, (ScoreFigure){.name = "net_benefit",
                                          .source = SOURCE_BENEFIT,
                                          .better = FIGURE_NEITHER,
                                          .part = -1,
                                          .at = benefit_at[i]});
        add_figure(listing, (ScoreFigure){.name = "net_benefit_all",
                                          .source = SOURCE_BENEFIT_OF_ALL,
                                          .better = FIGURE_NEITHER,
                                          .part = -1,
                                          .at = benefit_at[i]});
    }
}

static void add_all(Listing *listing) {
    const EvalRows *rows = listing->rows;
    switch (rows->kind) {
    case EVAL_BINARY:
        add_binary(listing);
        break;
    case EVAL_MULTICLASS:
    case EVAL_ORDINAL:
        add_table(listing, classification_figures, SOURCE_CLASSES,
                  (const char *const[]){"auroc", "auprc", "brier", NULL}); /* of two classes */
        add_parts(listing, "auroc_of_class", SOURCE_EACH_CLASS, rows->classes);
        break;
    case EVAL_MULTILABEL:
        add_table(listing, multilabel_figures, SOURCE_LABELS, (const char *const[]){NULL});
        add_parts(listing, "auroc_of_label", SOURCE_EACH_LABEL, rows->outputs);
        break;
    case EVAL_REGRESSION:
        add_table(listing, regression_figures, SOURCE_NUMBERS, (const char *const[]){NULL});
        break;
    }
}

Status figures_list(const EvalRows *rows, ScoreFigure **list, int *count) {
    Listing listing = {.rows = rows};
    add_all(&listing);
    *list = malloc((size_t)listing.count * sizeof **list);
    if (!*list)
        return status_no_memory("a list of figures", (size_t)listing.count * sizeof **list);
    listing = (Listing){.rows = rows, .list = *list};
    add_all(&listing);
    *count = listing.count;
    return NULL;
}
