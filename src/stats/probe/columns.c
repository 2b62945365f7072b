/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/probe/columns.h"
#include "stats/classification.h"
#include "stats/logistic.h"
#include "stats/probe/solver.h"
#include "stats/regression.h"

#include <math.h>
#include <stdlib.h>

/* Logits that are fitted together: more bring no speed, but take memory. */
enum { GROUP = 256 };

typedef struct {
    const ProbeInput *in;
    int set, output;
    const double *labels; /* of its first row; `outputs` apart */
    Fit fit;
    double *targets;     /* [trains], classes numbered from 0 without gaps, or numbers less their mean */
    double mean;         /* of the train labels; 0 for classes */
    int *class_of;       /* [classes], what a numbered class stands for */
    int present;         /* classes that train has */
    double *val_labels;  /* [vals] */
    double *predictions; /* [vals + tests][values] */
    double *per_class;   /* [values], scratch */
    double best_score, best_strength;
} Column;

typedef struct {
    const ProbeInput *in;
    const Rows *rows;
    Column *columns;
    ColumnKeep keep;
    void *context;
} Group;

static int values_of(const ProbeInput *in) {
    return in->task == PROBE_REGRESS ? 1 : in->classes;
}

/* --- Opening ------------------------------------------------------------------------------------------------------ */

static void close_column(Column *c) {
    fit_close(&c->fit);
    free(c->targets);
    free(c->class_of);
    free(c->val_labels);
    free(c->predictions);
    free(c->per_class);
}

static double label_at(const Column *c, int64_t row) {
    return c->labels[row * c->in->outputs];
}

static Status check_labels(const Column *c) {
    const ProbeInput *in = c->in;
    for (int64_t row = 0; row < in->rows; row++) {
        const double label = label_at(c, row);
        const bool fits = in->task == PROBE_REGRESS
                              ? !isinf(label)
                              : isnan(label) || (label >= 0 && label < in->classes && label == floor(label));
        if (!fits)
            return status_error(EXIT_DATA, "the label of row %lld is %g, which this task does not have", (long long)row,
                                label);
    }
    return NULL;
}

/* Targets are labels now; they become numbers of the classes that there are. */
static Status number_classes(Column *c, const Rows *rows) {
    int *number = calloc((size_t)c->in->classes, sizeof *number);
    if (!number)
        return status_no_memory("a probe", (size_t)c->in->classes * sizeof *number);
    for (int64_t i = 0; i < rows->trains; i++)
        if (!isnan(c->targets[i]))
            number[(int)c->targets[i]] = 1;
    for (int k = 0; k < c->in->classes; k++)
        if (number[k]) {
            c->class_of[c->present] = k;
            number[k] = c->present++;
        }
    for (int64_t i = 0; i < rows->trains; i++)
        if (!isnan(c->targets[i]))
            c->targets[i] = number[(int)c->targets[i]];
    free(number);
    return c->present > 1 ? NULL : status_error(EXIT_DATA, "the labels of train are one class: nothing can be learnt");
}

static Status take_labels(Column *c, const Rows *rows) {
    int64_t known = 0;
    double sum = 0;
    for (int64_t i = 0; i < rows->trains; i++) {
        c->targets[i] = label_at(c, rows->row[i]);
        known += !isnan(c->targets[i]);
        sum += isnan(c->targets[i]) ? 0 : c->targets[i];
    }
    for (int64_t i = 0; i < rows->vals; i++)
        c->val_labels[i] = label_at(c, rows->row[rows->trains + i]);
    if (!known)
        return status_error(EXIT_DATA, "no train row has a label");
    if (c->in->task != PROBE_REGRESS)
        return number_classes(c, rows);
    c->mean = sum / (double)known;
    for (int64_t i = 0; i < rows->trains; i++)
        c->targets[i] -= c->mean;
    return NULL;
}

