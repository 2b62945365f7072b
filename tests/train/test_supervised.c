/* SPDX-License-Identifier: Apache-2.0 */
/* Runs towards labels: which label each sample has, what the losses are, and that they are the same however the work is
 * split, captured, interrupted or computed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/safetensors.h"
#include "device/open.h"
#include "tests/fixtures/short_run.h"
#include "train/objective/targets.h"

#include <math.h>

static const char *const objectives[] = {
    "train.objective=classify data.label=grade data.balance=on data.jitter=0.4 data.erase=0.7",
    "train.objective=ordinal data.label=grade train.class_weights=on optim.l2sp=0.1",
    "train.objective=multilabel data.label=risk,sight model.drop_path=0.6",
    "train.objective=regress data.label=age,grade model.layer_scale=on model.pool=cls"};
enum { OBJECTIVES = sizeof objectives / sizeof *objectives };
#define REGRESS "train.objective=regress data.label=age,grade "

static int open_root(void **state) {
    char *root = scratch_make();
    short_run_draw(root);
    short_run_label(root);
    *state = root;
    return 0;
}

/* A run; its directory stays. */
static void run(const char *root, const char *sets, int64_t until, bool resume) {
    Config config;
    const TrainOptions options = {.config_path = "short.ini", .resume = resume, .force = !resume, .until = until};
    short_run_config(root, sets, &config);
    assert_ok(train_run(&config, &options));
}

static double *read_losses(const char *root, const char *key, int count) {
    char *path = scratch_path(root, "run");
    cJSON *lines = short_run_lines(path, key);
    assert_int_equal(cJSON_GetArraySize(lines), count);
    double *losses = malloc((size_t)count * sizeof *losses);
    assert_non_null(losses);
    for (int i = 0; i < count; i++)
        losses[i] = short_run_number(cJSON_GetArrayItem(lines, i), key);
    cJSON_Delete(lines);
    free(path);
    return losses;
}

/* The mean of the squares of some records' labels that are known: the loss of regress, where all outputs are 0. */
typedef struct {
    double sum, known;
} Squares;

static void add_record(Squares *squares, const Labels *labels, int64_t record) {
    for (int i = 0; i < labels->columns; i++)
        if (labels_has(labels, record, i)) {
            const double value = labels->values[record * labels->columns + i];
            squares->sum += value * value;
            squares->known++;
        }
}

/* The head's first weights are N(0, 2e-5): its outputs are within 1e-3 of 0, and the loss within some 1e-3 of that. */
static void samples_have_the_labels_of_their_records(void **state) {
    char *root = *state;
    Config config;
    Records train, val;
    Targets targets;
    for (int micro_batch = 2; micro_batch <= 4; micro_batch += 2) {
        char *sets = printed_path(REGRESS "optim.base_lr=0 train.seed=9 train.precision=fp32 train.micro_batch=%d "
                                          "val.images=4",
                                  micro_batch);
        short_run_config(root, sets, &config);
        run(root, sets, 0, false);
        double *losses = read_losses(root, "loss", SHORT_STEPS), *val_losses = read_losses(root, "val_loss", 2);
        assert_ok(records_open(config.data.train, "", RECORDS_TRAIN, &train));
        assert_ok(records_open(config.data.val, "", RECORDS_VAL, &val));
        assert_ok(targets_open(&config, &train, &val, NULL, &targets));
        assert_int_equal(train.samples_per_epoch, SHORT_IMAGES - 1); /* one has no label */
        const int epoch_steps = (SHORT_IMAGES - 1) / SHORT_BATCH;
        for (int step = 0; step < SHORT_STEPS; step++) {
            Squares squares = {0};
            for (int i = 0; i < SHORT_BATCH; i++)
                add_record(&squares, &targets.train,
                           records_at(&train, 9, (uint32_t)(step / epoch_steps),
                                      (uint64_t)(step % epoch_steps * SHORT_BATCH + i)) %
                               SHORT_IMAGES);
            assert_true(squares.known > 0);
            assert_true(fabs(losses[step] - squares.sum / squares.known) < 3e-3);
        }
        Squares squares = {0};
        for (int r = 0; r < 4; r++)
            add_record(&squares, &targets.val, r);
        assert_true(fabs(val_losses[0] - squares.sum / squares.known) < 3e-3);
        targets_close(&targets);
        records_close(&train);
        records_close(&val);
        free(losses);
        free(val_losses);
        free(sets);
    }
}

