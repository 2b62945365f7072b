/* SPDX-License-Identifier: Apache-2.0 */
/* Processes as /proc shows them: this one, a child with a name that looks like fields, and who has a file open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "pool/process.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_process_is_described(void **state) {
    (void)state;
    ForeignProcess process;
    assert_true(process_describe(getpid(), &process));
    assert_int_equal(process.pid, getpid());
    assert_int_equal(process.uid, getuid());
    assert_non_null(strstr(process.command, "test_process"));
    assert_int_equal(process.memory, -1);
    /* btime is in whole seconds */
    assert_true(process.since > clock_date() - 600 && process.since < clock_date() + 2);
    assert_false(process_describe(0, &process));
    assert_false(process_describe(INT32_MAX, &process));
}

/* A name that ends a parenthesis and continues with a field must not shift the start time. */
static void a_name_like_fields_moves_nothing(void **state) {
    (void)state;
    int gate[2];
    assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
    pid_t child = fork();
    if (!child) {
        prctl(PR_SET_NAME, "x) R 1 2 3 (");
        ssize_t ready = write(gate[1], "", 1);
        pause();
        _exit(ready != 1);
    }
    char byte;
    assert_int_equal(read(gate[0], &byte, 1), 1);
    ForeignProcess own, process;
    assert_true(process_describe(getpid(), &own) && process_describe(child, &process));
    assert_true(process.since >= own.since && process.since < clock_date() + 2);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(gate[0]);
    close(gate[1]);
}

typedef struct {
    int own, others;
    const char *path;
} Seen;

static Status take_open(void *context, int64_t pid, const char *path) {
    Seen *seen = context;
    if (pid == getpid() && strcmp(path, seen->path) == 0)
        seen->own++;
    else
        seen->others++;
    return NULL;
}

static void who_has_a_file_open_is_found(void **state) {
    char path[TEMP_PATH * 2], real[PATH_MAX];
    assert_fine(files_write(temp_path(state, "nvidia0", path), "", 0));
    assert_non_null(realpath(path, real));
    Seen seen = {.path = real};
    int hidden;
    assert_fine(process_each_open(real, take_open, &seen, &hidden));
    assert_int_equal(seen.own + seen.others, 0);
    int first = open(path, O_RDONLY | O_CLOEXEC), second = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(first >= 0 && second >= 0);
    assert_fine(process_each_open(real, take_open, &seen, &hidden));
    assert_int_equal(seen.own, 1); /* once, though it is open twice */
    assert_int_equal(seen.others, 0);
    close(first);
    close(second);
}

static void a_user_without_a_name_is_a_number(void **state) {
    (void)state;
    char user[POOL_NAME];
    process_user(0, user);
    assert_string_equal(user, "root");
    process_user(4000000000u, user);
    assert_string_equal(user, "4000000000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_is_described),
        cmocka_unit_test(a_name_like_fields_moves_nothing),
        cmocka_unit_test(who_has_a_file_open_is_found),
        cmocka_unit_test(a_user_without_a_name_is_a_number),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
