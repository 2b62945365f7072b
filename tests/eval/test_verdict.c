/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of a split, what a control's figures mean, and which published weights saw which data sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/files.h"
#include "eval/control/contamination.h"
#include "eval/control/verdict.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { A = PROBE_TRAIN, V = PROBE_VAL, T = PROBE_TEST };

/* --- Counts ------------------------------------------------------------------------------------------------------- */

static void counts_by_hand(void **state) {
    (void)state;
    /* Person 3 is in train and test, 4 in train and val, 5 in test and, without a label, in train. */
    const int64_t split[] = {A, A, A, V, V, T, T, T, T, T, T, A, T};
    const int64_t person[] = {1, 3, 4, 4, 2, 3, 3, 5, 6, -1, -1, 5, 7};
    const int64_t copies[] = {0, 1, 2, -1, 0, 1, 1, -1, 3, 3, -1, 4, 4};
    const double labels[] = {0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, NAN, NAN};
    EvalRows rows = {.kind = EVAL_BINARY,
                     .classes = 2,
                     .outputs = 1,
                     .count = 13,
                     .labels = labels,
                     .split = split,
                     .person = person,
                     .copies = copies};
    ControlChecks c;
    assert_fine(checks_count(&rows, &c));
    assert_int_equal(c.images, 11);
    assert_int_equal(c.people_shared, 2); /* 3, 4 */
    assert_int_equal(c.copies_shared, 2); /* groups 0, 1 */
    assert_int_equal(c.images_of_nobody, 2);
    assert_int_equal(c.test_images, 6);
    assert_int_equal(c.test_people, 5);        /* 3, 5, 6 and two of nobody */
    assert_int_equal(c.test_people_in, 4);     /* with a 0: 3, 5, 6, one of nobody */
    assert_int_equal(c.test_people_beside, 2); /* with a 1: 3, one of nobody */
    rows.kind = EVAL_REGRESSION;
    assert_fine(checks_count(&rows, &c));
    assert_true(c.test_people_in == 2 && c.test_people_beside == 2);
}

/* Of classes all but the commonest are together; of several labels the one that is best divided counts. */
static void counts_of_other_kinds(void **state) {
    (void)state;
    const int64_t split[] = {T, T, T, T, T, T}, person[] = {0, 1, 2, 3, 4, 5}, copies[] = {-1, -1, -1, -1, -1, -1};
    const double classes[] = {1, 1, 1, 0, 2, 2};
    EvalRows rows = {.kind = EVAL_MULTICLASS,
                     .classes = 3,
                     .outputs = 1,
                     .count = 6,
                     .labels = classes,
                     .split = split,
                     .person = person,
                     .copies = copies};
    ControlChecks c;
    assert_fine(checks_count(&rows, &c));
    assert_true(c.test_people_in == 3 && c.test_people_beside == 3);
    const double several[] = {0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, NAN};
    rows.kind = EVAL_MULTILABEL;
    rows.classes = rows.outputs = 2;
    rows.labels = several;
    assert_fine(checks_count(&rows, &c));
    assert_true(c.test_people_in == 3 && c.test_people_beside == 2);
    const double odd[] = {0, 1, 2, 0, 1, 0.5};
    rows.kind = EVAL_MULTICLASS;
    rows.classes = 3;
    rows.outputs = 1;
    rows.labels = odd;
    assert_refused(checks_count(&rows, &c), EXIT_DATA, "the label of row 5 is 0.5: the classes are 0 to 2");
}

/* --- Verdicts ----------------------------------------------------------------------------------------------------- */

/* Nothing wrong: a gain of 0.3 over chance, where metadata alone gains 0.05. */
static ControlResult clean_result(void) {
    return (ControlResult){
        .metric = {"auroc", 0.5, 1},
        .score = 0.8,
        .p = 0.01,
        .null_mean = 0.501,
        .null_chance = 0.5,
        .excess = 0.001,
        .excess_error = 0.001,
        .chance = 0.5,
        .metadata = 0.55,
        .metadata_chance = 0.5,
        .metadata_low = 0.51,
        .metadata_high = 0.59,
        .checks = {
            .images = 100, .test_images = 40, .test_people = 20, .test_people_in = 10, .test_people_beside = 10}};
}

