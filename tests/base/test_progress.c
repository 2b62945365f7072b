/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line: in place and cut to the width of a terminal, line by line in a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

typedef struct {
    int other; /* the end to read what was written from */
    FILE *out;
} Terminal;

static Terminal open_terminal(int columns) {
    Terminal terminal = {.other = posix_openpt(O_RDWR | O_NOCTTY)};
    assert_true(terminal.other >= 0 && grantpt(terminal.other) == 0 && unlockpt(terminal.other) == 0);
    const int own = open(ptsname(terminal.other), O_RDWR | O_NOCTTY);
    assert_true(own >= 0);
    struct termios settings;
    assert_int_equal(tcgetattr(own, &settings), 0);
    cfmakeraw(&settings);
    assert_int_equal(tcsetattr(own, TCSANOW, &settings), 0);
    const struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    assert_int_equal(ioctl(own, TIOCSWINSZ, &size), 0);
    terminal.out = fdopen(own, "w");
    assert_non_null(terminal.out);
    return terminal;
}

static void expect_shown(Terminal *terminal, const char *expected) {
    char shown[512] = "";
    size_t used = 0;
    while (used < strlen(expected)) {
        const ssize_t got = read(terminal->other, shown + used, sizeof shown - 1 - used);
        assert_true(got > 0);
        used += (size_t)got;
    }
    assert_string_equal(shown, expected);
}

static void a_terminal_shows_one_line_in_place(void **state) {
    (void)state;
    Terminal terminal = open_terminal(20);
    Progress progress;
    progress_begin(&progress, terminal.out);
    assert_true(progress.terminal);
    progress_show(&progress, "%d of %d", 1, 9);
    expect_shown(&terminal, "\r\033[K1 of 9");
    progress_show(&progress, "%s", "0123456789012345678901234567");
    expect_shown(&terminal, "\r\033[K0123456789012345678");
    progress_note(&progress, "a %s", "note");
    expect_shown(&terminal, "\na note\n");
    progress_note(&progress, "another");
    expect_shown(&terminal, "another\n");
    progress_show(&progress, "2 of 9");
    progress_end(&progress);
    progress_end(&progress);
    expect_shown(&terminal, "\r\033[K2 of 9\n");
    fclose(terminal.out);
    close(terminal.other);
}

static void a_file_gets_a_line_each_time(void **state) {
    (void)state;
    char text[128] = "";
    FILE *file = tmpfile();
    Progress progress;
    assert_non_null(file);
    progress_begin(&progress, file);
    assert_false(progress.terminal);
    progress_show(&progress, "%d of %d", 1, 9);
    progress_note(&progress, "a note");
    progress_show(&progress, "2 of 9");
    progress_end(&progress);
    rewind(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    assert_string_equal(text, "1 of 9\na note\n2 of 9\n");
    fclose(file);
}

static void showing_resets_the_age(void **state) {
    (void)state;
    FILE *file = tmpfile();
    Progress progress;
    assert_non_null(file);
    progress_begin(&progress, file);
    progress.shown -= 100;
    assert_true(progress_age(&progress) >= 100);
    progress_show(&progress, "shown");
    assert_true(progress_age(&progress) < 100);
    fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_shows_one_line_in_place),
        cmocka_unit_test(a_file_gets_a_line_each_time),
        cmocka_unit_test(showing_resets_the_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
