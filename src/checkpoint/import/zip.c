/* SPDX-License-Identifier: Apache-2.0 */
/* The format: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.14 to 4.3.16 (its
 * end), 4.5.3 (ZIP64). */
#include "checkpoint/import/zip.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    LOCAL_SIZE = 30,
    RECORD_SIZE = 46, /* of an entry in the directory, without its name and what follows */
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    COMMENT_MAX = 65535,
    DIRECTORY_MAX = 32 << 20, /* bytes; PyTorch writes about 70 an entry */
    ENCRYPTED = 1,
    ZIP64_FIELD = 1,
};
static const uint32_t LOCAL = 0x04034b50, RECORD = 0x02014b50, END = 0x06054b50, END64 = 0x06064b50,
                      LOCATOR = 0x07064b50;

static uint64_t number(const char *bytes, int size) {
    uint64_t value = 0;
    for (int i = size - 1; i >= 0; i--)
        value = value << 8 | (unsigned char)bytes[i];
    return value;
}

#define REFUSE(...) return status_error(EXIT_DATA, "%s: " __VA_ARGS__)

/* Where the directory is. */
typedef struct {
    uint64_t count, size, offset;
} ZipDirectory;

/* The end of a large archive's directory, which the locator before `end` leads to. */
static Status read_end64(const Zip *zip, uint64_t end, ZipDirectory *directory) {
    char locator[LOCATOR_SIZE], record[END64_SIZE];
    if (end < LOCATOR_SIZE)
        REFUSE("cut off or no ZIP archive: the directory's end has no ZIP64 locator", zip->path);
    TRY(files_read_at(zip->descriptor, zip->path, locator, sizeof locator, end - LOCATOR_SIZE));
    const uint64_t at = number(locator + 8, 8);
    if (number(locator, 4) != LOCATOR || at > zip->size || zip->size - at < END64_SIZE)
        REFUSE("damaged: its ZIP64 locator leads nowhere", zip->path);
    TRY(files_read_at(zip->descriptor, zip->path, record, sizeof record, at));
    if (number(record, 4) != END64)
        REFUSE("damaged: its ZIP64 locator leads nowhere", zip->path);
    *directory = (ZipDirectory){number(record + 32, 8), number(record + 40, 8), number(record + 48, 8)};
    return NULL;
}

/* Finds the end of the directory, which a comment may follow. */
static Status find_directory(const Zip *zip, ZipDirectory *directory) {
    const uint64_t length = zip->size < END_SIZE + COMMENT_MAX ? zip->size : END_SIZE + COMMENT_MAX;
    char *tail = malloc((size_t)length + 1);
    if (!tail)
        return status_no_memory("the end of an archive", length);
    Status status = files_read_at(zip->descriptor, zip->path, tail, (size_t)length, zip->size - length);
    int64_t at = (int64_t)length - END_SIZE;
    while (!status && at >= 0 &&
           (number(tail + at, 4) != END || number(tail + at + 20, 2) != length - (uint64_t)at - END_SIZE))
        at--;
    if (!status && at < 0)
        status = status_error(EXIT_DATA,
                              "%s: cut off, or no ZIP archive: its directory, which is at the end, is missing; copy "
                              "the file again",
                              zip->path);
    if (!status) {
        const char *end = tail + at;
        *directory = (ZipDirectory){number(end + 10, 2), number(end + 12, 4), number(end + 16, 4)};
        if (directory->count == 0xffff || directory->size == 0xffffffff || directory->offset == 0xffffffff)
            status = read_end64(zip, zip->size - length + (uint64_t)at, directory);
    }
    free(tail);
    return status;
}

/* Takes the sizes and the offset that do not fit 32 bits from the ZIP64 field among `length` bytes of extra fields. */
static bool read_zip64_field(const char *extra, size_t length, uint64_t *const wide[], int count) {
    while (length >= 4) {
        const uint64_t id = number(extra, 2), size = number(extra + 2, 2);
        if (size > length - 4)
            return false;
        if (id == ZIP64_FIELD) {
            if (size < 8 * (uint64_t)count)
                return false;
            for (int i = 0; i < count; i++)
                *wide[i] = number(extra + 4 + 8 * i, 8);
            return true;
        }
        extra += 4 + size;
        length -= 4 + (size_t)size;
    }
    return count == 0;
}

/* Reads the directory's entry at *at and moves *at behind it. */
static Status read_record(const Zip *zip, const char **at, const char *end, ZipEntry *entry) {
    const char *record = *at;
    if (end - record < RECORD_SIZE || number(record, 4) != RECORD)
        REFUSE("damaged: its directory ends early", zip->path);
    const size_t name = number(record + 28, 2), extra = number(record + 30, 2), comment = number(record + 32, 2);
    if ((size_t)(end - record) - RECORD_SIZE < name + extra + comment)
        REFUSE("damaged: its directory ends early", zip->path);
    uint64_t packed = number(record + 20, 4);
    *entry = (ZipEntry){.name = record + RECORD_SIZE,
                        .name_length = name,
                        .flags = (uint16_t)number(record + 8, 2),
                        .method = (uint16_t)number(record + 10, 2),
                        .crc = (uint32_t)number(record + 16, 4),
                        .size = number(record + 24, 4),
                        .header = number(record + 42, 4)};
    uint64_t *wide[3];
    int wide_count = 0;
    if (entry->size == 0xffffffff)
        wide[wide_count++] = &entry->size;
    if (packed == 0xffffffff)
        wide[wide_count++] = &packed;
    if (entry->header == 0xffffffff)
        wide[wide_count++] = &entry->header;
    if (!read_zip64_field(entry->name + name, extra, wide, wide_count))
        REFUSE("damaged: entry \"%.*s\" has no valid ZIP64 field", zip->path, (int)name, entry->name);
    if (entry->method == 0 && packed != entry->size)
        REFUSE("damaged: entry \"%.*s\" is stored, but in another size", zip->path, (int)name, entry->name);
    *at = record + RECORD_SIZE + name + extra + comment;
    return NULL;
}

