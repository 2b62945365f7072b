/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of images and their tables: labels, people, splits, and what is found wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/folder_read.h"

#include <math.h>
#include <sys/stat.h>

static void classes_are_labels_and_folders_are_splits(void **state) {
    put(*state, "train/sick/a.jpg", "x");
    put(*state, "train/healthy/r_left.png", "x");
    put(*state, "val/sick/c_OD.jpg", "x");
    put(*state, "test/odd/d.JPG", "x");
    put(*state, "train/sick/note.txt", "x");
    Read read = read_fine((SourceOptions){.root = *state});
    assert_int_equal(read.source.count, 4);
    assert_int_equal(read.findings.count, 0);
    assert_false(read.source.info.licensed);
    const StageInput *a = input_at(&read.source, "train/sick/a.jpg"), *d = input_at(&read.source, "test/odd/d.JPG");
    assert_float_equal(label_of(&read.source, a, "class"), 2, 0);
    assert_float_equal(label_of(&read.source, d, "class"), 1, 0);
    assert_float_equal(label_of(&read.source, input_at(&read.source, "train/healthy/r_left.png"), "class"), 0, 0);
    assert_int_equal(a->split, PACK_SPLIT_TRAIN);
    assert_int_equal(d->split, PACK_SPLIT_TEST);
    assert_int_equal(a->eye, PACK_EYE_UNKNOWN);
    assert_int_equal(input_at(&read.source, "train/healthy/r_left.png")->eye, PACK_EYE_LEFT);
    assert_int_equal(input_at(&read.source, "val/sick/c_OD.jpg")->eye, PACK_EYE_RIGHT);
    assert_string_equal(a->person, "a");
    assert_string_equal(a->modality, "cfp");
    assert_int_equal(read.source.class_count, 3);
    assert_string_equal(read.source.classes[2].name, "sick");
    assert_float_equal(read.source.classes[2].number, 2, 0);
    assert_non_null(strstr(read.source.warnings, "a person of its own"));
    close_read(&read);
}

static void drawn_photographs_bring_their_table(void **state) {
    put(*state, "train/P000001_R_1.jpg", "x");
    put(*state, "train/P000001_L_1.jpg", "x");
    put(*state, "val/P000002_R_1.jpg", "x");
    put(*state, "labels.csv",
        "file,split,person,eye,visit,device,lesions,grade\n"
        "train/P000001_R_1.jpg,train,P000001,R,1,alpha,0,0\n"
        "train/P000001_L_1.jpg,train,P000001,L,1,alpha,1,2\n"
        "val/P000002_R_1.jpg,val,P000002,R,1,beta,1,4\n");
    Read read = read_fine((SourceOptions){.root = *state, .labels = "labels.csv", .person = "person"});
    assert_int_equal(read.source.count, 3);
    assert_int_equal(read.findings.count, 0);
    assert_int_equal(read.source.info.label_count, 3);
    const StageInput *left = input_at(&read.source, "train/P000001_L_1.jpg");
    assert_string_equal(left->person, "P000001");
    assert_string_equal(left->device, "alpha");
    assert_int_equal(left->eye, PACK_EYE_LEFT);
    assert_int_equal(left->split, PACK_SPLIT_TRAIN);
    assert_float_equal(label_of(&read.source, left, "grade"), 2, 0);
    assert_float_equal(label_of(&read.source, input_at(&read.source, "val/P000002_R_1.jpg"), "grade"), 4, 0);
    close_read(&read);
}

static void without_a_split_all_is_taken(void **state) {
    put(*state, "b.jpg", "x");
    put(*state, "deep/a.png", "x");
    Read read = read_fine((SourceOptions){.root = *state});
    assert_int_equal(read.source.count, 2);
    assert_int_equal(read.findings.count, 0);
    assert_int_equal(read.source.info.label_count, 0);
    assert_string_equal(read.source.inputs[0].path, "b.jpg");
    assert_int_equal(read.source.inputs[0].split, PACK_SPLIT_NONE);
    close_read(&read);
    assert_folder_fails(EXIT_USAGE, "--labels", .root = *state, .person = "person");
    assert_folder_fails(EXIT_USAGE, "use aptos, brset, drive,", .root = *state, .kind = "nothing");
}

