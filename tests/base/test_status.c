/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void carries_code_and_message(void **state) {
    (void)state;
    Status status = status_error(EXIT_DATA, "%s:%d: %s", "a.ini", 12, "what to do");
    assert_int_equal(status_code(status), EXIT_DATA);
    assert_string_equal(status_message(status), "a.ini:12: what to do");
    status_free(status);
}

static void null_is_success(void **state) {
    (void)state;
    assert_int_equal(status_code(NULL), EXIT_OK);
    assert_string_equal(status_message(NULL), "");
    status_free(NULL);
}

static void a_long_message_is_whole(void **state) {
    (void)state;
    char *text = malloc(100001);
    assert_non_null(text);
    memset(text, 'x', 100000);
    text[100000] = '\0';
    Status status = status_error(EXIT_IO, "begin %s", text);
    assert_memory_equal(status_message(status), "begin xxx", 9);
    assert_string_equal(status_message(status) + 6, text);
    /* The advice may contain the message itself. */
    status = status_append(status, "; %s", status_message(status));
    assert_int_equal(strlen(status_message(status)), 2 * 100006 + 2);
    assert_string_equal(status_message(status) + 100006 + 2 + 6, text);
    status_free(status);
    free(text);
}

static void no_memory_names_what_and_how_much(void **state) {
    (void)state;
    Status status = status_no_memory("activations", 2500000);
    assert_int_equal(status_code(status), EXIT_NO_MEMORY);
    assert_string_equal(status_message(status), "out of memory: cannot allocate 2.5 MB for activations; free memory");
    status_free(status);
    status = status_no_memory("a path", 0);
    assert_string_equal(status_message(status), "out of memory: cannot allocate memory for a path; free memory");
    status_free(status);
}

static void advice_is_added_to_a_message(void **state) {
    (void)state;
    Status status = status_append(status_error(EXIT_NO_MEMORY, "out of memory"), "; lower %s", "--threads");
    assert_int_equal(status_code(status), EXIT_NO_MEMORY);
    assert_string_equal(status_message(status), "out of memory; lower --threads");
    status_free(status);
    assert_null(status_append(NULL, "; lower it"));
}

/* The exit codes are a contract with whoever starts the programs. */
static void exit_codes_are_the_documented_numbers(void **state) {
    (void)state;
    assert_int_equal(EXIT_OK, 0);
    assert_int_equal(EXIT_USAGE, 64);
    assert_int_equal(EXIT_DATA, 65);
    assert_int_equal(EXIT_MISSING, 69);
    assert_int_equal(EXIT_INTERNAL, 70);
    assert_int_equal(EXIT_IO, 74);
    assert_int_equal(EXIT_STOPPED, 75);
    assert_int_equal(EXIT_NO_MEMORY, 76);
    assert_int_equal(EXIT_DIVERGED, 77);
    assert_int_equal(EXIT_REFUSED, 78);
}

static Status give(Status status, int *evaluated) {
    ++*evaluated;
    return status;
}

static Status tries(Status first, int *evaluated, int *reached) {
    TRY(give(first, evaluated));
    *reached = 1;
    return NULL;
}

static void try_hands_a_failure_up_once(void **state) {
    (void)state;
    int evaluated = 0, reached = 0;
    Status failure = status_error(EXIT_INTERNAL, "broken");
    assert_ptr_equal(tries(failure, &evaluated, &reached), failure);
    assert_int_equal(evaluated, 1);
    assert_int_equal(reached, 0);
    status_free(failure);
    assert_null(tries(NULL, &evaluated, &reached));
    assert_int_equal(reached, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_code_and_message),     cmocka_unit_test(null_is_success),
        cmocka_unit_test(a_long_message_is_whole),      cmocka_unit_test(no_memory_names_what_and_how_much),
        cmocka_unit_test(advice_is_added_to_a_message), cmocka_unit_test(exit_codes_are_the_documented_numbers),
        cmocka_unit_test(try_hands_a_failure_up_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
