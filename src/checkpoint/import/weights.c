/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/weights.h"
#include "base/files.h"
#include "base/list.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "checkpoint/directory.h"
#include "checkpoint/import/shards.h"
#include "checkpoint/import/torch_tensor.h"
#include "checkpoint/import/weights_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct Weights {
    char *path;
    WeightsList list;
    SafeTensors **files;
    int file_count;
    int64_t file_capacity;
    char **paths; /* [path_count] of the files that have the tensors */
    int path_count;
    int64_t path_capacity;
    TorchFile torch;
    bool in_model; /* a PyTorch file, and the tensors are in its entry `model` */
    int left_out;
};

static Status name_failure(Status status, const char *path, const Value *key) {
    const bool plain = key->kind == VALUE_TEXT && key->count < 512;
    Status named = status_error(status_code(status), "%s: tensor \"%.*s\": %s", path, plain ? (int)key->count : 1,
                                plain ? key->text : "?", status_message(status));
    status_free(status);
    return named;
}

/* Values that are no tensors and contain none: numbers and texts that a program kept beside them. */
static bool is_plain_value(const Value *value) {
    return value->kind != VALUE_CALL && value->kind != VALUE_DICTIONARY && value->kind != VALUE_PERSISTENT;
}

static Status add_torch_tensor(Weights *weights, const Value *key, const Value *value) {
    Tensor tensor;
    void *copy = NULL;
    if (key->kind != VALUE_TEXT)
        return status_error(EXIT_DATA, "%s: a tensor has no text as its name", weights->path);
    if (is_plain_value(value)) {
        weights->left_out++;
        return NULL;
    }
    Status status = torch_tensor(&weights->torch, value, &tensor, &copy);
    if (status)
        return name_failure(status, weights->path, key);
    return weights_list_add(&weights->list, key->text, key->count, &tensor, copy);
}

static Status add_path(Weights *weights, const char *path) {
    TRY(list_grow(&weights->paths, weights->path_count, &weights->path_capacity, sizeof *weights->paths,
                  "a list of files"));
    TRY(text_format(&weights->paths[weights->path_count], "%s", path));
    weights->path_count++;
    return NULL;
}

static Status read_torch(Weights *weights, const char *path, const char *key) {
    const Value *dictionary;
    const char *entry;
    TRY(add_path(weights, path));
    TRY(torch_file_open(path, &weights->torch));
    TRY(torch_file_weights(&weights->torch, key, &dictionary, &entry));
    weights->in_model = entry && strcmp(entry, "model") == 0;
    for (uint32_t i = 0; i + 1 < dictionary->count; i += 2)
        TRY(add_torch_tensor(weights, dictionary->list.items[i], dictionary->list.items[i + 1]));
    return NULL;
}

static Status read_safetensors(Weights *weights, const char *path) {
    TRY(add_path(weights, path));
    TRY(list_grow(&weights->files, weights->file_count, &weights->file_capacity, sizeof *weights->files,
                  "a list of files"));
    SafeTensors *file;
    TRY(safetensors_open(path, &file));
    weights->files[weights->file_count++] = file;
    for (int i = 0; i < safetensors_count(file); i++) {
        const Tensor *tensor = safetensors_at(file, i);
        TRY(weights_list_add(&weights->list, tensor->name, strlen(tensor->name), tensor, NULL));
    }
    return NULL;
}

static Status read_shards(Weights *weights, const char *path) {
    Shards shards;
    TRY(shards_read(path, &shards));
    Status status = NULL;
    for (int i = 0; i < shards.count && !status; i++)
        status = read_safetensors(weights, shards.paths[i]);
    if (!status && weights->list.count != shards.tensors)
        status = status_error(EXIT_DATA, "%s: lists %d tensors, but its shards have %d", path, shards.tensors,
                              weights->list.count);
    shards_free(&shards);
    return status;
}

