/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as programs write them: quotes, line ends, byte order marks, and texts that are not tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/table.h"
#include "tests/fixtures/tree.h"

static Status open_text(const char *root, const char *text, Table *table) {
    put(root, "t.csv", text);
    char *path = scratch_path(root, "t.csv");
    Status status = table_open(path, table);
    free(path);
    return status;
}

/* All rows, fields between bars, rows between slashes. */
static void expect(const char *root, const char *text, const char *wanted) {
    Table table;
    assert_ok(open_text(root, text, &table));
    char seen[256] = "";
    for (bool more = true;;) {
        assert_ok(table_next(&table, &more));
        if (!more)
            break;
        strcat(seen, "/");
        for (int i = 0; i < table.column_count; i++) {
            strcat(seen, table.fields[i]);
            strcat(seen, "|");
        }
    }
    assert_string_equal(seen, wanted);
    table_close(&table);
}

static void expect_bad(const char *root, const char *text, const char *part) {
    Table table;
    Status status = open_text(root, text, &table);
    bool more = true;
    while (!status && more)
        status = table_next(&table, &more);
    assert_fails(status, EXIT_DATA, part);
    table_close(&table);
}

static void fields_are_read(void **state) {
    expect(*state, "a,b\n1,2\n,\n", "/1|2|/||");
    expect(*state, "a,b\r\n1,2\r\n3,4\r\n\r\n\r\n", "/1|2|/3|4|");
    expect(*state, "\xEF\xBB\xBF\"a\",b\n1,2", "/1|2|");
    expect(*state, "a,b\n1,", "/1||");
    expect(*state, "a\tb,c\n1,5\t2\n", "/1,5|2|");
    expect(*state, "a;b\n1,5;2\n", "/1,5|2|");
    expect(*state, "a\n1\n2\n", "/1|/2|");
    expect(*state, "a,b\n", "");
}

static void tables_of_spreadsheets_are_read(void **state) {
    expect(*state, "sep=;\na,x;b\n1;2\n", "/1|2|");
    expect(*state, "\xEF\xBB\xBFsep=,\r\na;x,b\r\n1,2\r\n", "/1|2|");
    expect(*state, "SEP=\t\na,x\tb\n1\t2\n", "/1|2|");
    expect(*state, "a,b\r1,2\r3,4\r\r", "/1|2|/3|4|");
    expect(*state, "a,b\r1,\"x\ry\"\r", "/1|x\ry|");
    expect(*state, "a,b\r\r\n1,2\r\r\n", "/1|2|");
    expect(*state, "a\n1\n\n2\r\r\r\n\r", "/1|/|/2|");
    /* A header with both: the first row decides. */
    expect(*state, "file;grade, adjusted\nx;2\n", "/x|2|");
    expect(*state, "file,grade; adjusted\nx,2\n", "/x|2|");
    expect(*state, "file;a,b\nx;1,5\n", "/x;1|5|");
    expect(*state, " a , b \n 1 2\t,\xC2\xA0 x \xC2\xA0\n", "/1 2|x|");
    expect(*state, "a, \"b, c\" \n1, \"2, 3\" \n", "/1|2, 3|");
    expect(*state, "a\tb\n \t x\n", "/|x|");
}

static void quotes_hold_what_else_separates(void **state) {
    expect(*state, "a,b\n\"1,x\",\"say \"\"no\"\"\"\n", "/1,x|say \"no\"|");
    expect(*state, "a,b\n\"1\r\n2\",\"\"\n3,5\" x\n", "/1\r\n2||/3|5\" x|");
    expect(*state, "\"a,b\";c\n1;2\n", "/1|2|");
}

