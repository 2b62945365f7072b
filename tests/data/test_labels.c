/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of folders and packs, and orders that show groups of records alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/labels.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <math.h>
#include <unistd.h>

static void make_file(void **state, const char *name, const char *text) {
    char path[TEMP_PATH * 2];
    temp_path(state, name, path);
    *strrchr(path, '/') = '\0';
    assert_fine(files_make_directory(path));
    assert_fine(files_write(temp_path(state, name, path), text, strlen(text)));
}

static Status read_labels(void **state, const char *folder, const char *columns, Labels *labels) {
    char path[TEMP_PATH * 2];
    Records records;
    assert_fine(records_open(temp_path(state, folder, path), "", RECORDS_TRAIN, &records));
    Status status = labels_open(&records, columns, labels);
    records_close(&records);
    return status;
}

static void a_table_labels_files_by_their_paths(void **state) {
    Labels labels;
    make_file(state, "set/train/a.png", "a");
    make_file(state, "set/train/b/c.png", "c");
    make_file(state, "set/train/d.png", "d");
    make_file(state, "set/val/a.png", "e");
    make_file(state, "set/labels.csv",
              "file,person,grade,age\ntrain/b/c.png,two,1,nan\nval/a.png,three,2,50\n./train//a.png,one,0,31.5\n");
    assert_fine(read_labels(state, "set/train", "age, grade", &labels));
    assert_int_equal(labels.count, 3);
    assert_int_equal(labels.columns, 2);
    assert_string_equal(labels.names[1], "grade");
    const float wanted[] = {31.5f, 0, NAN, 1, NAN, NAN}; /* d.png has no row */
    for (int i = 0; i < 6; i++)
        assert_true(isnan(wanted[i]) ? isnan(labels.values[i]) : labels.values[i] == wanted[i]);
    assert_string_equal(labels.people[1], "two");
    assert_true(labels_has_any(&labels, 1) && !labels_has(&labels, 1, 0) && !labels_has_any(&labels, 2));
    const uint64_t hash = labels.hash;

    /* The table of the folder itself comes first. */
    Labels val;
    assert_fine(read_labels(state, "set/val", "grade", &val));
    assert_true(val.values[0] == 2);
    assert_fine(labels_check_disjoint(&labels, &val));
    labels_close(&val);
    make_file(state, "set/val/labels.csv", "image;patient;grade\na.png;two;3\n");
    assert_fine(read_labels(state, "set/val", "grade", &val));
    assert_true(val.values[0] == 3);
    assert_refused(labels_check_disjoint(&labels, &val), EXIT_DATA, "person two of ");
    labels_close(&val);
    labels_close(&labels);

    make_file(state, "set/labels.csv", "file,grade,age\ntrain/b/c.png,1,\ntrain/a.png,1,31.5\n");
    assert_fine(read_labels(state, "set/train", "age,grade", &labels));
    assert_true(labels.hash != hash);
    assert_null(labels.people);
    labels_close(&labels);
}

/* A folder that is a link has two folders beside it; the one that the user named comes first. */
static void a_table_is_beside_a_link(void **state) {
    char link[TEMP_PATH * 2];
    Labels labels;
    make_file(state, "far/photos/a.png", "a");
    make_file(state, "far/labels.csv", "file,grade\nphotos/a.png,2\n");
    make_file(state, "near/other", "");
    assert_int_equal(symlink("../far/photos", temp_path(state, "near/train", link)), 0);
    assert_fine(read_labels(state, "near/train", "grade", &labels));
    assert_true(labels.values[0] == 2);
    labels_close(&labels);
    make_file(state, "near/labels.csv", "file,grade\ntrain/a.png,1\n");
    assert_fine(read_labels(state, "near/train/", "grade", &labels));
    assert_true(labels.values[0] == 1);
    labels_close(&labels);
}