static Status open_column(const Group *g, const double *labels, int set, int output, Column *c) {
    const Rows *rows = g->rows;
    const size_t values = (size_t)values_of(g->in), guessed = (size_t)(rows->vals + rows->tests), real = sizeof(double);
    *c = (Column){.in = g->in,
                  .set = set,
                  .output = output,
                  .labels = labels + set * g->in->rows * g->in->outputs + output,
                  .targets = malloc((size_t)rows->trains * real),
                  .class_of = malloc(values * sizeof(int)),
                  .val_labels = malloc((size_t)rows->vals * real + 1),
                  .predictions = malloc(guessed * values * real + 1),
                  .per_class = malloc(values * real)};
    if (!c->targets || !c->class_of || !c->val_labels || !c->predictions || !c->per_class)
        return status_no_memory("a probe", guessed * values * real);
    TRY(check_labels(c));
    TRY(take_labels(c, rows));
    const LossKind kinds[] = {[PROBE_BINARY] = LOSS_LOGISTIC,
                              [PROBE_MULTICLASS] = LOSS_SOFTMAX,
                              [PROBE_MULTILABEL] = LOSS_LOGISTIC,
                              [PROBE_REGRESS] = LOSS_SQUARE};
    return fit_open(&c->fit, rows, kinds[g->in->task], g->in->task == PROBE_MULTICLASS ? c->present : 1, c->targets);
}

/* --- Solutions ---------------------------------------------------------------------------------------------------- */

/* A class that train does not have gets the probability 0. */
static void predict(const Column *c, const Rows *rows) {
    const int values = values_of(c->in), fitted = c->fit.descent.loss.logits;
    const int64_t count = rows->vals + rows->tests;
    for (int64_t i = 0; i < count; i++) {
        const double *logits = c->fit.guesses + i * fitted;
        double *to = c->predictions + i * values;
        if (c->in->task == PROBE_REGRESS) {
            to[0] = logits[0] + c->mean;
            continue;
        }
        if (fitted == 1) {
            logistic_probabilities(logits, 1, 1, to);
            continue;
        }
        logistic_softmax(logits, fitted, c->per_class);
        for (int v = 0; v < values; v++)
            to[v] = 0;
        for (int k = 0; k < fitted; k++)
            to[c->class_of[k]] = c->per_class[k];
    }
}

static Status score_val(const Column *c, const Rows *rows, double *score) {
    if (c->in->task == PROBE_REGRESS) {
        RegressionFigures figures;
        TRY(regression_measure(c->val_labels, c->predictions, rows->vals, &figures));
        *score = figures.rmse;
    } else {
        ClassificationFigures figures;
        TRY(classification_measure(c->val_labels, c->predictions, rows->vals, values_of(c->in), &figures,
                                   c->per_class));
        *score = c->in->task == PROBE_MULTICLASS ? figures.auroc_macro_ovr : figures.auroc;
    }
    if (!isnan(*score))
        return NULL;
    return status_error(EXIT_DATA, "val gives no score to choose a strength by: %s",
                        c->in->task == PROBE_REGRESS ? "no row there has a label"
                                                     : "each class must have a row there, and one outside");
}

/* Only differences between the intercepts of a softmax matter: their mean is made 0. */
void columns_turn_back(const Rows *rows, const ColumnSolution *solution, double *weights, double *intercepts) {
    const int logits = solution->fitted;
    double mean = 0;
    for (int k = 0; k < logits; k++) {
        const double *own = solution->turned + (int64_t)k * rows->depth;
        rows_turn_back(rows, own, weights + (int64_t)k * rows->width);
        intercepts[k] = own[rows->width] + solution->mean;
        mean += own[rows->width] / logits;
    }
    for (int k = 0; k < logits && logits > 1; k++)
        intercepts[k] -= mean;
}

/* Of equal scores the stronger penalty: a large alpha is a strong one, a large C a weak one. */
static bool is_better(const Column *c, double score, double strength) {
    const bool regress = c->in->task == PROBE_REGRESS;
    if (c->fit.strength == 0)
        return true;
    if (score != c->best_score)
        return regress ? score < c->best_score : score > c->best_score;
    return regress ? strength > c->best_strength : strength < c->best_strength;
}

static Status with_place(const Column *c, Status status) {
    if (c->set)
        status = status_append(status, " (label set %d)", c->set);
    return c->in->outputs > 1 ? status_append(status, " (label %d)", c->output) : status;
}

