/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a task: which records they are, what is known of them, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/task/cohort.h"
#include "eval/task/copies.h"
#include "tests/fixtures/task_pack.h"

enum { SIDE = 64, COUNT = 12, OTHERS = 3 };

/* Labels: grade, age, site. Record 9 shows the photograph of record 0, darker; 11 has no grade. */
static const TaskRecord records[COUNT] = {
    {"anna", "topcon", 't', 'R', 1, 1, {0, 40, 0}},   {"anna", "topcon", 't', 'L', 2, 1, {2, 40, 0}},
    {"bert", "zeiss", 't', 'R', 3, 1, {3, 55, 1}},    {"", "zeiss", '-', '-', 4, 1, {1, NAN, 1}},
    {"carl", "topcon", 'v', 'R', 5, 1, {0, 70, 0}},   {"carl", "topcon", 'v', 'L', 6, 1, {2, 71, 0}},
    {"dora", "", 'e', 'R', 7, 1, {1, 65, 0}},         {"dora", "zeiss", 'e', 'L', 8, 1, {3, 65, 1}},
    {"emil", "topcon", 'e', 'R', 9, 1, {0, 30, 1}},   {"emil", "topcon", 'e', 'L', 1, 0.9, {2, 30, 0}},
    {"frida", "topcon", 't', 'R', 11, 1, {1, 20, 0}}, {"frida", "topcon", 't', 'L', 12, 1, {NAN, 20, 0}}};
static const TaskPack pack = {"drawn", SIDE, COUNT, records, {"grade", "age", "site"}, false};

typedef struct {
    char *root, *path;
    TaskConfig *task;
    Cohort cohort;
} Fixture;

static int open_fixture(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->root = scratch_make();
    fixture->path = task_pack(fixture->root, "pack", &pack);
    fixture->task = calloc(1, sizeof *fixture->task);
    *state = fixture;
    return fixture->task ? 0 : -1;
}

static int close_fixture(void **state) {
    Fixture *fixture = *state;
    scratch_remove(fixture->root);
    free(fixture->path);
    free(fixture->task);
    free(fixture);
    return 0;
}

/* Reads the task file that says `text` below [data] packs; on success the caller closes the cohort and the task. */
static Status open_task(Fixture *fixture, const char *text) {
    char *ini = printed_path("[data]\npacks = %s\n%s\n", fixture->path, text);
    scratch_write(fixture->root, "task.ini", ini, strlen(ini));
    char *path = scratch_path(fixture->root, "task.ini");
    Status status = config_load(&task_config, fixture->task, path, NULL, 0, NULL);
    free(path);
    free(ini);
    if (status)
        return status;
    status = cohort_open(fixture->task, &fixture->cohort);
    if (status) {
        cohort_close(&fixture->cohort);
        config_free(&task_config, fixture->task);
    }
    return status;
}

static void close_task(Fixture *fixture) {
    cohort_close(&fixture->cohort);
    config_free(&task_config, fixture->task);
}

static const EvalColumn *find_column(const Cohort *cohort, const char *name) {
    for (int i = 0; i < cohort->rows.column_count; i++)
        if (strcmp(cohort->rows.columns[i].name, name) == 0)
            return &cohort->rows.columns[i];
    return NULL;
}

static const char *category(const Cohort *cohort, const char *name, int row) {
    const EvalColumn *column = find_column(cohort, name);
    assert_non_null(column);
    assert_non_null(column->names);
    return column->category[row] < 0 ? "-" : column->names[column->category[row]];
}

static double number(const Cohort *cohort, const char *name, int row) {
    const EvalColumn *column = find_column(cohort, name);
    assert_non_null(column);
    assert_non_null(column->number);
    return column->number[row];
}

static void rows_are_the_labelled_records(void **state) {
    Fixture *fixture = *state;
    assert_ok(open_task(fixture, "label = grade\npositive_from = 2"));
    const EvalRows *rows = &fixture->cohort.rows;
    static const double labels[] = {0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0};
    static const int64_t splits[] = {0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 0}, people[] = {0, 0, 1, -1, 2, 2, 3, 3, 4, 4, 5},
                         copies[] = {0, -1, -1, -1, -1, -1, -1, -1, -1, 0, -1};
    assert_int_equal(rows->kind, EVAL_BINARY);
    assert_int_equal(rows->classes, 2);
    assert_int_equal(rows->outputs, 1);
    assert_int_equal(rows->count, COUNT - 1);
    assert_string_equal(fixture->cohort.label_names[0], "grade");
    for (int i = 0; i < COUNT - 1; i++) {
        assert_int_equal(fixture->cohort.record[i], i);
        assert_true(rows->labels[i] == labels[i]);
        assert_int_equal(rows->split[i], splits[i]);
        assert_int_equal(rows->person[i], people[i]);
        assert_int_equal(rows->copies[i], copies[i]);
    }
    assert_ok(cohort_check_disjoint(&fixture->cohort));
    close_task(fixture);
}

