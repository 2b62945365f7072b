/* SPDX-License-Identifier: Apache-2.0 */
/* AI-READI's tables against its tree: who is staged, and what is found wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage/source/aireadi/source_aireadi.h"
#include "tests/fixtures/tree.h"

#include <math.h>
#include <sys/stat.h>

#define CFP "retinal_photography/cfp/"
#define A CFP "topcon_triton/1001/1001_triton_l_1.dcm"
#define B CFP "topcon_triton/1001/1001_triton_r_2.dcm"
#define MOSAIC CFP "icare_eidon/4001/4001_eidon_mosaic_cfp_l_3.dcm"
#define IR "retinal_photography/ir/icare_eidon/7001/7001_eidon_ir_l_4.dcm"
#define PEOPLE                                                                                                         \
    "person_id\tclinical_site\tstudy_group\tage\trecommended_split\n"                                                  \
    "1001\tUW\thealthy\t51\ttrain\n4001\tUCSD\tinsulin_dependent\t62\tval\n7001\tUAB\tother\t\ttest\n"
#define HEADER "person_id\tmanufacturer\tlaterality\timaging\tfilepath\n"
#define ROWS                                                                                                           \
    "1001\tTopcon\tL\tColor\t/" A "\n1001\tTopcon\tR\tColor\t" B "\n4001\tiCare\tL\tColor\t/" MOSAIC                   \
    "\n7001\tiCare\tL\tColor\t/" IR "\n"

static void make_tree(const char *root, const char *people, const char *manifest) {
    put(root, "participants.tsv", people);
    put(root, "retinal_photography/manifest.tsv", manifest);
    static const char *const files[] = {A, B, MOSAIC, IR};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put(root, files[i], "x");
}

static void what_is_listed_is_staged(void **state) {
    make_tree(*state, PEOPLE, HEADER ROWS);
    put(*state, "dataset_description.json", "{\"version\": \"3.0.0\"}");
    StageSource source;
    Findings findings = {0};
    assert_ok(source_aireadi(&(SourceOptions){.root = *state, .modalities = "cfp,ir"}, &source, &findings));
    assert_int_equal(source.count, 4);
    assert_int_equal(findings.count, 0);
    assert_true(source.info.licensed);
    assert_string_equal(source.info.dataset, "aireadi");
    assert_string_equal(source.info.dataset_version, "3.0.0");
    const StageInput *a = input_at(&source, A), *mosaic = input_at(&source, MOSAIC), *ir = input_at(&source, IR);
    assert_string_equal(a->person, "1001");
    assert_string_equal(a->device, "topcon_triton");
    assert_string_equal(a->modality, "cfp");
    assert_int_equal(a->eye, PACK_EYE_LEFT);
    assert_int_equal(input_at(&source, B)->eye, PACK_EYE_RIGHT);
    assert_int_equal(a->split, PACK_SPLIT_TRAIN);
    assert_int_equal(a->frame, FRAME_FUNDUS);
    assert_true(a->is_dicom);
    assert_int_equal(mosaic->frame, FRAME_WHOLE);
    assert_int_equal(mosaic->split, PACK_SPLIT_VAL);
    assert_int_equal(ir->frame, FRAME_WHOLE);
    assert_string_equal(ir->modality, "ir"); /* whatever `imaging` says */
    assert_float_equal(label_of(&source, a, "age"), 51, 0);
    assert_float_equal(label_of(&source, a, "study_group"), 0, 0);
    assert_float_equal(label_of(&source, mosaic, "study_group"), 3, 0);
    assert_float_equal(label_of(&source, mosaic, "site"), 1, 0);
    assert_true(isnan(label_of(&source, ir, "study_group")));
    assert_true(isnan(label_of(&source, ir, "age")));
    assert_true(isnan(label_of(&source, a, "hba1c")));
    assert_non_null(strstr(source.notes, "measurement.csv is not there"));
    source_close(&source);
    findings_close(&findings);
}

