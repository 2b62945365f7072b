/* SPDX-License-Identifier: Apache-2.0 */
/* The loader: the same batches for any number of workers and any start, bad images replaced and listed. Run under the
 * thread sanitizer too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/decode.h"
#include "image/encode.h"
#include "tests/fixtures/loader_take.h"

enum { COUNT = 23, SIZE = 20, BATCH = 5, EPOCH_BATCHES = COUNT / BATCH, SAMPLE = SIZE * SIZE * 3 };

typedef struct {
    char *root;
    Records records;
} Data;

/* Record `number` of the folder: a JPEG or a PNG, each of another size. */
static void write_image(const char *root, int number, int width, int height) {
    char name[32];
    snprintf(name, sizeof name, "%02d.%s", number, number % 2 ? "jpg" : "png");
    char *path = scratch_path(root, name);
    uint8_t *pixels = draw_image(width, height, number);
    assert_ok(number % 2 ? image_write_jpeg(path, pixels, width, height, 90)
                         : image_write_png(path, pixels, width, height));
    free(pixels);
    free(path);
}

static int setup(void **state) {
    Data *data = calloc(1, sizeof *data);
    assert_non_null(data);
    data->root = scratch_make();
    for (int i = 0; i < COUNT; i++)
        write_image(data->root, i, 30 + i * 2, 60 - i);
    assert_ok(records_open(data->root, "", RECORDS_TRAIN, &data->records));
    assert_int_equal(data->records.count, COUNT);
    *state = data;
    return 0;
}

static int teardown(void **state) {
    Data *data = *state;
    records_close(&data->records);
    scratch_remove(data->root);
    free(data);
    return 0;
}

/* What it is called with, which take() checks. */
enum { MASK = 2 };
static const int MASK_SEED = 77;
static Status tell_key(const void *context, uint32_t epoch, int64_t key, int32_t *extra) {
    extra[0] = *(const int *)context + (int32_t)epoch;
    extra[1] = (int32_t)key;
    return NULL;
}

static LoaderOptions usual(const Data *data) {
    LoaderOptions options = usual_options(&data->records, SIZE, BATCH);
    options.extra = tell_key;
    options.extra_context = &MASK_SEED;
    options.extra_length = MASK;
    return options;
}

static void spoil(const Data *data, int64_t record) {
    scratch_write(data->root, data->records.folder.paths[record], "no image", strlen("no image"));
}

/* The first `batches` batches; drop() them. */
static void take(Loader *loader, uint64_t first, int batches, int batch_size, Taken *taken) {
    *taken = taken_make(batches * batch_size, SIZE);
    for (int b = 0; b < batches; b++) {
        PrefetchBatch batch;
        assert_ok(loader_next(loader, &batch));
        assert_int_equal(batch.number, first + (uint64_t)b);
        for (int i = 0; i < batch_size; i++) {
            assert_int_equal(batch.extras[i * MASK], MASK_SEED + (int)loader_epoch(loader, batch.number));
            assert_int_equal(batch.extras[i * MASK + 1], batch.records[i]);
        }
        memcpy(taken->samples + (size_t)b * batch_size * SAMPLE, batch.samples, (size_t)batch_size * SAMPLE);
        memcpy(taken->records + (size_t)b * batch_size, batch.records, (size_t)batch_size * sizeof *taken->records);
        loader_done(loader);
    }
}

static Taken run(const LoaderOptions *options, int batches) {
    Loader *loader;
    Taken taken;
    assert_ok(loader_open(options, &loader));
    take(loader, options->first_batch, batches, options->batch_size, &taken);
    loader_close(loader);
    return taken;
}

static void expect_sample(const Data *data, const LoaderOptions *options, uint32_t epoch, int64_t record,
                          const uint8_t *sample) {
    char *path = scratch_path(data->root, data->records.folder.paths[record]);
    Image image;
    assert_ok(image_read(path, &image));
    expect_view(&image, options, epoch, record, sample);
    image_free(&image);
    free(path);
}