static bool ends_in(const char *text, const char *end) {
    const size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

enum { START = 14 };

static Status read_start(const char *path, unsigned char start[START], size_t *size) {
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return files_failure("read", path, errno);
    const ssize_t got = pread(descriptor, start, START, 0);
    Status status = got < 0 ? files_failure("read", path, errno) : NULL;
    close(descriptor);
    *size = got < 0 ? 0 : (size_t)got;
    return status;
}

/* Reads one file, of the kind that its first bytes tell. */
static Status read_file(Weights *weights, const char *path, const char *key) {
    /* torch.save before version 1.6: a pickle of a magic number. */
    static const unsigned char legacy[START] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c,
                                                0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    unsigned char start[START] = {0};
    size_t size;
    TRY(read_start(path, start, &size));
    if (size >= 4 && memcmp(start, "PK\3\4", 4) == 0)
        return read_torch(weights, path, key);
    if (size == START && memcmp(start, legacy, START) == 0)
        return status_error(EXIT_DATA,
                            "%s: in PyTorch's format from before version 1.6; read it there and save it again: "
                            "torch.save(torch.load(path, map_location='cpu'), new_path)",
                            path);
    if (key)
        return status_error(EXIT_USAGE, "%s: not a file of torch.save, so it has no entry \"%s\"", path, key);
    if (ends_in(path, ".index.json"))
        return read_shards(weights, path);
    if (size > 8 && start[8] == '{')
        return read_safetensors(weights, path);
    return status_error(EXIT_DATA, "%s: neither safetensors nor a file of torch.save%s", path,
                        size < START ? ": it is empty or cut off" : "");
}

/* The file of weights in a folder; *file is the caller's. */
static Status find_in_folder(const char *folder, char **file) {
    static const char *const names[] = {CHECKPOINT_WEIGHTS, "model.safetensors", "model.safetensors.index.json",
                                        "pytorch_model.bin"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        TRY(files_path(file, "%s/%s", folder, names[i]));
        if (files_exists(*file))
            return NULL;
        free(*file);
        *file = NULL;
    }
    return status_error(EXIT_DATA, "%s: a folder without %s, %s, %s or %s; name the file of weights", folder, names[0],
                        names[1], names[2], names[3]);
}

static Status open_weights(Weights *weights, const char *path, const char *key) {
    struct stat st;
    char *file = NULL;
    TRY(text_format(&weights->path, "%s", path));
    weights->list.path = weights->path;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        TRY(find_in_folder(path, &file));
    Status status = read_file(weights, file ? file : path, key);
    free(file);
    TRY(status);
    TRY(weights_list_finish(&weights->list));
    return weights->list.count ? NULL : status_error(EXIT_DATA, "%s: contains no tensors", path);
}

Status weights_open(const char *path, const char *key, Weights **weights) {
    *weights = NULL;
    Weights *opened = calloc(1, sizeof *opened);
    if (!opened)
        return status_no_memory("weights", sizeof *opened);
    opened->torch.zip.descriptor = -1;
    Status status = open_weights(opened, path, key);
    if (status) {
        weights_close(opened);
        return status;
    }
    *weights = opened;
    return NULL;
}

void weights_close(Weights *weights) {
    if (!weights)
        return;
    weights_list_free(&weights->list);
    for (int i = 0; i < weights->file_count; i++)
        safetensors_close(weights->files[i]);
    free(weights->files);
    for (int i = 0; i < weights->path_count; i++)
        free(weights->paths[i]);
    free(weights->paths);
    torch_file_close(&weights->torch);
    free(weights->path);
    free(weights);
}

int weights_count(const Weights *weights) {
    return weights->list.count;
}

const Tensor *weights_at(const Weights *weights, int index) {
    return &weights->list.items[index].tensor;
}

const Tensor *weights_find(const Weights *weights, const char *name) {
    for (int i = 0; i < weights->list.count; i++)
        if (strcmp(weights->list.items[i].tensor.name, name) == 0)
            return &weights->list.items[i].tensor;
    return NULL;
}

const char *weights_origin(const Weights *weights, int index) {
    return weights->list.items[index].origin;
}

const char *weights_path(const Weights *weights) {
    return weights->path;
}

WeightsSource weights_source(const Weights *weights) {
    bool mae = weights->in_model;
    for (int i = 0; i < weights->list.count; i++) {
        const Weight *weight = &weights->list.items[i];
        if (weight->mapped.hugging_face)
            return WEIGHTS_OF_HUGGING_FACE;
        if (ends_in(weight->mapped.name, ".ls1.gamma"))
            return WEIGHTS_OF_DINOV2;
        mae =
            mae || strncmp(weight->mapped.name, "decoder_", 8) == 0 || strncmp(weight->mapped.name, "fc_norm.", 8) == 0;
    }
    return mae ? WEIGHTS_OF_MAE : WEIGHTS_OF_TIMM;
}

bool weights_note_at(const Weights *weights, int index, TensorNote *note) {
    for (int i = 0; i < weights->file_count; i++) {
        const int count = safetensors_note_count(weights->files[i]);
        if (index < count) {
            note->key = safetensors_note_key(weights->files[i], index);
            note->value = safetensors_note(weights->files[i], note->key);
            return true;
        }
        index -= count;
    }
    return false;
}

int weights_left_out(const Weights *weights) {
    return weights->left_out;
}

Status weights_digest(const Weights *weights, uint8_t sha256[DIGEST_SHA256]) {
    DigestStream stream;
    Digest digest;
    TRY(digest_start(&stream, false));
    for (int i = 0; i < weights->path_count; i++) {
        Status status = digest_add_file(&stream, weights->paths[i]);
        if (status) {
            digest_close(&stream);
            return status;
        }
    }
    TRY(digest_end(&stream, &digest));
    memcpy(sha256, digest.sha256, DIGEST_SHA256);
    return NULL;
}

Status weights_check_parts(const Weights *weights) {
    for (int i = 0; i < weights->list.count; i++) {
        const Weight *weight = &weights->list.items[i];
        const char *part = names_unsupported_part(weight->mapped.name);
        if (part)
            return status_error(EXIT_DATA,
                                "%s: tensor \"%s\" belongs to %s, which this program does not have: without it the "
                                "other tensors compute something else; use a model without",
                                weights->path, weight->origin, part);
    }
    return NULL;
}
