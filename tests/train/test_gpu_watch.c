/* SPDX-License-Identifier: Apache-2.0 */
/* The readings of the run's GPU beside its steps, from the stand-in of tests/gauges/fake_nvml.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/fake_gpus.h"
#include "train/monitor/gpu_watch.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

static const char PCI[] = "0000:3b:00.0";

static void assert_nothing_known(const MetricsGpu *gpu) {
    assert_true(gpu->memory == -1 && isnan(gpu->celsius) && isnan(gpu->memory_celsius) && isnan(gpu->watts));
    assert_true(isnan(gpu->pcie_to) && isnan(gpu->pcie_from));
}

static void a_gpu_that_is_not_there_has_no_readings(void **state) {
    static const char *const addresses[] = {"", "0000:3c:00.0", "emulated"};
    fake_gpus_set(state, "uuid=GPU-1 pci=0000:3b:00.0 used=1 total=2\n");
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        GpuWatch *watch;
        MetricsGpu gpu;
        assert_fine(gpu_watch_open(addresses[i], &watch));
        assert_null(watch);
        assert_string_equal(gpu_watch_uuid(watch), "");
        gpu_watch_ask(watch);
        gpu_watch_take(watch, &gpu);
        assert_false(gpu.watched);
        assert_nothing_known(&gpu);
        gpu_watch_close(watch);
    }
}

static void each_reading_is_taken_once(void **state) {
    GpuWatch *watch;
    MetricsGpu gpu;
    fake_gpus_set(state,
                  "uuid=GPU-1 pci=0000:3c:00.0\n"
                  "uuid=GPU-2 pci=0000:3b:00.0 used=3e9 total=8e9 temperature=61 memory_temperature=70 watts=250 "
                  "pcie_to=5e6 pcie_from=4e6\n");
    assert_fine(gpu_watch_open(PCI, &watch));
    assert_string_equal(gpu_watch_uuid(watch), "GPU-2");
    gpu_watch_take(watch, &gpu);
    assert_true(gpu.watched && gpu.memory == 3000000000 && gpu.celsius == 61 && gpu.memory_celsius == 70);
    assert_true(gpu.watts == 250 && gpu.pcie_to == 5e6 && gpu.pcie_from == 4e6);
    gpu_watch_take(watch, &gpu); /* nobody asked for another */
    assert_true(gpu.watched);
    assert_nothing_known(&gpu);
    fake_gpus_set(state, "uuid=GPU-1 pci=0000:3c:00.0\nuuid=GPU-2 pci=0000:3b:00.0 used=4e9 total=8e9\n");
    gpu_watch_ask(watch);
    do {
        usleep(1000);
        gpu_watch_take(watch, &gpu);
    } while (gpu.memory < 0); /* no longer than the test's own limit */
    assert_true(gpu.memory == 4000000000 && isnan(gpu.celsius));
    gpu_watch_close(watch);
}

/* The state file is a pipe without a writer: whoever opens it waits. */
static void no_step_waits_for_a_gpu(void **state) {
    GpuWatch *watch;
    MetricsGpu gpu;
    char path[TEMP_PATH * 2], pipe[TEMP_PATH * 2];
    fake_gpus_set(state, "uuid=GPU-1 pci=0000:3b:00.0 used=3e9 total=8e9\n");
    assert_fine(gpu_watch_open(PCI, &watch));
    gpu_watch_take(watch, &gpu);
    assert_true(gpu.memory == 3000000000);
    assert_int_equal(mkfifo(temp_path(state, "pipe", pipe), 0600), 0);
    assert_int_equal(link(pipe, temp_path(state, "another", path)), 0);
    assert_int_equal(rename(path, temp_path(state, "gpus", path)), 0);
    gpu_watch_ask(watch);
    gpu_watch_take(watch, &gpu);
    assert_true(gpu.watched);
    assert_nothing_known(&gpu);
    /* Whoever waits goes on, and finds the GPUs as before. */
    fake_gpus_set(state, "uuid=GPU-1 pci=0000:3b:00.0 used=5e9 total=8e9\n");
    const int writer = open(pipe, O_RDWR | O_CLOEXEC);
    assert_true(writer >= 0);
    close(writer);
    gpu_watch_close(watch);
}

static void *loaded;

static int open_stand_in(void **state) {
    loaded = fake_gpus_load(".");
    return temp_open(state);
}

static int close_stand_in(void **state) {
    dlclose(loaded);
    return temp_close(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gpu_that_is_not_there_has_no_readings),
        cmocka_unit_test(each_reading_is_taken_once),
        cmocka_unit_test(no_step_waits_for_a_gpu),
    };
    return cmocka_run_group_tests(tests, open_stand_in, close_stand_in);
}
