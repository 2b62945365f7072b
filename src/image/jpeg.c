/* SPDX-License-Identifier: Apache-2.0 */
#include "image/jpeg.h"

#include "image/jpeg_failure.h"
#include "image/orientation.h"
#include "image/pixels.h"

#include <jerror.h>
#include <string.h>

/* Adobe writes CMYK inverted, and Pillow reads all CMYK that way: the values are the lack of ink, hence
 * channel = k - (255 - c) * k / 255, the quotient rounded as (t + t / 256) / 256 of t = product + 128. */
static void rgb_from_inverted_cmyk(const uint8_t *cmyk, uint8_t *rgb, int width) {
    for (int x = 0; x < width; x++, cmyk += 4, rgb += 3)
        for (int channel = 0; channel < 3; channel++) {
            unsigned black = cmyk[3], t = (255u - cmyk[channel]) * black + 128;
            rgb[channel] = (uint8_t)(black - ((t + (t >> 8)) >> 8));
        }
}

/* Lives in a frame above the one that calls setjmp, so that its fields keep their values over the jump. */
typedef struct {
    struct jpeg_decompress_struct jpeg;
    JpegFailure failure;
    const char *path;
    const uint8_t *data;
    size_t size;
    const ImageDecode *options;
    Image *image;
    ImageFacts *facts;
} JpegReader;

static bool components_are_rgb(const struct jpeg_decompress_struct *jpeg) {
    const jpeg_component_info *component = jpeg->comp_info;
    int red = component[0].component_id, green = component[1].component_id, blue = component[2].component_id;
    return (red == 'R' && green == 'G' && blue == 'B') || (red == 'r' && green == 'g' && blue == 'b');
}

static bool is_subsampled(const struct jpeg_decompress_struct *jpeg) {
    const jpeg_component_info *component = jpeg->comp_info;
    return component[1].h_samp_factor != component[0].h_samp_factor ||
           component[1].v_samp_factor != component[0].v_samp_factor;
}

/* The encoder's own markers override a tag. libjpeg's order, the default, differs where a JFIF marker
 * contradicts the other markers, and where there are none: then the colours are `otherwise`. */
static J_COLOR_SPACE find_colours(const struct jpeg_decompress_struct *jpeg, ImageColours otherwise, char *warning,
                                  size_t capacity) {
    if (components_are_rgb(jpeg))
        return JCS_RGB;
    if (jpeg->saw_Adobe_marker)
        return jpeg->Adobe_transform == 0 ? JCS_RGB : JCS_YCbCr;
    if (jpeg->saw_JFIF_marker || otherwise != IMAGE_COLOURS_RGB)
        return JCS_YCbCr;
    if (!is_subsampled(jpeg))
        return JCS_RGB;
    snprintf(warning, capacity, "read as YCbCr: the tag says RGB, but two components have fewer samples");
    return JCS_YCbCr;
}

/* The first APP1 segment with EXIF data decides; another one may hold XMP. */
static int find_orientation(const struct jpeg_decompress_struct *jpeg) {
    static const uint8_t mark[] = {'E', 'x', 'i', 'f', 0, 0};
    for (jpeg_saved_marker_ptr segment = jpeg->marker_list; segment; segment = segment->next)
        if (segment->data_length > sizeof mark && memcmp(segment->data, mark, sizeof mark) == 0)
            return orientation_of_exif(segment->data + sizeof mark, segment->data_length - sizeof mark);
    return 1;
}

/* The largest divisor that leaves the shorter side, rounded up as the decoder does, at least `min_side`. */
static unsigned find_divisor(const struct jpeg_decompress_struct *jpeg, int min_side) {
    unsigned shorter = jpeg->image_width < jpeg->image_height ? jpeg->image_width : jpeg->image_height;
    for (unsigned by = 8; min_side > 0 && by > 1; by /= 2)
        if ((shorter + by - 1) / by >= (unsigned)min_side)
            return by;
    return 1;
}

static Status read_jpeg_header(JpegReader *reader) {
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg_mem_src(jpeg, reader->data, reader->size);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(jpeg, TRUE);
    int components = jpeg->num_components;
    if (components != 1 && components != 3 && components != 4)
        return status_error(EXIT_DATA, "%s: JPEG of %d components; grey, RGB or CMYK is needed", reader->path,
                            components);
    const ImageDecode *options = reader->options;
    if (options->components && components != options->components)
        return status_error(EXIT_DATA, "%s: JPEG of %d components, not %d", reader->path, components,
                            options->components);
    TRY(pixels_check_size(reader->path, jpeg->image_width, jpeg->image_height, reader->size));
    ImageFacts *facts = reader->facts;
    facts->width = (int)jpeg->image_width;
    facts->height = (int)jpeg->image_height;
    facts->orientation = find_orientation(jpeg);
    if (components == 3 && options->colours != IMAGE_COLOURS_OF_FILE)
        jpeg->jpeg_color_space = find_colours(jpeg, options->colours, facts->warning, sizeof facts->warning);
    jpeg->scale_num = 1;
    jpeg->scale_denom = find_divisor(jpeg, options->min_side);
    /* The rest (accurate integer DCT, smooth upsampling) is libjpeg's default, and Pillow's. */
    jpeg->out_color_space = components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_calc_output_dimensions(jpeg);
    return pixels_allocate(reader->image, reader->path, (int)jpeg->output_width, (int)jpeg->output_height);
}

static void read_jpeg_rows(JpegReader *reader) {
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_start_decompress(jpeg);
    int width = reader->image->width;
    JSAMPARRAY scratch = NULL;
    if (jpeg->out_color_space == JCS_CMYK)
        scratch = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, (JDIMENSION)width * 4, 1);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *row = reader->image->pixels + (size_t)jpeg->output_scanline * width * 3;
        jpeg_read_scanlines(jpeg, scratch ? scratch : &row, 1);
        if (scratch)
            rgb_from_inverted_cmyk(scratch[0], row, width);
    }
    jpeg_finish_decompress(jpeg); /* reads on to the end mark: its absence is a warning too */
}

static Status read_jpeg(JpegReader *reader) {
    reader->jpeg.err = jpeg_failure_start(&reader->failure);
    if (setjmp(reader->failure.escape)) {
        if (reader->failure.manager.msg_code == JERR_OUT_OF_MEMORY)
            return status_no_memory(reader->path, reader->size);
        return status_error(EXIT_DATA, "%s: damaged JPEG: %s", reader->path, reader->failure.message);
    }
    TRY(read_jpeg_header(reader));
    read_jpeg_rows(reader);
    if (*reader->failure.warning)
        snprintf(reader->facts->warning, sizeof reader->facts->warning, "%s", reader->failure.warning);
    return NULL;
}

Status jpeg_decode(Image *image, const char *path, const uint8_t *data, size_t size, const ImageDecode *options,
                   ImageFacts *facts) {
    JpegReader reader = {.path = path, .data = data, .size = size, .options = options, .image = image, .facts = facts};
    Status status = read_jpeg(&reader);
    jpeg_destroy_decompress(&reader.jpeg);
    return status;
}
