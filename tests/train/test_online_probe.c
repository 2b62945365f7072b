/* SPDX-License-Identifier: Apache-2.0 */
/* The probe of a run: its figures are those of the weights, whatever else happens, and what cannot be probed is refused
 * before the run begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "checkpoint/initial.h"
#include "model/vit.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/short_run.h"
#include "train/probe/online_probe.h"

#include <math.h>

#define OF_AGE "probe.train=@/train probe.val=@/val probe.label=age probe.kind=regress train.precision=fp32 "
enum { DIM = 16, VALS = 4 };

static int open_root(void **state) {
    static const PackSpec pack = {"one", "tv", SHORT_SIDE + 4, 16, 100, 1};
    char *root = scratch_make();
    short_run_draw(root);
    short_run_label(root);
    free(fixture_pack(root, "pack", &pack));
    *state = root;
    return 0;
}

/* A run; its directory stays. */
static void make_run(const char *root, const char *sets, int64_t until, bool resume) {
    Config config;
    const TrainOptions options = {.config_path = "short.ini", .resume = resume, .force = !resume, .until = until};
    short_run_config(root, sets, &config);
    assert_ok(train_run(&config, &options));
}

/* The lines of the run's validations; the caller's. */
static cJSON *read_validations(const char *root) {
    char *path = scratch_path(root, "run");
    cJSON *lines = short_run_lines(path, "val_loss");
    free(path);
    return lines;
}

static double figure_of(const cJSON *lines, int line, const char *name) {
    const cJSON *own = cJSON_GetArrayItem(lines, line);
    return short_run_number(cJSON_GetObjectItemCaseSensitive(own, "val_figures"), name);
}

/* --- The number --------------------------------------------------------------------------------------------------- */

/* What a ViT that starts from the run's checkpoint makes of a folder's images: its class token after the norm. */
static void measure_features(const char *root, const char *folder, int count, float *features) {
    static const char *const head[] = {"head"};
    const ModelShape shape = {.image_size = SHORT_SIDE,
                              .patch_size = 4,
                              .dim = DIM,
                              .depth = 2,
                              .heads = 2,
                              .mlp_ratio = 4,
                              .norm_eps = 1e-6,
                              .activation = ACTIVATION_GELU_ERF,
                              .classes = 2,
                              .pool = POOL_CLS,
                              .batch = count};
    char *path = scratch_path(root, folder), *from = scratch_path(root, "run/ckpt/latest/weights.safetensors");
    Records records;
    EvaluationImages images;
    UnreadableList unreadable = {0};
    Ops ops;
    Vit *vit;
    InitialTable table;
    assert_ok(records_open(path, "", RECORDS_ALL, &records));
    const LoaderOptions options = {.records = &records,
                                   .cache = LOADER_AUTO,
                                   .image_size = SHORT_SIDE,
                                   .min_side = 4,
                                   .crop = {1, 1, 1, 1, 0},
                                   .batch_size = 1,
                                   .workers = 1,
                                   .device = device_cpu(),
                                   .depth = 2,
                                   .limit_name = "limit"};
    assert_ok(evaluation_images_open(&images, options, count, &unreadable));
    assert_int_equal(images.count, count);
    ops_cpu(&ops, 1);
    assert_ok(vit_open(&shape, &ops, &vit));
    assert_ok(
        initial_read(vit_params(vit), &(InitialOptions){.path = from, .fresh = head, .fresh_count = 1}, NULL, &table));
    params_round(vit_params(vit), &ops);
    vit_forward(vit, &(ModelInput){.pixels = images.pixels, .batch = count});
    assert_ok(ops_error(&ops));
    memcpy(features, vit_features(vit), (size_t)count * DIM * sizeof *features);
    vit_close(vit);
    evaluation_images_close(&images);
    records_close(&records);
    free(from);
    free(path);
}

/* Solves a x = b by elimination with pivots; a symmetric and positive. */
static void solve(double a[DIM][DIM], double *b) {
    for (int i = 0; i < DIM; i++)
        for (int row = i + 1; row < DIM; row++) {
            const double factor = a[row][i] / a[i][i];
            for (int column = i; column < DIM; column++)
                a[row][column] -= factor * a[i][column];
            b[row] -= factor * b[i];
        }
    for (int i = DIM - 1; i >= 0; i--) {
        for (int column = i + 1; column < DIM; column++)
            b[i] -= a[i][column] * b[column];
        b[i] /= a[i][i];
    }
}

