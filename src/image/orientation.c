/* SPDX-License-Identifier: Apache-2.0 */
#include "image/orientation.h"

#include "image/pixels.h"

#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_BYTES = 12 };

typedef struct {
    const uint8_t *bytes;
    size_t size;
    bool big_endian;
} Exif;

static unsigned read_u16(const Exif *exif, size_t at) {
    const unsigned first = exif->bytes[at], second = exif->bytes[at + 1];
    return exif->big_endian ? first << 8 | second : second << 8 | first;
}

static size_t read_u32(const Exif *exif, size_t at) {
    const size_t first = read_u16(exif, at), second = read_u16(exif, at + 2);
    return exif->big_endian ? first << 16 | second : second << 16 | first;
}

/* A TIFF file's header and first directory (TIFF 6.0, section 2): entries of tag, type, count and value. */
int orientation_of_exif(const uint8_t *bytes, size_t size) {
    const Exif exif = {bytes, size, size >= 8 && memcmp(bytes, "MM\0*", 4) == 0};
    if (size < 8 || (!exif.big_endian && memcmp(bytes, "II*\0", 4) != 0))
        return 1;
    const size_t directory = read_u32(&exif, 4);
    if (directory > size - 2)
        return 1;
    const unsigned count = read_u16(&exif, directory);
    for (size_t at = directory + 2, i = 0; i < count && size - at >= ENTRY_BYTES; i++, at += ENTRY_BYTES) {
        if (read_u16(&exif, at) != TAG_ORIENTATION)
            continue;
        const unsigned value = read_u16(&exif, at + 8);
        return read_u16(&exif, at + 2) == TYPE_SHORT && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* Row 0 and column 0 of the stored image are, by orientation (EXIF 2.3, 4.6.4):
 * 1 top, left; 2 top, right; 3 bottom, right; 4 bottom, left; 5 left, top; 6 right, top; 7 right, bottom; 8 left,
 * bottom.
 */
Status orientation_apply(Image *image, const char *name, int orientation) {
    if (orientation < 2 || orientation > 8)
        return NULL;
    const bool across = orientation >= 5; /* rows become columns */
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    const ptrdiff_t width = image->width, height = image->height;
    Image turned = {0};
    TRY(pixels_allocate(&turned, name, (int)(across ? height : width), (int)(across ? width : height)));
    const uint8_t *from = image->pixels;
    for (ptrdiff_t row = 0; row < height; row++)
        for (ptrdiff_t column = 0; column < width; column++, from += 3) {
            ptrdiff_t x = across ? row : column, y = across ? column : row;
            x = from_right ? turned.width - 1 - x : x;
            y = from_bottom ? turned.height - 1 - y : y;
            memcpy(turned.pixels + (y * turned.width + x) * 3, from, 3);
        }
    image_free(image);
    *image = turned;
    return NULL;
}
