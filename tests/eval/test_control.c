/* SPDX-License-Identifier: Apache-2.0 */
/* The leakage control on procedures with planted mistakes, and on sound ones. What is planted shares no code with the
 * control. With FOVEA_LONG 500 null data sets give the distribution of p. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "eval/adapt/linear.h"
#include "eval/control/control.h"
#include "eval/control/scramble.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 400, MODELS = 20, WIDTH = 4 };

/* --- Data --------------------------------------------------------------------------------------------------------- */

typedef struct {
    EvalRows rows;
    double labels[MOST_ROWS];
    int64_t split[MOST_ROWS], person[MOST_ROWS], copies[MOST_ROWS];
    int32_t site[MOST_ROWS];
    EvalColumn column;
    float features[MOST_ROWS][WIDTH];
} Drawn;

/* `people` with two images each, one label a person, split by person: half train, a quarter val and test each. The
 * features' first column moves by `signal` with the label. The site is drawn, or with `telling` mostly the label. */
static void draw_set(Drawn *d, int people, double signal, bool telling, uint64_t seed) {
    *d = (Drawn){.rows = {.kind = EVAL_BINARY, .classes = 2, .outputs = 1, .count = 2 * people}};
    Random random;
    random_start(&random, seed, RANDOM_TEST, 1, 0);
    for (int person = 0; person < people; person++) {
        const int label = random_below(&random, 5) < 2;
        const bool told = telling && random_below(&random, 8);
        const int32_t site = told ? label : (int32_t)random_below(&random, 2);
        for (int row = 2 * person; row < 2 * person + 2; row++) {
            d->labels[row] = label;
            d->split[row] = person % 4 < 2 ? PROBE_TRAIN : person % 4 == 2 ? PROBE_VAL : PROBE_TEST;
            d->person[row] = person;
            d->copies[row] = -1;
            d->site[row] = site;
            for (int j = 0; j < WIDTH; j++)
                d->features[row][j] = (float)(random_normal(&random) + (j == 0 ? signal * label : 0));
        }
    }
    d->column = (EvalColumn){.name = "site", .categories = 2, .category = d->site};
    d->rows.labels = d->labels;
    d->rows.split = d->split;
    d->rows.person = d->person;
    d->rows.copies = d->copies;
    d->rows.columns = &d->column;
    d->rows.column_count = 1;
}

/* --- Procedures --------------------------------------------------------------------------------------------------- */

typedef enum {
    SOUND,        /* the difference of the classes' means over train */
    BEST_ON_TEST, /* of 20 fixed models the one with the best AUROC on test */
    CUT_ON_TEST,  /* a fixed model, cut where balanced accuracy on test is best */
    CUT_ON_VAL,   /* the same by val: nothing wrong */
    CONSTANT      /* knows nothing */
} Procedure;

typedef struct {
    Adapter adapter;
    Procedure procedure;
    const float (*features)[WIDTH];
    double models[MODELS][MOST_ROWS]; /* what fixed models say */
    int calls, most_sets;
} Planted;

static double area_by_pairs(const EvalRows *rows, const double *labels, const double *scores) {
    double wins = 0, pairs = 0;
    for (int64_t a = 0; a < rows->count; a++)
        for (int64_t b = 0; b < rows->count; b++)
            if (rows->split[a] == PROBE_TEST && rows->split[b] == PROBE_TEST && labels[a] > labels[b]) {
                pairs++;
                wins += scores[a] > scores[b] ? 1 : scores[a] == scores[b] ? 0.5 : 0;
            }
    return wins / pairs;
}

static double balance_at(const EvalRows *rows, const double *labels, const double *scores, ProbeSplit split,
                         double cut) {
    double right[2] = {0}, all[2] = {0};
    for (int64_t row = 0; row < rows->count; row++)
        if (rows->split[row] == split) {
            all[(int)labels[row]]++;
            right[(int)labels[row]] += (scores[row] >= cut) == (labels[row] == 1);
        }
    return (right[0] / all[0] + right[1] / all[1]) / 2;
}

