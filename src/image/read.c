/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"
#include "image/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum {
    MAX_SIDE = 20000,
    MAX_FILE_BYTES = 1 << 30,
    /* Deflate makes at most 1032 bytes of one, eight pixels each at one bit a pixel; no JPEG blank comes near it. A
     * file that claims more cannot be whole, and would have us take gigabytes before we notice. */
    MAX_PIXELS_PER_BYTE = 1032 * 8
};

Status image_check_size(const char *name, uint64_t width, uint64_t height, size_t file_bytes) {
    if (!width || !height || width > MAX_SIDE || height > MAX_SIDE)
        return status_error(EXIT_DATA, "%s: %llu x %llu pixels; a side must be 1 to %d", name,
                            (unsigned long long)width, (unsigned long long)height, MAX_SIDE);
    if (width * height / MAX_PIXELS_PER_BYTE > file_bytes)
        return status_error(EXIT_DATA, "%s: truncated: claims %llu x %llu pixels in %zu bytes", name,
                            (unsigned long long)width, (unsigned long long)height, file_bytes);
    return NULL;
}

Status image_allocate(Image *image, const char *name, int width, int height) {
    size_t bytes = (size_t)width * (size_t)height * 3;
    image->pixels = malloc(bytes);
    if (!image->pixels)
        return status_no_memory(name, bytes);
    image->width = width;
    image->height = height;
    return NULL;
}

void image_free(Image *image) {
    free(image->pixels);
    *image = (Image){0};
}

static Status check_bytes(const char *name, unsigned long long bytes) {
    if (bytes == 0)
        return status_error(EXIT_DATA, "%s: empty file", name);
    if (bytes > MAX_FILE_BYTES)
        return status_error(EXIT_DATA, "%s: %llu bytes, larger than any image taken here (%d)", name, bytes,
                            MAX_FILE_BYTES);
    return NULL;
}

/* A named pipe must not hang a worker, nor a wrong name fill the memory: looked at before it is opened. */
static Status check_file(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0)
        return status_error(EXIT_DATA, "%s: cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return status_error(EXIT_DATA, "%s: not a file", path);
    return check_bytes(path, (unsigned long long)st.st_size);
}

static Status decode(Image *image, const char *name, const uint8_t *data, size_t size, const ImageDecode *how,
                     Image *full) {
    static const uint8_t jpeg_start[] = {0xFF, 0xD8, 0xFF};
    static const uint8_t png_start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    TRY(check_bytes(name, size));
    if (size >= sizeof jpeg_start && memcmp(data, jpeg_start, sizeof jpeg_start) == 0)
        return image_decode_jpeg(image, name, data, size, how, full);
    if (size >= sizeof png_start && memcmp(data, png_start, sizeof png_start) == 0)
        return image_decode_png(image, name, data, size, full);
    return status_error(EXIT_DATA, "%s: neither JPEG nor PNG by its first bytes", name);
}

Status image_decode(const char *name, const uint8_t *data, size_t size, const ImageDecode *how, Image *image,
                    int *full_height, int *full_width) {
    *image = (Image){0};
    Image full = {0};
    Status status = decode(image, name, data, size, how, &full);
    if (status)
        image_free(image);
    *full_height = full.height;
    *full_width = full.width;
    return status;
}

bool image_is_file_name(const char *name) {
    static const char *const endings[] = {".jpg", ".jpeg", ".png"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

Status image_read(const char *path, Image *image) {
    *image = (Image){0};
    TRY(check_file(path));
    char *data;
    size_t size;
    Status status = files_read(path, &data, &size);
    if (status_code(status) == EXIT_IO) { /* to a data set, a file that cannot be read is a bad image */
        Status cause = status;
        status = status_error(EXIT_DATA, "%s: %s", path, status_message(cause));
        status_free(cause);
    }
    if (status)
        return status;
    int full_height, full_width;
    status = image_decode(path, (const uint8_t *)data, size, &(ImageDecode){0}, image, &full_height, &full_width);
    free(data);
    return status;
}
