/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a tree are records, in which order, and what the hash depends on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file_tree.h"
#include "data/folder.h"
#include "image/image.h"
#include "tests/fixtures/printed_path.h"
#include "tests/fixtures/scratch.h"

#include <sys/resource.h>
#include <sys/stat.h>

static int setup(void **state) {
    *state = scratch_make();
    return 0;
}

static int teardown(void **state) {
    scratch_remove(*state);
    return 0;
}

static void make_directory(const char *root, const char *name) {
    char *path = scratch_path(root, name);
    assert_ok(files_make_directory(path));
    free(path);
}

static void make_link(const char *root, const char *name, const char *target) {
    char *path = scratch_path(root, name);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static void expect_paths(const char *root, const char *const *paths, int count) {
    Folder folder;
    assert_ok(folder_open(root, &folder));
    assert_int_equal(folder.count, count);
    assert_string_equal(folder.root, root);
    for (int i = 0; i < count; i++)
        assert_string_equal(folder.paths[i], paths[i]);
    folder_close(&folder);
}

static void images_come_in_byte_order(void **state) {
    const char *root = *state;
    make_directory(root, "b/deep/er");
    make_directory(root, "a");
    make_directory(root, "folder.png");
    static const char *const files[] = {"b/deep/er/x.PNG", "a/2.jpg",      "a/10.jpg",         "a.jpg",   "a-b.jpeg",
                                        "Z.JpEg",          "\xC3\xA9.jpg", "note.txt",         "jpg",     "x.jpg.part",
                                        "b/y.bmp",         "x.jpge",       "folder.png/i.jpg", "dir.gif", "b/jpg.json",
                                        "two.dots.png"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        scratch_write(root, files[i], "x", 1);
    static const char *const expected[] = {"Z.JpEg",           "a-b.jpeg",     "a.jpg",
                                           "a/10.jpg",         "a/2.jpg",      "b/deep/er/x.PNG",
                                           "folder.png/i.jpg", "two.dots.png", "\xC3\xA9.jpg"};
    expect_paths(root, expected, sizeof expected / sizeof *expected);
    char *slashed = printed_path("%s/", root);
    expect_paths(slashed, expected, sizeof expected / sizeof *expected);
    free(slashed);
}

static void hidden_names_are_left_out(void **state) {
    make_directory(*state, ".cache");
    scratch_write(*state, ".cache/a.jpg", "x", 1);
    scratch_write(*state, ".a.jpg", "x", 1);
    scratch_write(*state, ".jpg", "x", 1);
    scratch_write(*state, "b.jpg", "x", 1);
    expect_paths(*state, (const char *const[]){"b.jpg"}, 1);
}

/* As ./stage counts them, but what only staging reads is no record. */
static void tiff_is_a_record_and_dicom_is_counted(void **state) {
    Folder folder;
    scratch_write(*state, "c.dcm", "x", 1);
    assert_fails(folder_open(*state, &folder), EXIT_DATA, "contains no image but 1 DICOM file; stage them first");
    scratch_write(*state, "a.tif", "x", 1);
    scratch_write(*state, "b.TIFF", "x", 1);
    scratch_write(*state, "d.DCM", "x", 1);
    scratch_write(*state, "e.txt", "x", 1);
    expect_paths(*state, (const char *const[]){"a.tif", "b.TIFF"}, 2);
    assert_ok(folder_open(*state, &folder));
    assert_int_equal(folder.dicoms, 2);
    folder_close(&folder);
}

/* A loop would never end; a folder linked twice would give its images double weight. */
static void links_to_folders_are_left_out(void **state) {
    make_directory(*state, "a");
    scratch_write(*state, "a/b.jpg", "x", 1);
    make_link(*state, "a/up", "..");
    make_link(*state, "a/self.jpg", ".");
    make_link(*state, "again", "a");
    expect_paths(*state, (const char *const[]){"a/b.jpg"}, 1);
    Folder folder;
    assert_ok(folder_open(*state, &folder));
    assert_int_equal(folder.links, 3);
    assert_string_equal(folder.first_link, "a/self.jpg");
    folder_close(&folder);
}

static void links_to_files_are_records_and_so_are_broken_ones(void **state) {
    scratch_write(*state, "data.bin", "xyz", 3);
    make_link(*state, "b.jpg", "data.bin");
    make_link(*state, "a.png", "gone.png");
    make_link(*state, "loop.jpg", "loop.jpg");
    expect_paths(*state, (const char *const[]){"a.png", "b.jpg", "loop.jpg"}, 3);
}

static void pipes_are_no_records(void **state) {
    char *pipe = scratch_path(*state, "a.jpg");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    scratch_write(*state, "b.jpg", "x", 1);
    expect_paths(*state, (const char *const[]){"b.jpg"}, 1);
    free(pipe);
}

/* Deeper than a process may have directories open. */
static void a_deep_tree_is_listed(void **state) {
    enum { DEPTH = 1500 };
    char name[DEPTH * 2 + 8] = "";
    for (int i = 0; i < DEPTH; i++)
        memcpy(name + i * 2, "d/", 3);
    make_directory(*state, name);
    strcat(name, "a.jpg");
    scratch_write(*state, name, "x", 1);
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    expect_paths(*state, (const char *const[]){name}, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static bool is_text(const char *name) {
    return strstr(name, ".txt") != NULL;
}

static void any_names_are_listed_with_their_sizes(void **state) {
    make_directory(*state, "b.txt");
    scratch_write(*state, "b.txt/c.txt", "xyz", 3);
    scratch_write(*state, "a.txt", "x", 1);
    scratch_write(*state, "a.jpg", "x", 1);
    make_link(*state, "z.txt", "gone");
    TreeFile *files;
    int64_t count;
    assert_ok(file_tree_list(*state, is_text, &files, &count));
    assert_int_equal(count, 3);
    assert_string_equal(files[0].path, "a.txt");
    assert_string_equal(files[1].path, "b.txt/c.txt");
    assert_int_equal(files[1].bytes, 3);
    assert_string_equal(files[2].path, "z.txt");
    assert_int_equal(files[2].bytes, 0);
    file_tree_free(files, count);
    FileTree listing;
    char *pipe = scratch_path(*state, "pipe.txt");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    make_link(*state, "b.txt/up", "..");
    make_link(*state, "a.txt.link", "b.txt");
    assert_ok(file_tree_read(*state, is_text, &listing));
    assert_int_equal(listing.count, 3);
    assert_int_equal(listing.link_count, 2);
    assert_string_equal(listing.links[0].path, "a.txt.link");
    assert_string_equal(listing.links[1].path, "b.txt/up");
    assert_int_equal(listing.other_count, 2);
    assert_string_equal(listing.others[0].path, "a.jpg");
    assert_false(listing.others[0].special);
    assert_string_equal(listing.others[1].path, "pipe.txt");
    assert_true(listing.others[1].special);
    file_tree_close(&listing);
    free(pipe);
    char *inner = scratch_path(*state, "b.txt");
    assert_ok(file_tree_list(inner, image_is_file_name, &files, &count)); /* none is fine here */
    assert_int_equal(count, 0);
    file_tree_free(files, count);
    free(inner);
}

static void a_folder_without_images_is_refused(void **state) {
    Folder folder;
    make_directory(*state, "a");
    scratch_write(*state, "a/readme", "x", 1);
    assert_fails(folder_open(*state, &folder), EXIT_DATA, *state);
    assert_fails(folder_open(*state, &folder), EXIT_DATA, "contains no image");
    char *missing = scratch_path(*state, "missing"), *file = scratch_path(*state, "a/readme");
    assert_fails(folder_open(missing, &folder), EXIT_DATA, missing);
    assert_fails(folder_open(file, &folder), EXIT_DATA, "Not a directory");
    free(missing);
    free(file);
}

/* Silently training on what is left would change every record's number. */
static void an_unreadable_folder_below_is_refused(void **state) {
    scratch_write(*state, "a.jpg", "x", 1);
    make_directory(*state, "closed");
    char *closed = scratch_path(*state, "closed");
    assert_int_equal(chmod(*state, 0755), 0);
    assert_int_equal(chmod(closed, 0), 0);
    Folder folder;
    become_nobody();
    Status status = folder_open(*state, &folder);
    become_oneself();
    assert_fails(status, EXIT_DATA, "Permission denied");
    /* Only its names can be read. */
    assert_int_equal(chmod(closed, 0700), 0);
    scratch_write(*state, "closed/b.jpg", "x", 1);
    assert_int_equal(chmod(closed, 0444), 0);
    become_nobody();
    status = folder_open(*state, &folder);
    become_oneself();
    assert_int_equal(chmod(closed, 0700), 0);
    assert_fails(status, EXIT_DATA, "closed/b.jpg: cannot be accessed: Permission denied");
    free(closed);
}

static uint64_t hash_of(const char *root) {
    Folder folder;
    assert_ok(folder_open(root, &folder));
    uint64_t hash = folder.hash;
    folder_close(&folder);
    return hash;
}

static void the_hash_sees_names_and_sizes(void **state) {
    scratch_write(*state, "a.jpg", "x", 1);
    scratch_write(*state, "b.jpg", "xy", 2);
    uint64_t hash = hash_of(*state);
    assert_int_equal(hash_of(*state), hash);
    scratch_write(*state, "a.jpg", "y", 1); /* content is not its business */
    scratch_write(*state, "note.txt", "x", 1);
    assert_int_equal(hash_of(*state), hash);
    scratch_write(*state, "a.jpg", "xy", 2);
    uint64_t resized = hash_of(*state);
    assert_int_not_equal(resized, hash);
    scratch_write(*state, "b.jpg", "x", 1); /* the sizes swapped */
    uint64_t swapped = hash_of(*state);
    assert_int_not_equal(swapped, hash);
    assert_int_not_equal(swapped, resized);
    scratch_write(*state, "a.jpg", "x", 1);
    scratch_write(*state, "b.jpg", "xy", 2);
    assert_int_equal(hash_of(*state), hash);
    char *from = scratch_path(*state, "b.jpg"), *to = scratch_path(*state, "c.jpg");
    assert_int_equal(rename(from, to), 0);
    assert_int_not_equal(hash_of(*state), hash);
    free(from);
    free(to);
}

/* The same on every machine: recorded once, from XXH3 over "a.jpg\0" and eight bytes of size 3. */
static void the_hash_is_portable(void **state) {
    scratch_write(*state, "a.jpg", "xyz", 3);
    assert_int_equal(hash_of(*state), 0xf6e7eca3620b8883u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(images_come_in_byte_order, setup, teardown),
        cmocka_unit_test_setup_teardown(hidden_names_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(tiff_is_a_record_and_dicom_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(links_to_folders_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(links_to_files_are_records_and_so_are_broken_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(pipes_are_no_records, setup, teardown),
        cmocka_unit_test_setup_teardown(a_deep_tree_is_listed, setup, teardown),
        cmocka_unit_test_setup_teardown(any_names_are_listed_with_their_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_without_images_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unreadable_folder_below_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_hash_sees_names_and_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(the_hash_is_portable, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
