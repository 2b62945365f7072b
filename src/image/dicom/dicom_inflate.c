/* SPDX-License-Identifier: Apache-2.0 */
#include "image/dicom/dicom_inflate.h"

#include "image/dicom/dicom_elements.h"

#include <stdlib.h>
#include <zlib.h>

enum { FIRST_BYTES = 1 << 16 };

typedef struct {
    const char *name;
    z_stream zlib;
    uint8_t *bytes;
    size_t capacity, most;
} Inflater;

static Status grow_output(Inflater *inflater) {
    const size_t done = inflater->capacity;
    if (done == inflater->most)
        return dicom_damaged(inflater->name, "the deflated data set inflates to over %zu bytes", done);
    size_t capacity = done ? done * 2 : FIRST_BYTES;
    if (capacity > inflater->most)
        capacity = inflater->most;
    uint8_t *grown = realloc(inflater->bytes, capacity);
    if (!grown)
        return status_no_memory(inflater->name, capacity);
    inflater->bytes = grown;
    inflater->capacity = capacity;
    inflater->zlib.next_out = grown + done;
    inflater->zlib.avail_out = (uInt)(capacity - done);
    return NULL;
}

static Status inflate_all(Inflater *inflater) {
    for (;;) {
        if (!inflater->zlib.avail_out)
            TRY(grow_output(inflater));
        int result = inflate(&inflater->zlib, Z_NO_FLUSH);
        if (result == Z_STREAM_END)
            return NULL;
        if (result == Z_MEM_ERROR)
            return status_no_memory(inflater->name, inflater->capacity);
        if (result == Z_BUF_ERROR || (result == Z_OK && !inflater->zlib.avail_in && inflater->zlib.avail_out))
            return dicom_damaged(inflater->name, "cut short: the deflated data set does not end");
        if (result != Z_OK)
            return dicom_damaged(inflater->name, "the deflated data set: %s",
                                 inflater->zlib.msg ? inflater->zlib.msg : "it needs a dictionary");
    }
}

Status dicom_inflate(const char *name, const uint8_t *data, size_t size, size_t most, uint8_t **out, size_t *out_size) {
    *out = NULL;
    *out_size = 0;
    if (size > most)
        return dicom_damaged(name, "a deflated data set of over %zu bytes", most);
    Inflater inflater = {.name = name, .most = most};
    inflater.zlib.next_in = (Bytef *)data; /* zlib only reads there */
    inflater.zlib.avail_in = (uInt)size;
    if (inflateInit2(&inflater.zlib, -MAX_WBITS) != Z_OK)
        return status_no_memory(name, size);
    Status status = inflate_all(&inflater);
    *out_size = inflater.capacity - inflater.zlib.avail_out;
    inflateEnd(&inflater.zlib);
    if (status) {
        free(inflater.bytes);
        return status;
    }
    *out = inflater.bytes;
    return NULL;
}