static void cut_scores(const EvalRows *rows, const double *labels, const double *scores, ProbeSplit by, double *out) {
    double best = 0, cut = 0;
    for (int64_t row = 0; row < rows->count; row++) {
        const double balance = balance_at(rows, labels, scores, by, scores[row]);
        if (balance > best) {
            best = balance;
            cut = scores[row];
        }
    }
    for (int64_t row = 0; row < rows->count; row++)
        out[row] = scores[row] >= cut;
}

static void take_best(const Planted *p, const EvalRows *rows, const double *labels, double *out) {
    double best = -1;
    for (int m = 0; m < MODELS; m++) {
        const double area = area_by_pairs(rows, labels, p->models[m]);
        if (area > best) {
            best = area;
            memcpy(out, p->models[m], (size_t)rows->count * sizeof *out);
        }
    }
}

static void compare_means(const Planted *p, const EvalRows *rows, const double *labels, double *out) {
    double sum[2][WIDTH] = {{0}}, all[2] = {0};
    for (int64_t row = 0; row < rows->count; row++)
        if (rows->split[row] == PROBE_TRAIN) {
            all[(int)labels[row]]++;
            for (int j = 0; j < WIDTH; j++)
                sum[(int)labels[row]][j] += (double)p->features[row][j];
        }
    for (int64_t row = 0; row < rows->count; row++) {
        double logit = 0;
        for (int j = 0; j < WIDTH; j++)
            logit += (sum[1][j] / all[1] - sum[0][j] / all[0]) *
                     ((double)p->features[row][j] - (sum[1][j] / all[1] + sum[0][j] / all[0]) / 2);
        out[row] = 1 / (1 + exp(-logit));
    }
}

static Status run_planted(Adapter *self, const EvalRows *rows, const double *labels, int sets, double *predictions) {
    Planted *p = (Planted *)self;
    p->calls++;
    p->most_sets = sets > p->most_sets ? sets : p->most_sets;
    for (int set = 0; set < sets; set++, labels += rows->count, predictions += rows->count) {
        if (p->procedure == SOUND)
            compare_means(p, rows, labels, predictions);
        else if (p->procedure == BEST_ON_TEST)
            take_best(p, rows, labels, predictions);
        else if (p->procedure == CONSTANT)
            for (int64_t row = 0; row < rows->count; row++)
                predictions[row] = 0.5;
        else
            cut_scores(rows, labels, p->models[0], p->procedure == CUT_ON_TEST ? PROBE_TEST : PROBE_VAL, predictions);
    }
    return NULL;
}

static void plant(Planted *p, Procedure procedure, const Drawn *d) {
    *p = (Planted){.adapter = {.run = run_planted}, .procedure = procedure, .features = d->features};
    Random random;
    random_start(&random, 5, RANDOM_TEST, 2, 0);
    for (int m = 0; m < MODELS; m++)
        for (int64_t row = 0; row < d->rows.count; row++)
            p->models[m][row] = random_uniform(&random);
}

static ControlInput input_of(const Drawn *d, Adapter *adapter, const char *metric, int b) {
    return (ControlInput){
        .rows = &d->rows, .adapter = adapter, .metric = metric, .b = b, .alpha = 0.05, .seed = 11, .threads = 1};
}

static bool has_reason(const ControlResult *r, const char *word) {
    for (int64_t i = 0; i < r->reason_count; i++)
        if (strncmp(r->reasons[i], word, strlen(word)) == 0)
            return true;
    return false;
}

/* --- Tests -------------------------------------------------------------------------------------------------------- */

/* The excess and its error, from the scores and chances of each replicate. */
static void check_excess(const Drawn *d, Planted *p, const ControlResult *r) {
    double scores[200], chances[200], mean = 0, squares = 0;
    Permutation *permutation;
    assert_fine(permute_open(&d->rows, &permutation));
    const Scramble scramble = {&d->rows, &r->metric, permutation, 11, 199, CONTROL_OTHERS, 1 << 24};
    assert_fine(scramble_run(&scramble, &p->adapter, scores, chances));
    for (int i = 1; i < 200; i++)
        mean += (scores[i] - chances[i]) / 199;
    for (int i = 1; i < 200; i++)
        squares += (scores[i] - chances[i] - mean) * (scores[i] - chances[i] - mean);
    assert_true(fabs(mean - r->excess) < 1e-12);
    assert_true(fabs(sqrt(squares / 198 / 199) - r->excess_error) < 1e-12);
    permute_close(permutation);
}

