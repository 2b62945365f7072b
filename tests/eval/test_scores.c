/* SPDX-License-Identifier: Apache-2.0 */
/* Scores of a prediction: by image, by person, intervals, curves, subgroups, differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "eval/score/comparison.h"
#include "eval/score/scores.h"
#include "stats/interval.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define assert_near(got, want) assert_true(fabs((got) - (want)) < 1e-12)

enum { PEOPLE = 60, EYES = 2, ROWS = PEOPLE * EYES, MOST = 3, BOOTSTRAPS = 100 };

/* The first third are val's people, the others test's; both eyes of a person have one label. */
typedef struct {
    double labels[ROWS * MOST], predictions[ROWS * MOST], other[ROWS * MOST];
    int64_t split[ROWS], person[ROWS];
    int32_t eye[ROWS];
    double age[ROWS];
    EvalColumn columns[2];
    EvalRows rows;
} Set;

static const char *const eyes[] = {"left", "right"};

static void make_set(EvalKind kind, Set *set) {
    Random random;
    random_start(&random, 5, RANDOM_TEST, 0, 0);
    *set = (Set){.rows = {.kind = kind,
                          .classes = kind == EVAL_REGRESSION                           ? 1
                                     : kind == EVAL_MULTICLASS || kind == EVAL_ORDINAL ? MOST
                                                                                       : 2,
                          .outputs = kind == EVAL_MULTILABEL ? MOST : 1,
                          .count = ROWS,
                          .labels = set->labels,
                          .split = set->split,
                          .person = set->person,
                          .columns = set->columns,
                          .column_count = 2}};
    set->columns[0] = (EvalColumn){.name = "eye", .names = eyes, .categories = 2, .category = set->eye};
    set->columns[1] = (EvalColumn){.name = "age", .number = set->age};
    const int values = eval_values(&set->rows);
    for (int row = 0; row < ROWS; row++) {
        const int person = row / EYES;
        set->split[row] = person < PEOPLE / 3 ? PROBE_VAL : PROBE_TEST;
        set->person[row] = 1000 - person;
        set->eye[row] = row % EYES;
        set->age[row] = 41 + person * 0.6; /* test's people: 53 to 76.4 */
        for (int o = 0; o < set->rows.outputs; o++)
            set->labels[row * set->rows.outputs + o] =
                kind == EVAL_REGRESSION ? person % 7 : (person + o) % set->rows.classes;
        for (int v = 0; v < values; v++) {
            const double label = set->labels[row * set->rows.outputs + (set->rows.outputs > 1 ? v : 0)];
            const double hit = kind == EVAL_REGRESSION                ? label / 4
                               : values > 1 && set->rows.outputs == 1 ? label == v
                                                                      : label;
            set->predictions[row * values + v] = 0.1 + 0.3 * hit + random_between(&random, 0, 0.5);
            set->other[row * values + v] = 0.2 + 0.1 * hit + random_between(&random, 0, 0.6);
        }
    }
    for (int row = 0; row < ROWS && (kind == EVAL_MULTICLASS || kind == EVAL_ORDINAL); row++) {
        double sum = 0;
        for (int v = 0; v < values; v++)
            sum += set->predictions[row * values + v];
        for (int v = 0; v < values; v++)
            set->predictions[row * values + v] /= sum;
    }
}

static ScoresInput make_input(const Set *set, const char *metric, MainMetric *found) {
    assert_fine(main_metric_find(&set->rows, metric, found));
    return (ScoresInput){.rows = &set->rows,
                         .predictions = set->predictions,
                         .metric = found,
                         .resampling = {.bootstraps = BOOTSTRAPS, .seed = 3, .threads = 2}};
}

static void score(const Set *set, const char *metric, Scores *scores) {
    MainMetric found;
    const ScoresInput input = make_input(set, metric, &found);
    assert_fine(scores_measure(&input, scores));
    assert_string_equal(scores->image.list[scores->image.main].name, metric);
}

static const Estimate *find(const ScoreLevel *level, const char *name) {
    for (int i = 0; i < level->count; i++)
        if (!strcmp(level->list[i].name, name))
            return &level->list[i];
    fail_msg("no %s", name);
    return NULL;
}

