/* SPDX-License-Identifier: Apache-2.0 */
/* The table of error codes, and the warnings about a GPU's readings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gauges/warnings.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <math.h>
#include <unistd.h>

static GaugeSample quiet(void) {
    GaugeSample sample;
    gauges_unknown(&sample, 1, "");
    sample.known = true;
    return sample;
}

/* Each of `wanted` [count] is said, in this order, and nothing else. */
static void assert_warned(const WarningsOf *of, int count, const char *const *wanted) {
    Warnings warnings;
    warnings_find(of, &warnings);
    for (int i = 0; i < count && i < warnings.count; i++)
        assert_string_equal(warnings.text[i], wanted[i]);
    if (warnings.count != count)
        fail_msg("%d warnings in place of %d; the last is \"%s\"", warnings.count, count,
                 warnings.count ? warnings.text[warnings.count - 1] : "");
}

#define WARNED(of, ...)                                                                                                \
    do {                                                                                                               \
        const char *const texts_[] = {__VA_ARGS__};                                                                    \
        assert_warned(of, (int)(sizeof texts_ / sizeof *texts_), texts_);                                              \
    } while (0)
#define NOT_WARNED(of) assert_warned(of, 0, NULL)

static WarningsOf warnings_of(const GaugeSample *sample) {
    return (WarningsOf){.sample = sample, .warn_celsius = 85, .images_per_s = NAN, .others_per_s = NAN};
}

static void nothing_known_is_no_warning(void **state) {
    (void)state;
    GaugeSample sample = quiet();
    WarningsOf of = warnings_of(&sample);
    of.works = true;
    of.before = &sample;
    of.before_count = 1;
    NOT_WARNED(&of);
    const GaugeSample before[] = {sample, sample, sample};
    of.before = before;
    of.before_count = 3;
    NOT_WARNED(&of);
    of.warn_celsius = NAN;
    sample.celsius = 120;
    NOT_WARNED(&of);
}

static void a_gpu_that_does_not_answer(void **state) {
    (void)state;
    GaugeSample sample;
    const WarningsOf of = warnings_of(&sample);
    gauges_unknown(&sample, 1, "the GPU has fallen off the bus");
    sample.lost = true;
    WARNED(&of, "does not answer: the GPU has fallen off the bus; reset the GPU, or reboot the machine");
    gauges_unknown(&sample, 1, "");
    WARNED(&of, "does not answer: for a reason that is not known");
}

static void heat(void **state) {
    (void)state;
    GaugeSample sample = quiet();
    const WarningsOf of = warnings_of(&sample);
    sample.celsius = 84;
    NOT_WARNED(&of);
    sample.celsius = 85;
    WARNED(&of, "is at 85 C: the rule warns from 85 C; look after its cooling");
    sample.celsius_limit = 87;
    sample.throttle = THROTTLE_SOFTWARE_THERMAL;
    WARNED(&of, "is at 85 C: the rule warns from 85 C, and the hardware slows down at 87 C; look after its cooling",
           "is throttled: the driver keeps it below its highest temperature; look after cooling and power");
    sample.celsius = 60;
    sample.throttle = THROTTLE_HARDWARE_THERMAL | THROTTLE_POWER_BRAKE;
    WARNED(&of, "is throttled: the hardware protects itself from heat, and the power supply cannot give more; look "
                "after cooling and power");
    sample.throttle = THROTTLE_HARDWARE;
    WARNED(&of, "is throttled: the hardware does not say why; look after cooling and power");
    sample.throttle = 0x1f; /* all of them */
    Warnings warnings;
    warnings_find(&of, &warnings);
    assert_non_null(strstr(warnings.text[0], "; look after cooling and power"));
}

static void power(void **state) {
    (void)state;
    GaugeSample sample = quiet();
    const WarningsOf of = warnings_of(&sample);
    sample.watts = 685;
    NOT_WARNED(&of); /* the cap is not known */
    sample.watts_cap = 700;
    NOT_WARNED(&of);
    sample.watts = 698;
    WARNED(&of, "takes 698 W of 700 W: its power cap limits its speed; raise it where cooling and power allow");
    sample.throttle = THROTTLE_POWER_CAP;
    sample.watts = 500;
    WARNED(&of, "is throttled: its power cap limits its speed; raise it where cooling and power allow");
}

static void memory_errors(void **state) {
    (void)state;
    GaugeSample sample = quiet();
    const WarningsOf of = warnings_of(&sample);
    sample.ecc_corrected = 1000;
    sample.ecc_uncorrected = 0;
    sample.remapped_rows = 3;
    NOT_WARNED(&of);
    sample.ecc_uncorrected = 1;
    sample.remap_pending = sample.remap_failed = true;
    WARNED(&of,
           "has 1 uncorrected memory error since its driver was loaded: what it computed then may be wrong; run those "
           "jobs again",
           "has a bad row of memory: a spare one replaces it at the next reset; reset the GPU between two jobs",
           "has a bad row of memory that could not be replaced: it has no spare one; have the GPU exchanged");
}

static void error_codes(void **state) {
    (void)state;
    XidTable table;
    GaugeSample sample = quiet();
    WarningsOf of = warnings_of(&sample);
    sample.xids[0] = 79;
    sample.xids[1] = 12345;
    sample.xid_count = 2;
    const char *const unknown =
        "reports error 12345 (XID): the table of codes does not have it; NVIDIA's page of XIDs may";
    WARNED(&of, "reports error 79 (XID): the table of codes does not have it; NVIDIA's page of XIDs may", unknown);
    assert_fine(xid_table_open(NULL, &table));
    of.xids = &table;
    WARNED(&of, "reports error 79 (XID): the GPU has fallen off the bus; reset the GPU, or reboot the machine",
           unknown);
    sample.xids[0] = 31;
    sample.xids[1] = 63;
    WARNED(&of,
           "reports error 31 (XID): a kernel read or wrote an address that is not its own; run the program again, and "
           "look into it if that repeats",
           "reports error 63 (XID): a bad row of memory is marked to be replaced; nothing needs to be done");
    xid_table_close(&table);
}

