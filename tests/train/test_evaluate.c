/* SPDX-License-Identifier: Apache-2.0 */
/* What trained weights make of images, compared with what their run measured; labels in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/labels.h"
#include "tests/fixtures/short_run.h"
#include "train/evaluate.h"

#include <math.h>

enum { VALS = 4 };

/* A run of short.ini, all of whose validation images are validated at the end. */
static void make_run(const char *root, const char *sets, const double *labels, Config *config) {
    const TrainOptions options = {.config_path = "short.ini", .force = true, .labels = labels};
    char *all = printed_path("val.images=4 val.every=6 monitor.every=0 train.micro_batch=2 %s", sets);
    short_run_config(root, all, config);
    free(all);
    assert_ok(train_run(config, &options));
}

static int open_root(void **state) {
    static const PackSpec first = {"one", "ttve", SHORT_SIDE + 4, 24, 100, 1};
    static const PackSpec second = {"two", "vt-", SHORT_SIDE + 4, 12, 5, 2};
    char *root = scratch_make();
    Config config;
    short_run_draw(root);
    short_run_label(root);
    free(fixture_pack(root, "pack", &first));
    free(fixture_pack(root, "pack2", &second));
    make_run(root, "run.dir=@/mae", NULL, &config);
    *state = root;
    return 0;
}

/* The validation images' values under the run's last weights; the caller's. */
static double *evaluate(const Config *config, const double *labels, int width) {
    static const bool wanted[VALS] = {true, true, true, true};
    Records val;
    double *values;
    int found;
    char *weights = printed_path("%s/ckpt/latest/weights.safetensors", config->run.dir);
    assert_ok(records_open(config->data.val, "", RECORDS_VAL, &val));
    assert_int_equal(val.count, VALS);
    const EvaluateInput input = {
        .config = config, .labels = labels, .weights = weights, .records = &val, .wanted = wanted};
    assert_ok(evaluate_images(&input, &values, &found));
    assert_int_equal(found, width);
    records_close(&val);
    free(weights);
    return values;
}

/* The last of metrics.jsonl: the validation loss, or a figure beside it. */
static double measured(const Config *config, const char *figure) {
    cJSON *lines = short_run_lines(config->run.dir, "val_loss");
    const cJSON *last = cJSON_GetArrayItem(lines, cJSON_GetArraySize(lines) - 1);
    const double value = figure ? short_run_number(cJSON_GetObjectItemCaseSensitive(last, "val_figures"), figure)
                                : short_run_number(last, "val_loss");
    cJSON_Delete(lines);
    return value;
}

/* Labels of short_run_label() for val/NN.png. */
static int grade(int i) {
    return i % 3;
}

/* To the nine digits of metrics.jsonl; sums in float32 end some 1e-6 of the loss from those in double. */
#define assert_same(got, want) assert_true(fabs((got) - (want)) < 1e-5 * fmax(1.0, fabs((double)(want))))

static void losses_are_those_of_the_validation(void **state) {
    Config config;
    for (int emulated = 0; emulated < 2; emulated++) {
        if (emulated)
            make_run(*state, "train.steps=2 train.device=emu train.deterministic=on", NULL, &config);
        else
            short_run_config(*state, "run.dir=@/mae", &config);
        double *losses = evaluate(&config, NULL, 1), sum = 0;
        for (int i = 0; i < VALS; i++)
            sum += losses[i] / VALS;
        assert_same(sum, measured(&config, NULL));
        assert_true(fabs(losses[0] - losses[1]) > 1e-4); /* each image has its own */
        free(losses);
    }
}

static void predictions_are_those_of_the_validation(void **state) {
    Config config;
    double loss = 0;
    make_run(*state, "train.objective=classify data.label=grade train.steps=2 train.device=emu train.deterministic=on",
             NULL, &config);
    double *p = evaluate(&config, NULL, 3);
    for (int i = 0; i < VALS; i++) {
        loss -= log(p[3 * i + grade(i)]) / VALS;
        assert_same(p[3 * i] + p[3 * i + 1] + p[3 * i + 2], 1);
    }
    assert_same(loss, measured(&config, NULL));
    free(p);

    make_run(*state, "train.objective=ordinal data.label=grade", NULL, &config);
    p = evaluate(&config, NULL, 3);
    loss = 0;
    for (int i = 0; i < VALS; i++)
        loss -= log(p[3 * i + grade(i)]) / VALS;
    assert_same(loss, measured(&config, "log_loss"));
    free(p);

    make_run(*state, "train.objective=multilabel data.label=risk,sight", NULL, &config);
    p = evaluate(&config, NULL, 2);
    loss = 0;
    for (int i = 0; i < VALS; i++)
        for (int l = 0; l < 2; l++)
            loss -= log((l ? i / 2 : i % 2) ? p[2 * i + l] : 1 - p[2 * i + l]) / (2 * VALS);
    assert_same(loss, measured(&config, NULL));
    free(p);

    make_run(*state, "train.objective=regress data.label=age", NULL, &config);
    p = evaluate(&config, NULL, 1);
    loss = 0;
    for (int i = 0; i < VALS; i++)
        loss += fabs(p[i] - (40 + 10 * i)) / VALS;
    assert_same(loss, measured(&config, "mae"));
    free(p);
}