/* Equal files, equal pixels, and what looks alike, in packs of two sizes. */
static void copies_are_found_in_three_ways(void **state) {
    enum { FIRST = 7, SECOND = 3, ALL = FIRST + SECOND };
    Fixture *fixture = *state;
    const TaskRecord first[FIRST] = {{"a", "", 't', 'R', 1, 1, {0}},  {"b", "", 't', 'R', 2, 1, {0}},
                                     {"c", "", 't', 'R', 3, 1, {0}},  {"d", "", 't', 'R', -90, 1, {0}},
                                     {"e", "", 't', 'R', 4, 1, {0}},  {"f", "", 't', 'R', -90, 1, {0}},
                                     {"g", "", 't', 'R', -91, 1, {0}}};
    const TaskRecord second[SECOND] = {
        {"h", "", 't', 'R', 1, 1, {0}}, {"i", "", 't', 'R', -91, 1, {0}}, {"j", "", 't', 'R', 9, 1, {0}}};
    const TaskPack packs[] = {{"one", SIDE, FIRST, first, {"grade"}, false},
                              {"two", 2 * SIDE, SECOND, second, {"grade"}, false}};
    static const int64_t wanted[ALL] = {0, 1, 1, 2, -1, 2, -1, 0, -1, 1};
    char *one = task_pack(fixture->root, "one", &packs[0]), *two = task_pack(fixture->root, "two", &packs[1]),
         *both = printed_path("%s,%s", one, two);
    Records images;
    int64_t record[ALL], copies[ALL];
    for (int i = 0; i < ALL; i++)
        record[i] = i;
    assert_ok(records_open(both, "", RECORDS_ALL, &images));
    PackRow *rows[ALL];
    for (int i = 0; i < ALL; i++)
        rows[i] = &images.parts[i >= FIRST].pack.rows[i >= FIRST ? i - FIRST : i];
    memset(rows[1]->sha256, 7, 32);
    memset(rows[2]->sha256, 7, 32);
    memset(rows[9]->sha256, 7, 32);
    assert_ok(copies_find(&(CopySet){&images, record, ALL}, 1, copies));
    for (int i = 0; i < ALL; i++)
        for (int j = 0; j < ALL; j++) /* groups have any numbers */
            assert_int_equal(copies[i] >= 0 && copies[i] == copies[j], wanted[i] >= 0 && wanted[i] == wanted[j]);
    assert_ok(copies_find(&(CopySet){&images, record + 1, 2}, 1, copies));
    assert_true(copies[0] == 0 && copies[1] == 0);
    records_close(&images);
    free(both);
    free(two);
    free(one);
}

/* The nearest by hash may be of something else: here all are equally near, and 2 and 4 copies of 1 and 3. */
static void copies_are_found_behind_others(void **state) {
    enum { ALL = 5 };
    static const TaskRecord drawn[ALL] = {{"a", "", 't', 'R', 1, 1, {0}},
                                          {"b", "", 't', 'R', 2, 1, {0}},
                                          {"c", "", 't', 'R', 2, 0.9, {0}},
                                          {"d", "", 't', 'R', 3, 1, {0}},
                                          {"e", "", 't', 'R', 3, 0.9, {0}}};
    static const int64_t wanted[ALL] = {-1, 0, 0, 1, 1}, record[ALL] = {0, 1, 2, 3, 4};
    const TaskPack spec = {"near", SIDE, ALL, drawn, {"grade"}, false};
    Fixture *fixture = *state;
    char *path = task_pack(fixture->root, "near", &spec);
    Records images;
    int64_t copies[ALL];
    assert_ok(records_open(path, "", RECORDS_ALL, &images));
    for (int i = 0; i < ALL; i++)
        images.parts[0].pack.rows[i].phash = images.parts[0].pack.rows[1].phash;
    assert_ok(copies_find(&(CopySet){&images, record, ALL}, 1, copies));
    assert_memory_equal(copies, wanted, sizeof wanted);
    records_close(&images);
    free(path);
}

