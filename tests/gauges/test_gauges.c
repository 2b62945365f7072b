/* SPDX-License-Identifier: Apache-2.0 */
/* What GPUs report, as the stand-ins of tests/gauges/fake_nvml.c have it: whole, in part, wrongly and not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "gauges/gauges.h"
#include "tests/fixtures/fake_gpus.h"

#include <math.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define WHOLE                                                                                                          \
    "uuid=GPU-1 pci=0000:3b:00.0 minor=2 name=NVIDIA_H200 util=98 used=30e9 total=80e9 reserved=1e9 "                  \
    "processes=4242:20e9,77 graphics=4242:5e6,78:1e6 mps=79:2e6 temperature=61 memory_temperature=70 limit=87 "        \
    "watts=650.5 cap=700 joules=5000 pcie_to=2e9 pcie_from=1e9 throttle=0x24 ecc=7:2 remapped=3:1:1:0\n"

static Gauges *open_gauges(void **state, const char *lines) {
    Gauges *gauges;
    fake_gpus_set(state, lines);
    assert_fine(gauges_open(&gauges));
    return gauges;
}

static GaugeSample sample_once(void **state, const char *lines) {
    GaugeSample sample;
    Gauges *gauges = open_gauges(state, lines);
    assert_int_equal(gauges_count(gauges), 1);
    gauges_sample(gauges, 0, &sample);
    gauges_close(gauges);
    return sample;
}

static void assert_near(double value, double wanted) {
    if (!(fabs(value - wanted) <= 1e-9 * fabs(wanted))) /* units of milliwatts and the like, then one division */
        fail_msg("%.17g in place of %.17g", value, wanted);
}

static void assert_process(const GaugeSample *sample, int index, int64_t pid, int64_t memory) {
    assert_int_equal(sample->processes[index].pid, pid);
    assert_int_equal(sample->processes[index].memory, memory);
}

static void a_gpu_reports_everything(void **state) {
    Gauges *gauges = open_gauges(state, "driver=580.95.05\n# a comment\n" WHOLE);
    GaugeSample sample;
    assert_int_equal(gauges_count(gauges), 1);
    assert_string_equal(gauges_missing(gauges), "");
    assert_string_equal(gauges_driver(gauges), "580.95.05");
    const GaugeGpu *gpu = gauges_gpu(gauges, 0);
    assert_string_equal(gpu->uuid, "GPU-1");
    assert_string_equal(gpu->name, "NVIDIA H200");
    assert_string_equal(gpu->pci, "0000:3b:00.0");
    assert_int_equal(gpu->minor, 2);
    gauges_sample(gauges, 0, &sample);
    gauges_close(gauges);
    assert_true(sample.known && !sample.lost && !*sample.why);
    assert_true(fabs(sample.time - clock_date()) < 3600);
    assert_near(sample.util, 98);
    assert_int_equal(sample.memory_used, 30000000000); /* without what the driver reserves */
    assert_int_equal(sample.memory_total, 80000000000);
    assert_int_equal(sample.process_count, 4);
    assert_process(&sample, 0, 4242, 20000000000);
    assert_process(&sample, 1, 77, -1);
    assert_process(&sample, 2, 78, 1000000);
    assert_process(&sample, 3, 79, 2000000);
    assert_near(sample.celsius, 61);
    assert_near(sample.memory_celsius, 70);
    assert_near(sample.celsius_limit, 87);
    assert_near(sample.watts, 650.5);
    assert_near(sample.watts_cap, 700);
    assert_near(sample.pcie_to_gpu, 2e9);
    assert_near(sample.pcie_from_gpu, 1e9);
    assert_int_equal(sample.throttle, THROTTLE_POWER_CAP | THROTTLE_SOFTWARE_THERMAL);
    assert_int_equal(sample.ecc_corrected, 7);
    assert_int_equal(sample.ecc_uncorrected, 2);
    assert_int_equal(sample.remapped_rows, 4);
    assert_true(sample.remap_pending && !sample.remap_failed);
    assert_near(sample.joules, 5000);
    assert_int_equal(sample.xid_count, 0);
}

