/* SPDX-License-Identifier: Apache-2.0 */
/* The monitors in whole runs: faults that are planted in the first weights are named with layer and step, and nothing
 * else is; a healthy run names nothing; a run computes the same with and without monitors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/safetensors.h"
#include "base/safetensors_write.h"
#include "tests/fixtures/short_run.h"
#include "train/monitor/judge.h"

#include <math.h>

/* A rate at which the steps hardly change what is planted. */
#define CALM "optim.base_lr=0.001 val.every=0 checkpoint.every=0 log.recon_images=1 "
#define LABELLED "train.objective=classify data.label=grade "
#define EMULATED "train.device=emu train.deterministic=on "

static void make_run(const char *root, const char *sets, const char *directory, bool resume, int64_t until,
                     ExitCode code) {
    TrainOptions options = {.config_path = "short.ini", .resume = resume, .until = until};
    Config config;
    char *all = printed_path("%s run.dir=@/%s", sets, directory);
    short_run_config(root, all, &config);
    Status status = train_run(&config, &options);
    if (status_code(status) != code)
        fail_msg("%s: %s", all, status ? status_message(status) : "went well");
    status_free(status);
    free(all);
}

/* Sets `value` in the first `count` of a tensor's values, 0: all; with `scale` they are multiplied by it instead. */
typedef struct {
    const char *name;
    size_t count;
    float value, scale;
} Plant;

/* Writes root/planted.safetensors: the weights of a checkpoint with faults in them. */
static void plant(const char *root, const char *run, const Plant *plants) {
    char *from = printed_path("%s/%s/ckpt/latest/weights.safetensors", root, run);
    char *to = scratch_path(root, "planted.safetensors");
    SafeTensors *file;
    assert_ok(safetensors_open(from, &file));
    const int count = safetensors_count(file);
    Tensor *tensors = calloc((size_t)count, sizeof *tensors);
    assert_non_null(tensors);
    for (int i = 0; i < count; i++) {
        tensors[i] = *safetensors_at(file, i);
        float *values = (float *)(uintptr_t)tensors[i].data; /* the file's own memory */
        for (const Plant *p = plants; p->name; p++)
            if (strcmp(p->name, tensors[i].name) == 0)
                for (size_t j = 0; j < (p->count ? p->count : (size_t)tensors[i].count); j++)
                    values[j] = p->scale != 0 ? values[j] * p->scale : p->value;
    }
    assert_ok(safetensors_write(to, tensors, count, NULL, 0));
    free(tensors);
    safetensors_close(file);
    free(from);
    free(to);
}

/* What run.json lists: "LAYER WHAT SINCE; ". */
static char *list_findings(const char *root, const char *directory) {
    char *run = scratch_path(root, directory), *text;
    size_t size;
    cJSON *record = short_run_json(run, "run.json"), *item;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(record, "monitor_findings");
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_true(cJSON_IsArray(list));
    cJSON_ArrayForEach(item, list)
        fprintf(out, "%s %s %.0f; ", cJSON_GetObjectItemCaseSensitive(item, "layer")->valuestring,
                cJSON_GetObjectItemCaseSensitive(item, "what")->valuestring, short_run_number(item, "since"));
    assert_int_equal(fclose(out), 0);
    cJSON_Delete(record);
    free(run);
    return text;
}

static void remove_run(const char *root, const char *directory) {
    char *run = scratch_path(root, directory);
    assert_ok(files_remove(run));
    free(run);
}

