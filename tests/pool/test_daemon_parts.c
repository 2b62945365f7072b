/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the daemon that need no daemon: its time, the calls of the rule's program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/files.h"
#include "pool/daemon/parts/host_clock.h"
#include "pool/daemon/parts/notices.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Time --------------------------------------------------------------------------------------------------------- */

static void time_follows_a_clock_that_is_right(void **state) {
    (void)state;
    HostClock clock;
    host_clock_start(&clock, 100, 5000, NAN);
    assert_true(host_clock_read(&clock, 100, 5000) == 5000);
    assert_true(host_clock_read(&clock, 107, 5007) == 5007);
    /* half a second too late is made up for within five */
    assert_true(fabs(host_clock_read(&clock, 108, 5008.5) - 5008.1) < 1e-9);
    assert_true(fabs(host_clock_read(&clock, 113, 5013.5) - 5013.5) < 1e-9);
}

static void time_hardly_follows_a_clock_that_jumps(void **state) {
    (void)state;
    HostClock clock;
    host_clock_start(&clock, 0, 5000, NAN);
    /* a day ahead: an hour is at most a tenth too long */
    assert_true(fabs(host_clock_read(&clock, 3600, 5000 + 3600 + 86400) - (5000 + 3600 + 360)) < 1e-6);
    /* and back by a year: the time goes on, slower */
    const double before = clock.time;
    assert_true(fabs(host_clock_read(&clock, 3700, 5000 - 365 * 86400.0) - (before + 90)) < 1e-6);
}

static void time_starts_where_the_last_daemon_ended(void **state) {
    (void)state;
    HostClock clock;
    host_clock_start(&clock, 0, 5000, 9000);
    assert_true(host_clock_read(&clock, 0, 5000) == 9000);
    assert_true(host_clock_read(&clock, 10, 5010) == 9009);
    host_clock_start(&clock, 0, 5000, 4000);
    assert_true(host_clock_read(&clock, 0, 5000) == 5000);
}

static void write_file(const char *path, const char *text) {
    assert_fine(files_write(path, text, strlen(text)));
}

/* --- Notices ------------------------------------------------------------------------------------------------------ */

static void a_notice_reaches_the_program(void **state) {
    const char *root = ((Temp *)*state)->root;
    char program[512], seen[512], script[1200];
    snprintf(program, sizeof program, "%s/notify", root);
    snprintf(seen, sizeof seen, "%s/seen", root);
    snprintf(script, sizeof script, "#!/bin/sh\ncat >>'%s'\n", seen);
    write_file(program, script);
    assert_int_equal(chmod(program, 0700), 0);
    Notices notices = {0};
    const Notice notice = {
        .time = 12.5, .node = "node1", .event = "failed", .text = "job 7 \"<b>\"\nfailed", .job = 7, .gpu = -1};
    notices_add(&notices, &notice);
    assert_true(notices_busy(&notices));
    for (int i = 0; i < 1000 && notices_busy(&notices); i++) {
        notices_work(&notices, program);
        usleep(10000);
    }
    assert_false(notices_busy(&notices));
    char *text;
    size_t size;
    assert_fine(files_read(seen, &text, &size));
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    assert_string_equal(cJSON_GetObjectItem(json, "event")->valuestring, "failed");
    assert_string_equal(cJSON_GetObjectItem(json, "text")->valuestring, notice.text);
    assert_int_equal(cJSON_GetObjectItem(json, "job")->valueint, 7);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "gpu")));
    cJSON_Delete(json);
    free(text);
    notices_close(&notices);
}

/* A program that is not there costs its events, and too many events are dropped. */
static void notices_never_pile_up(void **state) {
    (void)state;
    Notices notices = {0};
    const Notice notice = {.node = "node1", .event = "dry", .text = "no job waits", .gpu = -1};
    for (int i = 0; i < NOTICES_WAITING + 10; i++)
        notices_add(&notices, &notice);
    assert_int_equal(notices.count, NOTICES_WAITING);
    assert_int_equal(notices.dropped, 10);
    FILE *kept = stderr;
    stderr = fopen("/dev/null", "w");
    for (int i = 0; i < NOTICES_WAITING && notices_busy(&notices); i++)
        notices_work(&notices, "/nowhere/notify");
    fclose(stderr);
    stderr = kept;
    assert_false(notices_busy(&notices));
    notices_close(&notices);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_follows_a_clock_that_is_right),
        cmocka_unit_test(time_hardly_follows_a_clock_that_jumps),
        cmocka_unit_test(time_starts_where_the_last_daemon_ended),
        cmocka_unit_test(a_notice_reaches_the_program),
        cmocka_unit_test(notices_never_pile_up),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