static void only_wanted_images_have_values(void **state) {
    Config config;
    Records all;
    double *values;
    int width;
    short_run_config(*state, "data.val=@/pack", &config);
    char *weights = scratch_path(*state, "mae/ckpt/latest/weights.safetensors");
    assert_ok(records_open(config.data.val, "", RECORDS_ALL, &all));
    bool wanted[24] = {false};
    wanted[3] = wanted[8] = wanted[9] = wanted[23] = true;
    const EvaluateInput input = {.config = &config, .weights = weights, .records = &all, .wanted = wanted};
    assert_ok(evaluate_images(&input, &values, &width));
    for (int i = 0; i < all.count; i++)
        assert_int_equal(isfinite(values[i]), wanted[i]);
    free(values);
    records_close(&all);
    free(weights);
}

/* Records of packs have the labels of their places among all records, whatever the split. */
static void labels_in_memory_belong_to_records(void **state) {
    static const int64_t train[] = {0,  1,  2,  3,  8,  9,  10, 11, 16, 17, 18, 19, /* "tt" of "ttve" */
                                    26, 27, 28, 29, 32, 33, 34, 35};                /* "t-" of "vt-" */
    Records records;
    Labels labels;
    double values[36][2];
    for (int i = 0; i < 36; i++) {
        values[i][0] = i;
        values[i][1] = i % 2 ? NAN : 100 + i;
    }
    char *text = printed_path("%s/pack,%s/pack2", (char *)*state, (char *)*state);
    assert_ok(records_open(text, "", RECORDS_TRAIN, &records));
    assert_int_equal(records.count, sizeof train / sizeof *train);
    assert_ok(labels_take(&records, "place, other", values[0], &labels));
    assert_string_equal(labels.names[1], "other");
    for (int i = 0; i < records.count; i++) {
        assert_true(labels.values[2 * i] == (float)train[i]);
        assert_true(train[i] % 2 ? isnan(labels.values[2 * i + 1])
                                 : labels.values[2 * i + 1] == (float)(100 + train[i]));
    }
    labels_close(&labels);
    records_close(&records);
    free(text);
}

/* A run with labels in memory does what one with the same labels in a file does. */
static void a_run_takes_labels_from_memory(void **state) {
    Config config;
    double labels[SHORT_IMAGES], wanted[2];
    for (int i = 0; i < SHORT_IMAGES; i++)
        labels[i] = i == 7 ? NAN : i * i % 7 % 3;
    /* Both sides are folders here, and have the labels of their first images: for val 0, 1, 1 (4 % 7 % 3), 2. */
    for (int given = 0; given < 2; given++) {
        make_run(*state, "train.objective=classify data.label=grade run.dir=@/given", given ? labels : NULL, &config);
        cJSON *lines = short_run_lines(config.run.dir, "loss");
        wanted[given] = short_run_number(cJSON_GetArrayItem(lines, SHORT_STEPS - 1), "loss");
        cJSON_Delete(lines);
    }
    assert_true(wanted[0] == wanted[1]);
    double *p = evaluate(&config, labels, 3), loss = 0;
    for (int i = 0; i < VALS; i++)
        loss -= log(p[3 * i + (int)labels[i]]) / VALS;
    assert_same(loss, measured(&config, NULL));
    free(p);
}

/* Everybody in two packs of one data set: a control may train on that, others may not. */
static void the_caller_may_allow_people_on_two_sides(void **state) {
    static const PackSpec left = {"one", "t", SHORT_SIDE + 4, 8, 100, 1},
                          right = {"one", "v", SHORT_SIDE + 4, 4, 100, 2};
    const TrainOptions options = {.config_path = "short.ini"};
    double labels[8];
    Config config;
    free(fixture_pack(*state, "left", &left));
    free(fixture_pack(*state, "right", &right));
    for (int i = 0; i < 8; i++)
        labels[i] = i;
    short_run_config(*state, "data.train=@/left data.val=@/right monitor.every=0 run.dir=@/sides", &config);
    assert_fails(train_run(&config, &options), EXIT_DATA, "(data.splits = train)");
    make_run(*state, "train.objective=regress data.label=place data.train=@/left data.val=@/right run.dir=@/sides",
             labels, &config);
}

static void other_weights_are_refused(void **state) {
    static const bool wanted[VALS] = {true};
    static const struct {
        const char *sets, *message;
    } cases[] = {{"run.dir=@/run", "give weights with their decoder"},
                 {"run.dir=@/mae model.patch_size=8", "patch_embed.proj.weight"},
                 {"run.dir=@/mae model.image_size=20", "is of another image size than 20"}};
    Config config;
    Records val;
    double *values;
    int width;
    make_run(*state, "train.objective=classify data.label=grade", NULL, &config);
    assert_ok(records_open(config.data.val, "", RECORDS_VAL, &val));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        short_run_config(*state, cases[i].sets, &config);
        char *weights = printed_path("%s/ckpt/latest/weights.safetensors", config.run.dir);
        const EvaluateInput input = {.config = &config, .weights = weights, .records = &val, .wanted = wanted};
        assert_fails(evaluate_images(&input, &values, &width), EXIT_DATA, cases[i].message);
        assert_null(values);
        free(weights);
    }
    records_close(&val);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(losses_are_those_of_the_validation),
                                       cmocka_unit_test(predictions_are_those_of_the_validation),
                                       cmocka_unit_test(only_wanted_images_have_values),
                                       cmocka_unit_test(labels_in_memory_belong_to_records),
                                       cmocka_unit_test(a_run_takes_labels_from_memory),
                                       cmocka_unit_test(the_caller_may_allow_people_on_two_sides),
                                       cmocka_unit_test(other_weights_are_refused)};
    return cmocka_run_group_tests(tests, open_root, short_run_close);
}
