/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pack/array_file.h"
#include "tests/fixtures/scratch.h"

#include <math.h>

enum { ROWS = 3, WIDTH = 4 };

static const float values[ROWS * WIDTH] = {0, 1, -2.5f, NAN, 4, 5, 6, 7, 1e-30f, 9, 10, 11};
static const int64_t numbers[ROWS] = {INT64_MIN, 0, 1};
static const char *const texts[ROWS] = {"", "a.png", "b/\xc3\xa4.png"};
static const Array arrays[] = {{"features", ARRAY_F32, ROWS, WIDTH, values},
                               {"record", ARRAY_I64, ROWS, 1, numbers},
                               {"source", ARRAY_TEXT, ROWS, 1, texts}};
static const ArrayNote notes[] = {{"format", "test"}, {"view", "center"}, {"empty", ""}};

static char *write_file(const char *root, const char *name) {
    char *path = scratch_path(root, name);
    assert_ok(array_file_write(path, arrays, 3, notes, 3));
    return path;
}

static void arrays_come_back(void **state) {
    (void)state;
    char *root = scratch_make(), *path = write_file(root, "a.h5"), *text;
    float read[ROWS * WIDTH];
    int64_t read_numbers[ROWS];
    ArrayFile *file;
    assert_ok(array_file_open(path, &file));
    assert_ok(array_file_read(file, "features", ARRAY_F32, ROWS, WIDTH, read));
    assert_memory_equal(read, values, sizeof values);
    assert_ok(array_file_read(file, "record", ARRAY_I64, ROWS, 1, read_numbers));
    assert_memory_equal(read_numbers, numbers, sizeof numbers);
    assert_ok(array_file_note(file, "view", &text));
    assert_string_equal(text, "center");
    free(text);
    assert_ok(array_file_note(file, "empty", &text));
    assert_string_equal(text, "");
    free(text);
    assert_fails(array_file_note(file, "none", &text), EXIT_DATA, "none failed");
    assert_null(text);
    assert_fails(array_file_read(file, "others", ARRAY_F32, ROWS, WIDTH, read), EXIT_DATA, "others failed");
    assert_fails(array_file_read(file, "features", ARRAY_F32, ROWS + 1, WIDTH, read), EXIT_DATA,
                 "features is not of 4 rows of 4");
    array_file_close(file);
    free(path);
    scratch_remove(root);
}

static void equal_arrays_give_equal_bytes(void **state) {
    (void)state;
    char *root = scratch_make(), *one = write_file(root, "a.h5"), *two = write_file(root, "b.h5");
    uint8_t *left, *right;
    size_t left_size, right_size;
    scratch_read(root, "a.h5", &left, &left_size);
    scratch_read(root, "b.h5", &right, &right_size);
    assert_int_equal(left_size, right_size);
    assert_memory_equal(left, right, left_size);
    free(left);
    free(right);
    free(one);
    free(two);
    scratch_remove(root);
}

/* Whatever byte is changed, and wherever the file ends. */
static void damage_is_found_before_hdf5_reads(void **state) {
    (void)state;
    char *root = scratch_make(), *path = write_file(root, "a.h5");
    ArrayFile *file;
    uint8_t *bytes;
    size_t size;
    scratch_read(root, "a.h5", &bytes, &size);
    for (size_t i = 0; i < 40; i++) {
        const size_t at = i * (size - 1) / 39;
        bytes[at] ^= 0x10;
        scratch_write(root, "a.h5", bytes, size);
        bytes[at] ^= 0x10;
        assert_fails(array_file_open(path, &file), EXIT_DATA, "its checksum is wrong");
        scratch_write(root, "a.h5", bytes, at);
        assert_fails(array_file_open(path, &file), EXIT_DATA, "its checksum is wrong");
    }
    free(bytes);
    assert_ok(files_remove(path));
    assert_fails(array_file_open(path, &file), EXIT_IO, "a.h5");
    free(path);
    scratch_remove(root);
}

static void a_failed_write_leaves_nothing(void **state) {
    (void)state;
    char *root = scratch_make(), *path = scratch_path(root, "a.h5");
    const ArrayNote stray = {"name", "\xff"};
    assert_fails(array_file_write(path, arrays, 3, &stray, 1), EXIT_DATA, "not UTF-8");
    assert_false(files_exists(path));
    char *nowhere = scratch_path(root, "none/a.h5");
    assert_fails(array_file_write(nowhere, arrays, 3, notes, 3), EXIT_IO, "none/a.h5");
    free(nowhere);
    free(path);
    scratch_remove(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_come_back),
        cmocka_unit_test(equal_arrays_give_equal_bytes),
        cmocka_unit_test(damage_is_found_before_hdf5_reads),
        cmocka_unit_test(a_failed_write_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
