/* SPDX-License-Identifier: Apache-2.0 */
/* Predictions of a folder of images, as ./eval --predict writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/evaluate.h"
#include "image/encode.h"
#include "tests/fixtures/encoder_run.h"
#include "tests/fixtures/task_pack.h"

#include <stdio.h>

enum { RECORDS = 48, IMAGES = 6, UNREADABLE = 3, MOST_VALUES = 3 };

typedef struct {
    char *root, *run, *folder, *task, *out;
} Setting;

/* ROOT/NAME and ROOT/NAME.ini: an image is bright where `sick` is 1, and of one of three stages of brightness. Test
 * labels are the opposite where `turned`. */
static void write_task(const char *root, const char *name, bool turned) {
    TaskRecord records[RECORDS];
    char people[RECORDS][8];
    for (int i = 0; i < RECORDS; i++) {
        const char split = "ttve"[i / 2 % 4];
        const int stage = i % 3;
        snprintf(people[i], sizeof people[i], "p%d", i / 2);
        records[i] = (TaskRecord){.person = people[i],
                                  .device = "",
                                  .split = split,
                                  .eye = i % 2 ? 'R' : 'L',
                                  .shown = i,
                                  .light = 0.3 + 0.3 * stage,
                                  .labels = {(float)(turned && split == 'e' ? !(stage > 1) : stage > 1), (float)stage,
                                             40 + 10 * (float)stage}};
    }
    const TaskPack spec = {
        .dataset = "drawn", .side = RUN_SIDE, .count = RECORDS, .records = records, .labels = {"sick", "stage", "age"}};
    char *pack = task_pack(root, name, &spec), *file = printed_path("%s.ini", name);
    char *text = printed_path("[data]\npacks = %s\nlabel = sick\nkind = binary\n", pack);
    scratch_write(root, file, text, strlen(text));
    free(text);
    free(file);
    free(pack);
}

/* Dark, middle, bright, a broken file, then the first two again. */
static void write_images(const char *folder) {
    static const double light[IMAGES] = {0.3, 0.6, 0.9, 0, 0.3, 0.6};
    assert_ok(files_make_directory(folder));
    for (int i = 0; i < IMAGES; i++) {
        char *path = printed_path(i == 2 ? "%s/%d, right.png" : "%s/%d.png", folder, i);
        const Disc disc = {.height = RUN_SIDE,
                           .width = RUN_SIDE,
                           .x = RUN_SIDE / 2.0,
                           .y = RUN_SIDE / 2.0,
                           .radius = RUN_SIDE * 0.48,
                           .soft = 1,
                           .light = light[i],
                           .eye = (uint64_t)(i % 4 + 200)};
        Image image = drawn_disc(&disc);
        if (i == UNREADABLE)
            assert_ok(files_write(path, "broken", 6));
        else
            assert_ok(image_write_png(path, image.pixels, RUN_SIDE, RUN_SIDE));
        image_free(&image);
        free(path);
    }
}

static int open_setting(void **state) {
    Setting *s = calloc(1, sizeof *s);
    assert_non_null(s);
    *state = s;
    s->root = scratch_make();
    s->run = encoder_run_make(s->root);
    s->folder = scratch_path(s->root, "images");
    s->task = scratch_path(s->root, "task.ini");
    s->out = scratch_path(s->root, "predictions.csv");
    write_task(s->root, "task", false);
    write_images(s->folder);
    return 0;
}

static int close_setting(void **state) {
    Setting *s = *state;
    scratch_remove(s->root);
    free(s->run);
    free(s->folder);
    free(s->task);
    free(s->out);
    free(s);
    return 0;
}

static EvalOptions options_of(Setting *s, char **sets, int count) {
    return (EvalOptions){.checkpoints = {&s->run, 1},
                         .task = s->task,
                         .task_sets = {sets, count},
                         .predict = s->folder,
                         .out = s->out,
                         .bootstraps = 10,
                         .device = DEVICE_CPU,
                         .threads = 1};
}

/* The file's text; the caller's. */
static char *predict(Setting *s, char **sets, int count) {
    const EvalOptions options = options_of(s, sets, count);
    char *text;
    size_t size;
    assert_ok(eval_run(&options));
    assert_ok(files_read(s->out, &text, &size));
    return text;
}