static const struct {
    const char *found;
    int code;
    Plant plants[5];
} faults[] = {
    {"blocks.1 dead 2; ", EXIT_OK, {{"blocks.1.mlp.fc1.bias", 0, -100, 0}}},
    {"blocks.0 dead 2; ",
     EXIT_OK,
     {{"blocks.0.norm1.weight", 0, 0, 0},
      {"blocks.0.norm1.bias", 0, 0, 0},
      {"blocks.0.attn.qkv.bias", 0, 0, 0},
      {"blocks.0.attn.proj.weight", 0, 0, 0}}},
    /* Queries that have so much in common that all prefer the same key by far. */
    {"blocks.1 attention on one token 2; ", EXIT_OK, {{"blocks.1.attn.qkv.bias", 16, 100, 0}}},
    {"blocks.0 exploding 2; ", EXIT_OK, {{"blocks.0.norm2.weight", 0, 0, 1e3f}}},
    {"blocks.0 exploding 2; ", EXIT_OK, {{"blocks.0.mlp.fc2.weight", 0, 0, 1e4f}}},
    {"patch_embed exploding 2; ", EXIT_OK, {{"patch_embed.proj.bias", 0, 3e3f, 0}}},
    {"blocks.1 not finite 1; ", EXIT_DIVERGED, {{"blocks.1.attn.proj.weight", 0, 3e38f, 0}}},
    {"blocks.0 not finite 1; ", EXIT_DIVERGED, {{"blocks.0.mlp.fc2.weight", 0, 3e38f, 0}}},
};

/* Every fault, or every second: one of each kind. */
static void check_faults(const char *root, const char *base, const char *sets, size_t apart) {
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i += apart) {
        char *all = printed_path(CALM "train.steps=2 monitor.every=2 init.from=@/planted.safetensors %s", sets);
        plant(root, base, faults[i].plants);
        make_run(root, all, "faulty", false, 0, faults[i].code);
        char *found = list_findings(root, "faulty");
        if (strcmp(found, faults[i].found) != 0)
            fail_msg("%s, %s: found \"%s\", not \"%s\"", sets, faults[i].plants[0].name, found, faults[i].found);
        remove_run(root, "faulty");
        free(found);
        free(all);
    }
}

/* Of more samples than attention is looked at in. */
static void planted_faults_are_named(void **state) {
    check_faults(*state, "mae", "train.precision=fp32 train.global_batch=16 optim.base_lr=0.00025", 1);
}

static void planted_faults_are_named_towards_labels(void **state) {
    check_faults(*state, "classify", LABELLED "train.recompute=blocks train.micro_batch=2", 1);
}

static void planted_faults_are_named_on_a_gpu(void **state) {
    check_faults(*state, "mae", EMULATED "train.recompute=norms", 2);
}

static void healthy_runs_name_nothing(void **state) {
    static const char *const kinds[] = {"train.precision=fp32", "train.precision=bf16", LABELLED "train.precision=fp32",
                                        LABELLED "train.precision=bf16",
                                        LABELLED "train.freeze_blocks=1 train.head_epochs=1"};
    const char *length = getenv("FOVEA_LONG") ? "monitor.every=1 train.steps=500" : "monitor.every=1 train.steps=20";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *sets =
            printed_path("optim.base_lr=0.1 val.every=0 checkpoint.every=0 log.recon_images=1 %s %s", length, kinds[i]);
        make_run(*state, sets, "healthy", false, 0, EXIT_OK);
        char *found = list_findings(*state, "healthy");
        if (*found)
            fail_msg("%s: %s", sets, found);
        remove_run(*state, "healthy");
        free(found);
        free(sets);
    }
}

static void assert_same_file(const char *root, const char *name) {
    char *one = scratch_path(root, "without"), *two = scratch_path(root, "with");
    uint8_t *data[2];
    size_t sizes[2];
    scratch_read(one, name, &data[0], &sizes[0]);
    scratch_read(two, name, &data[1], &sizes[1]);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(data[0], data[1], sizes[0]);
    free(data[0]);
    free(data[1]);
    free(one);
    free(two);
}

/* Also with what is computed again, in FP8, and with captured steps in flight. */
static void monitors_change_no_bit(void **state) {
    static const char *const kinds[] = {
        "train.precision=fp8 model.depth=4 train.recompute=blocks train.micro_batch=2",
        LABELLED "train.recompute=norms model.layer_scale=on model.drop_path=0.3 train.precision=fp8 model.depth=3",
        EMULATED
        "train.precision=fp8 model.depth=3 train.recompute=blocks train.steps=4 val.every=0 log.recon_images=1"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *without = printed_path("%s monitor.every=0", kinds[i]),
             *with = printed_path("%s monitor.every=1", kinds[i]);
        make_run(*state, without, "without", false, 0, EXIT_OK);
        make_run(*state, with, "with", false, 0, EXIT_OK);
        assert_same_file(*state, "ckpt/latest/weights.safetensors");
        assert_same_file(*state, "ckpt/latest/optimizer.safetensors");
        assert_same_file(*state, "ckpt/latest/fp8.safetensors");
        remove_run(*state, "without");
        remove_run(*state, "with");
        free(without);
        free(with);
    }
}