static void a_malformed_table_is_refused_with_its_line(void **state) {
    expect_bad(*state, "", "the table is empty");
    expect_bad(*state, "\n\n", "the table is empty");
    expect_bad(*state, "a,b\n1,2\n3\n", "t.csv:3: 1 field, but the header names 2 columns");
    expect_bad(*state, "a,b\n\"1\n\n\",2\n3,4,5\n", "t.csv:5: 3 fields");
    expect_bad(*state, "a,b\n1,2\n\n3,4\n", "t.csv:3: 1 field");
    expect_bad(*state, "a,b\n1,2\n3", "2 columns; the file ends here: cut short?");
    expect_bad(*state, "a,b,c\n1,", "3 columns; the file ends here: cut short?");
    expect_bad(*state, "a,b\r\n1,2\r\n3\r\n", "t.csv:3: 1 field, but the header names 2 columns");
    expect_bad(*state, "a,b\n1,\"2\n3,4\n", "t.csv:2: a quote opens");
    expect_bad(*state, "a,b\n1,\"2\"x\n", "t.csv:2: text after a closing quote");
    expect_bad(*state, "a,b\r1,2\r3\r", "t.csv:3: 1 field, but");
    expect_bad(*state, "a,b\r1,\"2\r\r\",3\r", "t.csv:2: 3 fields");
    expect_bad(*state, "sep=;\na;b\n1;2\n3\n", "t.csv:4: 1 field, but the header names 2 columns");
    expect_bad(*state, "file,Grade,x,grade\n1,2,3,4\n", "t.csv:1: columns 2 and 4 are both named \"grade\"; rename");
    expect_bad(*state, "PK\x03\x04xl",
               "t.csv: a spreadsheet (.xlsx, .ods) or another zip archive, which is not read as a "
               "table; save it as a text: CSV, in UTF-8");
    expect_bad(*state, "\xD0\xCF\x11\xE0\xA1", "a spreadsheet (.xls)");
    expect_bad(*state, "a,b\r1,2\r\xe4,3\r", "t.csv:3: byte 0xe4 is not UTF-8");
    expect_bad(*state, "a,b\n1,2\n\xe4,3\n", "t.csv:3: byte 0xe4 is not UTF-8");
    expect_bad(*state, "\xff\xfe,b\n", "t.csv:1: byte 0xff is not UTF-8");
    scratch_write(*state, "nul.csv", "a,b\n1,\0\n", 8);
    char *path = scratch_path(*state, "nul.csv");
    Table table;
    assert_fails(table_open(path, &table), EXIT_DATA, "byte 6 is 0");
    free(path);
    path = scratch_path(*state, "none.csv");
    assert_fails(table_open(path, &table), EXIT_DATA, "none.csv: the table does not exist");
    free(path);
    put_link(*state, "loop.csv", "loop.csv");
    path = scratch_path(*state, "loop.csv");
    assert_fails(table_open(path, &table), EXIT_DATA, "loop.csv: a link that leads to itself");
    free(path);
}

static void columns_are_found_by_any_of_their_names(void **state) {
    Table table;
    int column;
    assert_ok(open_text(*state, " Image name ,participant_id,x\n", &table));
    assert_int_equal(table_find(&table, (const char *const[]){"image NAME", NULL}), 0);
    assert_int_equal(table_find(&table, (const char *const[]){"y", NULL}), -1);
    assert_ok(table_column(&table, (const char *const[]){"person_id", "participant_id", NULL}, &column));
    assert_int_equal(column, 1);
    assert_fails(table_column(&table, (const char *const[]){"y", "z", NULL}, &column), EXIT_DATA,
                 "t.csv: no column y or z; it has Image name, participant_id, x");
    table_close(&table);
}

static void numbers_are_whole_texts(void **state) {
    (void)state;
    double value;
    assert_true(table_number(" 1.5e1 ", &value));
    assert_float_equal(value, 15, 0);
    static const char *const none[] = {"", " ", "nan", "inf", "1x", "<0.5", "1,5", "-"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(table_number(none[i], &value));
}

/* Random texts of separators and quotes: each is read to its end or refused, and no row is longer than the text. */
static void any_text_is_read_or_refused(void **state) {
    static const char letters[] = "a,\"\n\r\t; ";
    uint64_t random = 1;
    int read = 0, rounds = getenv("FOVEA_LONG") ? 100000 : 2000;
    for (int i = 0; i < rounds; i++) {
        char text[24];
        size_t length = 0;
        do {
            random = random * 6364136223846793005u + 1442695040888963407u;
            text[length++] = letters[(random >> 33) % (sizeof letters - 1)];
        } while (length < sizeof text - 1 && random >> 60);
        text[length] = '\0';
        Table table;
        Status status = open_text(*state, text, &table);
        bool more = true;
        while (!status && more) {
            status = table_next(&table, &more);
            size_t size = 0;
            for (int c = 0; !status && more && c < table.column_count; c++)
                size += strlen(table.fields[c]) + 1;
            assert_true(size <= length + 1);
        }
        read += !status;
        assert_true(!status || status_code(status) == EXIT_DATA);
        status_free(status);
        table_close(&table);
    }
    assert_true(read > 0 && read < rounds);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields_are_read, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(tables_of_spreadsheets_are_read, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(quotes_hold_what_else_separates, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(a_malformed_table_is_refused_with_its_line, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(columns_are_found_by_any_of_their_names, tree_setup, tree_teardown),
        cmocka_unit_test(numbers_are_whole_texts),
        cmocka_unit_test_setup_teardown(any_text_is_read_or_refused, tree_setup, tree_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
