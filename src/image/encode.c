/* SPDX-License-Identifier: Apache-2.0 */
#include "image/encode.h"

#include "base/files.h"
#include "image/jpeg_failure.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* A file being encoded. In a frame above the one that calls setjmp, so that its fields keep their values over the jump.
 */
typedef struct {
    const char *path;
    const uint8_t *pixels;
    int width, height;
    uint8_t *bytes;
    size_t size, capacity;
    char message[128];
} Encoded;

static Status write_bytes(const char *path, uint8_t *bytes, size_t size) {
    Status status = files_write(path, bytes, size);
    free(bytes);
    return status;
}

static void escape_png(png_structp png, png_const_charp message) {
    Encoded *file = png_get_error_ptr(png);
    snprintf(file->message, sizeof file->message, "%s", message);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void append_bytes(png_structp png, png_bytep data, size_t count) {
    Encoded *file = png_get_io_ptr(png);
    if (count > file->capacity - file->size) {
        size_t capacity = (file->size + count) * 2;
        uint8_t *grown = realloc(file->bytes, capacity);
        if (!grown)
            png_error(png, "out of memory");
        file->bytes = grown;
        file->capacity = capacity;
    }
    memcpy(file->bytes + file->size, data, count);
    file->size += count;
}

static void flush_nothing(png_structp png) {
    (void)png;
}

static Status encode_png(Encoded *file, png_structp png, png_infop info) {
    if (setjmp(png_jmpbuf(png)))
        return status_error(EXIT_IO, "cannot write %s: %s", file->path, file->message);
    png_set_write_fn(png, file, append_bytes, flush_nothing);
    png_set_IHDR(png, info, (png_uint_32)file->width, (png_uint_32)file->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < file->height; y++)
        png_write_row(png, file->pixels + (size_t)y * file->width * 3);
    png_write_end(png, info);
    return NULL;
}

Status image_encode_png(const char *name, const uint8_t *pixels, int width, int height, uint8_t **bytes, size_t *size) {
    Encoded file = {.path = name, .pixels = pixels, .width = width, .height = height};
    png_infop info = NULL;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &file, escape_png, ignore_warning);
    if (png)
        info = png_create_info_struct(png);
    Status status = info ? encode_png(&file, png, info) : status_no_memory(name, 0);
    png_destroy_write_struct(&png, &info);
    if (status)
        free(file.bytes);
    *bytes = status ? NULL : file.bytes;
    *size = status ? 0 : file.size;
    return status;
}

Status image_write_png(const char *path, const uint8_t *pixels, int width, int height) {
    uint8_t *bytes;
    size_t size;
    TRY(image_encode_png(path, pixels, width, height, &bytes, &size));
    return write_bytes(path, bytes, size);
}

typedef struct {
    struct jpeg_compress_struct jpeg;
    JpegFailure failure;
    unsigned char *bytes; /* libjpeg's types */
    unsigned long size;
} JpegWriter;

static Status encode_jpeg(Encoded *file, JpegWriter *writer, int quality) {
    struct jpeg_compress_struct *jpeg = &writer->jpeg;
    jpeg->err = jpeg_failure_start(&writer->failure);
    if (setjmp(writer->failure.escape))
        return status_error(EXIT_IO, "cannot write %s: %s", file->path, writer->failure.message);
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &writer->bytes, &writer->size);
    jpeg->image_width = (JDIMENSION)file->width;
    jpeg->image_height = (JDIMENSION)file->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg); /* 4:2:0 among them */
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = (JSAMPROW)(file->pixels + (size_t)jpeg->next_scanline * file->width * 3);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return NULL;
}

Status image_encode_jpeg(const char *name, const uint8_t *pixels, int width, int height, int quality, uint8_t **bytes,
                         size_t *size) {
    Encoded file = {.path = name, .pixels = pixels, .width = width, .height = height};
    /* As much as the worst image needs (two bytes a sample, 1.5 samples a pixel, whole blocks of 16 and the headers):
     * if libjpeg grew the buffer itself and failed later, we could not free the grown one. */
    size_t bound = ((size_t)width + 16) * ((size_t)height + 16) * 3 + 4096;
    JpegWriter writer = {.bytes = malloc(bound), .size = bound};
    if (!writer.bytes)
        return status_no_memory(name, bound);
    Status status = encode_jpeg(&file, &writer, quality);
    jpeg_destroy_compress(&writer.jpeg);
    if (status)
        free(writer.bytes);
    *bytes = status ? NULL : writer.bytes;
    *size = status ? 0 : writer.size;
    return status;
}

Status image_write_jpeg(const char *path, const uint8_t *pixels, int width, int height, int quality) {
    uint8_t *bytes;
    size_t size;
    TRY(image_encode_jpeg(path, pixels, width, height, quality, &bytes, &size));
    return write_bytes(path, bytes, size);
}
