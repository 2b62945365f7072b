/* SPDX-License-Identifier: Apache-2.0 */
/* Every JSON file of the programs, byte for byte as recorded in tests/fixtures/recorded/ from the version that wrote
 * them with fprintf() and cJSON. */
#include "base/safetensors_write.h"
#include "checkpoint/state.h"
#include "tests/fixtures/train_fixture.h"

#include "base/safetensors.h"
#include "pack/manifest.h"
#include "rundir/metrics.h"
#include "rundir/run_record.h"
#include "train/run/tune.h"

#include <math.h>
#include <unistd.h>

/* A recorded file, in which this machine's name takes the place of HOST; the caller's. */
static char *read_recorded(const char *name, size_t *size) {
    static const char mark[] = "\"host\": \"HOST\"";
    char path[TEMP_PATH], host[256] = "", *text, *own = NULL;
    snprintf(path, sizeof path, "tests/fixtures/recorded/%s", name);
    gethostname(host, sizeof host - 1);
    assert_fine(files_read(path, &text, size));
    const char *at = strstr(text, mark);
    if (!at)
        return text;
    assert_true(asprintf(&own, "%.*s\"host\": \"%s\"%s", (int)(at - text), text, host, at + strlen(mark)) > 0);
    free(text);
    *size = strlen(own);
    return own;
}

static void assert_recorded(const char *path, const char *recorded) {
    size_t size, wanted_size;
    char *written, *wanted = read_recorded(recorded, &wanted_size);
    assert_fine(files_read(path, &written, &size));
    if (size != wanted_size || memcmp(written, wanted, size) != 0)
        fail_msg("%s is not as recorded in %s", path, recorded);
    free(written);
    free(wanted);
}

static const char odd_name[] = "a\"b\\c\nd\te\x01\x7f\x08\x0c\r gr\xc3\xbc\xc3\x9f \xff\xc0\xaf.jpg";

static void fill_record(RunRecord *record) {
    run_record_begin(record);
    record->run_dir = "runs/x";
    record->backend = "cpu";
    record->started = 951782400;
    record->config_hash = 0xfedcba9876543210u;
    record->data_hash = 5;
    record->data_count = 1LL << 40;
    record->parameters = 123456;
    record->threads = 2;
    record->micro_batch = 8;
    record->resumed_step = 10;
    record->steps = 5;
    record->total_steps = 100;
    record->schedule_steps = 90;
    record->final_loss = 0.1f;
    snprintf(record->device, sizeof record->device, "AMD EPYC 7B13");
}

static void fill_whole_record(RunRecord *record) {
    const char *records[] = {odd_name, "plain.png"};
    fill_record(record);
    record->status = RUN_FAILED;
    record->exit_reason = "a \"reason\"";
    record->exit_code = 77;
    record->ended = 951782460;
    record->val_loss = 1.0 / 3;
    record->best_val_loss = 1e-30;
    record->best_step = 4;
    record->checkpoints_skipped = 3;
    record->versions = (Versions){2, {{"compiler", "gcc 12.2.0"}, {"program", "0123456789abcdef"}}};
    record->throughput = (Throughput){.images_per_s = 1234.5678901, .data_wait = 0.25, .micro_batch = 4, .host = "one"};
    record->throughput.versions = (Versions){1, {{"cudnn", "9.19.0"}}};
    for (int i = 0; i < 2; i++) {
        GuardEvent event = {.step = 3 + i,
                            .batch = (1ULL << 63) + 12345 * (uint64_t)i,
                            .kind = i ? "spike" : "loss",
                            .action = "skip",
                            .loss = i ? 0.1 + 0.2 : NAN,
                            .found = i ? "" : "parameter",
                            .tensor = i ? "" : "blocks.0.norm1.bias",
                            .records = records,
                            .record_count = 2 - i};
        assert_fine(run_record_event(record, &event));
    }
    assert_fine(unreadable_add(&record->unreadable, "data", odd_name, "no \"JPEG\""));
    assert_fine(unreadable_add(&record->unreadable, "data", "A.png", "short"));
}

static void run_json_is_as_recorded(void **state) {
    char path[TEMP_PATH * 2];
    RunRecord record;
    fill_record(&record);
    assert_fine(run_record_write(&record, temp_path(state, "begun.json", path)));
    assert_recorded(path, "run-begun.json");
    run_record_close(&record);

    fill_whole_record(&record);
    assert_fine(run_record_write(&record, temp_path(state, "ended.json", path)));
    assert_recorded(path, "run-ended.json");
    run_record_close(&record);

    /* Events of an earlier process come back in another layout. */
    fill_record(&record);
    assert_fine(run_record_continue(&record, path, 5, UINT64_MAX));
    assert_fine(run_record_write(&record, path));
    assert_recorded(path, "run-resumed.json");
    run_record_close(&record);
}

