/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitors' rules name, on series that are made up: the layer and the first step, and nothing else. */
#include "tests/fixtures/train_fixture.h"

#include "rundir/metrics.h"
#include "train/monitor/layer_watch.h"

#include <math.h>

/* What every finding advises. */
#define RESTART "; restart with a lower optim.base_lr, "

enum { LAYERS = 6 };
enum { EMBED, BLOCK0, BLOCK1, BLOCK2, DECODER, HEAD };

/* A healthy line. */
static void fill_line(LayerFigures layers[LAYERS]) {
    static const char *const names[] = {"patch_embed", "blocks.0", "blocks.1", "blocks.2", "decoder_blocks.0", "head"};
    for (int i = 0; i < LAYERS; i++) {
        layers[i] = (LayerFigures){.weights = {true, 0.03f, 1.5f, 0.1f, 0},
                                   .activations = {true, 0.9f, 5, 0.2f, 0},
                                   .gradients = {true, 1e-3f, 1e-2f, 0.1f, 0},
                                   .update = 1e-3f,
                                   .peaks = i == EMBED || i == HEAD ? NAN : 0.02f,
                                   .same_peak = i == EMBED || i == HEAD ? NAN : 0.01f,
                                   .idle = i == EMBED || i == HEAD ? NAN : 0.3f};
        snprintf(layers[i].name, sizeof layers[i].name, "%s", names[i]);
    }
}

static void judge_line(Judge *judge, int64_t step, const LayerFigures layers[LAYERS]) {
    assert_fine(judge_take(judge, step, layers, LAYERS));
}

static void judge_healthy(Judge *judge, int64_t from, int64_t to) {
    LayerFigures layers[LAYERS];
    fill_line(layers);
    for (int64_t step = from; step <= to; step += 100)
        judge_line(judge, step, layers);
}

static void assert_found(const Judge *judge, int count, const char *text) {
    char found[JUDGE_TEXT];
    assert_int_equal(judge->finding_count, count);
    judge_print(&judge->findings[count - 1], found);
    assert_string_equal(found, text);
}

static void healthy_series_name_nothing(void **state) {
    (void)state;
    Judge judge = {0};
    LayerFigures layers[LAYERS];
    fill_line(layers);
    for (int64_t step = 1; step <= 500; step++) {
        /* A new head's weights grow a thousandfold, gradients by orders, and the stream with the blocks. */
        layers[HEAD].weights.rms = 2e-5f * (float)step;
        layers[HEAD].activations.rms = 1e-4f * (float)step * (float)step;
        layers[BLOCK2].gradients.rms = 1e-7f * (float)(step * step);
        layers[BLOCK2].activations.rms = 0.5f + 0.02f * (float)step;
        layers[BLOCK1].weights.rms = 0.03f + 1e-3f * (float)step;
        layers[BLOCK0].idle = 0.9f * (float)(step % 7) / 7;
        layers[BLOCK0].peaks = 0.4f;
        /* Frozen: without a gradient. */
        layers[EMBED].gradients = (LayerSpread){0};
        layers[EMBED].update = NAN;
        judge_line(&judge, step, layers);
    }
    assert_int_equal(judge.finding_count, 0);
    judge_close(&judge);
}

static void dead_layers_are_named(void **state) {
    (void)state;
    Judge judge = {0};
    LayerFigures layers[LAYERS];
    judge_healthy(&judge, 100, 300);
    fill_line(layers);
    layers[BLOCK1].idle = 1;
    judge_line(&judge, 400, layers);
    assert_found(&judge, 1,
                 "block 1: dead since step 400 (100% of its MLP's units are activated by no token)" RESTART
                 "or from other weights");
    layers[DECODER].activations.zero = 1;
    judge_line(&judge, 500, layers);
    assert_found(&judge, 2,
                 "decoder block 0: dead since step 500 (100% of an activation is 0)" RESTART "or from other weights");
    layers[BLOCK0].weights.zero = 1;
    layers[BLOCK2].gradients.zero = 1; /* in one line alone: nothing yet */
    judge_line(&judge, 600, layers);
    assert_found(&judge, 3, "block 0: dead since step 600 (100% of its weights are 0)" RESTART "or from other weights");
    judge_line(&judge, 700, layers);
    assert_found(&judge, 4, "block 2: dead since step 600 (100% of its gradient is 0)" RESTART "or from other weights");
    layers[HEAD].gradients.zero = 1;
    judge_line(&judge, 800, layers);
    layers[HEAD].gradients.zero = 0;
    judge_line(&judge, 900, layers);
    layers[HEAD].gradients.zero = 1;
    judge_line(&judge, 1000, layers);
    assert_int_equal(judge.finding_count, 4);
    judge_close(&judge);
}

