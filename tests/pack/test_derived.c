/* SPDX-License-Identifier: Apache-2.0 */
/* The list of files that were made of a pack's images. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pack/derived.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

/* The list of the pack `name`; the caller's. */
static char *read_list(void **state, const char *name) {
    char path[TEMP_PATH * 2], file[TEMP_PATH], *text;
    size_t size;
    snprintf(file, sizeof file, "%s/derived.tsv", name);
    assert_fine(files_read(temp_path(state, file, path), &text, &size));
    return text;
}

static void files_are_listed_once_by_their_whole_paths(void **state) {
    char pack[TEMP_PATH * 2], file[TEMP_PATH * 2], wanted[3 * PATH_MAX], real[PATH_MAX];
    assert_fine(files_make_directory(temp_path(state, "pack", pack)));
    assert_fine(files_make_directory(temp_path(state, "run/recon", file)));
    assert_int_equal(symlink("recon", temp_path(state, "run/link", file)), 0);
    static const char *const names[] = {"run/recon/step-2.png", "run/recon/../recon/step-2.png", "run/link/step-2.png",
                                        "run/recon/step-22.png", "run/recon/step-2.png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_fine(pack_derived_add(pack, temp_path(state, names[i], file)));
    assert_non_null(realpath(((Temp *)*state)->root, real));
    snprintf(wanted, sizeof wanted, "%s/run/recon/step-2.png\n%s/run/recon/step-22.png\n", real, real);
    char *text = read_list(state, "pack");
    assert_string_equal(text, wanted);
    free(text);
    assert_refused(pack_derived_add(pack, temp_path(state, "none/x.png", file)), EXIT_IO, "no such folder");
}

static void a_line_that_was_cut_short_stays_apart(void **state) {
    char pack[TEMP_PATH * 2], file[TEMP_PATH * 2];
    assert_fine(files_make_directory(temp_path(state, "cut", pack)));
    assert_fine(files_write(temp_path(state, "cut/derived.tsv", file), "/a/b", 4));
    assert_fine(pack_derived_add(pack, "/c\td"));
    char *text = read_list(state, "cut");
    assert_string_equal(text, "/a/b\n//c\\td\n");
    free(text);
}

static void no_process_loses_the_line_of_another(void **state) {
    enum { PROCESSES = 4, LINES = 25 };
    char pack[TEMP_PATH * 2];
    assert_fine(files_make_directory(temp_path(state, "shared", pack)));
    for (int p = 0; p < PROCESSES; p++) {
        fflush(NULL);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child)
            continue;
        Status status = NULL;
        for (int i = 0; i < LINES && !status; i++) {
            char name[64];
            snprintf(name, sizeof name, "/tmp/%d-%d.png", p, i);
            status = pack_derived_add(pack, name);
        }
        _exit(status ? 1 : 0);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int reason;
        assert_true(wait(&reason) > 0);
        assert_int_equal(reason, 0);
    }
    char *text = read_list(state, "shared");
    int lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, PROCESSES * LINES);
    free(text);
}

static void a_pack_that_cannot_be_written_is_known(void **state) {
    char pack[TEMP_PATH * 2];
    assert_fine(files_make_directory(temp_path(state, "open", pack)));
    assert_fine(pack_derived_check(pack));
    assert_refused(pack_derived_check(temp_path(state, "missing", pack)), EXIT_IO, "cannot write");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_listed_once_by_their_whole_paths),
        cmocka_unit_test(a_line_that_was_cut_short_stays_apart),
        cmocka_unit_test(no_process_loses_the_line_of_another),
        cmocka_unit_test(a_pack_that_cannot_be_written_is_known),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