static void check_verdict(ControlResult r, const ControlContamination *contamination, ControlVerdict verdict,
                          const char *reason) {
    r.verdict = CONTROL_LEAKING;
    assert_fine(verdict_find(&r, 0.05, contamination));
    assert_string_equal(verdict_name(r.verdict), verdict_name(verdict));
    assert_int_equal(r.reason_count, reason != NULL);
    if (reason && !strstr(r.reasons[0], reason))
        fail_msg("\"%s\" does not contain \"%s\"", r.reasons[0], reason);
    assert_non_null(strstr(r.unseen, "made from the label"));
    for (int64_t i = 0; i < r.reason_count; i++)
        free(r.reasons[i]);
    free(r.reasons);
}

static void verdicts_by_the_rule(void **state) {
    (void)state;
    ControlResult r = clean_result();
    check_verdict(r, NULL, CONTROL_CLEAN, NULL);
    r.p = 0.05;
    check_verdict(r, NULL, CONTROL_CLEAN, NULL);
    r.p = 0.055;
    check_verdict(r, NULL, CONTROL_CLEAN, "nothing learnt: p is 0.055");
    r = clean_result();
    r.checks.people_shared = 3;
    check_verdict(r, NULL, CONTROL_LEAKING, "people: 3 are on two sides");
    r = clean_result();
    r.checks.copies_shared = 4;
    check_verdict(r, NULL, CONTROL_LEAKING, "copies: 4 photographs");
    r.checks.copies_shared = 1;
    check_verdict(r, NULL, CONTROL_LEAKING, "copies: 1 photograph is on two sides");
    r = clean_result();
    r.excess = 0.00399;
    check_verdict(r, NULL, CONTROL_CLEAN, NULL);
    r.excess = 0.00401;
    check_verdict(r, NULL, CONTROL_LEAKING, "scramble: with scrambled labels auroc is 0.5010 on average");
    r.excess = r.excess_error = 0; /* every scramble scores the same */
    check_verdict(r, NULL, CONTROL_CLEAN, NULL);
    r.excess = 1e-15; /* of rounding */
    check_verdict(r, NULL, CONTROL_CLEAN, NULL);
    r = clean_result();
    r.checks.images_of_nobody = 1;
    check_verdict(r, NULL, CONTROL_SUSPECT, "people: of 1 of 100 images the person is not known");
    r = clean_result();
    r.checks.test_people_beside = 4;
    check_verdict(r, NULL, CONTROL_SUSPECT, "people: too few on test, 10 with its commonest label and 4 with another");
    r.checks.test_people_beside = 5;
    check_verdict(r, NULL, CONTROL_CLEAN, NULL);
    r.test_images_alone = 20;
    check_verdict(r, NULL, CONTROL_CLEAN, NULL);
    r.test_images_alone = 21;
    check_verdict(r, NULL, CONTROL_SUSPECT, "the labels of 21 of 40 images cannot be scrambled");
}

/* Over half the gain, and its interval over chance; both ways round. */
static void metadata_by_the_rule(void **state) {
    (void)state;
    ControlResult r = clean_result();
    r.metadata = 0.66;
    r.metadata_low = 0.51;
    r.metadata_high = 0.81;
    check_verdict(r, NULL, CONTROL_SUSPECT, "metadata: without the images");
    r.metadata_low = 0.49;
    r.metadata_high = 0.83;
    check_verdict(r, NULL, CONTROL_CLEAN, NULL);
    r.metadata = 0.64; /* 0.14 of 0.3 */
    r.metadata_low = 0.6;
    r.metadata_high = 0.68;
    check_verdict(r, NULL, CONTROL_CLEAN, NULL);
    r = clean_result();
    r.metric = (MainMetric){"log_loss", NAN, -1};
    r.chance = 0.7;
    r.metadata_chance = 0.65;
    r.score = 0.4;
    r.metadata = 0.45;
    r.metadata_low = 0.35;
    r.metadata_high = 0.55;
    check_verdict(r, NULL, CONTROL_SUSPECT, "metadata: ");
    r.metadata_low = 0.2;
    r.metadata_high = 0.7;
    check_verdict(r, NULL, CONTROL_CLEAN, NULL);
    r.metadata = 0.6;
    r.metadata_low = r.metadata_high = 0.6;
    check_verdict(r, NULL, CONTROL_CLEAN, NULL);
}