static void read_ok(const char *root, StageSource *source, Findings *findings) {
    *findings = (Findings){0};
    assert_ok(source_aireadi(&(SourceOptions){.root = root}, source, findings));
}

static void expect_refused(const char *root, ExitCode code, const char *part) {
    StageSource source;
    Findings findings = {0};
    assert_fails(source_aireadi(&(SourceOptions){.root = root}, &source, &findings), code, part);
    assert_int_equal(source.count, 0);
    findings_close(&findings);
}

static void drop(StageSource *source, Findings *findings) {
    source_close(source);
    findings_close(findings);
}

static void other_modalities_and_devices_are_no_inputs(void **state) {
    make_tree(*state, PEOPLE, HEADER ROWS);
    StageSource source;
    Findings findings;
    read_ok(*state, &source, &findings);
    assert_int_equal(source.count, 3);
    assert_int_equal(findings.count, 0);
    assert_non_null(strstr(source.notes, "of modalities that were not asked for: 1 file."));
    assert_string_equal(source.info.dataset_version, "unknown");
    drop(&source, &findings);
    put(*state, "CHANGELOG.md", "# Changes\n## 1.0.0 (2024)\n## v2.0.0\nfrom 9.9.9\n");
    assert_ok(source_aireadi(&(SourceOptions){.root = *state, .modalities = "ir,cfp", .device = "topcon_triton"},
                             &source, &findings));
    assert_int_equal(source.count, 2);
    assert_string_equal(source.info.dataset_version, "2.0.0");
    drop(&source, &findings);
    assert_fails(
        source_aireadi(&(SourceOptions){.root = *state, .device = "none"}, &source, &findings), EXIT_DATA,
        "no photograph of device none in these modalities, but 3 of other devices: icare_eidon, topcon_triton");
    assert_fails(source_aireadi(&(SourceOptions){.root = *state, .modalities = "cfp,oct"}, &source, &findings),
                 EXIT_USAGE, "\"oct\"");
}

/* Releases 1 and 2 name people differently, the standard names paths differently. */
static void older_names_of_columns_are_known(void **state) {
    make_tree(*state, "participant_id\trecommended_split\n1001\ttrain\n",
              "participant_id\tlaterality\tfilename\n1001\tL\t/" A "\n1001\tR\t/" B "\n");
    StageSource source;
    Findings findings;
    read_ok(*state, &source, &findings);
    assert_int_equal(input_at(&source, B)->split, PACK_SPLIT_TRAIN);
    assert_int_equal(findings_of(&findings, FINDING_UNLISTED, MOSAIC), 1);
    drop(&source, &findings);
}

#define GONE CFP "topcon_triton/1001/gone.dcm"
#define LINK CFP "topcon_triton/1001/link.dcm"
#define EXTRA CFP "topcon_triton/1001/extra.DCM"
#define WRONG CFP "topcon_triton/4001/x.dcm"
#define STRANGER CFP "topcon_triton/9009/x.dcm"
#define NO_SIDE CFP "topcon_triton/1002/x.dcm"
#define SHORT CFP "x.dcm"
#define NO_EYE CFP "topcon_triton/1001/eye.dcm"

