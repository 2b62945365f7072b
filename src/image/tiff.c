/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tiff.h"

#include "image/deep.h"
#include "image/pixels.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

enum { MOST_PAGES = 100, MOST_TAG_BYTES = 1 << 26 };

typedef struct {
    const char *name;
    const uint8_t *data;
    uint64_t size, at;
    char message[160]; /* libtiff's first error, or its first warning while pixels are read */
    bool reads_pixels;

    TIFF *tiff;
    uint32_t width, height;
    uint16_t bits, samples, photometric, planar;
    size_t components; /* that are kept: 1, or 3 of RGB */
    uint16_t *map[3];  /* of a palette; libtiff's */
    Image *image;
    uint16_t *deep; /* the values of 16 bits [height][width][components]; NULL for 8 */
} TiffReader;

/* ---- libtiff's file and messages. The handlers belong to the file: those of the process are never called. */

static tmsize_t read_bytes(thandle_t context, void *to, tmsize_t count) {
    TiffReader *reader = context;
    const uint64_t left = reader->at < reader->size ? reader->size - reader->at : 0;
    const uint64_t taken = (uint64_t)count < left ? (uint64_t)count : left;
    memcpy(to, reader->data + (left ? reader->at : 0), taken);
    reader->at += taken;
    return (tmsize_t)taken;
}

static tmsize_t write_nothing(thandle_t context, void *from, tmsize_t count) {
    (void)context;
    (void)from;
    (void)count;
    return 0;
}

static toff_t seek_byte(thandle_t context, toff_t offset, int from) {
    TiffReader *reader = context;
    reader->at = offset + (from == SEEK_CUR ? reader->at : from == SEEK_END ? reader->size : 0);
    return reader->at;
}

static int close_nothing(thandle_t context) {
    (void)context;
    return 0;
}

static toff_t tell_size(thandle_t context) {
    return ((TiffReader *)context)->size;
}

static int take_error(TIFF *tiff, void *context, const char *module, const char *format, va_list arguments) {
    TiffReader *reader = context;
    (void)tiff;
    (void)module;
    if (!*reader->message)
        vsnprintf(reader->message, sizeof reader->message, format, arguments);
    for (char *c = reader->message; *c; c++)
        *c = (char)(*c < ' ' ? ' ' : *c);
    return 1;
}

/* Of tags, warnings are about what is not used here. Of coded pixels, they mean that some were made up. */
static int take_warning(TIFF *tiff, void *context, const char *module, const char *format, va_list arguments) {
    return ((TiffReader *)context)->reads_pixels ? take_error(tiff, context, module, format, arguments) : 1;
}

static Status tiff_failure(const TiffReader *reader, const char *otherwise) {
    return status_error(EXIT_DATA, "%s: damaged TIFF: %s", reader->name,
                        *reader->message ? reader->message : otherwise);
}

static Status refuse_kind(const TiffReader *reader, const char *what, unsigned value) {
    return status_error(EXIT_DATA, "%s: TIFF of %u %s; grey, RGB or palette of 8 or 16 bits unsigned is needed",
                        reader->name, value, what);
}

/* ---- what is in the file */

/* Diminished copies and masks may follow the image; another image would be a choice that nobody made. */
static Status count_pages(TiffReader *reader) {
    unsigned images = 0, pages = 0;
    do {
        uint32_t kind = 0;
        TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_SUBFILETYPE, &kind);
        images += !(kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK));
        if (++pages == MOST_PAGES || images > 1)
            return status_error(EXIT_DATA, "%s: TIFF of several images; one is read: split it into files",
                                reader->name);
    } while (!TIFFLastDirectory(reader->tiff) && TIFFReadDirectory(reader->tiff));
    if (!TIFFLastDirectory(reader->tiff) || !TIFFSetDirectory(reader->tiff, 0))
        return tiff_failure(reader, "a directory that cannot be read");
    return NULL;
}

