/* SPDX-License-Identifier: Apache-2.0 */
/* What pretraining saw of test images: by the table of published weights, and by the lists of runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/run/pretraining.h"
#include "image/encode.h"
#include "tests/fixtures/encoder_run.h"
#include "tests/fixtures/task_pack.h"

enum { ROWS = 6, SIDE = 16 };

typedef struct {
    char *root, *run;
    Records records; /* two images a person; the last two people are tested */
    int64_t record[ROWS], split[ROWS];
    Cohort tested;
} Setting;

static void write_pack(const char *root, const char *name, const char *dataset, const TaskRecord *records, int count) {
    const TaskPack spec = {.dataset = dataset, .side = SIDE, .count = count, .records = records};
    free(task_pack(root, name, &spec));
}

static int open_setting(void **state) {
    static const TaskRecord records[ROWS] = {{.person = "a", .device = "", .split = 't', .shown = 0},
                                             {.person = "a", .device = "", .split = 't', .shown = 1},
                                             {.person = "b", .device = "", .split = 'e', .shown = 2},
                                             {.person = "b", .device = "", .split = 'e', .shown = 3},
                                             {.person = "", .device = "", .split = 'e', .shown = 4},
                                             {.person = "c", .device = "", .split = 'e', .shown = 5}};
    Setting *s = calloc(1, sizeof *s);
    assert_non_null(s);
    *state = s;
    s->root = scratch_make();
    s->run = encoder_run_make(s->root);
    write_pack(s->root, "pack", "idrid", records, ROWS);
    char *pack = scratch_path(s->root, "pack");
    assert_ok(records_open(pack, "", RECORDS_ALL, &s->records));
    free(pack);
    for (int i = 0; i < ROWS; i++) {
        s->record[i] = i;
        s->split[i] = s->records.parts[0].pack.rows[i].split == PACK_SPLIT_TEST ? PROBE_TEST : PROBE_TRAIN;
    }
    s->tested = (Cohort){.rows = {.count = ROWS, .split = s->split}, .records = s->records, .record = s->record};
    return 0;
}

static int close_setting(void **state) {
    Setting *s = *state;
    records_close(&s->records);
    scratch_remove(s->root);
    free(s->run);
    free(s);
    return 0;
}

/* Writes ROOT/NAME/config.ini, with the keys of [data] and of [init]; every @ is the root. */
static void write_config(const Setting *s, const char *name, const char *data, const char *init) {
    char *text, *folder = scratch_path(s->root, name);
    char *marked = printed_path("[model]\nimage_size = 32\npatch_size = 8\ndim = 16\ndepth = 2\nheads = 2\n"
                                "decoder_dim = 8\ndecoder_depth = 1\ndecoder_heads = 2\n[data]\n%s\n[init]\n%s\n",
                                data, init);
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (const char *c = marked; *c; c++)
        if (*c == '@')
            fputs(s->root, out);
        else
            fputc(*c, out);
    assert_int_equal(fclose(out), 0);
    assert_ok(files_make_directory(folder));
    scratch_write(folder, "config.ini", text, size);
    free(marked);
    free(text);
    free(folder);
}

static Status try_find(const Setting *s, const char *table, const char *name, const char *run,
                       ControlContamination *found) {
    char *directory = run ? scratch_path(s->root, run) : NULL;
    const Encoder encoder = {.name = (char *)(uintptr_t)name, .source = {.run = directory}};
    *found = (ControlContamination){0};
    Status status = pretraining_find(table, &encoder, &s->tested, found);
    free(directory);
    return status;
}

/* What a run saw, by how many items of so many images. */
static void expect(const Setting *s, const char *run, int items, int64_t images, const char *source) {
    ControlContamination found;
    assert_ok(try_find(s, NULL, "mine", run, &found));
    assert_int_equal(found.count, items);
    for (int i = 0; i < items; i++) {
        assert_string_equal(found.list[i].weights, "mine");
        assert_string_equal(found.list[i].dataset, "idrid");
        assert_int_equal(found.list[i].images, images);
        assert_non_null(strstr(found.list[i].source, source));
    }
    contamination_free(&found);
}

static void a_run_that_kept_to_train_saw_nothing(void **state) {
    const Setting *s = *state;
    write_config(s, "run", "train = @/pack\nval = @/pack", "");
    ControlContamination found;
    /* Nobody is in the split val; that list cannot be opened. */
    assert_ok(try_find(s, NULL, "mine", "run", &found));
    assert_int_equal(found.count, 0);
    assert_int_equal(found.unsearched_count, 1);
    assert_non_null(strstr(found.unsearched[0], "/run: its data.val cannot be looked at for test images: "));
    contamination_free(&found);
}

static void every_list_of_a_run_counts(void **state) {
    const Setting *s = *state;
    static const TaskRecord val[] = {{.person = "b", .device = "", .split = 'v', .shown = 40}};
    write_config(s, "run", "train = @/pack\nsplits = all", "");
    expect(s, "run", 1, 4, "/run: data.train");
    write_pack(s->root, "val", "idrid", val, 1);
    write_config(s, "run", "train = @/pack\n[probe]\ntrain = x\nlabel = eye\nval = @/val", "");
    expect(s, "run", 1, 2, "/run: probe.val");
}

