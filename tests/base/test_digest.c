/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of known texts (RFC 1321, FIPS 180-2), of files, of pieces, and their hexadecimal form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <fcntl.h>
#include <unistd.h>

static void expect(const Digest *digest, const char *sha256, const char *md5) {
    char text[2 * DIGEST_SHA256 + 1];
    digest_to_hex(digest->sha256, DIGEST_SHA256, text);
    assert_string_equal(text, sha256);
    digest_to_hex(digest->md5, DIGEST_MD5, text);
    assert_string_equal(text, md5);
}

static void known_texts(void **state) {
    (void)state;
    Digest digest;
    assert_fine(digest_memory("", 0, true, &digest));
    expect(&digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
           "d41d8cd98f00b204e9800998ecf8427e");
    assert_fine(digest_memory("abc", 3, true, &digest));
    expect(&digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
           "900150983cd24fb0d6963f7d28e17f72");
}

static void pieces_and_files_are_the_same_as_memory(void **state) {
    enum { SIZE = (3 << 20) + 17 }; /* more than one read */
    uint8_t *data = malloc(SIZE);
    assert_non_null(data);
    for (int i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 24);
    Digest whole, pieces, file;
    assert_fine(digest_memory(data, SIZE, true, &whole));
    DigestStream stream;
    assert_fine(digest_start(&stream, false));
    for (size_t at = 0, step = 1; at < SIZE; at += step, step = step * 3 < SIZE - at ? step * 3 : SIZE - at)
        assert_fine(digest_add(&stream, data + at, step));
    assert_fine(digest_end(&stream, &pieces));
    assert_memory_equal(whole.sha256, pieces.sha256, DIGEST_SHA256);
    static const uint8_t zeros[DIGEST_MD5];
    assert_memory_equal(pieces.md5, zeros, DIGEST_MD5);
    char path[TEMP_PATH * 2];
    assert_fine(files_write(temp_path(state, "data", path), data, SIZE));
    assert_fine(digest_file(path, &file));
    assert_memory_equal(&whole, &file, sizeof whole);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(descriptor >= 0);
    assert_fine(digest_descriptor(descriptor, path, false, &file));
    assert_memory_equal(&pieces, &file, sizeof pieces);
    close(descriptor);
    free(data);
    assert_refused(digest_file(temp_path(state, "missing", path), &file), EXIT_IO, "missing");
    assert_refused(digest_file(((Temp *)*state)->root, &file), EXIT_IO, "cannot read");
}

static void hexadecimal(void **state) {
    (void)state;
    uint8_t bytes[2];
    assert_true(digest_from_hex("0aFf", 2, bytes));
    assert_int_equal(bytes[0], 10);
    assert_int_equal(bytes[1], 255);
    assert_false(digest_from_hex("", 2, bytes));
    assert_false(digest_from_hex("0af", 2, bytes));
    assert_false(digest_from_hex("0aff0", 2, bytes));
    assert_false(digest_from_hex("0ag0", 2, bytes));
}

/* RFC 4648's own examples, and a text of several parts. */
static void prints_base64(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    char text[256], want[256] = "";
    uint8_t zeros[98] = {0};
    for (size_t i = 0; i <= sizeof cases / sizeof *cases; i++) {
        const bool last = i == sizeof cases / sizeof *cases;
        FILE *out = fmemopen(text, sizeof text, "w");
        assert_non_null(out);
        if (last)
            digest_print_base64(out, zeros, sizeof zeros);
        else
            digest_print_base64(out, (const uint8_t *)cases[i][0], strlen(cases[i][0]));
        fputc('\0', out);
        fclose(out);
        for (size_t j = 0; last && j < sizeof zeros / 3 * 4 + 3; j++)
            strcat(want, "A");
        assert_string_equal(text, last ? strcat(want, "=") : cases[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),
        cmocka_unit_test(pieces_and_files_are_the_same_as_memory),
        cmocka_unit_test(hexadecimal),
        cmocka_unit_test(prints_base64),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
