/* SPDX-License-Identifier: Apache-2.0 */
/* One file to one record, or to the finding that says why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/encode.h"
#include "stage/pack/photograph.h"
#include "tests/fixtures/dicom_make.h"
#include "tests/fixtures/kinds.h"
#include "tests/fixtures/scratch.h"

enum { SIDE = 32, RECORD = 16 };

static int setup(void **state) {
    *state = scratch_make();
    return 0;
}

static int teardown(void **state) {
    scratch_remove(*state);
    return 0;
}

/* Writes the first `share` of a file of the kind and stages it as person 1001's, the eye being given. */
static void stage(const char *root, const DicomKind *kind, double share, PackEye eye, bool verify_header,
                  Outcome *outcome) {
    size_t size, tail;
    uint8_t *data = make_dicom(kind, &size, &tail), record[RECORD * RECORD * 3];
    scratch_write(root, "a.dcm", (const char *)data, (size_t)((double)size * share));
    free(data);
    const StageInput input = {.path = "a.dcm",
                              .person = "1001",
                              .eye = eye,
                              .frame = FRAME_WHOLE,
                              .is_dicom = true,
                              .verify_header = verify_header};
    assert_ok(photograph_stage(root, &input, RECORD, record, outcome));
    assert_true(outcome->settled);
}

static void expect(const char *root, const DicomKind *kind, double share, FindingKind found, const char *detail) {
    Outcome outcome;
    stage(root, kind, share, PACK_EYE_RIGHT, true, &outcome);
    assert_false(outcome.packed);
    assert_string_equal(finding_name(outcome.kind), finding_name(found));
    if (!strstr(outcome.detail, detail))
        fail_msg("\"%s\" does not say \"%s\"", outcome.detail, detail);
    outcome_close(&outcome);
}

static void expect_packed(const char *root, const DicomKind *kind, PackEye eye, bool verify_header) {
    Outcome outcome;
    stage(root, kind, 1, eye, verify_header, &outcome);
    if (!outcome.packed)
        fail_msg("not packed: %s", outcome.detail);
    outcome_close(&outcome);
}

static const uint8_t grey[SIDE * SIDE] = {1, 2, 3};

static DicomKind native(void) {
    return (DicomKind){.syntax = SYNTAX_EXPLICIT,
                       .photometric = "MONOCHROME2",
                       .rows = SIDE,
                       .columns = SIDE,
                       .samples = 1,
                       .pixels = grey,
                       .pixels_bytes = sizeof grey};
}

static void a_header_that_names_another_person_contradicts(void **state) {
    DicomKind kind = native();
    kind.patient = "1002";
    expect(*state, &kind, 1, FINDING_CONTRADICTION, "the header says patient 1002, the manifest person 1001");
    kind.patient = "AIREADI-1002";
    expect(*state, &kind, 1, FINDING_CONTRADICTION, "patient AIREADI-1002");
    expect_packed(*state, &kind, PACK_EYE_RIGHT, false);
    /* The same number with what a camera's operator put before it, no number, and one that cannot be a person's. */
    static const char *const fine[] = {"1001", "1001 ", "AIREADI-1001", "", "anonymous", "20240101", "1001-2"};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        kind.patient = fine[i];
        expect_packed(*state, &kind, PACK_EYE_RIGHT, true);
    }
    /* Text that does not print or is too long is no reason to lose the file. */
    kind.patient = "M\xFC"
                   "1002";
    expect_packed(*state, &kind, PACK_EYE_RIGHT, true);
    kind.patient = "00000000000000000000000000000000000000000000000000000000000000000000001002";
    expect_packed(*state, &kind, PACK_EYE_RIGHT, true);
}

static void a_header_that_names_the_other_eye_contradicts(void **state) {
    DicomKind kind = native();
    kind.laterality = "L";
    expect(*state, &kind, 1, FINDING_CONTRADICTION, "the header says laterality L, the manifest R");
    expect_packed(*state, &kind, PACK_EYE_LEFT, true);
    expect_packed(*state, &kind, PACK_EYE_UNKNOWN, true);
    expect_packed(*state, &kind, PACK_EYE_RIGHT, false);
    static const char *const fine[] = {"R", "B", ""};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        kind.laterality = fine[i];
        expect_packed(*state, &kind, PACK_EYE_RIGHT, true);
    }
    kind.laterality = NULL;
    kind.series_laterality = "L";
    expect(*state, &kind, 1, FINDING_CONTRADICTION, "laterality L");
    kind.laterality = "R"; /* the image's own stands above its series' */
    expect_packed(*state, &kind, PACK_EYE_RIGHT, true);
}

