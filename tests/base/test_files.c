/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* This program's own write, fsync and rename override the C library's, so that they can fail on demand. */
static struct {
    size_t largest;     /* bytes requested in one write */
    int interrupts;     /* EINTR this many times first */
    size_t short_write; /* at most this many bytes a write; 0: all */
    long full_after;    /* ENOSPC once this many bytes are written; -1: never */
    int fsync_error, rename_error;
    int fsyncs;
} faults = {.full_after = -1};

static int faults_clear(void **state) {
    (void)state;
    memset(&faults, 0, sizeof faults);
    faults.full_after = -1;
    return 0;
}

ssize_t write(int descriptor, const void *data, size_t size) {
    if (size > faults.largest)
        faults.largest = size;
    if (faults.interrupts > 0) {
        faults.interrupts--;
        errno = EINTR;
        return -1;
    }
    if (faults.short_write && size > faults.short_write)
        size = faults.short_write;
    if (faults.full_after >= 0) {
        if (faults.full_after == 0) {
            errno = ENOSPC;
            return -1;
        }
        if (size > (size_t)faults.full_after)
            size = (size_t)faults.full_after;
        faults.full_after -= (long)size;
    }
    return syscall(SYS_write, descriptor, data, size);
}

int fsync(int descriptor) {
    faults.fsyncs++;
    if (faults.fsync_error) {
        errno = faults.fsync_error;
        return -1;
    }
    return (int)syscall(SYS_fsync, descriptor);
}