/* Of the readings only those in `known` (letters as below) are known. */
static void assert_known_are(const GaugeSample *sample, const char *known) {
    const struct {
        char letter;
        bool known;
    } readings[] = {
        {'u', !isnan(sample->util)},          {'m', sample->memory_used >= 0},
        {'M', sample->memory_total >= 0},     {'p', sample->process_count >= 0},
        {'c', !isnan(sample->celsius)},       {'C', !isnan(sample->memory_celsius)},
        {'l', !isnan(sample->celsius_limit)}, {'w', !isnan(sample->watts)},
        {'W', !isnan(sample->watts_cap)},     {'t', !isnan(sample->pcie_to_gpu)},
        {'f', !isnan(sample->pcie_from_gpu)}, {'h', sample->throttle >= 0},
        {'e', sample->ecc_corrected >= 0},    {'E', sample->ecc_uncorrected >= 0},
        {'r', sample->remapped_rows >= 0},    {'j', !isnan(sample->joules)},
    };
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++)
        if (readings[i].known != (strchr(known, readings[i].letter) != NULL))
            fail_msg("reading %c is %s", readings[i].letter, readings[i].known ? "known" : "not known");
}

static void what_a_gpu_does_not_report_is_not_known(void **state) {
    /* Lists of processes are always there; what else is not set is not supported. */
    GaugeSample sample = sample_once(state, "uuid=GPU-1\n");
    assert_true(sample.known);
    assert_known_are(&sample, "p");
    assert_int_equal(sample.process_count, 0);
    static const struct {
        const char *words, *missing;
    } cases[] = {
        {"unsupported=util", "u"},          {"unsupported=memory", "mM"},    {"unsupported=processes", "p"},
        {"unsupported=temperature", "c"},   {"unsupported=watts", "w"},      {"failing=util", "u"},
        {"failing=memory", "mM"},           {"failing=processes", "p"},      {"failing=temperature", "c"},
        {"unsupported=util,memory", "umM"}, {"failing=memory,watts", "mMw"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char lines[512], known[8] = "";
        snprintf(lines, sizeof lines, "%s %s", "uuid=GPU-1 util=98 used=30e9 total=80e9 temperature=61 watts=650",
                 cases[i].words);
        for (const char *letter = "umMpcw"; *letter; letter++)
            if (!strchr(cases[i].missing, *letter))
                strncat(known, letter, 1);
        sample = sample_once(state, lines);
        assert_true(sample.known && !*sample.why);
        assert_known_are(&sample, known);
        /* An error is no sign that the memory is the host's. */
        assert_true(sample.memory_failed == (strstr(cases[i].words, "failing=memory") != NULL));
    }
    /* 0 is what GPUs without a sensor report of their memory; memory of no bytes is the host's. */
    sample = sample_once(state, "uuid=GPU-1 memory_temperature=0 used=0 total=0 util=0");
    assert_known_are(&sample, "pu");
    sample = sample_once(state, "uuid=GPU-1 util=101"); /* no percentage */
    assert_known_are(&sample, "p");
    sample = sample_once(state, "uuid=GPU-1 unsupported=processes");
    assert_true(sample.known);
    assert_known_are(&sample, "");
}

static void an_old_driver_lacks_what_came_later(void **state) {
    GaugeSample sample = sample_once(state, WHOLE);
    assert_true(sample.known);
    assert_known_are(&sample, "umMpclwWtfhr");
    assert_int_equal(sample.memory_used, 31000000000); /* with what the driver reserves */
    assert_near(sample.celsius, 61);
    assert_int_equal(sample.throttle, THROTTLE_POWER_CAP | THROTTLE_SOFTWARE_THERMAL);
    assert_int_equal(sample.remapped_rows, 4);
    assert_true(sample.remap_pending && !sample.remap_failed);
    sample = sample_once(state, "uuid=GPU-1 util=3 xid=79");
    assert_int_equal(sample.xid_count, 0);
}

static void the_limit_may_be_a_margin(void **state) {
    const GaugeSample sample = sample_once(state, "uuid=GPU-1 temperature=31 margin=54 slowdown_margin=-2");
    assert_near(sample.celsius_limit, 87);
    assert_true(isnan(sample_once(state, "uuid=GPU-1 temperature=31 margin=54").celsius_limit));
    assert_true(isnan(sample_once(state, "uuid=GPU-1 margin=54 slowdown_margin=0").celsius_limit));
}

static void reasons_of_throttling_are_told_apart(void **state) {
    static const struct {
        const char *bits;
        int throttle;
    } cases[] = {
        {"0", 0},
        {"0x1", 0}, /* idle */
        {"0x112", 0},
        {"0x4", THROTTLE_POWER_CAP},
        {"0x8", THROTTLE_HARDWARE},
        {"0x48", THROTTLE_HARDWARE_THERMAL},
        {"0x88", THROTTLE_POWER_BRAKE},
        {"0xcc", THROTTLE_HARDWARE_THERMAL | THROTTLE_POWER_BRAKE | THROTTLE_POWER_CAP},
        {"0x20", THROTTLE_SOFTWARE_THERMAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char lines[64];
        snprintf(lines, sizeof lines, "uuid=GPU-1 throttle=%s", cases[i].bits);
        assert_int_equal(sample_once(state, lines).throttle, cases[i].throttle);
    }
}

static void a_gpu_in_trouble_is_not_known(void **state) {
    static const struct {
        const char *words, *why;
        bool lost;
    } cases[] = {
        {"lost", "the GPU has fallen off the bus", true},
        {"error=15", "the GPU has fallen off the bus", true},
        {"error=16", "the GPU needs a reset", true},
        {"error=999", "NVML fails with code 999, Unknown Error", false},
        {"error=4", "this user may not read it", false},
    };
    Gauges *gauges = open_gauges(state, WHOLE);
    GaugeSample sample;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char lines[512];
        snprintf(lines, sizeof lines, "uuid=GPU-1 util=0 used=0 total=80e9 %s xid=%zu\n", cases[i].words, 70 + i);
        fake_gpus_set(state, lines);
        gauges_sample(gauges, 0, &sample);
        assert_false(sample.known);
        assert_int_equal(sample.lost, cases[i].lost);
        assert_string_equal(sample.why, cases[i].why);
        assert_known_are(&sample, "");
        assert_int_equal(sample.xid_count, 1); /* what happened to it is known all the same */
        assert_int_equal(sample.xids[0], 70 + i);
        fake_gpus_set(state, WHOLE);
        gauges_sample(gauges, 0, &sample);
        assert_true(sample.known && !sample.lost);
    }
    gauges_close(gauges);
}

static void readings_follow_the_gpu(void **state) {
    GaugeSample sample;
    Gauges *gauges = open_gauges(state, "uuid=GPU-1 util=0,98,0 used=0,5e9 total=80e9\nuuid=GPU-2 util=7\n");
    const double util[] = {0, 98, 0, 0};
    const int64_t used[] = {0, 5000000000, 5000000000, 5000000000};
    assert_int_equal(gauges_count(gauges), 2);
    for (int i = 0; i < 4; i++) {
        gauges_sample(gauges, 0, &sample);
        assert_near(sample.util, util[i]);
        assert_int_equal(sample.memory_used, used[i]);
        gauges_sample(gauges, 1, &sample);
        assert_near(sample.util, 7);
    }
    gauges_close(gauges);
}

/* --- Processes --- */

static void a_list_that_grows_is_read_again(void **state) {
    GaugeSample sample = sample_once(state, "uuid=GPU-1 util=0 races=3 processes=1:5,2:6,3:7");
    assert_int_equal(sample.process_count, 3);
    assert_process(&sample, 2, 3, 7);
    /* Between any two calls one more has started, and at first there is no room for all. */
    char lines[1024] = "uuid=GPU-1 util=0 grows=30 processes=1";
    for (int pid = 2; pid <= GAUGE_PROCESSES; pid++)
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines), ",%d", pid);
    sample = sample_once(state, lines);
    assert_int_equal(sample.process_count, GAUGE_PROCESSES + 2);
    /* One that does so for ever is not known, and no reason to wait. */
    sample = sample_once(state, "uuid=GPU-1 util=0 races=1000000 processes=1:5");
    assert_true(sample.known);
    assert_int_equal(sample.process_count, -1);
}