/* Another data set's person of the same name is somebody else; a record of the same pixels is the same photograph. */
static void people_and_pixels_are_recognised(void **state) {
    const Setting *s = *state;
    static const TaskRecord person[] = {{.person = "b", .device = "", .split = 't', .shown = 41}};
    static const TaskRecord pixels[] = {{.person = "z", .device = "", .split = 't', .shown = 4}};
    static const TaskRecord nobody[] = {{.person = "", .device = "", .split = 't', .shown = 42}};
    write_pack(s->root, "person", "idrid", person, 1);
    write_pack(s->root, "other", "messidor2", person, 1);
    write_pack(s->root, "same", "messidor2", pixels, 1);
    write_pack(s->root, "nobody", "idrid_again", nobody, 1);
    write_config(s, "run", "train = @/person", "");
    expect(s, "run", 1, 2, "data.train");
    write_config(s, "run", "train = @/other", "");
    expect(s, "run", 0, 0, "");
    write_config(s, "run", "train = @/same", "");
    expect(s, "run", 1, 1, "data.train");
    write_config(s, "run", "train = @/nobody", "");
    expect(s, "run", 0, 0, "");
}

static void files_of_a_folder_are_recognised(void **state) {
    Setting *s = *state;
    char *folder = scratch_path(s->root, "photographs"), *path = scratch_path(s->root, "photographs/1.png");
    static const uint8_t pixels[SIDE * SIDE * 3];
    Digest digest;
    assert_ok(files_make_directory(folder));
    assert_ok(image_write_png(path, pixels, SIDE, SIDE));
    write_config(s, "run", "train = @/photographs", "");
    expect(s, "run", 0, 0, "");
    assert_ok(digest_file(path, &digest));
    PackRow *row = &s->records.parts[0].pack.rows[5];
    uint8_t kept[DIGEST_SHA256];
    memcpy(kept, row->sha256, sizeof kept);
    memcpy(row->sha256, digest.sha256, sizeof kept);
    expect(s, "run", 1, 1, "data.train");
    memcpy(row->sha256, kept, sizeof kept);
    free(folder);
    free(path);
}

/* later began with run, which began with published weights that are not there any more; and once in a circle. */
static void a_run_is_followed_to_its_start(void **state) {
    const Setting *s = *state;
    ControlContamination found;
    write_config(s, "run", "train = @/pack\nsplits = all", "from = @/gone/flair_resnet.pth");
    write_config(s, "later", "train = @/pack", "from = @/run/ckpt/latest/weights.safetensors");
    assert_ok(try_find(s, NULL, "mine", "later", &found));
    assert_int_equal(found.count, 2);
    assert_int_equal(found.unsearched_count, 1);
    assert_non_null(strstr(found.unsearched[0], "its init.from cannot"));
    assert_non_null(strstr(found.list[0].source, "/run: data.train"));
    assert_int_equal(found.list[0].images, 4);
    assert_string_equal(found.list[1].weights, "flair_resnet");
    assert_int_equal(found.list[1].images, -1);
    contamination_free(&found);
    write_config(s, "run", "train = @/pack\nsplits = all", "from = @/run/ckpt/best/weights.safetensors");
    expect(s, "later", 1, 4, "/run: data.train");
}

/* The test's folder is the repository, whose own table it is. */
static void weights_are_looked_up(void **state) {
    Setting *s = *state;
    ControlContamination found;
    assert_ok(try_find(s, NULL, "models/FLAIR-ResNet.safetensors", NULL, &found));
    assert_int_equal(found.count, 1);
    assert_string_equal(found.list[0].dataset, "idrid");
    contamination_free(&found);
    char *table = scratch_path(s->root, "table.tsv");
    static const char text[] = "weights\tdataset\tsource\nown\tIDRiD\tus\n";
    scratch_write(s->root, "table.tsv", text, sizeof text - 1);
    assert_ok(try_find(s, table, "models/FLAIR-ResNet.safetensors", NULL, &found));
    assert_int_equal(found.count, 0);
    assert_ok(try_find(s, table, "our_own.pth", NULL, &found));
    assert_int_equal(found.count, 1);
    contamination_free(&found);
    Status status = try_find(s, "no/table.tsv", "mine", "run", &found);
    assert_int_equal(status_code(status), EXIT_DATA);
    status_free(status);
    free(table);
}

static void random_weights_saw_nothing(void **state) {
    const Setting *s = *state;
    ControlContamination found = {0};
    const Encoder encoder = {.name = "flair_resnet:random", .source = {.random = true}};
    assert_ok(pretraining_find(NULL, &encoder, &s->tested, &found));
    assert_int_equal(found.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_kept_to_train_saw_nothing), cmocka_unit_test(every_list_of_a_run_counts),
        cmocka_unit_test(people_and_pixels_are_recognised),     cmocka_unit_test(files_of_a_folder_are_recognised),
        cmocka_unit_test(a_run_is_followed_to_its_start),       cmocka_unit_test(weights_are_looked_up),
        cmocka_unit_test(random_weights_saw_nothing),
    };
    return cmocka_run_group_tests_name("pretraining", tests, open_setting, close_setting);
}
