/* SPDX-License-Identifier: Apache-2.0 */
/* Who uses a GPU's memory, as the stand-in of tests/preload/nvml.c reports it. */
#include "gauges/gpu_processes.h"

#include <dlfcn.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The stand-in's only GPU; the emulated one has the same address. */
static const char PCI[] = "0000:00:00.0";

static void other_processes_are_named_with_their_memory(void **state) {
    (void)state;
    char text[256] = "unset";
    unsetenv("FOVEA_NVML_PROCESSES");
    gpu_processes(PCI, text, sizeof text);
    assert_string_equal(text, "; its memory is held by pid 4242 (61440.0 MB), pid 77");
}

static void only_the_first_of_many_are_named(void **state) {
    (void)state;
    char text[256];
    setenv("FOVEA_NVML_PROCESSES", "20", 1);
    gpu_processes(PCI, text, sizeof text);
    assert_string_equal(text, "; its memory is held by pid 4242 (61440.0 MB), pid 77, pid 5003 (1.0 MB), "
                              "pid 5004 (1.0 MB) and 18 more");
    /* More than the list has room for: NVML refuses. */
    setenv("FOVEA_NVML_PROCESSES", "100", 1);
    gpu_processes(PCI, text, sizeof text);
    assert_string_equal(text, "");
    unsetenv("FOVEA_NVML_PROCESSES");
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

/* dlopen() finds a library that is loaded already by the name that it was linked with. */
static int load_stand_in(void **state) {
    char program[PATH_MAX], library[PATH_MAX + 16];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    assert_true(length > 0);
    program[length] = '\0';
    *strrchr(program, '/') = '\0';
    snprintf(library, sizeof library, "%s/../nvml.so", program);
    *state = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    return *state ? 0 : -1;
}

static int unload_stand_in(void **state) {
    return dlclose(*state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_processes_are_named_with_their_memory),
        cmocka_unit_test(only_the_first_of_many_are_named),
        cmocka_unit_test(a_short_text_stays_within_its_size),
        cmocka_unit_test(unknown_gpus_have_no_processes),
    };
    return cmocka_run_group_tests(tests, load_stand_in, unload_stand_in);
}