/* The matrices of block 0, one after the other, in the checkpoint of a step; the caller's. */
static float *read_block(const char *root, int step, size_t *count) {
    static const char *const leaves[] = {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"};
    char *path = printed_path("%s/figures/ckpt/step-%d/weights.safetensors", root, step);
    SafeTensors *file;
    float *values = NULL;
    *count = 0;
    assert_ok(safetensors_open(path, &file));
    for (int i = 0; i < 4; i++) {
        char *name = printed_path("blocks.0.%s.weight", leaves[i]);
        const Tensor *tensor = safetensors_find(file, name);
        assert_non_null(tensor);
        values = realloc(values, (*count + (size_t)tensor->count) * sizeof *values);
        assert_non_null(values);
        memcpy(values + *count, tensor->data, (size_t)tensor->count * sizeof *values);
        *count += (size_t)tensor->count;
        free(name);
    }
    safetensors_close(file);
    free(path);
    return values;
}

static void assert_near(double value, double wanted, double tolerance) {
    if (!(fabs(value - wanted) <= tolerance * fabs(wanted)))
        fail_msg("%g, not %g", value, wanted);
}

/* Beside the weights of two checkpoints. */
static void figures_are_those_of_the_weights(void **state) {
    static const char sets[] = "monitor.every=1 train.steps=4 val.every=0 checkpoint.every=0 checkpoint.keep=9";
    make_run(*state, sets, "figures", false, 3, EXIT_OK); /* with a checkpoint for certain */
    make_run(*state, sets, "figures", true, 0, EXIT_OK);
    size_t count;
    double squares = 0, change = 0, largest = 0;
    float *before = read_block(*state, 3, &count), *after = read_block(*state, 4, &count);
    for (size_t i = 0; i < count; i++) {
        squares += (double)after[i] * after[i];
        change += ((double)after[i] - before[i]) * ((double)after[i] - before[i]);
        largest = fmax(largest, fabs((double)after[i]));
    }
    char *run = scratch_path(*state, "figures");
    cJSON *lines = short_run_lines(run, "layers");
    assert_int_equal(cJSON_GetArraySize(lines), 4);
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(lines, 3), "layers");
    const cJSON *block = cJSON_GetObjectItemCaseSensitive(layers, "blocks.0");
    const cJSON *weights = cJSON_GetObjectItemCaseSensitive(block, "weights");
    assert_near(short_run_number(weights, "rms"), sqrt(squares / (double)count), 1e-6); /* printed as a float */
    assert_near(short_run_number(weights, "largest"), largest, 1e-6);
    /* A change of 0.01 in weights of 1 is known to 6e-6 from them; it is small in most of them. */
    assert_near(short_run_number(block, "update"), sqrt(change / squares), 1e-4);
    cJSON_Delete(lines);
    free(run);
    free(before);
    free(after);
}

/* The lines of monitored steps. */
static char *list_lines(const char *root, const char *directory) {
    char *run = scratch_path(root, directory);
    cJSON *lines = short_run_lines(run, "layers");
    char *text = cJSON_PrintUnformatted(lines);
    cJSON_Delete(lines);
    free(run);
    return text;
}

static void a_resumed_run_finds_the_same(void **state) {
    const Plant dead[] = {{"blocks.1.mlp.fc1.bias", 0, -100, 0}, {0}};
    static const char sets[] = CALM "monitor.every=1 init.from=@/planted.safetensors";
    plant(*state, "mae", dead);
    make_run(*state, sets, "whole", false, 0, EXIT_OK);
    make_run(*state, sets, "parts", false, 3, EXIT_OK);
    make_run(*state, sets, "parts", true, 0, EXIT_OK);
    char *whole = list_findings(*state, "whole"), *parts = list_findings(*state, "parts");
    char *whole_lines = list_lines(*state, "whole"), *parts_lines = list_lines(*state, "parts");
    assert_string_equal(whole, "blocks.1 dead 1; ");
    assert_string_equal(parts, whole);
    assert_string_equal(parts_lines, whole_lines);
    free(whole);
    free(parts);
    free(whole_lines);
    free(parts_lines);
}