static Status read_layout(TiffReader *reader) {
    TIFF *tiff = reader->tiff;
    uint16_t format = SAMPLEFORMAT_UINT, compression = COMPRESSION_NONE;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &reader->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &reader->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &reader->planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &reader->width) ||
        !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &reader->height) ||
        !TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &reader->photometric))
        return tiff_failure(reader, "it does not say how large it is, or of what colours");
    TRY(pixels_check_size(reader->name, reader->width, reader->height, reader->size));
    if ((reader->bits != 8 && reader->bits != 16) || format != SAMPLEFORMAT_UINT)
        return refuse_kind(reader, format == SAMPLEFORMAT_UINT ? "bits" : "bits, signed or floating-point",
                           reader->bits);
    if (reader->photometric == PHOTOMETRIC_YCBCR && compression == COMPRESSION_JPEG) {
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        reader->photometric = PHOTOMETRIC_RGB;
    }
    const bool colour = reader->photometric == PHOTOMETRIC_RGB, palette = reader->photometric == PHOTOMETRIC_PALETTE;
    if (!colour && !palette && reader->photometric != PHOTOMETRIC_MINISBLACK &&
        reader->photometric != PHOTOMETRIC_MINISWHITE)
        return refuse_kind(reader, "as its colour space", reader->photometric);
    reader->components = colour ? 3 : 1;
    if (reader->samples < reader->components || (palette && (reader->samples != 1 || reader->bits != 8)))
        return refuse_kind(reader, "samples a pixel", reader->samples);
    if (palette && !TIFFGetField(tiff, TIFFTAG_COLORMAP, &reader->map[0], &reader->map[1], &reader->map[2]))
        return tiff_failure(reader, "a palette without colours");
    if (!TIFFIsCODECConfigured(compression))
        return status_error(EXIT_DATA, "%s: TIFF of compression %u, which this libtiff does not read", reader->name,
                            compression);
    return NULL;
}

/* ---- pixels */

/* A level of the palette; some writers fill the lower 8 bits alone. */
static uint8_t find_level(const TiffReader *reader, int channel, uint8_t value) {
    unsigned any = 0;
    for (int i = 0; i < 256; i++)
        any |= reader->map[0][i] | reader->map[1][i] | reader->map[2][i];
    return (uint8_t)(reader->map[channel][value] >> (any > 255 ? 8 : 0));
}

/* Stores values of one strip or tile: `rows` x `columns` of it, its pixels `step` samples apart, rows of `pitch`
 * pixels. `first` is the component that comes first. */
static void store_block(TiffReader *reader, const void *block, uint32_t top, uint32_t left, uint32_t rows,
                        uint32_t columns, uint32_t pitch, size_t first) {
    const bool apart = reader->planar == PLANARCONFIG_SEPARATE;
    const size_t step = apart ? 1 : reader->samples, count = apart ? 1 : reader->components;
    for (uint32_t y = 0; y < rows; y++)
        for (uint32_t x = 0; x < columns; x++)
            for (size_t c = 0; c < count; c++) {
                const size_t from = ((size_t)y * pitch + x) * step + c;
                const size_t pixel = (size_t)(top + y) * reader->width + left + x;
                if (reader->deep)
                    reader->deep[pixel * reader->components + first + c] = ((const uint16_t *)block)[from];
                else
                    reader->image->pixels[pixel * 3 + first + c] = ((const uint8_t *)block)[from];
            }
}

/* Reads the blocks of one plane: strips are blocks as wide as the image. */
static Status read_plane(TiffReader *reader, void *block, size_t bytes, uint32_t wide, uint32_t high, uint16_t plane) {
    TIFF *tiff = reader->tiff;
    const bool tiled = TIFFIsTiled(tiff);
    for (uint32_t top = 0; top < reader->height; top += high)
        for (uint32_t left = 0; left < reader->width; left += wide) {
            const uint32_t rows = reader->height - top < high ? reader->height - top : high;
            const uint32_t columns = reader->width - left < wide ? reader->width - left : wide;
            const tmsize_t got =
                tiled ? TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, left, top, 0, plane), block, (tmsize_t)bytes)
                      : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, top, plane), block, (tmsize_t)bytes);
            const size_t needed = bytes / high * (tiled ? high : rows);
            if (got < 0 || (size_t)got < needed || *reader->message)
                return tiff_failure(reader, "rows are missing");
            store_block(reader, block, top, left, rows, columns, wide, plane);
        }
    return NULL;
}

