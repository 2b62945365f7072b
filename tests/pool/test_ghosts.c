/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a GPU's device open, under which lease; what is swept and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/keeper/ghosts.h"
#include "pool/process.h"
#include "tests/fixtures/attempt.h"

#include <fcntl.h>

static void memory_of_no_process(void **state) {
    (void)state;
    GaugeSample sample = {.known = true, .memory_used = 1000, .process_count = 2};
    sample.processes[0].memory = 300;
    sample.processes[1].memory = 200;
    assert_int_equal(ghosts_memory(&sample, -1), 500);
    assert_int_equal(ghosts_memory(&sample, 100), 400);
    assert_int_equal(ghosts_memory(&sample, 600), 0);
    sample.processes[1].memory = -1;
    assert_int_equal(ghosts_memory(&sample, 0), -1);
    sample.process_count = 1;
    assert_int_equal(ghosts_memory(&sample, 0), 700);
    sample.process_count = GAUGE_PROCESSES + 1;
    assert_int_equal(ghosts_memory(&sample, 0), -1);
    sample.process_count = -1;
    assert_int_equal(ghosts_memory(&sample, 0), -1);
    sample = (GaugeSample){.known = true, .memory_used = -1};
    assert_int_equal(ghosts_memory(&sample, 0), -1);
    sample = (GaugeSample){.memory_used = 5};
    assert_int_equal(ghosts_memory(&sample, 0), -1);
}

/* Processes that hold devices: under a valid lease, a lost one, of another epoch, of another pool, under none. */
enum { VALID, LOST, EPOCH, POOL, MALFORMED, NONE, HOLDERS };

static pid_t start_holder(const char *lease, const char *const *devices) {
    const pid_t pid = fork();
    if (pid == 0) {
        char *arguments[] = {"sleep", "1000", NULL}, *environment[] = {(char *)lease, NULL};
        for (int i = 0; devices[i]; i++)
            if (open(devices[i], O_RDWR) < 0)
                _exit(1);
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

static const GhostHolder *find_holder(const GhostHolders *holders, pid_t pid) {
    for (int64_t i = 0; i < holders->count; i++)
        if (holders->list[i].process.pid == pid)
            return &holders->list[i];
    return NULL;
}

static void leases_of_this_pool_alone(void **state) {
    char pool[TEMP_PATH * 2], folder[TEMP_PATH * 3], file[TEMP_PATH * 4], lease[HOLDERS][TEMP_PATH * 8];
    char devices[TEMP_PATH * 2], node[2][TEMP_PATH * 3], wanted[TEMP_PATH * 8];
    pid_t pids[HOLDERS];
    temp_path(state, "pool", pool);
    temp_path(state, "dev-nvidia", devices);
    snprintf(folder, sizeof folder, "%s/leases", pool);
    assert_fine(files_make_directory(folder));
    snprintf(file, sizeof file, "%s/7", folder);
    assert_fine(files_write(file, "12\n", 3));
    for (int i = 0; i < 2; i++) {
        snprintf(node[i], sizeof node[i], "%s%d", devices, i);
        assert_fine(files_write(node[i], "", 0));
    }
    snprintf(lease[VALID], sizeof lease[0], "FOVEA_LEASE=%s/7:12", folder);
    snprintf(lease[LOST], sizeof lease[0], "FOVEA_LEASE=%s/8:12", folder);
    snprintf(lease[EPOCH], sizeof lease[0], "FOVEA_LEASE=%s/7:11", folder);
    snprintf(lease[POOL], sizeof lease[0], "FOVEA_LEASE=%s2/leases/7:11", pool);
    snprintf(lease[MALFORMED], sizeof lease[0], "FOVEA_LEASE=%s/7:11x", folder);
    snprintf(lease[NONE], sizeof lease[0], "MY_FOVEA_LEASE=%s/7:11", folder);
    for (int i = 0; i < HOLDERS; i++)
        pids[i] = start_holder(lease[i], (const char *[]){node[0], i == EPOCH ? node[1] : NULL, NULL});
    for (int i = 0; i < HOLDERS; i++)
        await_command(pids[i]);

    GhostHolders holders;
    assert_fine(ghosts_find(pool, devices, &holders));
    assert_int_equal(holders.count, HOLDERS);
    for (int i = 0; i < HOLDERS; i++) {
        const GhostHolder *holder = find_holder(&holders, pids[i]);
        assert_non_null(holder);
        const bool ours = i == VALID || i == LOST || i == EPOCH;
        assert_int_equal(holder->job, ours ? i == LOST ? 8 : 7 : 0);
        assert_int_equal(holder->epoch, ours ? i == EPOCH ? 11 : 12 : 0);
        assert_int_equal(holder->valid, i == VALID);
        assert_string_equal(holder->process.command, "sleep 1000");
        snprintf(wanted, sizeof wanted, i == EPOCH ? "%s %s" : "%s", node[0], node[1]);
        assert_string_equal(holder->devices, wanted);
    }
    ghosts_free(&holders);

    int killed, left;
    assert_fine(ghosts_sweep(pool, &killed, &left));
    assert_int_equal(killed, 2);
    assert_int_equal(left, 0);
    for (int i = 0; i < HOLDERS; i++)
        assert_int_equal(is_gone(pids[i]), i == LOST || i == EPOCH);
    assert_fine(ghosts_sweep(pool, &killed, &left));
    assert_int_equal(killed, 0);
    for (int i = 0; i < HOLDERS; i++) {
        kill(pids[i], SIGKILL);
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_no_process),
        cmocka_unit_test(leases_of_this_pool_alone),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