static void rows_and_files_are_compared(void **state) {
    put(*state, "a.jpg", "x");
    put(*state, "B.JPG", "x");
    put(*state, "extra.jpg", "x");
    put(*state, "t.csv", "grade,pic\n1,a.jpg\n2,b.jpg\n3,gone.jpg\n4,gone.jpg\n5,a.jpg\n");
    Read read = read_fine((SourceOptions){.root = *state, .labels = "t.csv"});
    assert_int_equal(read.source.count, 4);
    const StageInput *a = input_at(&read.source, "a.jpg"), *gone = input_at(&read.source, "gone.jpg");
    assert_float_equal(label_of(&read.source, a, "grade"), 1, 0);
    assert_float_equal(label_of(&read.source, input_at(&read.source, "B.JPG"), "grade"), 2, 0);
    assert_true(isnan(label_of(&read.source, input_at(&read.source, "extra.jpg"), "grade")));
    assert_non_null(gone->quarantine_reason);
    assert_non_null(input_at(&read.source, "extra.jpg")->exclude_reason);
    assert_int_equal(findings_of(&read.findings, FINDING_MISSING, "gone.jpg"), 1);
    assert_int_equal(findings_of(&read.findings, FINDING_LISTED_TWICE, "gone.jpg"), 1);
    assert_int_equal(findings_of(&read.findings, FINDING_LISTED_TWICE, "a.jpg"), 1);
    assert_int_equal(findings_of(&read.findings, FINDING_UNLISTED, "extra.jpg"), 1);
    assert_int_equal(read.findings.count, 4);
    close_read(&read);
}

/* A row for what is there, but is none of the images that were found. */
static void rows_say_what_is_wrong_with_their_file(void **state) {
    put(*state, "a.jpg", "x");
    put(*state, "scan.tif", "x");
    put(*state, "b.jpg/x", "x");
    put_link(*state, "loop.jpg", "loop.jpg");
    put_link(*state, "out.tif", "/dev/null");
    put(*state, "t.csv", "file,eye\na.jpg,X\nscan.tif,L\nb.jpg,R\nloop.jpg,R\n");
    Read read = read_fine((SourceOptions){.root = *state, .labels = "t.csv"});
    assert_int_equal(read.source.count, 4);
    assert_null(input_at(&read.source, "scan.tif")->quarantine_reason); /* to be found out when it is opened */
    assert_string_equal(input_at(&read.source, "b.jpg")->quarantine_reason, "not a regular file");
    assert_string_equal(input_at(&read.source, "loop.jpg")->quarantine_reason, "a loop of links");
    assert_int_equal(findings_of(&read.findings, FINDING_LATERALITY, "a.jpg"), 1);
    assert_int_equal(read.findings.count, 3);
    close_read(&read);
    put(*state, "t.csv", "file,grade\na.jpg,1\nout.tif,1\n");
    assert_folder_fails(EXIT_DATA, "outside: out.tif", .root = *state, .labels = "t.csv");
    put(*state, "t.csv", "file,split\na.jpg,train\na.jpg,train\na.jpg,\n");
    assert_folder_fails(EXIT_DATA, "person_split: a (t.csv:4: a second row puts", .root = *state, .labels = "t.csv");
    put(*state, "list", "a\ttest\n"); /* which decides it */
    char *list = scratch_path(*state, "list");
    read = read_fine((SourceOptions){.root = *state, .labels = "t.csv", .splits = list});
    assert_int_equal(input_at(&read.source, "a.jpg")->split, PACK_SPLIT_TEST);
    close_read(&read);
    free(list);
}

static void a_person_on_two_sides_is_refused(void **state) {
    put(*state, "a.jpg", "x");
    put(*state, "b.jpg", "x");
    put(*state, "t.csv", "file,who,split\na.jpg,P,train\nb.jpg,P,test\n");
    SourceOptions options = {.root = *state, .labels = "t.csv", .person = "who"};
    Read read = {0};
    assert_fails(source_folder(&options, &read.source, &read.findings), EXIT_DATA,
                 "person_split: P (a.jpg is in train, b.jpg in test); correct");
    assert_int_equal(findings_of(&read.findings, FINDING_PERSON_SPLIT, "P"), 1);
    assert_int_equal(read.findings.count, 1);
    close_read(&read);
    put(*state, "leave", "b.jpg\n");
    char *leave = scratch_path(*state, "leave");
    options.exclude = leave;
    read = read_fine(options);
    assert_non_null(strstr(input_at(&read.source, "b.jpg")->exclude_reason, "named in"));
    assert_int_equal(findings_of(&read.findings, FINDING_NAMED, "b.jpg"), 1);
    close_read(&read);
    put(*state, "leave", "b.jpg\nc.jpg\n");
    assert_fails(source_folder(&options, &read.source, &read.findings), EXIT_DATA, "leave:2: \"c.jpg\"");
    close_read(&read);
    free(leave);
}

