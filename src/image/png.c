/* SPDX-License-Identifier: Apache-2.0 */
#include "image/png.h"

#include "image/pixels.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

/* Lives in a frame above the one that calls setjmp, so that its fields keep their values over the jump. */
typedef struct {
    png_structp png;
    png_infop info;
    char message[128];
    const char *path;
    const uint8_t *data;
    size_t size, used;
    Image *image, *full;
} PngReader;

static void escape_png(png_structp png, png_const_charp message) {
    PngReader *reader = png_get_error_ptr(png);
    snprintf(reader->message, sizeof reader->message, "%s", message);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
    PngReader *reader = png_get_io_ptr(png);
    if (count > reader->size - reader->used)
        png_error(png, "the file ends early");
    memcpy(out, reader->data + reader->used, count);
    reader->used += count;
}

static Status read_png_header(PngReader *reader) {
    png_structp png = reader->png;
    png_set_read_fn(png, reader, read_bytes);
    /* Only the chunks that make the pixels are read, so a bad colour profile or date does not cost us the image. In
     * those chunks, data that libpng would accept with a warning (such as pixels left over) is an error. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_benign_errors(png, 0);
    png_read_info(png, reader->info);
    png_uint_32 width = png_get_image_width(png, reader->info), height = png_get_image_height(png, reader->info);
    TRY(pixels_check_size(reader->path, width, height, reader->size));
    TRY(pixels_allocate(reader->image, reader->path, (int)width, (int)height));
    reader->full->width = (int)width;
    reader->full->height = (int)height;
    png_set_expand(png); /* palette to RGB, fewer than 8 bits to 8 */
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
    return NULL;
}

static Status read_png_rows(PngReader *reader) {
    png_structp png = reader->png;
    const Image *image = reader->image;
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, reader->info);
    size_t row_bytes = (size_t)image->width * 3;
    if (png_get_rowbytes(png, reader->info) != row_bytes)
        return status_error(EXIT_DATA, "%s: PNG of a kind that does not become 8-bit RGB", reader->path);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < image->height; y++)
            png_read_row(png, image->pixels + (size_t)y * row_bytes, NULL);
    png_read_end(png, NULL); /* the checksum over all pixels, and the end mark */
    return NULL;
}

static Status read_png(PngReader *reader) {
    if (setjmp(png_jmpbuf(reader->png)))
        return status_error(EXIT_DATA, "%s: damaged PNG: %s", reader->path, reader->message);
    TRY(read_png_header(reader));
    return read_png_rows(reader);
}

Status png_decode(Image *image, const char *path, const uint8_t *data, size_t size, Image *full) {
    PngReader reader = {.path = path, .data = data, .size = size, .image = image, .full = full};
    reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, escape_png, ignore_warning);
    if (reader.png)
        reader.info = png_create_info_struct(reader.png);
    Status status = reader.info ? read_png(&reader) : status_no_memory(path, size);
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    return status;
}