/* What a sound procedure learns is clean; the figures are what they say. */
static void sound_is_clean(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    ControlResult r;
    draw_set(&d, 200, 1, false, 1);
    plant(&p, SOUND, &d);
    const ControlInput input = input_of(&d, &p.adapter, "auroc", 199);
    assert_fine(control_run(&input, &r));
    assert_int_equal(r.verdict, CONTROL_CLEAN);
    assert_int_equal(r.reason_count, 0);
    assert_true(r.score > 0.6 && r.p <= 0.05);
    assert_int_equal(r.b, 199);
    double sum = 0, as_good = 1;
    for (int i = 0; i < r.b; i++) {
        sum += r.null[i];
        as_good += r.null[i] >= r.score - 1e-12;
    }
    assert_true(fabs(r.null_mean - sum / r.b) < 1e-12 && fabs(r.p - as_good / 200) < 1e-12);
    /* Everybody can exchange labels: chance is the metric's own. 199 scores of deviation 0.08 have an error of 0.006.
     */
    assert_true(fabs(r.null_chance - 0.5) < 0.01 && r.chance == 0.5);
    assert_true(r.excess_error > 0.003 && r.excess_error < 0.01);
    check_excess(&d, &p, &r);
    control_free(&r);
    /* Where less is better. */
    const ControlInput brier = input_of(&d, &p.adapter, "brier", 99);
    assert_fine(control_run(&brier, &r));
    assert_true(r.p <= 0.05 && r.score < r.null_mean && r.verdict == CONTROL_CLEAN);
    control_free(&r);
    /* A score of no worth. */
    plant(&p, CONSTANT, &d);
    assert_fine(control_run(&input, &r));
    assert_int_equal(r.verdict, CONTROL_CLEAN);
    assert_true(r.p == 1 && has_reason(&r, "nothing learnt: "));
    control_free(&r);
    /* A correlation with a constant is not defined, and counts as chance. */
    d.rows.kind = EVAL_REGRESSION;
    d.rows.classes = 1;
    const ControlInput numbers = input_of(&d, &p.adapter, "pearson", 19);
    assert_fine(control_run(&numbers, &r));
    assert_true(r.score == 0 && r.null[7] == 0 && r.p == 1);
    control_free(&r);
}

static void choice_on_test_is_caught(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    static const struct {
        Procedure procedure;
        const char *metric;
        bool caught;
    } rows[] = {{BEST_ON_TEST, "auroc", true},
                {BEST_ON_TEST, "brier", true},
                {CUT_ON_TEST, "balanced_accuracy", true},
                {CUT_ON_TEST, "mcc", true},
                {CUT_ON_VAL, "balanced_accuracy", false},
                {CUT_ON_VAL, "kappa", false}};
    draw_set(&d, 120, 0, false, 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ControlResult r;
        plant(&p, rows[i].procedure, &d);
        const ControlInput input = input_of(&d, &p.adapter, rows[i].metric, 99);
        assert_fine(control_run(&input, &r));
        assert_int_equal(r.verdict, rows[i].caught ? CONTROL_LEAKING : CONTROL_CLEAN);
        assert_int_equal(has_reason(&r, "scramble: "), rows[i].caught);
        assert_false(has_reason(&r, "people: ") || has_reason(&r, "copies: "));
        assert_int_equal(has_reason(&r, "nothing learnt: "), !rows[i].caught);
        control_free(&r);
    }
}

