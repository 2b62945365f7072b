/* What the tests of this room share: a folder that vanishes, drawn pictures, and statuses turned into failures. Include
 * after cmocka.h. */
#ifndef FOVEA_TEST_SCRATCH_H
#define FOVEA_TEST_SCRATCH_H

#include "files.h"
#include "image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define assert_ok(expression)                                                                                          \
    do {                                                                                                               \
        Status status_ = (expression);                                                                                 \
        if (status_)                                                                                                   \
            fail_msg("%s", status_message(status_));                                                                   \
    } while (0)

/* The expression fails with `code` and a message that holds `part`. */
#define assert_fails(expression, code, part)                                                                           \
    do {                                                                                                               \
        Status status_ = (expression);                                                                                 \
        const char *part_ = (part);                                                                                    \
        if (status_code(status_) != (code) || !strstr(status_message(status_), part_))                                 \
            fail_msg("%s gave %d \"%s\", not %d with \"%s\"", #expression, (int)status_code(status_),                  \
                     status_message(status_), (int)(code), part_);                                                     \
        status_free(status_);                                                                                          \
    } while (0)

/* A fresh directory; scratch_remove() it. */
static inline char *scratch_make(void) {
    const char *parent = getenv("TMPDIR");
    char *path = files_path("%s/fovea-data-XXXXXX", parent && *parent ? parent : "/tmp");
    assert_non_null(path);
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void scratch_remove(char *path) {
    assert_ok(files_remove(path));
    free(path);
}

static inline char *scratch_path(const char *root, const char *name) {
    char *path = files_path("%s/%s", root, name);
    assert_non_null(path);
    return path;
}

static inline void scratch_write(const char *root, const char *name, const void *data, size_t size) {
    char *path = scratch_path(root, name);
    FILE *file = fopen(path, "wb"); /* not files_write(): thousands of fsyncs take their time */
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static inline void scratch_read(const char *root, const char *name, uint8_t **data, size_t *size) {
    char *path = scratch_path(root, name), *bytes;
    assert_ok(files_read(path, &bytes, size));
    *data = (uint8_t *)bytes;
    free(path);
}

/* Root reads everything: tests of what cannot be read put it off for a moment. */
static inline void become_nobody(void) {
    enum { NOBODY = 65534 };
    if (geteuid() == 0 && seteuid(NOBODY) != 0)
        skip();
}

static inline void become_oneself(void) {
    assert_int_equal(seteuid(getuid()), 0);
}

/* A picture with smooth and sharp parts that differs for each `number`; the caller's. */
static inline uint8_t *draw_picture(int width, int height, int number) {
    uint8_t *pixels = malloc((size_t)width * height * 3);
    assert_non_null(pixels);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *pixel = pixels + ((size_t)y * width + x) * 3;
            bool inside = (x - width / 2) * (x - width / 2) + (y - height / 2) * (y - height / 2) < width * height / 6;
            pixel[0] = (uint8_t)(inside ? 200 - number % 50 : x * 255 / width);
            pixel[1] = (uint8_t)(inside ? 90 + y * 60 / height : y * 255 / height);
            pixel[2] = (uint8_t)(number * 7 % 200 + (x + y) * 40 / (width + height));
        }
    return pixels;
}

#endif
