/* SPDX-License-Identifier: Apache-2.0 */
/* Packs in a device's memory give the batches of a loader that reads them each time, without the samples; damaged
 * records, changed packs, packs that cannot be cached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/loader.h"
#include "tests/fixtures/pack_fixture.h"
#include "tests/fixtures/printed_path.h"
#include "tests/fixtures/same_crop.h"

enum { SIDE = 20, RECORD = SIDE * SIDE * 3, COUNT = 150, BATCH = 8, BATCHES = 40 };

static const PackSpec spec = {"gamma", "t", SIDE, COUNT, 70, 3}, other = {"delta", "t", 24, 10, 10, 4};

typedef struct {
    char *root, *path;
    Records records;
} Data;

static int setup(void **state) {
    Data *data = calloc(1, sizeof *data);
    assert_non_null(data);
    data->root = scratch_make();
    data->path = fixture_pack(data->root, "pack", &spec);
    assert_ok(records_open(data->path, "", RECORDS_TRAIN, &data->records));
    *state = data;
    return 0;
}

static int teardown(void **state) {
    Data *data = *state;
    records_close(&data->records);
    free(data->path);
    scratch_remove(data->root);
    free(data);
    return 0;
}

static LoaderOptions options_for(const Data *data, LoaderCache cache) {
    return (LoaderOptions){
        .records = &data->records,
        .cache = cache,
        .seed = 5,
        .image_size = 16,
        .min_side = 4,
        .crop = {.scale_min = 0.2, .scale_max = 1, .ratio_min = 3.0 / 4, .ratio_max = 4.0 / 3, .flip = 0.5},
        .raw = true,
        .batch_size = BATCH,
        .first_batch = 3,
        .workers = 3,
        .device = device_cpu(),
        .depth = 2,
        .max_unreadable = 0.1};
}

static void bring_all(Loader *loader) {
    int64_t left = 1, before = INT64_MAX;
    while (left) {
        assert_ok(loader_fill_device_cache(loader, &left));
        assert_true(left < before);
        before = left;
    }
    assert_ok(loader_fill_device_cache(loader, &left));
    assert_int_equal(left, 0);
}

/* Both loaders show the same, of `count` records. */
static void expect_same_batches(Loader *reading, Loader *holding, int64_t count) {
    const uint8_t *held = loader_device_records(holding);
    assert_non_null(held);
    assert_null(loader_device_records(reading));
    for (int b = 0; b < BATCHES; b++) {
        PrefetchBatch read, kept;
        assert_ok(loader_next(reading, &read));
        assert_ok(loader_next(holding, &kept));
        assert_int_equal(read.number, kept.number);
        assert_memory_equal(read.records, kept.records, BATCH * sizeof *read.records);
        assert_null(kept.samples);
        for (int i = 0; i < BATCH; i++) {
            assert_same_crop(&read.crops[i], &kept.crops[i]);
            assert_memory_equal((const uint8_t *)read.samples + i * RECORD, held + kept.records[i] % count * RECORD,
                                RECORD);
        }
        loader_done(reading);
        loader_done(holding);
    }
}

static void held_records_are_those_that_are_read(void **state) {
    const Data *data = *state;
    const LoaderOptions reads = options_for(data, LOADER_PAGE), holds = options_for(data, LOADER_DEVICE);
    Loader *reading, *holding;
    assert_ok(loader_open(&reads, &reading));
    assert_ok(loader_open(&holds, &holding));
    PrefetchBatch batch;
    assert_fails(loader_next(holding, &batch), EXIT_INTERNAL, "before the device cache was full");
    bring_all(holding);
    const uint64_t bytes = loader_bytes(holding);
    assert_int_equal(bytes, COUNT * RECORD);
    expect_same_batches(reading, holding, COUNT);
    assert_int_equal(loader_bytes(holding), bytes); /* read once */
    loader_close(reading);
    loader_close(holding);
}