/* Both eyes of 200 people, one in train, the other in val or test; 256 columns tell who it is. */
static void split_eyes_are_caught(void **state) {
    (void)state;
    enum { PEOPLE = 200, COLUMNS = 256 };
    static Drawn d;
    static float features[2 * PEOPLE][COLUMNS];
    ControlResult r;
    Adapter *linear;
    Random random;
    draw_set(&d, PEOPLE, 0, false, 3);
    random_start(&random, 6, RANDOM_TEST, 3, 0);
    for (int row = 0; row < 2 * PEOPLE; row++) {
        d.split[row] = row % 2 == 0 ? PROBE_TRAIN : row % 8 == 1 ? PROBE_VAL : PROBE_TEST;
        for (int j = 0; j < COLUMNS; j++)
            features[row][j] = (float)random_normal(&random) * 0.3f + (row % 2 ? features[row - 1][j] : 0);
        for (int j = 0; j < COLUMNS && row % 2 == 0; j++)
            features[row][j] = (float)random_normal(&random);
    }
    assert_fine(linear_open(features[0], COLUMNS, 1, &linear));
    const ControlInput input = input_of(&d, linear, "auroc", 19);
    assert_fine(control_run(&input, &r));
    assert_int_equal(r.verdict, CONTROL_LEAKING);
    assert_true(has_reason(&r, "people: 200 are on two sides") && has_reason(&r, "scramble: "));
    assert_true(r.null_mean > 0.9 && fabs(r.null_chance - 0.5) < 0.05);
    control_free(&r);
    linear->close(linear);
}

static void telling_metadata_is_suspect(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    ControlResult r;
    draw_set(&d, 200, 1, true, 4);
    plant(&p, SOUND, &d);
    const ControlInput input = input_of(&d, &p.adapter, "auroc", 99);
    assert_fine(control_run(&input, &r));
    assert_int_equal(r.verdict, CONTROL_SUSPECT);
    assert_true(r.reason_count == 1 && has_reason(&r, "metadata: "));
    assert_true(r.metadata > 0.85 && r.metadata_low > 0.5 && r.metadata_low < r.metadata);
    control_free(&r);
    /* Another column takes nothing away. */
    int32_t half[MOST_ROWS];
    for (int64_t row = 0; row < d.rows.count; row++)
        half[row] = row / 2 % 3 - 1;
    const EvalColumn columns[] = {d.column, {.name = "device", .categories = 2, .category = half}};
    d.rows.columns = columns;
    d.rows.column_count = 2;
    assert_fine(control_run(&input, &r));
    assert_true(r.metadata > 0.85 && has_reason(&r, "metadata: "));
    control_free(&r);
    d.rows.columns = &d.column;
    d.rows.column_count = 1;
    /* Numbers tell as well; one that is not known is no obstacle. */
    double number[MOST_ROWS];
    for (int64_t row = 0; row < d.rows.count; row++)
        number[row] = row % 16 == 0 ? NAN : 1000 + 5 * d.site[row];
    d.column = (EvalColumn){.name = "exposure", .number = number};
    assert_fine(control_run(&input, &r));
    assert_true(r.metadata > 0.8 && has_reason(&r, "metadata: "));
    control_free(&r);
    /* What is known of the person, such as the age, is none. */
    d.column.of_person = true;
    assert_fine(control_run(&input, &r));
    assert_true(r.metadata < 0.7 && !has_reason(&r, "metadata: "));
    control_free(&r);
    d.column.of_person = false;
    /* As does the order of the rows. */
    draw_set(&d, 200, 1, false, 4);
    for (int64_t row = 0; row < d.rows.count; row++)
        d.labels[row] = row < 160;
    assert_fine(control_run(&input, &r));
    assert_true(r.metadata > 0.95 && has_reason(&r, "metadata: "));
    control_free(&r);
}

/* People whose number of images tells the label keep it in part; that is no leak. Half of them are alone with theirs.
 */
