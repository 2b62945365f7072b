/* What the tests of the DICOM reader share: pictures to write, and what is expected of reading them. Include after
 * cmocka.h. */
#ifndef FOVEA_TEST_DICOM_EXPECT_H
#define FOVEA_TEST_DICOM_EXPECT_H

#include "../../src/stage/dicom.h"
#include "../data/kinds.h"
#include "../data/scratch.h"
#include "dicom_make.h"

static const char *const name = "eye.dcm";

static inline Status decode(const DicomKind *kind, int least, Image *image, Dicom *dicom, bool *unsupported) {
    size_t size, tail;
    uint8_t *data = make_dicom(kind, &size, &tail);
    Status status = dicom_decode(name, data, size, least, image, dicom, unsupported);
    free(data);
    return status;
}

/* Reads it and expects `rgb` [rows][columns][3], no level more than `most` away. */
static inline void expect_pixels(const DicomKind *kind, const uint8_t *rgb, int most) {
    Image image;
    Dicom dicom;
    bool unsupported = true;
    assert_ok(decode(kind, 0, &image, &dicom, &unsupported));
    assert_false(unsupported);
    assert_int_equal(image.height, kind->rows);
    assert_int_equal(image.width, kind->columns);
    for (int i = 0; i < kind->rows * kind->columns * 3; i++)
        if (abs(image.pixels[i] - rgb[i]) > most)
            fail_msg("%s %s: value %d is %d, not %d", kind->syntax, kind->photometric, i, image.pixels[i], rgb[i]);
    image_free(&image);
}

static inline void expect_refused(const DicomKind *kind, bool as_unsupported, const char *part) {
    Image image;
    Dicom dicom;
    bool unsupported = !as_unsupported;
    assert_fails(decode(kind, 0, &image, &dicom, &unsupported), EXIT_DATA, part);
    assert_int_equal(unsupported, as_unsupported);
    assert_null(image.pixels);
    assert_fails(decode(kind, 0, &image, &dicom, &unsupported), EXIT_DATA, "eye.dcm: ");
}

static inline void expect_damaged(const DicomKind *kind, const char *part) {
    expect_refused(kind, false, part);
}

static inline void expect_unsupported(const DicomKind *kind, const char *part) {
    expect_refused(kind, true, "unsupported DICOM: ");
    expect_refused(kind, true, part);
}

static const char *const native[] = {SYNTAX_EXPLICIT, SYNTAX_IMPLICIT};

/* Four pixels of RGB, to be changed by each test. */
static const uint8_t four[13] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0};
static const DicomKind plain = {.syntax = SYNTAX_EXPLICIT,
                                .photometric = "RGB",
                                .rows = 2,
                                .columns = 2,
                                .samples = 3,
                                .pixels = four,
                                .pixels_bytes = 12};

enum { WIDTH = 48, HEIGHT = 33 };

static inline uint8_t *draw_jpeg(const uint8_t *pixels, JpegKind how, size_t *size) {
    how.width = WIDTH;
    how.height = HEIGHT;
    how.samples = pixels;
    how.components = how.components ? how.components : 3;
    how.given = how.components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    how.quality = 95;
    return make_jpeg_kind(&how, size);
}

static inline DicomKind jpeg_kind(const uint8_t *jpeg, size_t size) {
    return (DicomKind){.syntax = SYNTAX_JPEG,
                       .photometric = "YBR_FULL_422",
                       .rows = HEIGHT,
                       .columns = WIDTH,
                       .samples = 3,
                       .pixels = jpeg,
                       .pixels_bytes = size};
}

#endif
