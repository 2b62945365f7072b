/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/shard_write.h"

#include "base/files.h"
#include "base/utf8.h"
#include "pack/columns.h"
#include "pack/hdf5.h"
#include "pack/shard_scan.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALIGNMENT = 4096, COPY_BUFFER = 1 << 20 };

/* A shard being written. */
typedef struct {
    const char *path;
    const PackInfo *info;
    const PackRow *rows;
    size_t count;
    hid_t file, creation; /* of datasets */
    PackHdf5Errors errors;
} ShardWriter;

static Status hdf5_failure(const ShardWriter *writer, const char *action) {
    return pack_hdf5_failure(EXIT_INTERNAL, writer->path, action, &writer->errors);
}

/* Contiguous, allocated at once, never filled, without time stamps. */
static hid_t create_dataset_list(void) {
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (creation >= 0 && H5Pset_layout(creation, H5D_CONTIGUOUS) >= 0 &&
        H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY) >= 0 &&
        H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0 && H5Pset_obj_track_times(creation, false) >= 0)
        return creation;
    pack_hdf5_release(creation);
    return H5I_INVALID_HID;
}

/* A dataset in the group `place`; negative on failure. */
static hid_t create_dataset(const ShardWriter *writer, hid_t place, const char *name, hid_t type, int rank,
                            const hsize_t *sizes) {
    hid_t space = H5Screate_simple(rank, sizes, NULL), link = H5Pcreate(H5P_LINK_CREATE), dataset = H5I_INVALID_HID;
    if (space >= 0 && link >= 0 && H5Pset_char_encoding(link, H5T_CSET_UTF8) >= 0)
        dataset = H5Dcreate2(place, name, type, space, link, writer->creation, H5P_DEFAULT);
    pack_hdf5_release(space);
    pack_hdf5_release(link);
    return dataset;
}

static Status write_table(const ShardWriter *writer, hid_t place, const char *name, hid_t stored, hid_t native,
                          int width, const void *cells) {
    hsize_t sizes[2] = {(hsize_t)writer->count, (hsize_t)width};
    hid_t dataset = create_dataset(writer, place, name, stored, width > 1 ? 2 : 1, sizes);
    bool ok = dataset >= 0 && H5Dwrite(dataset, native, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) >= 0;
    Status status = ok ? NULL : hdf5_failure(writer, name);
    pack_hdf5_release(dataset);
    return status;
}

static Status write_numbers(const ShardWriter *writer, const PackColumn *column) {
    size_t cell = pack_cell_size(column->kind) * (size_t)column->width;
    char *cells = calloc(writer->count, cell);
    if (!cells)
        return status_no_memory("a table of the pack", (unsigned long long)writer->count * cell);
    for (size_t i = 0; i < writer->count; i++)
        memcpy(cells + i * cell, (const char *)&writer->rows[i] + column->offset, cell);
    Status status = write_table(writer, writer->file, column->name, pack_cell_stored(column->kind),
                                pack_cell_native(column->kind), column->width, cells);
    free(cells);
    return status;
}

/* The strings have the length of the shard's longest, at least one byte: HDF5 has no empty string type. */
static Status write_texts(const ShardWriter *writer, const PackColumn *column) {
    size_t longest = 1;
    for (size_t i = 0; i < writer->count; i++) {
        size_t length = strlen(pack_column_text(column, &writer->rows[i]));
        longest = length > longest ? length : longest;
    }
    char *cells = calloc(writer->count, longest);
    if (!cells)
        return status_no_memory("a table of the pack", (unsigned long long)writer->count * longest);
    for (size_t i = 0; i < writer->count; i++) {
        const char *text = pack_column_text(column, &writer->rows[i]);
        memcpy(cells + i * longest, text, strlen(text));
    }
    hid_t type = pack_hdf5_text(longest, H5T_STR_NULLPAD);
    Status status = write_table(writer, writer->file, column->name, type, type, 1, cells);
    pack_hdf5_release(type);
    free(cells);
    return status;
}

static Status write_label(const ShardWriter *writer, hid_t group, int label, float *cells) {
    const char *name = writer->info->label_names[label];
    if (!*name || strcmp(name, ".") == 0 || strchr(name, '/'))
        return status_error(
            EXIT_DATA, "label \"%s\": HDF5 cannot store a name that is empty, a dot, or contains a slash; rename it",
            name);
    if (utf8_stray(name))
        return status_error(EXIT_DATA, "label \"%s\": the name is not UTF-8; rename it", name);
    for (size_t i = 0; i < writer->count; i++)
        cells[i] = writer->rows[i].labels[label];
    return write_table(writer, group, name, pack_cell_stored(CELL_F32), pack_cell_native(CELL_F32), 1, cells);
}