/* The main figure is that of main_metric.h; an AUROC's interval is interval.h's. */
static void figures_are_those_of_their_own_functions(void **state) {
    (void)state;
    Set set;
    Scores scores;
    MainMetric metric;
    double value;
    IntervalFigures f;
    make_set(EVAL_BINARY, &set);
    score(&set, "auroc", &scores);
    const int first = ROWS / 3;
    assert_fine(interval_measure(&(IntervalInput){.labels = set.labels + first,
                                                  .scores = set.predictions + first,
                                                  .people = set.person + first,
                                                  .rows = ROWS - first,
                                                  .bootstraps = BOOTSTRAPS,
                                                  .seed = 3,
                                                  .threads = 1},
                                 &f));
    const Estimate *auroc = find(&scores.image, "auroc");
    assert_true(auroc->value == f.auroc && auroc->interval.low == f.low && auroc->interval.high == f.high);
    assert_true(auroc->interval.error == f.bootstrap_se && auroc->beside[0].error == f.cluster_se);
    assert_true(auroc->beside[0].low < f.auroc && f.auroc < auroc->beside[0].high);
    assert_null(auroc->beside[1].method); /* two images a person */
    assert_true(auroc->images == ROWS - first && auroc->people == PEOPLE * 2 / 3 && auroc->chance == 0.5);
    for (int i = 0; i < scores.image.count; i++) {
        const Estimate *e = &scores.image.list[i];
        if (e->better == FIGURE_NEITHER)
            continue;
        assert_fine(main_metric_find(&set.rows, e->name, &metric));
        assert_fine(main_metric_measure(&metric, &set.rows, set.labels, set.predictions, PROBE_TEST, &value));
        assert_true(e->value == value);
        assert_true(e->interval.method ? e->interval.low < value && value < e->interval.high && !e->reason
                                       : e->reason != NULL);
    }
    assert_null(find(&scores.image, "ece")->interval.method);
    assert_null(find(&scores.image, "threshold_youden")->interval.method);
    scores_free(&scores);
}

/* People's scores are those of a set with one row a person: the mean of their predictions. */
static void people_are_the_means_of_their_images(void **state) {
    (void)state;
    Set set, people;
    Scores of_images, of_people;
    for (EvalKind kind = EVAL_BINARY; kind <= EVAL_REGRESSION; kind++) {
        make_set(kind, &set);
        make_set(kind, &people);
        const int values = eval_values(&set.rows), outputs = set.rows.outputs;
        people.rows.count = PEOPLE;
        for (int p = 0; p < PEOPLE; p++) {
            people.split[p] = set.split[p * EYES];
            people.person[p] = set.person[p * EYES];
            people.age[p] = set.age[p * EYES];
            memcpy(people.labels + p * outputs, set.labels + p * EYES * outputs, (size_t)outputs * sizeof(double));
            for (int v = 0; v < values; v++)
                people.predictions[p * values + v] =
                    (set.predictions[p * EYES * values + v] + set.predictions[(p * EYES + 1) * values + v]) / 2;
        }
        static const char *const metrics[] = {"auroc", "auroc_macro_ovr", "auroc_macro", "kappa_quadratic", "r2"};
        score(&set, metrics[kind], &of_images);
        score(&people, metrics[kind], &of_people);
        assert_true(of_images.person.count == of_people.image.count && of_images.person.mixed == 0);
        for (int i = 0; i < of_people.image.count; i++) {
            const Estimate *got = &of_images.person.list[i], *want = &of_people.image.list[i];
            if (!isnan(want->value))
                assert_near(got->value, want->value);
            if (want->interval.method)
                assert_true(fabs(got->interval.low - want->interval.low) < 1e-9);
            assert_true(got->images == PEOPLE * 2 / 3 * EYES && got->people == PEOPLE * 2 / 3);
        }
        assert_true(kind != EVAL_BINARY || find(&of_images.person, "auroc")->beside[1].method);
        scores_free(&of_images);
        scores_free(&of_people);
    }
}

