/* SPDX-License-Identifier: Apache-2.0 */
/* Features of a pack's records: which images they are of, what is left out, and what is kept in files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device/open.h"
#include "eval/features/cache.h"
#include "image/encode.h"
#include "tests/fixtures/encoder_run.h"
#include "tests/fixtures/task_pack.h"

#include <dirent.h>

enum { COUNT = 19, SIDE = 40 }; /* more than a batch of 16 */

typedef struct {
    char *root, *run, *path;
    Ops ops;
    Encoder encoder;
    Records records;
} Fixture;

static char *write_pack(const char *root, const char *name, bool licensed) {
    TaskRecord records[COUNT];
    for (int i = 0; i < COUNT; i++)
        records[i] = (TaskRecord){i % 2 ? "anna" : "bert", "topcon", 't', 'R', i, 1, {0}};
    const TaskPack pack = {"drawn", SIDE, COUNT, records, {"grade"}, licensed};
    return task_pack(root, name, &pack);
}

static int open_fixture(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->root = scratch_make();
    fixture->run = encoder_run_make(fixture->root);
    fixture->path = write_pack(fixture->root, "pack", false);
    ops_cpu(&fixture->ops, 1);
    assert_ok(encoder_open(&(EncoderOptions){.from = fixture->run}, &fixture->ops, NULL, &fixture->encoder));
    assert_ok(records_open(fixture->path, "", RECORDS_ALL, &fixture->records));
    *state = fixture;
    return 0;
}

static int close_fixture(void **state) {
    Fixture *fixture = *state;
    encoder_close(&fixture->encoder);
    records_close(&fixture->records);
    scratch_remove(fixture->root);
    free(fixture->run);
    free(fixture->path);
    free(fixture);
    return 0;
}

static const FeatureOptions mean_of_center = {.tokens = TASK_MEAN, .view = VIEW_CENTER, .max_unreadable = 0.2};

/* The features of one record, from the functions that the extraction must combine. */
static void encode_record(Fixture *fixture, int record, const FeatureOptions *options, float *features) {
    static uint8_t pixels[SIDE * SIDE * 3], view[RUN_SIDE * RUN_SIDE * 3];
    assert_ok(pack_read(&fixture->records.parts[0].pack, record, pixels));
    const Image image = {.width = SIDE, .height = SIDE, .pixels = pixels};
    assert_ok(evaluation_view(&image, RUN_SIDE, options->view, view));
    assert_ok(encoder_run(&fixture->encoder, options->tokens, &(ModelInput){.pixels = view, .batch = 1}, features));
}

static void features_are_those_of_each_record(void **state) {
    Fixture *fixture = *state;
    for (int round = 0; round < 4; round++) {
        const FeatureOptions options = {.tokens = round & 1 ? TASK_CLS_MEAN : TASK_POOLED,
                                        .view = round & 2 ? VIEW_WHOLE : VIEW_CENTER};
        const int width = encoder_width(&fixture->encoder, options.tokens);
        Features features;
        float one[2 * RUN_DIM], *rows;
        assert_ok(features_extract(&fixture->encoder, &fixture->records, &options, NULL, &features));
        assert_int_equal(features.count, COUNT);
        assert_int_equal(features.width, width);
        assert_int_equal(features.unreadable, 0);
        for (int i = 0; i < COUNT; i++) {
            encode_record(fixture, i, &options, one);
            assert_memory_equal(features.values + i * width, one, (size_t)width * sizeof *one);
            assert_true(features.readable[i]);
        }
        assert_ok(features_gather(&features, (const int64_t[]){17, 3}, 2, &rows));
        assert_memory_equal(rows + width, features.values + 3 * width, (size_t)width * sizeof *one);
        assert_memory_equal(rows, features.values + 17 * width, (size_t)width * sizeof *one);
        free(rows);
        features_close(&features);
    }
}