static void columns_tell_what_is_known_beside(void **state) {
    Fixture *fixture = *state;
    assert_ok(open_task(fixture, "label = grade\npositive_from = 2\n[bands]\nage = 50, 65"));
    const Cohort *cohort = &fixture->cohort;
    assert_null(find_column(cohort, "dataset"));  /* there is one */
    assert_null(find_column(cohort, "modality")); /* the same */
    assert_null(find_column(cohort, "grade"));
    assert_string_equal(category(cohort, "device", 2), "zeiss");
    assert_string_equal(category(cohort, "device", 6), "-");
    assert_string_equal(category(cohort, "site", 2), "1");
    assert_string_equal(category(cohort, "eye", 1), "L");
    assert_string_equal(category(cohort, "eye", 3), "-");
    assert_string_equal(category(cohort, "age_band", 0), "below 50");
    assert_string_equal(category(cohort, "age_band", 2), "50 to below 65");
    assert_string_equal(category(cohort, "age_band", 3), "-");
    assert_string_equal(category(cohort, "age_band", 6), "from 65");
    assert_true(number(cohort, "age", 2) == 55 && isnan(number(cohort, "age", 3)));
    assert_true(number(cohort, "image_height", 1) == SIDE + 1);
    assert_null(find_column(cohort, "image_width")); /* one of all */
    static const char *const of_photograph[] = {"site", "device", "image_height"}, *const of_person[] = {"eye", "age",
                                                                                                         "age_band"};
    for (int i = 0; i < 3; i++) {
        assert_false(find_column(cohort, of_photograph[i])->of_person);
        assert_true(find_column(cohort, of_person[i])->of_person);
    }
    close_task(fixture);
    assert_ok(open_task(fixture, "label = age\nkind = regression"));
    assert_null(find_column(&fixture->cohort, "age"));
    assert_int_equal(fixture->cohort.rows.count, COUNT - 1);
    assert_int_equal(fixture->cohort.rows.classes, 1);
    close_task(fixture);
}

static void the_eye_is_a_label(void **state) {
    Fixture *fixture = *state;
    assert_ok(open_task(fixture, "label = eye"));
    const Cohort *cohort = &fixture->cohort;
    assert_int_equal(cohort->rows.count, COUNT - 1);
    assert_int_equal(cohort->record[3], 4); /* record 3 shows neither */
    assert_true(cohort->rows.labels[0] == 0 && cohort->rows.labels[1] == 1);
    assert_null(find_column(cohort, "eye"));
    close_task(fixture);
}

static void several_columns_are_several_outputs(void **state) {
    Fixture *fixture = *state;
    assert_ok(open_task(fixture, "label = grade, site\nkind = multilabel\npositive_from = 1\nsplit = test"));
    const EvalRows *rows = &fixture->cohort.rows;
    assert_int_equal(rows->outputs, 2);
    assert_int_equal(rows->count, COUNT);
    assert_true(isnan(rows->labels[2 * 11]) && rows->labels[2 * 7 + 1] == 1);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(rows->split[i], PROBE_TEST);
    assert_true(fixture->cohort.tested);
    close_task(fixture);
}

static void classes_are_those_of_all_rows(void **state) {
    Fixture *fixture = *state;
    assert_ok(open_task(fixture, "label = grade\nkind = ordinal"));
    assert_int_equal(fixture->cohort.rows.classes, 4);
    assert_int_equal(eval_values(&fixture->cohort.rows), 4);
    close_task(fixture);
}

/* Both eyes of a person go together, some of train go, and nobody else does. */
static void people_of_train_may_choose(void **state) {
    enum { MORE = 60 };
    Fixture *fixture = *state;
    TaskRecord many[MORE];
    char names[MORE / 2][8];
    for (int i = 0; i < MORE; i++) {
        snprintf(names[i / 2], sizeof names[i / 2], "p%d", i / 2);
        many[i] = (TaskRecord){names[i / 2], "", i < 40 ? 't' : 'e', 'R', -1 - i, 1, {(float)(i % 2)}};
    }
    const TaskPack other = {"many", SIDE, MORE, many, {"grade"}, false};
    char *own = fixture->path;
    fixture->path = task_pack(fixture->root, "many", &other);
    int counts[2];
    for (int round = 0; round < 2; round++) {
        assert_ok(open_task(fixture, round ? "label = grade\nval_share = 0.6" : "label = grade\nval_share = 0.3"));
        const EvalRows *rows = &fixture->cohort.rows;
        counts[round] = 0;
        for (int i = 0; i < MORE; i++) {
            assert_int_equal(rows->split[i], rows->split[i - i % 2]);
            assert_int_equal(rows->split[i] == PROBE_TEST, i >= 40);
            counts[round] += rows->split[i] == PROBE_VAL;
        }
        assert_ok(cohort_check_disjoint(&fixture->cohort));
        close_task(fixture);
    }
    assert_in_range(counts[0], 6, 20); /* of 40, 12 and 24 are meant */
    assert_in_range(counts[1], counts[0] + 4, 34);
    free(fixture->path);
    fixture->path = own;
}