static void people_with_two_labels(void **state) {
    (void)state;
    Set set;
    Scores scores;
    make_set(EVAL_BINARY, &set);
    set.labels[ROWS - 1] = 1 - set.labels[ROWS - 2];
    score(&set, "auroc", &scores);
    assert_true(scores.person.mixed == 1 && find(&scores.person, "auroc")->people == PEOPLE * 2 / 3 - 1);
    scores_free(&scores);
    for (int row = 0; row < ROWS; row++) /* as with the laterality of eyes */
        set.labels[row] = row % 2;
    score(&set, "auroc", &scores);
    assert_true(scores.person.count == 0 && scores.person.mixed == PEOPLE * 2 / 3);
    assert_non_null(strstr(scores.person.reason, "different labels"));
    scores_free(&scores);
    make_set(EVAL_REGRESSION, &set); /* numbers have a mean */
    set.labels[ROWS - 1] += 2;
    score(&set, "mae", &scores);
    assert_true(scores.person.mixed == 0 && find(&scores.person, "mae")->people == PEOPLE * 2 / 3);
    scores_free(&scores);
}

static void people_who_are_not_known(void **state) {
    (void)state;
    Set set;
    Scores scores;
    MainMetric metric;
    Comparison comparison;
    make_set(EVAL_BINARY, &set);
    set.person[ROWS - 1] = -1;
    score(&set, "auroc", &scores);
    assert_true(scores.image.people == -1 && scores.person.count == 0 && scores.person.reason);
    for (int i = 0; i < scores.image.count; i++)
        assert_true(!scores.image.list[i].interval.method && scores.image.list[i].reason);
    assert_true(find(&scores.image, "auroc")->value > 0.5);
    /* One eye's subgroup contains that image, the other's does not. */
    assert_true(scores.subgroups[0].estimate.value > 0.5 && isnan(scores.subgroups[1].estimate.value));
    scores_free(&scores);
    const ScoresInput input = make_input(&set, "auroc", &metric);
    assert_fine(comparison_measure(&input, set.other, &comparison));
    assert_true(isfinite(comparison.difference) && isnan(comparison.p) && comparison.reason);
}

static void every_kind_has_intervals(void **state) {
    (void)state;
    static const char *const metrics[] = {"mcc", "log_loss", "hamming", "kappa_quadratic", "spearman"};
    for (EvalKind kind = EVAL_BINARY; kind <= EVAL_REGRESSION; kind++) {
        Set set;
        Scores scores, again;
        make_set(kind, &set);
        score(&set, metrics[kind], &scores);
        score(&set, metrics[kind], &again);
        for (int i = 0; i < scores.image.count; i++) {
            const Estimate *e = &scores.image.list[i];
            assert_true(e->interval.method || !strcmp(e->name, "ece") || !strncmp(e->name, "threshold", 9));
            assert_true(e->interval.method ? e->interval.low < e->value && e->value < e->interval.high &&
                                                 e->interval.error > 0 && !e->reason
                                           : isnan(e->interval.low) && e->reason);
            assert_true(!e->interval.method || e->interval.low == again.image.list[i].interval.low);
        }
        scores_free(&scores);
        scores_free(&again);
    }
}

static void figures_that_are_not_defined_say_why(void **state) {
    (void)state;
    Set set;
    Scores scores;
    make_set(EVAL_BINARY, &set);
    for (int row = 0; row < ROWS; row++)
        set.labels[row] = 0;
    score(&set, "accuracy", &scores);
    const Estimate *auroc = find(&scores.image, "auroc"), *at = find(&scores.image, "threshold_youden");
    assert_true(isnan(auroc->value) && strstr(auroc->reason, "all images are of one"));
    assert_true(isnan(at->value) && strstr(at->reason, "val does not give"));
    assert_true(scores.parts[0].roc_count == 0 && scores.confusion_count == 2); /* spec90 needs no positives */
    scores_free(&scores);
    /* A perfect prediction: no error to learn from. */
    for (int row = 0; row < ROWS; row++)
        set.predictions[row] = set.labels[row] = row / EYES % 2;
    score(&set, "accuracy", &scores);
    const Estimate *accuracy = find(&scores.image, "accuracy");
    assert_true(accuracy->value == 1 && !accuracy->interval.method && strstr(accuracy->reason, "at its limit"));
    scores_free(&scores);
    for (int row = 0; row < ROWS; row++)
        set.labels[row] = set.split[row] == PROBE_TEST ? NAN : set.labels[row];
    MainMetric metric;
    const ScoresInput input = make_input(&set, "auroc", &metric);
    assert_refused(scores_measure(&input, &scores), EXIT_DATA, "no test image has a known label");
    scores_free(&scores);
}

