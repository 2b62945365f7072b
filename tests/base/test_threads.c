/* SPDX-License-Identifier: Apache-2.0 */
/* Worker threads: how many the scheduler and the control groups allow, and that signals stay with the main thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/threads.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

/* Writes a file of the simulated /proc and /sys. */
static void put(void **state, const char *root, const char *name, const char *text) {
    char relative[TEMP_PATH], path[TEMP_PATH * 2], folder[TEMP_PATH * 2];
    snprintf(relative, sizeof relative, "%s%s", root, name);
    snprintf(folder, sizeof folder, "%s", temp_path(state, relative, path));
    *strrchr(folder, '/') = '\0';
    assert_fine(files_make_directory(folder));
    assert_fine(files_write(path, text, strlen(text)));
}

static int available(void **state, const char *root) {
    char path[TEMP_PATH * 2];
    return threads_available_in(temp_path(state, root, path));
}

static int own_cores(void) {
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    return CPU_COUNT(&set);
}

static int least(int a, int b) {
    return a < b ? a : b;
}

static void the_affinity_counts(void **state) {
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(available(state, "nothing"), CPU_COUNT(&before));
    assert_true(threads_available() >= 1 && threads_available() <= CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE && !CPU_COUNT(&one); core++)
        if (CPU_ISSET(core, &before))
            CPU_SET(core, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    const int alone = threads_available();
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(alone, 1);
}

static void a_quota_of_version_2_counts(void **state) {
    const int cores = own_cores();
    put(state, "v2", "/proc/self/cgroup", "0::/slurm/job_7/step_0\n");
    put(state, "v2", "/sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "max 100000\n");
    assert_int_equal(available(state, "v2"), cores);
    put(state, "v2", "/sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "100000 100000\n");
    assert_int_equal(available(state, "v2"), 1);
    put(state, "v2", "/sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "20000 100000\n");
    assert_int_equal(available(state, "v2"), 1);
    put(state, "v2", "/sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "150000 100000\n");
    assert_int_equal(available(state, "v2"), least(cores, 2));
    put(state, "v2", "/sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "900000000 100000\n");
    assert_int_equal(available(state, "v2"), cores);
}

static void a_group_above_limits_those_below(void **state) {
    put(state, "above", "/proc/self/cgroup", "0::/slurm/job_7/step_0\n");
    put(state, "above", "/sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "900000000 100000\n");
    put(state, "above", "/sys/fs/cgroup/slurm/cpu.max", "50000 100000\n");
    assert_int_equal(available(state, "above"), 1);
    /* A container sees its own group as the root, but the path is the host's. */
    put(state, "container", "/proc/self/cgroup", "0::/docker/0123abcd\n");
    put(state, "container", "/sys/fs/cgroup/cpu.max", "100000 100000\n");
    assert_int_equal(available(state, "container"), 1);
}

static void a_quota_of_version_1_counts(void **state) {
    const int cores = own_cores();
    put(state, "v1", "/proc/self/cgroup", "11:cpuset:/a\n4:cpu,cpuacct:/batch\n1:name=systemd:/x\n0::/\n");
    put(state, "v1", "/sys/fs/cgroup/cpu/batch/cpu.cfs_quota_us", "-1\n");
    put(state, "v1", "/sys/fs/cgroup/cpu/batch/cpu.cfs_period_us", "100000\n");
    assert_int_equal(available(state, "v1"), cores);
    put(state, "v1", "/sys/fs/cgroup/cpu/batch/cpu.cfs_quota_us", "100000\n");
    assert_int_equal(available(state, "v1"), 1);
    put(state, "v1", "/proc/self/cgroup", "4:cpuset,cpuacct:/batch\n");
    assert_int_equal(available(state, "v1"), cores); /* that group does not limit the time */
}

static void broken_settings_limit_nothing(void **state) {
    const int cores = own_cores();
    static const char *const broken[] = {"", "max", "x y\n", "0 100000\n", "100000 0\n", "-5 100000\n"};
    put(state, "broken", "/proc/self/cgroup", "0::/\n");
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        put(state, "broken", "/sys/fs/cgroup/cpu.max", broken[i]);
        assert_int_equal(available(state, "broken"), cores);
    }
    put(state, "broken", "/sys/fs/cgroup/cpu.max", "50000 100000\n");
    put(state, "broken", "/proc/self/cgroup", "no colons\n0:one\n\n");
    assert_int_equal(available(state, "broken"), cores);
}

typedef struct {
    atomic_int ran, open_to_signals;
} Seen;

static void *look_at_mask(void *argument) {
    Seen *seen = argument;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    seen->open_to_signals += !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGUSR1);
    seen->ran++;
    return NULL;
}

static void threads_start_with_signals_blocked(void **state) {
    (void)state;
    enum { COUNT = 5 };
    Seen seen = {0};
    Threads threads;
    sigset_t blocked;
    assert_fine(threads_start(&threads, COUNT, "a test", look_at_mask, &seen));
    assert_int_equal(threads.count, COUNT);
    threads_join(&threads);
    assert_int_equal(seen.ran, COUNT);
    assert_int_equal(seen.open_to_signals, 0);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGTERM));
    assert_fine(threads_start(&threads, 0, "nothing", look_at_mask, &seen));
    threads_join(&threads);
    assert_int_equal(seen.ran, COUNT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_affinity_counts),
        cmocka_unit_test(a_quota_of_version_2_counts),
        cmocka_unit_test(a_group_above_limits_those_below),
        cmocka_unit_test(a_quota_of_version_1_counts),
        cmocka_unit_test(broken_settings_limit_nothing),
        cmocka_unit_test(threads_start_with_signals_blocked),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
