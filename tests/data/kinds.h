/* Writes pictures of the kinds that image_write_*() does not: grey, CMYK, progressive; 16-bit, palette, interlaced.
 * Through the libraries themselves, so that their reading is checked against their own writing. */
#ifndef FOVEA_TEST_KINDS_H
#define FOVEA_TEST_KINDS_H

#include <stdio.h>

#include <jpeglib.h>
#include <png.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct {
    int width, height;
    const uint8_t *samples; /* [height][width][components] */
    int components;         /* 1, 3, 4 */
    J_COLOR_SPACE given, stored;
    bool progressive;
    int restart; /* MCUs between restart markers; 0: none */
    bool marked; /* the next three are given; otherwise they are as libjpeg has them */
    bool jfif, adobe;
    const char *ids; /* of the components, a character each; NULL: as libjpeg has them */
    int quality;     /* 0: 100 */
} JpegKind;

static inline void mark_jpeg(struct jpeg_compress_struct *jpeg, const JpegKind *kind) {
    jpeg->write_JFIF_header = kind->jfif;
    jpeg->write_Adobe_marker = kind->adobe; /* its transform is by the colours stored */
    for (int i = 0; kind->ids && i < kind->components; i++)
        jpeg->comp_info[i].component_id = (unsigned char)kind->ids[i];
}

/* A whole file in memory; the caller's. */
static inline uint8_t *make_jpeg_kind(const JpegKind *kind, size_t *size) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    uint8_t *data = NULL;
    unsigned long bytes = 0;
    jpeg_mem_dest(&jpeg, &data, &bytes);
    jpeg.image_width = (JDIMENSION)kind->width;
    jpeg.image_height = (JDIMENSION)kind->height;
    jpeg.input_components = kind->components;
    jpeg.in_color_space = kind->given;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, kind->stored);
    if (kind->marked)
        mark_jpeg(&jpeg, kind);
    jpeg_set_quality(&jpeg, kind->quality ? kind->quality : 100, TRUE);
    jpeg.restart_interval = (unsigned)kind->restart;
    if (kind->progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)(kind->samples + (size_t)jpeg.next_scanline * kind->width * kind->components);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    assert_non_null(data);
    *size = bytes;
    return data;
}

static inline void write_jpeg_kind(const char *path, const JpegKind *kind) {
    size_t size;
    uint8_t *data = make_jpeg_kind(kind, &size);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    free(data);
}

typedef struct {
    int width, height;
    const uint8_t *rows; /* [height] rows as PNG packs them */
    size_t row_bytes;
    int depth, type;          /* bits a sample; PNG_COLOR_TYPE_... */
    const png_color *palette; /* NULL: none */
    int palette_size;
    const png_byte *transparency; /* of palette entries; NULL: none */
    int transparency_size;
    bool interlaced, gamma;
    bool header_only; /* stop before the pixels */
} PngKind;

static inline void write_png_kind(const char *path, const PngKind *kind) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    assert_non_null(png);
    png_infop info = png_create_info_struct(png);
    assert_non_null(info);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)kind->width, (png_uint_32)kind->height, kind->depth, kind->type,
                 kind->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (kind->palette)
        png_set_PLTE(png, info, kind->palette, kind->palette_size);
    if (kind->transparency)
        png_set_tRNS(png, info, kind->transparency, kind->transparency_size, NULL);
    if (kind->gamma)
        png_set_gAMA(png, info, 0.2);
    png_write_info(png, info);
    if (!kind->header_only) {
        int passes = png_set_interlace_handling(png);
        for (int pass = 0; pass < passes; pass++)
            for (int y = 0; y < kind->height; y++)
                png_write_row(png, kind->rows + (size_t)y * kind->row_bytes);
        png_write_end(png, info);
    }
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(file), 0);
}

static inline uint32_t crc_of(const uint8_t *data, size_t size) {
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

/* Makes the checksums of a PNG's chunks right again, so that the damage reaches what lies behind them. */
static inline void mend_png(uint8_t *data, size_t size) {
    for (size_t at = 8; at + 12 <= size;) {
        size_t length = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 | (size_t)data[at + 2] << 8 | data[at + 3];
        if (length > size - at - 12)
            return;
        uint32_t crc = crc_of(data + at + 4, length + 4);
        for (int i = 0; i < 4; i++)
            data[at + 8 + length + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += length + 12;
    }
}

#endif
