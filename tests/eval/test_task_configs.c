/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks in configs/tasks: each opens with its command, data, what it measures and the result; its columns are those
 * that the card of its data names; and it opens on a pack that has them. With PACK and CONFIG as arguments: that task
 * on that pack, everything being tested. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/task/cohort.h"
#include "tests/fixtures/task_pack.h"

#include <dirent.h>

enum { SIDE = 16, PEOPLE = 24 };

static void open_on(const char *config, const char *pack, bool tested) {
    char *packs = printed_path("data.packs=%s", pack);
    char *sets[] = {packs, (char *)(uintptr_t) "data.split=test"};
    TaskConfig *task = calloc(1, sizeof *task);
    Cohort cohort;
    assert_non_null(task);
    assert_ok(config_load(&task_config, task, config, sets, tested ? 2 : 1, NULL));
    assert_ok(cohort_open(task, &cohort));
    assert_true(cohort.rows.count > 0);
    assert_ok(cohort_check_disjoint(&cohort));
    cohort_close(&cohort);
    config_free(&task_config, task);
    free(task);
    free(packs);
}

/* A label of each kind for image i. */
static float draw_label(const TaskConfig *task, int i) {
    const double cut = task->data.positive_from;
    switch (task->data.kind) {
    case EVAL_MULTICLASS:
    case EVAL_ORDINAL:
        return (float)(i % 3);
    case EVAL_REGRESSION:
        return (float)(i * 7 % 31) + 0.5f;
    default:
        return (float)(cut != 0 ? cut + i % 4 - 2 : i % 2);
    }
}

/* Writes a pack with the columns of the task. */
static char *pack_of(const char *root, const TaskConfig *task, char *label, char *band) {
    static TaskRecord records[PEOPLE];
    static char names[PEOPLE][8];
    TaskPack pack = {"drawn", SIDE, PEOPLE, records, {NULL}, false};
    int labels = 0;
    for (char *rest = label, *name; labels < TASK_PACK_LABELS && (name = strtok_r(rest, ",", &rest));)
        pack.labels[labels++] = name + strspn(name, " ");
    if (band && labels < TASK_PACK_LABELS)
        pack.labels[labels] = band;
    for (int i = 0; i < PEOPLE; i++) {
        snprintf(names[i], sizeof names[i], "p%d", i);
        records[i] = (TaskRecord){names[i], "", i < 12 ? 't' : i < 18 ? 'v' : 'e', i % 2 ? 'R' : 'L', -1 - i, 1, {0}};
        for (int k = 0; k < labels; k++)
            records[i].labels[k] = draw_label(task, i);
        records[i].labels[labels < TASK_PACK_LABELS ? labels : 0] = (float)(i + 20);
    }
    return task_pack(root, "pack", &pack);
}

/* `text` has the word, between other characters than letters. */
static bool has_word(const char *text, const char *word) {
    for (const char *at = text; (at = strstr(at, word)); at++) {
        const char after = at[strlen(word)];
        if ((at == text || !strchr("abcdefghijklmnopqrstuvwxyz_", at[-1])) &&
            !(after && strchr("abcdefghijklmnopqrstuvwxyz_", after)))
            return true;
    }
    return false;
}

static char *read_text(const char *path) {
    char *text;
    size_t size;
    assert_ok(files_read(path, &text, &size));
    return text;
}

/* The card that the file names, or where the data is drawn the program that draws it. */
static char *card_of(const char *config, const char *text) {
    const char *at = strstr(text, "data/");
    if (strstr(text, "tools/synth"))
        return read_text("tools/synth/folder.c");
    if (strstr(text, "./stage folder ROOT --out"))
        return read_text("docs/stage.md");
    const char *end = at ? strstr(at, ".md") : NULL;
    if (!end)
        fail_msg("%s names no card in data/", config);
    char *path = printed_path("%.*s", (int)(end + 3 - at), at), *card = read_text(path);
    free(path);
    return card;
}

static void check_opening(const char *config, const char *text, const char *name) {
    static const char *const parts[] = {"#   ./eval RUN --task configs/tasks/", "# Data       ", "# Measures   ",
                                        "# Result     "};
    const char *at = text;
    assert_true(text[0] == '#' && text[1] == ' ');
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        at = strstr(at, parts[i]);
        if (!at)
            fail_msg("%s lacks a line \"%s\", or it is not in order", config, parts[i]);
    }
    assert_non_null(strstr(text, name)); /* in its own command */
}

static void check_config(const char *root, const char *name) {
    char *config = printed_path("configs/tasks/%s", name), *text = read_text(config), *card = card_of(config, text);
    TaskConfig *task = calloc(1, sizeof *task);
    check_opening(config, text, name);
    assert_non_null(task);
    assert_ok(config_load(&task_config, task, config, NULL, 0, NULL));
    assert_non_null(strstr(text, task->data.packs)); /* the command that makes it */
    char *label = strdup(task->data.label), *columns = strdup(label);
    for (char *rest = columns, *column; (column = strtok_r(rest, ",", &rest));)
        if (strcmp(column, "eye") != 0 && !has_word(card, column + strspn(column, " ")))
            fail_msg("%s: the card of its data does not name %s", config, column);
    char *band = task->bands.count ? strdup(task->bands.entries[0].name) : NULL;
    if (band && !has_word(card, band))
        fail_msg("%s: the card of its data does not name %s", config, band);
    if (strchr(label, ',')) /* more of them than the fixture's packs have */
        label[strcspn(label, ",")] = '\0';
    char *pack = pack_of(root, task, label, band);
    if (!strchr(task->data.label, ','))
        open_on(config, pack, false);
    assert_ok(files_remove(pack));
    config_free(&task_config, task);
    free(task);
    free(pack);
    free(band);
    free(columns);
    free(label);
    free(card);
    free(text);
    free(config);
}

static void each_task_fits_its_data(void **state) {
    (void)state;
    char *root = scratch_make();
    DIR *directory = opendir("configs/tasks");
    int count = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strstr(entry->d_name, ".ini")) {
            check_config(root, entry->d_name);
            count++;
        }
    closedir(directory);
    assert_true(count >= 20);
    scratch_remove(root);
}

/* Every card of labelled data has a task. */
static void each_card_has_a_task(void **state) {
    (void)state;
    DIR *directory = opendir("data");
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (!strstr(entry->d_name, ".md") || strcmp(entry->d_name, "drive.md") == 0) /* which has no labels */
            continue;
        char *command = printed_path("grep -qr data/%s configs/tasks", entry->d_name);
        if (system(command) != 0)
            fail_msg("no task in configs/tasks is about data/%s", entry->d_name);
        free(command);
    }
    closedir(directory);
}

static char **given; /* PACK CONFIG */

static void opens_what_is_given(void **state) {
    (void)state;
    open_on(given[1], given[0], true);
}

int main(int count, char **arguments) {
    if (count > 2) {
        given = arguments + 1;
        const struct CMUnitTest opening[] = {cmocka_unit_test(opens_what_is_given)};
        return cmocka_run_group_tests(opening, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_fits_its_data),
        cmocka_unit_test(each_card_has_a_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