static Status take_solution(void *context, Fit *fit) {
    const Group *g = context;
    Column *c = (Column *)((char *)fit - offsetof(Column, fit));
    const double strength = g->in->grid[fit->strength];
    const int logits = fit->descent.loss.logits;
    ColumnSolution solution = {.set = c->set,
                               .output = c->output,
                               .strength = fit->strength,
                               .objective = fit->descent.objective,
                               .predictions = c->predictions,
                               .fitted = logits,
                               .class_of = logits > 1 ? c->class_of : NULL,
                               .turned = fit->descent.weights,
                               .mean = c->mean};
    /* |w|^2 / 2 + C sum of squares / 2 is ridge regression's objective over 2 alpha, for C = 1 / alpha. */
    solution.objective *= g->in->task == PROBE_REGRESS ? 2 * strength : 1;
    predict(c, g->rows);
    Status status = score_val(c, g->rows, &solution.score);
    if (status)
        return with_place(c, status);
    solution.best = is_better(c, solution.score, strength);
    if (solution.best) {
        c->best_score = solution.score;
        c->best_strength = strength;
    }
    return g->keep(g->context, g->rows, &solution);
}

/* --- Running ------------------------------------------------------------------------------------------------------ */

/* Columns [first, first + count), numbered over sets and outputs. */
static Status run_group(Group *g, const double *labels, const double *penalties, int64_t first, int count) {
    const Solver solver = {.rows = g->rows,
                           .strengths = penalties,
                           .count = g->in->strengths,
                           .threads = g->in->threads,
                           .solved = take_solution,
                           .context = g};
    Fit **fits = malloc((size_t)count * sizeof *fits);
    g->columns = calloc((size_t)count, sizeof *g->columns);
    Status status = fits && g->columns ? NULL : status_no_memory("a probe", (size_t)count * sizeof *g->columns);
    for (int i = 0; i < count && !status; i++) {
        Column *c = &g->columns[i];
        fits[i] = &c->fit;
        status = open_column(g, labels, (int)((first + i) / g->in->outputs), (int)((first + i) % g->in->outputs), c);
        if (status)
            status = with_place(c, status);
    }
    if (!status)
        status = solver_run(&solver, fits, count);
    for (int i = 0; i < count && g->columns; i++)
        close_column(&g->columns[i]);
    free(g->columns);
    free(fits);
    return status;
}

static Status run_groups(Group *g, const double *labels, int sets) {
    const ProbeInput *in = g->in;
    double *penalties = malloc((size_t)in->strengths * sizeof *penalties);
    if (!penalties)
        return status_no_memory("a probe", (size_t)in->strengths * sizeof *penalties);
    for (int s = 0; s < in->strengths; s++)
        penalties[s] = in->task == PROBE_REGRESS ? 1 / in->grid[s] : in->grid[s];
    const int logits = in->task == PROBE_MULTICLASS ? in->classes : 1, most = logits < GROUP ? GROUP / logits : 1;
    const int64_t columns = (int64_t)sets * in->outputs;
    Status status = NULL;
    for (int64_t first = 0; first < columns && !status; first += most)
        status = run_group(g, labels, penalties, first, columns - first < most ? (int)(columns - first) : most);
    free(penalties);
    return status;
}

Status columns_check(const ProbeInput *in) {
    if (in->rows < 1 || in->width < 1 || in->strengths < 1 || in->outputs < 1)
        return status_error(EXIT_DATA, "a probe needs rows, features, labels and strengths");
    if (in->outputs > 1 && in->task != PROBE_MULTILABEL)
        return status_error(EXIT_DATA, "%d labels a row: this task has one", in->outputs);
    if (in->task != PROBE_REGRESS && (in->task == PROBE_MULTICLASS ? in->classes < 2 : in->classes != 2))
        return status_error(EXIT_DATA, "%d classes do not fit the task", in->classes);
    for (int s = 0; s < in->strengths; s++)
        if (!(in->grid[s] > 0) || !isfinite(in->grid[s]))
            return status_error(EXIT_DATA, "strength %d is %g: it must be above 0", s, in->grid[s]);
    for (int64_t row = 0; row < in->rows; row++)
        if (in->split[row] < PROBE_TRAIN || in->split[row] > PROBE_TEST)
            return status_error(EXIT_DATA, "row %lld is in the split %lld: 0 is train, 1 val, 2 test", (long long)row,
                                (long long)in->split[row]);
    return NULL;
}

Status columns_run(const ProbeInput *input, const double *labels, int sets, ColumnKeep keep, void *context) {
    Rows rows;
    Status status = rows_open(input, &rows);
    Group group = {.in = input, .rows = &rows, .keep = keep, .context = context};
    if (!status)
        status = run_groups(&group, labels, sets);
    rows_close(&rows);
    return status;
}
