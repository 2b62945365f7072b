#include "files.h"
#include "image_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MAX_SIDE = 20000,
    MAX_FILE_BYTES = 1 << 30,
    /* Deflate makes at most 1032 bytes of one, eight pixels each at one bit a pixel; no JPEG blank comes near it. A
     * file that claims more cannot be whole, and would have us take gigabytes before we notice. */
    MAX_PIXELS_PER_BYTE = 1032 * 8
};

Status image_allocate(Image *image, const char *path, uint64_t width, uint64_t height, size_t file_bytes) {
    if (!width || !height || width > MAX_SIDE || height > MAX_SIDE)
        return status_error(EXIT_DATA, "%s: %llu x %llu pixels; a side must be 1 to %d", path,
                            (unsigned long long)width, (unsigned long long)height, MAX_SIDE);
    if (width * height / MAX_PIXELS_PER_BYTE > file_bytes)
        return status_error(EXIT_DATA, "%s: truncated: claims %llu x %llu pixels in %zu bytes", path,
                            (unsigned long long)width, (unsigned long long)height, file_bytes);
    size_t bytes = (size_t)width * height * 3;
    image->pixels = malloc(bytes);
    if (!image->pixels)
        return status_no_memory(path, bytes);
    image->width = (int)width;
    image->height = (int)height;
    return NULL;
}

void image_free(Image *image) {
    free(image->pixels);
    *image = (Image){0};
}

/* A named pipe must not hang a worker, nor a wrong name fill the memory: looked at before it is opened. */
static Status check_file(const char *path) {
    struct stat about;
    if (stat(path, &about) != 0)
        return status_error(EXIT_DATA, "%s: cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return status_error(EXIT_DATA, "%s: not a file", path);
    if (about.st_size == 0)
        return status_error(EXIT_DATA, "%s: empty file", path);
    if (about.st_size > MAX_FILE_BYTES)
        return status_error(EXIT_DATA, "%s: %lld bytes, larger than any picture taken here (%d)", path,
                            (long long)about.st_size, MAX_FILE_BYTES);
    return NULL;
}

static Status decode(Image *image, const char *path, const uint8_t *data, size_t size) {
    static const uint8_t jpeg_start[] = {0xFF, 0xD8, 0xFF};
    static const uint8_t png_start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    if (size >= sizeof jpeg_start && memcmp(data, jpeg_start, sizeof jpeg_start) == 0)
        return image_decode_jpeg(image, path, data, size);
    if (size >= sizeof png_start && memcmp(data, png_start, sizeof png_start) == 0)
        return image_decode_png(image, path, data, size);
    return status_error(EXIT_DATA, "%s: neither JPEG nor PNG by its first bytes", path);
}

Status image_read(const char *path, Image *image) {
    *image = (Image){0};
    TRY(check_file(path));
    char *data;
    size_t size;
    Status status = files_read(path, &data, &size);
    if (status_code(status) == EXIT_IO) { /* to a data set, a file that cannot be read is a bad picture */
        Status cause = status;
        status = status_error(EXIT_DATA, "%s: %s", path, status_message(cause));
        status_free(cause);
    }
    if (status)
        return status;
    status = decode(image, path, (const uint8_t *)data, size);
    free(data);
    if (status)
        image_free(image);
    return status;
}