/* On a device whose memory is not the host's the same, up to the order of its sums. */
static void a_gpu_computes_the_same(void **state) {
    Fixture *fixture = *state;
    Features here, there;
    Device *device;
    Encoder encoder;
    Ops ops;
    char *note = NULL;
    Status status = device_open(DEVICE_EMU, &device, &note);
    if (status_code(status) == EXIT_MISSING) {
        print_message("# %s\n", status_message(status));
        status_free(status);
        skip();
    }
    assert_ok(status);
    free(note);
    device->operations(device, 1, &ops);
    assert_ok(encoder_open(&(EncoderOptions){.from = fixture->run, .batch = 8}, &ops, NULL, &encoder));
    assert_ok(features_extract(&fixture->encoder, &fixture->records, &mean_of_center, NULL, &here));
    assert_ok(features_extract(&encoder, &fixture->records, &mean_of_center, NULL, &there));
    for (int i = 0; i < COUNT * RUN_DIM; i++) /* of size 1; FP32 products of 192 values */
        assert_true(fabsf(here.values[i] - there.values[i]) < 1e-4f);
    features_close(&here);
    features_close(&there);
    encoder_close(&encoder);
    device_close(device);
}

static void the_view_follows_the_image_size(void **state) {
    (void)state;
    TaskConfig *task = calloc(1, sizeof *task);
    assert_non_null(task);
    Encoder encoder = {.shape.image_size = 224};
    task->features.tokens = TASK_CLS;
    task->data.max_unreadable = 0.25;
    FeatureOptions options = features_options(task, &encoder);
    assert_int_equal(options.tokens, TASK_CLS);
    assert_true(options.max_unreadable == 0.25);
    assert_int_equal(options.view, VIEW_CENTER);
    encoder.shape.image_size = 256;
    assert_int_equal(features_options(task, &encoder).view, VIEW_WHOLE);
    task->features.view = TASK_VIEW_CENTER;
    assert_int_equal(features_options(task, &encoder).view, VIEW_CENTER);
    encoder.shape.image_size = 32;
    task->features.view = TASK_VIEW_WHOLE;
    assert_int_equal(features_options(task, &encoder).view, VIEW_WHOLE);
    free(task);
}

/* Changes a byte of a record on the disk. */
static void damage_record(const Fixture *fixture, int record) {
    uint8_t *bytes;
    size_t size;
    const uint64_t offset = fixture->records.parts[0].pack.shards[0].offset;
    scratch_read(fixture->path, "shards/00000.h5", &bytes, &size);
    bytes[offset + (uint64_t)record * SIDE * SIDE * 3 + 100] ^= 0x40;
    scratch_write(fixture->path, "shards/00000.h5", bytes, size);
    free(bytes);
}

static void reopen_records(Fixture *fixture) {
    records_close(&fixture->records);
    assert_ok(records_open(fixture->path, "", RECORDS_ALL, &fixture->records));
}

static void damaged_records_are_left_out_and_named(void **state) {
    Fixture *fixture = *state;
    Features features;
    char *text = NULL;
    size_t size;
    damage_record(fixture, 4);
    damage_record(fixture, COUNT - 1);
    reopen_records(fixture);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_ok(features_extract(&fixture->encoder, &fixture->records, &mean_of_center, out, &features));
    assert_int_equal(fclose(out), 0);
    assert_int_equal(features.unreadable, 2);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(features.readable[i], i != 4 && i != COUNT - 1);
        assert_int_equal(isnan(features.values[i * RUN_DIM]) != 0, !features.readable[i]);
    }
    assert_non_null(strstr(text, "left out    "));
    assert_non_null(strstr(text, "drawn_04.png"));
    assert_non_null(strstr(text, "images/s"));
    free(text);
    features_close(&features);
    FeatureOptions strict = mean_of_center;
    strict.max_unreadable = 0.06; /* 1 of 19 */
    assert_fails(features_extract(&fixture->encoder, &fixture->records, &strict, NULL, &features), EXIT_DATA,
                 "data.max_unreadable");
    features_close(&features);
}

/* The path of the only file in a folder of features, the caller's. */
static char *only_file(const char *folder) {
    DIR *directory = opendir(folder);
    char *path = NULL;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.') {
            assert_null(path);
            path = scratch_path(folder, entry->d_name);
        }
    closedir(directory);
    assert_non_null(path);
    return path;
}

