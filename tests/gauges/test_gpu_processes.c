/* SPDX-License-Identifier: Apache-2.0 */
/* Who uses a GPU's memory, as the stand-in of fake_nvml.c reports it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gauges/gpu_processes.h"
#include "tests/fixtures/fake_gpus.h"

/* The stand-in's only GPU; the emulated one has the same address. */
static const char PCI[] = "0000:00:00.0";

/* Processes 4242, this one, 77 and `more`. */
static void set_processes(void **state, int more) {
    char lines[4096];
    int used = snprintf(lines, sizeof lines, "uuid=GPU-1 pci=%s processes=4242:61440e6,0:5e6,77", PCI);
    for (int i = 0; i < more; i++)
        used += snprintf(lines + used, sizeof lines - (size_t)used, ",%d:1e6", 5003 + i);
    fake_gpus_set(state, lines);
}

static void other_processes_are_named_with_their_memory(void **state) {
    char text[256] = "unset";
    set_processes(state, 0);
    gpu_processes(PCI, text, sizeof text);
    assert_string_equal(text, "; its memory is held by pid 4242 (61440.0 MB), pid 77");
}

static void only_the_first_of_many_are_named(void **state) {
    char text[256];
    set_processes(state, 20);
    gpu_processes(PCI, text, sizeof text);
    assert_string_equal(text, "; its memory is held by pid 4242 (61440.0 MB), pid 77, pid 5003 (1.0 MB), "
                              "pid 5004 (1.0 MB) and 18 more");
    /* More than there is room for at first. */
    set_processes(state, 200);
    gpu_processes(PCI, text, sizeof text);
    assert_string_equal(text, "; its memory is held by pid 4242 (61440.0 MB), pid 77, pid 5003 (1.0 MB), "
                              "pid 5004 (1.0 MB) and 198 more");
    set_processes(state, 0);
}

static void a_short_text_stays_within_its_size(void **state) {
    (void)state;
    char text[33];
    memset(text, 'x', sizeof text);
    gpu_processes(PCI, text, sizeof text - 1);
    assert_int_equal(text[sizeof text - 1], 'x');
    assert_true(strlen(text) < sizeof text - 1);
}

static void unknown_gpus_have_no_processes(void **state) {
    (void)state;
    static const char *const addresses[] = {"0000:01:00.0", "", "gpu", "0000:"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        char text[256] = "unset";
        gpu_processes(addresses[i], text, sizeof text);
        assert_string_equal(text, "");
    }
}

static void *loaded;

static int open_stand_in(void **state) {
    const int opened = temp_open(state);
    loaded = fake_gpus_load(".");
    set_processes(state, 0);
    return opened;
}

static int close_stand_in(void **state) {
    dlclose(loaded);
    return temp_close(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_processes_are_named_with_their_memory),
        cmocka_unit_test(only_the_first_of_many_are_named),
        cmocka_unit_test(a_short_text_stays_within_its_size),
        cmocka_unit_test(unknown_gpus_have_no_processes),
    };
    return cmocka_run_group_tests(tests, open_stand_in, close_stand_in);
}
