/* SPDX-License-Identifier: Apache-2.0 */
/* Texts printed into memory: saved as a file, taken, or dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/files.h"
#include "base/text_writer.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <stdlib.h>
#include <string.h>

static void a_text_is_saved_whole(void **state) {
    char path[TEMP_PATH * 2], *text;
    size_t size;
    TextWriter writer;
    assert_fine(text_writer_open(&writer, "a text"));
    fputs("one\n", writer.out);
    fflush(writer.out);
    assert_int_equal(writer.size, 4);
    assert_memory_equal(writer.text, "one\n", 4);
    fprintf(writer.out, "%d%c", 2, '\0');
    assert_fine(text_writer_save(&writer, temp_path(state, "text", path)));
    assert_fine(files_read(path, &text, &size));
    assert_int_equal(size, 6);
    assert_memory_equal(text, "one\n2\0", 6);
    free(text);
    assert_fine(text_writer_open(&writer, "a text"));
    assert_refused(text_writer_save(&writer, temp_path(state, "none/text", path)), EXIT_IO, "none/text");
    text_writer_discard(&writer);
}

static void a_text_is_taken_or_dropped(void **state) {
    (void)state;
    char *text;
    TextWriter writer;
    assert_fine(text_writer_open(&writer, "a text"));
    assert_fine(text_writer_take(&writer, &text));
    assert_string_equal(text, "");
    free(text);
    text_writer_discard(&writer);
    assert_fine(text_writer_open(&writer, "a text"));
    fputs("dropped", writer.out);
    text_writer_discard(&writer);
    assert_null(writer.out);
    text_writer_discard(&(TextWriter){0});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_saved_whole),
        cmocka_unit_test(a_text_is_taken_or_dropped),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
