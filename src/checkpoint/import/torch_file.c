/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/import/torch_file.h"
#include "base/text.h"
#include "base/text_writer.h"

#include <stdlib.h>
#include <string.h>

static const char PICKLE[] = "/data.pkl";
enum { PICKLE_LENGTH = sizeof PICKLE - 1, LISTED = 8 /* entries that a message names */ };

/* The entry ROOT/data.pkl; ROOT has no further part. */
static Status find_pickle(TorchFile *file, ZipEntry **pickle) {
    const Zip *zip = &file->zip;
    *pickle = NULL;
    for (int i = 0; i < zip->count; i++) {
        ZipEntry *entry = &zip->entries[i];
        if (entry->name_length <= PICKLE_LENGTH)
            continue;
        const size_t root = entry->name_length - PICKLE_LENGTH;
        if (memcmp(entry->name + root, PICKLE, PICKLE_LENGTH) != 0 || memchr(entry->name, '/', root))
            continue;
        if (*pickle)
            return status_error(EXIT_DATA, "%s: has two pickles; torch.save writes one", zip->path);
        *pickle = entry;
        file->root = entry->name;
        file->root_length = (int)root;
    }
    if (!*pickle)
        return status_error(EXIT_DATA, "%s: a ZIP archive, but none of torch.save: it has no data.pkl", zip->path);
    return NULL;
}

/* ROOT/NAME, or NULL. */
static Status find_entry(const TorchFile *file, const char *name, int length, ZipEntry **entry) {
    char *path;
    TRY(text_format(&path, "%.*s/%.*s", file->root_length, file->root, length, name));
    *entry = zip_find(&file->zip, path);
    free(path);
    return NULL;
}

static Status check_byte_order(const TorchFile *file) {
    ZipEntry *order;
    TRY(find_entry(file, "byteorder", 9, &order));
    if (!order)
        return NULL;
    TRY(zip_read(&file->zip, order));
    if (order->size != 6 || memcmp(order->data, "little", 6) != 0)
        return status_error(EXIT_DATA, "%s: its numbers are not little-endian; save it on another machine",
                            file->zip.path);
    return NULL;
}

static Status read_archive(TorchFile *file) {
    ZipEntry *pickle;
    TRY(find_pickle(file, &pickle));
    TRY(check_byte_order(file));
    TRY(zip_read(&file->zip, pickle));
    return pickle_open(file->zip.path, pickle->data, (size_t)pickle->size, &file->pickle);
}

Status torch_file_open(const char *path, TorchFile *file) {
    *file = (TorchFile){0};
    TRY(zip_open(path, &file->zip));
    Status status = read_archive(file);
    if (status)
        torch_file_close(file);
    return status;
}

void torch_file_close(TorchFile *file) {
    pickle_close(&file->pickle);
    zip_close(&file->zip);
}

/* Whether a dictionary's values are tensors, or calls of something else, which is refused by its name then. */
static bool has_calls(const Value *value) {
    for (uint32_t i = 0; value->kind == VALUE_DICTIONARY && i + 1 < value->count; i += 2)
        if (value->list.items[i + 1]->kind == VALUE_CALL)
            return true;
    return false;
}

/* " (its entries: a, b, ...)" */
static Status list_entries(const Value *dictionary, char **text) {
    TextWriter writer;
    uint32_t listed = 0;
    TRY(text_writer_open(&writer, "a list of entries"));
    for (uint32_t i = 0; i + 1 < dictionary->count && listed < LISTED; i += 2) {
        const Value *key = dictionary->list.items[i];
        if (key->kind == VALUE_TEXT && key->count < 100)
            fprintf(writer.out, "%s%.*s", listed++ ? ", " : "", (int)key->count, key->text);
    }
    if (dictionary->count / 2 > listed)
        fputs(", ...", writer.out);
    return text_writer_take(&writer, text);
}

static Status no_weights(const TorchFile *file, const Value *root) {
    char *entries;
    if (root->kind == VALUE_CALL && root->pair[0]->kind == VALUE_GLOBAL)
        return status_error(EXIT_DATA,
                            "%s: holds an object of class %s.%s, not a dictionary of tensors; save its state_dict()",
                            file->zip.path, root->pair[0]->global.module, root->pair[0]->global.name);
    if (root->kind != VALUE_DICTIONARY || !root->count)
        return status_error(EXIT_DATA, "%s: holds no dictionary of tensors; save a state_dict()", file->zip.path);
    TRY(list_entries(root, &entries));
    Status status = status_error(EXIT_DATA,
                                 "%s: no dictionary of tensors is called model, teacher or state_dict; name the one "
                                 "that has them among its entries: %s",
                                 file->zip.path, entries);
    free(entries);
    return status;
}

Status torch_file_weights(const TorchFile *file, const char *key, const Value **weights, const char **found) {
    static const char *const usual[] = {"model", "teacher", "state_dict"};
    const Value *root = file->pickle.root;
    *found = key;
    if (root->kind == VALUE_DICTIONARY && key) {
        *weights = value_find(root, key);
        if (*weights && has_calls(*weights))
            return NULL;
        char *entries;
        TRY(list_entries(root, &entries));
        Status status = status_error(EXIT_DATA, "%s: its entry \"%s\" is %s; its entries: %s", file->zip.path, key,
                                     *weights ? "no dictionary of tensors" : "missing", entries);
        free(entries);
        return status;
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual && root->kind == VALUE_DICTIONARY; i++) {
        *weights = value_find(root, usual[i]);
        *found = usual[i];
        if (*weights && has_calls(*weights))
            return NULL;
    }
    *found = NULL;
    *weights = root;
    return has_calls(root) ? NULL : no_weights(file, root);
}

Status torch_file_storage(const TorchFile *file, const Value *key, const ZipEntry **storage) {
    ZipEntry *entry = NULL;
    char *name;
    if (key->kind == VALUE_TEXT && key->count < 256) {
        TRY(text_format(&name, "data/%.*s", (int)key->count, key->text));
        Status status = find_entry(file, name, (int)strlen(name), &entry);
        free(name);
        TRY(status);
    }
    if (!entry)
        return status_error(EXIT_DATA, "its storage is missing in the file");
    TRY(zip_read(&file->zip, entry));
    *storage = entry;
    return NULL;
}