static void a_split_of_people_is_taken(void **state) {
    put(*state, "10_left.jpeg", "x");
    put(*state, "10_right.jpeg", "x");
    put(*state, "20_left.jpeg", "x");
    put(*state, "split.tsv", "person\tsplit\n10\tval\n");
    char *splits = scratch_path(*state, "split.tsv");
    Read read = read_fine((SourceOptions){.root = *state, .kind = "eyepacs", .splits = splits});
    assert_string_equal(read.source.info.dataset, "eyepacs");
    assert_string_equal(read.source.inputs[1].person, "10");
    assert_int_equal(read.source.inputs[1].split, PACK_SPLIT_VAL);
    assert_int_equal(read.source.inputs[1].eye, PACK_EYE_RIGHT);
    assert_int_equal(findings_of(&read.findings, FINDING_NO_SPLIT, "20_left.jpeg"), 1);
    assert_int_equal(read.findings.count, 1);
    close_read(&read);
    put(*state, "split.tsv", "\xEF\xBB\xBFPerson_ID\tsplit\r\n20\ttest\r\n10\tval\r\n\r\n30\ttrain\r\n10\tval");
    read = read_fine((SourceOptions){.root = *state, .kind = "eyepacs", .splits = splits});
    assert_int_equal(read.source.inputs[2].split, PACK_SPLIT_TEST);
    assert_int_equal(read.findings.count, 0);
    assert_non_null(strstr(read.source.notes, "split by split.tsv, a list of 3 people; not in this set: 1, "
                                              "such as 30."));
    close_read(&read);
    put(*state, "split.tsv", "person\tsplit\n");
    assert_folder_fails(EXIT_DATA, "split.tsv: contains no people", .root = *state, .splits = splits);
    put(*state, "split.tsv", "10\tval\n10\ttrain\n");
    assert_folder_fails(EXIT_DATA, "person_split: 10 (lines of split.tsv", .root = *state, .kind = "eyepacs",
                        .splits = splits);
    put(*state, "split.tsv", "10\tval\n20\n");
    assert_folder_fails(EXIT_DATA, "split.tsv:2:", .root = *state, .splits = splits);
    put(*state, "split.tsv", "10\tnowhere\n");
    assert_folder_fails(EXIT_DATA, "split.tsv:1:", .root = *state, .splits = splits);
    free(splits);
}

static void sets_known_by_name_are_read(void **state) {
    put(*state, "aptos/train_images/0a1b.png", "x");
    put(*state, "aptos/train.csv", "id_code,diagnosis\n0a1b,3\n");
    put(*state, "messidor/IMG/x 1.JPG", "x");
    put(*state, "messidor/messidor_data.csv", "image_id,adjudicated_dr_grade\nx 1.jpg,2\n");
    char *root = scratch_path(*state, "aptos");
    Read read = read_fine((SourceOptions){.root = root, .kind = "aptos"});
    assert_float_equal(label_of(&read.source, input_at(&read.source, "train_images/0a1b.png"), "diagnosis"), 3, 0);
    assert_string_equal(read.source.info.dataset, "aptos2019");
    close_read(&read);
    free(root);
    root = scratch_path(*state, "messidor");
    read = read_fine((SourceOptions){.root = root, .kind = "messidor2"});
    assert_float_equal(label_of(&read.source, input_at(&read.source, "IMG/x 1.JPG"), "adjudicated_dr_grade"), 2, 0);
    close_read(&read);
    free(root);
}

