/* SPDX-License-Identifier: Apache-2.0 */
/* What decides about labels: cells, columns of files and people, and names as other machines write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage/source/folder/label_cells.h"
#include "tests/fixtures/folder_read.h"

#include <math.h>

static void cells_are_read_or_unknown(void **state) {
    (void)state;
    static const struct {
        const char *text;
        CellKind kind;
        double value;
    } cells[] = {{"", CELL_UNKNOWN, 0},       {"NA", CELL_UNKNOWN, 0},       {"NaN", CELL_UNKNOWN, 0},
                 {"nan", CELL_UNKNOWN, 0},    {"N/A", CELL_UNKNOWN, 0},      {"null", CELL_UNKNOWN, 0},
                 {"#N/A", CELL_UNKNOWN, 0},   {"None", CELL_UNKNOWN, 0},     {"-", CELL_UNKNOWN, 0},
                 {"1.5", CELL_NUMBER, 1.5},   {"-2e1", CELL_NUMBER, -20},    {"0,35", CELL_NUMBER, 0.35},
                 {"-7,5", CELL_NUMBER, -7.5}, {"0,125", CELL_NUMBER, 0.125}, {"1234,5678", CELL_NUMBER, 1234.5678},
                 {"True", CELL_BOOLEAN, 1},   {"no", CELL_BOOLEAN, 0},       {"1,234", CELL_AMBIGUOUS, 0},
                 {"<20", CELL_TEXT, 0},       {"inf", CELL_TEXT, 0},         {"1e300", CELL_TEXT, 0},
                 {"1,2,3", CELL_TEXT, 0},     {",5", CELL_TEXT, 0},          {"mild", CELL_TEXT, 0}};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        double value = 0;
        if (cell_read(cells[i].text, &value) != cells[i].kind)
            fail_msg("\"%s\" is read as kind %d", cells[i].text, cell_read(cells[i].text, &value));
        if (cells[i].kind == CELL_NUMBER || cells[i].kind == CELL_BOOLEAN)
            assert_true(value == cells[i].value); /* the same decimal, read by the same strtod() */
    }
}