static Status read_blocks(TiffReader *reader) {
    TIFF *tiff = reader->tiff;
    const bool apart = reader->planar == PLANARCONFIG_SEPARATE;
    uint32_t wide = reader->width, high = reader->height;
    if (TIFFIsTiled(tiff)) {
        if (!TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &wide) || !TIFFGetField(tiff, TIFFTAG_TILELENGTH, &high))
            return tiff_failure(reader, "tiles without a size");
        TRY(pixels_check_size(reader->name, wide, high, reader->size));
    } else {
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &high);
        high = high && high < reader->height ? high : reader->height;
    }
    const size_t bytes = (size_t)wide * high * (reader->bits / 8) * (apart ? 1 : reader->samples);
    const tmsize_t library = TIFFIsTiled(tiff) ? TIFFTileSize(tiff) : TIFFVStripSize(tiff, high);
    if (library < 0 || (size_t)library != bytes)
        return tiff_failure(reader, "strips or tiles of an unexpected size");
    void *block = malloc(bytes);
    if (!block)
        return status_no_memory(reader->name, bytes);
    Status status = NULL;
    for (size_t plane = 0; !status && plane < (apart ? reader->components : 1); plane++)
        status = read_plane(reader, block, bytes, wide, high, (uint16_t)plane);
    free(block);
    return status;
}

/* From one component of 8 bits in the first channel, or three. */
static void finish_shallow(const TiffReader *reader) {
    const size_t count = (size_t)reader->width * reader->height;
    uint8_t levels[3][256];
    for (int channel = 0; channel < 3; channel++)
        for (int value = 0; value < 256; value++)
            levels[channel][value] =
                reader->map[0] ? find_level(reader, channel, (uint8_t)value)
                               : (uint8_t)(reader->photometric == PHOTOMETRIC_MINISWHITE ? 255 - value : value);
    for (uint8_t *pixel = reader->image->pixels; reader->components == 1 && pixel < reader->image->pixels + count * 3;
         pixel += 3) {
        const uint8_t value = pixel[0];
        for (int channel = 0; channel < 3; channel++)
            pixel[channel] = levels[channel][value];
    }
}

static void finish_deep(const TiffReader *reader, ImageFacts *facts) {
    uint16_t largest = 0;
    int stated = 0;
    if (TIFFGetField(reader->tiff, TIFFTAG_MAXSAMPLEVALUE, &largest))
        for (stated = 1; largest >> stated; stated++)
            ;
    deep_convert(reader->image, reader->deep, (int)reader->components, stated, facts);
    const size_t count = (size_t)reader->width * reader->height * 3;
    for (size_t i = 0; reader->photometric == PHOTOMETRIC_MINISWHITE && i < count; i++)
        reader->image->pixels[i] = (uint8_t)(255 - reader->image->pixels[i]);
}

static Status read_tiff(TiffReader *reader, ImageFacts *facts) {
    TRY(count_pages(reader));
    TRY(read_layout(reader));
    uint16_t orientation = ORIENTATION_TOPLEFT;
    TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_ORIENTATION, &orientation);
    facts->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
    facts->width = (int)reader->width;
    facts->height = (int)reader->height;
    TRY(pixels_allocate(reader->image, reader->name, facts->width, facts->height));
    if (reader->bits == 16) {
        const size_t count = (size_t)reader->width * reader->height * reader->components;
        reader->deep = calloc(count, sizeof *reader->deep);
        if (!reader->deep)
            return status_no_memory(reader->name, count * sizeof *reader->deep);
    }
    reader->reads_pixels = true;
    TRY(read_blocks(reader));
    if (reader->deep)
        finish_deep(reader, facts);
    else
        finish_shallow(reader);
    return NULL;
}

bool tiff_begins(const uint8_t *data, size_t size) {
    static const uint8_t starts[][4] = {{'I', 'I', 42, 0}, {'M', 'M', 0, 42}, {'I', 'I', 43, 0}, {'M', 'M', 0, 43}};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (size >= sizeof *starts && memcmp(data, starts[i], sizeof *starts) == 0)
            return true;
    return false;
}

Status tiff_decode(Image *image, const char *name, const uint8_t *data, size_t size, ImageFacts *facts) {
    TiffReader reader = {.name = name, .data = data, .size = size, .image = image};
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return status_no_memory(name, size);
    TIFFOpenOptionsSetErrorHandlerExtR(options, take_error, &reader);
    TIFFOpenOptionsSetWarningHandlerExtR(options, take_warning, &reader);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, MOST_TAG_BYTES + (tmsize_t)size);
    reader.tiff = TIFFClientOpenExt(name, "rm", &reader, read_bytes, write_nothing, seek_byte, close_nothing, tell_size,
                                    NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    Status status = reader.tiff ? read_tiff(&reader, facts) : tiff_failure(&reader, "it cannot be opened");
    if (reader.tiff)
        TIFFClose(reader.tiff);
    free(reader.deep);
    return status;
}
