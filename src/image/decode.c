/* SPDX-License-Identifier: Apache-2.0 */
#include "image/decode.h"

#include "base/files.h"
#include "image/jpeg.h"
#include "image/orientation.h"
#include "image/png.h"
#include "image/tiff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FILE_BYTES = 1 << 30 };

static Status check_bytes(const char *name, unsigned long long bytes) {
    if (bytes == 0)
        return status_error(EXIT_DATA, "%s: empty file", name);
    if (bytes > MAX_FILE_BYTES)
        return status_error(EXIT_DATA, "%s: %llu bytes, larger than any image taken here (%d)", name, bytes,
                            MAX_FILE_BYTES);
    return NULL;
}

/* Checked before the file is opened: a named pipe must not hang a worker, nor a wrong name fill the memory. */
static Status check_file(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0)
        return status_error(EXIT_DATA, "%s: cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return status_error(EXIT_DATA, "%s: not a file", path);
    return check_bytes(path, (unsigned long long)st.st_size);
}

static Status decode_any(Image *image, const char *name, const uint8_t *data, size_t size, const ImageDecode *options,
                         ImageFacts *facts) {
    static const uint8_t jpeg_start[] = {0xFF, 0xD8, 0xFF};
    static const uint8_t png_start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    TRY(check_bytes(name, size));
    if (size >= sizeof jpeg_start && memcmp(data, jpeg_start, sizeof jpeg_start) == 0)
        return jpeg_decode(image, name, data, size, options, facts);
    if (size >= sizeof png_start && memcmp(data, png_start, sizeof png_start) == 0)
        return png_decode(image, name, data, size, facts);
    if (tiff_begins(data, size))
        return tiff_decode(image, name, data, size, facts);
    return status_error(EXIT_DATA, "%s: neither JPEG, PNG nor TIFF by its first bytes", name);
}

static Status turn_upright(Image *image, const char *name, ImageFacts *facts) {
    TRY(orientation_apply(image, name, facts->orientation));
    if (facts->orientation >= 5) {
        const int height = facts->height;
        facts->height = facts->width;
        facts->width = height;
    }
    return NULL;
}

Status image_decode(const char *name, const uint8_t *data, size_t size, const ImageDecode *options, Image *image,
                    ImageFacts *facts) {
    *image = (Image){0};
    *facts = (ImageFacts){.orientation = 1};
    Status status = decode_any(image, name, data, size, options, facts);
    if (options->as_stored)
        facts->orientation = 1;
    if (!status)
        status = turn_upright(image, name, facts);
    if (status)
        image_free(image);
    return status;
}

Status image_read(const char *path, Image *image) {
    *image = (Image){0};
    TRY(check_file(path));
    char *data;
    size_t size;
    Status status = files_read(path, &data, &size);
    if (status_code(status) ==
        EXIT_IO) { /* for a data set, an image that cannot be read is one more unreadable image */
        Status cause = status;
        status = status_error(EXIT_DATA, "%s: %s", path, status_message(cause));
        status_free(cause);
    }
    if (status)
        return status;
    ImageFacts facts;
    status = image_decode(path, (const uint8_t *)data, size, &(ImageDecode){0}, image, &facts);
    free(data);
    return status;
}