static void each_finding_is_made_once(void **state) {
    make_tree(*state, PEOPLE "1002\tUW\thealthy\t3\t\n",
              HEADER ROWS "1001\t\tL\t\t/" A "\n1001\t\tL\t\t/" A "\n1001\t\tR\t\t" GONE "\n1001\t\tR\t\t" LINK
                          "\n1001\t\tR\t\t" WRONG "\n9009\t\tR\t\t" STRANGER "\n1002\t\tR\t\t" NO_SIDE
                          "\n1001\t\tR\t\t" SHORT "\n1001\t\tunknown_laterality\t\t/" NO_EYE "\n");
    static const char *const files[] = {EXTRA,
                                        WRONG,
                                        STRANGER,
                                        NO_SIDE,
                                        SHORT,
                                        NO_EYE,
                                        CFP "topcon_triton/1001/.hidden.dcm",
                                        CFP "topcon_triton/1001/a.dcm.partial",
                                        CFP "topcon_triton/1001/notes.txt"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put(*state, files[i], "x");
    put_link(*state, LINK, "nowhere");
    put_link(*state, CFP "topcon_triton/1001/loop", "..");
    StageSource source;
    Findings findings;
    read_ok(*state, &source, &findings);
    assert_int_equal(source.count, 11);
    assert_string_equal(source.warnings, "retinal_photography/cfp: 1 file with another ending is not read: 1 .txt\n");
    static const struct {
        FindingKind kind;
        const char *path;
    } wanted[] = {{FINDING_LISTED_TWICE, A},   {FINDING_MISSING, GONE},        {FINDING_UNREADABLE, LINK},
                  {FINDING_UNLISTED, EXTRA},   {FINDING_CONTRADICTION, WRONG}, {FINDING_NO_SPLIT, STRANGER},
                  {FINDING_NO_SPLIT, NO_SIDE}, {FINDING_CONTRADICTION, SHORT}, {FINDING_LATERALITY, NO_EYE}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_int_equal(findings_of(&findings, wanted[i].kind, wanted[i].path), 1);
        const StageInput *input = input_at(&source, wanted[i].path);
        assert_int_equal(input->quarantine_reason != NULL, finding_fate(wanted[i].kind) == FATE_QUARANTINED);
        assert_int_equal(input->exclude_reason != NULL, finding_fate(wanted[i].kind) == FATE_EXCLUDED);
    }
    assert_int_equal(findings_of(&findings, FINDING_LINK, CFP "topcon_triton/1001/loop"), 1);
    assert_int_equal(findings.count, sizeof wanted / sizeof *wanted + 1);
    assert_int_equal(input_at(&source, NO_EYE)->eye, PACK_EYE_UNKNOWN);
    for (int64_t i = 1; i < source.count; i++)
        assert_true(strcmp(source.inputs[i - 1].path, source.inputs[i].path) < 0);
    drop(&source, &findings);
}

static void what_cannot_be_trusted_is_refused_with_all_that_was_found(void **state) {
    make_tree(*state, PEOPLE "1001\tUW\thealthy\t51\ttest\n1001\tUW\thealthy\t51\tval\n4001\tUCSD\tx\t1\tval\n",
              HEADER ROWS "1001\t\tL\t\t/../../x.dcm\n1001\t\tL\t\t/elsewhere/x.dcm\n1001\t\tL\t\t" LINK "\n");
    put_link(*state, LINK, "/dev/null");
    StageSource source;
    Findings findings = {0};
    SourceOptions options = {.root = *state};
    assert_fails(source_aireadi(&options, &source, &findings), EXIT_DATA, "until 4 findings are resolved");
    assert_int_equal(findings_of(&findings, FINDING_PERSON_SPLIT, "1001"), 1);
    assert_int_equal(findings_of(&findings, FINDING_OUTSIDE, "/../../x.dcm"), 1);
    assert_int_equal(findings_of(&findings, FINDING_OUTSIDE, "/elsewhere/x.dcm"), 1);
    assert_int_equal(findings_of(&findings, FINDING_OUTSIDE, LINK), 1);
    assert_int_equal(findings.count, 4);
    findings_close(&findings);
    /* Settled: the tables corrected, the files left out. */
    put(*state, "participants.tsv", PEOPLE);
    put(*state, "leave", "/" LINK "\n\n/elsewhere/x.dcm\r\n../../x.dcm\n" B "\n");
    char *leave = scratch_path(*state, "leave");
    options.exclude = leave;
    assert_ok(source_aireadi(&options, &source, &findings));
    assert_non_null(strstr(input_at(&source, B)->exclude_reason, "named in"));
    assert_int_equal(findings_of(&findings, FINDING_NAMED, LINK), 1);
    assert_int_equal(findings.count, 2);
    drop(&source, &findings);
    free(leave);
}

/* A download on two disks: the whole of retinal_photography is on another, infrared frames on a third. */
static void folders_that_are_links_are_followed(void **state) {
    make_tree(*state, PEOPLE, HEADER ROWS);
    char *from = scratch_path(*state, "retinal_photography"), *to = scratch_path(*state, "disk");
    char *ir = scratch_path(*state, "disk/ir"), *third = scratch_path(*state, "third");
    char *root = scratch_path(*state, "root"), *table = scratch_path(*state, "participants.tsv"),
         *moved = scratch_path(*state, "root/participants.tsv");
    assert_ok(files_make_directory(root));
    assert_ok(files_rename(from, to));
    assert_ok(files_rename(ir, third));
    assert_ok(files_rename(table, moved));
    put_link(*state, "root/retinal_photography", "../disk");
    put_link(*state, "disk/ir", third);
    put(*state, "third/icare_eidon/7001/extra.dcm", "x");
    StageSource source;
    Findings findings = {0};
    SourceOptions options = {.root = root, .modalities = "cfp,ir"};
    assert_ok(source_aireadi(&options, &source, &findings));
    assert_int_equal(source.count, 5);
    assert_int_equal(findings_of(&findings, FINDING_UNLISTED, "retinal_photography/ir/icare_eidon/7001/extra.dcm"), 1);
    assert_int_equal(findings.count, 1);
    assert_null(input_at(&source, A)->quarantine_reason);
    assert_null(input_at(&source, IR)->quarantine_reason);
    const char *first = strstr(source.warnings, "retinal_photography is a link and was followed: the contents of ");
    assert_non_null(first);
    assert_non_null(strstr(first, "/disk are staged\nretinal_photography/ir is a link"));
    assert_non_null(strstr(source.notes, "retinal_photography/ir is a link to a folder elsewhere"));
    drop(&source, &findings);
    /* Deeper ones may not leave what is followed. */
    put(*state, "fourth/1001/x.dcm", "x");
    put_link(*state, "disk/cfp/topcon_triton/1001/out.dcm", "../../../../fourth/1001/x.dcm");
    put_link(*state, "disk/cfp/fourth", "../../fourth");
    assert_ok(source_aireadi(&options, &source, &findings)); /* on no row: not looked at */
    assert_int_equal(findings_of(&findings, FINDING_LINK, "retinal_photography/cfp/fourth"), 1);
    drop(&source, &findings);
    put(*state, "disk/manifest.tsv", HEADER ROWS "1001\t\tL\t\t/" CFP "topcon_triton/1001/out.dcm\n");
    assert_fails(source_aireadi(&options, &source, &findings), EXIT_DATA, "outside: " CFP "topcon_triton/1001/out.dcm");
    findings_close(&findings);
    put(*state, "disk/manifest.tsv", HEADER ROWS "1001\t\tL\t\t/" CFP "fourth/1001/x.dcm\n");
    assert_fails(source_aireadi(&options, &source, &findings), EXIT_DATA, "outside: " CFP "fourth/1001/x.dcm");
    findings_close(&findings);
    free(from);
    free(to);
    free(ir);
    free(third);
    free(root);
    free(table);
    free(moved);
}

static void links_that_lead_astray_are_named(void **state) {
    make_tree(*state, PEOPLE, HEADER ROWS);
    char *cfp = scratch_path(*state, "retinal_photography/cfp");
    static const char *const links[][2] = {{"cfp", "retinal_photography/cfp: a loop of links"},
                                           {"../../none", "is its disk mounted?"},
                                           {"/dev/null", "which is not a folder"},
                                           {".", "which contains it"},
                                           {"/", "a link to /, which contains it"}};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        assert_ok(files_remove(cfp));
        put_link(*state, "retinal_photography/cfp", links[i][0]);
        expect_refused(*state, EXIT_DATA, links[i][1]);
    }
    assert_ok(files_remove(cfp));
    put_link(*state, "loop", "loop");
    put_link(*state, "retinal_photography/cfp", "../elsewhere"); /* within the root: nothing to tell */
    put(*state, "elsewhere/topcon_triton/1001/1001_triton_l_1.dcm", "x");
    char *gone = scratch_path(*state, "elsewhere/topcon_triton/1001/1001_triton_r_2.dcm");
    put_link(*state, "elsewhere/topcon_triton/1001/1001_triton_r_2.dcm", "1001_triton_r_2.dcm");
    StageSource source;
    Findings findings;
    read_ok(*state, &source, &findings);
    assert_null(input_at(&source, A)->quarantine_reason);
    assert_string_equal(input_at(&source, B)->quarantine_reason, "a loop of links");
    assert_null(source.warnings);
    drop(&source, &findings);
    free(gone);
    free(cfp);
}