static int compare_names(const char *a, size_t a_length, const char *b, size_t b_length) {
    const int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : a_length < b_length ? -1 : a_length > b_length;
}

static int by_name(const void *a, const void *b) {
    const ZipEntry *x = a, *y = b;
    return compare_names(x->name, x->name_length, y->name, y->name_length);
}

static Status read_directory(Zip *zip) {
    ZipDirectory directory;
    TRY(find_directory(zip, &directory));
    if (directory.offset > zip->size || directory.size > zip->size - directory.offset)
        REFUSE("damaged or cut off: its directory is not within the file", zip->path);
    if (directory.size > DIRECTORY_MAX || directory.count > directory.size / RECORD_SIZE)
        REFUSE("its directory has %llu entries in %llu bytes: PyTorch writes none like it", zip->path,
               (unsigned long long)directory.count, (unsigned long long)directory.size);
    zip->directory = malloc((size_t)directory.size + 1);
    zip->entries = calloc((size_t)directory.count + 1, sizeof *zip->entries);
    if (!zip->directory || !zip->entries)
        return status_no_memory("an archive's directory", directory.size);
    TRY(files_read_at(zip->descriptor, zip->path, zip->directory, (size_t)directory.size, directory.offset));
    const char *at = zip->directory, *end = at + directory.size;
    uint64_t total = 0;
    for (; zip->count < (int)directory.count; zip->count++) {
        ZipEntry *entry = &zip->entries[zip->count];
        TRY(read_record(zip, &at, end, entry));
        if (__builtin_add_overflow(total, entry->size, &total) || total > zip->size)
            REFUSE("damaged: its entries are larger than the file", zip->path);
    }
    qsort(zip->entries, (size_t)zip->count, sizeof *zip->entries, by_name);
    for (int i = 1; i < zip->count; i++)
        if (by_name(&zip->entries[i - 1], &zip->entries[i]) == 0)
            REFUSE("damaged: two entries are named \"%.*s\"", zip->path, (int)zip->entries[i].name_length,
                   zip->entries[i].name);
    return NULL;
}

static Status open_archive(const char *path, Zip *zip) {
    struct stat st;
    TRY(files_path(&zip->path, "%s", path));
    zip->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (zip->descriptor < 0 || fstat(zip->descriptor, &st) != 0)
        return files_failure("read", path, errno);
    zip->size = (uint64_t)st.st_size;
    return read_directory(zip);
}

Status zip_open(const char *path, Zip *zip) {
    *zip = (Zip){.descriptor = -1};
    Status status = open_archive(path, zip);
    if (status)
        zip_close(zip);
    return status;
}

void zip_close(Zip *zip) {
    for (int i = 0; i < zip->count; i++)
        free(zip->entries[i].data);
    free(zip->entries);
    free(zip->directory);
    if (zip->descriptor >= 0)
        close(zip->descriptor);
    free(zip->path);
    *zip = (Zip){.descriptor = -1};
}

static int compare_to_name(const void *name, const void *entry) {
    const ZipEntry *own = entry;
    return compare_names(name, strlen(name), own->name, own->name_length);
}

ZipEntry *zip_find(const Zip *zip, const char *name) {
    return zip->count ? bsearch(name, zip->entries, (size_t)zip->count, sizeof *zip->entries, compare_to_name) : NULL;
}

/* Where the entry's bytes begin: after its local header, whose sizes may be zero and are not used. */
static Status find_data(const Zip *zip, const ZipEntry *entry, uint64_t *start) {
    const int length = (int)entry->name_length;
    char local[LOCAL_SIZE];
    if (entry->flags & ENCRYPTED)
        REFUSE("entry \"%.*s\" is encrypted; save it without a password", zip->path, length, entry->name);
    if (entry->method != 0)
        REFUSE("entry \"%.*s\" is compressed (method %d), which PyTorch never does; pack it again by zip -0", zip->path,
               length, entry->name, entry->method);
    if (entry->header > zip->size || zip->size - entry->header < LOCAL_SIZE)
        REFUSE("damaged: entry \"%.*s\" is not within the file", zip->path, length, entry->name);
    TRY(files_read_at(zip->descriptor, zip->path, local, sizeof local, entry->header));
    if (number(local, 4) != LOCAL)
        REFUSE("damaged: entry \"%.*s\" has no header", zip->path, length, entry->name);
    *start = entry->header + LOCAL_SIZE + number(local + 26, 2) + number(local + 28, 2);
    if (*start > zip->size || entry->size > zip->size - *start)
        REFUSE("damaged or cut off: entry \"%.*s\" is not within the file", zip->path, length, entry->name);
    return NULL;
}

Status zip_read(const Zip *zip, ZipEntry *entry) {
    uint64_t start;
    if (entry->data)
        return NULL;
    TRY(find_data(zip, entry, &start));
    const size_t size = (size_t)entry->size;
    char *data = malloc(size + 1);
    if (!data)
        return status_no_memory("a part of an archive", size);
    Status status = files_read_at(zip->descriptor, zip->path, data, size, start);
    if (!status && crc32_z(0, (const unsigned char *)data, size) != entry->crc)
        status =
            status_error(EXIT_DATA, "%s: damaged: entry \"%.*s\" has another checksum than its bytes; copy it again",
                         zip->path, (int)entry->name_length, entry->name);
    if (status) {
        free(data);
        return status;
    }
    entry->data = data;
    return NULL;
}
