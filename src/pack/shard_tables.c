/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/shard_tables.h"

#include "base/files.h"
#include "pack/columns.h"
#include "pack/hdf5.h"
#include "pack/shard_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A shard whose tables are being read. */
typedef struct {
    const PackShard *shard;
    const PackInfo *info;
    const PackShardEntry *entry;
    PackRow *rows;
    PackMemory **memory;
    hid_t file;
    PackHdf5Errors errors;
} ShardReader;

static Status wrong_format(const ShardReader *reader, const char *name, const char *what) {
    return status_error(EXIT_DATA, "%s: %s: %s: not a shard of pack version %d", reader->shard->path, name, what,
                        PACK_VERSION);
}

static Status hdf5_failure(const ShardReader *reader, const char *name) {
    return pack_hdf5_failure(EXIT_DATA, reader->shard->path, name, &reader->errors);
}

/* --- Datasets: checked for shape, type, and one contiguous piece in this file. --- */

static bool has_sizes(hid_t dataset, int rank, const hsize_t *wanted) {
    hsize_t sizes[4];
    hid_t space = H5Dget_space(dataset);
    bool same = space >= 0 && H5Sis_simple(space) > 0 && H5Sget_simple_extent_ndims(space) == rank &&
                H5Sget_simple_extent_dims(space, sizes, NULL) == rank;
    for (int i = 0; i < rank && same; i++)
        same = sizes[i] == wanted[i];
    pack_hdf5_release(space);
    return same;
}

static bool is_contiguous(hid_t dataset) {
    hid_t creation = H5Dget_create_plist(dataset);
    bool contiguous =
        creation >= 0 && H5Pget_layout(creation) == H5D_CONTIGUOUS && H5Pget_external_count(creation) == 0;
    pack_hdf5_release(creation);
    return contiguous;
}

static bool has_type(hid_t dataset, hid_t wanted) {
    hid_t type = H5Dget_type(dataset);
    bool same = type >= 0 && H5Tequal(type, wanted) > 0;
    pack_hdf5_release(type);
    return same;
}

static Status open_dataset(const ShardReader *reader, hid_t place, const char *name, int rank, const hsize_t *sizes,
                           hid_t *dataset) {
    *dataset = H5Dopen2(place, name, H5P_DEFAULT);
    if (*dataset < 0)
        return hdf5_failure(reader, name);
    if (!has_sizes(*dataset, rank, sizes))
        return wrong_format(reader, name, "does not have the number of records that pack.json says");
    if (!is_contiguous(*dataset))
        return wrong_format(reader, name, "not contiguous");
    return NULL;
}

static Status check_images(const ShardReader *reader) {
    hsize_t side = (hsize_t)reader->info->image_size, sizes[4] = {(hsize_t)reader->entry->records, side, side, 3};
    hid_t dataset;
    Status status = open_dataset(reader, reader->file, "images", 4, sizes, &dataset);
    if (!status && !has_type(dataset, H5T_STD_U8LE))
        status = wrong_format(reader, "images", "not of type uint8");
    if (!status && H5Dget_offset(dataset) != reader->entry->offset)
        status = wrong_format(reader, "images", "not at the offset that pack.json says");
    pack_hdf5_release(dataset);
    return status;
}

static Status read_cells(const ShardReader *reader, hid_t place, const char *name, PackCellKind kind, int width,
                         void *cells) {
    hsize_t sizes[2] = {(hsize_t)reader->entry->records, (hsize_t)width};
    hid_t dataset;
    Status status = open_dataset(reader, place, name, width > 1 ? 2 : 1, sizes, &dataset);
    if (!status && !has_type(dataset, pack_cell_stored(kind)))
        status = wrong_format(reader, name, "of another type");
    if (!status && H5Dread(dataset, pack_cell_native(kind), H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) < 0)
        status = hdf5_failure(reader, name);
    pack_hdf5_release(dataset);
    return status;
}

static Status read_numbers(const ShardReader *reader, const PackColumn *column) {
    size_t cell = pack_cell_size(column->kind) * (size_t)column->width, count = (size_t)reader->entry->records;
    char *cells = calloc(count, cell);
    if (!cells)
        return status_no_memory("a table of the pack", (unsigned long long)count * cell);
    Status status = read_cells(reader, reader->file, column->name, column->kind, column->width, cells);
    for (size_t i = 0; i < count && !status; i++)
        memcpy((char *)&reader->rows[i] + column->offset, cells + i * cell, cell);
    free(cells);
    return status;
}

/* --- Texts --- */