/* Reads the `width` values of each image, NAN for empty cells. */
static void read_values(const char *text, const char *header, int width, double values[IMAGES][MOST_VALUES]) {
    static const char *const files[IMAGES] = {"0.png", "1.png", "\"2, right.png\"", "3.png", "4.png", "5.png"};
    assert_int_equal(strncmp(text, header, strlen(header)), 0);
    text += strlen(header);
    for (int i = 0; i < IMAGES; i++) {
        assert_int_equal(strncmp(text, files[i], strlen(files[i])), 0);
        text += strlen(files[i]);
        for (int v = 0; v < width; v++) {
            assert_int_equal(*text++, ',');
            const bool empty = *text == ',' || *text == '\n'; /* which strtod() would skip */
            assert_int_equal(empty, i == UNREADABLE);
            char *end = (char *)(uintptr_t)text;
            values[i][v] = empty ? (double)NAN : strtod(text, &end);
            text = end;
        }
        assert_int_equal(*text++, '\n');
    }
    assert_int_equal(*text, '\0');
}

static void bright_images_are_sick(void **state) {
    double p[IMAGES][MOST_VALUES];
    char *text = predict(*state, NULL, 0);
    read_values(text, "file,p_sick\n", 1, p);
    assert_true(p[0][0] < p[1][0] && p[1][0] < p[2][0]);
    assert_true(p[0][0] == p[4][0] && p[1][0] == p[5][0]); /* the same pixels */
    free(text);
}

static void every_class_has_a_column(void **state) {
    char *sets[] = {"data.label=stage", "data.kind=multiclass", "adapt.method=knn"};
    double p[IMAGES][MOST_VALUES];
    char *text = predict(*state, sets, 3);
    read_values(text, "file,p_0,p_1,p_2\n", 3, p);
    for (int i = 0; i < 3; i++)
        for (int other = 0; other < 3; other++)
            assert_true(p[i][i] >= p[i][other]);
    free(text);
}

static void a_number_has_its_name(void **state) {
    char *sets[] = {"data.label=age", "data.kind=regression"};
    double age[IMAGES][MOST_VALUES];
    char *text = predict(*state, sets, 2);
    read_values(text, "file,age\n", 1, age);
    for (int i = 0; i < 3; i++) /* stages are 10 years apart */
        assert_true(fabs(age[i][0] - (40 + 10 * i)) < 5);
    free(text);
}

static void test_rows_are_left_alone(void **state) {
    Setting *s = *state;
    char *log = scratch_path(s->root, "task.reads.jsonl"), *text = predict(s, NULL, 0), *turned;
    assert_false(files_exists(log));
    char *kept = s->task;
    write_task(s->root, "turned", true);
    s->task = scratch_path(s->root, "turned.ini");
    turned = predict(s, NULL, 0);
    assert_string_equal(turned, text);
    free(s->task);
    s->task = kept;
    free(turned);
    free(text);
    free(log);
}

static void fine_tuning_predicts_too(void **state) {
    Setting *s = *state;
    char *sets[] = {"adapt.method=finetune"};
    char *recipe[] = {"train.steps=4",           "val.every=2",         "train.global_batch=4", "optim.warmup_epochs=0",
                      "data.max_unreadable=0.5", "train.precision=fp32"};
    EvalOptions options = options_of(s, sets, 1);
    double p[IMAGES][MOST_VALUES];
    char *text;
    size_t size;
    options.recipe_sets = (OptionTexts){recipe, 6};
    assert_ok(eval_run(&options));
    assert_ok(files_read(s->out, &text, &size));
    read_values(text, "file,p_sick\n", 1, p);
    assert_true(p[0][0] == p[4][0] && p[0][0] != p[1][0]);
    free(text);
}

static void refuse(const EvalOptions *options, ExitCode code, const char *why) {
    Status status = eval_run(options);
    assert_int_equal(status_code(status), code);
    if (!strstr(status_message(status), why))
        fail_msg("%s", status_message(status));
    status_free(status);
}

static void what_is_no_folder_is_refused(void **state) {
    Setting *s = *state;
    EvalOptions options = options_of(s, NULL, 0);
    options.out = NULL;
    refuse(&options, EXIT_USAGE, "needs --out");
    options = options_of(s, NULL, 0);
    options.control = true;
    refuse(&options, EXIT_USAGE, "takes one CHECKPOINT and tests nothing");
    char *pack = scratch_path(s->root, "task");
    options = options_of(s, NULL, 0);
    options.predict = pack;
    refuse(&options, EXIT_USAGE, "is a pack");
    options.predict = "no/such/folder";
    refuse(&options, EXIT_DATA, "no/such/folder");
    free(pack);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bright_images_are_sick),   cmocka_unit_test(every_class_has_a_column),
        cmocka_unit_test(a_number_has_its_name),    cmocka_unit_test(test_rows_are_left_alone),
        cmocka_unit_test(fine_tuning_predicts_too), cmocka_unit_test(what_is_no_folder_is_refused),
    };
    return cmocka_run_group_tests_name("predict", tests, open_setting, close_setting);
}
