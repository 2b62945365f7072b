/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/array_file.h"

#include "base/files.h"
#include "base/utf8.h"
#include "pack/hdf5.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

enum { ALIGNMENT = 4096, COPY_BUFFER = 1 << 20, MARK = 32 };

/* The last MARK bytes of a file: the checksum of those before it. */
static void print_mark(uint64_t hash, char mark[MARK + 1]) {
    snprintf(mark, MARK + 1, "xxh3-64 of the rest%12s", "");
    snprintf(mark + MARK - 17, 18, "%016" PRIx64 "\n", hash);
}

/* Copies `size` bytes of a file, with their hash; to -1: only hashes. */
static Status copy_hashed(int from, const char *from_path, int to, const char *to_path, uint64_t size, uint64_t *hash) {
    XXH3_state_t *state = XXH3_createState();
    char *buffer = malloc(COPY_BUFFER);
    Status status = state && buffer ? NULL : status_no_memory("copying arrays", COPY_BUFFER);
    if (!status)
        XXH3_64bits_reset(state);
    for (uint64_t at = 0; !status && at < size;) {
        const size_t piece = size - at < COPY_BUFFER ? (size_t)(size - at) : COPY_BUFFER;
        status = files_read_at(from, from_path, buffer, piece, at);
        if (status)
            break;
        XXH3_64bits_update(state, buffer, piece);
        status = files_write_all(to, to_path, buffer, piece);
        at += piece;
    }
    if (!status)
        *hash = XXH3_64bits_digest(state);
    free(buffer);
    XXH3_freeState(state);
    return status;
}

/* --- Writing --- */

typedef struct {
    const char *path;
    hid_t file;
    PackHdf5Errors errors;
} ArrayWriter;

static Status write_failure(const ArrayWriter *writer, const char *what) {
    return pack_hdf5_failure(EXIT_INTERNAL, writer->path, what, &writer->errors);
}

