/* SPDX-License-Identifier: Apache-2.0 */
/* Which cores are near a device, from a drawn /sys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/numa.h"
#include "tests/fixtures/scratch.h"

/* A file of the tree, its folders made. */
static void put(const char *root, const char *folder, const char *name, const char *text) {
    char *path = scratch_path(root, folder);
    assert_ok(files_make_directory(path));
    scratch_write(path, name, text, strlen(text));
    free(path);
}

static void test_node(void **state) {
    (void)state;
    char *root = scratch_make();
    put(root, "bus/pci/devices/0000:3b:00.0", "numa_node", "1\n");
    put(root, "bus/pci/devices/0000:01:00.0", "numa_node", "-1\n");
    put(root, "bus/pci/devices/0000:02:00.0", "numa_node", "none\n");
    assert_int_equal(numa_node_of_pci(root, "0000:3b:00.0"), 1);
    assert_int_equal(numa_node_of_pci(root, "0000:01:00.0"), -1);
    assert_int_equal(numa_node_of_pci(root, "0000:02:00.0"), -1);
    assert_int_equal(numa_node_of_pci(root, "0000:99:00.0"), -1);
    scratch_remove(root);
}

static void expect_cores(const char *text, bool known, const int *expected, int count) {
    char *root = scratch_make();
    put(root, "devices/system/node/node1", "cpulist", text);
    cpu_set_t allowed, cores;
    CPU_ZERO(&allowed);
    for (int core = 2; core < 64; core++)
        CPU_SET(core, &allowed);
    assert_int_equal(numa_cores(root, 1, &allowed, &cores), known);
    if (known) {
        assert_int_equal(CPU_COUNT(&cores), count);
        for (int i = 0; i < count; i++)
            assert_true(CPU_ISSET(expected[i], &cores));
    }
    assert_false(numa_cores(root, 0, &allowed, &cores));
    assert_false(numa_cores(root, -1, &allowed, &cores));
    scratch_remove(root);
}

static void test_cores(void **state) {
    (void)state;
    expect_cores("0-3,8-9\n", true, (const int[]){2, 3, 8, 9}, 4); /* of those that are allowed */
    expect_cores("5\n", true, (const int[]){5}, 1);
    expect_cores("0-1\n", false, NULL, 0);
    expect_cores("100-120\n", false, NULL, 0);
    expect_cores("\n", false, NULL, 0);
    expect_cores("3-x\n", false, NULL, 0);
    expect_cores("9-3\n", false, NULL, 0);
}

/* A device that /sys does not know, and no device, bind nothing. */
static void test_unknown_binds_nothing(void **state) {
    (void)state;
    cpu_set_t at_first, before, after;
    assert_int_equal(sched_getaffinity(0, sizeof at_first, &at_first), 0);
    numa_bind("", &before);
    assert_int_equal(CPU_COUNT(&before), 0);
    numa_restore(&before);
    numa_bind("ffff:ff:1f.0", &before);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&at_first, &after));
    numa_restore(&before);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&at_first, &after));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node),
        cmocka_unit_test(test_cores),
        cmocka_unit_test(test_unknown_binds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
