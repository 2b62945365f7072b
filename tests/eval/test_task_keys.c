/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of a task file: its default, another value, where it is; and what goes together. What the keys do:
 * test_cohort.c, test_extract.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/rows.h"
#include "eval/task.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

/* Every key, its default as printed, and another value. */
static const struct {
    const char *key, *fallback, *other;
} rows[] = {
    {"data.packs", "PACK", "a,b"},
    {"data.label", "grade", "eye"},
    {"data.kind", "binary", "ordinal"},
    {"data.positive_from", "0", "2.5"},
    {"data.split", "pack", "test"},
    {"data.val_share", "0", "0.2"},
    {"data.max_unreadable", "0.005", "0.25"},
    {"features.tokens", "mean", "cls+mean"},
    {"features.view", "auto", "whole"},
    {"features.image_size", "0", "392"},
    {"adapt.method", "linear", "knn"},
    {"adapt.recipe", "", "mine.ini"},
    {"adapt.seeds", "1", "5"},
    {"score.metric", "", "mcc"},
    {"bands.*", NULL, "50, 65"},
};

/* Loads a task with the keys that must be given and up to one --set. */
static Status load(void **state, TaskConfig *task, const char *text, const char *set) {
    char path[TEMP_PATH * 2];
    char *sets[] = {(char *)(uintptr_t)set};
    FILE *out = fopen(temp_path(state, "task.ini", path), "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
    return config_load(&task_config, task, path, sets, set != NULL, NULL);
}

#define GIVEN "[data]\npacks = PACK\nlabel = grade\n"

/* The line "key = value" of a printed task. */
static bool has_line(const char *text, const char *key, const char *value) {
    char line[200];
    const char *name = strchr(key, '.') + 1;
    snprintf(line, sizeof line, "\n%s =%s%s\n", name, *value ? " " : "", value);
    return strstr(text, line) != NULL;
}

static void each_key_has_its_default_and_takes_another_value(void **state) {
    TaskConfig *task = calloc(1, sizeof *task);
    assert_non_null(task);
    assert_int_equal(task_config.key_count, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text, *again, set[200], key[100];
        const ConfigKey *row = &task_config.keys[i];
        snprintf(key, sizeof key, "%s.%s", row->section, row->name);
        assert_string_equal(key, rows[i].key);
        assert_true(strlen(row->help) > 40);
        assert_fine(load(state, task, GIVEN, NULL));
        assert_fine(config_text(&task_config, task, &text));
        if (rows[i].fallback && !has_line(text, rows[i].key, rows[i].fallback))
            fail_msg("%s is not %s by default: %s", rows[i].key, rows[i].fallback, text);
        config_free(&task_config, task);
        free(text);
        const char *name = rows[i].fallback ? rows[i].key : "bands.age";
        snprintf(set, sizeof set, "%s=%s", name, rows[i].other);
        assert_fine(load(state, task, GIVEN, set));
        assert_fine(config_text(&task_config, task, &text));
        if (!has_line(text, name, rows[i].other))
            fail_msg("%s is not in: %s", set, text);
        config_free(&task_config, task);
        assert_fine(load(state, task, text, NULL));
        assert_fine(config_text(&task_config, task, &again));
        assert_string_equal(text, again);
        config_free(&task_config, task);
        free(again);
        free(text);
    }
    free(task);
}

/* docs/tasks.md has each key with its default. */
static void the_page_has_each_key(void **state) {
    (void)state;
    char *page;
    size_t size;
    assert_fine(files_read("docs/tasks.md", &page, &size));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[200];
        const ConfigKey *key = &task_config.keys[i];
        const bool given = rows[i].fallback && *rows[i].fallback && !key->derived && i > 1;
        const bool number = key->type == CONFIG_REAL || key->type == CONFIG_INTEGER;
        snprintf(line, sizeof line, "\n| `%s` | %s%s%s", rows[i].key, given && !number ? "`" : "",
                 given ? rows[i].fallback : "", given ? number ? " | " : "` | " : "");
        if (!strstr(page, line))
            fail_msg("docs/tasks.md lacks %s", line);
    }
    free(page);
}

static void mistakes_name_the_key(void **state) {
    static const struct {
        const char *text, *message;
    } cases[] = {
        {GIVEN "kinds = binary\n", "kind"},
        {GIVEN "kind = several\n", "data.kind"},
        {GIVEN "positive_from = two\n", "positive_from"},
        {GIVEN "[features]\nimage_size = -1\n", "image_size"},
        {GIVEN "[features]\ntokens = all\n", "cls+mean"},
        {GIVEN "[bands]\nage = young\n", "age"},
        {GIVEN "val_share = 0.2\n[adapt]\nmethod = finetune\n", "takes the packs' own split"},
        {"[data]\nlabel = grade\n", "data.packs is empty"},
        {"[data]\npacks = PACK\n", "data.label is empty"},
    };
    TaskConfig *task = calloc(1, sizeof *task);
    assert_non_null(task);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(load(state, task, cases[i].text, NULL), EXIT_USAGE, cases[i].message);
    free(task);
}

static void each_kind_has_a_usual_metric_and_recipe(void **state) {
    static const char *const usual[][3] = {{"binary", "auroc", "classify"},
                                           {"multiclass", "auroc_macro_ovr", "classify"},
                                           {"multilabel", "auroc_macro", "multilabel"},
                                           {"ordinal", "kappa_quadratic", "ordinal"},
                                           {"regression", "r2", "regress"}};
    TaskConfig *task = calloc(1, sizeof *task);
    assert_non_null(task);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        char set[64];
        snprintf(set, sizeof set, "data.kind=%s", usual[i][0]);
        assert_fine(load(state, task, GIVEN, set));
        assert_string_equal(task_metric(task), usual[i][1]);
        assert_non_null(strstr(task_recipe(task), usual[i][2]));
        assert_true(files_exists(task_recipe(task)));
        config_free(&task_config, task);
    }
    assert_fine(load(state, task, GIVEN "[score]\nmetric = mcc\n", "adapt.recipe=mine.ini"));
    assert_string_equal(task_metric(task), "mcc");
    assert_string_equal(task_recipe(task), "mine.ini");
    config_free(&task_config, task);
    free(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_its_default_and_takes_another_value),
        cmocka_unit_test(the_page_has_each_key),
        cmocka_unit_test(mistakes_name_the_key),
        cmocka_unit_test(each_kind_has_a_usual_metric_and_recipe),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