enum { PIDS = 300 };

/* The largest entry of each pid in the lists, in the order of their first entries; what `process_list_read` should say.
 */
typedef struct {
    int64_t pid[PIDS], memory[PIDS];
    int count;
} Expected;

static void expect_process(Expected *expected, int64_t pid, int64_t memory) {
    for (int i = 0; i < expected->count; i++)
        if (expected->pid[i] == pid) {
            if (memory > expected->memory[i])
                expected->memory[i] = memory;
            return;
        }
    expected->pid[expected->count] = pid;
    expected->memory[expected->count++] = memory;
}

static void any_table_of_processes_is_merged(void **state) {
    static const char *const keys[] = {"processes", "graphics", "mps"};
    unsigned random = 1;
    GaugeSample sample;
    Gauges *gauges = open_gauges(state, "uuid=GPU-1 util=0");
    for (int round = 0; round < 200; round++) {
        static char lines[4096];
        static Expected expected;
        expected.count = 0;
        int used = snprintf(lines, sizeof lines, "uuid=GPU-1 util=0 races=%d", round % 3);
        for (int list = 0; list < 3; list++) {
            bool listed[PIDS] = {false}; /* the stand-in drops repetitions within a list */
            const int entries = (int)(rand_r(&random) % (round % 10 == 0 ? 130 : 5));
            used += snprintf(lines + used, sizeof lines - (size_t)used, " %s=", keys[list]);
            for (int i = 0; i < entries; i++) {
                const int pid = 1 + rand_r(&random) % (PIDS - 1);
                const bool known = rand_r(&random) % 4;
                const int64_t memory = known ? rand_r(&random) % 100000 : -1;
                if (listed[pid])
                    continue;
                listed[pid] = true;
                used += snprintf(lines + used, sizeof lines - (size_t)used, known ? "%d:%d," : "%d,", pid, (int)memory);
                expect_process(&expected, pid, memory);
            }
        }
        fake_gpus_set(state, lines);
        gauges_sample(gauges, 0, &sample);
        assert_int_equal(sample.process_count, expected.count);
        for (int i = 0; i < expected.count && i < GAUGE_PROCESSES; i++)
            assert_process(&sample, i, expected.pid[i], expected.memory[i]);
    }
    gauges_close(gauges);
}

