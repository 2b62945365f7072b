/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lease.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void set_lease(const char *path, const char *epoch) {
    char lease[TEMP_PATH * 3];
    snprintf(lease, sizeof lease, "%s:%s", path, epoch);
    setenv("FOVEA_LEASE", lease, 1);
}

static void valid_or_not(void **state) {
    static const struct {
        const char *content, *epoch;
        bool valid;
    } cases[] = {{"12\n", "12", true}, {"12", "12", true},    {"12\n", "1", false}, {"1\n", "12", false},
                 {"", "12", false},    {"13\n", "12", false}, {"12x", "12", false}, {"12\n\n", "12", false}};
    char path[TEMP_PATH * 2];
    temp_path(state, "leases:of/7", path); /* a colon in the path is no end of it */
    char folder[TEMP_PATH * 2];
    assert_fine(files_make_directory(temp_path(state, "leases:of", folder)));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_fine(files_write(path, cases[i].content, strlen(cases[i].content)));
        set_lease(path, cases[i].epoch);
        if (cases[i].valid)
            assert_fine(lease_check());
        else
            assert_refused(lease_check(), EXIT_REFUSED, path);
    }
    assert_refused(lease_check(), EXIT_REFUSED, "the pool took the GPU away");
    assert_int_equal(unlink(path), 0);
    assert_refused(lease_check(), EXIT_REFUSED, path);
    set_lease(folder, "1");
    assert_refused(lease_check(), EXIT_REFUSED, folder);
}

static void malformed(void **state) {
    (void)state;
    static const char *const texts[] = {"", "file", ":1", "file:", "file:1x", "file:-1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        setenv("FOVEA_LEASE", texts[i], 1);
        assert_refused(lease_check(), EXIT_USAGE, "FOVEA_LEASE");
    }
    unsetenv("FOVEA_LEASE");
    assert_fine(lease_check());
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(valid_or_not), cmocka_unit_test(malformed)};
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