/* Bytes of each string; 0 unless the type is a fixed-length string. */
static size_t text_size(hid_t type) {
    bool fixed = type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 &&
                 H5Tget_strpad(type) == H5T_STR_NULLPAD && H5Tget_cset(type) == H5T_CSET_UTF8;
    return fixed ? H5Tget_size(type) : 0;
}

/* The strings of a dataset, each NUL-terminated, `*step` bytes apart. */
static Status read_text_cells(const ShardReader *reader, hid_t dataset, const char *name, const char **texts,
                              size_t *step) {
    size_t count = (size_t)reader->entry->records, size;
    hid_t stored = H5Dget_type(dataset);
    size = text_size(stored);
    pack_hdf5_release(stored);
    if (!size || H5Dget_storage_size(dataset) / size != count)
        return wrong_format(reader, name, "not of fixed-length strings");
    *step = size + 1;
    char *cells = pack_memory_take(reader->memory, count, *step);
    if (!cells)
        return status_no_memory("a table of the pack", (unsigned long long)count * *step);
    *texts = cells;
    hid_t type = pack_hdf5_text(*step, H5T_STR_NULLTERM);
    Status status =
        H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) < 0 ? hdf5_failure(reader, name) : NULL;
    pack_hdf5_release(type);
    return status;
}

static Status set_row_text(const ShardReader *reader, const PackColumn *column, PackRow *row, const char *text) {
    if (column->kind == CELL_TEXT) {
        memcpy((char *)row + column->offset, &text, sizeof text);
        return NULL;
    }
    if (column->kind == CELL_SPLIT) {
        Status status = pack_split_parse(text, &row->split);
        bool ok = !status;
        status_free(status);
        return ok ? NULL : wrong_format(reader, column->name, "an unknown split");
    }
    for (PackEye eye = PACK_EYE_UNKNOWN; eye <= PACK_EYE_LEFT; eye++)
        if (strcmp(text, pack_eye_name(eye)) == 0) {
            row->eye = eye;
            return NULL;
        }
    return wrong_format(reader, column->name, "an eye other than R and L");
}

static Status read_texts(const ShardReader *reader, const PackColumn *column) {
    hsize_t sizes[1] = {(hsize_t)reader->entry->records};
    hid_t dataset;
    const char *texts = NULL;
    size_t step = 0;
    Status status = open_dataset(reader, reader->file, column->name, 1, sizes, &dataset);
    if (!status)
        status = read_text_cells(reader, dataset, column->name, &texts, &step);
    pack_hdf5_release(dataset);
    for (int64_t i = 0; i < reader->entry->records && !status; i++)
        status = set_row_text(reader, column, &reader->rows[i], texts + (size_t)i * step);
    return status;
}

/* --- Labels --- */

static Status fill_labels(const ShardReader *reader, hid_t group, float *cells, float *labels) {
    int64_t records = reader->entry->records;
    int count = reader->info->label_count;
    for (int label = 0; label < count; label++) {
        TRY(read_cells(reader, group, reader->info->label_names[label], CELL_F32, 1, cells));
        for (int64_t i = 0; i < records; i++)
            labels[i * count + label] = cells[i];
    }
    for (int64_t i = 0; i < records; i++)
        reader->rows[i].labels = labels + i * count;
    return NULL;
}

static Status read_labels(const ShardReader *reader) {
    size_t records = (size_t)reader->entry->records, row = (size_t)reader->info->label_count * sizeof(float);
    hid_t group = H5Gopen2(reader->file, "labels", H5P_DEFAULT);
    H5G_info_t info;
    Status status = NULL;
    if (group < 0 || H5Gget_info(group, &info) < 0)
        status = hdf5_failure(reader, "labels");
    else if (info.nlinks != (hsize_t)reader->info->label_count)
        status = wrong_format(reader, "labels", "not the labels that pack.json names");
    if (!status) {
        float *cells = calloc(records, sizeof *cells), *labels = pack_memory_take(reader->memory, records, row);
        status = cells && labels ? fill_labels(reader, group, cells, labels)
                                 : status_no_memory("labels of the pack", (unsigned long long)records * row);
        free(cells);
    }
    pack_hdf5_release(group);
    return status;
}

/* --- Attributes --- */

static Status read_number(const ShardReader *reader, const char *name, hid_t wanted, int *value) {
    hid_t attribute = H5Aopen(reader->file, name, H5P_DEFAULT), type = H5I_INVALID_HID, space = H5I_INVALID_HID;
    Status status = NULL;
    if (attribute < 0 || (type = H5Aget_type(attribute)) < 0 || (space = H5Aget_space(attribute)) < 0)
        status = hdf5_failure(reader, name);
    else if (H5Tequal(type, wanted) <= 0 || H5Sget_simple_extent_type(space) != H5S_SCALAR)
        status = wrong_format(reader, name, "of another type");
    else if (H5Aread(attribute, H5T_NATIVE_INT, value) < 0)
        status = hdf5_failure(reader, name);
    pack_hdf5_release(space);
    pack_hdf5_release(type);
    pack_hdf5_release(attribute);
    return status;
}

