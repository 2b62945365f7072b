/* SPDX-License-Identifier: Apache-2.0 */
/* Run directories as their writer sees them: what is there before a run, the lock, and what a new run leaves of it. */
#include "tests/fixtures/train_fixture.h"

#include "rundir/run_directory.h"

static RunDirectoryState inspect(const RunDirectory *directory) {
    RunDirectoryState state;
    assert_fine(run_directory_inspect(directory, &state));
    return state;
}

static void what_is_there_is_known(void **state) {
    char path[TEMP_PATH * 2], file[TEMP_PATH * 2];
    RunDirectory directory;
    assert_fine(run_directory_open(&directory, temp_path(state, "runs/one", path)));
    assert_int_equal(inspect(&directory), RUN_DIRECTORY_FREE);
    assert_false(files_exists(path)); /* looking makes nothing */
    assert_fine(files_make_directory(path));
    assert_int_equal(inspect(&directory), RUN_DIRECTORY_FREE);
    assert_fine(files_write(temp_path(state, "runs/one/eye.jpg", file), "x", 1));
    assert_int_equal(inspect(&directory), RUN_DIRECTORY_OTHER);
    assert_fine(files_write(directory.config, "", 0));
    assert_int_equal(inspect(&directory), RUN_DIRECTORY_RUN);
    run_directory_close(&directory);

    assert_fine(run_directory_open(&directory, file));
    RunDirectoryState found;
    assert_refused(run_directory_inspect(&directory, &found), EXIT_IO, "cannot use run directory");
    run_directory_close(&directory);
}

static void one_run_writes_at_a_time(void **state) {
    char path[TEMP_PATH * 2], *text;
    size_t size;
    RunDirectory first, second;
    temp_path(state, "runs/locked", path);
    assert_fine(run_directory_open(&first, path));
    assert_fine(run_directory_open(&second, path));
    assert_fine(run_directory_create(&first, "[run]\n", false));
    assert_true(files_exists(first.checkpoints) && files_exists(first.recon));
    for (int replace = 0; replace < 2; replace++)
        assert_refused(run_directory_create(&second, "[other]\n", replace), EXIT_USAGE, "another run is writing to");
    run_directory_close(&second);
    assert_fine(files_read(first.config, &text, &size));
    assert_string_equal(text, "[run]\n");
    free(text);
    run_directory_close(&first);

    assert_fine(run_directory_open(&second, path));
    assert_fine(run_directory_create(&second, "[other]\n", false));
    run_directory_close(&second);
}

static void only_a_replaced_run_is_lost(void **state) {
    char path[TEMP_PATH * 2], left[TEMP_PATH * 2];
    temp_path(state, "runs/replaced", path);
    for (int replace = 0; replace < 2; replace++) {
        RunDirectory directory;
        assert_fine(files_make_directory(path));
        assert_fine(files_write(temp_path(state, "runs/replaced/left", left), "x", 1));
        assert_fine(run_directory_open(&directory, path));
        assert_fine(run_directory_create(&directory, "", replace));
        assert_int_equal(files_exists(left), !replace);
        run_directory_close(&directory);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_known),
        cmocka_unit_test(one_run_writes_at_a_time),
        cmocka_unit_test(only_a_replaced_run_is_lost),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
