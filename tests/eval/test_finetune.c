/* SPDX-License-Identifier: Apache-2.0 */
/* Fine-tuning as an adapter: it learns what can be seen, from train rows alone, and a label set has the same bits alone
 * and beside others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/adapt/finetune.h"
#include "tests/fixtures/short_run.h"

#include <math.h>

enum { ROWS = 64 };

typedef struct {
    char *root, *packs, *weights;
    Records records;
    int64_t record[ROWS], split[ROWS];
    double shade[ROWS]; /* mean of a row's image */
    ModelShape encoder;
    FinetuneOptions options;
} Setting;

static char *sets[] = {(char *)(uintptr_t) "init.fresh=head, fc_norm", (char *)(uintptr_t) "train.steps=12",
                       (char *)(uintptr_t) "train.global_batch=8",     (char *)(uintptr_t) "optim.base_lr=0.3",
                       (char *)(uintptr_t) "monitor.every=0",          (char *)(uintptr_t) "val.every=6",
                       (char *)(uintptr_t) "checkpoint.every=auto"};

static double shade_of(const Records *records, int64_t record) {
    uint8_t *pixels = malloc((size_t)records->side * (size_t)records->side * 3);
    const int count = records->side * records->side * 3;
    double sum = 0;
    assert_non_null(pixels);
    assert_ok(pack_read(&records->parts[0].pack, record, pixels));
    for (int i = 0; i < count; i++)
        sum += pixels[i];
    free(pixels);
    return sum / count;
}

static int open_setting(void **state) {
    static const PackSpec spec = {"one", "tvte", SHORT_SIDE + 4, ROWS, 100, 1};
    const TrainOptions options = {.config_path = "short.ini"};
    Config config;
    Setting *s = calloc(1, sizeof *s);
    assert_non_null(s);
    *state = s;
    s->root = scratch_make();
    short_run_draw(s->root);
    short_run_config(s->root, "monitor.every=0", &config);
    assert_ok(train_run(&config, &options));
    s->weights = scratch_path(s->root, "run/ckpt/latest/weights.safetensors");
    s->packs = fixture_pack(s->root, "pack", &spec);
    assert_ok(records_open(s->packs, "", RECORDS_ALL, &s->records));
    for (int i = 0; i < ROWS; i++) {
        s->record[i] = ROWS - 1 - i;
        const PackSplit split = s->records.parts[0].pack.rows[s->record[i]].split;
        s->split[i] = split == PACK_SPLIT_TRAIN ? PROBE_TRAIN : split == PACK_SPLIT_VAL ? PROBE_VAL : PROBE_TEST;
        s->shade[i] = shade_of(&s->records, s->record[i]);
    }
    s->encoder = (ModelShape){
        .image_size = 16, .patch_size = 4, .dim = 16, .depth = 2, .heads = 2, .activation = ACTIVATION_GELU_ERF};
    s->options = (FinetuneOptions){.recipe = scratch_path(s->root, "short.ini"),
                                   .sets = sets,
                                   .set_count = sizeof sets / sizeof *sets,
                                   .weights = s->weights,
                                   .encoder = &s->encoder,
                                   .packs = s->packs,
                                   .records = &s->records,
                                   .record = s->record,
                                   .folder = s->root};
    return 0;
}

static int close_setting(void **state) {
    Setting *s = *state;
    records_close(&s->records);
    free((char *)(uintptr_t)s->options.recipe);
    free(s->packs);
    free(s->weights);
    scratch_remove(s->root);
    free(s);
    return 0;
}

static EvalRows rows_of(const Setting *s, EvalKind kind, int classes, int outputs) {
    return (EvalRows){.kind = kind, .classes = classes, .outputs = outputs, .count = ROWS, .split = s->split};
}

static Status adapt(const Setting *s, const EvalRows *rows, const double *labels, int count, double *predictions) {
    Adapter *adapter;
    assert_ok(finetune_open(&s->options, &adapter));
    int64_t step, steps;
    Status status = adapter->run(adapter, rows, labels, count, predictions);
    finetune_chosen(adapter, &step, &steps);
    assert_true(status ? step == -1 && steps == -1 : (step == 6 || step == 12) && steps == 12);
    adapter->close(adapter);
    char *left = scratch_path(s->root, "fine-tuning-1");
    assert_false(files_exists(left));
    free(left);
    return status;
}

