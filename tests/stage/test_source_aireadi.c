/* AI-READI's tables against its tree: who is staged, and what is found wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tree.h"

#include <math.h>

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
    assert_true(source.about.licensed);
    assert_string_equal(source.about.dataset, "aireadi");
    assert_string_equal(source.about.dataset_version, "3.0.0");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_listed_is_staged, tree_setup, tree_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