/* What is cut short is the JPEG within a sound file, or the file around it. */
static void a_damaged_file_is_not_a_damaged_jpeg(void **state) {
    static uint8_t pixels[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * i % 251);
    uint8_t *jpeg;
    size_t size;
    assert_ok(image_encode_jpeg("a", pixels, SIDE, SIDE, 90, &jpeg, &size));
    DicomKind kind = {.syntax = SYNTAX_JPEG,
                      .photometric = "YBR_FULL_422",
                      .rows = SIDE,
                      .columns = SIDE,
                      .samples = 3,
                      .pixels = jpeg,
                      .pixels_bytes = size};
    expect_packed(*state, &kind, PACK_EYE_RIGHT, true);
    expect(*state, &kind, 0.7, FINDING_DICOM, "cut short");
    kind.pixels_bytes = size / 2;
    expect(*state, &kind, 1, FINDING_DECODE, "");
    kind.pixels_bytes = size;
    kind.rows = SIDE / 2;
    expect(*state, &kind, 1, FINDING_DICOM, "a JPEG of 32 x 32 pixels in an image of 32 x 16");
    kind.planar = 7;
    expect(*state, &kind, 1, FINDING_DICOM, "planar configuration 7");
    kind.syntax = SYNTAX_RLE;
    kind.planar = 0;
    expect(*state, &kind, 1, FINDING_DECODE, "damaged RLE: ");
    kind.syntax = "1.2.840.10008.1.2.4.70";
    expect(*state, &kind, 1, FINDING_SYNTAX, "1.2.840.10008.1.2.4.70");
    free(jpeg);
}

/* Packs it, with just these warnings. */
static void expect_warnings(const char *root, const DicomKind *kind, const char *warnings) {
    Outcome outcome;
    stage(root, kind, 1, PACK_EYE_RIGHT, true, &outcome);
    assert_true(outcome.packed);
    assert_string_equal(outcome.warnings ? outcome.warnings : "", warnings);
    outcome_close(&outcome);
}

static void what_can_be_no_photograph_is_told(void **state) {
    static uint8_t pixels[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i % 9);
    DicomKind kind = native();
    kind.pixels = pixels;
    expect_warnings(*state, &kind, "blank\tone level throughout: 0, 0, 0\n");
    pixels[SIDE * SIDE - 1] = 9;
    expect_warnings(*state, &kind, "");
    kind.rows = kind.columns = 1;
    kind.pixels_bytes = 1;
    expect_warnings(*state, &kind,
                    "shape\t1 x 1 pixels, too small for a photograph\nblank\tone level throughout: 0, 0, 0\n");
    kind.columns = 900;
    kind.pixels_bytes = 900;
    expect_warnings(*state, &kind,
                    "shape\t900 x 1 pixels, too small for a photograph\n"
                    "blank\tone level throughout: 0, 0, 0\n");
    kind.rows = 16;
    kind.columns = 64;
    kind.pixels_bytes = 16 * 64;
    pixels[1000] = 200;
    expect_warnings(*state, &kind, "");
    kind.columns = 128;
    kind.pixels_bytes = 16 * 128;
    expect_warnings(*state, &kind, "shape\t128 x 16 pixels, too narrow for a photograph\n");
}

/* A JPEG without markers whose chroma is subsampled, under the tag RGB. */
static void a_wrong_tag_is_told(void **state) {
    static uint8_t pixels[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * i % 251);
    size_t size;
    uint8_t *jpeg = make_jpeg_kind(&(JpegKind){.width = SIDE,
                                               .height = SIDE,
                                               .samples = pixels,
                                               .components = 3,
                                               .given = JCS_RGB,
                                               .stored = JCS_YCbCr,
                                               .marked = true,
                                               .ids = "\1\2\3"},
                                   &size);
    DicomKind kind = native();
    kind.syntax = SYNTAX_JPEG;
    kind.photometric = "RGB";
    kind.samples = 3;
    kind.pixels = jpeg;
    kind.pixels_bytes = size;
    expect_warnings(*state, &kind, "decoder\tread as YCbCr: the tag says RGB, but two components have fewer samples\n");
    kind.photometric = "YBR_FULL_422";
    expect_warnings(*state, &kind, "");
    free(jpeg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_header_that_names_another_person_contradicts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_header_that_names_the_other_eye_contradicts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_not_a_damaged_jpeg, setup, teardown),
        cmocka_unit_test_setup_teardown(what_can_be_no_photograph_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_tag_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
