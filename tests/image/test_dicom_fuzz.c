/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded damage to small DICOM files of every kind that is read: each is read to an image of its stated size, or
 * refused. Most useful under the address sanitizer: every file is in memory of exactly its size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/dicom.h"
#include "image/dicom_decode.h"
#include "tests/fixtures/codings.h"
#include "tests/fixtures/damage.h"
#include "tests/fixtures/dicom_make.h"
#include "tests/fixtures/kinds.h"
#include "tests/fixtures/scratch.h"

enum { SIDE = 8, KINDS = 9, ROUNDS = 3000, LONG_ROUNDS = 200000 };

typedef struct {
    uint8_t *data[KINDS];
    size_t size[KINDS];
} Originals;

static int setup(void **state) {
    Originals *originals = calloc(1, sizeof *originals);
    assert_non_null(originals);
    uint8_t *pixels = draw_image(SIDE, SIDE, 5);
    size_t jpeg_size, tail;
    uint8_t *jpeg = make_jpeg_kind(
        &(JpegKind){
            .width = SIDE, .height = SIDE, .samples = pixels, .components = 3, .given = JCS_RGB, .stored = JCS_YCbCr},
        &jpeg_size);
    DicomKind plain = {.syntax = SYNTAX_EXPLICIT,
                       .photometric = "RGB",
                       .rows = SIDE,
                       .columns = SIDE,
                       .samples = 3,
                       .crowded = true,
                       .frames = "1",
                       .pixels = pixels,
                       .pixels_bytes = SIDE * SIDE * 3};
    DicomKind kinds[KINDS];
    for (int i = 0; i < KINDS; i++)
        kinds[i] = plain;
    kinds[1].syntax = SYNTAX_IMPLICIT;
    kinds[1].planar = 1;
    kinds[2].photometric = "YBR_FULL_422";
    kinds[2].pixels_bytes = SIDE * SIDE * 2;
    kinds[3].syntax = kinds[4].syntax = SYNTAX_JPEG;
    kinds[3].pixels = kinds[4].pixels = jpeg;
    kinds[3].pixels_bytes = kinds[4].pixels_bytes = jpeg_size;
    kinds[4].fragments = 3;
    kinds[4].table = 1;
    const Pixels image = {SIDE, SIDE, 3, pixels};
    uint8_t *coded[] = {make_rle(&image, &kinds[5].pixels_bytes),
                        make_jpeg_ls(&image, CHARLS_INTERLEAVE_MODE_LINE, 0, 8, &kinds[6].pixels_bytes),
                        make_j2k(&image, &(J2kKind){.transform = true}, &kinds[7].pixels_bytes)};
    static const char *const syntaxes[] = {SYNTAX_RLE, SYNTAX_JPEG_LS, SYNTAX_JPEG_2000};
    for (int i = 0; i < 3; i++) {
        kinds[5 + i].syntax = syntaxes[i];
        kinds[5 + i].pixels = coded[i];
    }
    kinds[8].syntax = SYNTAX_DEFLATED;
    for (int i = 0; i < KINDS; i++)
        originals->data[i] = make_dicom(&kinds[i], &originals->size[i], &tail);
    for (int i = 0; i < 3; i++)
        free(coded[i]);
    free(jpeg);
    free(pixels);
    *state = originals;
    return 0;
}

static int teardown(void **state) {
    Originals *originals = *state;
    for (int i = 0; i < KINDS; i++)
        free(originals->data[i]);
    free(originals);
    return 0;
}

/* Reads `size` bytes of `data`; true when that went well. The bytes are copied to memory of just that size. */
static bool is_read(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, data, size);
    Image image;
    Dicom dicom;
    bool unsupported;
    Status status = dicom_decode("case", exact, size, 0, &image, &dicom, &unsupported);
    free(exact);
    if (status) {
        assert_int_equal(status_code(status), EXIT_DATA);
        assert_null(strchr(status_message(status), '\n'));
        assert_null(image.pixels);
        status_free(status);
        return false;
    }
    assert_false(unsupported);
    assert_int_equal(image.height, dicom.rows);
    assert_int_equal(image.width, dicom.columns);
    unsigned sum = 0; /* every pixel is there: a sanitizer would see the first one that is not */
    for (size_t i = 0; i < (size_t)image.width * (size_t)image.height * 3; i++)
        sum += image.pixels[i];
    assert_true(sum <= 255u * 3u * (unsigned)image.width * (unsigned)image.height);
    image_free(&image);
    return true;
}

/* One change: a length of every sort, of 16 or 32 bits, somewhere, or what damage() makes. `data` has room for twice
 * the original. */
static size_t damage_file(Random *random, uint8_t *data, size_t size, size_t room) {
    static const uint32_t lengths[] = {0,      1,       2,          3,          8,          0x7FFF,
                                       0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF};
    if (size < 8 || random_below(random, 4))
        return damage(random, data, size, room);
    size_t at = random_below(random, (uint32_t)size - 4), width = random_below(random, 2) ? 4 : 2;
    uint32_t value = lengths[random_below(random, sizeof lengths / sizeof *lengths)];
    for (size_t i = 0; i < width; i++)
        data[at + i] = (uint8_t)(value >> (8 * i));
    return size;
}

static void damaged_files_are_read_or_refused(void **state) {
    const Originals *originals = *state;
    int rounds = getenv("FOVEA_LONG") ? LONG_ROUNDS : ROUNDS, accepted = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        size_t original = originals->size[kind];
        uint8_t *data = malloc(original * 2);
        assert_non_null(data);
        assert_true(is_read(originals->data[kind], original));
        for (int round = 0; round < rounds; round++) {
            Random random;
            random_start(&random, 2025, RANDOM_TEST, (uint32_t)kind, (uint64_t)round);
            memcpy(data, originals->data[kind], original);
            size_t size = original;
            for (uint32_t left = 1 + random_below(&random, 3); left; left--)
                size = damage_file(&random, data, size, original * 2);
            accepted += is_read(data, size);
        }
        free(data);
    }
    /* A fuzzer that damages nothing, or everything, tests nothing. */
    assert_in_range(accepted, KINDS * rounds / 20, KINDS * rounds * 3 / 4);
}

/* Every place that may hold a length gets every sort of length, of 16 and of 32 bits. */
static void every_length_is_doubted(void **state) {
    const Originals *originals = *state;
    static const uint32_t lengths[] = {0, 1, 7, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFF8, 0xFFFFFFFF};
    for (int kind = 0; kind < KINDS; kind++) {
        size_t size = originals->size[kind];
        uint8_t *data = malloc(size);
        assert_non_null(data);
        memcpy(data, originals->data[kind], size);
        for (size_t at = 128; at + 4 <= size; at += kind < 5 ? 1 : 3) /* headers are alike */
            for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
                for (size_t width = 2; width <= 4; width += 2) {
                    for (size_t byte = 0; byte < width; byte++)
                        data[at + byte] = (uint8_t)(lengths[i] >> (8 * byte));
                    is_read(data, size);
                    memcpy(data + at, originals->data[kind] + at, 4);
                }
        free(data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(damaged_files_are_read_or_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(every_length_is_doubted, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