static void samples_are_what_their_keys_say(void **state) {
    const Data *data = *state;
    LoaderOptions options = usual(data);
    Taken taken = run(&options, 2 * EPOCH_BATCHES);
    for (int i = 0; i < 2 * EPOCH_BATCHES * BATCH; i++) {
        uint32_t epoch = (uint32_t)(i / (EPOCH_BATCHES * BATCH));
        uint64_t position = (uint64_t)(i % (EPOCH_BATCHES * BATCH));
        assert_int_equal(taken.records[i], random_permute(options.seed, epoch, COUNT, position));
        expect_sample(data, &options, epoch, taken.records[i], taken.samples + (size_t)i * SAMPLE);
    }
    drop(&taken);
}

static void workers_change_nothing(void **state) {
    const Data *data = *state;
    spoil(data, 3); /* and not when images are replaced, either */
    spoil(data, COUNT - 1);
    enum { BATCHES = 11 };
    LoaderOptions options = usual(data);
    options.max_unreadable = 0.5;
    options.workers = 1;
    Taken first = run(&options, BATCHES);
    for (int workers = 2; workers <= 5; workers += 3)
        for (int depth = 1; depth <= 3; depth += 2) {
            options.workers = workers;
            options.depth = depth;
            Taken other = run(&options, BATCHES);
            assert_memory_equal(other.records, first.records, BATCHES * BATCH * sizeof *first.records);
            assert_memory_equal(other.samples, first.samples, (size_t)BATCHES * BATCH * SAMPLE);
            drop(&other);
        }
    drop(&first);
}

static void starting_at_a_batch_is_skipping_to_it(void **state) {
    const Data *data = *state;
    enum { BATCHES = 14 };
    LoaderOptions options = usual(data);
    Taken whole = run(&options, BATCHES);
    static const int starts[] = {1, EPOCH_BATCHES - 1, EPOCH_BATCHES, 2 * EPOCH_BATCHES + 1};
    for (int i = 0; i < 4; i++) {
        options.first_batch = (uint64_t)starts[i];
        Taken rest = run(&options, BATCHES - starts[i]);
        size_t skipped = (size_t)starts[i] * BATCH, left = (size_t)(BATCHES - starts[i]) * BATCH;
        assert_memory_equal(rest.records, whole.records + skipped, left * sizeof *rest.records);
        assert_memory_equal(rest.samples, whole.samples + skipped * SAMPLE, left * SAMPLE);
        drop(&rest);
    }
    drop(&whole);
}

static void an_epoch_shows_no_record_twice(void **state) {
    const Data *data = *state;
    enum { EPOCHS = 6, LENGTH = EPOCH_BATCHES * BATCH };
    LoaderOptions options = usual(data);
    Loader *loader;
    assert_ok(loader_open(&options, &loader));
    assert_int_equal(loader_epoch_batches(loader), EPOCH_BATCHES);
    for (uint64_t number = 0; number < EPOCHS * EPOCH_BATCHES; number++)
        assert_int_equal(loader_epoch(loader, number), number / EPOCH_BATCHES);
    Taken taken;
    take(loader, 0, EPOCHS * EPOCH_BATCHES, BATCH, &taken);
    loader_close(loader);
    bool ever[COUNT] = {false};
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        bool seen[COUNT] = {false};
        for (int i = 0; i < LENGTH; i++) {
            int64_t record = taken.records[epoch * LENGTH + i];
            assert_in_range(record, 0, COUNT - 1);
            assert_false(seen[record]);
            seen[record] = ever[record] = true;
        }
        if (epoch)
            assert_memory_not_equal(taken.records, taken.records + epoch * LENGTH, LENGTH * sizeof *taken.records);
    }
    for (int i = 0; i < COUNT; i++) /* the tail that an epoch drops is another one each time */
        assert_true(ever[i]);
    drop(&taken);
    options.seed++;
    Taken other = run(&options, EPOCH_BATCHES);
    options.seed--;
    Taken again = run(&options, EPOCH_BATCHES);
    assert_memory_not_equal(other.records, again.records, LENGTH * sizeof *other.records);
    drop(&other);
    drop(&again);
}

