/* SPDX-License-Identifier: Apache-2.0 */
/* run.json: valid whatever files are called, and events that outlive a restart. */
#include "tests/fixtures/train_fixture.h"

#include "rundir/run_record.h"

#include <cJSON.h>
#include <math.h>

static cJSON *written(const RunRecord *record, const char *path) {
    char *text;
    size_t size;
    assert_fine(run_record_write(record, path));
    assert_fine(files_read(path, &text, &size));
    cJSON *object = cJSON_ParseWithLength(text, size);
    assert_non_null(object);
    free(text);
    return object;
}

static const char *text_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(item))
        fail_msg("%s is no text", key);
    return item->valuestring;
}

static void begin(RunRecord *record) {
    run_record_begin(record);
    record->run_dir = "runs/x";
    record->backend = "cpu";
}

static void add_event(RunRecord *record, int64_t step, uint64_t batch) {
    const char *records[] = {"a\"b\\c\nd.jpg", "\xe0\x9f\xbf\xed\xa0\x80\xf0\x8f\xbf\xbf\xf4\x90\x80\x80",
                             "bad \xff\xc0\xaf utf.png", "gr\xc3\xbc\xc3\x9f.jpg", "cut \xe2\x82"};
    GuardEvent event = {.step = step,
                        .batch = batch,
                        .kind = "loss",
                        .action = "skip",
                        .loss = NAN,
                        .found = "parameter",
                        .tensor = "blocks.0.norm1.bias",
                        .records = records,
                        .record_count = 5};
    assert_fine(run_record_event(record, &event));
}

static void holds_what_happened(void **state) {
    char path[TEMP_PATH * 2];
    temp_path(state, "run.json", path);
    RunRecord record;
    begin(&record);
    record.config_hash = 0xfedcba9876543210u;
    record.data_count = 1LL << 40;
    record.started = 951782400; /* a leap day */
    cJSON *object = written(&record, path);
    assert_string_equal(text_of(object, "status"), "running");
    assert_string_equal(text_of(object, "config_hash"), "fedcba9876543210");
    assert_string_equal(text_of(object, "started"), "2000-02-29T00:00:00Z");
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(object, "ended")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(object, "exit_code")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(object, "final_loss")));
    assert_true(cJSON_GetObjectItemCaseSensitive(object, "data_count")->valuedouble == (double)(1LL << 40));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(object, "guard_events")), 0);
    assert_null(cJSON_GetObjectItemCaseSensitive(object, "packs")); /* a folder's run */
    cJSON_Delete(object);

    add_event(&record, 3, 1ULL << 63);
    assert_fine(run_record_add_pack(&record, &(RunPack){"a", 30, 15}));
    assert_fine(run_record_add_pack(&record, &(RunPack){"b", 7, -1}));
    record.exit_code = 77;
    record.exit_reason = "a \"reason\"";
    object = written(&record, path);
    assert_string_equal(text_of(object, "exit_reason"), "a \"reason\"");
    const cJSON *packs = cJSON_GetObjectItemCaseSensitive(object, "packs"), *second = cJSON_GetArrayItem(packs, 1);
    assert_int_equal(cJSON_GetArraySize(packs), 2);
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(packs, 0), "samples_per_epoch")->valueint, 15);
    assert_string_equal(text_of(second, "path"), "b");
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(second, "samples_per_epoch")));
    const cJSON *event = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(object, "guard_events"), 0);
    assert_string_equal(text_of(event, "tensor"), "blocks.0.norm1.bias");
    assert_string_equal(text_of(event, "found"), "parameter");
    assert_string_equal(text_of(event, "action"), "skip");
    const cJSON *records = cJSON_GetObjectItemCaseSensitive(event, "records");
    assert_int_equal(cJSON_GetArraySize(records), 5);
    assert_string_equal(cJSON_GetArrayItem(records, 0)->valuestring, "a\"b\\c\nd.jpg");
    /* Overlong, surrogate and too large: each of the fourteen bytes is replaced. */
    assert_int_equal(strlen(cJSON_GetArrayItem(records, 1)->valuestring), 14 * 3);
    assert_string_equal(cJSON_GetArrayItem(records, 2)->valuestring,
                        "bad \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd utf.png");
    assert_string_equal(cJSON_GetArrayItem(records, 3)->valuestring, "gr\xc3\xbc\xc3\x9f.jpg");
    assert_string_equal(cJSON_GetArrayItem(records, 4)->valuestring, "cut \xef\xbf\xbd\xef\xbf\xbd");
    cJSON_Delete(object);
    char *text;
    size_t size;
    assert_fine(files_read(path, &text, &size));
    assert_non_null(strstr(text, "c\\u000ad.jpg")); /* the parser used here would take a bare newline, others not */
    free(text);
    run_record_close(&record);
}

static void events_outlive_a_restart(void **state) {
    char path[TEMP_PATH * 2];
    temp_path(state, "restart.json", path);
    RunRecord record;
    begin(&record);
    assert_fine(run_record_continue(&record, path, 100, 101)); /* none there yet */
    add_event(&record, 3, 2);
    add_event(&record, 8, 8); /* rolled back to step 4, and stopped after 5 */
    add_event(&record, 6, 10);
    record.steps = 5;
    record.final_loss = 0.25;
    assert_fine(run_record_write(&record, path));
    run_record_close(&record);

    begin(&record);
    assert_fine(run_record_continue(&record, path, 5, 10));
    assert_true(record.final_loss == 0.25);
    cJSON *object = written(&record, path);
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(object, "guard_events");
    assert_int_equal(cJSON_GetArraySize(events), 2); /* that of batch 10 will come again */
    assert_true(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(events, 0), "step")->valuedouble == 3);
    assert_true(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(events, 1), "step")->valuedouble == 8);
    cJSON_Delete(object);
    run_record_close(&record);

    assert_fine(files_write(path, "{\"guard_ev", 10));
    begin(&record);
    assert_fine(run_record_continue(&record, path, 5, 10));
    assert_int_equal(record.event_count, 0);
    run_record_close(&record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_happened),
        cmocka_unit_test(events_outlive_a_restart),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