static void unknown_cells_leave_a_label(void **state) {
    static const char *const files[] = {"a0.png", "a1.png", "a2.png", "a3.png", "a4.png"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put(*state, files[i], "x");
    put(*state, "t.csv",
        "image;grade;hba1c;share;dme;sex;empty;mixed;\n"
        "a0.png;0;6.1;0,35;True;male;;<20;1\na1.png;NA;<20;0.5;False;female;NA;<20;2\n"
        "a2.png;2;7;;yes;;;<5;\na3.png; 3 ;n/a;NaN;no;male;;7;\n;;;;;;;;\na4.png;;8,5;1;;male;;;\n;;;;;;;;\n");
    Read read = read_fine((SourceOptions){.root = *state, .labels = "t.csv"});
    const StageSource *source = &read.source;
    static const float wanted[4][5] = {
        {0, NAN, 2, 3, NAN}, {6.1f, NAN, 7, NAN, 8.5f}, {0.35f, 0.5f, NAN, NAN, 1}, {1, 0, 1, 0, NAN}};
    static const char *const names[] = {"grade", "hba1c", "share", "dme"};
    assert_int_equal(source->info.label_count, 4);
    for (int label = 0; label < 4; label++)
        for (int i = 0; i < 5; i++) {
            const float value = label_of(source, input_at(source, files[i]), names[label]);
            assert_true(isnan(wanted[label][i]) ? isnan(value) : value == wanted[label][i]);
        }
    assert_true(
        is_warned(&read, "t.csv: column hba1c: 1 cell is no number, such as \"<20\" (line 3): the label is unknown"));
    assert_string_equal(reason_dropped(&read, "sex"), "4 cells are no number, such as \"male\" (line 2)");
    assert_string_equal(reason_dropped(&read, "empty"), "no cell has a value");
    assert_string_equal(reason_dropped(&read, "(without a name)"), "it has no name");
    assert_string_equal(reason_dropped(&read, "mixed"), "3 cells are no number, such as \"<20\" (line 2)");
    assert_true(
        is_warned(&read, "t.csv: column mixed is no label: 3 cells are no number, such as \"<20\" (line 2), and 1 is"));
    assert_false(is_warned(&read, "column sex"));
    assert_false(is_warned(&read, "is a label;"));
    assert_non_null(strstr(source->notes, "column dme: true and yes are 1, false and no are 0"));
    close_read(&read);
    put(*state, "t.csv", "image;cells\na0.png;0,5\na1.png;1,234\n");
    assert_folder_fails(EXIT_DATA, "t.csv:3: \"1,234\" in column cells: is the comma", .root = *state,
                        .labels = "t.csv");
    put(*state, "t.csv", "image;cup/disc\na0.png;0,5\n");
    assert_folder_fails(EXIT_DATA, "t.csv:1: a label cannot be called \"cup/disc\"", .root = *state, .labels = "t.csv");
    put(*state, "t.csv", "image,who,grade\na0.png,NA,1\n");
    assert_folder_fails(EXIT_DATA, "t.csv:2: the person is missing in column who", .root = *state, .labels = "t.csv",
                        .person = "who");
    put(*state, "t.csv", "image,split,eye,camera\na0.png,train,NA,N/A\na1.png,NA,L,x\n");
    read = read_fine((SourceOptions){.root = *state, .labels = "t.csv"});
    assert_true(is_warned(&read, "no column of the tables is a label"));
    assert_string_equal(input_at(&read.source, "a0.png")->device, "");
    assert_int_equal(findings_of(&read.findings, FINDING_NO_SPLIT, "a1.png"), 1);
    assert_int_equal(findings_of(&read.findings, FINDING_LATERALITY, "a0.png"), 0);
    close_read(&read);
}

static void files_are_found_by_names_of_other_machines(void **state) {
    put(*state, "sub dir/a.jpg", "x");
    put(*state, "sub dir/b.JPG", "x");
    put(*state, "c\\d.jpg", "x"); /* a backslash is a letter here */
    put(*state, "p1/left.jpg", "x");
    put(*state, "p2/left.jpg", "x");
    put(*state, "t.csv",
        "pic,grade\nC:\\data\\sub dir\\a.jpg,1\n sub dir\\B ,2\nc\\d.jpg,3\n/home/u/p1/left.jpg,4\nP2\\LEFT.JPG,5\n");
    Read read = read_fine((SourceOptions){.root = *state, .labels = "t.csv"});
    static const char *const files[] = {"sub dir/a.jpg", "sub dir/b.JPG", "c\\d.jpg", "p1/left.jpg", "p2/left.jpg"};
    assert_int_equal(read.findings.count, 0);
    for (int i = 0; i < 5; i++)
        assert_float_equal(label_of(&read.source, input_at(&read.source, files[i]), "grade"), i + 1, 0);
    close_read(&read);
}

static void numbers_never_name_files(void **state) {
    put(*state, "1.png", "x");
    put(*state, "2.png", "x");
    put(*state, "t.csv", "grade,x\n1,0\n2,0\n");
    assert_folder_fails(EXIT_DATA, "no column names files: column grade holds numbers", .root = *state,
                        .labels = "t.csv");
    put(*state, "t.csv", "x,ID\n5,1\n6,2\n");
    Read read = read_fine((SourceOptions){.root = *state, .labels = "t.csv"});
    assert_float_equal(label_of(&read.source, input_at(&read.source, "2.png"), "x"), 6, 0);
    close_read(&read);
    put(*state, "a.png", "x");
    put(*state, "b.png", "x");
    put(*state, "t.csv", "ID,photo,grade\n1,a.png,4\n2,b.png,5\n3,1.png,6\n4,2.png,7\n5,none.png,8\n6,z.png,9\n");
    read = read_fine((SourceOptions){.root = *state, .labels = "t.csv"});
    assert_float_equal(label_of(&read.source, input_at(&read.source, "1.png"), "grade"), 4, 0);
    close_read(&read);
    put(*state, "t.csv", "ID,photo,grade\n1,a.png,4\n20,b.png,5\n30,1.png,6\n40,2.png,7\n");
    read = read_fine((SourceOptions){.root = *state, .labels = "t.csv"});
    assert_float_equal(label_of(&read.source, input_at(&read.source, "1.png"), "grade"), 6, 0);
    close_read(&read);
    put(*state, "t.csv", "patient_id,image\n7,1\n7,2\n");
    read = read_fine((SourceOptions){.root = *state, .labels = "t.csv"});
    assert_true(is_warned(&read, "if column patient_id names them, choose it with --person"));
    close_read(&read);
}

/* A row for a person, with a column of images for each eye. */
static void a_row_may_have_an_image_of_each_eye(void **state) {
    static const char *const files[] = {"0_left.jpg", "0_right.jpg", "1_left.jpg", "2_right.jpg", "mask.jpg"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put(*state, files[i], "x");
    put(*state, "t.csv",
        "ID,Left-Fundus,Right-Fundus,N,D\n0,0_left.jpg,0_right.jpg,0,1\n1,1_left.jpg,,1,0\n2,NA,2_right.jpg,1,1\n");
    Read read = read_fine((SourceOptions){.root = *state, .kind = "odir", .labels = "t.csv"});
    assert_int_equal(findings_of(&read.findings, FINDING_UNLISTED, "mask.jpg"), 1);
    assert_int_equal(read.findings.count, 1);
    const StageInput *left = input_at(&read.source, "0_left.jpg"), *right = input_at(&read.source, "0_right.jpg");
    assert_string_equal(left->person, "0");
    assert_string_equal(right->person, "0");
    assert_int_equal(left->eye, PACK_EYE_LEFT);
    assert_int_equal(right->eye, PACK_EYE_RIGHT);
    assert_float_equal(label_of(&read.source, right, "D"), 1, 0);
    assert_float_equal(label_of(&read.source, input_at(&read.source, "2_right.jpg"), "N"), 1, 0);
    close_read(&read);
    /* Without a set's rules: the names are no eyes, and both images of a row are still of one person. */
    put(*state, "A.png", "x");
    put(*state, "B.png", "x");
    put(*state, "t.csv", "image R,image_os,mask,grade\nA.png,B.png,mask.jpg,3\n");
    read = read_fine((SourceOptions){.root = *state, .labels = "t.csv"});
    assert_string_equal(input_at(&read.source, "A.png")->person, input_at(&read.source, "B.png")->person);
    assert_int_equal(input_at(&read.source, "A.png")->eye, PACK_EYE_RIGHT);
    assert_int_equal(input_at(&read.source, "B.png")->eye, PACK_EYE_LEFT);
    assert_float_equal(label_of(&read.source, input_at(&read.source, "B.png"), "grade"), 3, 0);
    assert_non_null(input_at(&read.source, "mask.jpg")->exclude_reason);
    close_read(&read);
}

static void words_of_a_name_tell_the_eye(void **state) {
    (void)state;
    static const struct {
        const char *name;
        PackEye all, longer; /* with words of one letter, and without */
    } cases[] = {{"image_os", PACK_EYE_LEFT, PACK_EYE_LEFT},    {"Left-Fundus", PACK_EYE_LEFT, PACK_EYE_LEFT},
                 {"12OD34", PACK_EYE_RIGHT, PACK_EYE_RIGHT},    {"R", PACK_EYE_RIGHT, PACK_EYE_UNKNOWN},
                 {"r_7.left", PACK_EYE_UNKNOWN, PACK_EYE_LEFT}, {"left_right", PACK_EYE_UNKNOWN, PACK_EYE_UNKNOWN},
                 {"od od", PACK_EYE_RIGHT, PACK_EYE_RIGHT},     {"leftmost rightly os_x", PACK_EYE_LEFT, PACK_EYE_LEFT},
                 {"", PACK_EYE_UNKNOWN, PACK_EYE_UNKNOWN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(input_eye_of_words(cases[i].name, 1), cases[i].all);
        assert_int_equal(input_eye_of_words(cases[i].name, 2), cases[i].longer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_read_or_unknown),
        cmocka_unit_test(words_of_a_name_tell_the_eye),
        cmocka_unit_test_setup_teardown(unknown_cells_leave_a_label, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(files_are_found_by_names_of_other_machines, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(numbers_never_name_files, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(a_row_may_have_an_image_of_each_eye, tree_setup, tree_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