static Status compare_text(const ShardReader *reader, hid_t attribute, const char *name, const char *wanted) {
    size_t size = strlen(wanted);
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute), native = H5I_INVALID_HID;
    bool same = text_size(type) == (size ? size : 1) && H5Sget_simple_extent_type(space) == H5S_SCALAR;
    Status status = same ? NULL : wrong_format(reader, name, "not what pack.json says");
    char *text = same ? calloc(1, size + 2) : NULL;
    if (same && !text)
        status = status_no_memory("an attribute of the pack", size + 2);
    if (text) {
        native = pack_hdf5_text(size + 2, H5T_STR_NULLTERM);
        if (H5Aread(attribute, native, text) < 0)
            status = hdf5_failure(reader, name);
        else if (strcmp(text, wanted) != 0)
            status = wrong_format(reader, name, "not what pack.json says");
    }
    free(text);
    pack_hdf5_release(native);
    pack_hdf5_release(space);
    pack_hdf5_release(type);
    return status;
}

static Status check_text(const ShardReader *reader, const char *name, const char *wanted) {
    hid_t attribute = H5Aopen(reader->file, name, H5P_DEFAULT);
    Status status = attribute < 0 ? hdf5_failure(reader, name) : compare_text(reader, attribute, name, wanted);
    pack_hdf5_release(attribute);
    return status;
}

static Status check_attributes(const ShardReader *reader) {
    int version, licensed;
    TRY(check_text(reader, "format", PACK_FORMAT));
    TRY(read_number(reader, "version", H5T_STD_I32LE, &version));
    if (version > PACK_VERSION)
        return status_error(EXIT_DATA,
                            "%s: written by a newer fovea (pack version %d; this one reads up to %d); update fovea",
                            reader->shard->path, version, PACK_VERSION);
    if (version != PACK_VERSION)
        return wrong_format(reader, "version", "an unknown version");
    TRY(check_text(reader, "dataset", reader->info->dataset));
    TRY(check_text(reader, "dataset_version", reader->info->dataset_version));
    TRY(read_number(reader, "licensed", H5T_STD_U8LE, &licensed));
    return licensed == reader->info->licensed ? NULL : wrong_format(reader, "licensed", "not what pack.json says");
}

/* --- All of it --- */

static Status read_all_tables(const ShardReader *reader) {
    TRY(check_attributes(reader));
    TRY(check_images(reader));
    for (int i = 0; i < pack_column_count; i++)
        TRY(pack_column_is_text(&pack_columns[i]) ? read_texts(reader, &pack_columns[i])
                                                  : read_numbers(reader, &pack_columns[i]));
    return read_labels(reader);
}

static Status read_hdf5(ShardReader *reader, int memory) {
    Status status;
    pack_hdf5_errors_begin(&reader->errors);
    reader->file = pack_hdf5_open(memory);
    status = reader->file < 0 ? hdf5_failure(reader, "opening it with HDF5") : read_all_tables(reader);
    if (reader->file >= 0)
        H5Fclose(reader->file);
    pack_hdf5_errors_end(&reader->errors);
    return status;
}

/* Copies the bytes outside the records to memory, for HDF5 to parse once their hash has been verified. */
static Status load_tables(const PackShard *shard, const PackInfo *info, const PackShardEntry *entry, int memory) {
    PackShardFile file = {shard->descriptor,       shard->path, entry->offset, (uint64_t)entry->records,
                          pack_record_bytes(info), entry->bytes};
    uint64_t hash;
    TRY(pack_shard_scan_tables(&file, memory, &hash));
    if (hash != entry->tables)
        return status_error(EXIT_DATA, "%s: its tables are damaged; restore it from a copy, or stage again",
                            shard->path);
    if (ftruncate(memory, (off_t)entry->bytes) != 0)
        return files_failure("write", "a file in memory", errno);
    return NULL;
}

Status pack_shard_tables_read(const PackShard *shard, const PackInfo *info, const PackShardEntry *entry, PackRow *rows,
                              PackMemory **memory) {
    ShardReader reader = {.shard = shard, .info = info, .entry = entry, .rows = rows, .memory = memory};
    int copy;
    TRY(pack_hdf5_memory(&copy));
    Status status = load_tables(shard, info, entry, copy);
    if (!status)
        status = read_hdf5(&reader, copy);
    close(copy);
    return status;
}