static void evaluation_goes_round_in_folder_order(void **state) {
    const Data *data = *state;
    enum { BATCHES = 12 };
    LoaderOptions options = usual(data);
    options.evaluate = true;
    options.first_batch = 2;
    Taken taken = run(&options, BATCHES);
    for (int i = 0; i < BATCHES * BATCH; i++) {
        assert_int_equal(taken.records[i], (2 * BATCH + i) % COUNT);
        expect_sample(data, &options, 0, taken.records[i], taken.samples + (size_t)i * SAMPLE);
    }
    drop(&taken);
    Loader *loader;
    assert_ok(loader_open(&options, &loader));
    assert_int_equal(loader_epoch_batches(loader), (COUNT + BATCH - 1) / BATCH);
    assert_int_equal(loader_epoch(loader, 1000), 0);
    loader_close(loader);
}

static void a_folder_of_less_than_a_batch(void **state) {
    const Data *data = *state;
    LoaderOptions options = usual(data);
    options.batch_size = COUNT + 1;
    Loader *loader;
    assert_fails(loader_open(&options, &loader), EXIT_DATA, "fewer than one batch of 24");
    assert_null(loader);
    options.evaluate = true; /* starts over at the end */
    Taken taken = run(&options, 1);
    assert_int_equal(taken.records[COUNT], 0);
    drop(&taken);
    options.evaluate = false;
    options.batch_size = COUNT;
    taken = run(&options, 1);
    drop(&taken);
    loader_close(NULL);
}

/* Records 7 and 8 are bad, and the last: 7 becomes 9, the last becomes 0, with the crop of the record shown. */
static void bad_images_are_replaced_by_the_next(void **state) {
    const Data *data = *state;
    enum { BATCHES = 3 * EPOCH_BATCHES };
    spoil(data, 7);
    spoil(data, 8);
    spoil(data, COUNT - 1);
    LoaderOptions options = usual(data);
    options.max_unreadable = 3.0 / COUNT;
    Taken taken = run(&options, BATCHES);
    int replaced = 0;
    for (int i = 0; i < BATCHES * BATCH; i++) {
        uint32_t epoch = (uint32_t)(i / (EPOCH_BATCHES * BATCH));
        int64_t wanted = (int64_t)random_permute(options.seed, epoch, COUNT, (uint64_t)(i % (EPOCH_BATCHES * BATCH)));
        int64_t shown = wanted == 7 || wanted == 8 ? 9 : wanted == COUNT - 1 ? 0 : wanted;
        assert_int_equal(taken.records[i], shown);
        expect_sample(data, &options, epoch, shown, taken.samples + (size_t)i * SAMPLE);
        replaced += wanted != shown;
    }
    assert_true(replaced >= 4);
    drop(&taken);
}

static void bad_images_are_listed_once(void **state) {
    const Data *data = *state;
    spoil(data, COUNT - 1);
    spoil(data, 7);
    write_image(data->root, 2, 40, 3); /* record 2, now flatter than a patch */
    LoaderOptions options = usual(data);
    options.max_unreadable = 0.2;
    options.workers = 5;
    Loader *loader;
    assert_ok(loader_open(&options, &loader));
    Taken taken;
    take(loader, 0, 5 * EPOCH_BATCHES, BATCH, &taken);
    UnreadableRecord *bad;
    int count;
    assert_ok(loader_unreadable(loader, &bad, &count));
    assert_int_equal(count, 3);
    static const int64_t records[] = {2, 7, COUNT - 1};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(bad[i].record, records[i]);
        assert_ptr_equal(bad[i].path, data->records.folder.paths[records[i]]);
        assert_null(strstr(bad[i].reason, data->root)); /* the path is in another field */
    }
    assert_string_equal(bad[0].reason, "40 x 3 pixels, smaller than a patch (4)");
    assert_string_equal(bad[1].reason, "neither JPEG, PNG nor TIFF by its first bytes");
    free(bad);
    drop(&taken);
    loader_close(loader);
}

