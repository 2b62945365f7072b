/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a task and of another set that is tested: whose they are, and which photographs are in both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/run/test_rows.h"
#include "tests/fixtures/task_pack.h"

enum { SIDE = 32, OWN = 8, OTHER = 6, TESTS = 2 };

/* The set that is learnt from; its files are drawn_00.png and so on, and the person of record 5 is called after one. */
static const TaskRecord own[OWN] = {{"anna", "", 't', 'R', 1, 1, {0}}, {"anna", "", 't', 'L', 2, 1, {1}},
                                    {"bert", "", 'v', 'R', 3, 1, {0}}, {"bert", "", 'v', 'L', 4, 1, {1}},
                                    {"", "", 't', '-', 5, 1, {1}},     {"drawn_05", "", 't', '-', 6, 1, {0}},
                                    {"carl", "", 'e', 'R', 7, 1, {0}}, {"carl", "", 'e', 'L', 8, 1, {1}}};
/* Anna is in it, too; carl was no row to learn from. */
static const TaskRecord other[OTHER] = {{"dora", "", '-', 'R', 11, 1, {0}}, {"dora", "", '-', 'L', 12, 1, {1}},
                                        {"anna", "", '-', 'R', 13, 1, {1}}, {"carl", "", '-', 'L', 14, 1, {0}},
                                        {"", "", '-', '-', 15, 1, {1}},     {"drawn_05", "", '-', '-', 16, 1, {0}}};

typedef struct {
    char *root;
    TaskConfig *tasks;
    Cohort cohort, external;
    TestRows rows;
} Fixture;

static void open_set(Fixture *fixture, const char *name, const TaskPack *pack, bool tested, Cohort *cohort) {
    char *path = task_pack(fixture->root, name, pack), *ini = scratch_path(fixture->root, "task.ini");
    char *text = printed_path("[data]\npacks = %s\nlabel = sick\nsplit = %s\n", path, tested ? "test" : "pack");
    scratch_write(fixture->root, "task.ini", text, strlen(text));
    assert_ok(config_load(&task_config, &fixture->tasks[tested], ini, NULL, 0, NULL));
    assert_ok(cohort_open(&fixture->tasks[tested], cohort));
    free(text);
    free(ini);
    free(path);
}

static void open_rows(Fixture *fixture, const char *dataset) {
    fixture->root = scratch_make();
    fixture->tasks = calloc(2, sizeof *fixture->tasks);
    assert_non_null(fixture->tasks);
    open_set(fixture, "own", &(TaskPack){"drawn", SIDE, OWN, own, {"sick"}, false}, false, &fixture->cohort);
    open_set(fixture, "other", &(TaskPack){dataset, SIDE, OTHER, other, {"sick"}, false}, true, &fixture->external);
    assert_ok(test_rows_open(&fixture->cohort, &fixture->external, &fixture->rows));
    assert_int_equal(fixture->rows.rows.count, OWN - TESTS + OTHER);
}

static void close_rows(Fixture *fixture) {
    test_rows_close(&fixture->rows);
    cohort_close(&fixture->cohort);
    cohort_close(&fixture->external);
    for (int i = 0; i < 2; i++)
        config_free(&task_config, &fixture->tasks[i]);
    free(fixture->tasks);
    scratch_remove(fixture->root);
}

/* Records of equal numbers are of equal files in two packs of a data set, as the fixture writes them. */
static void people_and_files_of_a_data_set_are_joined(void **state) {
    (void)state;
    Fixture fixture = {0};
    open_rows(&fixture, "drawn");
    const EvalRows *rows = &fixture.rows.rows;
    const int64_t *person = rows->person, *first = person + OWN - TESTS;
    assert_int_equal(first[2], person[0]);
    assert_int_equal(person[1], person[0]);
    assert_int_equal(first[0], first[1]);
    for (int64_t i = 0; i < OWN - TESTS; i++)
        assert_true(person[i] < 0 || (person[i] != first[0] && person[i] != first[3]));
    /* Nobody is called after a file. */
    assert_true(person[4] < 0 && person[5] < 0 && first[4] < 0 && first[5] < 0);
    for (int64_t i = 0; i < OWN - TESTS; i++) {
        assert_true(rows->copies[i] >= 0);
        assert_int_equal(rows->copies[i], rows->copies[OWN - TESTS + i]);
        assert_int_equal(rows->split[i], own[i].split == 'v' ? PROBE_VAL : PROBE_TRAIN);
        assert_int_equal(rows->split[OWN - TESTS + i], PROBE_TEST);
    }
    assert_fails(test_rows_check_disjoint(&fixture.rows), EXIT_DATA, "1 person is in ");
    close_rows(&fixture);
}

static void another_data_set_has_other_people(void **state) {
    (void)state;
    Fixture fixture = {0};
    open_rows(&fixture, "foreign");
    const EvalRows *rows = &fixture.rows.rows;
    for (int64_t i = 0; i < OWN - TESTS; i++)
        for (int64_t j = OWN - TESTS; j < rows->count; j++)
            assert_true(rows->person[i] < 0 || rows->person[i] != rows->person[j]);
    for (int64_t i = 0; i < rows->count; i++)
        assert_true(rows->copies[i] < 0);
    assert_ok(test_rows_check_disjoint(&fixture.rows));
    close_rows(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_and_files_of_a_data_set_are_joined),
        cmocka_unit_test(another_data_set_has_other_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