static void exploding_layers_are_named(void **state) {
    (void)state;
    Judge judge = {0};
    LayerFigures layers[LAYERS];
    judge_healthy(&judge, 100, 100);
    fill_line(layers);
    /* It is the first layer in which activations exploded that is named, and not those behind it. */
    layers[BLOCK1].activations.rms = layers[BLOCK2].activations.rms = layers[HEAD].activations.rms = 101;
    judge_line(&judge, 200, layers);
    assert_found(&judge, 1,
                 "block 1: exploding since step 200 (the rms of its activations is 101, 0.9 at first)" RESTART
                 "with optim.clip, or from other weights");
    layers[BLOCK2].weights.rms = 1; /* over 30 times 0.03 */
    judge_line(&judge, 300, layers);
    assert_found(&judge, 2,
                 "block 2: exploding since step 300 (the rms of its weights is 1, 0.03 at first)" RESTART
                 "with optim.clip, or from other weights");
    judge_rewind(&judge);
    assert_int_equal(judge.finding_count, 0);
    /* From the first line on: by the other blocks' weights, by what activations are. */
    fill_line(layers);
    layers[BLOCK2].weights.rms = 300 * 0.03f;
    layers[BLOCK2].activations.rms = 2000;
    judge_line(&judge, 100, layers);
    assert_found(&judge, 1,
                 "block 2: exploding since step 100 (the rms of its weights is 9, that of other blocks 0.03)" RESTART
                 "with optim.clip, or from other weights");
    fill_line(layers);
    layers[EMBED].activations.rms = 2000;
    judge_rewind(&judge);
    judge_line(&judge, 100, layers);
    assert_found(
        &judge, 1,
        "patch_embed: exploding since step 100 (the rms of its activations is 2e+03, that of healthy ones at most "
        "400)" RESTART "with optim.clip, or from other weights");
    judge_close(&judge);
}

static void the_first_layer_that_is_not_finite_is_named(void **state) {
    (void)state;
    Judge judge = {0};
    LayerFigures layers[LAYERS];
    fill_line(layers);
    layers[BLOCK0].gradients.not_finite = layers[BLOCK2].gradients.not_finite = 0.5f;
    judge_line(&judge, 10, layers);
    assert_found(&judge, 1,
                 "block 2: not finite since step 10 (50% of its gradients)" RESTART
                 "with optim.clip, or from other weights");
    layers[BLOCK1].activations.not_finite = layers[HEAD].activations.not_finite = 1;
    judge_line(&judge, 20, layers);
    assert_found(&judge, 2,
                 "block 1: not finite since step 20 (100% of its activations)" RESTART
                 "with optim.clip, or from other weights");
    layers[HEAD].weights.not_finite = 0.001f;
    judge_line(&judge, 30, layers);
    assert_found(&judge, 3,
                 "head: not finite since step 30 (0.1% of its weights)" RESTART
                 "with optim.clip, or from other weights");
    judge_close(&judge);
}

static void attention_on_one_token_begins_and_ends(void **state) {
    (void)state;
    Judge judge = {0};
    LayerFigures layers[LAYERS];
    char text[JUDGE_TEXT];
    judge_healthy(&judge, 100, 4000);
    fill_line(layers);
    layers[BLOCK2].peaks = 0.97f;
    layers[BLOCK2].same_peak = 0.25f;
    judge_line(&judge, 4100, layers);
    assert_found(
        &judge, 1,
        "block 2: attention on one token since step 4100 (97% of its queries see one token each, 25% the same)" RESTART
        "or a longer optim.warmup_epochs");
    judge_healthy(&judge, 4200, 4200);
    judge_print(&judge.findings[0], text);
    assert_non_null(strstr(text, " at step 4100 ("));
    layers[BLOCK2].peaks = 0.6f;
    judge_line(&judge, 4300, layers);
    judge_line(&judge, 4400, layers);
    judge_healthy(&judge, 4500, 4600);
    judge_print(&judge.findings[0], text);
    assert_non_null(strstr(text, " from step 4100 to 4400 (97%"));
    assert_int_equal(judge.finding_count, 1);
    judge_close(&judge);
}

static void the_guards_findings_stay_when_steps_are_undone(void **state) {
    (void)state;
    Judge judge = {0};
    LayerFigures layers[LAYERS];
    fill_line(layers);
    layers[BLOCK0].idle = 1;
    judge_line(&judge, 100, layers);
    assert_fine(judge_add_guards(&judge, "blocks.1", "blocks.1.mlp.fc1.weight", 150));
    judge_rewind(&judge);
    assert_found(&judge, 1,
                 "block 1: not finite at step 150 (blocks.1.mlp.fc1.weight)" RESTART
                 "with optim.clip, or from other weights");
    judge_close(&judge);
}