static void work(void **state) {
    (void)state;
    GaugeSample sample = quiet(), before[2];
    WarningsOf of = warnings_of(&sample);
    of.before = before;
    sample.util = 97;
    sample.memory_used = 31000000000;
    sample.memory_total = 141000000000;
    before[0] = before[1] = sample;
    of.before_count = 1;
    NOT_WARNED(&of); /* it may just have started */
    of.before_count = 2;
    WARNED(&of, "uses 31.0 GB of 141.0 GB: half of its memory is free while it is 97 % busy; more images at a time may "
                "be faster");
    before[0].memory_used = 80000000000;
    NOT_WARNED(&of);
    before[0].memory_used = 31000000000;
    before[1].util = 79;
    NOT_WARNED(&of);
    sample.util = before[0].util = before[1].util = 12;
    NOT_WARNED(&of); /* nobody works on it */
    of.works = true;
    WARNED(&of, "is 12 % busy while its job runs: the job waits for processor or disk; give it more cores or a faster "
                "disk");
    before[1].util = NAN;
    NOT_WARNED(&of);
}

static void slower_than_others(void **state) {
    (void)state;
    GaugeSample sample = quiet();
    WarningsOf of = warnings_of(&sample);
    of.images_per_s = 800;
    NOT_WARNED(&of);
    of.others_per_s = 880;
    NOT_WARNED(&of);
    of.others_per_s = 1000;
    WARNED(&of, "computes 800.0 images/s: 20 % less than others with the same configuration, whose median is 1000.0; "
                "compare temperatures, clocks and cores");
    of.images_per_s = NAN;
    NOT_WARNED(&of);
}

/* --- The table --- */

static void the_table_is_whole(void **state) {
    (void)state;
    XidTable table;
    int actions[XID_ACTIONS] = {0};
    assert_fine(xid_table_open(NULL, &table));
    assert_true(table.count > 80);
    for (int64_t i = 0; i < table.count; i++) {
        assert_true(!i || table.list[i].code > table.list[i - 1].code);
        actions[table.list[i].action]++;
    }
    for (int i = 0; i < XID_ACTIONS; i++)
        assert_true(actions[i]);
    /* What NVIDIA's page says of codes that matter most here. */
    static const struct {
        int code;
        XidAction action;
    } known[] = {{13, XID_RESTART_APP}, {31, XID_RESTART_APP}, {43, XID_IGNORE},     {48, XID_RESET_GPU},
                 {63, XID_IGNORE},      {64, XID_RESET_GPU},   {74, XID_RESET_GPU},  {79, XID_RESET_GPU},
                 {92, XID_IGNORE},      {94, XID_RESTART_APP}, {95, XID_RESET_GPU},  {109, XID_RESET_GPU},
                 {119, XID_RESET_GPU},  {120, XID_RESET_GPU},  {140, XID_RESET_GPU}, {54, XID_CONTACT}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const Xid *xid = xid_table_find(&table, known[i].code);
        assert_non_null(xid);
        assert_int_equal(xid->action, known[i].action);
    }
    assert_null(xid_table_find(&table, 0));
    xid_table_close(&table);
}

static void assert_bad(void **state, const char *text, const char *part) {
    char path[TEMP_PATH * 2];
    XidTable table;
    assert_fine(files_write(temp_path(state, "xid.tsv", path), text, strlen(text)));
    assert_refused(xid_table_open(path, &table), EXIT_DATA, part);
    xid_table_close(&table);
}

static void bad_tables_are_refused(void **state) {
    XidTable table;
    char path[TEMP_PATH * 2];
    assert_bad(state, "code\tname\taction\n1.5\ta\tignore\n", "xid.tsv:2: the code \"1.5\" is not a whole number");
    assert_bad(state, "code\tname\taction\n-1\ta\tignore\n", "the code \"-1\"");
    assert_bad(state, "code\tname\taction\n1\ta\tignore\n1\tb\tcontact\n", "xid.tsv:3: the code 1 is there twice");
    assert_bad(state, "code\tname\taction\n1\t\tignore\n", "the name has 0 bytes");
    assert_bad(state, "code\tname\taction\n1\ta\tpray\n", "the action \"pray\" is none of");
    assert_bad(state, "code\tname\n1\ta\n", "action");
    assert_refused(xid_table_open(temp_path(state, "none.tsv", path), &table), EXIT_DATA, "none.tsv");
    xid_table_close(&table);
    /* From a folder without the table it is found beside the program. */
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir("/"), 0);
    Status elsewhere = xid_table_open(NULL, &table);
    assert_int_equal(chdir(before), 0);
    assert_refused(elsewhere, EXIT_DATA, "there is no data/xid.tsv beside the program"); /* a test is no program */
    xid_table_close(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_known_is_no_warning),
        cmocka_unit_test(a_gpu_that_does_not_answer),
        cmocka_unit_test(heat),
        cmocka_unit_test(power),
        cmocka_unit_test(memory_errors),
        cmocka_unit_test(error_codes),
        cmocka_unit_test(work),
        cmocka_unit_test(slower_than_others),
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(bad_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