typedef struct {
    double x[SHORT_IMAGES][DIM], y[SHORT_IMAGES];
    int rows;
} Table;

/* Sums of squared differences of ridge regression's predictions, by the normal equations of centred columns. */
static double miss(const Table *train, const Table *val, double alpha) {
    double mean[DIM] = {0}, level = 0, a[DIM][DIM] = {{0}}, w[DIM] = {0}, sum = 0;
    for (int r = 0; r < train->rows; r++) {
        level += train->y[r] / train->rows;
        for (int i = 0; i < DIM; i++)
            mean[i] += train->x[r][i] / train->rows;
    }
    for (int i = 0; i < DIM; i++)
        for (int r = 0; r < train->rows; r++) {
            for (int j = 0; j < DIM; j++)
                a[i][j] += (train->x[r][i] - mean[i]) * (train->x[r][j] - mean[j]);
            w[i] += (train->x[r][i] - mean[i]) * (train->y[r] - level);
        }
    for (int i = 0; i < DIM; i++)
        a[i][i] += alpha;
    solve(a, w);
    for (int r = 0; r < val->rows; r++) {
        double guess = level;
        for (int i = 0; i < DIM; i++)
            guess += w[i] * (val->x[r][i] - mean[i]);
        sum += (guess - val->y[r]) * (guess - val->y[r]);
    }
    return sum;
}

/* R2 of the best strength, of features standardised by all images of train. */
static double expected_r2(float features[SHORT_IMAGES][DIM], float asked[VALS][DIM]) {
    Table train = {0}, val = {.rows = VALS};
    for (int i = 0; i < DIM; i++) {
        double mean = 0, squares = 0;
        for (int r = 0; r < SHORT_IMAGES; r++)
            mean += (double)features[r][i] / SHORT_IMAGES;
        for (int r = 0; r < SHORT_IMAGES; r++)
            squares += ((double)features[r][i] - mean) * ((double)features[r][i] - mean);
        const double sd = sqrt(squares / SHORT_IMAGES);
        train.rows = 0;
        for (int r = 0; r < SHORT_IMAGES; r++)
            if (r != 7) { /* it has no label */
                train.x[train.rows][i] = ((double)features[r][i] - mean) / sd;
                train.y[train.rows++] = 30 + 5 * r;
            }
        for (int r = 0; r < VALS; r++) {
            val.x[r][i] = ((double)asked[r][i] - mean) / sd;
            val.y[r] = 40 + 10 * r;
        }
    }
    double least = INFINITY;
    for (double alpha = 0.1; alpha < 2e5; alpha *= 10)
        least = miss(&train, &val, alpha) < least ? miss(&train, &val, alpha) : least;
    return 1 - least / 500; /* 15, 5, 5 and 15 squared */
}

static void the_figure_is_that_of_the_checkpoints_weights(void **state) {
    float features[SHORT_IMAGES][DIM], asked[VALS][DIM];
    make_run(*state, OF_AGE "model.pool=cls", 0, false);
    measure_features(*state, "train", SHORT_IMAGES, features[0]);
    measure_features(*state, "val", VALS, asked[0]);
    cJSON *lines = read_validations(*state);
    assert_int_equal(cJSON_GetArraySize(lines), 2);
    /* Features of FP32 differ in their last bits, 1e-6, and the weakest penalty multiplies that by up to a hundred. */
    assert_true(fabs(figure_of(lines, 1, "probe_r2") - expected_r2(features, asked)) < 1e-3);
    assert_true(figure_of(lines, 0, "probe_r2") != figure_of(lines, 1, "probe_r2"));
    cJSON_Delete(lines);
}

/* --- Beside the training ------------------------------------------------------------------------------------------ */

static char *read_file(const char *root, const char *name) {
    uint8_t *data;
    size_t size;
    scratch_read(root, name, &data, &size);
    char *text = printed_path("%zu %llx", size, (unsigned long long)XXH3_64bits(data, size));
    free(data);
    return text;
}

static void weights_do_not_depend_on_it(void **state) {
    static const char *const objectives[] = {"train.precision=fp32", "train.objective=classify data.label=grade"};
    for (int i = 0; i < 2; i++) {
        char *weights[2];
        for (int probed = 0; probed < 2; probed++) {
            char *sets = printed_path("%s %s", probed ? OF_AGE : "train.precision=fp32", objectives[i]);
            make_run(*state, sets, 0, false);
            weights[probed] = read_file(*state, "run/ckpt/latest/weights.safetensors");
            free(sets);
        }
        assert_string_equal(weights[0], weights[1]);
        cJSON *lines = read_validations(*state); /* of a labelled run: beside its own figures */
        assert_true(isfinite(figure_of(lines, 1, "probe_r2")));
        assert_true(i == 0 || isfinite(figure_of(lines, 1, "accuracy")));
        cJSON_Delete(lines);
        free(weights[0]);
        free(weights[1]);
    }
}

