/* SPDX-License-Identifier: Apache-2.0 */
/* What is swept and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/keeper/ghosts.h"
#include "pool/process.h"
#include "tests/fixtures/attempt.h"

#include <sys/prctl.h>

/* Processes under a valid lease, a lost one, of another epoch, of another pool, one of which nothing is known, none. */
enum { VALID, LOST, EPOCH, POOL, MALFORMED, FOLDER, NONE, PROCESSES };

static pid_t start_process(const char *lease) {
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test fail */
        char *arguments[] = {"sleep", "1000", NULL}, *environment[] = {(char *)lease, NULL};
        execve("/bin/sleep", arguments, environment);
        _exit(1);
    }
    assert_true(pid > 0);
    return pid;
}

/* Until it has become its command, and with that its environment. */
static void await_command(pid_t pid) {
    ForeignProcess process;
    for (const double start = clock_now(); !process_describe(pid, &process) || strncmp(process.command, "sleep", 5);
         trial_pause())
        assert_true(clock_now() - start < TRIAL_PATIENCE);
}

static void leases_of_this_pool_alone(void **state) {
    char pool[TEMP_PATH * 2], folder[TEMP_PATH * 3], file[TEMP_PATH * 4], lease[PROCESSES][TEMP_PATH * 8];
    pid_t pids[PROCESSES];
    temp_path(state, "pool", pool);
    snprintf(folder, sizeof folder, "%s/leases", pool);
    assert_fine(files_make_directory(folder));
    snprintf(file, sizeof file, "%s/7", folder);
    assert_fine(files_write(file, "12\n", 3));
    snprintf(lease[VALID], sizeof lease[0], "FOVEA_LEASE=%s/7:12", folder);
    snprintf(lease[LOST], sizeof lease[0], "FOVEA_LEASE=%s/8:12", folder);
    snprintf(lease[EPOCH], sizeof lease[0], "FOVEA_LEASE=%s/7:11", folder);
    snprintf(lease[POOL], sizeof lease[0], "FOVEA_LEASE=%s2/leases/7:11", pool);
    snprintf(lease[MALFORMED], sizeof lease[0], "FOVEA_LEASE=%s/7:11x", folder);
    snprintf(lease[FOLDER], sizeof lease[0], "FOVEA_LEASE=%s/9:12", folder); /* cannot be read */
    snprintf(file, sizeof file, "%s/9", folder);
    assert_fine(files_make_directory(file));
    snprintf(lease[NONE], sizeof lease[0], "MY_FOVEA_LEASE=%s/7:11", folder);
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = start_process(lease[i]);
    for (int i = 0; i < PROCESSES; i++)
        await_command(pids[i]);
    int killed, left;
    assert_fine(ghosts_sweep(pool, &killed, &left));
    assert_int_equal(killed, 2);
    assert_int_equal(left, 0);
    for (int i = 0; i < PROCESSES; i++)
        assert_int_equal(is_gone(pids[i]), i == LOST || i == EPOCH);
    assert_fine(ghosts_sweep(pool, &killed, &left));
    assert_int_equal(killed, 0);
    for (int i = 0; i < PROCESSES; i++) {
        kill(pids[i], SIGKILL);
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leases_of_this_pool_alone),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
