/* SPDX-License-Identifier: Apache-2.0 */
#include "image/dicom/jpeg_ls.h"

#include <charls/charls.h>
#include <stdbool.h>
#include <stdlib.h>

static Status charls_failure(const Coded *coded, charls_jpegls_errc code) {
    if (code == CHARLS_JPEGLS_ERRC_NOT_ENOUGH_MEMORY)
        return status_no_memory(coded->name, coded->size);
    return status_error(EXIT_DATA, "%s: damaged JPEG-LS: %s", coded->name, charls_get_error_message(code));
}

#define TRY_CHARLS(call)                                                                                               \
    do {                                                                                                               \
        charls_jpegls_errc code = (call);                                                                              \
        if (code)                                                                                                      \
            return charls_failure(coded, code);                                                                        \
    } while (0)

/* Bytes up to and with the end mark; 0 when there is none. CharLS 2.4 stops at a mark, but without one it counts on to
 * 2^31 at the end of the data. */
static size_t find_end(const Coded *coded) {
    size_t end = coded->size;
    while (end >= 2 && !(coded->data[end - 2] == 0xFF && coded->data[end - 1] == 0xD9))
        end--;
    return end >= 2 ? end : 0;
}

static Status check_frame(const Coded *coded, const charls_frame_info *frame) {
    if (frame->width != (uint32_t)coded->width || frame->height != (uint32_t)coded->height)
        return status_error(EXIT_DATA, "%s: damaged JPEG-LS: %u x %u pixels in an image of %d x %d", coded->name,
                            frame->width, frame->height, coded->width, coded->height);
    if (frame->component_count != coded->components || frame->bits_per_sample != 8)
        return status_error(EXIT_DATA, "%s: damaged JPEG-LS: %d components of %d bits, not %d of 8", coded->name,
                            frame->component_count, frame->bits_per_sample, coded->components);
    return NULL;
}

/* From planes, or from one plane for all three channels. */
static void interleave_planes(const Coded *coded, const uint8_t *planes, uint8_t *pixels) {
    const size_t count = (size_t)coded->width * (size_t)coded->height, apart = coded->components == 1 ? 0 : count;
    for (size_t i = 0; i < count; i++, pixels += 3)
        for (size_t channel = 0; channel < 3; channel++)
            pixels[channel] = planes[channel * apart + i];
}

static Status decode_stream(const Coded *coded, charls_jpegls_decoder *decoder, uint8_t *pixels) {
    charls_frame_info frame;
    charls_interleave_mode mode;
    size_t bytes;
    const size_t end = find_end(coded);
    if (!end)
        return status_error(EXIT_DATA, "%s: damaged JPEG-LS: cut short: it has no end mark", coded->name);
    TRY_CHARLS(charls_jpegls_decoder_set_source_buffer(decoder, coded->data, end));
    TRY_CHARLS(charls_jpegls_decoder_read_header(decoder));
    TRY_CHARLS(charls_jpegls_decoder_get_frame_info(decoder, &frame));
    TRY(check_frame(coded, &frame));
    TRY_CHARLS(charls_jpegls_decoder_get_interleave_mode(decoder, &mode));
    TRY_CHARLS(charls_jpegls_decoder_get_destination_size(decoder, 0, &bytes));
    if (bytes != (size_t)coded->width * (size_t)coded->height * (size_t)coded->components)
        return status_error(EXIT_DATA, "%s: damaged JPEG-LS: it decodes to %zu bytes", coded->name, bytes);
    if (coded->components == 3 && mode != CHARLS_INTERLEAVE_MODE_NONE) {
        TRY_CHARLS(charls_jpegls_decoder_decode_to_buffer(decoder, pixels, bytes, 0));
        return NULL;
    }
    uint8_t *planes = malloc(bytes);
    if (!planes)
        return status_no_memory(coded->name, bytes);
    const charls_jpegls_errc code = charls_jpegls_decoder_decode_to_buffer(decoder, planes, bytes, 0);
    if (!code)
        interleave_planes(coded, planes, pixels);
    free(planes);
    return code ? charls_failure(coded, code) : NULL;
}

Status jpeg_ls_decode(const Coded *coded, uint8_t *pixels) {
    charls_jpegls_decoder *decoder = charls_jpegls_decoder_create();
    if (!decoder)
        return status_no_memory(coded->name, coded->size);
    Status status = decode_stream(coded, decoder, pixels);
    charls_jpegls_decoder_destroy(decoder);
    return status;
}