static void a_list_of_splits_stands_above_the_recommended_ones(void **state) {
    make_tree(*state, PEOPLE "1001\tUW\thealthy\t51\ttest\n", HEADER ROWS);
    put(*state, "mine.tsv", "1001\tval\n7001\ttest\n7002\ttrain\n");
    char *splits = scratch_path(*state, "mine.tsv");
    SourceOptions options = {.root = *state, .splits = splits};
    StageSource source;
    Findings findings = {0};
    assert_ok(source_aireadi(&options, &source, &findings));
    assert_int_equal(input_at(&source, A)->split, PACK_SPLIT_VAL);
    assert_int_equal(input_at(&source, B)->split, PACK_SPLIT_VAL);
    assert_string_equal(input_at(&source, MOSAIC)->exclude_reason, "its person is on no side of the list of splits");
    assert_int_equal(findings_of(&findings, FINDING_NO_SPLIT, MOSAIC), 1);
    assert_int_equal(findings.count, 1);
    assert_non_null(strstr(source.notes, "split by mine.tsv, a list of 3 people; not in this set: 1, such as 7002."));
    assert_non_null(strstr(source.warnings, "mine.tsv names 1 person who is not in this set: 7002\n"));
    drop(&source, &findings);
    put(*state, "mine.tsv", "1001\tval\n1001\ttest\n");
    assert_fails(source_aireadi(&options, &source, &findings), EXIT_DATA, "person_split: 1001 (lines of mine.tsv");
    findings_close(&findings);
    put(*state, "mine.tsv", "1001\tval\n4001\tholdout\n");
    assert_fails(source_aireadi(&options, &source, &findings), EXIT_DATA, "mine.tsv:2: not a line");
    free(splits);
}

