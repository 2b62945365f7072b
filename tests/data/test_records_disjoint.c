/* SPDX-License-Identifier: Apache-2.0 */
/* Training and validation images that have something in common are refused; test_loader_packs.c has people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/records_disjoint.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <unistd.h>

static void make_image(void **state, const char *name) {
    char path[TEMP_PATH * 2];
    temp_path(state, name, path);
    *strrchr(path, '/') = '\0';
    assert_fine(files_make_directory(path));
    temp_path(state, name, path);
    assert_fine(files_write(path, name, strlen(name)));
}

static Status check(void **state, const char *train, const char *val) {
    char path[TEMP_PATH * 2];
    Records left, right;
    assert_fine(records_open(temp_path(state, train, path), "", RECORDS_TRAIN, &left));
    assert_fine(records_open(temp_path(state, val, path), "", RECORDS_VAL, &right));
    Status status = records_check_disjoint(&left, &right);
    records_close(&left);
    records_close(&right);
    return status;
}

static void folders_share_no_file(void **state) {
    char from[TEMP_PATH * 2], to[TEMP_PATH * 2];
    static const char *const names[] = {"set/train/a.png", "set/train/b/c.png", "set/val/a.png", "set/val/b/c.png",
                                        "copied/train/a.png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        make_image(state, names[i]);
    for (int i = 0; i < 2; i++) /* dangling: nothing that both have */
        assert_int_equal(symlink("nowhere", temp_path(state, i ? "set/val/d.png" : "set/train/d.png", to)), 0);
    assert_int_equal(symlink("set/train", temp_path(state, "link", to)), 0);
    assert_fine(check(state, "set/train", "set/val"));
    assert_fine(check(state, "set/train", "copied")); /* equal bytes under another name are another photograph */
    static const char *const shared[][2] = {
        {"set/train", "set/train"}, {"set/train", "set/../set/train/"}, {"set/train", "link"},
        {"link", "set/train"},      {"set/train", "set/train/b"},       {"set/train/b", "set"},
        {"set", "set/val"},
    };
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        assert_refused(check(state, shared[i][0], shared[i][1]), EXIT_DATA, "give folders that share no file");
    for (int hard = 0; hard < 2; hard++) { /* a folder of links to some of the files */
        const char *folder = hard ? "hard/x.png" : "soft/x.png";
        make_image(state, folder);
        temp_path(state, "set/train/b/c.png", from);
        temp_path(state, hard ? "hard/y.png" : "soft/y.png", to);
        assert_int_equal(hard ? link(from, to) : symlink(from, to), 0);
        assert_refused(check(state, "set/train", hard ? "hard" : "soft"), EXIT_DATA,
                       "/b/c.png is in the training data");
        assert_fine(check(state, "set/val", hard ? "hard" : "soft"));
    }
}

/* A pack of four records that names nobody. */
static Records part_of_pack(RecordsPart *part, uint64_t hash, int64_t *list, int64_t count) {
    static PackRow rows[] = {{.person = ""}, {.person = ""}, {.person = ""}, {.person = ""}};
    *part = (RecordsPart){.pack = {.directory = "pack", .rows = rows, .count = 4, .hash = hash}, .list = list};
    part->pack.info.dataset = "alpha";
    part->count = count;
    return (Records){.text = "packs", .parts = part, .part_count = 1, .count = count};
}

static void packs_share_no_record(void **state) {
    (void)state;
    RecordsPart left, right;
    int64_t odd[] = {1, 3}, even[] = {0, 2}, last[] = {2, 3};
    const Records train = part_of_pack(&left, 7, odd, 2);
    const struct {
        uint64_t hash;
        int64_t *list;
        const char *refused;
    } cases[] = {{7, even, NULL}, {7, last, "record 3 of pack"}, {7, odd, "record 1 of pack"}, {8, odd, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Records val = part_of_pack(&right, cases[i].hash, cases[i].list, 2);
        if (cases[i].refused)
            assert_refused(records_check_disjoint(&train, &val), EXIT_DATA, cases[i].refused);
        else
            assert_fine(records_check_disjoint(&train, &val));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_share_no_file),
        cmocka_unit_test(packs_share_no_record),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
