/* SPDX-License-Identifier: Apache-2.0 */
/* The host's memory within the limits of control groups, of simulated machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/host_memory.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

static const int64_t MB = 1024 * 1024;

/* Writes a file of the simulated /proc and /sys. */
static void put(void **state, const char *root, const char *name, const char *text) {
    char relative[TEMP_PATH], path[TEMP_PATH * 2], folder[TEMP_PATH * 2];
    snprintf(relative, sizeof relative, "%s%s", root, name);
    snprintf(folder, sizeof folder, "%s", temp_path(state, relative, path));
    *strrchr(folder, '/') = '\0';
    assert_fine(files_make_directory(folder));
    assert_fine(files_write(path, text, strlen(text)));
}

static void assert_memory(void **state, const char *root, int64_t total, int64_t available) {
    char path[TEMP_PATH * 2];
    HostMemory memory;
    host_memory_read_in(temp_path(state, root, path), &memory);
    assert_int_equal(memory.total, total);
    assert_int_equal(memory.available, available);
}

static void the_machine_has_some(void **state) {
    put(state, "plain", "/proc/meminfo", "MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable:    1024 kB\nHugePages: 7\n");
    assert_memory(state, "plain", 2 * MB, MB);
    HostMemory memory;
    host_memory_read(&memory);
    assert_true(memory.total > 0 && memory.available > 0 && memory.available <= memory.total);
}

static void without_proc_nothing_is_known(void **state) {
    assert_memory(state, "nothing", -1, -1);
    put(state, "broken", "/proc/meminfo", "MemTotal: much\nMemAvailable: -3 kB\n");
    assert_memory(state, "broken", -1, -1);
    put(state, "broken", "/proc/meminfo", "MemTotal: 9223372036854775807 kB\n");
    assert_memory(state, "broken", -1, -1);
}

static void limits_of_version_2_count(void **state) {
    put(state, "v2", "/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n");
    put(state, "v2", "/proc/self/cgroup", "0::/slurm/job\n");
    put(state, "v2", "/sys/fs/cgroup/slurm/job/memory.max", "max\n");
    put(state, "v2", "/sys/fs/cgroup/slurm/job/memory.current", "1048576\n");
    assert_memory(state, "v2", 1024 * MB, 512 * MB);
    put(state, "v2", "/sys/fs/cgroup/slurm/job/memory.max", "104857600\n");
    assert_memory(state, "v2", 100 * MB, 99 * MB);
    /* What gives way is available; so much that nothing is left is none. */
    put(state, "v2", "/sys/fs/cgroup/slurm/job/memory.current", "94371840\n");
    put(state, "v2", "/sys/fs/cgroup/slurm/job/memory.stat", "anon 7\nactive_file 1048576\ninactive_file 20971520\n");
    assert_memory(state, "v2", 100 * MB, 31 * MB);
    put(state, "v2", "/sys/fs/cgroup/slurm/job/memory.current", "209715200\n");
    assert_memory(state, "v2", 100 * MB, 0);
    /* The group above is tighter. */
    put(state, "v2", "/sys/fs/cgroup/slurm/memory.max", "52428800\n");
    put(state, "v2", "/sys/fs/cgroup/slurm/job/memory.current", "1048576\n");
    put(state, "v2", "/sys/fs/cgroup/slurm/memory.current", "10485760\n");
    assert_memory(state, "v2", 50 * MB, 40 * MB);
    /* Larger than the machine is no limit. */
    put(state, "v2", "/sys/fs/cgroup/slurm/memory.max", "999999999999\n");
    put(state, "v2", "/sys/fs/cgroup/slurm/job/memory.max", "999999999999\n");
    assert_memory(state, "v2", 1024 * MB, 512 * MB);
}

static void limits_of_version_1_count(void **state) {
    put(state, "v1", "/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n");
    put(state, "v1", "/proc/self/cgroup", "4:cpu,cpuacct:/x\n7:memory:/batch\n0::/\n");
    put(state, "v1", "/sys/fs/cgroup/memory/batch/memory.limit_in_bytes", "9223372036854771712\n");
    put(state, "v1", "/sys/fs/cgroup/memory/batch/memory.usage_in_bytes", "1048576\n");
    assert_memory(state, "v1", 1024 * MB, 512 * MB);
    put(state, "v1", "/sys/fs/cgroup/memory/batch/memory.limit_in_bytes", "104857600\n");
    put(state, "v1", "/sys/fs/cgroup/memory/batch/memory.usage_in_bytes", "10485760\n");
    put(state, "v1", "/sys/fs/cgroup/memory/batch/memory.stat",
        "inactive_file 9\ntotal_inactive_file 5242880\ntotal_active_file 99999999\n");
    assert_memory(state, "v1", 100 * MB, 100 * MB);
    /* The group of another controller does not count. */
    put(state, "v1", "/proc/self/cgroup", "7:cpu:/batch\n");
    assert_memory(state, "v1", 1024 * MB, 512 * MB);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_has_some),
        cmocka_unit_test(without_proc_nothing_is_known),
        cmocka_unit_test(limits_of_version_2_count),
        cmocka_unit_test(limits_of_version_1_count),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