static int compare_numbers(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The share of images that are darker than a row's. */
static void rank_shades(const Setting *s, double share[ROWS]) {
    double sorted[ROWS];
    memcpy(sorted, s->shade, sizeof sorted);
    qsort(sorted, ROWS, sizeof *sorted, compare_numbers);
    for (int i = 0; i < ROWS; i++) {
        int below = 0;
        while (sorted[below] < s->shade[i])
            below++;
        share[i] = (double)below / ROWS;
    }
}

/* How often a pair of a bright and a dark test image is in the right order. */
static double right_order(const Setting *s, const double *labels, const double *predictions) {
    double pairs = 0, right = 0;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++)
            if (s->split[i] == PROBE_TEST && s->split[j] == PROBE_TEST && labels[i] > labels[j]) {
                pairs++;
                right += predictions[i] > predictions[j];
            }
    return right / pairs;
}

static void it_learns_what_can_be_seen(void **state) {
    const Setting *s = *state;
    const EvalRows rows = rows_of(s, EVAL_BINARY, 2, 1);
    double share[ROWS], labels[3][ROWS], both[3][ROWS], alone[ROWS];
    rank_shades(s, share);
    for (int i = 0; i < ROWS; i++) {
        labels[0][i] = i % 9 == 4 ? NAN : i % 2;
        labels[1][i] = share[i] >= 0.5;
        labels[2][i] = s->split[i] == PROBE_VAL ? 1 - labels[1][i] : labels[1][i];
    }
    assert_ok(adapt(s, &rows, labels[0], 3, both[0]));
    for (int i = 0; i < ROWS; i++)
        assert_true(s->split[i] == PROBE_TRAIN ? isnan(both[1][i]) : both[1][i] > 0 && both[1][i] < 1);
    assert_true(right_order(s, labels[1], both[1]) > 0.9);
    assert_true(right_order(s, labels[1], both[0]) < 0.9);
    /* Val labels choose: by the opposite of what is learnt, the checkpoint that has learnt the least. */
    assert_memory_not_equal(both[2], both[1], sizeof alone);
    /* Labels of test rows are seen nowhere. */
    for (int i = 0; i < ROWS; i++)
        if (s->split[i] == PROBE_TEST)
            labels[1][i] = 1 - labels[1][i];
    assert_ok(adapt(s, &rows, labels[1], 1, alone));
    assert_memory_equal(alone, both[1], sizeof alone);
}

static void every_kind_predicts(void **state) {
    const Setting *s = *state;
    double share[ROWS], labels[ROWS][2], predictions[ROWS][3];
    rank_shades(s, share);
    static const struct {
        EvalKind kind;
        int classes, outputs;
    } kinds[] = {{EVAL_MULTICLASS, 3, 1}, {EVAL_ORDINAL, 3, 1}, {EVAL_MULTILABEL, 2, 2}, {EVAL_REGRESSION, 1, 1}};
    for (int k = 0; k < 4; k++) {
        const EvalRows rows = rows_of(s, kinds[k].kind, kinds[k].classes, kinds[k].outputs);
        double *label = labels[0], *own = predictions[0];
        for (int i = 0; i < ROWS; i++)
            if (kinds[k].kind == EVAL_MULTILABEL) {
                labels[i][0] = share[i] > 0.5;
                labels[i][1] = share[i] > 0.7;
            } else
                label[i] = kinds[k].kind == EVAL_REGRESSION ? 40 + 60 * share[i] : floor(3 * share[i]);
        assert_ok(adapt(s, &rows, label, 1, own));
        const int values = eval_values(&rows);
        for (int i = 0; i < ROWS; i++) {
            double sum = 0;
            for (int v = 0; v < values; v++)
                sum += own[i * values + v];
            assert_int_equal(isnan(sum), s->split[i] == PROBE_TRAIN);
            if (s->split[i] != PROBE_TRAIN && values == 3)
                assert_true(fabs(sum - 1) < 1e-12);
            if (s->split[i] != PROBE_TRAIN && kinds[k].kind == EVAL_REGRESSION)
                assert_true(sum > 0 && sum < 140);
        }
    }
}