/* Of classes that are all as likely: ln 3; of yes and no: ln 2. */
static void the_first_losses_are_those_of_chance(void **state) {
    static const double chance[OBJECTIVES] = {1.0986123, 0, 0.6931472, 0};
    for (int i = 0; i < OBJECTIVES; i++) {
        if (!chance[i])
            continue;
        char *sets = printed_path("%s optim.base_lr=0 train.precision=fp32 train.steps=2", objectives[i]);
        run(*state, sets, 0, false);
        double *losses = read_losses(*state, "loss", 2);
        for (int step = 0; step < 2; step++)
            assert_true(fabs(losses[step] - chance[i]) < 1e-3); /* as above */
        free(losses);
        free(sets);
    }
}

/* The bytes of one tensor in the newest checkpoint. */
static void read_tensor(const char *root, const char *name, float values[64]) {
    char *path = scratch_path(root, "run/ckpt/latest/weights.safetensors");
    SafeTensors *file;
    assert_ok(safetensors_open(path, &file));
    const Tensor *tensor = safetensors_find(file, name);
    if (!tensor)
        fail_msg("no tensor %s", name);
    memset(values, 0, 64 * sizeof *values);
    memcpy(values, tensor->data, sizeof *values * (size_t)(tensor->count < 64 ? tensor->count : 64));
    safetensors_close(file);
    free(path);
}

/* An epoch of 3 steps trains the head alone, or the first block is frozen for good. */
static void what_is_frozen_stays(void **state) {
    static const struct {
        const char *key;
        int steps;
        bool embedding, first, second; /* whether they have moved */
    } cases[] = {{"train.head_epochs=1", 3, false, false, false},
                 {"train.head_epochs=1", 4, true, true, true},
                 {"train.freeze_blocks=1", 3, false, false, true},
                 {"train.freeze_blocks=9", 3, false, false, false},
                 {"train.head_epochs=0", 3, true, true, true}};
    static const char *const names[] = {"patch_embed.proj.bias", "blocks.0.attn.proj.weight",
                                        "blocks.1.attn.proj.weight", "head.weight", "fc_norm.weight"};
    float first[5][64], last[64];
    run(*state, "train.objective=classify data.label=grade optim.base_lr=0", 1, false);
    for (int t = 0; t < 5; t++)
        read_tensor(*state, names[t], first[t]);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *sets = printed_path("train.objective=classify data.label=grade optim.warmup_epochs=0 %s", cases[i].key);
        run(*state, sets, cases[i].steps, false);
        const bool moved[] = {cases[i].embedding, cases[i].first, cases[i].second, true, true};
        for (int t = 0; t < 5; t++) {
            read_tensor(*state, names[t], last);
            if ((memcmp(first[t], last, sizeof last) != 0) != moved[t])
                fail_msg("%s after %d steps of %s", names[t], cases[i].steps, cases[i].key);
        }
        free(sets);
    }
}

static void read_weights(const char *root, uint8_t **weights, size_t *size) {
    scratch_read(root, "run/ckpt/latest/weights.safetensors", weights, size);
}

static void an_interrupted_run_ends_as_one_that_was_not(void **state) {
    static const char *const more[OBJECTIVES] = {"", "train.freeze_blocks=1", "",
                                                 "train.precision=fp8 model.depth=4 train.freeze_blocks=3"};
    for (int i = 0; i < OBJECTIVES; i++) {
        uint8_t *weights[2];
        size_t sizes[2];
        char *sets =
            printed_path("%s train.head_epochs=1 optim.layer_decay=0.7 checkpoint.every=1 %s", objectives[i], more[i]);
        for (int parts = 1; parts <= 2; parts++) {
            if (parts == 2)
                run(*state, sets, 3, false);
            run(*state, sets, 0, parts == 2);
            read_weights(*state, &weights[parts - 1], &sizes[parts - 1]);
        }
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(weights[0], weights[1], sizes[0]);
        free(weights[0]);
        free(weights[1]);
        free(sets);
    }
}