/* Four test images: 0.2 and 0.6 are negative, 0.4 and 0.8 positive. */
static void curves_by_hand(void **state) {
    (void)state;
    const double labels[] = {0, 1, 0, 1, 0, 1}, predictions[] = {0.3, 0.7, 0.2, 0.4, 0.6, 0.8};
    const int64_t split[] = {1, 1, 2, 2, 2, 2}, person[] = {0, 1, 2, 3, 4, 5};
    const EvalRows rows = {.kind = EVAL_BINARY,
                           .classes = 2,
                           .outputs = 1,
                           .count = 6,
                           .labels = labels,
                           .split = split,
                           .person = person};
    MainMetric metric;
    Scores scores;
    assert_fine(main_metric_find(&rows, "auroc", &metric));
    assert_fine(scores_measure(&(ScoresInput){&rows, predictions, &metric, {2, 0, 1}}, &scores));
    assert_true(scores.part_count == 1 && scores.subgroup_count == 0);
    const ScorePart *part = &scores.parts[0];
    static const CurvePoint roc[] = {{0, 0}, {0, 0.5}, {0.5, 0.5}, {0.5, 1}, {1, 1}};
    static const CurvePoint pr[] = {{0.5, 1}, {0.5, 0.5}, {1, 2. / 3}, {1, 0.5}};
    assert_true(part->part == 1 && part->roc_count == 5 && part->pr_count == 4);
    assert_memory_equal(part->roc, roc, sizeof roc);
    assert_memory_equal(part->pr, pr, sizeof pr);
    assert_true(part->bin_count == 4 && part->bins[1].observed == 1 && part->bins[1].images == 1);
    assert_near(part->bins[1].predicted, 0.4);
    /* At 0.5: one right and one wrong of four. */
    assert_true(part->decision_count == 99);
    assert_near(part->decision[49].at, 0.5);
    assert_near(part->decision[49].model, 0);
    assert_near(part->decision[49].everyone, 0);
    assert_near(part->decision[69].model, 0.25); /* at 0.7 */
    /* Of the model and of everyone: at 0.3 the model calls one of two negatives positive. */
    static const double benefits[][2] = {{0.5 - 0.5 / 9, 0.5 - 0.5 / 9},
                                         {0.5 - 0.5 / 4, 0.5 - 0.5 / 4},
                                         {0.5 - 0.25 * 3 / 7, 0.5 - 0.5 * 3 / 7},
                                         {0, 0}};
    int listed = 0;
    for (int i = 0; i < scores.image.count; i++)
        if (!strncmp(scores.image.list[i].name, "net_benefit", 11)) {
            assert_near(scores.image.list[i].value, benefits[listed / 2][listed % 2]);
            listed++;
        }
    assert_true(listed == 8);
    /* Youden's threshold is 0.7, as is spec90: 0.8 alone is above. */
    static const int64_t most[] = {1, 1, 1, 1}, youden[] = {2, 0, 1, 1};
    assert_true(scores.confusion_count == 3);
    assert_memory_equal(scores.confusions[0].counts, most, sizeof most);
    assert_memory_equal(scores.confusions[1].counts, youden, sizeof youden);
    assert_string_equal(scores.confusions[2].rule, "threshold_spec90");
    scores_free(&scores);
}

/* Equal predictions enter a curve together: one point after 0.4's negative and positive image. */
static void tied_predictions_share_a_point(void **state) {
    (void)state;
    const double labels[] = {0, 1, 0, 1}, predictions[] = {0.1, 0.4, 0.4, 0.9};
    const int64_t split[] = {2, 2, 2, 2}, person[] = {0, 1, 2, 3};
    const EvalRows rows = {.kind = EVAL_BINARY,
                           .classes = 2,
                           .outputs = 1,
                           .count = 4,
                           .labels = labels,
                           .split = split,
                           .person = person};
    MainMetric metric;
    Scores scores;
    assert_fine(main_metric_find(&rows, "auroc", &metric));
    assert_fine(scores_measure(&(ScoresInput){&rows, predictions, &metric, {2, 0, 1}}, &scores));
    static const CurvePoint roc[] = {{0, 0}, {0, 0.5}, {0.5, 1}, {1, 1}};
    assert_true(scores.parts[0].roc_count == 4);
    assert_memory_equal(scores.parts[0].roc, roc, sizeof roc);
    scores_free(&scores);
}

