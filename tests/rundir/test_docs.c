/* SPDX-License-Identifier: Apache-2.0 */
/* docs/run-directory.md beside what the writers write: every field of a full file is on the page with its type, and
 * every field on the page is in the file. */
#include "checkpoint/directory.h"
#include "checkpoint/state.h"
#include "tests/fixtures/train_fixture.h"

#include "base/text.h"
#include "rundir/metrics.h"
#include "rundir/run_directory.h"
#include "tests/fixtures/documented.h"
#include "tests/fixtures/full_run.h"
#include "train/run/tune.h"

#include <cJSON.h>

#define PAGE "docs/run-directory.md"

static void run_json_is_documented(void **state) {
    char path[TEMP_PATH * 2], *text;
    size_t size;
    RunRecord record;
    fill_full_record(&record);
    assert_fine(run_record_write(&record, temp_path(state, "run.json", path)));
    run_record_close(&record);
    assert_fine(files_read(path, &text, &size));
    assert_documented(PAGE, "run.json", text, size);
    free(text);
}

static void metrics_are_documented(void **state) {
    static const char *const headings[] = {"Training lines", "Validation lines", "FP8 lines", "Monitor lines"};
    char path[TEMP_PATH * 2], *text;
    size_t size;
    Metrics metrics;
    const LayerSpread spread = {.known = true};
    const LayerFigures figures = {
        .name = "blocks.0", .weights = spread, .activations = spread, .gradients = spread, .update = 0.001f};
    const MetricsFp8 layer = {"blocks.0.attn.qkv", 5, 2, true};
    assert_fine(metrics_open(&metrics, temp_path(state, "metrics.jsonl", path), 0));
    assert_fine(metrics_append(&metrics, &(MetricsLine){.step = 1, .epoch = 0.5, .gpu = {.watched = true}}));
    assert_fine(metrics_append_validation(&metrics, 1, 0.5, &(MetricsFigure){"auroc", 0.75}, 1));
    assert_fine(metrics_append_fp8(&metrics, 1, &layer, 1));
    assert_fine(metrics_append_layers(&metrics, 1, &figures, 1));
    metrics_close(&metrics);
    assert_fine(files_read(path, &text, &size));
    const char *at = text;
    TextLine line;
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++) {
        assert_true(text_next_line(&at, text + size, &line));
        assert_documented(PAGE, headings[i], line.start, line.length);
    }
    free(text);
}

static const AutotuneChoice *list_entries(const Device *device, size_t *count) {
    static const AutotuneChoice entry = {.key = "gemm", .choice = "algorithm 3", .microseconds = 1.5};
    (void)device;
    *count = 1;
    return &entry;
}

static void tune_json_is_documented(void **state) {
    char path[TEMP_PATH * 2], *text;
    size_t size;
    Device device = {.autotune_export = list_entries};
    temp_path(state, "tune.json", path);
    Tune tune = {.device = &device, .path = path};
    assert_fine(tune_keep(&tune, NULL));
    assert_fine(files_read(path, &text, &size));
    assert_documented(PAGE, "tune.json", text, size);
    free(text);
}

static void state_json_is_documented(void **state) {
    (void)state;
    char *text;
    const TrainState saved = {.step = 1, .has_metric = true};
    assert_fine(checkpoint_state_print(&saved, &text));
    assert_documented(PAGE, "state.json", text, strlen(text));
    free(text);
}

/* The words of a table without types are exactly these. */
static void assert_names(const char *heading, const char *const *names, int count) {
    DocumentedTable table;
    documented_table(PAGE, heading, &table);
    for (int i = 0; i < count; i++)
        if (!documented_row(&table, names[i]))
            fail_msg("docs/run-directory.md lacks %s under \"%s\"", names[i], heading);
    assert_int_equal(table.count, count);
}

static void names_are_documented(void **state) {
    (void)state;
    static const char *const codes[] = {"0", "64", "65", "69", "70", "74", "75", "76", "77", "78"};
    static const char *const checkpoint[] = {CHECKPOINT_WEIGHTS, CHECKPOINT_OPTIMIZER, "fp8.safetensors",
                                             CHECKPOINT_STATE, CHECKPOINT_CHECKSUMS};
    static const int last[] = {EXIT_OK, EXIT_USAGE,   EXIT_DATA,      EXIT_MISSING,  EXIT_INTERNAL,
                               EXIT_IO, EXIT_STOPPED, EXIT_NO_MEMORY, EXIT_DIVERGED, EXIT_REFUSED};
    const char *statuses[RUN_FAILED];
    for (int i = RUN_RUNNING; i <= RUN_FAILED; i++)
        statuses[i - RUN_RUNNING] = run_status_name((RunStatus)i);
    assert_names("Status", statuses, RUN_FAILED);
    assert_names("Exit codes", codes, sizeof codes / sizeof *codes);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        assert_int_equal(atoi(codes[i]), last[i]);
    assert_names("ckpt/", checkpoint, sizeof checkpoint / sizeof *checkpoint);

    RunDirectory directory;
    assert_fine(run_directory_open(&directory, "r"));
    const char *paths[] = {directory.config,      directory.record, directory.metrics,
                           directory.checkpoints, directory.recon,  directory.curve};
    char names[7][32] = {"tune.json"};
    const char *files[8] = {names[0]};
    for (int i = 0; i < 6; i++) {
        const bool folder = !strchr(paths[i], '.');
        snprintf(names[i + 1], sizeof names[0], "%s%s", paths[i] + 2, folder ? "/" : "");
        files[i + 1] = names[i + 1];
    }
    files[7] = EVENTS_PREFIX "N";
    assert_names("Files", files, 8);
    run_directory_close(&directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_json_is_documented),  cmocka_unit_test(metrics_are_documented),
        cmocka_unit_test(tune_json_is_documented), cmocka_unit_test(state_json_is_documented),
        cmocka_unit_test(names_are_documented),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