/* Also two packs, of which the second is shown three times as often. */
static void packs_are_mixed_alike(void **state) {
    Data *data = *state;
    const PackSpec small = {"epsilon", "t", SIDE, 30, 30, 5};
    char *second = fixture_pack(data->root, "small", &small), *both = printed_path("%s,%s", data->path, second);
    records_close(&data->records);
    assert_ok(records_open(both, "0.5,3", RECORDS_TRAIN, &data->records));
    const LoaderOptions reads = options_for(data, LOADER_PAGE), holds = options_for(data, LOADER_DEVICE);
    Loader *reading, *holding;
    assert_ok(loader_open(&reads, &reading));
    assert_ok(loader_open(&holds, &holding));
    bring_all(holding);
    assert_int_equal(loader_epoch_batches(holding), (COUNT / 2 + 90) / BATCH);
    expect_same_batches(reading, holding, COUNT + 30);
    loader_close(reading);
    loader_close(holding);
    free(both);
    free(second);
}

/* Turns one byte of a record over. */
static void spoil(const Data *data, int64_t record) {
    uint64_t offset;
    uint8_t byte;
    const PackShard *shard = pack_find(&data->records.parts[0].pack, record, &offset);
    const int descriptor = open(shard->path, O_RDWR | O_CLOEXEC);
    assert_true(descriptor >= 0);
    assert_int_equal(pread(descriptor, &byte, 1, (off_t)offset + 99), 1);
    byte = (uint8_t)~byte;
    assert_int_equal(pwrite(descriptor, &byte, 1, (off_t)offset + 99), 1);
    assert_int_equal(close(descriptor), 0);
}

static void damaged_records_are_known_before_the_first_batch(void **state) {
    Data *data = *state;
    spoil(data, 7);
    spoil(data, 149);
    records_close(&data->records);
    assert_ok(records_open(data->path, "", RECORDS_TRAIN, &data->records));
    LoaderOptions reads = options_for(data, LOADER_PAGE), holds = options_for(data, LOADER_DEVICE);
    Loader *reading, *holding;
    assert_ok(loader_open(&reads, &reading));
    assert_ok(loader_open(&holds, &holding));
    bring_all(holding);
    UnreadableRecord *bad;
    int count;
    assert_ok(loader_unreadable(holding, &bad, &count));
    assert_int_equal(count, 2);
    assert_int_equal(bad[0].record, 7);
    assert_int_equal(bad[1].record, 149);
    assert_ptr_equal(strstr(bad[1].reason, "record 9 of"), bad[1].reason);
    assert_non_null(strstr(bad[1].reason, "00002.h5: its checksum does not match"));
    free(bad);
    expect_same_batches(reading, holding, COUNT);
    loader_close(reading);
    loader_close(holding);

    holds.max_unreadable = 0;
    assert_ok(loader_open(&holds, &holding));
    Status status = NULL;
    for (int64_t left = 1; left && !status;)
        status = loader_fill_device_cache(holding, &left);
    assert_fails(status, EXIT_DATA, "more than max_unreadable = 0 allows");
    loader_close(holding);
}

static void a_pack_that_changes_is_refused(void **state) {
    const Data *data = *state;
    const LoaderOptions options = options_for(data, LOADER_DEVICE);
    Loader *loader;
    assert_ok(loader_open(&options, &loader));
    bring_all(loader);
    spoil(data, 0);
    Status status = NULL;
    for (int b = 0; b < BATCHES && !status; b++) {
        PrefetchBatch batch;
        status = loader_next(loader, &batch);
        if (!status)
            loader_done(loader);
    }
    assert_fails(status, EXIT_DATA, "changed since the run began");
    loader_close(loader);
}

static void what_cannot_be_held_is_refused(void **state) {
    const Data *data = *state;
    LoaderOptions options = options_for(data, LOADER_DEVICE);
    Loader *loader;
    options.raw = false;
    assert_fails(loader_open(&options, &loader), EXIT_USAGE,
                 "a device cache needs packs whose records all have one size");
    char *second = fixture_pack(data->root, "second", &other), *both = printed_path("%s,%s", data->path, second);
    Records records;
    assert_ok(records_open(both, "", RECORDS_TRAIN, &records));
    options.records = &records; /* of two sizes */
    options.raw = true;
    assert_fails(loader_open(&options, &loader), EXIT_USAGE, "one size");
    records_close(&records);
    free(both);
    free(second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(held_records_are_those_that_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(packs_are_mixed_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_records_are_known_before_the_first_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pack_that_changes_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_held_is_refused, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