int rename(const char *from, const char *to) {
    if (faults.rename_error) {
        errno = faults.rename_error;
        return -1;
    }
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static void assert_holds(const char *path, const void *wanted, size_t wanted_size) {
    char *data;
    size_t size;
    assert_fine(files_read(path, &data, &size));
    assert_int_equal(size, wanted_size);
    assert_memory_equal(data, wanted, wanted_size);
    assert_int_equal(data[size], '\0');
    free(data);
}

static int entries(const char *path) {
    DIR *directory = opendir(path);
    assert_non_null(directory);
    int count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2;
}

static void directories_are_made_with_their_parents(void **state) {
    char path[TEMP_PATH * 2];
    faults.fsyncs = 0;
    assert_fine(files_make_directory(temp_path(state, "a/b//c/", path)));
    assert_int_equal(faults.fsyncs, 3); /* each new name, in the directory that it is in */
    assert_fine(files_make_directory(path));
    assert_int_equal(faults.fsyncs, 3);
    assert_true(files_exists(path));
    assert_fine(files_make_directory(path));
    assert_fine(files_make_directory("/"));
    assert_fine(files_make_directory("."));
}

static void a_directory_that_cannot_be_made_is_named(void **state) {
    char path[TEMP_PATH * 2];
    assert_fine(files_write(temp_path(state, "plain", path), "x", 1));
    assert_refused(files_make_directory(path), EXIT_IO, path);
    assert_refused(files_make_directory(temp_path(state, "plain/below", path)), EXIT_IO, "Not a directory");
    assert_refused(files_make_directory("/proc/no-such/below"), EXIT_IO, "/proc/no-such");
    assert_refused(files_make_directory(""), EXIT_IO, "create directory");
}

static void a_file_reads_back_as_written(void **state) {
    char path[TEMP_PATH * 2];
    static const char bytes[] = "one\0two\n";
    assert_fine(files_write(temp_path(state, "bytes", path), bytes, sizeof bytes));
    assert_holds(path, bytes, sizeof bytes);
    assert_fine(files_write(path, "", 0));
    assert_holds(path, "", 0);
    assert_fine(files_write_new(path, bytes, 6));
    assert_fine(files_write_new(path, bytes, 3)); /* an existing file is emptied first */
    assert_holds(path, bytes, 3);

    /* Files whose size is not known beforehand. */
    char *data;
    size_t size;
    assert_fine(files_read("/proc/self/maps", &data, &size));
    assert_true(size > 0 && strlen(data) == size);
    free(data);
}

static void a_missing_or_unreadable_file_is_named(void **state) {
    char path[TEMP_PATH * 2];
    char *data = (char *)1;
    size_t size;
    assert_false(files_exists(temp_path(state, "none", path)));
    assert_refused(files_read(path, &data, &size), EXIT_IO, path);
    assert_null(data);
    assert_refused(files_read(path, &data, &size), EXIT_IO, "No such file");
    assert_refused(files_read(((Temp *)*state)->root, &data, &size), EXIT_IO, "directory");
    assert_refused(files_write(temp_path(state, "none/below", path), "x", 1), EXIT_IO, path);
    assert_refused(files_write_new(path, "x", 1), EXIT_IO, path);
}

static void replacing_a_file_leaves_the_old_or_the_new(void **state) {
    char directory[TEMP_PATH * 2], path[TEMP_PATH * 2];
    assert_fine(files_make_directory(temp_path(state, "replace", directory)));
    temp_path(state, "replace/file", path);
    assert_fine(files_write(path, "old", 3));
    int open_before = open(path, O_RDONLY);
    assert_true(open_before >= 0);

    faults.full_after = 2;
    assert_refused(files_write(path, "newer", 5), EXIT_IO, "disk full");
    assert_holds(path, "old", 3);
    faults.full_after = -1;
    faults.fsync_error = EIO;
    assert_refused(files_write(path, "newer", 5), EXIT_IO, path);
    assert_holds(path, "old", 3);
    faults.fsync_error = 0;
    faults.rename_error = EACCES;
    assert_refused(files_write(path, "newer", 5), EXIT_IO, path);
    assert_holds(path, "old", 3);
    faults.rename_error = 0;
    assert_int_equal(entries(directory), 1); /* nothing unfinished is left */

    faults.fsyncs = 0;
    assert_fine(files_write(path, "newer", 5));
    assert_int_equal(faults.fsyncs, 2); /* the file, then the directory that names it */
    assert_holds(path, "newer", 5);
    assert_int_equal(entries(directory), 1);
    char old[4] = {0};
    assert_int_equal(read(open_before, old, 3), 3);
    assert_string_equal(old, "old"); /* who had it open still reads the old content: it was not overwritten in place */
    close(open_before);
}

static void a_new_file_that_cannot_be_finished_is_removed(void **state) {
    char path[TEMP_PATH * 2];
    faults.full_after = 1;
    assert_refused(files_write_new(temp_path(state, "cut", path), "four", 4), EXIT_IO, path);
    assert_false(files_exists(path));
    faults.full_after = -1;
    faults.fsync_error = ENOSPC;
    assert_refused(files_write_new(path, "four", 4), EXIT_IO, "disk full");
    assert_false(files_exists(path));
}

static void writes_go_in_pieces_past_interrupts(void **state) {
    enum { SIZE = (5 << 20) / 2 };
    char path[TEMP_PATH * 2];
    char *data = malloc(SIZE);
    assert_non_null(data);
    for (int i = 0; i < SIZE; i++)
        data[i] = (char)(i * 31 + (i >> 12));
    assert_fine(files_write_new(temp_path(state, "large", path), data, SIZE));
    assert_int_equal(faults.largest, 1 << 20);
    assert_holds(path, data, SIZE);
    faults.interrupts = 3;
    faults.short_write = 70001;
    assert_fine(files_write_new(path, data, SIZE));
    assert_int_equal(faults.interrupts, 0);
    assert_holds(path, data, SIZE);
    free(data);
}

static void a_full_disk_is_called_so(void **state) {
    (void)state;
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    assert_refused(files_write_all(full, "ckpt/weights", "x", 1), EXIT_IO, "disk full: cannot write ckpt/weights");
    assert_refused(files_write_all(full, "ckpt/weights", "x", 1), EXIT_IO, "free space");
    close(full);
    assert_refused(files_write_all(-1, "ckpt/weights", "x", 1), EXIT_IO, "ckpt/weights: Bad file descriptor");
}

/* A device is written to but never removed, even where its directory would let us. */
static void a_special_file_stays(void **state) {
    char path[TEMP_PATH * 2];
    assert_int_equal(mkfifo(temp_path(state, "pipe", path), 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    faults.full_after = 0;
    assert_refused(files_write_new(path, "x", 1), EXIT_IO, "disk full");
    assert_true(files_exists(path));
    close(reader);
}

static void links_are_replaced_whole(void **state) {
    char path[TEMP_PATH * 2], target[16] = {0};
    assert_fine(files_link("step-1", temp_path(state, "latest", path)));
    assert_fine(files_link("step-22", path));
    assert_int_equal(readlink(path, target, sizeof target - 1), 7);
    assert_string_equal(target, "step-22");
    assert_refused(files_link("x", temp_path(state, "none/latest", path)), EXIT_IO, path);
}

static void renaming_moves_and_syncs_the_directory(void **state) {
    char from[TEMP_PATH * 2], to[TEMP_PATH * 2];
    assert_fine(files_make_directory(temp_path(state, "part", from)));
    faults.fsyncs = 0;
    assert_fine(files_rename(from, temp_path(state, "whole/", to)));
    assert_int_equal(faults.fsyncs, 1);
    assert_true(files_exists(to) && !files_exists(from));
    assert_refused(files_rename(from, to), EXIT_IO, from);
    faults.fsync_error = EIO;
    assert_refused(files_sync_directory(to), EXIT_IO, to);
    faults.fsync_error = EINVAL; /* file systems that cannot sync a directory */
    assert_fine(files_sync_directory(to));
    assert_refused(files_sync_directory(from), EXIT_IO, from);
}

static void removing_takes_all_below_but_follows_no_link(void **state) {
    char path[TEMP_PATH * 2], kept[TEMP_PATH * 2], link_path[TEMP_PATH * 2];
    assert_fine(files_make_directory(temp_path(state, "kept", kept)));
    assert_fine(files_write(temp_path(state, "kept/file", path), "x", 1));
    assert_fine(files_make_directory(temp_path(state, "tree/a/b", path)));
    assert_fine(files_write(temp_path(state, "tree/a/b/file", path), "x", 1));
    assert_int_equal(symlink(kept, temp_path(state, "tree/a/link", link_path)), 0);
    assert_fine(files_remove(temp_path(state, "tree", path)));
    assert_false(files_exists(path));
    assert_true(files_exists(temp_path(state, "kept/file", path)));
    assert_fine(files_remove(path));
    assert_fine(files_remove(path)); /* a missing one is fine */
    assert_refused(files_remove("/proc/self/status"), EXIT_IO, "/proc/self/status");
}

static void paths_are_printed(void **state) {
    (void)state;
    char *path;
    assert_fine(files_path(&path, "%s/step-%d", "ckpt", 12));
    assert_string_equal(path, "ckpt/step-12");
    free(path);
}

static void what_a_killed_write_left_is_removed(void **state) {
    char path[TEMP_PATH * 2], root[TEMP_PATH * 2];
    snprintf(root, sizeof root, "%s", temp_path(state, "left", path));
    assert_null(files_make_directory(root));
    assert_null(files_write(temp_path(state, "left/run.json", path), "{}", 2));
    assert_null(files_write_new(temp_path(state, "left/run.json.tmp-12-34", path), "{", 1));
    assert_null(files_write_new(temp_path(state, "left/config.ini.tmp-1-2", path), "", 0));
    assert_null(files_remove_unfinished(root));
    assert_true(files_exists(temp_path(state, "left/run.json", path)));
    assert_false(files_exists(temp_path(state, "left/run.json.tmp-12-34", path)));
    assert_false(files_exists(temp_path(state, "left/config.ini.tmp-1-2", path)));
    Status status = files_remove_unfinished(temp_path(state, "nowhere", path));
    assert_int_equal(status_code(status), EXIT_IO);
    status_free(status);
}

#define TEST(name) cmocka_unit_test_setup(name, faults_clear)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(directories_are_made_with_their_parents),
        TEST(a_directory_that_cannot_be_made_is_named),
        TEST(a_file_reads_back_as_written),
        TEST(a_missing_or_unreadable_file_is_named),
        TEST(replacing_a_file_leaves_the_old_or_the_new),
        TEST(a_new_file_that_cannot_be_finished_is_removed),
        TEST(writes_go_in_pieces_past_interrupts),
        TEST(a_full_disk_is_called_so),
        TEST(a_special_file_stays),
        TEST(links_are_replaced_whole),
        TEST(renaming_moves_and_syncs_the_directory),
        TEST(removing_takes_all_below_but_follows_no_link),
        TEST(what_a_killed_write_left_is_removed),
        TEST(paths_are_printed),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