static void unreadable_records_leave(void **state) {
    Fixture *fixture = *state;
    bool readable[COUNT];
    int64_t left_out;
    assert_ok(open_task(fixture, "label = grade\npositive_from = 2"));
    memset(readable, true, sizeof readable);
    assert_ok(cohort_leave_out(&fixture->cohort, readable, &left_out));
    assert_int_equal(left_out, 0);
    readable[2] = readable[11] = false; /* 11 is no row */
    assert_ok(cohort_leave_out(&fixture->cohort, readable, &left_out));
    assert_int_equal(left_out, 1);
    assert_int_equal(fixture->cohort.rows.count, COUNT - 2);
    assert_int_equal(fixture->cohort.record[2], 3);
    assert_int_equal(fixture->cohort.rows.person[3], 1); /* people are numbered again */
    assert_string_equal(category(&fixture->cohort, "device", 2), "zeiss");
    readable[4] = false;
    assert_fails(cohort_leave_out(&fixture->cohort, readable, &left_out), EXIT_DATA, "grade is 1 for all 1 images");
    close_task(fixture);
}

static void bad_labels_are_refused(void **state) {
    static const struct {
        const char *text;
        ExitCode code;
        const char *message;
    } cases[] = {
        {"label = degree", EXIT_DATA, "has no label 'degree'; it has grade, age, site (data.label)"},
        {"label = grade", EXIT_DATA, "grade is 2 for drawn_01.png, neither 0 nor 1; set data.positive_from"},
        {"label = grade\npositive_from = 9", EXIT_DATA, "grade is 0 for all 5 images of the split train"},
        {"label = age\nkind = multiclass", EXIT_DATA, "no image of the split train has age = 0"},
        {"label = grade\npositive_from = 2\n[bands]\nweight = 70", EXIT_DATA, "has no label 'weight'"},
        {"label = grade, age", EXIT_USAGE, "only data.kind = multilabel takes several columns"},
        {"label = age\nkind = regression\npositive_from = 2", EXIT_USAGE, "only data.kind = binary and multilabel"},
        {"label = grade\npositive_from = 2\n[bands]\nage = 65, 50", EXIT_USAGE, "bands.age: 50 comes after 65"},
        {"kind = ordinal", EXIT_USAGE, "data.label is empty; name the column"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(open_task(*state, cases[i].text), cases[i].code, cases[i].message);
}

/* A pack of records[from], ... with one of them changed, at another path. */
static Status open_changed(Fixture *fixture, int changed, const TaskRecord *record, const char *text) {
    TaskRecord copy[COUNT];
    memcpy(copy, records, sizeof copy);
    copy[changed] = *record;
    TaskPack other = pack;
    other.records = copy;
    char *own = fixture->path;
    char *name = scratch_path(fixture->root, "changed");
    assert_ok(files_remove(name));
    fixture->path = task_pack(fixture->root, "changed", &other);
    Status status = open_task(fixture, text);
    free(fixture->path);
    free(name);
    fixture->path = own;
    return status;
}

static void bad_splits_are_refused(void **state) {
    TaskRecord endless = records[2], moved = records[0];
    endless.labels[0] = INFINITY;
    assert_fails(open_changed(*state, 2, &endless, "label = grade\npositive_from = 2"), EXIT_DATA,
                 "grade is inf for drawn_02.png, which is not finite");
    TaskRecord none[COUNT];
    memcpy(none, records, sizeof none);
    for (int i = 0; i < COUNT; i++)
        if (none[i].split == 'e')
            none[i].split = 't';
    Fixture *fixture = *state;
    TaskPack other = pack;
    other.records = none;
    char *own = fixture->path;
    fixture->path = task_pack(fixture->root, "untested", &other);
    assert_fails(open_task(fixture, "label = grade\npositive_from = 2"), EXIT_DATA,
                 "nobody in the split test has a label grade; make another split by person (./stage split");
    free(fixture->path);
    fixture->path = own;
    moved.labels[0] = 5;
    assert_fails(open_changed(*state, 0, &moved, "label = grade\nkind = ordinal"), EXIT_DATA,
                 "no image of the split train has grade = 0");
}

static void people_in_two_packs_are_refused(void **state) {
    Fixture *fixture = *state;
    TaskRecord others[OTHERS] = {{"anna", "topcon", 't', 'R', 21, 1, {0, 40, 0}},
                                 {"dora", "topcon", 'v', 'L', 22, 1, {2, 65, 0}},
                                 {"gert", "topcon", 'e', 'L', 23, 1, {2, 33, 0}}};
    const TaskPack other = {"drawn", SIDE, OTHERS, others, {"grade", "age", "site"}, false};
    char *second = task_pack(fixture->root, "second", &other), *own = fixture->path;
    fixture->path = printed_path("%s,%s", own, second);
    assert_ok(open_task(fixture, "label = grade\npositive_from = 2"));
    assert_int_equal(fixture->cohort.rows.person[COUNT - 1], 0); /* anna again */
    assert_fails(cohort_check_disjoint(&fixture->cohort), EXIT_DATA,
                 "1 person has images in more than one of train, val and test");
    close_task(fixture);
    others[1].split = 'e';
    free(second);
    char *remove = scratch_path(fixture->root, "second");
    assert_ok(files_remove(remove));
    free(remove);
    second = task_pack(fixture->root, "second", &other);
    assert_ok(open_task(fixture, "label = grade\npositive_from = 2"));
    assert_fails(cohort_check_disjoint(&fixture->cohort), EXIT_DATA, "2 people have images in more than one pack");
    close_task(fixture);
    free(second);
    free(fixture->path);
    /* Another data set's people are others, whatever they are called. */
    TaskPack foreign = other;
    foreign.dataset = "foreign";
    second = task_pack(fixture->root, "third", &foreign);
    fixture->path = printed_path("%s,%s", own, second);
    assert_ok(open_task(fixture, "label = grade\npositive_from = 2"));
    assert_ok(cohort_check_disjoint(&fixture->cohort));
    assert_string_equal(category(&fixture->cohort, "dataset", COUNT - 1), "foreign");
    close_task(fixture);
    free(second);
    free(fixture->path);
    fixture->path = own;
}

/* Only a file's whole name without its ending is no person's: drawn_00.png and drawn_01.png are files of the pack. */
static void people_who_are_named_like_files(void **state) {
    Fixture *fixture = *state;
    TaskRecord named[COUNT];
    memcpy(named, records, sizeof named);
    named[0].person = "drawn_00";
    named[1].person = "drawn";
    char *own = fixture->path;
    for (int dotted = 0; dotted < 2; dotted++) {
        /* The second set's files are drawn.eye_00.png and so on. */
        const TaskPack spec = {dotted ? "drawn.eye" : "drawn", SIDE, COUNT, named, {"grade", "age", "site"}, false};
        fixture->path = task_pack(fixture->root, dotted ? "dotted" : "named", &spec);
        assert_ok(open_task(fixture, "label = grade\npositive_from = 2"));
        assert_int_equal(fixture->cohort.rows.person[0] < 0, !dotted);
        assert_true(fixture->cohort.rows.person[1] >= 0);
        close_task(fixture);
        free(fixture->path);
    }
    fixture->path = own;
}

static void folders_are_refused(void **state) {
    Fixture *fixture = *state;
    char *own = fixture->path, *image = scratch_path(fixture->root, "folder");
    assert_ok(files_make_directory(image));
    scratch_write(image, "a.png", "", 0);
    fixture->path = image;
    assert_fails(open_task(fixture, "label = grade"), EXIT_DATA, "is a folder of images, and a task takes packs");
    fixture->path = own;
    free(image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_the_labelled_records, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(copies_are_found_in_three_ways, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(copies_are_found_behind_others, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(columns_tell_what_is_known_beside, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(the_eye_is_a_label, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(several_columns_are_several_outputs, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(classes_are_those_of_all_rows, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(people_of_train_may_choose, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(unreadable_records_leave, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(bad_labels_are_refused, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(bad_splits_are_refused, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(people_in_two_packs_are_refused, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(people_who_are_named_like_files, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(folders_are_refused, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
