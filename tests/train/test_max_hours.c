/* SPDX-License-Identifier: Apache-2.0 */
/* --max-hours counts hours: by a clock of the test's own, which goes on by a second whenever somebody looks at it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/short_run.h"

#include <stdatomic.h>
#include <time.h>

static atomic_long looks;

/* Takes the place of the C library's. */
int clock_gettime(clockid_t clock, struct timespec *time) {
    (void)clock;
    *time = (struct timespec){.tv_sec = 1000 + atomic_fetch_add(&looks, 1)};
    return 0;
}

static void check_hours(const char *root, double hours, const char *status) {
    const TrainOptions options = {.config_path = "short.ini", .force = true, .max_hours = hours};
    Config config;
    short_run_config(root, "", &config);
    atomic_store(&looks, 0);
    assert_ok(train_run(&config, &options));
    cJSON *record = short_run_json(config.run.dir, "run.json");
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(record, "status")->valuestring, status);
    cJSON_Delete(record);
}

/* Six steps take between a minute and an hour. */
static void a_run_ends_after_its_hours(void **state) {
    check_hours(*state, 1, "finished");
    assert_in_range(atomic_load(&looks), 60, 3600);
    check_hours(*state, 1.0 / 3600, "max_hours");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_run_ends_after_its_hours)};
    return cmocka_run_group_tests(tests, short_run_open, short_run_close);
}