static void features_are_computed_once(void **state) {
    Fixture *fixture = *state;
    Features first, second;
    char *folder;
    damage_record(fixture, 4);
    reopen_records(fixture);
    assert_ok(features_folder(&fixture->encoder, &folder));
    char *wanted = scratch_path(fixture->run, "eval");
    assert_string_equal(folder, wanted);
    assert_ok(features_get(&fixture->encoder, &fixture->records, &mean_of_center, folder, NULL, &first));
    assert_true(first.seconds > 0);
    char *path = only_file(folder);
    assert_ok(features_get(&fixture->encoder, &fixture->records, &mean_of_center, folder, NULL, &second));
    assert_true(second.seconds == 0);
    assert_int_equal(second.unreadable, 1);
    assert_false(second.readable[4]);
    assert_memory_equal(first.readable, second.readable, COUNT * sizeof *first.readable);
    for (int i = 0; i < COUNT * RUN_DIM; i++)
        assert_true(i / RUN_DIM == 4 || first.values[i] == second.values[i]);
    features_close(&second);
    /* Too many of them are refused of kept features, too. */
    FeatureOptions strict = mean_of_center;
    strict.max_unreadable = 0.05; /* 0 of 19 */
    assert_fails(features_get(&fixture->encoder, &fixture->records, &strict, folder, NULL, &second), EXIT_DATA,
                 "1 of 19 images could not be read");
    features_close(&second);
    /* What depends on anything else is in another file. */
    FeatureOptions other = mean_of_center;
    other.view = VIEW_WHOLE;
    assert_ok(features_get(&fixture->encoder, &fixture->records, &other, folder, NULL, &second));
    assert_true(second.seconds > 0);
    features_close(&second);
    assert_fails(features_read(path, &fixture->encoder, &fixture->records, &other, &second), EXIT_DATA,
                 "has features of another view");
    features_close(&second);
    Encoder entry = fixture->encoder;
    entry.entry = "teacher";
    assert_fails(features_read(path, &entry, &fixture->records, &mean_of_center, &second), EXIT_DATA,
                 "has features of another view");
    features_close(&second);
    Encoder random = fixture->encoder;
    random.sha256[0] ^= 1;
    assert_fails(features_read(path, &random, &fixture->records, &mean_of_center, &second), EXIT_DATA,
                 "has features of other weights");
    features_close(&second);
    fixture->records.hash ^= 1;
    assert_fails(features_read(path, &fixture->encoder, &fixture->records, &mean_of_center, &second), EXIT_DATA,
                 "has features of other images");
    features_close(&second);
    fixture->records.hash ^= 1;
    scratch_write("", path, "damaged, and long enough to have a mark", 39);
    assert_fails(features_get(&fixture->encoder, &fixture->records, &mean_of_center, folder, NULL, &second), EXIT_DATA,
                 "its checksum is wrong; delete it, and features are computed again");
    features_close(&second);
    features_close(&first);
    free(path);
    free(wanted);
    free(folder);
}

/* Of a folder, too, whose features are not kept. */
static void folders_have_features(void **state) {
    Fixture *fixture = *state;
    Records images;
    Features features;
    float one[RUN_DIM];
    static uint8_t view[RUN_SIDE * RUN_SIDE * 3];
    char *folder = scratch_path(fixture->root, "images"), *kept = scratch_path(fixture->root, "kept");
    assert_ok(files_make_directory(folder));
    for (int i = 0; i < 3; i++) {
        uint8_t *pixels = draw_image(30, 50, i);
        char *path = printed_path("%s/%d.png", folder, i);
        assert_ok(image_write_png(path, pixels, 30, 50));
        free(path);
        free(pixels);
    }
    assert_ok(records_open(folder, "", RECORDS_ALL, &images));
    assert_ok(features_get(&fixture->encoder, &images, &mean_of_center, kept, NULL, &features));
    const Image image = {.width = 30, .height = 50, .pixels = draw_image(30, 50, 2)};
    assert_ok(evaluation_view(&image, RUN_SIDE, VIEW_CENTER, view));
    assert_ok(encoder_run(&fixture->encoder, TASK_MEAN, &(ModelInput){.pixels = view, .batch = 1}, one));
    assert_memory_equal(features.values + 2 * RUN_DIM, one, sizeof one);
    assert_false(files_exists(kept));
    free(image.pixels);
    features_close(&features);
    records_close(&images);
    free(kept);
    free(folder);
}