static void uneven_people_are_no_leak(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    ControlResult r;
    Random random;
    draw_set(&d, 200, 0, false, 5);
    random_start(&random, 7, RANDOM_TEST, 4, 0);
    int64_t row = 0;
    for (int64_t person = 0; row < d.rows.count; person++) {
        const int64_t images = 1 + person * 7 % 9;
        const int label = random_below(&random, 9) < images;
        for (int64_t i = 0; i < images && row < d.rows.count; i++, row++) {
            d.person[row] = person;
            d.labels[row] = label;
            d.split[row] = person % 4 < 2 ? PROBE_TRAIN : person % 4 == 2 ? PROBE_VAL : PROBE_TEST;
            d.features[row][0] = (float)(images + random_normal(&random));
        }
    }
    plant(&p, SOUND, &d);
    const ControlInput input = input_of(&d, &p.adapter, "auroc", 199);
    assert_fine(control_run(&input, &r));
    assert_false(has_reason(&r, "scramble: "));
    assert_true(r.null_mean > 0.55); /* so chance is more than 0.5 here */
    control_free(&r);
}

/* Right and left eyes, in this order: labels that depend on the place alone are scrambled, too. */
static void laterality_is_learnt(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    ControlResult r;
    draw_set(&d, 120, 0, false, 6);
    for (int64_t row = 0; row < d.rows.count; row++) {
        d.labels[row] = row % 2;
        d.features[row][0] += 4 * (float)(row % 2);
    }
    plant(&p, SOUND, &d);
    const ControlInput input = input_of(&d, &p.adapter, "auroc", 99);
    assert_fine(control_run(&input, &r));
    assert_int_equal(r.verdict, CONTROL_CLEAN);
    assert_true(r.p == 0.01 && r.score > 0.95 && fabs(r.null_mean - 0.5) < 0.05);
    control_free(&r);
}

/* Sets come in batches, and what a batch holds changes nothing. Chance is that of the next replicates' test labels. */
static void batches_change_nothing(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    enum { B = 20, OTHERS = 4 };
    double one[2][B + 1], other[2][B + 1], labels[MOST_ROWS], predictions[MOST_ROWS];
    MainMetric metric;
    Permutation *permutation;
    draw_set(&d, 60, 1, false, 7);
    plant(&p, SOUND, &d);
    assert_fine(main_metric_find(&d.rows, "auroc", &metric));
    assert_fine(permute_open(&d.rows, &permutation));
    Scramble scramble = {&d.rows, &metric, permutation, 3, B, OTHERS, 1 << 20};
    assert_fine(scramble_run(&scramble, &p.adapter, one[0], one[1]));
    assert_true(p.calls == 1 && p.most_sets == B + 1);
    p.most_sets = 0;
    scramble.batch = 5 * 120 * 2 * sizeof(double) + 1000;
    assert_fine(scramble_run(&scramble, &p.adapter, other[0], other[1]));
    assert_true(p.calls == 6 && p.most_sets == 5);
    assert_memory_equal(one, other, sizeof one);
    const int replicates[] = {0, 1, 18};
    const int next[][OTHERS] = {{1, 2, 3, 4}, {2, 3, 4, 5}, {19, 20, 1, 2}};
    for (int i = 0; i < 3; i++) {
        permute_labels(permutation, 3, (uint32_t)replicates[i], labels);
        compare_means(&p, &d.rows, labels, predictions);
        assert_true(fabs(area_by_pairs(&d.rows, labels, predictions) - one[0][replicates[i]]) < 1e-12);
        double sum = 0;
        for (int k = 0; k < OTHERS; k++) {
            permute_labels(permutation, 3, (uint32_t)next[i][k], labels);
            sum += area_by_pairs(&d.rows, labels, predictions);
        }
        assert_true(fabs(sum / OTHERS - one[1][replicates[i]]) < 1e-12);
    }
    permute_close(permutation);
}

/* A threshold of val is that of the replicate's own labels, whichever test labels are measured. */
static void thresholds_keep_their_labels(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    enum { B = 19 };
    double scores[B + 1], chances[B + 1], labels[MOST_ROWS], other[MOST_ROWS], predictions[MOST_ROWS], want;
    MainMetric metric;
    Permutation *permutation;
    draw_set(&d, 60, 1, false, 9);
    plant(&p, SOUND, &d);
    assert_fine(main_metric_find(&d.rows, "balanced_accuracy_youden", &metric));
    assert_fine(permute_open(&d.rows, &permutation));
    const Scramble scramble = {&d.rows, &metric, permutation, 3, B, 1, 1 << 20};
    assert_fine(scramble_run(&scramble, &p.adapter, scores, chances));
    for (uint32_t replicate = 1; replicate < B; replicate++) {
        permute_labels(permutation, 3, replicate, labels);
        compare_means(&p, &d.rows, labels, predictions);
        permute_labels(permutation, 3, replicate + 1, other);
        for (int64_t row = 0; row < d.rows.count; row++)
            labels[row] = d.split[row] == PROBE_TEST ? other[row] : labels[row];
        assert_fine(main_metric_measure(&metric, &d.rows, labels, predictions, PROBE_TEST, &want));
        assert_true(chances[replicate] == want);
    }
    permute_close(permutation);
}

