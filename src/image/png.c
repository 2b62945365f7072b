/* SPDX-License-Identifier: Apache-2.0 */
#include "image/png.h"

#include "image/deep.h"
#include "image/orientation.h"
#include "image/pixels.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Lives in a frame above the one that calls setjmp, so that its fields keep their values over the jump. */
typedef struct {
    png_structp png;
    png_infop info;
    char message[128];
    const char *path;
    const uint8_t *data;
    size_t size, used;
    Image *image;
    ImageFacts *facts;
    uint16_t *deep; /* the pixels of a PNG of 16 bits; NULL for others */
    int components; /* of those */
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

static uint32_t read_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The first chunk of that type, after its checksum has been compared; *chunk is NULL when there is none. libpng is not
 * asked: its versions differ in whether they look at the checksum of the end mark. */
static Status find_chunk(const PngReader *reader, const char *type, const uint8_t **chunk, size_t *size) {
    enum { SIGNATURE = 8, FRAME = 12 }; /* length, type, sum */
    *chunk = NULL;
    *size = 0;
    for (size_t at = SIGNATURE; reader->size - at >= FRAME; at += FRAME + *size) {
        const uint8_t *head = reader->data + at;
        *size = read_u32(head);
        if (*size > reader->size - at - FRAME)
            break;
        if (memcmp(head + 4, type, 4) == 0) {
            if (crc32(0, head + 4, (uInt)*size + 4) != read_u32(head + 8 + *size))
                return status_error(EXIT_DATA, "%s: damaged PNG: %s: wrong checksum", reader->path, type);
            *chunk = head + 8;
            return NULL;
        }
        if (memcmp(head + 4, "IEND", 4) == 0)
            break;
    }
    return NULL;
}

/* The bits of the deepest colour channel that are used; 0 when the file does not say. */
static Status find_stated_bits(const PngReader *reader, int *bits) {
    const uint8_t *chunk;
    size_t size;
    *bits = 0;
    TRY(find_chunk(reader, "sBIT", &chunk, &size));
    for (size_t i = 0; i < size && i < (size_t)reader->components && chunk; i++)
        *bits = chunk[i] > *bits ? chunk[i] : *bits;
    return NULL;
}

static Status read_ancillary(PngReader *reader) {
    const uint8_t *chunk;
    size_t size;
    TRY(find_chunk(reader, "IEND", &chunk, &size));
    if (!chunk)
        return status_error(EXIT_DATA, "%s: damaged PNG: no end mark", reader->path);
    TRY(find_chunk(reader, "eXIf", &chunk, &size));
    if (chunk)
        reader->facts->orientation = orientation_of_exif(chunk, size);
    if (!reader->deep)
        return NULL;
    int bits;
    TRY(find_stated_bits(reader, &bits));
    deep_convert(reader->image, reader->deep, reader->components, bits, reader->facts);
    return NULL;
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
    reader->facts->width = (int)width;
    reader->facts->height = (int)height;
    png_set_expand(png); /* palette to RGB, fewer than 8 bits to 8 */
    png_set_strip_alpha(png);
    if (png_get_bit_depth(png, reader->info) < 16) {
        png_set_gray_to_rgb(png);
        return NULL;
    }
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        png_set_swap(png);
    reader->components = png_get_color_type(png, reader->info) & PNG_COLOR_MASK_COLOR ? 3 : 1;
    reader->deep = calloc((size_t)width * height, (size_t)reader->components * sizeof *reader->deep);
    return reader->deep ? NULL : status_no_memory(reader->path, (size_t)width * height * sizeof *reader->deep);
}

static Status read_png_rows(PngReader *reader) {
    png_structp png = reader->png;
    const Image *image = reader->image;
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, reader->info);
    uint8_t *rows = reader->deep ? (uint8_t *)reader->deep : image->pixels;
    size_t row_bytes = (size_t)image->width * (reader->deep ? sizeof *reader->deep * (size_t)reader->components : 3);
    if (png_get_rowbytes(png, reader->info) != row_bytes)
        return status_error(EXIT_DATA, "%s: PNG of a kind that does not become 8-bit RGB", reader->path);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < image->height; y++)
            png_read_row(png, rows + (size_t)y * row_bytes, NULL);
    png_read_end(png, NULL); /* the checksum over all pixels, and the end mark */
    return read_ancillary(reader);
}

static Status read_png(PngReader *reader) {
    if (setjmp(png_jmpbuf(reader->png)))
        return status_error(EXIT_DATA, "%s: damaged PNG: %s", reader->path, reader->message);
    TRY(read_png_header(reader));
    return read_png_rows(reader);
}

Status png_decode(Image *image, const char *path, const uint8_t *data, size_t size, ImageFacts *facts) {
    PngReader reader = {.path = path, .data = data, .size = size, .image = image, .facts = facts};
    reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, escape_png, ignore_warning);
    if (reader.png)
        reader.info = png_create_info_struct(reader.png);
    Status status = reader.info ? read_png(&reader) : status_no_memory(path, size);
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    free(reader.deep);
    return status;
}
