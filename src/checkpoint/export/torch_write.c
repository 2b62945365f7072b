/* SPDX-License-Identifier: Apache-2.0 */
/* The pickle is of protocol 2, the only one that weights_only reads: Python's Lib/pickletools.py. */
#include "checkpoint/export/torch_write.h"
#include "base/files.h"
#include "base/text_writer.h"
#include "checkpoint/export/zip_write.h"

#include <stdlib.h>
#include <string.h>

/* A type's storage; those with `element` have an untyped one, and the tensor names its element type. */
static const struct {
    const char *storage, *element;
} types[TENSOR_TYPES] = {
    [TYPE_F64] = {"DoubleStorage", NULL},
    [TYPE_F32] = {"FloatStorage", NULL},
    [TYPE_F16] = {"HalfStorage", NULL},
    [TYPE_BF16] = {"BFloat16Storage", NULL},
    [TYPE_I64] = {"LongStorage", NULL},
    [TYPE_I32] = {"IntStorage", NULL},
    [TYPE_I16] = {"ShortStorage", NULL},
    [TYPE_I8] = {"CharStorage", NULL},
    [TYPE_U8] = {"ByteStorage", NULL},
    [TYPE_BOOL] = {"BoolStorage", NULL},
    [TYPE_C64] = {"ComplexFloatStorage", NULL},
    [TYPE_U16] = {NULL, "uint16"},
    [TYPE_U32] = {NULL, "uint32"},
    [TYPE_U64] = {NULL, "uint64"},
    [TYPE_F8_E4M3] = {NULL, "float8_e4m3fn"},
    [TYPE_F8_E5M2] = {NULL, "float8_e5m2"},
    [TYPE_F8_E8M0] = {NULL, "float8_e8m0fnu"},
    [TYPE_F8_E4M3FNUZ] = {NULL, "float8_e4m3fnuz"},
    [TYPE_F8_E5M2FNUZ] = {NULL, "float8_e5m2fnuz"},
};

static void put_number(FILE *out, int size, uint64_t value) {
    for (int i = 0; i < size; i++)
        fputc((int)(value >> 8 * i & 0xff), out);
}

static void put_integer(FILE *out, int64_t value) {
    if (value == (int32_t)value) {
        fputc('J', out);
        put_number(out, 4, (uint64_t)value);
    } else {
        fputs("\x8a\x08", out);
        put_number(out, 8, (uint64_t)value);
    }
}

static void put_text(FILE *out, const char *text) {
    fputc('X', out);
    put_number(out, 4, strlen(text));
    fputs(text, out);
}

static void put_sides(FILE *out, const int64_t *sides, int count) {
    fputc('(', out);
    for (int i = 0; i < count; i++)
        put_integer(out, sides[i]);
    fputc('t', out);
}

/* Storage number `index`, by its persistent id. */
static void put_storage(FILE *out, const Tensor *tensor, int index, uint64_t bytes) {
    char key[16];
    snprintf(key, sizeof key, "%d", index);
    fputc('(', out);
    put_text(out, "storage");
    if (types[tensor->type].storage)
        fprintf(out, "ctorch\n%s\n", types[tensor->type].storage);
    else
        fputs("ctorch.storage\nUntypedStorage\n", out);
    put_text(out, key);
    put_text(out, "cpu");
    put_integer(out, types[tensor->type].storage ? tensor->count : (int64_t)bytes);
    fputs("tQ", out);
}

static void put_tensor(FILE *out, const Tensor *tensor, int index, uint64_t bytes) {
    int64_t strides[TENSOR_MAX_DIMS], step = 1;
    for (int i = tensor->dims - 1; i >= 0; i--) {
        strides[i] = step;
        step *= tensor->shape[i] ? tensor->shape[i] : 1;
    }
    const char *element = types[tensor->type].element;
    fprintf(out, "ctorch._utils\n_rebuild_tensor_v%d\n(", element ? 3 : 2);
    put_storage(out, tensor, index, bytes);
    put_integer(out, 0);
    put_sides(out, tensor->shape, tensor->dims);
    put_sides(out, strides, tensor->dims);
    fputs("\x89"                           /* requires no gradient */
          "ccollections\nOrderedDict\n)R", /* no hooks */
          out);
    if (element)
        fprintf(out, "ctorch\n%s\n", element);
    fputs("tR", out);
}

static void put_weights(FILE *out, const Tensor *tensors, int count, const TensorNote *notes, int note_count) {
    fputs("\x80\x02}(", out);
    put_text(out, "model");
    fputs("}(", out);
    for (int i = 0; i < count; i++) {
        uint64_t bytes = 0;
        (void)tensor_type_bytes(tensors[i].type, (uint64_t)tensors[i].count, &bytes);
        put_text(out, tensors[i].name);
        put_tensor(out, &tensors[i], i, bytes);
    }
    fputc('u', out);
    if (note_count) {
        put_text(out, "metadata");
        fputs("}(", out);
        for (int i = 0; i < note_count; i++) {
            put_text(out, notes[i].key);
            put_text(out, notes[i].value);
        }
        fputc('u', out);
    }
    fputs("u.", out);
}

static Status write_entries(ZipWriter *zip, const TextWriter *pickle, const Tensor *tensors, int count) {
    TRY(zip_write_entry(zip, "archive/data.pkl", pickle->text, pickle->size));
    TRY(zip_write_entry(zip, "archive/byteorder", "little", 6));
    for (int i = 0; i < count; i++) {
        char name[ZIP_NAME];
        uint64_t bytes = 0;
        (void)tensor_type_bytes(tensors[i].type, (uint64_t)tensors[i].count, &bytes);
        snprintf(name, sizeof name, "archive/data/%d", i);
        TRY(zip_write_entry(zip, name, tensors[i].data, (size_t)bytes));
    }
    TRY(zip_write_entry(zip, "archive/version", "3\n", 2));
    return zip_write_directory(zip);
}

static Status write_archive(const char *path, const TextWriter *pickle, const Tensor *tensors, int count) {
    ZipWriter zip = {.path = path};
    TRY(files_new_open(path, &zip.descriptor));
    Status status = files_new_close(zip.descriptor, path, write_entries(&zip, pickle, tensors, count));
    zip_write_close(&zip);
    return status;
}

Status torch_write(const char *path, const Tensor *tensors, int count, const TensorNote *notes, int note_count) {
    TextWriter pickle;
    for (int i = 0; i < count; i++)
        if (!types[tensors[i].type].storage && !types[tensors[i].type].element)
            return status_error(EXIT_DATA,
                                "tensor \"%s\" is of type %s, which torch.save does not write; write safetensors",
                                tensors[i].name, tensor_type_name(tensors[i].type));
    TRY(text_writer_open(&pickle, "a pickle"));
    put_weights(pickle.out, tensors, count, notes, note_count);
    Status status = fflush(pickle.out) ? status_no_memory("a pickle", 0) : NULL;
    if (!status)
        status = write_archive(path, &pickle, tensors, count);
    text_writer_discard(&pickle);
    return status;
}