/* Many points are thinned; the ends stay, and the curve rises. */
static void long_curves_are_thinned(void **state) {
    (void)state;
    enum { MANY = 3000 };
    static double labels[MANY], predictions[MANY];
    static int64_t split[MANY], person[MANY];
    Random random;
    random_start(&random, 6, RANDOM_TEST, 0, 0);
    for (int i = 0; i < MANY; i++) {
        labels[i] = i % 3 == 0;
        predictions[i] = (random_uniform(&random) + labels[i]) / 2;
        split[i] = PROBE_TEST;
        person[i] = -1;
    }
    const EvalRows rows = {.kind = EVAL_BINARY,
                           .classes = 2,
                           .outputs = 1,
                           .count = MANY,
                           .labels = labels,
                           .split = split,
                           .person = person};
    MainMetric metric;
    Scores scores;
    assert_fine(main_metric_find(&rows, "auroc", &metric));
    assert_fine(scores_measure(&(ScoresInput){&rows, predictions, &metric, {2, 0, 1}}, &scores));
    const ScorePart *part = &scores.parts[0];
    double area = 0;
    assert_true(part->roc_count > 150 && part->roc_count <= 202);
    for (int i = 1; i < part->roc_count; i++) {
        const CurvePoint *a = &part->roc[i - 1], *b = &part->roc[i];
        assert_true(a->x <= b->x && a->y <= b->y);
        area += (b->x - a->x) * (a->y + b->y) / 2;
    }
    assert_true(part->roc[part->roc_count - 1].x == 1 && part->roc[part->roc_count - 1].y == 1);
    /* A chord over a 200th of the rows cuts off at most their pairs: 1/200 x 1/200 x 9/4 / 2 at each of 200 points. */
    assert_true(fabs(area - find(&scores.image, "auroc")->value) < 0.006);
    scores_free(&scores);
}

static void subgroups_by_hand(void **state) {
    (void)state;
    Set set;
    Scores scores;
    make_set(EVAL_BINARY, &set);
    score(&set, "auroc", &scores);
    /* Eyes, then ages 53 to 76.4 in steps of 5. */
    static const char *const names[] = {"left",       "right",      "50 to < 55", "55 to < 60",
                                        "60 to < 65", "65 to < 70", "70 to < 75", "75 to < 80"};
    assert_true(scores.subgroup_count == 8);
    int64_t images = 0, people = 0;
    for (int i = 0; i < 8; i++) {
        const Subgroup *s = &scores.subgroups[i];
        assert_string_equal(s->category, names[i]);
        assert_string_equal(s->column, i < 2 ? "eye" : "age");
        images += s->estimate.images;
        people += i < 2 ? 0 : s->estimate.people;
        if (i < 2)
            assert_true(s->estimate.people == PEOPLE * 2 / 3 && s->estimate.interval.method &&
                        s->estimate.beside[1].method); /* one image a person */
        else                                           /* about 8 people in a band */
            assert_true(isnan(s->estimate.value) && !s->estimate.interval.method &&
                        !strcmp(s->estimate.reason, "fewer than 10 people in a class"));
    }
    assert_true(images == 2 * (ROWS - ROWS / 3) && people == PEOPLE * 2 / 3);
    scores_free(&scores);
    /* Ten people in each class are enough, nine are not. */
    set.rows.column_count = 1;
    for (int people_of_class = 9; people_of_class <= 10; people_of_class++) {
        int of_class[2] = {0, 0};
        for (int row = 0; row < ROWS; row++) {
            const int label = (int)set.labels[row];
            set.eye[row] = set.split[row] == PROBE_TEST && of_class[label] < people_of_class * EYES ? 0 : -1;
            of_class[label] += set.split[row] == PROBE_TEST;
        }
        score(&set, "auroc", &scores);
        assert_true(scores.subgroup_count == 2 && scores.subgroups[0].estimate.people == 2 * people_of_class);
        assert_true(isnan(scores.subgroups[0].estimate.value) == (people_of_class < 10));
        assert_string_equal(scores.subgroups[1].category, "not known");
        scores_free(&scores);
    }
}