static void readings_are_averaged_and_sentinels_dropped(void **state) {
    make_tree(*state, PEOPLE, HEADER ROWS);
    put(*state, "clinical_data/measurement.csv",
        "measurement_id,person_id,measurement_concept_id,value_as_number,value_source_value\n"
        "1,1001,3004249,120,\"a, b\"\n2,1001,3004249,130,x\n3,1001,3004249,777,x\n4,1001,3004410,5.5,x\n"
        "5,1001,99,1,x\n6,4001,3004410,,x\n7,5555,3004410,6,x\n8,4001,3017250.0,88,x\n");
    put(*state, "clinical_data/condition_occurrence.csv",
        "condition_occurrence_id,person_id,condition_concept_id\n1,4001,316866\n2,1001,5\n");
    StageSource source;
    Findings findings;
    read_ok(*state, &source, &findings);
    const StageInput *a = input_at(&source, A), *mosaic = input_at(&source, MOSAIC);
    assert_float_equal(label_of(&source, a, "systolic"), 125, 0);
    assert_float_equal(label_of(&source, a, "hba1c"), 5.5, 0);
    assert_true(isnan(label_of(&source, a, "diastolic")));
    assert_true(isnan(label_of(&source, mosaic, "hba1c")));
    assert_float_equal(label_of(&source, mosaic, "urine_creatinine"), 88, 0);
    assert_float_equal(label_of(&source, mosaic, "hypertension"), 1, 0);
    assert_float_equal(label_of(&source, mosaic, "retinopathy"), 0, 0);
    assert_float_equal(label_of(&source, a, "hypertension"), 0, 0);
    assert_non_null(strstr(source.notes, "averaged: 1 values; sentinels 555, 777, 888, 999 dropped: 1; without a "
                                         "number: 1; of people who are not in participants.tsv: 1."));
    drop(&source, &findings);
    put(*state, "clinical_data/measurement.csv", "person_id,value_as_number\n");
    expect_refused(*state, EXIT_DATA, "no column measurement_concept_id; it has person_id, value_as_number");
    char *folder = scratch_path(*state, "clinical_data"),
         *table = scratch_path(*state, "clinical_data/measurement.csv");
    assert_ok(files_remove(table));
    put_link(*state, "clinical_data/measurement.csv", "elsewhere.csv");
    expect_refused(*state, EXIT_DATA, "measurement.csv: a link that leads nowhere");
    assert_ok(files_remove(folder));
    put_link(*state, "clinical_data", "clinical_data");
    expect_refused(*state, EXIT_DATA, "clinical_data: a loop of links");
    assert_ok(files_remove(folder));
    put(*state, "clinical_data/measurement.csv", "person_id,measurement_concept_id,value_as_number\n");
    assert_int_equal(chmod(*state, 0755), 0);
    assert_int_equal(chmod(folder, 0), 0);
    become_nobody();
    Findings none = {0};
    Status status = source_aireadi(&(SourceOptions){.root = *state}, &source, &none);
    become_oneself();
    assert_int_equal(chmod(folder, 0700), 0);
    assert_fails(status, EXIT_IO, "measurement.csv: Permission denied");
    findings_close(&none);
    free(folder);
    free(table);
}