/* The graver one wins, and nothing is left out. */
static void all_reasons_are_given(void **state) {
    (void)state;
    ControlResult r = clean_result();
    r.checks.people_shared = r.checks.images_of_nobody = 1;
    r.p = 0.5;
    assert_fine(verdict_find(&r, 0.05, NULL));
    assert_int_equal(r.verdict, CONTROL_LEAKING);
    assert_int_equal(r.reason_count, 2);
    for (int64_t i = 0; i < r.reason_count; i++)
        free(r.reasons[i]);
    free(r.reasons);
}

/* --- Contamination ------------------------------------------------------------------------------------------------ */

static void contamination_is_suspect(void **state) {
    (void)state;
    ControlContamination c = {0};
    assert_fine(contamination_add(&c, &(Contamination){"run 7", "idrid", "runs/7", 12}));
    check_verdict(
        clean_result(), &c, CONTROL_SUSPECT,
        "contamination: run 7 was pretrained on 12 of the 40 test images, or on others of their people, of idrid "
        "(runs/7)");
    contamination_free(&c);
    assert_fine(contamination_add(&c, &(Contamination){"X", "idrid", "a paper", -1}));
    check_verdict(clean_result(), &c, CONTROL_SUSPECT, "contamination: X was pretrained on images of idrid (a paper)");
    contamination_free(&c);
    char *unsearched[] = {"run 7: its data.train cannot be looked at"};
    const ControlContamination gone = {.unsearched = unsearched, .unsearched_count = 1};
    check_verdict(clean_result(), &gone, CONTROL_CLEAN, "not searched: run 7: its data.train");
}

static int64_t find_published(const char *weights, const char *dataset) {
    ControlContamination c = {0};
    assert_fine(contamination_look_up(&c, "data/pretraining.tsv", weights, &dataset, 1));
    const int64_t count = c.count;
    contamination_free(&c);
    return count;
}

static void published_sets_are_known(void **state) {
    (void)state;
    assert_int_equal(find_published("weights/RETFound_mae_natureCFP.pth", "eyepacs"), 1);
    assert_int_equal(find_published("retfound-MAE-NatureCFP.safetensors", "EyePACS"), 1);
    assert_int_equal(find_published("weights/RETFound_mae_natureCFP.pth", "idrid"), 0);
    assert_int_equal(find_published("RETFound_mae_natureOCT.pth", "eyepacs"), 0);
    assert_int_equal(find_published("flair_resnet.pth", "aptos2019"), 1);
    assert_int_equal(find_published("flair_resnet.pth", "messidor2"), 0);
    assert_int_equal(find_published("UrFound.pth", "papila"), 0);
    assert_int_equal(find_published("UrFound.pth", "odir5k"), 1);
    assert_int_equal(find_published("retfoundgreen_statedict.pth", "odir"), 0);
    assert_int_equal(find_published("retfoundgreen_statedict.pth", "odir5k_2"), 0);
    assert_int_equal(find_published("runs/vit_base", "eyepacs"), 0);
}

static void write_text(const char *path, const char *text) {
    assert_fine(files_write(path, text, strlen(text)));
}

static void tables_that_cannot_be(void **state) {
    (void)state;
    char path[] = "/tmp/fovea-pretraining-XXXXXX";
    const char *const sets[] = {"a", "b"};
    ControlContamination c = {0};
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    write_text(path, "weights\tdataset\tsource\nw\tb\there\nw\tc\tthere\n");
    assert_fine(contamination_look_up(&c, path, "W1", sets, 2));
    assert_int_equal(c.count, 1);
    assert_string_equal(c.list[0].dataset, "b");
    assert_string_equal(c.list[0].source, "here");
    assert_int_equal(c.list[0].images, -1);
    write_text(path, "weights\tset\tsource\nw\tb\there\n");
    assert_refused(contamination_look_up(&c, path, "w", sets, 2), EXIT_DATA, "dataset");
    write_text(path, "weights\tdataset\tsource\n-\tb\there\n");
    assert_refused(contamination_look_up(&c, path, "w", sets, 2), EXIT_DATA, "name of the weights");
    assert_refused(contamination_look_up(&c, "/nowhere/at.tsv", "w", sets, 2), EXIT_DATA, "/nowhere/at.tsv");
    contamination_free(&c);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_hand),           cmocka_unit_test(counts_of_other_kinds),
        cmocka_unit_test(verdicts_by_the_rule),     cmocka_unit_test(metadata_by_the_rule),
        cmocka_unit_test(all_reasons_are_given),    cmocka_unit_test(contamination_is_suspect),
        cmocka_unit_test(published_sets_are_known), cmocka_unit_test(tables_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