static Status write_labels(const ShardWriter *writer) {
    hid_t properties = H5Pcreate(H5P_GROUP_CREATE), group = H5I_INVALID_HID;
    if (properties >= 0 && H5Pset_obj_track_times(properties, false) >= 0)
        group = H5Gcreate2(writer->file, "labels", H5P_DEFAULT, properties, H5P_DEFAULT);
    pack_hdf5_release(properties);
    if (group < 0)
        return hdf5_failure(writer, "labels");
    float *cells = calloc(writer->count, sizeof *cells);
    Status status =
        cells ? NULL : status_no_memory("a table of the pack", (unsigned long long)writer->count * sizeof *cells);
    for (int label = 0; label < writer->info->label_count && !status; label++)
        status = write_label(writer, group, label, cells);
    free(cells);
    pack_hdf5_release(group);
    return status;
}

static Status write_attribute(const ShardWriter *writer, const char *name, hid_t stored, hid_t native,
                              const void *value) {
    hid_t space = H5Screate(H5S_SCALAR), attribute = H5I_INVALID_HID;
    if (space >= 0 && stored >= 0)
        attribute = H5Acreate2(writer->file, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = attribute >= 0 && H5Awrite(attribute, native, value) >= 0;
    Status status = ok ? NULL : hdf5_failure(writer, name);
    pack_hdf5_release(attribute);
    pack_hdf5_release(space);
    return status;
}

static Status write_text_attribute(const ShardWriter *writer, const char *name, const char *text) {
    if (utf8_stray(text))
        return status_error(EXIT_DATA, "%s \"%s\": not UTF-8; rename it, or its folder", name, text);
    hid_t type = pack_hdf5_text(*text ? strlen(text) : 1, H5T_STR_NULLPAD);
    Status status = write_attribute(writer, name, type, type, text);
    pack_hdf5_release(type);
    return status;
}

static Status write_attributes(const ShardWriter *writer) {
    int version = PACK_VERSION;
    uint8_t licensed = writer->info->licensed;
    TRY(write_text_attribute(writer, "format", PACK_FORMAT));
    TRY(write_attribute(writer, "version", H5T_STD_I32LE, H5T_NATIVE_INT, &version));
    TRY(write_text_attribute(writer, "dataset", writer->info->dataset));
    TRY(write_text_attribute(writer, "dataset_version", writer->info->dataset_version));
    return write_attribute(writer, "licensed", H5T_STD_U8LE, H5T_NATIVE_UINT8, &licensed);
}

/* Reserves the records' space, which is written later. */
static Status reserve_images(const ShardWriter *writer, uint64_t *offset) {
    hsize_t side = (hsize_t)writer->info->image_size, sizes[4] = {(hsize_t)writer->count, side, side, 3};
    hid_t dataset = create_dataset(writer, writer->file, "images", H5T_STD_U8LE, 4, sizes);
    haddr_t place = dataset >= 0 ? H5Dget_offset(dataset) : HADDR_UNDEF;
    Status status = place == HADDR_UNDEF ? hdf5_failure(writer, "images") : NULL;
    *offset = (uint64_t)place;
    pack_hdf5_release(dataset);
    return status;
}

static Status write_all_tables(const ShardWriter *writer, uint64_t *offset) {
    TRY(reserve_images(writer, offset));
    TRY(write_attributes(writer));
    for (int i = 0; i < pack_column_count; i++)
        TRY(pack_column_is_text(&pack_columns[i]) ? write_texts(writer, &pack_columns[i])
                                                  : write_numbers(writer, &pack_columns[i]));
    return write_labels(writer);
}

/* The whole shard except the pixels, as a file in memory with a hole for them. */
static Status write_hdf5(ShardWriter *writer, int memory, uint64_t *offset) {
    uint64_t bytes = (uint64_t)writer->count * pack_record_bytes(writer->info);
    Status status = NULL;
    pack_hdf5_errors_begin(&writer->errors);
    writer->file = pack_hdf5_create(memory, bytes < ALIGNMENT ? bytes : ALIGNMENT);
    writer->creation = create_dataset_list();
    if (writer->file < 0 || writer->creation < 0)
        status = hdf5_failure(writer, "creating the shard");
    else
        status = write_all_tables(writer, offset);
    pack_hdf5_release(writer->creation);
    if (writer->file >= 0 && H5Fclose(writer->file) < 0 && !status)
        status = hdf5_failure(writer, "writing the shard's tables");
    pack_hdf5_errors_end(&writer->errors);
    return status;
}

/* --- The file itself --- */

typedef struct {
    int from, to;
    uint64_t read_at, write_at, left;
} FileCopy;

/* For files that copy_file_range(2) cannot copy between. */
static Status copy_through_buffer(FileCopy *copy, const char *path) {
    char *buffer = malloc(COPY_BUFFER);
    if (!buffer)
        return status_no_memory("copying pixels", COPY_BUFFER);
    Status status = NULL;
    while (copy->left && !status) {
        size_t size = copy->left < COPY_BUFFER ? (size_t)copy->left : COPY_BUFFER;
        status = files_read_at(copy->from, "the shard's pixels", buffer, size, copy->read_at);
        if (!status && lseek(copy->to, (off_t)copy->write_at, SEEK_SET) < 0)
            status = files_failure("write", path, errno);
        if (!status)
            status = files_write_all(copy->to, path, buffer, size);
        copy->read_at += size;
        copy->write_at += size;
        copy->left -= size;
    }
    free(buffer);
    return status;
}

static Status copy_bytes(FileCopy copy, const char *path) {
    while (copy.left) {
        off_t read_at = (off_t)copy.read_at, write_at = (off_t)copy.write_at;
        ssize_t copied = copy_file_range(copy.from, &read_at, copy.to, &write_at, (size_t)copy.left, 0);
        if (copied < 0 && errno == EINTR)
            continue;
        if (copied < 0 && (errno == ENOSPC || errno == EDQUOT))
            return files_failure("write", path, errno);
        /* Different file systems, old kernels, files in memory; any other failure shows up again there. */
        if (copied <= 0)
            return copy_through_buffer(&copy, path);
        copy.read_at += (uint64_t)copied;
        copy.write_at += (uint64_t)copied;
        copy.left -= (uint64_t)copied;
    }
    return NULL;
}

/* Tables from `memory` around the records from `pixels`. */
static Status write_shard_file(int descriptor, const char *path, int memory, int pixels, const PackShardEntry *entry,
                               uint64_t record_bytes) {
    uint64_t images = (uint64_t)entry->records * record_bytes, behind = entry->offset + images;
    TRY(copy_bytes((FileCopy){memory, descriptor, 0, 0, entry->offset}, path));
    TRY(copy_bytes((FileCopy){pixels, descriptor, 0, entry->offset, images}, path));
    return copy_bytes((FileCopy){memory, descriptor, behind, behind, entry->bytes - behind}, path);
}

/* The checksums for pack.json, of what is now on the disk. */
static Status hash_shard(const char *path, uint64_t record_bytes, PackShardEntry *entry) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return files_failure("read", path, errno);
    PackShardFile file = {descriptor, path, entry->offset, (uint64_t)entry->records, record_bytes, entry->bytes};
    Status status = pack_shard_scan(&file, NULL, NULL, &entry->tables, entry->sha256);
    close(descriptor);
    return status;
}