static void metrics_are_as_recorded(void **state) {
    char path[TEMP_PATH * 2];
    Metrics metrics;
    assert_fine(metrics_open(&metrics, temp_path(state, "metrics.jsonl", path), 0));
    MetricsLine line = {.step = 1, .epoch = 0.1, .loss = 1.0 / 3, .loss_mean = NAN, .lr = 1e-4, .grad_norm = INFINITY};
    assert_fine(metrics_append(&metrics, &line));
    line = (MetricsLine){.step = 1LL << 40,
                         .epoch = 12.5,
                         .loss = 1e20,
                         .loss_mean = 2,
                         .lr = 3e-300,
                         .grad_norm = 7,
                         .images_per_s = 123456789.123,
                         .mfu = 0.5,
                         .data_wait = 0.25,
                         .checkpoint_wait = 0.125,
                         .queue = 1.5,
                         .read_rate = 1e9,
                         .copy_rate = 2e9,
                         .seconds = 0.01,
                         .bad_records = 3,
                         .checkpoints_skipped = 4};
    assert_fine(metrics_append(&metrics, &line));
    assert_fine(metrics_append_validation(&metrics, 7, 0.7, NULL, 0));
    const MetricsFp8 layers[] = {
        {"blocks.0.attn.qkv", 5, 2, false}, {"quiet", 0, 0, false}, {"blocks.1.mlp.fc1", 0, 0, true}};
    assert_fine(metrics_append_fp8(&metrics, 8, layers, 3));
    assert_fine(metrics_append_fp8(&metrics, 9, layers, 0));
    metrics_close(&metrics);
    assert_recorded(path, "metrics.jsonl");
}

static const AutotuneChoice entries[] = {{.key = "gemm 64x64", .choice = "algo \"3\"", .microseconds = 12.25},
                                         {.key = "attention", .choice = "plan 7", .microseconds = 1e-3}};

static const AutotuneChoice *list_entries(const Device *device, size_t *count) {
    *count = device->model[0] ? 2 : 0;
    return entries;
}

static void tune_json_is_as_recorded(void **state) {
    char path[TEMP_PATH * 2];
    for (int some = 0; some < 2; some++) {
        Device device = {.autotune_export = list_entries};
        snprintf(device.tuned_on, sizeof device.tuned_on, "H200, driver 580");
        device.model[0] = some ? 'x' : '\0';
        temp_path(state, "tune.json", path);
        Tune tune = {.device = &device, .path = path, .kept = 9};
        assert_fine(tune_keep(&tune, NULL));
        assert_recorded(path, some ? "tune.json" : "tune-empty.json");
    }
}

static void pack_json_is_as_recorded(void **state) {
    char path[TEMP_PATH * 2], *labels[] = {(char *)odd_name, "grade"};
    PackInfo info = {.dataset = "drawn", .dataset_version = "1 \"b\"", .licensed = true, .image_size = 64};
    PackShardEntry shards[] = {{.file = "0000.h5", .records = 12, .bytes = 3000000000u, .offset = 4096, .tables = 0xab},
                               {.file = "0001.h5", .records = 1LL << 33, .bytes = 1ULL << 45, .offset = 8192}};
    for (int i = 0; i < 2; i++)
        snprintf(shards[i].sha256, sizeof shards[i].sha256, "%064d", i);
    assert_fine(pack_manifest_write(((Temp *)*state)->root, &info, shards, 1));
    assert_recorded(temp_path(state, "pack.json", path), "pack-plain.json");
    info.licensed = false;
    info.label_names = labels;
    info.label_count = 2;
    assert_fine(pack_manifest_write(((Temp *)*state)->root, &info, shards, 2));
    assert_recorded(path, "pack-labels.json");
}

static void state_json_is_as_recorded(void **state) {
    char path[TEMP_PATH * 2], *text;
    TrainState saved = {.step = 12,
                        .next_batch = 13,
                        .config_hash = 0xab,
                        .data_hash = ~0ULL,
                        .data_count = 1LL << 50,
                        .val_loss = NAN,
                        .best_val_loss = INFINITY,
                        .best_step = -1,
                        .loss_mean = 0.1,
                        .guard_events = 2};
    assert_fine(checkpoint_state_print(&saved, &text));
    assert_fine(files_write(temp_path(state, "state.json", path), text, strlen(text)));
    assert_recorded(path, "state.json");
    free(text);
}

static void safetensors_are_as_recorded(void **state) {
    char path[TEMP_PATH * 2];
    const float values[6] = {0, 1, 2, 3, 4, 5};
    const int64_t longs[2] = {-1, 7};
    const Tensor tensors[] = {
        {.name = "a \"b\"\n", .type = TYPE_F32, .dims = 2, .shape = {2, 3}, .count = 6, .data = values},
        {.name = "longs", .type = TYPE_I64, .dims = 1, .shape = {2}, .count = 2, .data = longs},
        {.name = "scalar", .type = TYPE_F32, .dims = 0, .count = 1, .data = values},
        {.name = "none", .type = TYPE_U8, .dims = 1, .shape = {0}, .count = 0, .data = values}};
    const TensorNote notes[] = {{"made by", odd_name}, {"format", "pt"}};
    assert_fine(safetensors_write(temp_path(state, "noted.safetensors", path), tensors, 4, notes, 2));
    assert_recorded(path, "noted.safetensors");
    assert_fine(safetensors_write(temp_path(state, "plain.safetensors", path), tensors, 1, NULL, 0));
    assert_recorded(path, "plain.safetensors");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_json_is_as_recorded),   cmocka_unit_test(metrics_are_as_recorded),
        cmocka_unit_test(tune_json_is_as_recorded),  cmocka_unit_test(pack_json_is_as_recorded),
        cmocka_unit_test(state_json_is_as_recorded), cmocka_unit_test(safetensors_are_as_recorded),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
