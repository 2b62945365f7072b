/* SPDX-License-Identifier: Apache-2.0 */
#include "image/dicom/jpeg2000.h"

#include "image/dicom/codestream.h"

#include <openjpeg.h>
#include <stdio.h>
#include <string.h>

enum { BUFFER_BYTES = 1 << 16 };

typedef struct {
    Coded coded;
    size_t at;
    char message[160]; /* OpenJPEG's first error */
} Reader;

static OPJ_SIZE_T read_bytes(void *to, OPJ_SIZE_T count, void *context) {
    Reader *reader = context;
    const size_t left = reader->coded.size - reader->at;
    if (!left)
        return (OPJ_SIZE_T)-1;
    if (count > left)
        count = left;
    memcpy(to, reader->coded.data + reader->at, count);
    reader->at += count;
    return count;
}

static OPJ_OFF_T skip_bytes(OPJ_OFF_T count, void *context) {
    Reader *reader = context;
    if (count < 0 || (uint64_t)count > reader->coded.size - reader->at)
        return -1;
    reader->at += (size_t)count;
    return count;
}

static OPJ_BOOL seek_byte(OPJ_OFF_T at, void *context) {
    Reader *reader = context;
    if (at < 0 || (uint64_t)at > reader->coded.size)
        return OPJ_FALSE;
    reader->at = (size_t)at;
    return OPJ_TRUE;
}

static void note_message(const char *message, void *context) {
    Reader *reader = context;
    if (!*reader->message)
        snprintf(reader->message, sizeof reader->message, "%.*s", (int)strcspn(message, "\r\n"), message);
}

static Status decoder_failure(const Reader *reader) {
    if (strcasestr(reader->message, "memory"))
        return status_no_memory(reader->coded.name, reader->coded.size);
    return status_error(EXIT_DATA, "%s: damaged JPEG 2000: %s", reader->coded.name,
                        *reader->message ? reader->message : "it cannot be decoded");
}

static Status take_pixels(const Reader *reader, const opj_image_t *image, uint8_t *pixels) {
    const Coded *coded = &reader->coded;
    const size_t count = (size_t)coded->width * (size_t)coded->height;
    if ((int)image->numcomps != coded->components)
        return decoder_failure(reader);
    for (int channel = 0; channel < 3; channel++) {
        const opj_image_comp_t *component = &image->comps[coded->components == 1 ? 0 : channel];
        if (!component->data || component->w != (OPJ_UINT32)coded->width || component->h != (OPJ_UINT32)coded->height)
            return decoder_failure(reader);
        for (size_t i = 0; i < count; i++) {
            const OPJ_INT32 value = component->data[i];
            pixels[i * 3 + (size_t)channel] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
    return NULL;
}

static Status decode_codestream(Reader *reader, opj_codec_t *codec, opj_stream_t *stream, uint8_t *pixels) {
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    opj_set_error_handler(codec, note_message, reader);
    opj_stream_set_user_data(stream, reader, NULL);
    opj_stream_set_user_data_length(stream, reader->coded.size);
    opj_stream_set_read_function(stream, read_bytes);
    opj_stream_set_skip_function(stream, skip_bytes);
    opj_stream_set_seek_function(stream, seek_byte);
    opj_image_t *image = NULL;
    const bool decoded = opj_setup_decoder(codec, &parameters) && opj_read_header(stream, codec, &image) &&
                         opj_decode(codec, stream, image) && opj_end_decompress(codec, stream);
    /* Warnings are about marks that are not used: the decoder is strict by default, and fails where data is missing. */
    Status status = decoded ? take_pixels(reader, image, pixels) : decoder_failure(reader);
    opj_image_destroy(image);
    return status;
}

Status jpeg2000_decode(const Coded *coded, uint8_t *pixels, bool *unsupported) {
    Reader reader = {.coded = *coded};
    TRY(codestream_find(&reader.coded, unsupported));
    opj_codec_t *codec = opj_create_decompress(OPJ_CODEC_J2K);
    opj_stream_t *stream = opj_stream_create(BUFFER_BYTES, OPJ_TRUE);
    Status status = codec && stream ? decode_codestream(&reader, codec, stream, pixels)
                                    : status_no_memory(coded->name, coded->size);
    if (codec)
        opj_destroy_codec(codec);
    if (stream)
        opj_stream_destroy(stream);
    return status;
}