static void a_resumed_run_has_the_same_figures(void **state) {
    const char *sets = OF_AGE "train.precision=fp8";
    make_run(*state, sets, 0, false);
    cJSON *whole = read_validations(*state);
    make_run(*state, sets, 4, false);
    make_run(*state, sets, 0, true);
    cJSON *resumed = read_validations(*state);
    assert_true(cJSON_Compare(whole, resumed, true));
    assert_int_equal(cJSON_GetArraySize(whole), 2);
    cJSON_Delete(whole);
    cJSON_Delete(resumed);
}

static void an_emulated_gpu_measures_the_same(void **state) {
    double r2[2];
    for (int emulated = 0; emulated < 2; emulated++) {
        make_run(*state,
                 emulated ? OF_AGE "train.steps=3 train.device=emu train.deterministic=on" : OF_AGE "train.steps=3", 0,
                 false);
        cJSON *lines = read_validations(*state);
        r2[emulated] = figure_of(lines, 0, "probe_r2");
        cJSON_Delete(lines);
    }
    assert_true(fabs(r2[0] - r2[1]) < 1e-2); /* FP32 sums in another order, through three steps of training */
}

/* Neither of these runs' losses is best where the probe's figure is. */
static void the_best_checkpoint_is_chosen_by_it(void **state) {
    make_run(*state, OF_AGE "val.metric=probe_r2", 0, false);
    char *path = scratch_path(*state, "run");
    cJSON *lines = read_validations(*state), *record = short_run_json(path, "run.json");
    const double first = figure_of(lines, 0, "probe_r2"), last = figure_of(lines, 1, "probe_r2");
    assert_true(short_run_number(record, "best_step") == (first >= last ? 3 : 6));
    assert_true(fabs(short_run_number(record, "best_val_metric") - (first >= last ? first : last)) < 1e-6);
    assert_true(fabs(short_run_number(record, "val_metric") - last) < 1e-6); /* as many digits as are written */
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(record, "metric")->valuestring, "probe_r2");
    cJSON_Delete(lines);
    cJSON_Delete(record);
    free(path);
}

/* --- Kinds of labels ---------------------------------------------------------------------------------------------- */

/* Features that a test has chosen. */
typedef struct {
    Objective objective;
    const OnlineProbe *probe;
    int from; /* the label's column that the first feature shows; -1: it is not finite */
} Planted;

static Status plant_features(Objective *self, const EvaluationImages *images, float *features) {
    const Planted *own = (const Planted *)self;
    const Labels *labels = images == &own->probe->train.images ? &own->probe->train.labels : &own->probe->val.labels;
    for (int i = 0; i < images->count; i++) {
        const float label = own->from < 0 ? NAN : labels->values[images->records[i] * labels->columns + own->from];
        features[2 * i] = isnan(label) && own->from >= 0 ? 0 : label;
        features[2 * i + 1] = (float)(i % 2);
    }
    return NULL;
}

static Status open_probe(const char *root, const char *sets, OnlineProbe *probe, Config *config) {
    Records records;
    const Targets targets = {0};
    UnreadableList unreadable = {0};
    short_run_config(root, sets, config);
    *probe = (OnlineProbe){0};
    Status status = records_open(config->data.train, "", config->data.splits, &records);
    if (!status)
        status = online_probe_open(config, &records, &targets, probe);
    const LoaderOptions options = {.cache = LOADER_AUTO,
                                   .image_size = SHORT_SIDE,
                                   .min_side = 4,
                                   .crop = {1, 1, 1, 1, 0},
                                   .workers = 1,
                                   .device = device_cpu(),
                                   .depth = 2,
                                   .limit_name = "limit"};
    if (!status)
        status = online_probe_read(probe, config, options, &unreadable);
    records_close(&records);
    return status;
}

