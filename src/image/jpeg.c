/* SPDX-License-Identifier: Apache-2.0 */
#include "image/codec.h"

#include <jerror.h>

static void escape(j_common_ptr jpeg) {
    JpegFailure *failure = (JpegFailure *)jpeg->err;
    jpeg->err->format_message(jpeg, failure->message);
    longjmp(failure->escape, 1);
}

/* Level -1 is a warning: the data ended early or made no sense, and the decoder would fill in what it likes. */
static void refuse_warning(j_common_ptr jpeg, int level) {
    if (level < 0)
        escape(jpeg);
}

static void stay_silent(j_common_ptr jpeg) {
    (void)jpeg;
}

struct jpeg_error_mgr *jpeg_failure_start(JpegFailure *failure) {
    jpeg_std_error(&failure->manager);
    failure->manager.error_exit = escape;
    failure->manager.emit_message = refuse_warning;
    failure->manager.output_message = stay_silent;
    return &failure->manager;
}

/* Adobe writes CMYK inverted, and Pillow takes all CMYK to be so: what is stored is the lack of ink, hence
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
    const ImageDecode *how;
    Image *image, *full;
} JpegReader;

static bool components_are_rgb(const struct jpeg_decompress_struct *jpeg) {
    const jpeg_component_info *component = jpeg->comp_info;
    int red = component[0].component_id, green = component[1].component_id, blue = component[2].component_id;
    return (red == 'R' && green == 'G' && blue == 'B') || (red == 'r' && green == 'g' && blue == 'b');
}

/* The order of trust that keeps a tag from overruling what the encoder wrote of its own work. libjpeg's, which is the
 * default, differs where a JFIF marker contradicts the others, and where nobody tells. */
static J_COLOR_SPACE colours_by_markers(const struct jpeg_decompress_struct *jpeg, ImageColours untold) {
    if (components_are_rgb(jpeg))
        return JCS_RGB;
    if (jpeg->saw_Adobe_marker)
        return jpeg->Adobe_transform == 0 ? JCS_RGB : JCS_YCbCr;
    if (jpeg->saw_JFIF_marker)
        return JCS_YCbCr;
    return untold == IMAGE_COLOURS_RGB ? JCS_RGB : JCS_YCbCr;
}

/* The largest divisor that leaves the shorter side, rounded up as the decoder does, at least `least`. */
static unsigned divisor(const struct jpeg_decompress_struct *jpeg, int least) {
    unsigned shorter = jpeg->image_width < jpeg->image_height ? jpeg->image_width : jpeg->image_height;
    for (unsigned by = 8; least > 0 && by > 1; by /= 2)
        if ((shorter + by - 1) / by >= (unsigned)least)
            return by;
    return 1;
}

static Status read_header(JpegReader *reader) {
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg_mem_src(jpeg, reader->data, reader->size);
    jpeg_read_header(jpeg, TRUE);
    int components = jpeg->num_components;
    if (components != 1 && components != 3 && components != 4)
        return status_error(EXIT_DATA, "%s: JPEG of %d components; grey, RGB or CMYK is needed", reader->path,
                            components);
    const ImageDecode *how = reader->how;
    if (how->components && components != how->components)
        return status_error(EXIT_DATA, "%s: JPEG of %d components, not %d", reader->path, components, how->components);
    TRY(image_check_size(reader->path, jpeg->image_width, jpeg->image_height, reader->size));
    reader->full->width = (int)jpeg->image_width;
    reader->full->height = (int)jpeg->image_height;
    if (components == 3 && how->colours != IMAGE_COLOURS_OF_FILE)
        jpeg->jpeg_color_space = colours_by_markers(jpeg, how->colours);
    jpeg->scale_num = 1;
    jpeg->scale_denom = divisor(jpeg, how->least);
    /* The rest (accurate integer DCT, smooth upsampling) is libjpeg's default, and Pillow's. */
    jpeg->out_color_space = components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_calc_output_dimensions(jpeg);
    return image_allocate(reader->image, reader->path, (int)jpeg->output_width, (int)jpeg->output_height);
}

static void read_rows(JpegReader *reader) {
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
    TRY(read_header(reader));
    read_rows(reader);
    return NULL;
}

Status image_decode_jpeg(Image *image, const char *path, const uint8_t *data, size_t size, const ImageDecode *how,
                         Image *full) {
    JpegReader reader = {.path = path, .data = data, .size = size, .how = how, .image = image, .full = full};
    Status status = read_jpeg(&reader);
    jpeg_destroy_decompress(&reader.jpeg);
    return status;
}
