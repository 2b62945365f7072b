/* SPDX-License-Identifier: Apache-2.0 */
/* What folders say: the split, and the class. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage/source/folder/split_folders.h"
#include "tests/fixtures/folder_read.h"

#include <math.h>

static void names_of_splits_are_understood(void **state) {
    (void)state;
    static const struct {
        const char *name;
        SplitName kind;
        PackSplit split;
    } names[] = {{"train", SPLIT_NAME_PLAIN, PACK_SPLIT_TRAIN},
                 {"Train", SPLIT_NAME_PLAIN, PACK_SPLIT_TRAIN},
                 {"training", SPLIT_NAME_PLAIN, PACK_SPLIT_TRAIN},
                 {"a. Training Set", SPLIT_NAME_PLAIN, PACK_SPLIT_TRAIN},
                 {"Training400", SPLIT_NAME_PLAIN, PACK_SPLIT_TRAIN},
                 {"train_images", SPLIT_NAME_PLAIN, PACK_SPLIT_TRAIN},
                 {"Validation", SPLIT_NAME_PLAIN, PACK_SPLIT_VAL},
                 {"VALID", SPLIT_NAME_PLAIN, PACK_SPLIT_VAL},
                 {"Evaluation_Set", SPLIT_NAME_PLAIN, PACK_SPLIT_VAL},
                 {"valset", SPLIT_NAME_PLAIN, PACK_SPLIT_VAL},
                 {"TestSet", SPLIT_NAME_PLAIN, PACK_SPLIT_TEST},
                 {"testing", SPLIT_NAME_PLAIN, PACK_SPLIT_TEST},
                 {"test-1", SPLIT_NAME_PLAIN, PACK_SPLIT_TEST},
                 {"REFUGE-Test400", SPLIT_NAME_PERHAPS, PACK_SPLIT_TEST},
                 {"visual field test", SPLIT_NAME_PERHAPS, PACK_SPLIT_TEST},
                 {"train and test", SPLIT_NAME_NONE, PACK_SPLIT_NONE},
                 {"valley", SPLIT_NAME_NONE, PACK_SPLIT_NONE},
                 {"attest", SPLIT_NAME_NONE, PACK_SPLIT_NONE},
                 {"1", SPLIT_NAME_NONE, PACK_SPLIT_NONE},
                 {"images", SPLIT_NAME_NONE, PACK_SPLIT_NONE}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        PackSplit split;
        const SplitName kind = split_name_read(names[i].name, strlen(names[i].name), &split);
        if (kind != names[i].kind || (kind != SPLIT_NAME_NONE && split != names[i].split))
            fail_msg("%s is kind %d, split %d", names[i].name, kind, split);
    }
}

static void expect_split(const Read *read, const char *path, PackSplit split) {
    const StageInput *input = input_at(&read->source, path);
    if (input->split != split)
        fail_msg("%s is in split %d, not %d", path, input->split, split);
}

static void folders_at_any_level_are_splits(void **state) {
    put(*state, "set/Train/a.png", "x");
    put(*state, "set/Evaluation_Set/Validation/a.png", "x");
    put(*state, "set/Testing/deep/c.png", "x");
    put(*state, "set/notes/d.png", "x");
    Read read = read_fine((SourceOptions){.root = *state});
    expect_split(&read, "set/Train/a.png", PACK_SPLIT_TRAIN);
    expect_split(&read, "set/Evaluation_Set/Validation/a.png", PACK_SPLIT_VAL);
    expect_split(&read, "set/Testing/deep/c.png", PACK_SPLIT_TEST);
    assert_int_equal(findings_of(&read.findings, FINDING_NO_SPLIT, "set/notes/d.png"), 1);
    assert_true(is_warned(&read, "1 image is on no side of the set's split, such as set/notes/d.png: excluded"));
    assert_non_null(strstr(read.source.notes, "folders as splits: Evaluation_Set is val, Validation is val, Testing is "
                                              "test, Train is train."));
    close_read(&read);
    put(*state, "set/Train/test/e.png", "x");
    assert_folder_fails(EXIT_DATA, "set/Train/test/e.png: its folders name two splits", .root = *state);
    put(*state, "t.csv", "file,split\nset/Train/a.png,test\nset/Train/test/e.png,val\n");
    read = read_fine((SourceOptions){.root = *state, .labels = "t.csv"});
    expect_split(&read, "set/Train/a.png", PACK_SPLIT_TEST);
    assert_true(
        is_warned(&read, "1 image is in a folder of another split than the table says, such as set/Train/a.png"));
    close_read(&read);
}

static void names_among_other_words_are_splits_of_a_pair(void **state) {
    put(*state, "visual field test/a.png", "x");
    put(*state, "b.png", "x");
    Read read = read_fine((SourceOptions){.root = *state});
    expect_split(&read, "visual field test/a.png", PACK_SPLIT_NONE);
    assert_true(is_warned(&read, "the folder \"visual field test\" with 1 image may name a split, and is not taken"));
    close_read(&read);
    put(*state, "s/REFUGE-Training400/a.png", "x");
    put(*state, "s/REFUGE-Test400/c.png", "x");
    char *root = scratch_path(*state, "s");
    read = read_fine((SourceOptions){.root = root});
    expect_split(&read, "REFUGE-Training400/a.png", PACK_SPLIT_TRAIN);
    expect_split(&read, "REFUGE-Test400/c.png", PACK_SPLIT_TEST);
    close_read(&read);
    free(root);
}

/* Makes train/NAME/a.png for each name, reads and removes them; the class's number for each. */
static void expect_classes(const char *root, const char *const *names, const float *numbers) {
    char *tree = scratch_path(root, "tree"), path[128];
    for (int i = 0; names[i]; i++) {
        snprintf(path, sizeof path, "tree/train/%s/%d.png", names[i], i);
        put(root, path, "x");
    }
    Read read = read_fine((SourceOptions){.root = tree});
    for (int i = 0; names[i]; i++) {
        snprintf(path, sizeof path, "train/%s/%d.png", names[i], i);
        assert_float_equal(label_of(&read.source, input_at(&read.source, path), "class"), numbers[i], 0);
    }
    close_read(&read);
    scratch_remove(tree);
}