static void sums_of_the_download_are_found(void **state) {
    make_tree(*state, PEOPLE, HEADER ROWS);
    static const char sum[] = "0123456789abcdef0123456789abcdef";
    static const char *const lists[] = {
        "Name,Size,Hash\nv3/dataset/" A
        ",1,0123456789ABCDEF0123456789ABCDEF\nother.csv,2,ffffffffffffffffffffffffffffffff\n",
        "0123456789abcdef0123456789abcdef  ./" A "\n0123456789abcdef0123456789abcdef *other\n"};
    char *path = scratch_path(*state, "md5.csv");
    SourceOptions options = {.root = *state, .md5 = path};
    StageSource source;
    Findings findings = {0};
    for (int i = 0; i < 2; i++) {
        put(*state, "md5.csv", lists[i]);
        assert_ok(source_aireadi(&options, &source, &findings));
        assert_string_equal(input_at(&source, A)->md5, sum);
        assert_string_equal(input_at(&source, B)->md5, "");
        assert_non_null(strstr(source.notes, "MD5 sums: 1 of 3 files"));
        assert_non_null(strstr(source.warnings, "md5.csv has no sum for 2 files, such as " MOSAIC ": not checked\n"));
        drop(&source, &findings);
    }
    /* A table that is not what was sent; one of another folder, which has the same name, is none of ours. */
    put(*state, "md5.csv",
        "0123456789abcdef0123456789abcdef  v3/" A "\n0123456789abcdef0123456789abcdef  v3/participants.tsv\n");
    assert_fails(source_aireadi(&options, &source, &findings), EXIT_DATA, "participants.tsv: its MD5 is ");
    put(*state, "md5.csv",
        "0123456789abcdef0123456789abcdef  v3/" A
        "\n0123456789abcdef0123456789abcdef  clinical_data/measurement.csv\n");
    assert_fails(source_aireadi(&options, &source, &findings), EXIT_DATA, "measurement.csv: missing, but listed in ");
    put(*state, "md5.csv",
        "0123456789abcdef0123456789abcdef  v3/" A "\n0123456789abcdef0123456789abcdef  retinal_oct/manifest.tsv\n"
        "0123456789abcdef0123456789abcdee  manifest.tsv\n");
    assert_ok(source_aireadi(&options, &source, &findings));
    drop(&source, &findings);
    static const char *const bad[][2] = {
        {"a,b\n" A ",1\n", "no column contains MD5 sums"},
        {"a,b\nx,0123456789abcdef0123456789abcdef\n", "no column contains paths"},
        {"a,b\n" A ",0123456789abcdef0123456789abcdef\n" A ",0123456789abcdef0123456789abcdee\n",
         "md5.csv:3: a second"},
        {"a,b\n" A ",0123456789abcdef0123456789abcdef\n" B ",0123\n", "md5.csv:3: \"0123\""},
        {"0123456789abcdef0123456789abcdef  " A "\nx\n", "md5.csv:2: not a line of md5sum"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put(*state, "md5.csv", bad[i][0]);
        assert_fails(source_aireadi(&options, &source, &findings), EXIT_DATA, bad[i][1]);
    }
    free(path);
}

static void tables_that_say_too_little_are_refused(void **state) {
    make_tree(*state, PEOPLE, HEADER);
    expect_refused("tests/none", EXIT_DATA, "the folder cannot be read");
    put(*state, "retinal_photography/manifest.tsv", "person_id\tfilepath\n1001\t/" A "\n");
    expect_refused(*state, EXIT_DATA, "no column laterality; it has person_id, filepath");
    put(*state, "participants.tsv", "person_id\trecommended_split\n1001\tholdout\n");
    expect_refused(*state, EXIT_DATA, "participants.tsv:2: unknown split \"holdout\"");
    put(*state, "participants.tsv", "person_id\n1001\n");
    expect_refused(*state, EXIT_DATA, "no column recommended_split");
    put(*state, "dataset_description.json", "{");
    expect_refused(*state, EXIT_DATA, "not JSON");
    char *table = scratch_path(*state, "participants.tsv"), *json = scratch_path(*state, "dataset_description.json");
    assert_ok(files_remove(json));
    assert_ok(files_remove(table));
    expect_refused(*state, EXIT_DATA, "participants.tsv: no such table; ROOT must be the folder of an AI-READI");
    StageSource source;
    Findings findings = {0};
    SourceOptions none[] = {{.root = *state, .exclude = "none"}, {.root = *state, .splits = "none"}};
    put(*state, "participants.tsv", PEOPLE);
    put(*state, "retinal_photography/manifest.tsv", HEADER ROWS);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_fails(source_aireadi(&none[i], &source, &findings), EXIT_DATA, "none: the list does not exist");
    none[0] = (SourceOptions){.root = *state, .md5 = "none"};
    assert_fails(source_aireadi(&none[0], &source, &findings), EXIT_DATA, "none: the list does not exist");
    free(table);
    free(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_listed_is_staged, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(other_modalities_and_devices_are_no_inputs, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(older_names_of_columns_are_known, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(each_finding_is_made_once, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_trusted_is_refused_with_all_that_was_found, tree_setup,
                                        tree_teardown),
        cmocka_unit_test_setup_teardown(folders_that_are_links_are_followed, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(links_that_lead_astray_are_named, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(a_list_of_splits_stands_above_the_recommended_ones, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(readings_are_averaged_and_sentinels_dropped, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(sums_of_the_download_are_found, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(tables_that_say_too_little_are_refused, tree_setup, tree_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