static bool has_emulator(void) {
    Device *device;
    char *note;
    Status status = device_open(DEVICE_EMU, &device, &note);
    const bool missing = status_code(status) == EXIT_MISSING;
    if (missing)
        print_message("# %s\n", status_message(status));
    else
        assert_ok(status);
    if (!missing)
        device_close(device);
    status_free(status);
    return !missing;
}

/* Sums over other parts are in another order, of FP32 values near 1. */
static void the_micro_batch_changes_only_the_order_of_sums(void **state) {
    for (int i = 0; i < OBJECTIVES; i++) {
        double *losses[2];
        for (int half = 0; half < 2; half++) {
            char *sets = printed_path("%s train.precision=fp32 optim.base_lr=0.06 train.micro_batch=%d", objectives[i],
                                      half ? SHORT_BATCH / 2 : SHORT_BATCH);
            run(*state, sets, 0, false);
            losses[half] = read_losses(*state, "loss", SHORT_STEPS);
            free(sets);
        }
        for (int step = 0; step < SHORT_STEPS; step++)
            assert_true(fabs(losses[1][step] - losses[0][step]) < 1e-4);
        free(losses[0]);
        free(losses[1]);
    }
}

/* Validated after every second step, with a checkpoint. */
static void the_best_checkpoint_is_the_metrics(void **state) {
    static const struct {
        const char *sets, *figure;
        bool falls;
    } cases[] = {
        {"train.objective=regress data.label=age val.metric=mae", "mae", true},
        {"train.objective=classify data.label=grade val.metric=balanced_accuracy", "balanced_accuracy", false}};
    for (int i = 0; i < 2; i++) {
        char *sets = printed_path("%s val.every=2 val.images=4 checkpoint.every=0 optim.base_lr=0.3 "
                                  "train.steps=12 log.every=12",
                                  cases[i].sets);
        for (int until = 2; until <= 12; until += 2) /* a process that ends writes a checkpoint in any case */
            run(*state, sets, until, until > 2);
        char *path = scratch_path(*state, "run");
        cJSON *lines = short_run_lines(path, "val_figures"), *line, *record = short_run_json(path, "run.json");
        double best = NAN, step = -1, value = NAN;
        cJSON_ArrayForEach(line, lines) {
            value = short_run_number(cJSON_GetObjectItem(line, "val_figures"), cases[i].figure);
            if (!(cases[i].falls ? value >= best : value <= best)) {
                best = value;
                step = short_run_number(line, "step");
            }
        }
        assert_int_equal(cJSON_GetArraySize(lines), 6);
        assert_true(short_run_number(record, "best_step") == step);
        assert_string_equal(cJSON_GetObjectItem(record, "metric")->valuestring, cases[i].figure);
        assert_true(fabs(short_run_number(record, "best_val_metric") - best) < 1e-6);
        assert_true(fabs(short_run_number(record, "val_metric") - value) < 1e-6);
        cJSON_Delete(lines);
        cJSON_Delete(record);
        free(path);
        free(sets);
    }
}

/* On the emulated GPU, captured or not, with the samples of folders, and in FP32: the CPU's losses but for the order of
 * their sums, of some thousand values each. */
static void a_gpu_computes_the_same(void **state) {
    if (!has_emulator())
        skip();
    for (int i = 0; i < OBJECTIVES; i++) {
        uint8_t *weights[2];
        size_t size;
        char *sets =
            printed_path("%s train.precision=fp32 train.steps=4 train.micro_batch=2 optim.base_lr=0.06", objectives[i]);
        run(*state, sets, 0, false);
        double *wanted = read_losses(*state, "loss", 4);
        for (int capture = 0; capture < 2; capture++) {
            char *on_gpu = printed_path("%s train.device=emu train.deterministic=on train.capture=%s", sets,
                                        capture ? "on" : "off");
            run(*state, on_gpu, 0, false);
            double *losses = read_losses(*state, "loss", 4);
            for (int step = 0; step < 4; step++)
                assert_true(fabs(losses[step] - wanted[step]) < 1e-4);
            read_weights(*state, &weights[capture], &size);
            free(losses);
            free(on_gpu);
        }
        assert_memory_equal(weights[0], weights[1], size);
        free(weights[0]);
        free(weights[1]);
        free(wanted);
        free(sets);
    }
}