static void names_that_repeat_are_different_people(void **state) {
    put(*state, "1. Images/a. Training Set/IDRiD_001.jpg", "x");
    put(*state, "1. Images/b. Testing Set/IDRiD_001.jpg", "x");
    put(*state, "2. Groundtruths/a. IDRiD_Disease Grading_Training Labels.csv",
        "Image name,Retinopathy grade,,\nIDRiD_001,3,,\n");
    put(*state, "2. Groundtruths/b. IDRiD_Disease Grading_Testing Labels.csv",
        "Image name,Retinopathy grade\nIDRiD_001,4\n");
    Read read = read_fine((SourceOptions){.root = *state, .kind = "idrid"});
    assert_int_equal(read.findings.count, 0);
    assert_int_equal(read.source.info.label_count, 1);
    const StageInput *train = &read.source.inputs[0], *test = &read.source.inputs[1];
    assert_int_equal(train->split, PACK_SPLIT_TRAIN);
    assert_int_equal(test->split, PACK_SPLIT_TEST);
    assert_float_equal(train->labels[0], 3, 0);
    assert_float_equal(test->labels[0], 4, 0);
    assert_string_not_equal(train->person, test->person);
    close_read(&read);
    assert_folder_fails(EXIT_DATA, "may mean", .root = *state,
                        .labels = "2. Groundtruths/b. IDRiD_Disease Grading_Testing Labels.csv");
}

static void rows_of_people_go_to_their_eyes(void **state) {
    put(*state, "FundusImages/RET002OD.jpg", "x");
    put(*state, "FundusImages/RET002OS.jpg", "x");
    put(*state, "ClinicalData/patient_data_od.xlsx", "x");
    assert_folder_fails(EXIT_DATA, "save patient_data_od.xlsx", .root = *state, .kind = "papila");
    put(*state, "ClinicalData/patient_data_od.csv", "ID;Age;Diagnosis\n#002;47;0\n");
    put(*state, "ClinicalData/patient_data_os.csv", "ID;Age;Diagnosis\n#002;47;2\n");
    Read read = read_fine((SourceOptions){.root = *state, .kind = "papila"});
    assert_int_equal(read.findings.count, 0);
    const StageInput *right = input_at(&read.source, "FundusImages/RET002OD.jpg"),
                     *left = input_at(&read.source, "FundusImages/RET002OS.jpg");
    assert_string_equal(right->person, "002");
    assert_string_equal(left->person, "002");
    assert_float_equal(label_of(&read.source, right, "Diagnosis"), 0, 0);
    assert_float_equal(label_of(&read.source, left, "Diagnosis"), 2, 0);
    close_read(&read);
}

static void both_eyes_get_a_row_of_a_person(void **state) {
    put(*state, "preprocessed_images/7_left.jpg", "x");
    put(*state, "preprocessed_images/7_right.jpg", "x");
    put(*state, "full_df.csv", "ID,Left-Diagnostic Keywords,N,D\n7,\"a, b\",0,1\n");
    Read read = read_fine((SourceOptions){.root = *state, .kind = "odir"});
    assert_int_equal(read.findings.count, 0);
    assert_string_equal(read.source.inputs[0].person, "7");
    assert_float_equal(label_of(&read.source, &read.source.inputs[0], "D"), 1, 0);
    assert_float_equal(label_of(&read.source, &read.source.inputs[1], "D"), 1, 0);
    close_read(&read);
    /* The copy that has a row for each eye, and the images twice. */
    put(*state, "Training Images/7_left.jpg", "x");
    put(*state, "full_df.csv",
        "ID,D,filepath,filename\n7,1,../x/7_left.jpg,7_left.jpg\n7,0,../x/7_right.jpg,7_right.jpg\n");
    read = read_fine((SourceOptions){.root = *state, .kind = "odir"});
    assert_int_equal(findings_of(&read.findings, FINDING_UNLISTED, "Training Images/7_left.jpg"), 1);
    assert_int_equal(read.findings.count, 1);
    const StageInput *right = input_at(&read.source, "preprocessed_images/7_right.jpg");
    assert_string_equal(right->person, "7");
    assert_float_equal(label_of(&read.source, right, "D"), 0, 0);
    close_read(&read);
}

