/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a ZIP archive of stored entries, ZIP64 where sizes need it. */
#ifndef FOVEA_CHECKPOINT_EXPORT_ZIP_WRITE_H
#define FOVEA_CHECKPOINT_EXPORT_ZIP_WRITE_H

#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

enum { ZIP_NAME = 64 };

typedef struct {
    char name[ZIP_NAME];
    uint64_t size, header;
    uint32_t crc;
} ZipWritten;

typedef struct {
    int descriptor;
    const char *path; /* for messages */
    uint64_t at;      /* bytes written */
    ZipWritten *entries;
    int count;
    int64_t capacity;
} ZipWriter;

/* Adds an entry; its bytes start at a multiple of 64 in the file, so that a reader can map them. */
Status zip_write_entry(ZipWriter *writer, const char *name, const void *data, size_t size) MUST_USE;
/* Writes the directory. The list of entries is freed by zip_write_close(). */
Status zip_write_directory(ZipWriter *writer) MUST_USE;
void zip_write_close(ZipWriter *writer);

#endif
