/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/weights_write.h"
#include "base/files.h"
#include "base/safetensors_write.h"
#include "checkpoint/export/torch_write.h"

#include <stdlib.h>
#include <string.h>

enum { NOTES_MAX = 4096 };

typedef Status (*TensorWriter)(const char *path, const Tensor *tensors, int count, const TensorNote *notes,
                               int note_count);

/* By the ending of `path`; NULL for another. */
static TensorWriter find_writer(const char *path) {
    static const struct {
        const char *ending;
        TensorWriter write;
    } kinds[] = {
        {".safetensors", safetensors_write}, {".pth", torch_write}, {".pt", torch_write}, {".bin", torch_write}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const size_t length = strlen(path), ending = strlen(kinds[i].ending);
        if (length > ending && strcmp(path + length - ending, kinds[i].ending) == 0)
            return kinds[i].write;
    }
    return NULL;
}

Status weights_write_check(const char *path) {
    return find_writer(path)
               ? NULL
               : status_error(EXIT_USAGE, "%s: OUT must end in .safetensors, or in .pth for PyTorch", path);
}

bool weights_is_encoder(const char *name) {
    static const char *const others[] = {"decoder", "mask_token", "dino_head.", "ibot_head."};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(name, others[i], strlen(others[i])) == 0)
            return false;
    return true;
}

/* The tensors to write, in *list, the caller's. */
static Status select_tensors(const Weights *weights, bool encoder_only, Tensor **list, WeightsWritten *written) {
    *written = (WeightsWritten){0};
    *list = calloc((size_t)weights_count(weights) + 1, sizeof **list);
    if (!*list)
        return status_no_memory("a list of tensors", sizeof **list * (size_t)weights_count(weights));
    for (int i = 0; i < weights_count(weights); i++) {
        const Tensor *tensor = weights_at(weights, i);
        if (encoder_only && !weights_is_encoder(tensor->name))
            continue;
        (*list)[written->tensors++] = *tensor;
        written->parameters += tensor->count;
    }
    if (written->tensors)
        return NULL;
    return status_error(EXIT_DATA, "%s: no tensor of an encoder is in it", weights_path(weights));
}

/* Notes of several files may have the same key: the first is kept. */
static Status collect_notes(const Weights *weights, TensorNote **notes, int *count) {
    TensorNote note;
    *count = 0;
    *notes = calloc(NOTES_MAX, sizeof **notes);
    if (!*notes)
        return status_no_memory("notes", NOTES_MAX * sizeof **notes);
    for (int i = 0; weights_note_at(weights, i, &note) && *count < NOTES_MAX; i++) {
        bool known = false;
        for (int j = 0; j < *count && !known; j++)
            known = strcmp((*notes)[j].key, note.key) == 0;
        if (!known)
            (*notes)[(*count)++] = note;
    }
    return NULL;
}

static Status write_beside(TensorWriter write, const char *path, const Tensor *tensors, int count,
                           const TensorNote *notes, int note_count) {
    char *unfinished;
    TRY(files_name_unfinished(path, &unfinished));
    return files_finish(unfinished, path, write(unfinished, tensors, count, notes, note_count));
}

Status weights_write(const Weights *weights, bool encoder_only, const char *path, WeightsWritten *written) {
    Tensor *tensors = NULL;
    TensorNote *notes = NULL;
    int note_count = 0;
    TRY(weights_write_check(path));
    Status status = select_tensors(weights, encoder_only, &tensors, written);
    if (!status)
        status = collect_notes(weights, &notes, &note_count);
    if (!status)
        status = write_beside(find_writer(path), path, tensors, written->tensors, notes, note_count);
    free(notes);
    free(tensors);
    return status;
}
