/* SPDX-License-Identifier: Apache-2.0 */
/* The format: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3. */
#include "checkpoint/export/zip_write.h"
#include "base/files.h"
#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    ALIGNMENT = 64,
    LOCAL_SIZE = 30,
    ZIP64_FIELD = 1,
    ZIP64_SIZES = 20,       /* bytes of that field in a local header: two sizes */
    PADDING_FIELD = 0x4246, /* "FB", as PyTorch pads */
    VERSION = 45,           /* of the format that a reader needs: ZIP64 */
    NAMES_IN_UTF8 = 0x800,
    DATE = 0x21, /* 1980-01-01, the first: equal input gives equal bytes */
};
static const uint64_t LIMIT = 0xffffffff; /* and above: in ZIP64 fields */

/* Little-endian numbers, one after another. */
typedef struct {
    unsigned char bytes[256];
    size_t size;
} ZipRecord;

static void put(ZipRecord *record, int size, uint64_t value) {
    for (int i = 0; i < size; i++)
        record->bytes[record->size++] = (unsigned char)(value >> 8 * i);
}

static uint64_t limited(uint64_t value) {
    return value < LIMIT ? value : LIMIT;
}

static Status write_bytes(ZipWriter *writer, const void *bytes, size_t size) {
    TRY(files_write_all(writer->descriptor, writer->path, bytes, size));
    writer->at += size;
    return NULL;
}

/* What a local header and a directory's record have in common, up to the length of the extra fields. */
static void put_entry(ZipRecord *record, const ZipWritten *entry, size_t extra) {
    put(record, 2, VERSION);
    put(record, 2, NAMES_IN_UTF8);
    put(record, 2, 0); /* stored */
    put(record, 2, 0); /* midnight */
    put(record, 2, DATE);
    put(record, 4, entry->crc);
    put(record, 4, limited(entry->size));
    put(record, 4, limited(entry->size));
    put(record, 2, strlen(entry->name));
    put(record, 2, extra);
}

static Status write_local(ZipWriter *writer, const ZipWritten *entry) {
    const size_t wide = entry->size >= LIMIT ? ZIP64_SIZES : 0, name = strlen(entry->name);
    const uint64_t start = writer->at + LOCAL_SIZE + name + wide + 4;
    const size_t padding = (size_t)(-start % ALIGNMENT);
    ZipRecord record = {0};
    put(&record, 4, 0x04034b50);
    put_entry(&record, entry, wide + 4 + padding);
    memcpy(record.bytes + record.size, entry->name, name);
    record.size += name;
    if (wide) {
        put(&record, 2, ZIP64_FIELD);
        put(&record, 2, 16);
        put(&record, 8, entry->size);
        put(&record, 8, entry->size);
    }
    put(&record, 2, PADDING_FIELD);
    put(&record, 2, padding);
    memset(record.bytes + record.size, 'Z', padding);
    return write_bytes(writer, record.bytes, record.size + padding);
}

Status zip_write_entry(ZipWriter *writer, const char *name, const void *data, size_t size) {
    TRY(list_grow(&writer->entries, writer->count, &writer->capacity, sizeof *writer->entries,
                  "an archive's directory"));
    ZipWritten *entry = &writer->entries[writer->count++];
    *entry = (ZipWritten){.size = size, .header = writer->at, .crc = size ? (uint32_t)crc32_z(0, data, size) : 0};
    snprintf(entry->name, sizeof entry->name, "%s", name);
    TRY(write_local(writer, entry));
    return write_bytes(writer, data, size);
}

static Status write_record(ZipWriter *writer, const ZipWritten *entry) {
    const int wide = (entry->size >= LIMIT ? 2 : 0) + (entry->header >= LIMIT ? 1 : 0);
    ZipRecord record = {0};
    put(&record, 4, 0x02014b50);
    put(&record, 2, VERSION);
    put_entry(&record, entry, wide ? 4 + 8 * (size_t)wide : 0);
    put(&record, 2, 0); /* comment */
    put(&record, 2, 0); /* disk */
    put(&record, 2, 0); /* attributes */
    put(&record, 4, 0);
    put(&record, 4, limited(entry->header));
    memcpy(record.bytes + record.size, entry->name, strlen(entry->name));
    record.size += strlen(entry->name);
    if (wide) {
        put(&record, 2, ZIP64_FIELD);
        put(&record, 2, 8 * (uint64_t)wide);
    }
    if (entry->size >= LIMIT) {
        put(&record, 8, entry->size);
        put(&record, 8, entry->size);
    }
    if (entry->header >= LIMIT)
        put(&record, 8, entry->header);
    return write_bytes(writer, record.bytes, record.size);
}

Status zip_write_directory(ZipWriter *writer) {
    const uint64_t start = writer->at, count = (uint64_t)writer->count;
    for (int i = 0; i < writer->count; i++)
        TRY(write_record(writer, &writer->entries[i]));
    const uint64_t size = writer->at - start, end64 = writer->at;
    ZipRecord record = {0};
    if (count >= 0xffff || start >= LIMIT || size >= LIMIT) {
        put(&record, 4, 0x06064b50);
        put(&record, 8, 44); /* bytes of this record that follow */
        put(&record, 2, VERSION);
        put(&record, 2, VERSION);
        put(&record, 8, 0); /* disks */
        put(&record, 8, count);
        put(&record, 8, count);
        put(&record, 8, size);
        put(&record, 8, start);
        put(&record, 4, 0x07064b50); /* its locator */
        put(&record, 4, 0);
        put(&record, 8, end64);
        put(&record, 4, 1);
    }
    put(&record, 4, 0x06054b50);
    put(&record, 4, 0); /* disks */
    put(&record, 2, count < 0xffff ? count : 0xffff);
    put(&record, 2, count < 0xffff ? count : 0xffff);
    put(&record, 4, limited(size));
    put(&record, 4, limited(start));
    put(&record, 2, 0); /* comment */
    return write_bytes(writer, record.bytes, record.size);
}

void zip_write_close(ZipWriter *writer) {
    free(writer->entries);
    writer->entries = NULL;
}