static void no_bad_images_make_an_empty_list(void **state) {
    const Data *data = *state;
    LoaderOptions options = usual(data);
    Loader *loader;
    assert_ok(loader_open(&options, &loader));
    UnreadableRecord *bad;
    int count;
    assert_ok(loader_unreadable(loader, &bad, &count));
    assert_int_equal(count, 0);
    free(bad);
    loader_close(loader);
}

/* Takes batches until the loader fails; the status is the caller's. */
static Status run_to_failure(const LoaderOptions *options, int most) {
    Loader *loader;
    assert_ok(loader_open(options, &loader));
    Status status = NULL;
    for (int i = 0; i < most && !status; i++) {
        PrefetchBatch batch;
        status = loader_next(loader, &batch);
        loader_done(loader);
    }
    loader_close(loader);
    return status;
}

static void too_many_bad_images_end_it(void **state) {
    const Data *data = *state;
    spoil(data, 4);
    spoil(data, 5);
    spoil(data, 6);
    LoaderOptions options = usual(data);
    options.evaluate = true;              /* so that all are met, in order */
    options.max_unreadable = 3.0 / COUNT; /* as many as there are */
    assert_ok(run_to_failure(&options, 6));
    options.evaluate = false; /* met as 6, 4, 5; named in order all the same */
    options.workers = 1;
    options.max_unreadable = 2.99 / COUNT;
    options.limit_name = "data.max_unreadable";
    Status status = run_to_failure(&options, 50);
    assert_int_equal(status_code(status), EXIT_DATA);
    const char *const parts[] = {"at least 3 of the 23 images", data->root, "data.max_unreadable = 0.13",
                                 "allows (2): 04.png (neither JPEG, PNG nor TIFF by its first bytes); 05.jpg (neither",
                                 "repair or remove them, or raise data.max_unreadable"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(status_message(status), parts[i]))
            fail_msg("\"%s\" lacks \"%s\"", status_message(status), parts[i]);
    status_free(status);
    options.max_unreadable = 0; /* the first one ends it */
    assert_fails(run_to_failure(&options, 6), EXIT_DATA, "at least 1 of the 23 images");
}

/* The product 0.29 x 100 misses its whole number by a rounding: 29 bad images of 100 are what is allowed. */
static void the_share_is_meant_in_decimals(void **state) {
    Data *data = *state;
    records_close(&data->records);
    for (int i = COUNT; i < 100; i++)
        write_image(data->root, i, 8, 8);
    assert_ok(records_open(data->root, "", RECORDS_TRAIN, &data->records));
    for (int i = 0; i < 29; i++)
        spoil(data, i * 3);
    LoaderOptions options = usual(data);
    options.evaluate = true;
    options.max_unreadable = 0.29;
    assert_ok(run_to_failure(&options, 21));
    options.max_unreadable = 0.28;
    assert_fails(run_to_failure(&options, 21), EXIT_DATA, "of the 100 images");
}

static void nothing_readable_ends_it_whatever_is_allowed(void **state) {
    const Data *data = *state;
    for (int i = 0; i < COUNT; i++)
        spoil(data, i);
    LoaderOptions options = usual(data);
    options.max_unreadable = 1;
    for (options.workers = 1; options.workers <= 5; options.workers += 2)
        assert_fails(run_to_failure(&options, 1), EXIT_DATA, "none of the 23 images");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(samples_are_what_their_keys_say, setup, teardown),
        cmocka_unit_test_setup_teardown(workers_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(starting_at_a_batch_is_skipping_to_it, setup, teardown),
        cmocka_unit_test_setup_teardown(an_epoch_shows_no_record_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(evaluation_goes_round_in_folder_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_of_less_than_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_images_are_replaced_by_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_images_are_listed_once, setup, teardown),
        cmocka_unit_test_setup_teardown(no_bad_images_make_an_empty_list, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_bad_images_end_it, setup, teardown),
        cmocka_unit_test_setup_teardown(the_share_is_meant_in_decimals, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_readable_ends_it_whatever_is_allowed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
