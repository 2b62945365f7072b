/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the ZIP archives that PyTorch writes: stored entries only, ZIP64 included. Names of entries are looked up and
 * never used as paths. Every offset and length is checked against the file before it is used, and the entries together
 * are not larger than the file, so that reading each once takes no more memory than the file. */
#ifndef FOVEA_CHECKPOINT_IMPORT_ZIP_H
#define FOVEA_CHECKPOINT_IMPORT_ZIP_H

#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name; /* within the archive's directory; not ended by a NUL */
    size_t name_length;
    uint64_t header; /* offset of its local header */
    uint64_t size;
    uint32_t crc;
    uint16_t method, flags;
    char *data; /* once zip_read() has read it */
} ZipEntry;

typedef struct {
    int descriptor;
    char *path; /* for messages */
    uint64_t size;
    char *directory;
    ZipEntry *entries; /* sorted by name */
    int count;
} Zip;

/* Reads the archive's directory. EXIT_DATA naming `path` and the cause, EXIT_IO when it cannot be read. Closed with
 * zip_close() after success. */
Status zip_open(const char *path, Zip *zip) MUST_USE;
void zip_close(Zip *zip);
/* NULL: none. */
ZipEntry *zip_find(const Zip *zip, const char *name);
/* Reads the entry's bytes into entry->data, which is the archive's; once only. Its checksum is verified. */
Status zip_read(const Zip *zip, ZipEntry *entry) MUST_USE;

#endif
