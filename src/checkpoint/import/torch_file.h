/* SPDX-License-Identifier: Apache-2.0 */
/* The archives that torch.save writes since PyTorch 1.6: ROOT/data.pkl is a pickle, ROOT/data/KEY the bytes of a
 * storage. */
#ifndef FOVEA_CHECKPOINT_IMPORT_TORCH_FILE_H
#define FOVEA_CHECKPOINT_IMPORT_TORCH_FILE_H

#include "checkpoint/import/pickle.h"
#include "checkpoint/import/zip.h"

typedef struct {
    Zip zip;
    Pickle pickle;
    const char *root; /* ROOT, not ended by a NUL */
    int root_length;
    uint64_t written; /* bytes of the tensors read that are as they lie in the file */
    uint64_t copied;  /* bytes of tensors that are not as they lie in the file */
} TorchFile;

/* EXIT_DATA naming `path` and the cause. Closed with torch_file_close() after success. */
Status torch_file_open(const char *path, TorchFile *file) MUST_USE;
void torch_file_close(TorchFile *file);

/* The dictionary of tensors: the entry `key` of the file's, or with NULL its first with tensors of model, teacher and
 * state_dict, or the file's own. *found is that entry's name, NULL for the file's own. EXIT_DATA listing the entries.
 */
Status torch_file_weights(const TorchFile *file, const char *key, const Value **weights, const char **found) MUST_USE;

/* The bytes of storage `key`, which are the file's. EXIT_DATA when there is none. */
Status torch_file_storage(const TorchFile *file, const Value *key, const ZipEntry **storage) MUST_USE;

#endif