static void bad_tables_are_refused(void **state) {
    static const struct {
        const char *table, *columns, *message;
        ExitCode code;
    } cases[] = {
        {NULL, "grade", "/bad has no labels: there is no labels.csv in it or beside it", EXIT_DATA},
        {"file,grade\na.png,1\n", "severity", "severity", EXIT_DATA},
        {"grade\n1\n", "grade", "file", EXIT_DATA},
        {"file,grade\na.png,1\nb.png,mild\n", "grade", "labels.csv:3: grade is 'mild', which is no number", EXIT_DATA},
        {"file,grade\na.png,1\na.png,1\n", "grade", "labels.csv:3: a.png has labels already, in line 2", EXIT_DATA},
        {"file,grade\na.png,\nz.png,1\n", "grade", "none of the 2 images", EXIT_DATA},
        {"file,grade\na.png,1\n", "grade,", "a name is empty", EXIT_USAGE},
        {"file,grade\na.png,1\n", "grade, grade", "the column grade is named twice", EXIT_USAGE},
    };
    make_file(state, "lone/bad/a.png", "a");
    make_file(state, "lone/bad/b.png", "b");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Labels labels;
        if (cases[i].table)
            make_file(state, "lone/bad/labels.csv", cases[i].table);
        assert_refused(read_labels(state, "lone/bad", cases[i].columns, &labels), cases[i].code, cases[i].message);
    }
}

static void packs_have_labels_by_name(void **state) {
    (void)state;
    static const float values[3][2] = {{1, 40}, {2, NAN}, {0, 60}};
    static PackRow rows[] = {
        {.person = "", .labels = values[0]}, {.person = "", .labels = values[1]}, {.person = "", .labels = values[2]}};
    char *names[] = {"grade", "age"};
    int64_t list[] = {0, 2};
    RecordsPart part = {.pack = {.directory = "one", .rows = rows, .count = 3}, .list = list, .count = 2};
    part.pack.info.label_names = names;
    part.pack.info.label_count = 2;
    const Records records = {.text = "one", .parts = &part, .part_count = 1, .count = 2};
    Labels labels;
    assert_fine(labels_open(&records, "age", &labels));
    assert_true(labels.values[0] == 40 && labels.values[1] == 60);
    labels_close(&labels);
    assert_refused(labels_open(&records, "lesions", &labels), EXIT_DATA,
                   "one has no label 'lesions'; it has grade, age");
    part.pack.info.label_count = 0;
    assert_refused(labels_open(&records, "grade", &labels), EXIT_DATA, "one has no labels; stage it with --labels");
    list[0] = list[1] = 1;
    part.pack.info.label_count = 2;
    assert_refused(labels_open(&records, "age", &labels), EXIT_DATA, "none of the 2 images");
}

/* 3 records of group 0, 6 of group 1, 2 in none, 1 of group 3; group 2 is empty. An epoch of 10 samples shows each
 * group 3 times, and the first once more. */
static void groups_are_shown_alike(void **state) {
    (void)state;
    enum { RECORDS = 12, EPOCHS = 12 };
    static const int32_t group_of[RECORDS] = {0, 1, 1, -1, 1, 0, 3, 1, 1, -1, 0, 1};
    Records records = {.text = strdup("grouped"), .count = RECORDS, .samples_per_epoch = RECORDS};
    int shown[RECORDS] = {0};
    assert_fine(records_group(&records, group_of, 4));
    assert_int_equal(records.samples_per_epoch, 10);
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        int of_group[4] = {0};
        bool seen[RECORDS * 4] = {false};
        for (uint64_t position = 0; position < 10; position++) {
            const int64_t key = records_at(&records, 5, epoch, position);
            assert_in_range(key, 0, RECORDS * 4 - 1);
            assert_false(seen[key]); /* each sample has its own crop */
            seen[key] = true;
            shown[key % RECORDS]++;
            of_group[group_of[key % RECORDS]]++;
        }
        assert_int_equal(of_group[0], 4);
        assert_int_equal(of_group[1], 3);
        assert_int_equal(of_group[2], 0);
        assert_int_equal(of_group[3], 3);
    }
    for (int r = 0; r < RECORDS; r++) { /* every record gets its turn */
        const int group = group_of[r], of[] = {4 * EPOCHS / 3, 3 * EPOCHS / 6, 0, 3 * EPOCHS};
        assert_int_equal(shown[r], group < 0 ? 0 : of[group]);
    }
    records_close(&records);

    int32_t one[RECORDS];
    memset(one, -1, sizeof one);
    records = (Records){.text = strdup("grouped"), .count = RECORDS};
    assert_refused(records_group(&records, one, 1), EXIT_DATA, "no image can be shown");
    records_close(&records);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_labels_files_by_their_paths),
        cmocka_unit_test(a_table_is_beside_a_link),
        cmocka_unit_test(bad_tables_are_refused),
        cmocka_unit_test(packs_have_labels_by_name),
        cmocka_unit_test(groups_are_shown_alike),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