static bool has_text(const char *path, const char *text) {
    char *bytes;
    size_t size;
    assert_ok(files_read(path, &bytes, &size));
    const bool has = memmem(bytes, size, text, strlen(text)) != NULL;
    free(bytes);
    return has;
}

/* People and sources are written of free data alone; of licensed data the pack lists the file. */
static void licensed_packs_list_the_file(void **state) {
    Fixture *fixture = *state;
    Features features;
    for (int licensed = 0; licensed < 2; licensed++) {
        if (licensed) {
            free(fixture->path);
            fixture->path = write_pack(fixture->root, "licensed", true);
            reopen_records(fixture);
        }
        char *path = scratch_path(fixture->root, licensed ? "b.h5" : "a.h5"),
             *list = scratch_path(fixture->path, "derived.tsv");
        assert_ok(features_extract(&fixture->encoder, &fixture->records, &mean_of_center, NULL, &features));
        assert_ok(features_write(path, &fixture->encoder, &fixture->records, &mean_of_center, &features));
        assert_int_equal(has_text(path, "anna"), !licensed);
        assert_int_equal(has_text(path, "drawn_03.png"), !licensed);
        assert_true(has_text(path, "drawn")); /* the data set's name */
        assert_int_equal(files_exists(list), licensed);
        assert_true(!licensed || has_text(list, "b.h5"));
        features_close(&features);
        free(path);
        free(list);
    }
}

static void a_folder_that_cannot_be_written_is_warned_about(void **state) {
    Fixture *fixture = *state;
    Features features;
    char *text = NULL, *folder = scratch_path(fixture->run, "config.ini/eval");
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_ok(features_get(&fixture->encoder, &fixture->records, &mean_of_center, folder, out, &features));
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "warning     features are not kept for the next time"));
    features_close(&features);
    free(text);
    free(folder);
}

static void weights_that_overflow_are_named(void **state) {
    Fixture *fixture = *state;
    Params *params = backbone_params(fixture->encoder.backbone);
    Features features;
    params->value[params_find(params, "norm.bias")->offset] = INFINITY;
    assert_fails(features_extract(&fixture->encoder, &fixture->records, &mean_of_center, NULL, &features), EXIT_DATA,
                 "its features of drawn_00.png are not finite");
    features_close(&features);
}

static char *written_at; /* for tests/e2e/pack_h5py.sh */

static void write_for_others(void **state) {
    Fixture *fixture = *state;
    Features features;
    char *path = scratch_path(written_at, "features.h5");
    damage_record(fixture, 4);
    reopen_records(fixture);
    assert_ok(features_extract(&fixture->encoder, &fixture->records, &mean_of_center, NULL, &features));
    assert_ok(features_write(path, &fixture->encoder, &fixture->records, &mean_of_center, &features));
    scratch_write(written_at, "features.f32", features.values, COUNT * RUN_DIM * sizeof(float));
    features_close(&features);
    free(path);
}

int main(int count, char **arguments) {
    if (count > 1) {
        written_at = arguments[1];
        const struct CMUnitTest writing[] = {
            cmocka_unit_test_setup_teardown(write_for_others, open_fixture, close_fixture)};
        return cmocka_run_group_tests(writing, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(features_are_those_of_each_record, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_gpu_computes_the_same, open_fixture, close_fixture),
        cmocka_unit_test(the_view_follows_the_image_size),
        cmocka_unit_test_setup_teardown(damaged_records_are_left_out_and_named, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(features_are_computed_once, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(folders_have_features, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(licensed_packs_list_the_file, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_written_is_warned_about, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(weights_that_overflow_are_named, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
