/* SPDX-License-Identifier: Apache-2.0 */
/* Who uses a GPU's memory, as the stand-in of tests/preload/nvml.c reports it. */
#include "gauges/gpu_processes.h"

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

/* The loader reads LD_LIBRARY_PATH when a program starts: starts this one again with the stand-in's folder in it. */
static int start_with_nvml(char **argv) {
    char program[PATH_MAX], library[PATH_MAX + 32], link[PATH_MAX + 32], folder[] = "/tmp/fovea-nvml-XXXXXX";
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0 || !mkdtemp(folder))
        return EXIT_FAILURE;
    program[length] = '\0';
    *strrchr(program, '/') = '\0';
    snprintf(library, sizeof library, "%s/../nvml.so", program);
    snprintf(link, sizeof link, "%s/libnvidia-ml.so.1", folder);
    if (symlink(library, link) != 0 || setenv("LD_LIBRARY_PATH", folder, 1) != 0 ||
        setenv("FOVEA_TEST_NVML", folder, 1) != 0)
        return EXIT_FAILURE;
    execv("/proc/self/exe", argv);
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    (void)argc;
    const char *folder = getenv("FOVEA_TEST_NVML");
    if (!folder)
        return start_with_nvml(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_processes_are_named_with_their_memory),
        cmocka_unit_test(only_the_first_of_many_are_named),
        cmocka_unit_test(a_short_text_stays_within_its_size),
        cmocka_unit_test(unknown_gpus_have_no_processes),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char link[PATH_MAX];
    snprintf(link, sizeof link, "%s/libnvidia-ml.so.1", folder);
    unlink(link);
    rmdir(folder);
    return failed;
}