static void folders_of_numbers_are_their_classes(void **state) {
    expect_classes(*state, (const char *const[]){"0", "1", "3", "4", NULL}, (const float[]){0, 1, 3, 4});
    expect_classes(*state, (const char *const[]){"1", "2", "10", NULL}, (const float[]){1, 2, 10});
    expect_classes(*state, (const char *const[]){"03", "12", NULL}, (const float[]){3, 12});
    expect_classes(*state, (const char *const[]){"4_pdr", "0 - none", "2.mild", NULL}, (const float[]){4, 0, 2});
    expect_classes(*state, (const char *const[]){"normal", "3D", "DR", NULL}, (const float[]){2, 0, 1});
    expect_classes(*state, (const char *const[]){"0.0.none", "0.3.DR1", NULL}, (const float[]){0, 1});
}

static void unclear_classes_are_refused(void **state) {
    static const struct {
        const char *first, *second, *reason;
    } pairs[] = {{"tree/train/DR/a.png", "tree/test/dr/b.png", "the folders DR and dr differ in case or blanks alone"},
                 {"tree/train/No DR/a.png", "tree/train/no_dr/b.png", "differ in case or blanks alone"},
                 {"tree/train/3/a.png", "tree/train/DR/b.png", "mix numbers and words, such as 3 and DR"},
                 {"tree/train/1/a.png", "tree/train/01/b.png", "two folders are class number "}};
    char *tree = scratch_path(*state, "tree");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        put(*state, pairs[i].first, "x");
        put(*state, pairs[i].second, "x");
        assert_folder_fails(EXIT_DATA, pairs[i].reason, .root = tree);
        scratch_remove(tree);
        tree = scratch_path(*state, "tree");
    }
    free(tree);
}

static void strays_are_warned_about(void **state) {
    put(*state, "s/train/DR/a0.png", "x");
    put(*state, "s/train/DR/a1.png", "x");
    put(*state, "s/val/N/b.png", "x");
    put(*state, "s/train/contact.png", "x");
    put(*state, "s/train/DR/deep/a3.png", "x");
    Read read = read_fine((SourceOptions){.root = *state});
    assert_float_equal(label_of(&read.source, input_at(&read.source, "s/val/N/b.png"), "class"), 1, 0);
    assert_float_equal(label_of(&read.source, input_at(&read.source, "s/train/DR/a0.png"), "class"), 0, 0);
    assert_true(isnan(label_of(&read.source, input_at(&read.source, "s/train/contact.png"), "class")));
    assert_true(is_warned(&read, "2 images are not in a class's folder (SPLIT/CLASS/FILE), such as "
                                 "s/train/DR/deep/a3.png: the class is unknown"));
    close_read(&read);
}

static void folders_that_are_no_classes(void **state) {
    put(*state, "DR/a.png", "x");
    put(*state, "N/b.png", "x");
    Read read = read_fine((SourceOptions){.root = *state});
    assert_int_equal(read.source.info.label_count, 0);
    assert_string_equal(reason_dropped(&read, "class"), "no folder above them is a split, such as train");
    close_read(&read);
    char *root = scratch_path(*state, "s");
    put(*state, "s/train/images/a.png", "x");
    put(*state, "s/test/images/b.png", "x");
    read = read_fine((SourceOptions){.root = root});
    assert_int_equal(read.source.info.label_count, 0);
    assert_string_equal(reason_dropped(&read, "class"), "all images are in one folder");
    close_read(&read);
    put(*state, "s/train/20190101/a.png", "x");
    read = read_fine((SourceOptions){.root = root});
    assert_int_equal(read.source.info.label_count, 0);
    assert_non_null(strstr(reason_dropped(&read, "class"), "numbers too large"));
    close_read(&read);
    for (int i = 0; i < 257; i++) {
        char path[64];
        snprintf(path, sizeof path, "s/train/P%d/x.png", i);
        put(*state, path, "x");
    }
    read = read_fine((SourceOptions){.root = root});
    free(root);
    assert_non_null(strstr(reason_dropped(&read, "class"), "too many folders"));
    close_read(&read);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_splits_are_understood),
        cmocka_unit_test_setup_teardown(folders_at_any_level_are_splits, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(names_among_other_words_are_splits_of_a_pair, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(folders_of_numbers_are_their_classes, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(unclear_classes_are_refused, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(strays_are_warned_about, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(folders_that_are_no_classes, tree_setup, tree_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