/* The encoder's inner blocks; the scales are in the log and the checkpoint. */
static void fp8_serves_every_objective(void **state) {
    for (int i = 0; i < OBJECTIVES; i++) {
        char *sets = printed_path("%s train.precision=fp8 model.depth=3 model.dim=32 train.steps=2", objectives[i]);
        run(*state, sets, 0, false);
        free(read_losses(*state, "fp8_saturated", 1));
        char *scales = scratch_path(*state, "run/ckpt/latest/fp8.safetensors");
        assert_true(files_exists(scales));
        free(scales);
        free(sets);
    }
}

static void refuse_run(const char *root, const char *sets, bool resume, ExitCode code, const char *message) {
    Config config;
    const TrainOptions options = {.config_path = "short.ini", .resume = resume, .force = !resume};
    short_run_config(root, sets, &config);
    assert_fails(train_run(&config, &options), code, message);
}

/* The hash of the first weights in run.json, and that of a file; the caller's. */
static char *read_init(const char *root) {
    char *run = scratch_path(root, "run");
    cJSON *record = short_run_json(run, "run.json");
    char *hash = printed_path("%s", cJSON_GetStringValue(cJSON_GetObjectItem(record, "init_sha256")));
    cJSON_Delete(record);
    free(run);
    return hash;
}

static char *file_sha256(const char *path) {
    Digest digest;
    char text[2 * DIGEST_SHA256 + 1];
    assert_ok(digest_file(path, &digest));
    digest_to_hex(digest.sha256, DIGEST_SHA256, text);
    return printed_path("%s", text);
}

/* A masked autoencoder's encoder, then a classifier on it; the first run's steps do not learn. With L2-SP alone, where
 * no gradient is let through, the weights stay what they were. */
static void a_run_starts_from_other_weights(void **state) {
    float first[64], last[64];
    run(*state, "train.seed=3 train.steps=1 train.micro_batch=0", 0, false);
    read_tensor(*state, "blocks.1.attn.proj.weight", first);
    char *from = scratch_path(*state, "run/ckpt/latest/weights.safetensors"),
         *to = scratch_path(*state, "mae.safetensors"), *keep = scratch_path(*state, "kept.safetensors");
    assert_int_equal(link(from, to), 0);
    assert_int_equal(link(from, keep), 0);
    static const char classify[] = "train.objective=classify data.label=grade optim.base_lr=0";
    char *sets = printed_path("%s init.from=%s init.fresh=head,fc_norm", classify, to);
    run(*state, sets, 0, false);
    read_tensor(*state, "blocks.1.attn.proj.weight", last);
    assert_memory_equal(first, last, sizeof first);

    /* Pulled to the first weights, a run needs their file again. */
    char *pulled =
        printed_path("%s init.from=%s init.fresh=head,fc_norm optim.l2sp=0.5 optim.base_lr=0.64", classify, to);
    uint8_t *weights[2];
    size_t size;
    run(*state, pulled, 0, false);
    read_weights(*state, &weights[0], &size);
    run(*state, pulled, 3, false);
    run(*state, pulled, 0, true);
    read_weights(*state, &weights[1], &size);
    assert_memory_equal(weights[0], weights[1], size);
    free(weights[0]);
    free(weights[1]);
    run(*state, pulled, 3, false);
    assert_int_equal(unlink(to), 0);
    char *other = scratch_path(*state, "run/ckpt/latest/weights.safetensors");
    assert_int_equal(link(other, to), 0);
    refuse_run(*state, pulled, true, EXIT_DATA, "has changed since the run began, and optim.l2sp pulls towards it");
    assert_int_equal(unlink(to), 0);
    refuse_run(*state, pulled, true, EXIT_IO, "mae.safetensors: No such file or directory (init.from)");
    assert_int_equal(link(keep, to), 0);

    /* Otherwise it goes on without the file, and still knows which one it was. */
    char *learning = printed_path("%s init.from=%s init.fresh=head,fc_norm optim.base_lr=0.64", classify, to);
    run(*state, learning, 0, false);
    read_weights(*state, &weights[0], &size);
    run(*state, learning, 3, false);
    char *before = read_init(*state), *sum = file_sha256(to);
    assert_string_equal(before, sum);
    assert_int_equal(unlink(to), 0);
    run(*state, learning, 0, true);
    read_weights(*state, &weights[1], &size);
    assert_memory_equal(weights[0], weights[1], size);
    char *after = read_init(*state);
    assert_string_equal(before, after);
    refuse_run(*state, learning, false, EXIT_IO, "mae.safetensors: No such file or directory (init.from)");
    free(sum);
    free(before);
    free(after);
    free(weights[0]);
    free(weights[1]);
    free(learning);
    free(other);
    free(keep);
    free(pulled);
    free(sets);
    free(from);
    free(to);
}

