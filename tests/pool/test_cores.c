/* SPDX-License-Identifier: Apache-2.0 */
/* How a drawn machine's cores are shared among the GPUs of a rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/keeper/cores.h"
#include "tests/fixtures/scratch.h"

static void put(const char *root, const char *folder, const char *name, const char *text) {
    char *path = scratch_path(root, folder);
    assert_ok(files_make_directory(path));
    scratch_write(path, name, text, strlen(text));
    free(path);
}

/* Two sockets of four cores with two threads each, GPUs at a0, a1 on the first and b0 on the second. */
static char *draw_machine(void) {
    char *root = scratch_make(), folder[128], threads[32];
    put(root, "devices/system/node/node0", "cpulist", "0-3,8-11\n");
    put(root, "devices/system/node/node1", "cpulist", "4-7,12-15\n");
    put(root, "bus/pci/devices/0000:a0:00.0", "numa_node", "0\n");
    put(root, "bus/pci/devices/0000:a1:00.0", "numa_node", "0\n");
    put(root, "bus/pci/devices/0000:b0:00.0", "numa_node", "1\n");
    for (int core = 0; core < 16; core++) {
        snprintf(folder, sizeof folder, "devices/system/cpu/cpu%d/topology", core);
        snprintf(threads, sizeof threads, "%d,%d\n", core % 8, core % 8 + 8);
        put(root, folder, "thread_siblings_list", threads);
    }
    return root;
}

static cpu_set_t first_cores(int count) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int core = 0; core < count; core++)
        CPU_SET(core, &set);
    return set;
}

/* "0,1,8,9" */
static void print_share(const cpu_set_t *shares, const int *indices, int count, char text[256]) {
    int cores[CPU_SETSIZE], found = cores_list(shares, indices, count, cores);
    size_t used = 0;
    *text = '\0';
    for (int i = 0; i < found; i++)
        used += (size_t)snprintf(text + used, 256 - used, "%s%d", i ? "," : "", cores[i]);
}

static void assert_shares(const char *const *pci, int count, int allowed_count, const char *const *wanted) {
    char *root = draw_machine(), text[256];
    const cpu_set_t allowed = first_cores(allowed_count);
    cpu_set_t shares[POOL_GPUS];
    cores_share(root, &allowed, pci, count, shares);
    for (int i = 0; i < count; i++) {
        print_share(shares, &i, 1, text);
        assert_string_equal(text, wanted[i]);
    }
    scratch_remove(root);
}

static void near_each_gpu(void **state) {
    (void)state;
    static const char *const pci[] = {"0000:a0:00.0", "0000:b0:00.0", "0000:a1:00.0"};
    static const char *const wanted[] = {"0,1,8,9", "4,5,6,7,12,13,14,15", "2,3,10,11"};
    assert_shares(pci, 3, 16, wanted);
    /* Of those that the daemon may use: the first thread of each core. */
    static const char *const fewer[] = {"0,1", "4,5,6,7", "2,3"};
    assert_shares(pci, 3, 8, fewer);
}

/* Cores that are near no GPU are for all; a slot, and a GPU of an unknown place, get of these. */
static void what_is_near_none(void **state) {
    (void)state;
    static const char *const pci[] = {"0000:a0:00.0", "", "0000:99:00.0", "0000:a1:00.0"};
    static const char *const wanted[] = {"0,1,4,8,9,12", "5,13", "6,14", "2,3,7,10,11,15"};
    assert_shares(pci, 4, 16, wanted);
    static const char *const both[] = {"0000:a0:00.0", "", "0000:b0:00.0", ""};
    static const char *const halves[] = {"0,1,8,9", "2,3,10,11", "4,5,12,13", "6,7,14,15"};
    assert_shares(both, 4, 16, halves);
}

static void slots_share_evenly(void **state) {
    (void)state;
    static const char *const pci[] = {"", "", "", ""};
    static const char *const wanted[] = {"0,1,8,9", "2,3,10,11", "4,5,12,13", "6,7,14,15"};
    assert_shares(pci, 4, 16, wanted);
    static const char *const few[] = {"0", "0", "1", "1"};
    assert_shares(pci, 4, 2, few);
    static const char *const none[] = {"", "", "", ""};
    assert_shares(pci, 4, 0, none);
}

static void a_job_gets_all_of_its_gpus(void **state) {
    (void)state;
    static const char *const pci[] = {"0000:a0:00.0", "0000:b0:00.0", "0000:a1:00.0"};
    char *root = draw_machine(), text[256];
    const cpu_set_t allowed = first_cores(16);
    cpu_set_t shares[POOL_GPUS];
    cores_share(root, &allowed, pci, 3, shares);
    print_share(shares, (const int[]){2, 0}, 2, text);
    assert_string_equal(text, "0,1,2,3,8,9,10,11");
    scratch_remove(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_each_gpu),
        cmocka_unit_test(what_is_near_none),
        cmocka_unit_test(slots_share_evenly),
        cmocka_unit_test(a_job_gets_all_of_its_gpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