static void links_that_lead_out_or_nowhere(void **state) {
    put(*state, "root/a.jpg", "x");
    put(*state, "b.jpg", "x");
    put_link(*state, "root/up", "..");
    put_link(*state, "root/gone.jpg", "nowhere.jpg");
    char *root = scratch_path(*state, "root");
    Read read = read_fine((SourceOptions){.root = root});
    assert_int_equal(read.source.count, 2);
    assert_int_equal(findings_of(&read.findings, FINDING_UNREADABLE, "gone.jpg"), 1);
    assert_int_equal(findings_of(&read.findings, FINDING_LINK, "up"), 1);
    assert_int_equal(read.findings.count, 2);
    close_read(&read);
    put(*state, "links/note.txt", "x");
    put_link(*state, "links/train", "../root");
    char *links = scratch_path(*state, "links");
    assert_folder_fails(EXIT_DATA, "the only images are behind links to folders, such as train,", .root = links);
    free(links);
    put_link(*state, "root/out.jpg", "../b.jpg");
    assert_folder_fails(EXIT_DATA, "outside: out.jpg", .root = root);
    free(root);
}

static void unread_files_are_reported(void **state) {
    static const char *const files[] = {"a.jpg",    "1.jp2", "d/2.JP2", "3.gif",  "README", "t.pdf",      "t.csv",
                                        "Fig. 3 b", "x.bmp", "x.zip",   "x.webp", "x.zz",   ".hidden.jp2"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put(*state, files[i], "x");
    char *pipe = scratch_path(*state, "pipe.jpg");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    Read read = read_fine((SourceOptions){.root = *state});
    static const char line[] = "9 files with other endings are not read: 2 without an ending, 2 .jp2, 1 .bmp, 1 .gif, "
                               "1 .webp, and 2 others; 1 is a pipe or a device, and not read, such as pipe.jpg";
    assert_non_null(strstr(read.source.warnings, line));
    close_read(&read);
    free(pipe);
    put(*state, "jp2/1.jp2", "x");
    char *root = scratch_path(*state, "jp2");
    assert_folder_fails(EXIT_DATA, "file names must end in .jpg, .jpeg, .png, .tif, .tiff or .dcm", .root = root);
    free(root);
}

static void tables_that_say_too_little_are_refused(void **state) {
    put(*state, "a.jpg", "x");
    assert_folder_fails(EXIT_DATA, "none.csv", .root = *state, .labels = "none.csv");
    put(*state, "t.csv", "x,y\n1,2\n");
    assert_folder_fails(EXIT_DATA, "t.csv: no column names files: no cell is the name of an image below",
                        .root = *state, .labels = "t.csv");
    put(*state, "t.csv", "file,y\na.jpg,2\n");
    assert_folder_fails(EXIT_DATA, "no column who; it has file, y", .root = *state, .labels = "t.csv", .person = "who");
    put(*state, "t.csv", "file,who\na.jpg,\n");
    assert_folder_fails(EXIT_DATA, "t.csv:2: the person is missing", .root = *state, .labels = "t.csv",
                        .person = "who");
    put(*state, "t.csv", "file,split\na.jpg,holdout\n");
    assert_folder_fails(EXIT_DATA, "t.csv:2: unknown split \"holdout\"", .root = *state, .labels = "t.csv");
    put(*state, "t.csv", "file,grade\na.jpg,1\n../b.jpg,1\n");
    assert_folder_fails(EXIT_DATA, "outside: ../b.jpg (t.csv:3: leads above the root)", .root = *state,
                        .labels = "t.csv");
    assert_folder_fails(EXIT_DATA, "no files to stage", .root = "tests/e2e");
    assert_folder_fails(EXIT_DATA, "the folder cannot be read", .root = "tests/none");
    assert_folder_fails(EXIT_DATA, "tests/run: not a folder", .root = "tests/run");
    put(*state, "retinal_photography/manifest.tsv", "x");
    assert_folder_fails(EXIT_USAGE, "stage it with ./stage aireadi", .root = *state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(classes_are_labels_and_folders_are_splits, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(drawn_photographs_bring_their_table, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(without_a_split_all_is_taken, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(rows_and_files_are_compared, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(rows_say_what_is_wrong_with_their_file, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(a_person_on_two_sides_is_refused, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(a_split_of_people_is_taken, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(sets_known_by_name_are_read, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(names_that_repeat_are_different_people, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(rows_of_people_go_to_their_eyes, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(both_eyes_get_a_row_of_a_person, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(links_that_lead_out_or_nowhere, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(unread_files_are_reported, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(tables_that_say_too_little_are_refused, tree_setup, tree_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