static void what_cannot_be_run(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    ControlResult r;
    draw_set(&d, 60, 1, false, 8);
    plant(&p, SOUND, &d);
    ControlInput input = input_of(&d, &p.adapter, "auroc", 18);
    assert_refused(control_run(&input, &r), EXIT_USAGE,
                   "p is at least 0.0526 with as few, and cannot be 0.05; take 19");
    control_free(&r);
    input.b = 99;
    input.alpha = 0.001;
    assert_refused(control_run(&input, &r), EXIT_USAGE, "take 999 or more");
    control_free(&r);
    input = input_of(&d, &p.adapter, "rmse", 19);
    assert_refused(control_run(&input, &r), EXIT_USAGE, "there is no metric rmse");
    control_free(&r);
    d.labels[0] = 2;
    input = input_of(&d, &p.adapter, "auroc", 19);
    assert_refused(control_run(&input, &r), EXIT_DATA, "the label of row 0 is 2");
    control_free(&r);
}

static int compare_reals(const void *a, const void *b) {
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Nothing to learn: none is leaking, and p is as if drawn. The standard errors that a null set's mean is over chance by
 * are normal: of 500, one passes 3.4 in one of six runs, and 4 in one of 60. */
static void null_sets(void **state) {
    (void)state;
    enum { SETS = 500, FEW_SETS = 8 };
    static Drawn d;
    double p[SETS], farthest = -INFINITY, distance = 0;
    const int sets = getenv("FOVEA_LONG") ? SETS : FEW_SETS;
    int learnt = 0;
    for (int i = 0; i < sets; i++) {
        ControlResult r;
        Adapter *linear;
        draw_set(&d, 60, 0, false, 1000 + (uint64_t)i);
        assert_fine(linear_open(d.features[0], WIDTH, 1, &linear));
        ControlInput input = input_of(&d, linear, "auroc", sets == SETS ? 199 : 39);
        input.seed = (uint64_t)i;
        assert_fine(control_run(&input, &r));
        assert_int_not_equal(r.verdict, CONTROL_LEAKING);
        farthest = fmax(farthest, r.excess / r.excess_error);
        learnt += r.p <= 0.05;
        p[i] = r.p;
        control_free(&r);
        linear->close(linear);
    }
    qsort(p, (size_t)sets, sizeof *p, compare_reals);
    for (int i = 0; i < sets; i++)
        distance = fmax(distance, fmax((i + 1.0) / sets - p[i], p[i] - (double)i / sets));
    print_message("# %d null sets: p <= 0.05 in %.1f %%, KS distance %.3f, at most %.2f standard errors over chance\n",
                  sets, 100.0 * learnt / sets, distance, farthest);
    if (sets != SETS)
        return;
    /* Binomial, 5 +- 1 %; Kolmogorov's distance of 500 has 0.073 in one of a hundred. */
    assert_true(learnt >= 0.02 * SETS && learnt <= 0.08 * SETS);
    assert_true(distance < 0.073);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_is_clean),
        cmocka_unit_test(choice_on_test_is_caught),
        cmocka_unit_test(split_eyes_are_caught),
        cmocka_unit_test(telling_metadata_is_suspect),
        cmocka_unit_test(uneven_people_are_no_leak),
        cmocka_unit_test(laterality_is_learnt),
        cmocka_unit_test(batches_change_nothing),
        cmocka_unit_test(thresholds_keep_their_labels),
        cmocka_unit_test(what_cannot_be_run),
        cmocka_unit_test(null_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