/* Starts a process with `token` in its environment; ended by end_process(). */
static pid_t start_process(const char *token) {
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    const pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* should this test fail */
        dup2(ready[1], STDOUT_FILENO);
        execle("/bin/sh", "sh", "-c", "echo; exec sleep 60", (char *)NULL, (const char *const[]){token, NULL});
        _exit(127);
    }
    assert_true(pid > 0);
    assert_int_equal(read(ready[0], &byte, 1), 1); /* it runs: its environment is the new one */
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void live_processes_come_and_go(void **state) {
    char token[64], lines[512];
    GaugeSample sample;
    snprintf(token, sizeof token, "FAKE_GPU_TEST=%ld-%.0f", (long)getpid(), clock_date() * 1e6);
    snprintf(lines, sizeof lines, "uuid=GPU-1 util=0 busy=95 used=1e6 total=80e9 each=2e9 token=%s", token);
    Gauges *gauges = open_gauges(state, lines);
    gauges_sample(gauges, 0, &sample);
    assert_int_equal(sample.process_count, 0);
    assert_int_equal(sample.memory_used, 1000000);
    const pid_t pid = start_process(token);
    gauges_sample(gauges, 0, &sample);
    assert_int_equal(sample.process_count, 1);
    assert_process(&sample, 0, pid, 2000000000);
    assert_int_equal(sample.memory_used, 2001000000);
    assert_near(sample.util, 95);
    assert_int_equal(kill(pid, SIGKILL), 0);
    siginfo_t ended;
    assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
    gauges_sample(gauges, 0, &sample); /* it is a zombie now, which holds nothing */
    assert_int_equal(sample.process_count, 0);
    assert_near(sample.util, 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    snprintf(lines, sizeof lines, "uuid=GPU-1 util=0 tree=%ld", (long)getpid());
    fake_gpus_set(state, lines);
    gauges_sample(gauges, 0, &sample);
    assert_int_equal(sample.process_count, 1);
    assert_process(&sample, 0, getpid(), 1000000000);
    gauges_close(gauges);
}

/* --- Counters and events --- */

static void the_bus_has_counters_or_is_measured(void **state) {
    GaugeSample sample;
    Gauges *gauges = open_gauges(
        state, "uuid=GPU-1 util=0 pcie_to=5e6 pcie_from=6e6 pcie_received=1000,100001000,5,1005 pcie_sent=7,7,7,7");
    gauges_sample(gauges, 0, &sample); /* no growth is known yet */
    assert_near(sample.pcie_to_gpu, 5e6);
    const double begin = clock_now();
    gauges_sample(gauges, 0, &sample);
    assert_true(sample.pcie_to_gpu >= 1e8 / (clock_now() - begin + 60)); /* a rate, whose time is not asserted */
    assert_near(sample.pcie_from_gpu, 0);
    gauges_sample(gauges, 0, &sample); /* the counter has begun anew */
    assert_near(sample.pcie_to_gpu, 5e6);
    gauges_sample(gauges, 0, &sample);
    assert_true(sample.pcie_to_gpu > 0 && !isnan(sample.pcie_from_gpu));
    assert_near(sample.pcie_from_gpu, 0);
    gauges_close(gauges);
}

static void each_error_code_is_told_once(void **state) {
    GaugeSample sample;
    Gauges *gauges = open_gauges(state, "uuid=GPU-1 util=0 xid=48,63,48\nuuid=GPU-2 util=0\n");
    gauges_sample(gauges, 1, &sample);
    assert_int_equal(sample.xid_count, 0);
    gauges_sample(gauges, 0, &sample);
    assert_int_equal(sample.xid_count, 2);
    assert_int_equal(sample.xids[0], 48);
    assert_int_equal(sample.xids[1], 63);
    gauges_sample(gauges, 0, &sample);
    assert_int_equal(sample.xid_count, 0);
    fake_gpus_set(state, "uuid=GPU-1 util=0 xid=1,2,3,4,5,6,7,8,9,10\nuuid=GPU-2 util=0\n");
    gauges_sample(gauges, 0, &sample);
    assert_int_equal(sample.xid_count, GAUGE_XIDS);
    assert_int_equal(sample.xids[GAUGE_XIDS - 1], GAUGE_XIDS);
    gauges_close(gauges);
}

/* --- Opening --- */

static void gpus_are_found_by_name(void **state) {
    Gauges *gauges = open_gauges(state, "uuid=GPU-5d1b-A pci=0000:3b:00.0\nuuid=GPU-2 pci=0001:3b:1f.0\n");
    static const struct {
        const char *name;
        int index;
    } cases[] = {
        {"GPU-5d1b-A", 0},
        {"gpu-5d1b-a", 0},
        {"GPU-2", 1},
        {"GPU-5d1b", -1},
        {"", -1},
        {"0000:3b:00.0", 0},
        {"00000000:3B:00.0", 0},
        {"3b:00.0", 0},
        {"3b:00", 0},
        {"0001:3b:1f", 1},
        {"0000:3b:1f", -1},
        {"0", -1},
        {"3b:00.0.1", -1},
        {"0000:3b:00.0 ", -1},
        {"3b", -1},
        {"0000:3b", -1},
        {"3b:00.", -1},
        {"0000:3b:00.g", -1},
        {"000000000:3b:00.0", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (gauges_find(gauges, cases[i].name) != cases[i].index)
            fail_msg("\"%s\" is GPU %d", cases[i].name, gauges_find(gauges, cases[i].name));
    gauges_close(gauges);
}

static void assert_missing(void **state, const char *lines, const char *why) {
    Gauges *gauges = open_gauges(state, lines);
    assert_int_equal(gauges_count(gauges), 0);
    assert_string_equal(gauges_missing(gauges), why);
    assert_int_equal(gauges_find(gauges, "GPU-1"), -1);
    gauges_close(gauges);
}

static void no_gpu_is_no_error(void **state) {
    assert_missing(state, "", "NVIDIA's driver finds no GPU");
    assert_missing(state, "driver=1 init=9\n" WHOLE, "NVIDIA's driver is not loaded");
    assert_missing(state, "driver=1 init=18\n",
                   "the driver that is loaded and libnvidia-ml.so.1 are of different versions; reboot");
    assert_missing(state, "driver=1 init=999\n", "NVML fails with code 999, Unknown Error");
    assert_missing(state, "uuid=GPU-1 lost\n", "the GPU has fallen off the bus");
    /* One that cannot be opened does not hide the others. */
    Gauges *gauges = open_gauges(state, "uuid=GPU-1 lost\nuuid=GPU-2 util=3\n");
    GaugeSample sample;
    assert_int_equal(gauges_count(gauges), 1);
    assert_int_equal(gauges_find(gauges, "GPU-2"), 0);
    assert_string_equal(gauges_driver(gauges), "");
    gauges_sample(gauges, 0, &sample);
    assert_near(sample.util, 3);
    gauges_close(gauges);
    gauges_close(NULL);
}

static void no_library_is_no_error(void **state) {
    (void)state;
    void *installed = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (installed) {
        dlclose(installed);
        print_message("this machine has NVML\n");
        skip();
    }
    Gauges *gauges;
    assert_fine(gauges_open(&gauges));
    assert_int_equal(gauges_count(gauges), 0);
    assert_string_equal(gauges_missing(gauges), "libnvidia-ml.so.1 is not installed");
    gauges_close(gauges);
}

static void *loaded;

static int load_new(void **state) {
    (void)state;
    loaded = fake_gpus_load(".");
    return 0;
}

static int load_old(void **state) {
    (void)state;
    loaded = fake_gpus_load("old");
    return 0;
}

static int unload(void **state) {
    (void)state;
    unsetenv("FOVEA_FAKE_NVML");
    return dlclose(loaded);
}

#define WITH_NEW(test) cmocka_unit_test_setup_teardown(test, load_new, unload)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_NEW(a_gpu_reports_everything),
        WITH_NEW(what_a_gpu_does_not_report_is_not_known),
        cmocka_unit_test_setup_teardown(an_old_driver_lacks_what_came_later, load_old, unload),
        WITH_NEW(the_limit_may_be_a_margin),
        WITH_NEW(reasons_of_throttling_are_told_apart),
        WITH_NEW(a_gpu_in_trouble_is_not_known),
        WITH_NEW(readings_follow_the_gpu),
        WITH_NEW(a_list_that_grows_is_read_again),
        WITH_NEW(any_table_of_processes_is_merged),
        WITH_NEW(live_processes_come_and_go),
        WITH_NEW(the_bus_has_counters_or_is_measured),
        WITH_NEW(each_error_code_is_told_once),
        WITH_NEW(gpus_are_found_by_name),
        WITH_NEW(no_gpu_is_no_error),
        cmocka_unit_test(no_library_is_no_error),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
