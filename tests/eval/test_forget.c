/* SPDX-License-Identifier: Apache-2.0 */
/* The report of what a further training forgot, over several tasks. Its figures: test_forgetting.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/run/forget.h"
#include "tests/fixtures/short_run.h"
#include "tests/fixtures/task_pack.h"

#include <math.h>

enum { RECORDS = 24 };

typedef struct {
    char *root;
    char *runs[2];
    char *tasks; /* "ROOT/one.ini,ROOT/two.ini" */
    EvalOptions options;
} Setting;

static void train(const char *root, const char *name, const char *sets) {
    const TrainOptions options = {.config_path = "short.ini"};
    Config *config = calloc(1, sizeof *config);
    char *all = printed_path("monitor.every=0 val.every=0 run.dir=@/%s %s", name, sets);
    assert_non_null(config);
    short_run_config(root, all, config);
    assert_ok(train_run(config, &options));
    free(all);
    free(config);
}

/* ROOT/NAME and ROOT/NAME.ini: half of the people are on test. */
static void write_task(const char *root, const char *name, int first) {
    TaskRecord records[RECORDS];
    char people[RECORDS][8];
    for (int i = 0; i < RECORDS; i++) {
        snprintf(people[i], sizeof people[i], "p%d", i / 2);
        records[i] = (TaskRecord){.person = people[i],
                                  .device = "",
                                  .split = "tvee"[i / 2 % 4],
                                  .eye = i % 2 ? 'R' : 'L',
                                  .shown = first + i,
                                  .light = 1,
                                  .labels = {(float)(i % 2)}};
    }
    const TaskPack spec = {
        .dataset = name, .side = SHORT_SIDE, .count = RECORDS, .records = records, .labels = {"sick"}};
    char *pack = task_pack(root, name, &spec);
    char *text = printed_path("[data]\npacks = %s\nlabel = sick\nkind = binary\n", pack);
    char *file = printed_path("%s.ini", name);
    scratch_write(root, file, text, strlen(text));
    free(file);
    free(text);
    free(pack);
}

static int open_setting(void **state) {
    Setting *s = calloc(1, sizeof *s);
    assert_non_null(s);
    *state = s;
    s->root = scratch_make();
    short_run_draw(s->root);
    train(s->root, "old", "");
    train(s->root, "new", "init.from=@/old/ckpt/latest/weights.safetensors train.seed=2");
    s->runs[0] = scratch_path(s->root, "old");
    s->runs[1] = scratch_path(s->root, "new");
    write_task(s->root, "one", 100);
    write_task(s->root, "two", 300);
    s->tasks = printed_path("%s/one.ini,%s/two.ini", s->root, s->root);
    s->options = (EvalOptions){.checkpoints = {s->runs, 2},
                               .task = s->tasks,
                               .device = DEVICE_CPU,
                               .precision = EVAL_FP32,
                               .bootstraps = 50,
                               .seed = 4,
                               .threads = 1};
    return 0;
}

static int close_setting(void **state) {
    Setting *s = *state;
    scratch_remove(s->root);
    free(s->runs[0]);
    free(s->runs[1]);
    free(s->tasks);
    free(s);
    return 0;
}

static double number(const cJSON *object, const char *key) {
    return short_run_number(object, key);
}

static void a_task_is_a_line(void **state) {
    Setting *s = *state;
    assert_ok(forget_run(&s->options));
    cJSON *report = short_run_json(s->runs[1], "eval/forgetting.json");
    const cJSON *tasks = cJSON_GetObjectItemCaseSensitive(report, "tasks");
    assert_int_equal(cJSON_GetArraySize(tasks), 2);
    double first = 0;
    for (int i = 0; i < 2; i++) {
        const cJSON *task = cJSON_GetArrayItem(tasks, i);
        const double difference = number(task, "difference");
        assert_true(number(task, "images") == 18 && number(task, "people") == 9);
        assert_true(fabs(number(task, "after") - number(task, "before") - difference) < 1e-12);
        assert_true(number(task, "low") < difference && difference < number(task, "high"));
        assert_true(difference != first);
        first = difference;
    }
    const cJSON *before = cJSON_GetObjectItemCaseSensitive(report, "before");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(before, "checkpoint")), s->runs[0]);
    assert_int_equal(strlen(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(before, "weights"))), 64);
    cJSON_Delete(report);
}

/* One of them alone has the same numbers, in the folder that was named; whichever way round. */
static void the_order_gives_the_sign(void **state) {
    Setting *s = *state;
    char *task = scratch_path(s->root, "two.ini"), *out = scratch_path(s->root, "out");
    char *turned[] = {s->runs[1], s->runs[0]};
    EvalOptions options = s->options;
    options.task = task;
    options.out = out;
    options.checkpoints = (OptionTexts){turned, 2};
    assert_ok(forget_run(&options));
    cJSON *both = short_run_json(s->runs[1], "eval/forgetting.json"), *one = short_run_json(out, "forgetting.json");
    const cJSON *second = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(both, "tasks"), 1);
    const cJSON *only = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(one, "tasks"), 0);
    assert_true(number(second, "difference") == -number(only, "difference"));
    assert_true(number(second, "before") == number(only, "after"));
    cJSON_Delete(both);
    cJSON_Delete(one);
    free(task);
    free(out);
}

static void refuse(EvalOptions options, const char *why) {
    Status status = forget_run(&options);
    assert_int_equal(status_code(status), EXIT_USAGE);
    assert_non_null(strstr(status_message(status), why));
    status_free(status);
}

static void what_does_not_go_together_is_refused(void **state) {
    const Setting *s = *state;
    EvalOptions options = s->options;
    options.checkpoints.count = 1;
    refuse(options, "name OLD and NEW");
    options = s->options;
    options.task = NULL;
    refuse(options, "--task is missing");
    options.task = "configs/tasks/drawn_eye.ini,";
    refuse(options, "a name is empty");
    options = s->options;
    options.control = true;
    refuse(options, "leave --control out");
    options = s->options;
    options.predict = "photographs";
    refuse(options, "leave --predict out");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_is_a_line),
        cmocka_unit_test(the_order_gives_the_sign),
        cmocka_unit_test(what_does_not_go_together_is_refused),
    };
    return cmocka_run_group_tests_name("forget", tests, open_setting, close_setting);
}