/* What the file lacks or has in another form, and the remedy. */
static void weights_that_do_not_fit_are_refused(void **state) {
    static const struct {
        const char *sets;
        ExitCode code;
        const char *message;
    } cases[] = {{"init.fresh=fc_norm", EXIT_DATA, "head.weight"},
                 {"init.fresh=head,fc_norm model.dim=24 model.heads=4", EXIT_DATA, "(init.from; init.fresh names"},
                 {"init.fresh=head,fc_norm model.patch_size=8", EXIT_DATA, "patch_embed.proj.weight"},
                 {"init.fresh=head,fc_norm model.depth=1", EXIT_DATA, "blocks.1.norm1.bias, "},
                 {"init.fresh=head,fc_norm init.key=model", EXIT_USAGE, "no entry \"model\" (init.key)"},
                 {"init.from=Makefile init.fresh=head", EXIT_DATA, "a file of torch.save (init.from, init.key)"},
                 {"init.fresh=head,fc_nrom", EXIT_USAGE, "init.fresh names fc_nrom, which is no tensor"},
                 {"init.fresh=head,fc_norm model.pool=cls", EXIT_USAGE, "init.fresh names fc_norm, which is"}};
    Config config;
    const TrainOptions options = {.config_path = "short.ini", .force = true};
    run(*state, "train.seed=3 train.steps=1", 0, false);
    char *from = scratch_path(*state, "run/ckpt/latest/weights.safetensors"),
         *to = scratch_path(*state, "mae.safetensors");
    assert_int_equal(link(from, to), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *sets = printed_path("train.objective=classify data.label=grade init.from=%s %s", to, cases[i].sets);
        short_run_config(*state, sets, &config);
        assert_fails(train_run(&config, &options), cases[i].code, cases[i].message);
        free(sets);
    }
    assert_int_equal(unlink(to), 0);
    free(from);
    free(to);
}

static void nothing_is_drawn(void **state) {
    run(*state, objectives[0], 2, false);
    char *folder = scratch_path(*state, "run/recon/step-2.png");
    assert_false(files_exists(folder));
    free(folder);
}

/* Labels that changed are other data. */
static void other_labels_do_not_continue_a_run(void **state) {
    Config config;
    const TrainOptions resume = {.config_path = "short.ini", .resume = true};
    run(*state, REGRESS, 3, false);
    short_run_config(*state, REGRESS, &config);
    static const char others[] = "file,age,grade\n00.png,10,1\n01.png,20,2\n02.png,20,2\n03.png,20,2\n";
    scratch_write(*state, "train/labels.csv", others, strlen(others));
    assert_fails(train_run(&config, &resume), EXIT_DATA, "cannot resume: the images in");
    char *own = scratch_path(*state, "train/labels.csv");
    assert_int_equal(unlink(own), 0);
    free(own);
    short_run_config(*state, "train.objective=multilabel data.label=age,grade", &config);
    assert_fails(train_run(&config, &resume), EXIT_USAGE, "train.objective = multilabel");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_have_the_labels_of_their_records),
        cmocka_unit_test(the_first_losses_are_those_of_chance),
        cmocka_unit_test(what_is_frozen_stays),
        cmocka_unit_test(an_interrupted_run_ends_as_one_that_was_not),
        cmocka_unit_test(the_micro_batch_changes_only_the_order_of_sums),
        cmocka_unit_test(the_best_checkpoint_is_the_metrics),
        cmocka_unit_test(a_gpu_computes_the_same),
        cmocka_unit_test(fp8_serves_every_objective),
        cmocka_unit_test(a_run_starts_from_other_weights),
        cmocka_unit_test(weights_that_do_not_fit_are_refused),
        cmocka_unit_test(nothing_is_drawn),
        cmocka_unit_test(other_labels_do_not_continue_a_run),
    };
    return cmocka_run_group_tests(tests, open_root, short_run_close);
}