static void the_better_one_wins(void **state) {
    (void)state;
    Set set;
    MainMetric metric;
    Comparison c, turned;
    make_set(EVAL_BINARY, &set);
    ScoresInput input = make_input(&set, "auroc", &metric);
    assert_fine(comparison_measure(&input, set.other, &c));
    assert_true(c.difference < 0 && c.interval.high < 0 && c.p < 0.05 && !c.reason && c.adjusted == c.p);
    assert_true(c.people == PEOPLE * 2 / 3 && c.images == ROWS - ROWS / 3);
    input.predictions = set.other;
    assert_fine(comparison_measure(&input, set.predictions, &turned));
    assert_true(turned.difference == -c.difference && turned.first == c.other && turned.p == c.p);
    assert_true(turned.interval.low == -c.interval.high);
    /* Its interval is interval.h's. */
    IntervalFigures f;
    const int first = ROWS / 3;
    assert_fine(interval_measure(&(IntervalInput){.labels = set.labels + first,
                                                  .scores = set.predictions + first,
                                                  .other = set.other + first,
                                                  .people = set.person + first,
                                                  .rows = ROWS - first,
                                                  .bootstraps = BOOTSTRAPS,
                                                  .seed = 3,
                                                  .threads = 1},
                                 &f));
    assert_near(c.difference, f.difference);
    assert_true(fabs(c.interval.low - f.difference_low) < 1e-12 && fabs(c.interval.high - f.difference_high) < 1e-12);
}

static void equal_predictions_do_not_differ(void **state) {
    (void)state;
    static const char *const metrics[] = {"auroc", "log_loss", "auroc_macro", "kappa_quadratic", "r2"};
    for (EvalKind kind = EVAL_BINARY; kind <= EVAL_REGRESSION; kind++) {
        Set set;
        MainMetric metric;
        Comparison c;
        make_set(kind, &set);
        ScoresInput input = make_input(&set, metrics[kind], &metric);
        assert_fine(comparison_measure(&input, set.predictions, &c));
        assert_true(c.difference == 0 && c.p == 1 && c.interval.low == 0 && c.interval.high == 0 && !c.reason);
    }
}

/* Thresholds are chosen on each one's own val rows: a prediction of half the size is not worse. */
static void each_has_its_own_threshold(void **state) {
    (void)state;
    Set set;
    MainMetric metric;
    Comparison c;
    make_set(EVAL_BINARY, &set);
    for (int row = 0; row < ROWS; row++)
        set.other[row] = set.predictions[row] / 2;
    ScoresInput input = make_input(&set, "balanced_accuracy_youden", &metric);
    assert_fine(comparison_measure(&input, set.other, &c));
    assert_true(c.difference == 0 && c.p == 1);
    /* They are val's: with val's predictions lower, more are called positive. */
    for (int row = 0; row < ROWS; row++)
        set.other[row] = set.predictions[row] - (set.split[row] == PROBE_VAL ? 0.25 : 0);
    double value;
    assert_fine(comparison_measure(&input, set.other, &c));
    assert_fine(main_metric_measure(&metric, &set.rows, set.labels, set.other, PROBE_TEST, &value));
    assert_true(c.other == value && c.difference != 0);
}

static void several_comparisons(void **state) {
    (void)state;
    Comparison list[4] = {{.p = 0.04}, {.p = 0.01}, {.p = NAN}, {.p = 0.03}};
    assert_fine(comparisons_adjust(list, 4));
    assert_near(list[1].adjusted, 0.03);
    assert_near(list[3].adjusted, 0.06);
    assert_near(list[0].adjusted, 0.06); /* not below the one before it */
    assert_true(isnan(list[2].adjusted) && list[0].p == 0.04);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_their_own_functions),
        cmocka_unit_test(people_are_the_means_of_their_images),
        cmocka_unit_test(people_with_two_labels),
        cmocka_unit_test(people_who_are_not_known),
        cmocka_unit_test(every_kind_has_intervals),
        cmocka_unit_test(figures_that_are_not_defined_say_why),
        cmocka_unit_test(curves_by_hand),
        cmocka_unit_test(tied_predictions_share_a_point),
        cmocka_unit_test(long_curves_are_thinned),
        cmocka_unit_test(subgroups_by_hand),
        cmocka_unit_test(the_better_one_wins),
        cmocka_unit_test(equal_predictions_do_not_differ),
        cmocka_unit_test(each_has_its_own_threshold),
        cmocka_unit_test(several_comparisons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