static void each_kind_finds_what_a_feature_shows(void **state) {
    static const ModelShape shape = {.dim = 2};
    static const struct {
        const char *label, *kind, *shown;
        double found; /* of a feature that is the label; the other columns of several are not shown */
    } cases[] = {{"risk", "classify", "probe_auroc", 1},
                 {"grade", "classify", "probe_auroc_macro_ovr", 1},
                 {"risk,sight", "multilabel", "probe_auroc_risk", 1},
                 {"age", "regress", "probe_r2", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OnlineProbe probe;
        Config config;
        char *sets = printed_path("probe.train=@/train probe.val=@/val probe.label=%s probe.kind=%s", cases[i].label,
                                  cases[i].kind);
        assert_ok(open_probe(*state, sets, &probe, &config));
        Planted planted = {.objective = {.shape = &shape, .features = plant_features}, .probe = &probe};
        Validation validation = {.count = 0};
        assert_ok(online_probe_run(&probe, &planted.objective, 2, &validation));
        /* The weakest ridge still shrinks: alpha 0.1 beside 15 rows of variance 1. */
        assert_true(fabs(validation_figure(&validation, cases[i].shown) - cases[i].found) < 1e-3);
        assert_true(!isnan(validation_figure(&validation, online_probe_shown(&probe))));
        planted.from = -1;
        validation.count = 0;
        assert_ok(online_probe_run(&probe, &planted.objective, 2, &validation));
        assert_int_equal(validation.count, 0);
        online_probe_close(&probe);
        free(sets);
    }
}

static void probes_come_with_their_validations(void **state) {
    (void)state;
    const OnlineProbe probe = {.every = 6}, none = {0};
    assert_true(online_probe_due(&probe, 6, 100) && online_probe_due(&probe, 100, 100));
    assert_false(online_probe_due(&probe, 3, 100) || online_probe_due(&none, 6, 6));
}

/* --- What is refused ---------------------------------------------------------------------------------------------- */

static void labels_that_cannot_be_probed_are_refused(void **state) {
    static const struct {
        const char *sets, *message;
    } cases[] = {
        {"probe.label=cup", "no column cup"},
        {"probe.label=grade probe.kind=multilabel", "grade is 2 for 03.png, where multilabel takes 0 or 1"},
        {"probe.label=ratio probe.kind=classify", "which is no class; number them from 0, or use probe.kind = regress"},
        {"probe.label=even probe.kind=regress", "even is the same in the first 16 images"},
        {"probe.label=even", "the labels of train are one class"},
        {"probe.label=grade probe.images=1", "raise probe.images"},
        {"probe.label=rare", "each class must have a row there, and one outside; label other images"},
        {"probe.label=grade val.metric=probe_auroc", "val.metric = probe_auroc is not defined"},
        {"probe.val=@/train", "(data.train, probe.val)"},
        {"data.train=@/other probe.val=@/train", "(probe.train, probe.val)"},
        {"data.train=@/other probe.val=@/val2 probe.label=age", "person p10 of"},
        {"data.train=@/pack data.splits=all probe.val=@/pack", "has no labels"},
    };
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fputs("file,person,grade,risk,age,ratio,even,rare\n", out);
    for (int i = 0; i < SHORT_IMAGES; i++)
        fprintf(out, "train/%02d.png,p%d,%d,%d,%d,0.5,1,%d\n", i, i, i % 4 == 3 ? 2 : i % 2, i % 2, i, i == 3);
    for (int i = 0; i < VALS; i++)
        fprintf(out, "val/%02d.png,q%d,%d,%d,%d,0.5,1,0\nval2/%02d.png,p%d,1,1,%d,0.5,1,0\n", i, i, i % 3, i % 2, i, i,
                i + 9, i);
    assert_int_equal(fclose(out), 0);
    scratch_write(*state, "labels.csv", text, size);
    free(text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OnlineProbe probe;
        Config config;
        char *sets = printed_path("probe.train=@/train probe.val=@/val probe.label=age %s", cases[i].sets);
        assert_refused(open_probe(*state, sets, &probe, &config), EXIT_DATA, cases[i].message);
        online_probe_close(&probe);
        free(sets);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_figure_is_that_of_the_checkpoints_weights),
        cmocka_unit_test(weights_do_not_depend_on_it),
        cmocka_unit_test(a_resumed_run_has_the_same_figures),
        cmocka_unit_test(an_emulated_gpu_measures_the_same),
        cmocka_unit_test(the_best_checkpoint_is_chosen_by_it),
        cmocka_unit_test(each_kind_finds_what_a_feature_shows),
        cmocka_unit_test(probes_come_with_their_validations),
        cmocka_unit_test(labels_that_cannot_be_probed_are_refused), /* the last: it writes other labels */
    };
    return cmocka_run_group_tests(tests, open_root, short_run_close);
}