Status pack_shard_write(const char *path, const PackInfo *info, const PackRow *rows, int64_t count, int pixels,
                        PackShardEntry *entry) {
    uint64_t record_bytes = pack_record_bytes(info), images;
    struct stat pixels_stat, tables_stat;
    assert(count > 0 && (uint64_t)count <= SIZE_MAX && info->image_size > 0);
    if (__builtin_mul_overflow((uint64_t)count, record_bytes, &images) || fstat(pixels, &pixels_stat) != 0 ||
        (uint64_t)pixels_stat.st_size != images)
        return status_error(EXIT_INTERNAL, "%s: the given pixels are not %lld records of %llu bytes", path,
                            (long long)count, (unsigned long long)record_bytes);
    *entry = (PackShardEntry){.file = entry->file, .records = count};
    int memory, descriptor;
    TRY(pack_hdf5_memory(&memory));
    ShardWriter writer = {.path = path, .info = info, .rows = rows, .count = (size_t)count};
    Status status = write_hdf5(&writer, memory, &entry->offset);
    if (!status && fstat(memory, &tables_stat) != 0)
        status = files_failure("read", "a file in memory", errno);
    if (!status) {
        /* HDF5 may end the file before records that were never written. */
        entry->bytes = (uint64_t)tables_stat.st_size;
        if (entry->bytes < entry->offset + images)
            status = status_error(EXIT_INTERNAL, "%s: HDF5 allocated no space for the records", path);
    }
    if (!status)
        status = files_new_open(path, &descriptor);
    if (!status)
        status =
            files_new_close(descriptor, path, write_shard_file(descriptor, path, memory, pixels, entry, record_bytes));
    close(memory);
    return status ? status : hash_shard(path, record_bytes, entry);
}