/* Contiguous and without time stamps. */
static hid_t create_array(const ArrayWriter *writer, const Array *array, hid_t type) {
    const hsize_t sizes[2] = {(hsize_t)array->rows, (hsize_t)array->width};
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(array->width > 1 ? 2 : 1, sizes, NULL);
    hid_t dataset = H5I_INVALID_HID;
    if (creation >= 0 && space >= 0 && H5Pset_obj_track_times(creation, false) >= 0)
        dataset = H5Dcreate2(writer->file, array->name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    pack_hdf5_release(creation);
    pack_hdf5_release(space);
    return dataset;
}

static Status write_cells(const ArrayWriter *writer, const Array *array, hid_t stored, hid_t native,
                          const void *cells) {
    hid_t dataset = create_array(writer, array, stored);
    const bool fine = dataset >= 0 && H5Dwrite(dataset, native, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) >= 0;
    Status status = fine ? NULL : write_failure(writer, array->name);
    pack_hdf5_release(dataset);
    return status;
}

/* Strings as long as the longest, at least one byte: HDF5 has no empty string type. */
static Status write_texts(const ArrayWriter *writer, const Array *array) {
    const char *const *texts = array->data;
    const size_t rows = array->rows > 0 ? (size_t)array->rows : 0;
    size_t longest = 1;
    for (size_t i = 0; i < rows; i++)
        longest = strlen(texts[i]) > longest ? strlen(texts[i]) : longest;
    char *cells = calloc(rows + 1, longest);
    if (!cells)
        return status_no_memory(array->name, (unsigned long long)rows * longest);
    for (size_t i = 0; i < rows; i++)
        memcpy(cells + i * longest, texts[i], strlen(texts[i]));
    hid_t type = pack_hdf5_text(longest, H5T_STR_NULLPAD);
    Status status = write_cells(writer, array, type, type, cells);
    pack_hdf5_release(type);
    free(cells);
    return status;
}

static Status write_array(const ArrayWriter *writer, const Array *array) {
    if (array->type == ARRAY_TEXT)
        return write_texts(writer, array);
    const bool real = array->type == ARRAY_F32;
    return write_cells(writer, array, real ? H5T_IEEE_F32LE : H5T_STD_I64LE, real ? H5T_NATIVE_FLOAT : H5T_NATIVE_INT64,
                       array->data);
}

static Status write_note(const ArrayWriter *writer, const ArrayNote *note) {
    if (utf8_stray(note->text))
        return status_error(EXIT_DATA, "%s: the %s \"%s\" is not UTF-8; rename it", writer->path, note->name,
                            note->text);
    hid_t type = pack_hdf5_text(*note->text ? strlen(note->text) : 1, H5T_STR_NULLPAD);
    hid_t space = H5Screate(H5S_SCALAR), attribute = H5I_INVALID_HID;
    if (space >= 0 && type >= 0)
        attribute = H5Acreate2(writer->file, note->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    Status status =
        attribute >= 0 && H5Awrite(attribute, type, note->text) >= 0 ? NULL : write_failure(writer, note->name);
    pack_hdf5_release(attribute);
    pack_hdf5_release(space);
    pack_hdf5_release(type);
    return status;
}

static Status write_hdf5(ArrayWriter *writer, int memory, const Array *arrays, int count, const ArrayNote *notes,
                         int note_count) {
    Status status = NULL;
    pack_hdf5_errors_begin(&writer->errors);
    writer->file = pack_hdf5_create(memory, ALIGNMENT);
    if (writer->file < 0)
        status = write_failure(writer, "creating the file");
    for (int i = 0; !status && i < note_count; i++)
        status = write_note(writer, &notes[i]);
    for (int i = 0; !status && i < count; i++)
        status = write_array(writer, &arrays[i]);
    if (writer->file >= 0 && H5Fclose(writer->file) < 0 && !status)
        status = write_failure(writer, "writing the file");
    pack_hdf5_errors_end(&writer->errors);
    return status;
}

static Status write_marked(int descriptor, const char *path, int memory) {
    struct stat facts;
    uint64_t hash;
    char mark[MARK + 1];
    if (fstat(memory, &facts) != 0)
        return files_failure("read", "a file in memory", errno);
    TRY(copy_hashed(memory, "a file in memory", descriptor, path, (uint64_t)facts.st_size, &hash));
    print_mark(hash, mark);
    return files_write_all(descriptor, path, mark, MARK);
}

Status array_file_write(const char *path, const Array *arrays, int count, const ArrayNote *notes, int note_count) {
    char *unfinished;
    int memory, descriptor;
    TRY(pack_hdf5_memory(&memory));
    ArrayWriter writer = {.path = path};
    Status status = write_hdf5(&writer, memory, arrays, count, notes, note_count);
    if (!status)
        status = files_name_unfinished(path, &unfinished);
    if (!status) {
        status = files_new_open(unfinished, &descriptor);
        if (!status)
            status = files_new_close(descriptor, unfinished, write_marked(descriptor, unfinished, memory));
        status = files_finish(unfinished, path, status);
    }
    close(memory);
    return status;
}

/* --- Reading --- */

struct ArrayFile {
    char *path;
    int memory; /* a copy of the file; -1: none */
    hid_t file;
    PackHdf5Errors errors;
};

static Status read_failure(ArrayFile *file, const char *what) {
    return pack_hdf5_failure(EXIT_DATA, file->path, what, &file->errors);
}

/* A copy of the file in memory, once its checksum is right. */
static Status copy_checked(ArrayFile *file, int descriptor) {
    struct stat facts;
    uint64_t hash;
    char mark[MARK + 1], found[MARK];
    if (fstat(descriptor, &facts) != 0)
        return files_failure("read", file->path, errno);
    bool marked = S_ISREG(facts.st_mode) && facts.st_size > MARK;
    if (marked) {
        const uint64_t size = (uint64_t)facts.st_size - MARK;
        TRY(pack_hdf5_memory(&file->memory));
        TRY(copy_hashed(descriptor, file->path, file->memory, "a file in memory", size, &hash));
        TRY(files_read_at(descriptor, file->path, found, MARK, size));
        print_mark(hash, mark);
        marked = memcmp(mark, found, MARK) == 0;
    }
    return marked ? NULL
                  : status_error(EXIT_DATA, "%s: damaged, or none of this program's files: its checksum is wrong",
                                 file->path);
}

static Status open_hdf5(ArrayFile *file) {
    pack_hdf5_errors_begin(&file->errors);
    file->file = pack_hdf5_open(file->memory);
    pack_hdf5_errors_end(&file->errors);
    return file->file < 0 ? read_failure(file, "opening") : NULL;
}

Status array_file_open(const char *path, ArrayFile **out) {
    *out = NULL;
    ArrayFile *file = calloc(1, sizeof *file);
    if (!file)
        return status_no_memory("a file of arrays", sizeof *file);
    file->memory = -1;
    file->file = H5I_INVALID_HID;
    Status status = files_path(&file->path, "%s", path);
    if (!status) {
        const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
        status = descriptor < 0 ? files_failure("read", path, errno) : copy_checked(file, descriptor);
        if (descriptor >= 0)
            close(descriptor);
    }
    if (!status)
        status = open_hdf5(file);
    if (status)
        array_file_close(file);
    else
        *out = file;
    return status;
}

void array_file_close(ArrayFile *file) {
    if (!file)
        return;
    if (file->file >= 0)
        H5Fclose(file->file);
    if (file->memory >= 0)
        close(file->memory);
    free(file->path);
    free(file);
}

Status array_file_note(ArrayFile *file, const char *name, char **text) {
    Status status = NULL;
    *text = NULL;
    pack_hdf5_errors_begin(&file->errors);
    hid_t attribute = H5Aopen(file->file, name, H5P_DEFAULT);
    hid_t type = attribute >= 0 ? H5Aget_type(attribute) : H5I_INVALID_HID;
    const size_t size = type >= 0 && H5Tget_class(type) == H5T_STRING ? H5Tget_size(type) : 0;
    if (size && !(*text = calloc(size + 1, 1)))
        status = status_no_memory("a note", size);
    else if (!size || H5Aread(attribute, type, *text) < 0)
        status = read_failure(file, name);
    pack_hdf5_release(type);
    pack_hdf5_release(attribute);
    pack_hdf5_errors_end(&file->errors);
    if (status) {
        free(*text);
        *text = NULL;
    }
    return status;
}

static bool has_shape(hid_t dataset, int64_t rows, int width) {
    hsize_t sizes[2] = {0, 1};
    const int rank = width > 1 ? 2 : 1;
    hid_t space = H5Dget_space(dataset);
    const bool same = space >= 0 && H5Sget_simple_extent_ndims(space) == rank &&
                      H5Sget_simple_extent_dims(space, sizes, NULL) == rank && sizes[0] == (hsize_t)rows &&
                      sizes[1] == (hsize_t)width;
    pack_hdf5_release(space);
    return same;
}

Status array_file_read(ArrayFile *file, const char *name, ArrayType type, int64_t rows, int width, void *data) {
    Status status = NULL;
    pack_hdf5_errors_begin(&file->errors);
    hid_t dataset = H5Dopen2(file->file, name, H5P_DEFAULT);
    if (dataset < 0)
        status = read_failure(file, name);
    else if (!has_shape(dataset, rows, width))
        status = status_error(EXIT_DATA, "%s: %s is not of %lld rows of %d", file->path, name, (long long)rows, width);
    else if (H5Dread(dataset, type == ARRAY_F32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                     data) < 0)
        status = read_failure(file, name);
    pack_hdf5_release(dataset);
    pack_hdf5_errors_end(&file->errors);
    return status;
}