/* An activation of a layer, by the last line of a run. */
static double last_rms(const char *root, const char *directory, const char *layer) {
    char *run = scratch_path(root, directory);
    cJSON *lines = short_run_lines(run, "layers");
    const cJSON *last = cJSON_GetArrayItem(lines, cJSON_GetArraySize(lines) - 1);
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(last, "layers"), layer);
    const double rms = short_run_number(cJSON_GetObjectItemCaseSensitive(own, "activations"), "rms");
    cJSON_Delete(lines);
    free(run);
    return rms;
}

/* In FP8, where a scale has moved on since the forward pass: the largest weights are as large as their scale allows,
 * and grow in step 2, which step 3 sees. */
static void what_is_computed_again_is_the_same(void **state) {
    static const char sets[] = "optim.base_lr=0.32 val.every=0 checkpoint.every=0 train.precision=fp8 model.depth=4 "
                               "train.steps=3 monitor.every=3 init.from=@/planted.safetensors "
                               "init.fresh=blocks.2,blocks.3";
    const Plant largest[] = {{"blocks.1.mlp.fc1.weight", 16, 448.0f / 512, 0}, {0}};
    plant(*state, "mae", largest);
    for (int again = 0; again < 2; again++) {
        char *all = printed_path("%s train.recompute=%s", sets, again ? "blocks" : "none");
        make_run(*state, all, again ? "again" : "kept", false, 0, EXIT_OK);
        free(all);
    }
    static const char *const layers[] = {"blocks.1", "blocks.2", "decoder_blocks.1"};
    for (int i = 0; i < 3; i++)
        /* The weights have moved by a hundredth, by the old scale the result would be twice as large. */
        assert_near(last_rms(*state, "again", layers[i]), last_rms(*state, "kept", layers[i]), 0.1);
}

/* A dead layer in a run that returns to its checkpoints: each step has one line, and the layer is found once. */
static void what_is_undone_is_found_again(void **state) {
    const Plant dead[] = {{"blocks.1.mlp.fc1.bias", 0, -100, 0}, {0}};
    plant(*state, "mae", dead);
    make_run(*state,
             "init.from=@/planted.safetensors optim.base_lr=0.001 val.every=0 checkpoint.every=3 train.steps=30 "
             "monitor.every=1 guard.spike=1.001 guard.max_events=100 guard.action=rollback",
             "undone", false, 0, EXIT_OK);
    char *found = list_findings(*state, "undone"), *run = scratch_path(*state, "undone");
    cJSON *lines = short_run_lines(run, "layers"), *record = short_run_json(run, "run.json");
    assert_string_equal(found, "blocks.1 dead 1; ");
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(record, "guard_events")) > 0);
    assert_int_equal(cJSON_GetArraySize(lines), 30);
    for (int i = 0; i < 30; i++)
        assert_true(short_run_number(cJSON_GetArrayItem(lines, i), "step") == i + 1);
    cJSON_Delete(lines);
    cJSON_Delete(record);
    free(found);
    free(run);
}

static int open_root(void **state) {
    char *root = scratch_make();
    short_run_draw(root);
    short_run_label(root);
    make_run(root, "train.steps=2", "mae", false, 0, EXIT_OK);
    make_run(root, LABELLED "train.steps=2", "classify", false, 0, EXIT_OK);
    *state = root;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_faults_are_named),
        cmocka_unit_test(planted_faults_are_named_towards_labels),
        cmocka_unit_test(planted_faults_are_named_on_a_gpu),
        cmocka_unit_test(healthy_runs_name_nothing),
        cmocka_unit_test(monitors_change_no_bit),
        cmocka_unit_test(a_resumed_run_finds_the_same),
        cmocka_unit_test(figures_are_those_of_the_weights),
        cmocka_unit_test(what_is_computed_again_is_the_same),
        cmocka_unit_test(what_is_undone_is_found_again),
    };
    return cmocka_run_group_tests(tests, open_root, short_run_close);
}
