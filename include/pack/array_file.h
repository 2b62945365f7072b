/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays and notes in an HDF5 file of their own, which any HDF5 tool opens. A line with the file's checksum comes after
 * what HDF5 reads, so that no damaged byte reaches it. */
#ifndef FOVEA_PACK_ARRAY_FILE_H
#define FOVEA_PACK_ARRAY_FILE_H

#include "base/status.h"

#include <stdint.h>

typedef enum { ARRAY_F32, ARRAY_I64, ARRAY_TEXT } ArrayType;

typedef struct {
    const char *name;
    ArrayType type;
    int64_t rows;
    int width;        /* 1: one dimension */
    const void *data; /* [rows][width] float or int64_t; of texts const char *[rows] */
} Array;

/* An attribute of the file: a text. */
typedef struct {
    const char *name, *text;
} ArrayNote;

/* Writes the file, whole or not at all. Equal input gives equal bytes. HDF5 allows one thread at a time. EXIT_IO. */
Status array_file_write(const char *path, const Array *arrays, int count, const ArrayNote *notes,
                        int note_count) MUST_USE;

typedef struct ArrayFile ArrayFile;

/* EXIT_IO when it cannot be read, EXIT_DATA when it is another file or its checksum is wrong. */
Status array_file_open(const char *path, ArrayFile **file) MUST_USE;
void array_file_close(ArrayFile *file);
/* The text of a note, the caller's; EXIT_DATA when there is none. */
Status array_file_note(ArrayFile *file, const char *name, char **text) MUST_USE;
/* Reads an array of numbers into data [rows][width]; EXIT_DATA when there is none of that name, type and shape. */
Status array_file_read(ArrayFile *file, const char *name, ArrayType type, int64_t rows, int width, void *data) MUST_USE;

#endif