/* LayerScale is then a part of the model. */
static void it_may_start_from_random_weights(void **state) {
    Setting *s = *state;
    const EvalRows rows = rows_of(s, EVAL_BINARY, 2, 1);
    double share[ROWS], labels[ROWS], predictions[2][ROWS];
    rank_shades(s, share);
    for (int i = 0; i < ROWS; i++)
        labels[i] = share[i] >= 0.5;
    s->options.weights = NULL;
    for (int scaled = 0; scaled < 2; scaled++) {
        s->encoder.layer_scale = scaled;
        assert_ok(adapt(s, &rows, labels, 1, predictions[scaled]));
    }
    assert_memory_not_equal(predictions[0], predictions[1], sizeof predictions[0]);
    s->options.weights = s->weights;
    s->encoder.layer_scale = false;
}

/* The same images as a set of their own: an external row has the prediction that its twin has. */
static void external_rows_are_predicted(void **state) {
    Setting *s = *state;
    EvalRows rows = rows_of(s, EVAL_BINARY, 2, 1);
    double share[ROWS], labels[2 * ROWS], predictions[2 * ROWS];
    int64_t record[2 * ROWS], split[2 * ROWS];
    rank_shades(s, share);
    for (int i = 0; i < 2 * ROWS; i++) {
        labels[i] = share[i % ROWS] >= 0.5;
        record[i] = s->record[i % ROWS] + (i < ROWS ? 0 : ROWS);
        split[i] = i < ROWS ? s->split[i] : PROBE_TEST;
    }
    rows.count = 2 * ROWS;
    rows.split = split;
    const FinetuneOptions kept = s->options;
    s->options.external = &s->records;
    s->options.record = record;
    assert_ok(adapt(s, &rows, labels, 1, predictions));
    for (int i = 0; i < ROWS; i++)
        assert_true(split[i] == PROBE_TRAIN ? isfinite(predictions[ROWS + i])
                                            : predictions[i] == predictions[ROWS + i]);
    split[ROWS] = PROBE_TRAIN;
    assert_fails(adapt(s, &rows, labels, 1, predictions), EXIT_INTERNAL, "row 64 is of an external set");
    s->options = kept;
}

static void what_cannot_be_learnt_is_refused(void **state) {
    Setting *s = *state;
    const EvalRows rows = rows_of(s, EVAL_BINARY, 2, 1);
    double labels[ROWS], predictions[ROWS];
    for (int i = 0; i < ROWS; i++)
        labels[i] = 1;
    assert_fails(adapt(s, &rows, labels, 1, predictions), EXIT_DATA, "has the same class in all training images");
    for (int i = 0; i < ROWS; i++)
        labels[i] = i % 2;
    int row = 0;
    while (s->split[row] != PROBE_TEST)
        row++;
    s->split[row] = PROBE_VAL;
    assert_fails(adapt(s, &rows, labels, 1, predictions), EXIT_DATA, "is a validation image of the task");
    s->split[row] = PROBE_TEST;
    s->encoder.patch_size = 8;
    assert_fails(adapt(s, &rows, labels, 1, predictions), EXIT_DATA, "patch_embed.proj.weight");
    s->encoder.patch_size = 4;
    char **last = &sets[sizeof sets / sizeof *sets - 1], *kept = *last;
    *last = (char *)(uintptr_t) "val.every=0";
    assert_fails(adapt(s, &rows, labels, 1, predictions), EXIT_USAGE, "val.every = 0, but the checkpoint");
    *last = kept;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns_what_can_be_seen), cmocka_unit_test(every_kind_predicts),
        cmocka_unit_test(it_may_start_from_random_weights), cmocka_unit_test(external_rows_are_predicted),
        cmocka_unit_test(what_cannot_be_learnt_is_refused)};
    return cmocka_run_group_tests(tests, open_setting, close_setting);
}