static void layers_have_the_names_of_their_parameters(void **state) {
    (void)state;
    static const char *const names[][2] = {{"blocks.11.mlp.fc1.weight", "blocks.11"},
                                           {"decoder_blocks.0.input", "decoder_embed"},
                                           {"decoder_blocks.3.input", "decoder_blocks.2"},
                                           {"blocks.0.input", "patch_embed"},
                                           {"blocks.10.input", "blocks.9"},
                                           {"blocks.1.attn", "blocks.1"},
                                           {"patch_embed.proj.bias", "patch_embed"},
                                           {"cls_token", "cls_token"},
                                           {"head.weight", "head"}};
    char name[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        judge_layer_name(names[i][0], name);
        assert_string_equal(name, names[i][1]);
    }
}

/* What is written and read again is judged as what was measured. */
static void lines_are_read_as_they_were_written(void **state) {
    char path[TEMP_PATH * 2];
    Metrics metrics;
    Judge first = {0}, again = {0};
    LayerFigures layers[LAYERS];
    assert_fine(metrics_open(&metrics, temp_path(state, "metrics.jsonl", path), 0));
    for (int step = 1; step <= 60; step++) {
        fill_line(layers);
        layers[BLOCK1].weights.rms = powf(1.1f, (float)step) / 3;
        layers[BLOCK2].idle = 0.95f + 1e-7f * (float)(step - 30);
        layers[BLOCK0].peaks = step % 9 ? 0.1f : 0.5f;
        judge_line(&first, step, layers);
        assert_fine(metrics_append_validation(&metrics, step, 0.5, NULL, 0));
        assert_fine(metrics_append_layers(&metrics, step, layers, LAYERS));
    }
    metrics_close(&metrics);
    assert_fine(layer_figures_read(path, judge_take, &again));
    assert_int_equal(first.finding_count, 3);
    assert_int_equal(again.finding_count, 3);
    for (int i = 0; i < 3; i++) {
        char texts[2][JUDGE_TEXT];
        judge_print(&first.findings[i], texts[0]);
        judge_print(&again.findings[i], texts[1]);
        assert_string_equal(texts[0], texts[1]);
    }
    assert_memory_equal(first.layers, again.layers, (size_t)first.layer_count * sizeof *first.layers);
    judge_close(&first);
    judge_close(&again);
    assert_fine(layer_figures_read("no/such/file", judge_take, &again));
}

/* A layer that is dead from step 3 on, in steps of which the last two are undone. */
static void what_was_found_in_undone_steps_is_forgotten(void **state) {
    char path[TEMP_PATH * 2];
    const ModelShape shape = tiny_shape(2);
    Ops ops;
    Optimizer *optimizer;
    LayerWatch watch = {0};
    Monitor monitor;
    LayerFigures layers[LAYERS];
    ops_cpu(&ops, 1);
    Objective *objective = tiny_objective(&ops, &shape);
    assert_fine(optimizer_open(&(OptimizerOptions){.layer_decay = 1}, objective->params, &ops, &optimizer));
    assert_fine(monitor_open(&monitor, temp_path(state, "undone.jsonl", path), 1, 9, 2, 0));
    assert_fine(layer_watch_open(&watch, objective, optimizer, &ops));
    fill_line(layers);
    for (int step = 1; step <= 4; step++) {
        layers[BLOCK1].idle = step >= 3;
        assert_fine(metrics_append_layers(&monitor.metrics, step, layers, LAYERS));
        judge_line(&watch.judge, step, layers);
    }
    assert_found(&watch.judge, 1,
                 "block 1: dead since step 3 (100% of its MLP's units are activated by no token)" RESTART
                 "or from other weights");
    assert_fine(layer_watch_guard(&watch, "blocks.2.input", 5));
    assert_fine(monitor_undo(&monitor, 2));
    assert_fine(layer_watch_undo(&watch, &monitor));
    assert_found(&watch.judge, 1,
                 "block 1: not finite at step 5 (blocks.2.input)" RESTART "with optim.clip, or from other weights");
    assert_int_equal(watch.judge.step, 2);
    layer_watch_close(&watch);
    monitor_close(&monitor);
    optimizer_close(optimizer);
    objective->close(objective);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_series_name_nothing),
        cmocka_unit_test(dead_layers_are_named),
        cmocka_unit_test(exploding_layers_are_named),
        cmocka_unit_test(the_first_layer_that_is_not_finite_is_named),
        cmocka_unit_test(attention_on_one_token_begins_and_ends),
        cmocka_unit_test(the_guards_findings_stay_when_steps_are_undone),
        cmocka_unit_test(layers_have_the_names_of_their_parameters),
        cmocka_unit_test(lines_are_read_as_they_were_written),
        cmocka_unit_test(what_was_found_in_undone_steps_is_forgotten),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
