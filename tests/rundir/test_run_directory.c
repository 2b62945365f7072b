/* SPDX-License-Identifier: Apache-2.0 */
/* Run directories as their writer sees them: what is there before a run, the lock, and what a new run leaves of it. */
#include "tests/fixtures/train_fixture.h"

#include "rundir/run_directory.h"

#include <sys/stat.h>
#include <unistd.h>

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
    assert_fine(files_write(directory.config, "", 0)); /* many programs have one */
    assert_int_equal(inspect(&directory), RUN_DIRECTORY_OTHER);
    assert_fine(files_write(directory.record, "{\"status\": \"done\"}", 18)); /* and some a run.json */
    assert_int_equal(inspect(&directory), RUN_DIRECTORY_OTHER);
    static const char record[] = "{\"status\": \"running\", \"config_hash\": \"0123456789abcdef\"}";
    assert_fine(files_write(directory.record, record, sizeof record - 1));
    assert_int_equal(inspect(&directory), RUN_DIRECTORY_RUN);
    assert_fine(files_remove(directory.record));
    assert_fine(files_make_directory(directory.checkpoints));
    assert_int_equal(inspect(&directory), RUN_DIRECTORY_OTHER);
    assert_fine(files_remove(file)); /* a run's own files alone: it was killed as it began */
    assert_int_equal(inspect(&directory), RUN_DIRECTORY_RUN);
    assert_fine(files_write(file, "x", 1));
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

static const char *const written[] = {
    "config.ini",
    "run.json",
    "metrics.jsonl",
    "tune.json",
    "curve.svg",
    "curve.svg.tmp-12-345",
    "events.out.tfevents.1700000000",
    "recon/step-3.png",
    "recon/step-3.png.tmp-1-1",
    "ckpt/step-3/checksums",
    "ckpt/step-3/weights.safetensors",
    "ckpt/step-6.old/state.json",
    "ckpt/.step-9.part/optimizer.safetensors",
    "ckpt/.step-6.old.part/fp8.safetensors",
};
static const char *const others[] = {
    "notes.txt",
    "config.ini.bak",
    "run.json~",
    "x.tmp-1",
    "curve.svg.tmp-",
    "events.out.tfevents.1700000000.another-program",
    "data/eye.jpg",
    "recon/best.png",
    "recon/step-3.png.txt",
    "recon/step-x.png",
    "ckpt/step-3/notes.txt",
    "ckpt/step-7b/weights.safetensors",
    "ckpt/step-/weights.safetensors",
    "ckpt/model.pt",
};

/* Makes `name` with the folders above it. */
static void make_file(const char *root, const char *name) {
    char path[TEMP_PATH * 4];
    snprintf(path, sizeof path, "%s/%s", root, name);
    *strrchr(path, '/') = '\0';
    assert_fine(files_make_directory(path));
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_fine(files_write(path, "x", 1));
}

static bool is_in(const char *root, const char *name) {
    char path[TEMP_PATH * 4];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", root, name);
    return lstat(path, &st) == 0;
}

static void only_what_a_run_wrote_is_replaced(void **state) {
    char real[TEMP_PATH * 2], link[TEMP_PATH * 2], far[TEMP_PATH * 2], text[TEMP_PATH * 4];
    RunDirectory directory;
    temp_path(state, "runs/replaced", real);
    temp_path(state, "runs/far", far);
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        make_file(real, written[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        make_file(real, others[i]);
    /* Both the directory and its checkpoints are used through links. */
    snprintf(text, sizeof text, "%s/ckpt", real);
    assert_int_equal(rename(text, far), 0);
    assert_int_equal(symlink(far, text), 0);
    assert_int_equal(symlink(real, temp_path(state, "runs/link", link)), 0);
    snprintf(text, sizeof text, "%s/latest", far);
    assert_int_equal(symlink("step-3", text), 0);
    make_file(far, "best"); /* no link, so it is not a run's */

    assert_fine(run_directory_open(&directory, link));
    assert_fine(run_directory_create(&directory, "[run]\n", true));
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        if (is_in(real, written[i]) != (i == 0))
            fail_msg("%s", written[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!is_in(real, others[i]))
            fail_msg("%s", others[i]);
    assert_true(is_in(far, "best") && is_in(far, "step-3") && !is_in(far, "latest"));
    assert_false(is_in(far, "step-6.old") || is_in(far, ".step-9.part") || is_in(far, ".step-6.old.part"));
    struct stat st;
    assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    assert_true(lstat(directory.checkpoints, &st) == 0 && S_ISLNK(st.st_mode));
    run_directory_close(&directory);
}

static void a_run_that_goes_on_loses_nothing(void **state) {
    char path[TEMP_PATH * 2];
    RunDirectory directory;
    temp_path(state, "runs/resumed", path);
    make_file(path, "ckpt/step-3/weights.safetensors");
    make_file(path, "metrics.jsonl");
    assert_fine(run_directory_open(&directory, path));
    assert_fine(run_directory_create(&directory, "", false));
    assert_true(is_in(path, "metrics.jsonl") && is_in(path, "ckpt/step-3/weights.safetensors"));
    run_directory_close(&directory);
}

static void shared_folders_are_known(void **state) {
    char here[TEMP_PATH * 2], path[TEMP_PATH * 2], home[TEMP_PATH * 2];
    assert_non_null(getcwd(here, sizeof here));
    assert_fine(files_make_directory(temp_path(state, "above/here/below", path)));
    assert_fine(files_make_directory(temp_path(state, "home/user", home)));
    assert_int_equal(chdir(temp_path(state, "above/here", path)), 0);
    setenv("HOME", home, 1);
    assert_int_equal(symlink(path, temp_path(state, "link", home)), 0);
    static const struct {
        const char *path;
        bool shared;
    } cases[] = {{".", true},
                 {"/", true},
                 {"..", true},
                 {"../here/.", true},
                 {"../../link", true},
                 {"../../home", true},
                 {"../../home/user/", true},
                 {"below", false},
                 {"../../home/use", false},
                 {"none", false},
                 {"../other", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RunDirectory directory;
        assert_fine(run_directory_open(&directory, cases[i].path));
        if (run_directory_is_shared(&directory) != cases[i].shared)
            fail_msg("%s", cases[i].path);
        run_directory_close(&directory);
    }
    assert_int_equal(chdir(here), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_known),
        cmocka_unit_test(one_run_writes_at_a_time),
        cmocka_unit_test(only_what_a_run_wrote_is_replaced),
        cmocka_unit_test(a_run_that_goes_on_loses_nothing),
        cmocka_unit_test(shared_folders_are_known),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
